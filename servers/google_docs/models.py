"""What documents look like here; what stands in them is marked as untrusted."""

from __future__ import annotations

from pydantic import Field

from flotilla import Model, UntrustedText


class Document(Model):
    """A document as Markdown. `lost`: what Markdown cannot say. Without next_cursor it is the end."""

    id: str
    title: UntrustedText
    markdown: UntrustedText
    lost: list[str] = Field(default_factory=list)
    next_cursor: str | None = None


class Written(Model):
    """A document that was written to. `lost`: what Docs cannot take."""

    id: str = ""
    url: str = ""
    lost: list[str] = Field(default_factory=list)


class Replaced(Model):
    """How many places were changed."""

    replaced: int = 0

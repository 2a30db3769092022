"""Result shapes of Google Docs; text in documents is marked as untrusted."""

from __future__ import annotations

from pydantic import Field

from flotilla import Model, UntrustedText


class Document(Model):
    """A document as Markdown. `lost` lists what Markdown cannot express. Without next_cursor it is the last page."""

    id: str
    title: UntrustedText
    markdown: UntrustedText
    lost: list[str] = Field(default_factory=list)
    next_cursor: str | None = None


class WrittenDocument(Model):
    """A document that was written to. `lost` lists what Google Docs cannot express of the Markdown."""

    id: str = ""
    url: str = ""
    lost: list[str] = Field(default_factory=list)


class ReplacedText(Model):
    """In how many places the text was replaced."""

    replaced: int = 0

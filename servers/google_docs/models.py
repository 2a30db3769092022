"""Result shapes of Google Docs; text in documents is marked as untrusted."""

from __future__ import annotations

from pydantic import AliasPath, AwareDatetime, Field

from flotilla import Model, Page, UntrustedText


class Document(Model):
    """A document as Markdown. `lost` lists what Markdown cannot express. Without next_cursor it is the last page.

    `word_count` is that of the whole document.
    """

    id: str
    title: UntrustedText
    url: str
    word_count: int
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


class DeletedText(Model):
    """How many characters were deleted from which document."""

    id: str = ""
    url: str = ""
    deleted: int = 0


class FilledDocument(Model):
    """A copy of a document. `replaced`: in how many places; `unfilled`: placeholders like {{date}} that are left."""

    id: str = ""
    title: UntrustedText = ""
    url: str = ""
    replaced: int = 0
    unfilled: list[UntrustedText] = Field(default_factory=list)


class Reply(Model):
    """A reply to a comment; `action` is resolve or reopen where it did that."""

    author: UntrustedText = Field("", validation_alias=AliasPath("author", "displayName"))
    text: UntrustedText = Field("", alias="content")
    created: AwareDatetime | None = Field(None, alias="createdTime")
    action: str | None = None


class Comment(Model):
    """A comment with its replies; `quoted` is the text that it is about."""

    id: str
    author: UntrustedText = Field("", validation_alias=AliasPath("author", "displayName"))
    text: UntrustedText = Field("", alias="content")
    quoted: UntrustedText | None = Field(None, validation_alias=AliasPath("quotedFileContent", "value"))
    created: AwareDatetime | None = Field(None, alias="createdTime")
    resolved: bool = False
    replies: list[Reply] = Field(default_factory=list)


class CommentPage(Page[Comment]):
    """One page of comments, the newest first. Without next_cursor it is the last one."""


class Answered(Model):
    """The reply that was written."""

    comment: str = ""
    reply: str = ""
    action: str = ""

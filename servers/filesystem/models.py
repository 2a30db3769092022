"""What the filesystem tools return."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Model, UntrustedText
from flotilla.files import Entry, FileRef

TextEncoding = Annotated[
    Literal["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"], Field(description="Text encoding of the file.")
]
Encoding = Annotated[
    Literal["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "base64"],
    Field(description="Text encoding of the file, utf-8-sig with a BOM; base64 for anything but text."),
]


class Location(Model):
    """Where something is now."""

    path: str
    type: str

    @classmethod
    def of(cls, entry: Entry) -> Location:
        """Return path and type of an entry."""
        return cls(path=entry.path, type=entry.type)


class FileContent(Model):
    """One part of a file."""

    path: str
    content: UntrustedText
    encoding: str
    bytes: int = Field(description="Size of the whole file.")
    hidden: int | None = Field(
        None, description="Number of hidden characters; they stand in the text as ⟨U+200B⟩, and are written back so."
    )
    next_offset: int | None = Field(None, description="The offset to read on from.")


class Edit(Model):
    """One replacement."""

    old_text: str = Field(min_length=1, description="Passage to replace; it must occur exactly once.")
    new_text: str = Field(description="Text that replaces it.")


class Edited(FileRef):
    """An edited file and what changed in it."""

    diff: UntrustedText
    note: str | None = None


class Match(Entry):
    """A file or folder; with `text`, one line of it."""

    line: int | None = None
    text: UntrustedText | None = None


class FileInfo(Entry):
    """All that is known of a path."""

    content_type: str | None = None
    sha256: str | None = None
    likely_encoding: str | None = None
    entries: int | None = None
    free_bytes: int | None = None


class Deleted(Model):
    """What was deleted; a folder counts all files below it."""

    path: str
    type: str
    files: int
    bytes: int

    @property
    def amount(self) -> str:
        """How many files and bytes are deleted, as a phrase."""
        files, size = "file" if self.files == 1 else "files", "byte" if self.bytes == 1 else "bytes"
        return f"{self.files:,} {files} and {self.bytes:,} {size}"

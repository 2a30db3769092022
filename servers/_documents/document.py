"""What every kind of document is made into: units in order, pages, sheets or slides, each of them text in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

Piece = tuple[str, int]  # text, and the position right behind it, from which the unit can be read on


class UnreadableError(Exception):
    """Why a document cannot be read, and what to do next, each as a sentence."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True)
class Attachment:
    """A file within a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass
class Document:
    """A document that is open. `unit` is page, sheet, slide or text; `names` are those of its units, if they have any.

    `facts` are title, author and the like; `notes` are sentences for the reader, and grow while units are read.
    """

    unit: str
    count: int = 1
    names: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)

    def pieces(self, number: int, position: int) -> Iterator[Piece]:
        """Yield the text of a unit, counted from 1, from a position on; 0 is its beginning."""
        raise NotImplementedError


class TextDocument(Document):
    """One that is a single text; positions count its characters."""

    def __init__(self, text: str, **more: object) -> None:
        super().__init__("text", **more)  # type: ignore[arg-type]
        self.text = text

    def pieces(self, number: int, position: int) -> Iterator[Piece]:
        """Yield its lines."""
        yield from lines(self.text, position)


def lines(text: str, position: int) -> Iterator[Piece]:
    """Yield a text from a position on: its lines, and parts of those that are long."""
    while position < len(text):
        end = text.find("\n", position, position + 2000) + 1 or position + 2000
        yield text[position:end], min(end, len(text))
        position = end


def contents(file: BinaryIO) -> bytes:
    """Return all of a file."""
    file.seek(0)
    return file.read()


def cell(value: str, longest: int = 2000) -> str:
    """Return text as a cell of a Markdown table."""
    text = " ".join(value.split()).replace("|", "\\|")
    return text if len(text) <= longest else text[:longest] + "…"


def row(cells: list[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |\n"

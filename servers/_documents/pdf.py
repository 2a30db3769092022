"""PDF, by pypdf: the text of each page as it is laid out, so that tables and invoices keep their columns."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from pypdf import PageObject, PdfReader
from pypdf.errors import PdfReadError

from .document import Document, Piece, UnreadableError, lines

WIDEST = 240  # characters of a line; wider pages lose their columns
_FACTS = {"title": "title", "author": "author", "creation_date": "created"}


class Pdf(Document):
    """A PDF file that is open."""

    def __init__(self, reader: PdfReader) -> None:
        super().__init__("page", len(reader.pages), facts=facts(reader))
        self.reader = reader

    def pieces(self, number: int, position: int) -> Iterator[Piece]:
        """Yield the text of a page, and what its form fields hold."""
        page = self.reader.pages[number - 1]
        text = laid_out(page)
        fields = "".join(f"- {name}: {value}\n" for name, value in form_fields(page))
        if fields:
            text += f"\nForm fields:\n{fields}"
        if not text.strip():
            self.note(number, page)
        yield from lines(text, position)

    def note(self, number: int, page: PageObject) -> None:
        """Say why a page has no text."""
        pictured = "/XObject" in (page.get("/Resources") or {})
        reason = "it is a picture, such as a scan, whose text cannot be read" if pictured else "it is empty"
        self.notes.append(f"Page {number} has no text: {reason}.")


def open_pdf(file: BinaryIO) -> Document:
    """Open a PDF file; one that opens without a password may still be encrypted."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(file, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError(
                "The PDF file is encrypted: it opens only with a password.",
                "Ask the user for a copy without a password.",
            )
        return Pdf(reader)
    except (PdfReadError, KeyError, ValueError, AttributeError, TypeError, AssertionError):
        raise UnreadableError("The PDF file is damaged.", "Ask for another copy, or open it with a viewer.") from None


def facts(reader: PdfReader) -> dict[str, str]:
    """Return title and author; many files have none, or some nonsense in their place."""
    try:
        known = {name: getattr(reader.metadata, field, None) for field, name in _FACTS.items()}
    except Exception:  # whatever stands there
        return {}
    return {name: str(value)[:500] for name, value in known.items() if value}


def laid_out(page: PageObject) -> str:
    """Return a page's text with its columns; of pages that this garbles, the text in the order of the file."""
    plain = page.extract_text()
    try:
        columns = page.extract_text(extraction_mode="layout", layout_mode_strip_rotated=False)
    except Exception:  # it is less robust than the plain text
        return plain
    tokens, split = plain.split(), columns.split()
    lost = len("".join(split)) < 0.9 * len("".join(tokens))
    return plain if lost or len(split) > 1.5 * len(tokens) + 5 else tidy(columns)


def tidy(text: str) -> str:
    """Drop the left margin, trailing blanks and repeated empty lines; narrow what is very wide."""
    rows = [row.rstrip() for row in text.split("\n")]
    margin = min((len(row) - len(row.lstrip()) for row in rows if row), default=0)
    rows = [row[margin:] for row in rows]
    if max(map(len, rows)) > WIDEST:
        rows = [re.sub(r" {4,}", "   ", row) for row in rows]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip("\n") + "\n"


def form_fields(page: PageObject) -> Iterator[tuple[str, str]]:
    """Yield names and values of the form's fields on a page: what a person typed is not part of its text."""
    for reference in page.get("/Annots") or ():
        widget: Any = reference.get_object()
        if widget.get("/Subtype") != "/Widget":
            continue
        owner = widget if "/T" in widget or "/Parent" not in widget else widget["/Parent"].get_object()
        value = widget.get("/V", owner.get("/V"))
        if value not in (None, "", "/Off"):
            yield str(owner.get("/T", "?")), str(value).removeprefix("/")

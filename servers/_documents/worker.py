"""Read a part of one document: a job in, results out, in a process of its own. `reader` starts this.

A document's kind is seen from what it holds: names of files are often wrong.
"""

from __future__ import annotations

import importlib
import io
import json
import mimetypes
import re
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import olefile

from .document import Document, UnreadableError, contents

LARGEST_ARCHIVE = 400 * 2**20  # bytes that the files in a document's archive have together
MOST_FILES = 20_000  # in an archive
OPENERS = {  # module and function; a module is imported for its own kind only, since each takes a while
    "pdf": ("pdf", "open_pdf"),
    "docx": ("texts", "open_docx"),
    "xlsx": ("workbooks", "open_xlsx"),
    "xls": ("workbooks", "open_xls"),
    "csv": ("workbooks", "open_csv"),
    "pptx": ("slides", "open_pptx"),
    "html": ("markup", "open_html"),
    "rtf": ("markup", "open_rtf"),
    "text": ("markup", "open_text"),
    "eml": ("mails", "open_eml"),
    "msg": ("mails", "open_msg"),
}
_PARTS = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_STREAMS = {"__properties_version1.0": "msg", "Workbook": "xls", "Book": "xls"}
_HEADER = re.compile(
    rb"(?i)(from|received|return-path|delivered-to|date|subject|to|message-id|mime-version|x-[a-z-]+): ?\S"
)
_HTML = re.compile(rb"(?i)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body|table)\b", re.DOTALL)
_SAVE = "Ask the user to save it as PDF, DOCX or XLSX."


def main(job: dict[str, Any], file: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield what is known of the document, then {"number", "text", "next"} for each part of it, then its notes.

    The job: `ending` of the name, `pages` wanted as text ("" for all), `start` and `position` of a cursor, `room` in
    bytes, `attachment` of a mail. What cannot be read is {"problem", "hint"}.
    """
    sys.setrecursionlimit(5000)  # web pages are nested deeply
    mimetypes.knownfiles.clear()  # the built-in table remains: files of the system cannot be opened here
    try:
        kind, document = opened(file, job["ending"])
        if job["attachment"]:
            kind, document = attached(document, kind, job["attachment"])
        chosen = numbers(job["pages"], document)
        attachments = [
            {"name": one.name, "content_type": one.content_type, "bytes": len(one.content)}
            for one in document.attachments
        ]
        yield {"format": kind, "unit": document.unit, "count": document.count, "names": document.names[:200]}
        yield {"facts": document.facts, "attachments": attachments}
        yield from parts(document, [n for n in chosen if n >= job["start"]], job)
        yield {"notes": document.notes}
    except UnreadableError as problem:
        yield {"problem": problem.message, "hint": problem.hint}


def parts(document: Document, chosen: list[int], job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield as many units as there is room for, the last one perhaps in part; `next` tells where to read on."""
    room, begun = job["room"], False
    for number in chosen:
        position = job["position"] if number == job["start"] else 0
        texts: list[str] = []
        for text, end in document.pieces(number, position):
            size = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            if size > room and begun:
                yield {"number": number, "text": "".join(texts), "next": [number, position]}
                return
            if size > room:  # a single piece that is larger than everything that was asked for
                text = text[: max(1, room // 8)] + "…\n"
            texts.append(text)
            room, begun = room - size, begun or end > position  # the heading of a table does not count
            position = end
        yield {"number": number, "text": "".join(texts), "next": None}
        begun = True


def opened(file: BinaryIO, ending: str) -> tuple[str, Document]:
    """Return a document's kind and the document."""
    kind = kind_of(file, ending)
    file.seek(0)
    module, function = OPENERS[kind]
    document: Document = getattr(importlib.import_module(f"{__package__}.{module}"), function)(file)
    return kind, document


def kind_of(file: BinaryIO, ending: str) -> str:
    """Return what a file is; raises UnreadableError for a file that is not a readable document."""
    start = file.read(4096)
    if not start:
        raise UnreadableError("The file is empty.", "Ask the user for another copy.")
    if b"%PDF-" in start[:1024]:
        return "pdf"
    if start.startswith(b"PK\x03\x04"):
        return in_archive(file)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return in_compound(file)
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if ending in ("html", "htm", "xhtml") or _HTML.match(start):
        return "html"
    if ending == "eml" or (ending not in ("txt", "md", "csv", "tsv") and _HEADER.match(start)):
        return "eml"
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError(
            "The file is not a document of a known kind: it may be a picture, a sound or a program.",
            "It can only be read as base64, with fs_read_file.",
        )
    return "csv" if ending in ("csv", "tsv") else "text"


def in_archive(file: BinaryIO) -> str:
    """Return the kind of a document that is a ZIP archive, once it is known to fit this process."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError):
        raise UnreadableError("The file is damaged: its archive cannot be opened.", "Ask for another copy.") from None
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if total > LARGEST_ARCHIVE or len(members) > MOST_FILES:
        raise UnreadableError(
            f"The document holds {total / 2**20:,.0f} MB in {len(members):,} files when it is unpacked, which is "
            "more than can be read.",
            "Ask the user for a smaller document.",
        )
    for member in members:
        for folder, kind in _PARTS.items():
            if member.filename.startswith(folder):
                return kind
    raise UnreadableError("The file is an archive, not a document.", _SAVE)


def in_compound(file: BinaryIO) -> str:
    """Return the kind of a document in Microsoft's older container; encrypted new ones stand in it too."""
    try:
        streams = {names[0] for names in olefile.OleFileIO(io.BytesIO(contents(file))).listdir()}
    except OSError:  # olefile's own errors
        raise UnreadableError("The file is damaged: its container cannot be opened.", "Ask for another copy.") from None
    if "EncryptedPackage" in streams:
        raise UnreadableError(
            "The document is encrypted: it opens only with a password.", "Ask the user for a copy without a password."
        )
    for stream, kind in _STREAMS.items():
        if stream in streams:
            return kind
    name = {"WordDocument": "Word", "PowerPoint Document": "PowerPoint"}
    older = next((product for stream, product in name.items() if stream in streams), "")
    raise UnreadableError(
        f"The file is in the format of {older or 'an Office program'} before 2007, which cannot be read.", _SAVE
    )


def attached(document: Document, kind: str, name: str) -> tuple[str, Document]:
    """Open a file within a mail."""
    for attachment in document.attachments:
        if folded(attachment.name) == folded(name):
            return opened(io.BytesIO(attachment.content), attachment.name.rpartition(".")[2].lower())
    names = ", ".join(attachment.name for attachment in document.attachments)
    if kind not in ("eml", "msg"):
        raise UnreadableError("Only mails have attachments.", "Leave `attachment` out.")
    raise UnreadableError(f"The mail has no attachment {name!r}.", f"Its attachments: {names or 'none'}.")


def numbers(pages: str, document: Document) -> list[int]:
    """Return the units that are asked for: by name first, since a sheet may be called 2024, then as 3 or 2-5,8."""
    every = list(range(1, document.count + 1))
    if not pages.strip():
        return every
    named = [n for n, name in enumerate(document.names, 1) if folded(name) == folded(pages)]
    if named:
        return named
    result: set[int] = set()
    for part in pages.split(","):
        match = re.fullmatch(r"\s*(\d{1,7})?\s*(-)?\s*(\d{1,7})?\s*", part)
        if not match or not (match[1] or match[3]):
            names = f": {', '.join(document.names[:50])}" if document.names else ""
            raise UnreadableError(
                f"There is no {document.unit} {pages!r}.", f"The document has {counted(document)}{names}."
            )
        first = int(match[1] or 1)
        last = int(match[3] or (document.count if match[2] else first))
        result |= set(every[max(0, first - 1) : last])
    if not result:
        raise UnreadableError(f"There is no {document.unit} {pages}.", f"The document has {counted(document)}.")
    return sorted(result)


def counted(document: Document) -> str:
    """Return how many pages, sheets or slides there are, as a phrase."""
    return f"{document.count} {document.unit}{'' if document.count == 1 else 's'}"


def folded(name: str) -> str:
    """Return a name as it is compared: without case and accents."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())

"""Documents between the vendor and the data folder: streamed in whole or not at all, checked in both directions."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from email.message import Message
from typing import Any, TypeVar

import httpx2 as httpx

from flotilla import errors, files, in_thread, link

from .client import api
from .models import Attachment, Document
from .records import read

FOLDER = "facturation-pro"
LARGEST_UP = 20 * 2**20  # bytes; the vendor documents no limit
LARGEST_DOWN = 100 * 2**20
TRIES = 3
PART = 2**18
# what invoicing needs; the first bytes that a file of the type has, where all have the same
TYPES: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF8",),
    "image/tiff": (b"II*\0", b"MM\0*"),
    "application/zip": (b"PK",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (b"PK",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK",),
    "application/vnd.oasis.opendocument.text": (b"PK",),
    "application/vnd.oasis.opendocument.spreadsheet": (b"PK",),
    "text/plain": (),
    "text/csv": (),
    "text/xml": (),
    "application/xml": (),
}
ANY = "application/octet-stream"
T = TypeVar("T")


# -- to the vendor ----------------------------------------------------------------------------------------------------


async def upload(path: str, file: str, name: str | None, visible: bool | None = None) -> Attachment:
    """Send a file of the data folder to an upload route; returns what the vendor stored.

    Raises errors.InvalidInputError for a file that is too big, or whose type or first bytes are not those of a
    document.
    """
    data = await in_thread(files.read, file, LARGEST_UP)
    kind = files.content_type(file)
    if kind not in TYPES:
        raise errors.InvalidInputError(
            f"{file} is {kind}, which cannot be attached.", "Upload a PDF, image, office document or text."
        )
    if not data or (TYPES[kind] and not data.startswith(TYPES[kind])):
        raise errors.InvalidInputError(
            f"The content of {file} does not fit its name ({kind}).", "Upload the right file."
        )
    stored = safe(name or file.rsplit("/", 1)[-1])
    answer = await api.post(
        path,
        params={"filename": stored, "visible": visible or None},
        files={"upload_file": (stored, data, kind)},
    )
    return read(Attachment, answer)


def safe(name: str, otherwise: str = "document") -> str:
    """Return a name that is a file's name everywhere: no folders, no control characters, no leading dot."""
    plain = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C")
    cleaned = re.sub(r"[/\\:*?\"<>|%]+", "-", plain).strip(" .-")
    stem, dot, ending = cleaned.rpartition(".")
    return f"{stem[:80]}{dot}{ending[:10]}" if stem else (cleaned[:80] or otherwise)


# -- from the vendor --------------------------------------------------------------------------------------------------


async def download(path: str, name: str, kind: str = "", **params: Any) -> Document:
    """Write a document of the vendor to the data folder under `name`, replacing an older copy; links it to the result.

    `kind`: the content type that it must have. Raises errors.UpstreamError for another one. A connection that breaks in
    the middle is tried again: nothing is there before all of it is.
    """
    for attempt in range(TRIES):
        begun = False
        try:
            async with api.stream("GET", path, params=params, headers={"Accept": kind or "*/*"}) as response:
                begun = True
                ref = await _saved(response, name, kind)
            break
        except _WrongContentError:
            raise
        except errors.UpstreamError:
            if not begun or attempt + 1 == TRIES:
                raise
    link(ref)
    return Document(**ref.model_dump())


async def _saved(response: httpx.Response, name: str, kind: str) -> files.FileRef:
    content_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if (kind and content_type not in (kind, ANY)) or (not kind and content_type in ("text/html", "application/json")):
        raise _WrongContentError(
            f"Facturation.PRO sent {errors.excerpt(content_type or 'something unnamed', 60)} in place of a document.",
            "Look at the object first: it may not have a document.",
        )
    target, first = f"{FOLDER}/{name if kind else name + _ending(response, content_type)}", b""
    async with _in_threads(files.writer(target, overwrite=True, max_bytes=LARGEST_DOWN)) as out:
        async for part in response.aiter_bytes(PART):
            first = first or part
            await in_thread(out.write, part)
        if kind == "application/pdf" and not first.startswith(b"%PDF-"):
            raise _WrongContentError("Facturation.PRO sent something that is not a PDF.", "Try again later.")
    return out.ref


class _WrongContentError(errors.UpstreamError):
    """The answer is not the document: another try would give the same."""


def _ending(response: httpx.Response, kind: str) -> str:
    """Return what goes behind an attachment's number: the name it was uploaded with, else the ending of its type."""
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    named = header.get_filename()
    return f"-{safe(named)}" if named else mimetypes.guess_extension(kind) or ".bin"


@asynccontextmanager
async def _in_threads(opened: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a blocking context manager in threads: leaving writes to the disk."""
    value = await in_thread(opened.__enter__)
    try:
        yield value
    except BaseException as why:
        opened.__exit__(type(why), why, why.__traceback__)  # throws the unfinished file away, which is quick
        raise
    await in_thread(opened.__exit__, None, None, None)

"""A file's content as text: exported by Google, or its bytes where they are text."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from flotilla import errors, segment
from flotilla_servers._google import EVERYWHERE, page_of

from .client import api
from .formats import APPS, TYPES
from .models import FileText

LARGEST = 20_000_000  # bytes that are read to show a page of them
_EXPORTS = {"document": "md", "spreadsheet": "csv", "presentation": "txt"}
_TEXTS = (
    "text/",
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/javascript",
    "application/sql",
    "application/rtf",
    "message/rfc822",
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


async def read_text(metadata: Mapping[str, Any], cursor: str | None) -> FileText:
    """Return one page of a file's text. `metadata` is the API's File.

    Raises errors.InvalidInputError for a file that is no text, with the tool that reads it.
    """
    kind, note = str(metadata.get("mimeType", "")), None
    url = f"/files/{segment(str(metadata['id']))}"
    own = _EXPORTS.get(kind.removeprefix(APPS)) if kind.startswith(APPS) else None
    if own:
        response = await api.send("GET", f"{url}/export", params={"mimeType": TYPES[own]}, largest=LARGEST)
        note = "This is the first sheet only: gsheets_read_range reads the others." if own == "csv" else None
    elif kind.startswith(_TEXTS):
        if int(metadata.get("size") or 0) > LARGEST:
            raise errors.InvalidInputError(
                "The file is too large to be read as text here.", "Save it with gdrive_download_file."
            )
        response = await api.send("GET", url, params={"alt": "media", **EVERYWHERE}, largest=LARGEST)
    else:
        raise _no_text(kind)
    text, following = page_of(_decoded(response.content), cursor)
    return FileText(
        id=str(metadata["id"]),
        name=metadata.get("name", ""),
        type=kind,
        text=text,
        note=note,
        next_cursor=following,
    )


def _decoded(content: bytes) -> str:
    """Return bytes as text: by their mark, else as UTF-8, else as Windows writes western languages."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    text = content.decode("utf-8", "replace")
    return text if "\ufffd" not in text else content.decode("cp1252", "replace")


def _no_text(kind: str) -> errors.InvalidInputError:
    if kind.startswith(APPS):
        name = errors.excerpt(kind.removeprefix(APPS), 40)
        return errors.InvalidInputError(f"A Google {name} has no text.", "Ask the user to open it in the browser.")
    return errors.InvalidInputError(
        f"A file of the type {errors.excerpt(kind or 'unknown', 80)} is not plain text.",
        "Save it with gdrive_download_file, then read the saved path with fs_read_document of the filesystem server "
        "where it is PDF, DOCX, XLSX, PPTX, HTML or EML.",
    )

"""Ids of files in Drive, spreadsheets and documents, and the addresses that hold them: people paste addresses."""

from __future__ import annotations

import re

from flotilla import errors

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_IN_URL = re.compile(r"https://[a-z]+\.google\.com/\S*?(?:/d/|/folders/|[?&]id=)([A-Za-z0-9_-]{1,200})(?:[/?#&]\S*)?")


def file_id(id_or_address: str) -> str:
    """Return the id of a file, from an id or an address; raises errors.InvalidInputError for something else."""
    text = id_or_address.strip()
    if in_url := _IN_URL.fullmatch(text):
        return in_url[1]
    if _ID.fullmatch(text):
        return text
    raise errors.InvalidInputError(
        f"`{errors.excerpt(id_or_address, 80)}` is not a valid id or address of a Google file.",
        "Pass the id that a list or search returned, or the address from the browser.",
    )

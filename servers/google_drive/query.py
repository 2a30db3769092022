"""Drive's search language, composed so that no value can become another condition.

https://developers.google.com/workspace/drive/api/guides/search-files
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flotilla_servers._google import SEARCHED, file_id, quoted

FOLDER = "application/vnd.google-apps.folder"
KINDS = {
    "folder": f"mimeType = '{FOLDER}'",
    "document": "mimeType = 'application/vnd.google-apps.document'",
    "spreadsheet": "mimeType = 'application/vnd.google-apps.spreadsheet'",
    "presentation": "mimeType = 'application/vnd.google-apps.presentation'",
    "pdf": "mimeType = 'application/pdf'",
    "image": "mimeType contains 'image/'",
}
OWNERS = {"mine": "'me' in owners", "shared_with_me": "sharedWithMe = true"}


def inside(folder: str) -> str:
    """Return the query for the contents of a folder."""
    return f"{quoted(folder)} in parents and trashed = false"


def search(
    text: str, full_text: bool, kind: str | None, folder: str | None, after: datetime | None, where: str | None = None
) -> str:
    """Return the query for files by words, and by the other conditions that are given. `where`: see `corpus`."""
    conditions = [f"{'fullText' if full_text else 'name'} contains {quoted(text)}"] if text else []
    if kind:
        conditions.append(KINDS[kind])
    if folder:
        conditions.append(f"{quoted(folder)} in parents")
    if after:
        conditions.append(f"modifiedTime > '{after.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'")
    if where in OWNERS:
        conditions.append(OWNERS[where])
    return " and ".join([*conditions, "trashed = false"])


def corpus(where: str | None) -> dict[str, Any]:
    """Return the parameters that say where to look: everywhere, in My Drive, in what is shared, in a shared drive."""
    if not where:
        return SEARCHED
    if where in OWNERS:
        return {**SEARCHED, "corpora": "user"}
    return {**SEARCHED, "corpora": "drive", "driveId": file_id(where)}

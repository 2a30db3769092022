"""Drive's search language, composed so that no value can become another condition.

https://developers.google.com/workspace/drive/api/guides/search-files
"""

from __future__ import annotations

from datetime import UTC, datetime

FOLDER = "application/vnd.google-apps.folder"
KINDS = {
    "folder": f"mimeType = '{FOLDER}'",
    "document": "mimeType = 'application/vnd.google-apps.document'",
    "spreadsheet": "mimeType = 'application/vnd.google-apps.spreadsheet'",
    "presentation": "mimeType = 'application/vnd.google-apps.presentation'",
    "pdf": "mimeType = 'application/pdf'",
    "image": "mimeType contains 'image/'",
}


def quoted(value: str) -> str:
    """Return a value as a string of the search language."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def inside(folder: str) -> str:
    """Return the query for the contents of a folder."""
    return f"{quoted(folder)} in parents and trashed = false"


def search(text: str, full_text: bool, kind: str | None, folder: str | None, after: datetime | None) -> str:
    """Return the query for files by words, and by the other conditions that are given."""
    conditions = [f"{'fullText' if full_text else 'name'} contains {quoted(text)}"] if text else []
    if kind:
        conditions.append(KINDS[kind])
    if folder:
        conditions.append(f"{quoted(folder)} in parents")
    if after:
        conditions.append(f"modifiedTime > '{after.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'")
    return " and ".join([*conditions, "trashed = false"])

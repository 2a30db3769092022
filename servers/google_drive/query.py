"""Drive's search language, put together so that no value can become another condition.

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
    """Return the search for what stands in a folder."""
    return f"{quoted(folder)} in parents and trashed = false"


def search(words: str, whole_text: bool, kind: str | None, folder: str | None, after: datetime | None) -> str:
    """Return the search for files by words, and by whatever else is given."""
    found = [f"{'fullText' if whole_text else 'name'} contains {quoted(words)}"] if words else []
    if kind:
        found.append(KINDS[kind])
    if folder:
        found.append(f"{quoted(folder)} in parents")
    if after:
        found.append(f"modifiedTime > '{after.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'")
    return " and ".join([*found, "trashed = false"])

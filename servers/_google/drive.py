"""Drive's API beside that of another Google server: spreadsheets and documents are found, copied and commented there.

https://developers.google.com/workspace/drive/api/reference/rest/v3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasPath, AwareDatetime, Field, HttpUrl

from flotilla import Api, ByCursor, Integration, Model, Page, UntrustedText, readable

from .client import GoogleSettings, google
from .reach import limit_note

BASE = "https://www.googleapis.com/drive/v3"
HOST = "www.googleapis.com:443"
FOUND_FIELDS = "id,name,modifiedTime,webViewLink,owners(emailAddress),lastModifyingUser(displayName)"
EVERYWHERE = {"supportsAllDrives": "true"}  # without it, Google does not find files of shared drives
SEARCHED = {"corpora": "allDrives", "includeItemsFromAllDrives": "true", **EVERYWHERE}
FILES = ByCursor("files", "nextPageToken", cursor="pageToken", limit="pageSize")
COMMENTS = ByCursor("comments", "nextPageToken", cursor="pageToken", limit="pageSize")


class DriveSettings(GoogleSettings):
    """Settings of a server that speaks to Drive too."""

    drive_url: HttpUrl = Field(HttpUrl(BASE), description="Address of the API of Google Drive")


class FoundFile(Model):
    """A file that a search in Drive found."""

    id: str
    title: UntrustedText = Field("", alias="name")
    url: str | None = Field(None, alias="webViewLink")
    modified: AwareDatetime | None = Field(None, alias="modifiedTime")
    last_editor: UntrustedText | None = Field(None, validation_alias=AliasPath("lastModifyingUser", "displayName"))
    owner: UntrustedText | None = Field(None, validation_alias=AliasPath("owners", 0, "emailAddress"))


class FoundFiles(Page[FoundFile]):
    """One page of what was found. Without next_cursor it is the last one. `note` says what may be missing."""

    note: str | None = None


def drive_beside(api: Api, integration: Integration[Any]) -> Api:
    """Return the Api of Drive for a server of another Google API, with the same access token.

    Its settings are `DriveSettings`, and its hosts hold HOST.
    """
    return google(integration, base_url="drive_url", auth=api.auth)


def quoted(value: str) -> str:
    """Return a value as a string of Drive's search language."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def find_by_title(drive: Api, mime_type: str, title: str, limit: int, cursor: str | None) -> FoundFiles:
    """Return files of one type by the words of their title, in My Drive, shared ones and those of shared drives.

    The last changed come first; without a title all come.
    """
    conditions = [f"mimeType = {quoted(mime_type)}", "trashed = false"]
    conditions += [f"name contains {quoted(title.strip())}"] if title.strip() else []
    fields = f"nextPageToken,incompleteSearch,files({FOUND_FIELDS})"
    params = {"q": " and ".join(conditions), "orderBy": "modifiedTime desc", "fields": fields, **SEARCHED}
    answer = await drive.get("/files", params={**params, **FILES.query(limit, cursor)})
    items = readable(FoundFile, drive.rows_in(answer, "files", missing=True))
    return FoundFiles(
        items=items, next_cursor=answer.get("nextPageToken"), note=search_note(drive, answer, bool(items))
    )


def search_note(drive: Api, answer: Mapping[str, Any], any_items: bool) -> str | None:
    """Return what the answer to a search may leave out, None where nothing."""
    if answer.get("incompleteSearch"):
        return "Google did not search all shared drives: search with more words."
    return (limit_note(drive) if not any_items else "") or None

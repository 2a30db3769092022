"""Result shapes of Google Drive; names are marked as untrusted."""

from __future__ import annotations

from typing import Any

from pydantic import AliasPath, AwareDatetime, Field, model_validator

from flotilla import Model, Page, UntrustedText

FIELDS = (
    "id,name,mimeType,size,modifiedTime,webViewLink,parents,driveId,trashed,md5Checksum,shortcutDetails(targetId),"
    "owners(emailAddress),lastModifyingUser(displayName)"
)


class FileRow(Model):
    """A file or folder in a list; `bytes` is missing for Google's own formats."""

    id: str
    name: UntrustedText = ""
    type: str = Field("", alias="mimeType")
    bytes: int | None = Field(None, alias="size")
    modified: AwareDatetime | None = Field(None, alias="modifiedTime")
    last_editor: UntrustedText | None = Field(None, validation_alias=AliasPath("lastModifyingUser", "displayName"))
    url: str | None = Field(None, alias="webViewLink")


class FilePage(Page[FileRow]):
    """One page of files. Without next_cursor it is the last one. `note` says what an empty list may leave out."""

    note: str | None = None


class File(FileRow):
    """A file or folder."""

    folder: str | None = Field(None, validation_alias=AliasPath("parents", 0))
    shared_drive: str | None = Field(None, alias="driveId")
    owner: UntrustedText | None = Field(None, validation_alias=AliasPath("owners", 0, "emailAddress"))
    shortcut_to: str | None = Field(None, validation_alias=AliasPath("shortcutDetails", "targetId"))
    trashed: bool = False


class ChangedFile(Model):
    """A file after a change."""

    id: str = ""
    name: UntrustedText = ""
    url: str | None = Field(None, alias="webViewLink")
    folder: str | None = Field(None, validation_alias=AliasPath("parents", 0))


class FileText(Model):
    """A file's content as text. `note` says what it leaves out. Without next_cursor it is the last page."""

    id: str
    name: UntrustedText = ""
    type: str = ""
    text: UntrustedText = ""
    note: str | None = None
    next_cursor: str | None = None


class SharedFile(Model):
    """Who has which role on a file now; `url` is the address to pass on."""

    file: str
    who: str
    role: str
    permission: str = ""
    url: str = ""


class Permission(Model):
    """Who may do what with a file. `who` is an address, a domain, or anyone who has the link.

    `inherited`: it comes from the folder or the shared drive, and can only be taken back there.
    """

    id: str
    type: str = ""
    role: str = ""
    who: UntrustedText = ""
    name: UntrustedText = Field("", alias="displayName")
    expires: AwareDatetime | None = Field(None, alias="expirationTime")
    inherited: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        details = [one for one in raw.get("permissionDetails") or () if isinstance(one, dict)]
        who = raw.get("emailAddress") or raw.get("domain") or raw.get("type") or ""
        return {"who": who, "inherited": bool(details) and all(one.get("inherited") for one in details), **raw}


class UnsharedFile(Model):
    """Who has no access of their own to a file any more."""

    file: str
    who: UntrustedText


class Storage(Model):
    """Storage of the account in bytes. `limit` and `free` are missing where it is not limited."""

    account: str = ""
    used: int = 0
    in_drive: int = 0
    in_trash: int = 0
    limit: int | None = None
    free: int | None = None


class TrashedFile(Model):
    """The id of what was moved to the trash."""

    trashed: str


class SharedDrive(Model):
    """A shared drive."""

    id: str
    name: UntrustedText = ""

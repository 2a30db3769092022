"""Result shapes of Google Drive; names are marked as untrusted."""

from __future__ import annotations

from pydantic import AliasPath, AwareDatetime, Field

from flotilla import Model, Page, UntrustedText

FIELDS = (
    "id,name,mimeType,size,modifiedTime,webViewLink,parents,driveId,trashed,md5Checksum,shortcutDetails(targetId),"
    "owners(emailAddress)"
)


class FileRow(Model):
    """A file or folder in a list; `bytes` is missing for Google's own formats."""

    id: str
    name: UntrustedText = ""
    type: str = Field("", alias="mimeType")
    bytes: int | None = Field(None, alias="size")
    modified: AwareDatetime | None = Field(None, alias="modifiedTime")


class FilePage(Page[FileRow]):
    """One page of files. Without next_cursor it is the last one. `note` says what an empty list may leave out."""

    note: str | None = None


class File(FileRow):
    """A file or folder."""

    url: str | None = Field(None, alias="webViewLink")
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


class SharedFile(Model):
    """Who has which role on a file now; `permission` is the id of that."""

    file: str
    who: str
    role: str
    permission: str = ""


class TrashedFile(Model):
    """The id of what was moved to the trash."""

    trashed: str


class SharedDrive(Model):
    """A shared drive."""

    id: str
    name: UntrustedText = ""

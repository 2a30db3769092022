"""What files look like here; names are marked as untrusted."""

from __future__ import annotations

from pydantic import AliasPath, AwareDatetime, Field

from flotilla import Model, UntrustedText

FIELDS = (
    "id,name,mimeType,size,modifiedTime,webViewLink,parents,driveId,trashed,md5Checksum,shortcutDetails(targetId),"
    "owners(emailAddress)"
)


class Line(Model):
    """A file or folder in a list."""

    id: str
    name: UntrustedText = ""
    type: str = Field("", alias="mimeType")
    bytes: int | None = Field(None, alias="size")  # Google's own formats have none
    modified: AwareDatetime | None = Field(None, alias="modifiedTime")


class File(Line):
    """A file or folder."""

    url: str | None = Field(None, alias="webViewLink")
    folder: str | None = Field(None, validation_alias=AliasPath("parents", 0))
    shared_drive: str | None = Field(None, alias="driveId")
    owner: UntrustedText | None = Field(None, validation_alias=AliasPath("owners", 0, "emailAddress"))
    shortcut_to: str | None = Field(None, validation_alias=AliasPath("shortcutDetails", "targetId"))
    trashed: bool = False


class Done(Model):
    """A file after a change."""

    id: str = ""
    name: UntrustedText = ""
    url: str | None = Field(None, alias="webViewLink")
    folder: str | None = Field(None, validation_alias=AliasPath("parents", 0))


class Shared(Model):
    """Who may do what with a file now."""

    file: str
    who: str
    role: str
    permission: str = ""


class Trashed(Model):
    """What was moved to the trash."""

    trashed: str


class Drive(Model):
    """A shared drive."""

    id: str
    name: UntrustedText = ""

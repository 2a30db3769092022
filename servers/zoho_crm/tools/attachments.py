"""Files that are attached to records. https://www.zoho.com/crm/developer/docs/api/v8/get-attachments.html"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from flotilla import (
    Cursor,
    Limit,
    Model,
    Page,
    Toolset,
    choose,
    files,
    in_thread,
    readable,
    segment,
    sliced,
)

from .. import records, scopes, values
from ..client import api
from ..models import Attached, Attachment
from .search import Record

tools = Toolset("attachments")

LARGEST_UP, LARGEST_DOWN = 20_000_000, 100_000_000  # bytes
NAMES = "id,File_Name,Size,Created_Time,Created_By"


class _File(Model):
    """An attachment as Zoho returns it."""

    id: str
    name: str = Field(alias="File_Name")
    size: int | None = Field(None, alias="Size")
    at: str | None = Field(None, alias="Created_Time")
    by: str = ""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, "by": values.shown(None, raw.get("Created_By"))} if isinstance(raw, Mapping) else raw


async def _attached(module: str, number: str) -> list[_File]:
    answer = await api.request("GET", f"/{module}/{segment(number)}/Attachments", params={"fields": NAMES})
    return readable(_File, api.rows_in(answer, "data") if answer is not None else [])


@tools.reads(core=False, scopes=scopes.ATTACHED, search="pièces jointes fichiers documents attachés files")
async def list_attachments(record: Record, limit: Limit = 20, cursor: Cursor = None) -> Page[Attachment]:
    """List the files that are attached to a record, each with its id, name, size in bytes and who added it.

    To save one in the data folder, use zoho_download_attachment; to add one, zoho_upload_attachment.
    """
    module, number = await records.resolved(record)
    rows = [
        Attachment(id=one.id, name=one.name, bytes=one.size, at=one.at, by=one.by or None)
        for one in await _attached(module, number)
    ]
    return sliced(rows, limit, cursor)


@tools.reads(
    core=False,
    scopes=scopes.ATTACHED,
    search="télécharge pièce jointe fichier devis enregistre save file",
    deadline=55,
)
async def download_attachment(
    record: Record,
    attachment: Annotated[
        str,
        Field(description="Name of the file, or its id from zoho_list_attachments.", examples=["devis.pdf"]),
    ],
) -> files.FileRef:
    """Save a file that is attached to a record in the data folder, in a folder by its id, up to 100 MB.

    Returns path, size and checksum, not the text: fs_read_document of the filesystem server reads PDF, Word, Excel and
    PowerPoint by the path. The files of a record are listed by zoho_list_attachments.
    """
    module, number = await records.resolved(record)
    file = choose(attachment, await _attached(module, number), kind="attachment")
    safe = re.sub(r"[^\w.,()+ -]+", "_", file.name).strip(". ")[-120:] or "file"
    response = await api.send(
        "GET",
        f"/{module}/{segment(number)}/Attachments/{segment(file.id)}",
        headers={"Accept": "*/*"},
        largest=LARGEST_DOWN,
    )
    return await in_thread(files.write, f"zoho/{file.id}/{safe}", response.content, True)


@tools.writes(
    core=False,
    creates=True,
    scopes=scopes.ATTACH,
    search="joins attache fichier devis pièce jointe à la fiche upload file",
    deadline=55,
)
async def upload_attachment(
    record: Record,
    path: Annotated[str, Field(description="Path of the file in the data folder.", examples=["devis.pdf"])],
) -> Attached:
    """Attach a file of the data folder to a record of any module, up to 20 MB. Returns the id of the attachment.

    What is attached already stays, also a file of the same name; zoho_list_attachments shows it.
    """
    module, number = await records.resolved(record)
    content = await in_thread(files.read, path, LARGEST_UP)
    name = files.shown(path).rpartition("/")[2]
    file = {"file": (name, content, files.content_type(path))}
    rows = await api.change("POST", f"/{module}/{segment(number)}/Attachments", files=file)
    return Attached(record=records.ref_of(module, number), attachment=records.saved_id(rows))

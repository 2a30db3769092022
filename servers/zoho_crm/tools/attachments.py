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


@tools.reads(
    core=False,
    scopes=scopes.ATTACHED,
    search=(
        "pièces jointes fichiers documents attachés files PDF contrat devis joint il y a-t-il dans la "
        "fiche attached paperwork is there sont joints scan"
    ),
    examples=[
        "Il y a des documents sur cette affaire ?",
        "Quels fichiers sont joints à ce client ?",
        "Est-ce que le contrat est dans la fiche ?",
        "Montre les pièces jointes",
        "On a un PDF de l'offre ?",
        "What files are on this deal?",
        "Is the contract attached?",
        "Any documents on that account?",
        "Which paperwork do we have for her?",
    ],
)
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
    search=(
        "télécharge pièce jointe fichier devis enregistre save file récupère sauvegarde rapatrie ouvre "
        "PDF contrat télécharger get grab fetch document locally"
    ),
    examples=[
        "Télécharge le contrat joint",
        "Récupère le PDF du devis",
        "Enregistre ce document chez moi",
        "Sors-moi la pièce jointe, que je la lise",
        "Rapatrie le plan du dossier",
        "Download the contract",
        "Grab that PDF",
        "Save the attached quote to my folder",
        "Get the document so we can read it",
    ],
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
    search=(
        "joins attache fichier devis pièce jointe à la fiche upload file ajoute dépose mets verse PDF "
        "contrat signé photo scan put add picture document"
    ),
    examples=[
        "Joins le devis à cette affaire",
        "Mets le contrat signé dans la fiche",
        "Dépose la photo sur le compte",
        "Ajoute ce PDF au prospect",
        "Verse le plan au dossier",
        "Attach the signed contract",
        "Upload this picture to the record",
        "Put the PDF on the deal",
        "Add the scan to this customer",
    ],
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

"""Files on records. https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_contentversion.htm"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, errors, files, in_thread, readable, segment

from .. import people, queries, records
from ..client import ROOT, api
from ..models import AttachedFile
from ..records import RecordRef

tools = Toolset("files")


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "fichiers pièces jointes documents contrat devis files PDF attachés joints dossier il y a-t-il "
        "attached attachments paperwork is there"
    ),
    examples=[
        "Il y a des documents sur cette affaire ?",
        "Quelles pièces jointes a ce compte ?",
        "Est-ce que le contrat est dans la fiche ?",
        "On a un PDF du devis ?",
        "Montre ce qui est attaché au dossier",
        "What files are on this deal?",
        "Any attachments on the account?",
        "Is the contract in there?",
        "Which paperwork do we have for this customer?",
    ],
)
async def list_files(
    record: Annotated[
        RecordRef,
        Field(description="Record whose files: id, Object:name, number or address.", examples=["006AP000003oPPtYAM"]),
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[AttachedFile]:
    """List the files on a record, such as quotes and contracts on an opportunity, the newest first.

    salesforce_download_file saves one in the data folder by its id. Find the record with salesforce_search_records.
    """
    _, number = await records.resolved(record)
    soql = (
        "SELECT ContentDocumentId, ContentDocument.Title, ContentDocument.FileExtension, ContentDocument.ContentSize, "
        f"ContentDocument.LastModifiedDate FROM ContentDocumentLink WHERE LinkedEntityId = {queries.text(number)} "
        "ORDER BY ContentDocument.LastModifiedDate DESC"
    )
    page = await queries.page(soql, limit, cursor, await people.zone())
    names = {"Title": "name", "FileExtension": "type", "ContentSize": "bytes", "LastModifiedDate": "at"}
    rows = [
        {"id": row.get("ContentDocumentId"), **{new: row.get(f"ContentDocument.{old}") for old, new in names.items()}}
        for row in page.items
    ]
    return Page(items=readable(AttachedFile, rows), next_cursor=page.next_cursor)


@tools.reads(
    core=False,
    scopes=["api"],
    search=(
        "télécharge fichier pièce jointe document enregistre download file récupère sauvegarde rapatrie "
        "ouvre PDF contrat télécharger grab get fetch save locally"
    ),
    examples=[
        "Télécharge le contrat de cette affaire",
        "Récupère le PDF du devis",
        "Enregistre la pièce jointe chez moi",
        "Sors-moi ce document pour que je le lise",
        "Rapatrie le plan",
        "Download the contract",
        "Grab that PDF",
        "Save the attachment to my folder",
        "Get the quote document so we can read it",
    ],
)
async def download_file(
    file: Annotated[
        str,
        Field(
            pattern=r"^069[A-Za-z0-9]{12,15}$",
            description="Id of the file, from salesforce_list_files.",
            examples=["069AP00000fIle1YAE"],
        ),
    ],
    path: Annotated[str | None, Field(description="New path in the data folder; else salesforce/<name>.")] = None,
) -> files.FileRef:
    """Save the newest version of a file in the data folder, and return its path, size and checksum.

    Files come from salesforce_list_files. One that exists at `path` is not overwritten. fs_read_document of the
    filesystem server reads PDF, Word, Excel and PowerPoint by the path.
    """
    where = f"ContentDocumentId = {queries.text(file)} AND IsLatest = true"
    soql = f"SELECT Id, Title, FileExtension, ContentSize FROM ContentVersion WHERE {where} LIMIT 1"
    rows = [row for row in await queries.select(soql) if row.get("Id")]
    if not rows:
        raise errors.NotFoundError("Salesforce does not have this file.", "List the record's files again.")
    ending = str(rows[0].get("FileExtension") or "bin")
    name = re.sub(r"[^\w .()-]", "_", str(rows[0].get("Title") or "file")).strip(" .")[:100] or "file"
    target = path or f"salesforce/{name.removesuffix(f'.{ending}')}.{ending}"
    await in_thread(files.check, target, path is None)
    at = f"{ROOT}/sobjects/ContentVersion/{segment(str(rows[0]['Id']))}/VersionData"
    response = await api.send("GET", at, headers={"Accept": "*/*"}, largest=files.MAX_FILE)
    return await in_thread(files.write, target, response.content, path is None)

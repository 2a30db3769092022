"""Files on deals, persons, organizations and leads. https://developers.pipedrive.com/docs/api/v1/Files"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors, files, in_thread, link

from .. import account, records, values
from ..client import START, V1, api, record
from ..models import Row, RowPage, Saved, SavedFile, Thing
from ..records import PLURAL, RecordRef, full

tools = Toolset("files")
READ = ["search:read deals:read contacts:read", "search:read deals:full contacts:full"]
WRITE = ["search:read deals:full contacts:full"]
LARGEST = 50 * 2**20  # bytes of a file, in both directions
FIELDS = {"deal": "deal_id", "person": "person_id", "organization": "org_id", "lead": "lead_id"}
FileId = Annotated[str, Field(description="Record from pipedrive_list_files.", examples=["file:123"])]


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "fichiers pièces jointes documents devis contrat attachments pièce jointe PDF contrats envoyés "
        "lesquels docs dossier attaché attached paperwork what files quelque part offre envoyée "
        "somewhere offer"
    ),
    examples=[
        "Il y a des documents sur cette affaire ?",
        "Quels fichiers sont attachés à ce client ?",
        "Est-ce qu'on a le contrat dans la fiche ?",
        "Montre les pièces jointes du dossier",
        "On a un PDF de l'offre quelque part ?",
        "What files are attached to this deal?",
        "Is the contract in there?",
        "Which documents do we have on this company?",
        "Any attachments on the contact?",
        "List the paperwork of this sale",
    ],
)
async def list_files(
    about: Annotated[
        RecordRef, Field(description="deal, person or organization, by number or name.", examples=["deal:77"])
    ],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """List the files of a deal, person or organization, last changed first, with name, size and time.

    pipedrive_download_file saves one in the data folder.
    """
    kind, key = await records.resolved(about)
    if kind == "lead":
        raise errors.InvalidInputError("Pipedrive does not list the files of a lead.", "Convert it to a deal first.")
    path = f"{V1}/{PLURAL[kind]}/{key}/files"
    rows, following = await records.listed(path, limit, cursor, {"sort": "update_time DESC"}, START)
    at = await account.zone()
    items: list[Row] = [
        full(
            {
                "record": f"file:{one.id}",
                "name": one.text("name") or one.text("file_name"),
                "bytes": one.text("file_size"),
                "added": values.local(one.text("add_time"), at),
            }
        )
        for one in rows
    ]
    return RowPage(items=items, next_cursor=following)


def _key(file: str) -> str:
    key = file.strip().removeprefix("file:")
    if not records.is_id("file", key):
        raise errors.InvalidInputError(f"`{errors.excerpt(file, 60)}` is not a file.", "Write file:123.")
    return key


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "télécharge ouvre fichier pièce jointe document enregistre save récupère sauvegarde rapatrie "
        "télécharger PDF contrat download get fetch grab locally"
    ),
    examples=[
        "Télécharge le contrat de cette affaire",
        "Récupère le PDF du devis",
        "Enregistre cette pièce jointe chez moi",
        "Sors-moi le document pour que je le lise",
        "Rapatrie le plan joint au dossier",
        "Download the contract",
        "Grab that PDF",
        "Save the attachment to my folder",
        "Get the quote file so we can read it",
    ],
)
async def download_file(
    file: FileId,
    path: Annotated[
        str | None, Field(description="New file of the data folder; pipedrive/ and its name without it.")
    ] = None,
) -> SavedFile:
    """Save a file of Pipedrive in the data folder, up to 50 MB. Returns path, size and checksum, not its text.

    fs_read_document of the filesystem server reads PDF and office documents from there. Find the file with
    pipedrive_list_files.
    """
    key = _key(file)
    about = Thing.model_validate(await record("GET", f"{V1}/files/{key}"))
    name = re.sub(r"[^\w.,()+ -]+", "_", about.text("name") or about.text("file_name")).strip(". ")[-120:] or "file"
    target, again = path or f"pipedrive/{key}/{name}", path is None
    await in_thread(files.check, target, again)
    response = await api.send("GET", f"{V1}/files/{key}/download", headers={"Accept": "*/*"}, largest=LARGEST)
    ref = await in_thread(files.write, target, response.content, again)
    link(ref)
    return SavedFile(**ref.model_dump())


@tools.writes(
    creates=True,
    core=False,
    scopes=WRITE,
    search=(
        "joins envoie attache fichier document pièce upload ajoute dépose mets joindre télécharge verse "
        "PDF contrat signé photo plan attach put add scan"
    ),
    examples=[
        "Joins le devis à l'affaire",
        "Mets le contrat signé dans la fiche",
        "Dépose cette photo sur le dossier du client",
        "Ajoute le PDF au contact",
        "Attache le plan à cette vente",
        "Attach the signed contract",
        "Upload this picture to the deal",
        "Put the PDF on the company",
        "Add the scan to the customer's record",
    ],
)
async def upload_file(
    path: Annotated[str, Field(description="Path of the file in the data folder.", examples=["devis.pdf"])],
    about: Annotated[
        RecordRef, Field(description="deal, lead, person or organization, by number or name.", examples=["deal:77"])
    ],
) -> Saved:
    """Attach a file of the data folder, up to 50 MB, to a deal, lead, person or organization. Returns its record.

    The files that are there already are in pipedrive_list_files. Nobody is notified.
    """
    kind, key = await records.resolved(about)
    content = await in_thread(files.read, path, LARGEST)
    name = path.rstrip("/").rsplit("/", 1)[-1]
    form = {FIELDS[kind]: key}
    made = await record("POST", f"{V1}/files", data=form, files={"file": (name, content, files.content_type(path))})
    thing = Thing.model_validate(made)
    return Saved(record=f"file:{thing.id}", name=thing.text("name") or name)

"""Files and folders: list, search, get, read, download, upload, copy, create, move, trash, restore.

API: https://developers.google.com/workspace/drive/api/reference/rest/v3/files
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, When, confirm, errors, files, readable, segment, will_ask
from flotilla_servers._google import EVERYWHERE, FILES, file_id, search_note

from .. import query
from ..client import LOOK, OWN, READ, WRITE, api
from ..contents import read_text
from ..downloads import default_path, download
from ..formats import APPS, TYPES, Format, export_format
from ..models import FIELDS, ChangedFile, File, FilePage, FileRow, FileText, TrashedFile
from ..uploads import upload

tools = Toolset("files")

FileId = Annotated[
    str,
    Field(
        description="Id or address of the file, from gdrive_search_files or gdrive_list_files.",
        examples=["1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"],
    ),
]
FolderId = Annotated[str, Field(description="Id or address of the folder, from gdrive_search_files; root is My Drive.")]


@tools.reads(
    scopes=LOOK,
    tolerated=OWN,
    search=(
        "dossier contenu parcourir fichiers ouvre dedans racine Drive folder browse open top level show "
        "everything inside sous-dossiers subfolders contents liste"
    ),
    examples=[
        "qu'est-ce qu'il y a dans le dossier Clients",
        "ouvre le dossier Factures en ligne",
        "montre tout ce qu'il y a dedans",
        "quels sous-dossiers j'ai à la racine",
        "parcours le dossier du projet",
        "what's in the Clients folder",
        "open that folder",
        "show everything inside it",
        "which subfolders are there at the top",
        "browse the project folder",
        "list the contents of the invoices folder",
    ],
)
async def list_files(folder: FolderId = "root", limit: Limit = 20, cursor: Cursor = None) -> FilePage:
    """List what is directly in a folder or at the top of a shared drive, folders first, then by name.

    Returns ids, types, sizes, addresses and who changed each last. To find a file by its name or contents in any
    folder, use gdrive_search_files.
    """
    return await _page(query.inside(file_id(folder)), query.corpus(None), limit, cursor, "folder,name")


@tools.reads(
    scopes=LOOK,
    tolerated=OWN,
    search=(
        "cherche trouve fichier document tableau présentation pdf partagés avec moi retrouve où mis récents "
        "dernier modifié partagé nommé contenant mot where locate look recent latest shared named containing "
        "pictures photos slides"
    ),
    examples=[
        "Trouve le devis de Dupont",
        "Quels fichiers m'a-t-on partagés ?",
        "find the contract PDF",
        "où est passé le contrat de location",
        "retrouve la présentation de juin",
        "les derniers documents modifiés",
        "quel fichier parle de la subvention",
        "j'ai mis où les photos du chantier",
        "where did I put the lease",
        "look for the slides from June",
        "what was shared with me lately",
        "which document mentions the grant",
    ],
)
async def search_files(
    words: Annotated[str, Field(description="Words of the name, from the start of a word.")] = "",
    in_text: Annotated[bool, Field(description="True to look for the words in the contents too.")] = False,
    kind: Annotated[
        Literal["folder", "document", "spreadsheet", "presentation", "pdf", "image"] | None,
        Field(description="Only this kind; document, spreadsheet and presentation are Google's own."),
    ] = None,
    folder: Annotated[
        str | None, Field(description="Only files directly in this folder: its id, from gdrive_list_files, or address.")
    ] = None,
    modified_after: Annotated[When | None, Field(description="Only files changed after this time or day.")] = None,
    where: Annotated[
        str | None,
        Field(
            description="Only mine, only shared_with_me, or the id of a shared drive, from gdrive_get_file; "
            "everywhere without it.",
            examples=["shared_with_me"],
        ),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> FilePage:
    """Search files and folders in My Drive, shared files and all shared drives; the last changed come first.

    Returns the id that the other tools take, those of Google Docs and Google Sheets too. Depending on the consent, it
    finds all files or only those that Flotilla made. To browse a folder, use gdrive_list_files.
    """
    after = modified_after.at(api.zone) if modified_after else None
    q = query.search(words, in_text, kind, file_id(folder) if folder else None, after, where)
    order = None if words and in_text else "modifiedTime desc"  # the API refuses an order for a search in contents
    return await _page(q, query.corpus(where), limit, cursor, order)


async def _page(q: str, corpus: dict[str, Any], limit: int, cursor: str | None, order: str | None) -> FilePage:
    fields = f"nextPageToken,incompleteSearch,files({FIELDS})"
    params = {"q": q, "orderBy": order, "fields": fields, **corpus, **FILES.query(limit, cursor)}
    answer = await api.get("/files", params=params)
    items = readable(FileRow, api.rows_in(answer, "files", missing=True))
    return FilePage(items=items, next_cursor=answer.get("nextPageToken"), note=search_note(api, answer, bool(items)))


@tools.reads(
    scopes=LOOK,
    tolerated=OWN,
    search=(
        "détails propriétaire taille lien adresse fichier qui appartient quand modifié combien pèse donne url "
        "infos document date who owns how big last modified link info properties where stored où rangé folder "
        "location emplacement"
    ),
    examples=[
        "donne-moi le lien de ce document",
        "c'est à qui ce fichier",
        "il pèse combien",
        "quand est-ce qu'il a été modifié la dernière fois",
        "dans quel dossier se trouve ce doc",
        "give me the link to this file",
        "who owns it",
        "how big is that video",
        "when was it last changed",
        "which folder is it in",
        "où est rangé ce fichier",
    ],
)
async def get_file(file: FileId) -> File:
    """Get one file's or folder's name, type, size, time of change, address, folder, shared drive and owner.

    Use it to learn where a file is or whether it is in the trash. It returns no contents: for these, use
    gdrive_read_file.
    """
    return File.model_validate(await _metadata(file))


async def _metadata(file: str) -> dict[str, Any]:
    return await api.get(f"/files/{segment(file_id(file))}", params={"fields": FIELDS, **EVERYWHERE})


async def _content_of(file: str) -> dict[str, Any]:
    """Return the metadata of a file with contents; raises errors.InvalidInputError for a shortcut."""
    metadata = await _metadata(file)
    if target := (metadata.get("shortcutDetails") or {}).get("targetId"):
        raise errors.InvalidInputError(
            "The file is a shortcut.", f"Take the file that it leads to: {errors.excerpt(target, 80)}."
        )
    return metadata


@tools.reads(
    scopes=READ,
    tolerated=OWN,
    deadline=55,
    search=(
        "lire contenu texte du fichier ouvre résume écrit dedans read open summarise text inside contents raconte parle"
    ),
    examples=[
        "Que dit ce fichier ?",
        "Lis le document partagé par Paul",
        "summarise this file",
        "lis-moi ce qui est écrit dedans",
        "résume le doc que j'ai sur le drive",
        "ouvre la note et dis-moi ce qu'elle raconte",
        "qu'est-ce qu'il y a dans cette présentation comme texte",
        "read me what it says",
        "what does the presentation say",
        "tell me what's written in that document",
        "open the notes and sum them up",
        "what is this doc about",
    ],
)
async def read_file(file: FileId, cursor: Cursor = None) -> FileText:
    """Read a file's content as text, at most 50,000 characters a page: Google's own formats, plain text, CSV, Markdown.

    A Google document comes as Markdown, a presentation as plain text, a spreadsheet as the CSV of its first sheet:
    Google Sheets reads the others. PDF, Word, Excel and PowerPoint: gdrive_download_file, then fs_read_document.
    """
    return await read_text(await _content_of(file), cursor)


@tools.reads(
    scopes=READ,
    tolerated=OWN,
    deadline=55,
    search=(
        "télécharger exporter pdf docx xlsx récupère rapatrie sauvegarde word excel convertis copie locale "
        "disque download save export convert local copy"
    ),
    examples=[
        "télécharge ce fichier",
        "récupère le doc en PDF",
        "exporte la présentation en PowerPoint",
        "sauvegarde une copie en local",
        "sors-moi le tableau en Excel",
        "convertis le document en Word et enregistre-le",
        "download that file",
        "save the document as PDF",
        "get me a local copy",
        "export the slides to PowerPoint",
        "pull the spreadsheet down as Excel",
    ],
)
async def download_file(
    file: FileId,
    path: Annotated[
        str | None,
        Field(description="New file of the data folder; drive/<id>/<name> without it.", examples=["devis.pdf"]),
    ] = None,
    format: Annotated[  # noqa: A002
        Format | None,
        Field(description="Format to export one of Google's own files as: pdf without it, xlsx for a spreadsheet."),
    ] = None,
) -> files.FileRef:
    """Save a file in the data folder; a Google document, spreadsheet, presentation or drawing is exported.

    Returns its path, size and checksum, not its text. To read it, use gdrive_read_file, or for PDF, DOCX, XLSX and
    PPTX fs_read_document of the filesystem server with the path. Files have at most 256 MiB, exports 10 MB.
    """
    metadata = await _content_of(file)
    target_id, name = str(metadata["id"]), str(metadata.get("name", ""))
    exported_as = export_format(str(metadata.get("mimeType", "")), format)
    target_path = path or default_path(target_id, name, exported_as)
    url = f"/files/{segment(target_id)}"
    if exported_as:
        return await download(f"{url}/export", {"mimeType": TYPES[exported_as]}, target_path, path is None, 0)
    size, md5 = int(metadata.get("size") or 0), str(metadata.get("md5Checksum", ""))
    return await download(url, {"alt": "media", **EVERYWHERE}, target_path, path is None, size, md5)


@tools.writes(
    creates=True,
    replaces=True,
    scopes=WRITE,
    tolerated=OWN,
    deadline=55,
    search=(
        "déposer envoyer téléverser ligne importer fichier charge dépose uploade sauvegarde cloud remplace "
        "nouvelle version upload push send add file new store online drive envoie monte"
    ),
    examples=[
        "mets ce fichier sur le drive",
        "dépose la facture dans le dossier Compta en ligne",
        "charge les photos dans le cloud",
        "uploade le rapport",
        "remplace la version en ligne par celle-ci",
        "put this file on my drive",
        "upload the report to the team folder",
        "push the new version online",
        "store this PDF in the cloud",
        "send the photos up to the shared folder",
        "mets cette facture sur le drive",
    ],
)
async def upload_file(
    path: Annotated[str, Field(description="Path of the file in the data folder.", examples=["devis.pdf"])],
    folder: FolderId = "root",
    name: Annotated[str | None, Field(description="Name in Drive; that of the file without it.")] = None,
    convert: Annotated[
        bool, Field(description="True to make a Google document, spreadsheet or presentation of it.")
    ] = False,
    replaces: Annotated[
        str | None, Field(description="Id of the file whose content it becomes, from gdrive_search_files.")
    ] = None,
) -> ChangedFile:
    """Upload a file of the data folder to Drive, as a new file or as the new content of one that exists.

    Asks the user before it replaces content. Returns the id and the address. To give others access to it, use
    gdrive_share_file.
    """
    if replaces and will_ask():
        old = await get_file(replaces)
        size = (
            f" ({old.bytes:,} bytes, changed {old.modified:%d %B %Y, %H:%M %Z})" if old.bytes and old.modified else ""
        )
        await confirm(f"Replace what «{old.name}»{size} holds in Drive by {files.shown(path)}?")
    uploaded = await upload(path, file_id(folder), name, convert, file_id(replaces) if replaces else None)
    return ChangedFile.model_validate(uploaded)


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "créer nouveau dossier répertoire ajoute sous-dossier classeur rangement new folder subfolder "
        "directory add endroit place where keep"
    ),
    examples=[
        "crée un dossier pour ce client",
        "fais un sous-dossier Juin dans Factures",
        "ajoute un nouveau dossier dans le drive de l'équipe",
        "il me faut un endroit pour ranger les devis",
        "ouvre un répertoire Chantier en ligne",
        "make a folder for this client",
        "add a subfolder called June",
        "new folder in the team drive",
        "I need a place to keep the quotes",
        "set up a directory for the project",
    ],
)
async def create_folder(
    name: Annotated[
        str, Field(min_length=1, max_length=500, description="Name of the folder.", examples=["Devis 2030"])
    ],
    folder: FolderId = "root",
) -> ChangedFile:
    """Create an empty folder in another folder or in My Drive; Drive allows several of one name.

    Returns its id, which gdrive_upload_file and gdrive_move_file take. Look with gdrive_search_files whether there is
    one already.
    """
    body = {"name": name, "mimeType": f"{APPS}folder", "parents": [file_id(folder)]}
    return ChangedFile.model_validate(await api.post("/files", params={"fields": FIELDS, **EVERYWHERE}, json=body))


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "copier dupliquer modèle fichier créer copie double doublon repartir partir duplicate copy template "
        "clone second version start"
    ),
    examples=[
        "Fais une copie du modèle de devis",
        "duplicate this presentation",
        "duplique le fichier",
        "fais-moi un double de ce document",
        "repars du modèle de devis en ligne",
        "garde l'original et fais une copie à côté",
        "copie la présentation pour le nouveau client",
        "make a copy of this",
        "clone the quote template",
        "keep the original and give me a second one",
        "start a new one from that template",
    ],
)
async def copy_file(
    file: FileId,
    name: Annotated[str | None, Field(description="Name of the copy; Google chooses one without it.")] = None,
    folder: Annotated[
        str | None, Field(description="Id or address of a folder for it; that of the file without it.")
    ] = None,
) -> ChangedFile:
    """Copy a file with its layout, such as a template; folders cannot be copied. Who has access is not copied.

    Returns the id and address of the copy. To fill in a copy of a Google document, use the tools of Google Docs.
    """
    body = {"name": name, "parents": [file_id(folder)] if folder else None}
    path = f"/files/{segment(file_id(file))}/copy"
    return ChangedFile.model_validate(await api.post(path, params={"fields": FIELDS, **EVERYWHERE}, json=body))


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "déplacer ranger renommer fichier dossier change nom organiser classe rename move folder relocate tidy call"
    ),
    examples=[
        "Renomme le fichier en Devis 42",
        "Range ce PDF dans le dossier Clients",
        "change le nom de ce document",
        "mets-le dans le dossier Archives",
        "classe ces PDF au bon endroit",
        "déplace la présentation dans le drive de l'équipe",
        "rename it to final version",
        "put this in the archive folder",
        "move the contract over to Clients",
        "call this file Quote 42 instead",
        "tidy that document away into Invoices",
    ],
)
async def move_file(
    file: FileId,
    folder: Annotated[
        str | None,
        Field(description="Id or address of the folder to move it to; root is My Drive. It stays without it."),
    ] = None,
    name: Annotated[str | None, Field(min_length=1, description="New name; it stays without it.")] = None,
) -> ChangedFile:
    """Rename a file or folder, move it into another folder, or both. Access that came from the old folder ends.

    Returns where it is now. Folders are found with gdrive_search_files.
    """
    if folder is None and name is None:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass a folder, a new name, or both.")
    parents: dict[str, Any] = {}
    if folder is not None:
        metadata = await _metadata(file)
        target = (await _metadata(folder))["id"] if folder == "root" else file_id(folder)  # parents are ids, not "root"
        old = [parent for parent in metadata.get("parents") or () if parent != target]
        parents = {"addParents": target, "removeParents": ",".join(old) or None}
    path = f"/files/{segment(file_id(file))}"
    params = {**parents, "fields": FIELDS, **EVERYWHERE}
    return ChangedFile.model_validate(await api.patch(path, params=params, json={"name": name}))


@tools.destroys(
    asks=True,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "supprimer jeter corbeille fichier vire efface poubelle besoin document delete remove bin rid throw "
        "away online file"
    ),
    examples=[
        "supprime ce fichier du drive",
        "vire le vieux dossier de 2019",
        "mets la présentation à la poubelle",
        "je n'ai plus besoin de ce document en ligne",
        "efface les doublons",
        "delete this file",
        "bin the old folder",
        "get rid of that draft presentation",
        "throw it in the trash",
        "we don't need that document any more",
    ],
)
async def trash_file(file: FileId) -> TrashedFile:
    """Move a file, or a folder with all that is in it, to the trash, after the user's yes.

    Drive deletes it for good after 30 days; until then the user can restore it. Nothing deletes it at once.
    """
    await confirm(f"Move «{(await get_file(file)).name}» to the trash?")
    target = file_id(file)
    await api.send("PATCH", f"/files/{segment(target)}", params=EVERYWHERE, json={"trashed": True})
    return TrashedFile(trashed=target)


@tools.writes(
    core=False,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "restaurer récupérer corbeille annuler suppression remets supprimé erreur effacé sors undelete "
        "recover bring back restore untrash deleted file ravoir jeté"
    ),
    examples=[
        "j'ai supprimé ce fichier par erreur, remets-le",
        "récupère le dossier que je viens de jeter",
        "sors-le de la corbeille",
        "annule la suppression du document",
        "je veux ravoir la présentation effacée",
        "bring back the file I deleted",
        "undelete that folder",
        "take it out of the bin",
        "I trashed it by mistake, recover it",
        "restore the deleted document",
    ],
)
async def restore_file(file: FileId) -> ChangedFile:
    """Take a file or folder out of the trash, back to the folder that it was in.

    Take the id from gdrive_trash_file: lists and searches leave out what is in the trash.
    """
    params = {"fields": FIELDS, **EVERYWHERE}
    path = f"/files/{segment(file_id(file))}"
    return ChangedFile.model_validate(await api.patch(path, params=params, json={"trashed": False}))

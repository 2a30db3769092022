"""Filesystem: read, write, edit, find, move and delete files of the shared data folder. No network."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated

from pydantic import Field

from flotilla import (
    Cursor,
    Integration,
    Limit,
    Page,
    Server,
    ServerSettings,
    Toolset,
    announce,
    confirm,
    errors,
    files,
    in_thread,
)
from flotilla.files import Entry, FileRef
from flotilla_servers._documents.reader import DocumentText
from flotilla_servers._documents.reader import read_document as document_text

from .contents import Addition, Change, copy, count, describe, exists, read_part, whole
from .models import Deleted, Edit, Edited, Encoding, FileContent, FileInfo, Location, Match, TextEncoding
from .search import Search

integration: Integration[ServerSettings] = Integration(
    "filesystem",
    prefix="fs",
    title="Filesystem",
    description="Read documents, and write, edit, search, move and delete files in the data folder that servers share.",
    category="productivity",
    tags=["files", "documents", "text", "pdf", "word", "excel"],
    hosts=[],
    files=True,
    instructions="Paths are relative to the data folder, with / between folders. Links are not followed.",
)

tools = Toolset()

LONGEST_SEARCH = 20  # seconds before a search returns what it has, with the cursor to continue from

Path = Annotated[str, Field(description="Path in the data folder.", examples=["reports/june.md"])]
NewPath = Annotated[str, Field(description="New path in the data folder.", examples=["reports/july.md"])]
Folder = Annotated[str, Field(description="Folder in the data folder; . is its top.")]
Overwrite = Annotated[bool, Field(description="Replace a file that exists there.")]


@tools.reads(
    search=(
        "liste dossier répertoire contenu fichiers quels fichiers dedans ouvre sous-dossiers parcourir ls dir "
        "folder browse show files contents subfolders local montre exports données data"
    ),
    examples=[
        "qu'est-ce qu'il y a dans le dossier exports",
        "montre les fichiers enregistrés",
        "ouvre le répertoire des factures",
        "quels documents j'ai en local",
        "liste tout ce qui est dans le dossier de données",
        "what's in the exports folder",
        "show me the saved files",
        "which files do I have there",
        "browse the reports directory",
        "list everything in the data folder",
        "which subfolders are there",
    ],
)
async def list_directory(path: Folder = ".", limit: Limit = 50, cursor: Cursor = None) -> Page[Entry]:
    """List the files and folders directly inside one folder, sorted by name, with their type, size and time.

    To find something below several folders, by name or by the text in it, use fs_search_files.
    """

    def page() -> list[Entry]:
        return list(islice(files.walk(path, start=cursor or ".", deep=False), limit + 1))

    entries = await in_thread(page)
    return Page(items=entries[:limit], next_cursor=entries[limit].path if len(entries) > limit else None)


@tools.reads(
    exact=["content"],
    search=(
        "lire ouvre affiche contenu d'un fichier txt csv json markdown md log texte brut cat voir dedans show "
        "open view print plain text inside raw base64 journal erreurs error logs"
    ),
    examples=[
        "ouvre le fichier notes.txt",
        "affiche ce qu'il y a dans le CSV",
        "montre-moi le journal d'erreurs",
        "lis le fichier de config",
        "fais voir les premières lignes du fichier texte",
        "open notes.txt",
        "show what's inside the CSV",
        "print the log file",
        "view the config file",
        "read me the text file",
    ],
)
async def read_file(
    path: Path,
    encoding: Encoding = "utf-8",
    offset: Annotated[int, Field(ge=0, description="Byte to start at: next_offset of the previous part.")] = 0,
    limit: Annotated[int, Field(ge=100, le=80_000, description="Maximum number of bytes to return.")] = 40_000,
) -> FileContent:
    """Read a file of the data folder as text, or any file as base64.

    A long file comes in parts: when the result has next_offset, call again with it as offset. To read PDF files, Word,
    Excel, PowerPoint, web pages and mails as text, use fs_read_document. For size and likely encoding use
    fs_get_file_info.
    """
    return await in_thread(read_part, path, encoding, offset, limit)


@tools.reads(
    deadline=55,
    search=(
        "lire document pdf word excel powerpoint docx xlsx pptx eml courriel pièce jointe facture devis "
        "contrat résume extrait texte rapport présentation diapos tableur scan read open summarise extract "
        "text slides sheet page"
    ),
    examples=[
        "Que dit le devis en PDF que Dupont a envoyé ?",
        "Lis la pièce jointe",
        "What are the totals in budget.xlsx?",
        "Summarize the contract contrat.docx",
        "résume le PDF",
        "qu'est-ce qu'il y a marqué sur la facture téléchargée",
        "lis la page 3 du rapport",
        "extrais le texte de ce Word",
        "read me the PDF I downloaded",
        "what's on the slides",
        "extract the text from this Word file",
        "how much is the invoice in the PDF",
    ],
)
async def read_document(
    path: Path,
    pages: Annotated[
        str | None, Field(description="Pages or slides to read, 3 or 2-5, or a sheet's name; all if left out.")
    ] = None,
    attachment: Annotated[str | None, Field(description="Name of a mail's attachment, to read it instead.")] = None,
    limit: Annotated[int, Field(ge=1000, le=80_000, description="Maximum number of bytes of text.")] = 40_000,
    cursor: Cursor = None,
) -> DocumentText:
    """Read a document as Markdown text: PDF, Word, Excel, PowerPoint, HTML, mails (.eml, .msg), RTF, CSV.

    Use it after any tool that saved a file, such as a download. Returns pages, sheets or slides in order; when there is
    more, next_cursor. Cells of sheets keep their addresses. Pictures and scanned pages have no text, which the notes
    say. It never changes the file.
    """
    return await in_thread(document_text, path, pages or "", attachment or "", limit, cursor)


@tools.writes(
    creates=True,
    replaces=True,
    search=(
        "écrire enregistre créer fichier sauvegarde note garde sauve crée texte rajoute fin save new text "
        "file store write down dump append markdown"
    ),
    examples=[
        "note ça dans un fichier",
        "sauvegarde ce texte sous idees.txt",
        "enregistre la liste de courses",
        "crée un fichier markdown avec ce résumé",
        "rajoute cette ligne à la fin du journal",
        "save this to a text file",
        "write that down in notes.md",
        "store the summary as a file",
        "create a file with this list",
        "append this line to the log",
    ],
)
async def write_file(
    path: NewPath,
    content: Annotated[
        str,
        Field(
            max_length=3_000_000, description="The whole new content of the file.", examples=["# Juin\n\nTotal : 12 €"]
        ),
    ],
    encoding: Encoding = "utf-8",
    overwrite: Overwrite = False,
    append: Annotated[bool, Field(description="Add the content as new lines at the end of the file.")] = False,
) -> FileRef:
    """Write a whole file, or add to its end; missing folders are made. Returns its path, size and checksum.

    Fails if the file exists, unless append=true, which keeps all that it holds, or overwrite=true, which asks the user
    first. To change a part of a text file, use fs_edit_file.
    """
    if append and overwrite:
        raise errors.InvalidInputError("Both append and overwrite are true.", "Choose one of them.")
    if append and await in_thread(exists, path):
        addition = Addition(path, content, encoding)
        announce(action="append_to_file", path=files.shown(path), content=content[:1000], encoding=encoding)
        return await in_thread(addition.apply)
    lost = await in_thread(files.replaced, path, overwrite)
    data = await in_thread(whole, path, content, encoding, bool(lost))
    if lost:
        await confirm(f"Replace {lost} by {len(data):,} bytes? What it holds now is lost.")
    shown = {"content": content[:1000], "encoding": encoding, "bytes": len(data), "overwrite": overwrite}
    announce(action="write_file", path=files.shown(path), **shown)
    return await in_thread(files.write, path, data, overwrite)


@tools.writes(
    additive=False,
    exact=["diff"],
    search=(
        "modifier corriger remplacer texte dans un fichier change remplace mot ligne retouche jour passage "
        "correction edit fix replace line word tweak update part file"
    ),
    examples=[
        "corrige la faute dans le fichier",
        "remplace 12 par 13 dans notes.txt",
        "change une ligne du fichier de config",
        "retouche le deuxième paragraphe du fichier markdown",
        "mets à jour la date dans le fichier texte",
        "fix the typo in that file",
        "change one line in the config",
        "replace the old address in notes.txt",
        "tweak the second paragraph of the markdown file",
        "update the date inside the file",
    ],
)
async def edit_file(
    path: Path,
    edits: Annotated[
        list[Edit],
        Field(
            min_length=1,
            max_length=50,
            description="Replacements, made in this order: all of them or none.",
            examples=[[{"old_text": "Total : 12 €", "new_text": "Total : 13 €"}]],
        ),
    ],
    encoding: TextEncoding = "utf-8",
) -> Edited:
    """Replace passages of a text file and return the diff.

    Each old_text must occur exactly once in the file, so read it with fs_read_file before. Kinds of spaces, line ends
    and ways to write an accent need not be the same: the note tells what differed. With dry_run=true only the diff is
    shown.
    """
    change = await in_thread(Change, path, edits, encoding)
    announce(action="edit_file", path=change.path, diff=change.diff, encoding=encoding)
    ref = await in_thread(change.apply)
    return Edited(**ref.model_dump(), diff=change.diff, note=" ".join(change.notes) or None)


@tools.reads(
    search=(
        "cherche trouve fichier contenant nom texte où est retrouve mis parle mot fichiers locate find grep "
        "look where named containing"
    ),
    examples=[
        "où j'ai mis le contrat",
        "retrouve le fichier qui parle du budget",
        "cherche tous les PDF enregistrés",
        "dans quel fichier il y a ce numéro",
        "tu trouves l'export de mai quelque part ?",
        "where did I save the contract",
        "find the file that mentions the budget",
        "look for all PDFs on disk",
        "which file contains this number",
        "locate the May export",
    ],
)
async def search_files(
    path: Folder = ".",
    pattern: Annotated[str, Field(description="Pattern of the name, *.md, or of the path, 2024/**/*.csv.")] = "*",
    text: Annotated[str | None, Field(description="Return lines of text files with this text.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Match]:
    """Find files and folders below a folder by name, or lines of text files by the text in them.

    Case does not matter. A long search may return few items, or none, with a next_cursor: call again with it. PDF files
    and workbooks are not searched by their text. To see one folder, use fs_list_directory.
    """
    search, until = Search(path, pattern, text, limit, cursor), time.monotonic() + LONGEST_SEARCH
    while await in_thread(search.step) and time.monotonic() < until:
        pass
    return Page(items=search.items, next_cursor=search.cursor)


@tools.reads(
    search=(
        "taille date type encodage place libre combien pèse quand modifié espace disque existe mégaoctets "
        "empreinte somme contrôle how big size last modified exist disk space left free checksum sha256 "
        "dernière modification changed"
    ),
    examples=[
        "il pèse combien ce fichier",
        "quand a-t-il été modifié",
        "il reste combien de place sur le disque",
        "est-ce que le fichier existe bien",
        "c'est quel type de fichier",
        "how big is that file",
        "when was it last changed",
        "how much disk space is left",
        "does the export exist",
        "what is the checksum of this file",
    ],
)
async def get_file_info(path: Path) -> FileInfo:
    """Get what is known of a file or folder without reading it.

    Returns size, time, content type, checksum and likely encoding of a file, or the number of entries of a folder. For
    the path "." it also returns how many bytes are still free in the data folder.
    """
    return await in_thread(describe, path)


@tools.writes(
    creates=True,
    idempotent=True,
    search="créer dossier répertoire nouveau sous-dossier mkdir new folder subfolder directory add",
    examples=[
        "fais un dossier pour ce projet",
        "crée un sous-dossier Juin dans rapports",
        "ajoute un répertoire vide",
        "prépare un dossier où ranger les exports",
        "il me faut un nouveau dossier local",
        "make a folder for this project",
        "add a subfolder called June",
        "create an empty directory",
        "I need a new folder for exports",
        "mkdir reports/2026",
    ],
)
async def create_directory(
    path: Annotated[str, Field(description="Path of the new folder.", examples=["reports/2025"])],
) -> Location:
    """Make a folder and the folders above it. A folder that exists already stays as it is, with all it holds.

    Not needed before fs_write_file or fs_move_file, which make missing folders.
    """
    await in_thread(files.check_folder, path)
    announce(action="create_directory", path=files.shown(path))
    return Location.of(await in_thread(files.mkdir, path))


@tools.writes(
    replaces=True,
    search="déplacer renommer fichier dossier change nom range classe ailleurs mv rename relocate tidy call",
    examples=[
        "renomme ce fichier en rapport final",
        "mets la facture dans le dossier archives",
        "range les exports de mai ailleurs",
        "change le nom du dossier",
        "déplace le PDF téléchargé dans clients",
        "rename this file",
        "put the invoice in the archive folder",
        "move the download to clients",
        "call the folder something else",
        "tidy the May exports away",
    ],
)
async def move_file(source: Path, destination: NewPath, overwrite: Overwrite = False) -> Location:
    """Move or rename a file or folder. The destination is the whole new path, name included; missing folders are made.

    Fails if a file exists there, unless overwrite=true, which asks the user first.
    """
    moved = await in_thread(files.stat, source)
    if lost := await in_thread(files.replaced, destination, overwrite):
        await confirm(f"Replace {lost} by {moved.path}? What {files.shown(destination)} holds now is lost.")
    announce(action="move_file", source=files.shown(source), destination=files.shown(destination))
    return Location.of(await in_thread(files.move, source, destination, overwrite))


@tools.writes(
    creates=True,
    replaces=True,
    search=(
        "copier dupliquer fichier modèle double sauvegarde avant modifier copie secours repars cp duplicate "
        "backup clone copy second"
    ),
    examples=[
        "fais un double de ce fichier",
        "garde une copie de secours avant de changer",
        "duplique le modèle sous un autre nom",
        "copie le rapport dans le dossier client",
        "sauvegarde l'original à côté",
        "make a copy of this file",
        "back it up before you change it",
        "duplicate the template under another name",
        "copy the report over to the client folder",
        "clone that file",
    ],
)
async def copy_file(source: Path, destination: NewPath, overwrite: Overwrite = False) -> FileRef:
    """Copy a file. The destination is the whole new path, name included; missing folders are made.

    Fails if a file exists there, unless overwrite=true, which asks the user first. Folders are not copied: copy their
    files one at a time. Returns path, size and checksum of the copy.
    """
    copied = await in_thread(files.stat, source)
    if copied.type != "file":
        raise errors.InvalidInputError(f"{copied.path} is not a file.", "Copy files one at a time.")
    if lost := await in_thread(files.replaced, destination, overwrite):
        await confirm(f"Replace {lost} by a copy of {copied.path}? What {files.shown(destination)} holds now is lost.")
    announce(action="copy_file", source=copied.path, destination=files.shown(destination))
    return await in_thread(copy, source, destination, overwrite)


@tools.destroys(
    asks=True,
    search=(
        "supprimer effacer fichier dossier vire enlève définitivement nettoie ménage poubelle jette rm remove "
        "erase wipe rid clean good"
    ),
    examples=[
        "supprime ce fichier",
        "vire les vieux exports",
        "fais le ménage dans le dossier temporaire",
        "efface définitivement le brouillon enregistré",
        "jette le PDF téléchargé, je n'en ai plus besoin",
        "delete this file",
        "get rid of the old exports",
        "clean up the temp folder",
        "erase it for good",
        "remove that directory and what's in it",
    ],
)
async def delete_file(
    path: Path,
    recursive: Annotated[bool, Field(description="Delete a folder with everything in it.")] = False,
) -> Deleted:
    """Delete a file or an empty folder permanently, after the user agreed. There is no recycle bin.

    A folder with files in it is deleted only with recursive=true. Returns how many files and bytes were deleted.
    """
    deleted = await in_thread(count, path)
    if deleted.type == "directory" and deleted.files and not recursive:
        held = "1 file" if deleted.files == 1 else f"{deleted.files} files"
        raise errors.InvalidInputError(f"{deleted.path} holds {held}.", "Pass recursive=true to delete all of them.")
    top = await in_thread(files.stat, path)
    folder = f"the folder {deleted.path} with all it holds, {deleted.amount},"
    version = await in_thread(files.version, path)
    await confirm(f"Delete {folder if top.type == 'directory' else files.about(top)} permanently?", version)
    announce(action="delete_file", **deleted.model_dump())
    await in_thread(files.remove, path, recursive)
    return deleted


server = Server(integration, toolsets=[tools])

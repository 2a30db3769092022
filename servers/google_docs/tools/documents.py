"""Documents: find, create from Markdown, read as Markdown, copy and fill.

API: https://developers.google.com/workspace/docs/api/reference/rest/v1/documents
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, confirm, errors, segment
from flotilla_servers._google import EVERYWHERE, FoundFiles, file_id, find_by_title, page_of

from .. import content, places, reading
from ..client import CHANGE_FILE, FIND, OWN, READ, WRITE, api, drive
from ..models import Document, FilledDocument, ReplacedText, WrittenDocument
from ..parsing import blocks_of

tools = Toolset("documents")

TYPE = "application/vnd.google-apps.document"

DocumentId = Annotated[
    str,
    Field(
        description="Id or address, from gdocs_search_documents.",
        examples=["195j9eDD3ccgjQR"],
    ),
]


@tools.reads(
    scopes=FIND,
    tolerated=OWN,
    search=(
        "cherche trouve document texte compte rendu par son nom retrouve où doc gdoc lettre contrat liste "
        "documents find locate named list docs letter rangé trouver where look"
    ),
    examples=[
        "Trouve le compte rendu de lundi",
        "Où est le modèle de contrat ?",
        "find my meeting notes",
        "retrouve la lettre au propriétaire",
        "quels docs j'ai sur ce projet",
        "je cherche le texte du discours",
        "où j'ai rangé le cahier des charges",
        "where is the letter to the landlord",
        "find the contract template doc",
        "which documents do I have on this project",
        "look for the speech",
        "list my latest docs",
        "tu peux me retrouver le doc sur les tarifs",
    ],
)
async def search_documents(
    title: Annotated[str, Field(description="Words of the title, each from its start; all documents without it.")] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> FoundFiles:
    """Find documents by words of their title, own, shared and in shared drives; the last changed come first.

    Returns the id that the other tools take, the address, the owner and who changed it last. Word and PDF files are
    not found. To read one, use gdocs_get_document.
    """
    return await find_by_title(drive, TYPE, title, limit, cursor)


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "créer rédiger document compte rendu note écris rédige texte lettre courrier nouveau doc gdoc page "
        "blanche procès-verbal propre write new draft letter minutes start type crée rédaction compose"
    ),
    examples=[
        "rédige une lettre au propriétaire",
        "écris le compte rendu de la réunion dans un nouveau doc",
        "mets mes notes au propre dans un document",
        "ouvre une page blanche pour le discours",
        "fais-moi un texte de présentation",
        "write up the minutes of the meeting",
        "start a new doc for the speech",
        "draft a letter to the landlord",
        "type up my notes as a document",
        "make a page with the project plan",
    ],
)
async def create_document(
    title: Annotated[
        str, Field(min_length=1, max_length=500, description="Title of the document.", examples=["Compte rendu"])
    ],
    text: Annotated[str, Field(description="Its text in Markdown; empty without it.")] = "",
) -> WrittenDocument:
    """Create a document in My Drive from Markdown: headings, nested lists, tables, links, bold, italics, code.

    Returns its id and its address; `lost` lists what Google Docs cannot express. To begin with a template, use
    gdocs_copy_document.
    """
    lost: set[str] = set()
    blocks = blocks_of(text, lost)
    content.announce_fill(blocks)
    document = str((await api.post("/documents", json={"title": title}))["documentId"])
    await content.fill(document, blocks)
    return WrittenDocument(id=document, url=content.url(document), lost=sorted(lost))


@tools.reads(
    scopes=READ,
    tolerated=OWN,
    search=(
        "lire ouvrir contenu texte du document nombre de mots ouvre doc résume longueur combien pages read "
        "open show summarise written word count how minutes notes lire-moi"
    ),
    examples=[
        "Lis le compte rendu",
        "Combien de mots fait cet article ?",
        "what does the contract say",
        "lis-moi le texte du contrat",
        "résume le document",
        "qu'est-ce qu'on a écrit dans l'introduction",
        "ouvre mes notes de réunion",
        "mon article est long comment",
        "read me the document",
        "sum up my notes",
        "how many words is the article",
        "what's written in the introduction",
        "open the minutes",
    ],
)
async def get_document(document: DocumentId, cursor: Cursor = None) -> Document:
    """Read a document as Markdown, at most 50,000 characters a page, with the number of its words.

    Tabs stand one below the other. Suggestions that nobody has accepted are left out. `lost` lists what Markdown
    cannot express, such as pictures. Comments are in gdocs_list_comments.
    """
    raw, lost = await content.get(file_id(document), suggestions=False), set[str]()
    text, following = page_of(reading.markdown_of(raw, lost), cursor)
    return Document(
        id=raw["documentId"],
        title=raw.get("title", ""),
        url=content.url(raw["documentId"]),
        word_count=places.word_count(raw),
        markdown=text,
        lost=sorted(lost),
        next_cursor=following,
    )


@tools.writes(
    creates=True,
    scopes=CHANGE_FILE,
    tolerated=OWN,
    search=(
        "copier dupliquer modèle remplir contrat devis publipostage double pars gabarit nouvelle version "
        "remplis champs copy duplicate template fill placeholders merge new contract"
    ),
    examples=[
        "Fais un contrat pour Dupont à partir du modèle",
        "fill a copy of the template",
        "duplicate this document",
        "pars du modèle de courrier et mets le nom du client",
        "fais un double de ce doc",
        "prépare le devis à partir du gabarit",
        "nouveau contrat comme le précédent mais pour un autre client",
        "remplis le modèle d'attestation",
        "make a copy of this doc",
        "new contract from the template",
        "use last year's letter and change the name",
        "fill in the certificate template",
    ],
)
async def copy_document(
    document: DocumentId,
    title: Annotated[
        str, Field(min_length=1, max_length=500, description="Title of the copy.", examples=["Contrat Dupont"])
    ],
    replace: Annotated[
        dict[str, str] | None,
        Field(
            description="Texts of the original and what takes their place in the copy.",
            examples=[{"{{client}}": "Marie Dupont"}],
        ),
    ] = None,
    folder: Annotated[
        str | None, Field(description="Address of a folder of Drive for the copy; that of the original without it.")
    ] = None,
) -> FilledDocument:
    """Copy a document with its layout, and fill the copy: each text of `replace` is replaced wherever it stands.

    Use it for templates; the original stays. Look first with gdocs_get_document: it fails when a text stands nowhere.
    Returns the copy and the placeholders like {{date}} that are left.
    """
    original, texts = file_id(document), replace or {}
    raw = await content.get(original, suggestions=True)
    missing = [text for text in texts if not text or not reading.occurrences(raw, text, True)]
    if missing:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(missing[0], 80)}` stands nowhere in the original.",
            "Pass the texts as gdocs_get_document shows them, without signs of Markdown.",
        )
    requests = [_replacing(old, new) for old, new in texts.items()]
    if requests:
        api.follows("POST", "/documents/{documentId}:batchUpdate", json={"requests": requests})
    body = {"name": title, "parents": [file_id(folder)] if folder else None}
    params = {"fields": "id,name", **EVERYWHERE}
    made = str((await drive.post(f"/files/{segment(original)}/copy", params=params, json=body))["id"])
    replaced = 0
    if requests:
        with errors.hint(f"The copy {made} exists, not filled: fill it with gdocs_replace_text."):
            replaced = _replaced(await api.post(f"/documents/{segment(made)}:batchUpdate", json={"requests": requests}))
    return FilledDocument(
        id=made, title=title, url=content.url(made), replaced=replaced, unfilled=reading.placeholders(raw, texts)
    )


@tools.writes(
    replaces=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "remplacer modifier texte modèle champ change partout corrige toutes occurrences rechercher lieu "
        "substitue find replace everywhere every swap instead fix misspelled faute orthographe document doc"
    ),
    examples=[
        "Remplace Durand par Dupont dans le document",
        "change l'ancien nom partout",
        "corrige la faute dans tout le texte",
        "mets 2026 au lieu de 2025 dans le contrat",
        "remplace toutes les mentions de l'ancienne adresse",
        "substitue monsieur par madame dans la lettre",
        "find and replace the old name",
        "change 2025 to 2026 everywhere",
        "swap the address throughout the doc",
        "fix that misspelled word in the whole document",
        "put the new price in place of the old one",
    ],
)
async def replace_text(
    document: DocumentId,
    find: Annotated[str, Field(min_length=1, description="Plain text to look for.", examples=["{{client}}"])],
    replace: Annotated[str, Field(description="Plain text to put in its place.", examples=["Marie Dupont"])],
    match_case: Annotated[bool, Field(description="False to find it in capitals and small letters alike.")] = True,
) -> ReplacedText:
    """Replace a plain text wherever it stands in a document, in all tabs, tables, headers and footers; its look stays.

    Asks the user first with the number of places, and returns in how many it was replaced. See the text before with
    gdocs_get_document. To fill a copy of a template, use gdocs_copy_document.
    """
    raw = await content.get(file_id(document), suggestions=True)
    if number := reading.occurrences(raw, find, match_case):
        where = f"in {number} {'place' if number == 1 else 'places'} of «{raw.get('title', '')}»"
        await confirm(f"Replace «{find}» by «{replace}» {where}?")
    body: dict[str, Any] = {"requests": [_replacing(find, replace, match_case)]}
    return ReplacedText(
        replaced=_replaced(await api.post(f"/documents/{segment(file_id(document))}:batchUpdate", json=body))
    )


def _replacing(find: str, replace: str, match_case: bool = True) -> dict[str, Any]:
    return {"replaceAllText": {"replaceText": replace, "containsText": {"text": find, "matchCase": match_case}}}


def _replaced(answer: dict[str, Any]) -> int:
    """Return in how many places the requests of an answer replaced something."""
    replies = [r["replaceAllText"] for r in api.rows_in(answer, "replies", missing=True) if r.get("replaceAllText")]
    return sum(reply.get("occurrencesChanged", 0) for reply in replies)

"""Documents: create from Markdown, read as Markdown, append, replace, insert tables.

API: https://developers.google.com/workspace/docs/api/reference/rest/v1/documents
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Toolset, confirm, segment
from flotilla_servers._google import file_id

from .. import content, reading
from ..client import OWN, READ, WRITE, api
from ..models import Document, ReplacedText, WrittenDocument
from ..parsing import blocks_of, table_of

tools = Toolset("documents")

DocumentId = Annotated[
    str,
    Field(
        description="Id or address of the document, from gdocs_create_document or the user.",
        examples=["195j9eDD3ccgjQRttHhJPymLJUCOUjs"],
    ),
]
Markdown = Annotated[
    str,
    Field(min_length=1, description="Text to write, in Markdown.", examples=["## Suite\n\n- **Marie** : devis"]),
]


@tools.writes(creates=True, scopes=WRITE, tolerated=OWN, search="créer rédiger document compte rendu note")
async def create_document(
    title: Annotated[
        str, Field(min_length=1, max_length=500, description="Title of the document.", examples=["Compte rendu"])
    ],
    text: Annotated[str, Field(description="Its text in Markdown; empty without it.")] = "",
) -> WrittenDocument:
    """Create a document in My Drive from Markdown: headings, nested lists, tables, links, bold, italics, code.

    Returns its id and its address; `lost` lists what Google Docs cannot express. To write into a document that
    exists, use gdocs_append_text.
    """
    lost: set[str] = set()
    blocks = blocks_of(text, lost)
    content.announce_fill(blocks)
    document = str((await api.post("/documents", json={"title": title}))["documentId"])
    await content.fill(document, blocks)
    return WrittenDocument(id=document, url=content.url(document), lost=sorted(lost))


@tools.reads(scopes=READ, tolerated=OWN, search="lire ouvrir contenu texte du document")
async def get_document(document: DocumentId, cursor: Cursor = None) -> Document:
    """Read a document as Markdown, at most 50,000 characters a page; tabs stand one below the other.

    Suggestions that nobody has accepted are left out. `lost` lists what Markdown cannot express, such as pictures. No
    tool lists documents: take the address from the user, or the id from a search in Google Drive.
    """
    raw, lost = await content.get(file_id(document), suggestions=False), set[str]()
    text, following = content.page_of(reading.markdown_of(raw, lost), cursor)
    return Document(
        id=raw["documentId"], title=raw.get("title", ""), markdown=text, lost=sorted(lost), next_cursor=following
    )


@tools.writes(creates=True, scopes=WRITE, tolerated=OWN, search="ajouter à la fin compléter document")
async def append_text(document: DocumentId, text: Markdown) -> WrittenDocument:
    """Add Markdown at the end of a document, of its first tab where it has several.

    Fails when the document is changed at the same moment, so nothing is written twice. To change text that
    is there, use gdocs_replace_text.
    """
    lost: set[str] = set()
    blocks = blocks_of(text, lost)
    return await content.append(file_id(document), blocks, lost)


@tools.writes(replaces=True, scopes=WRITE, tolerated=OWN, search="remplacer modifier texte modèle champ")
async def replace_text(
    document: DocumentId,
    find: Annotated[str, Field(min_length=1, description="Plain text to look for.", examples=["{{client}}"])],
    replace: Annotated[str, Field(description="Plain text to put in its place.", examples=["Marie Dupont"])],
    match_case: Annotated[bool, Field(description="False to find it in capitals and small letters alike.")] = True,
) -> ReplacedText:
    """Replace a plain text wherever it stands in a document, in all tabs, tables, headers and footers; its look stays.

    Asks the user first with the number of places, and returns in how many it was replaced. Use it to fill in a
    template, and gdocs_get_document to see the text before.
    """
    raw = await content.get(file_id(document), suggestions=True)
    if places := reading.occurrences(raw, find, match_case):
        where = f"in {places} {'place' if places == 1 else 'places'} of «{raw.get('title', '')}»"
        await confirm(f"Replace «{find}» by «{replace}» {where}?")
    request = {"replaceText": replace, "containsText": {"text": find, "matchCase": match_case}}
    body: dict[str, Any] = {"requests": [{"replaceAllText": request}]}
    answer = await api.post(f"/documents/{segment(file_id(document))}:batchUpdate", json=body)
    replies = [r["replaceAllText"] for r in api.rows_in(answer, "replies", missing=True) if r.get("replaceAllText")]
    return ReplacedText(replaced=sum(reply.get("occurrencesChanged", 0) for reply in replies))


@tools.writes(creates=True, scopes=WRITE, tolerated=OWN, search="insérer tableau")
async def insert_table(
    document: DocumentId,
    rows: Annotated[
        list[list[str]],
        Field(
            min_length=1,
            description="Rows of cells with inline Markdown; the first row is the header.",
            examples=[[["Nom"], ["Marie"]]],
        ),
    ],
) -> WrittenDocument:
    """Add a table at the end of a document, with its first row in bold. Short rows are filled with empty cells.

    A table has at most 2,000 cells. To add text and tables together, pass Markdown to gdocs_append_text.
    """
    lost: set[str] = set()
    return await content.append(file_id(document), [table_of(rows, lost)], lost)

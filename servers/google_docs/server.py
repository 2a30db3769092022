"""Google Docs: documents from Markdown and as Markdown.

API: https://developers.google.com/workspace/docs/api/reference/rest
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Server, Toolset, confirm, segment
from flotilla_servers._google import file_id, scope

from . import content, reading
from .client import api, integration
from .models import Document, Replaced, Written
from .parsing import blocks_of, cells_of

tools = Toolset()

# drive.file comes last though it is narrow: it sees no document that somebody made by hand
READ = [scope(s) for s in ("documents.readonly", "documents", "drive.file", "drive.readonly", "drive")]
WRITE = [scope(s) for s in ("documents", "drive.file", "drive")]
DocumentId = Annotated[str, Field(description="Id or address", examples=["195j9eDD3ccgjQRttHhJPymLJUCOUjs"])]
Markdown = Annotated[str, Field(min_length=1, description="Markdown", examples=["## Suite\n\n- **Marie** : devis"])]


@tools.writes(creates=True, scopes=WRITE)
async def create_document(
    title: Annotated[str, Field(min_length=1, max_length=500, description="Title", examples=["Compte rendu"])],
    text: Annotated[str, Field(description="Markdown")] = "",
) -> Written:
    """Make a document from Markdown: headings, lists, tables, links, code. `lost` says what it cannot take."""
    lost: set[str] = set()
    blocks = blocks_of(text, lost)
    content.announced(blocks)
    made = (await api.post("/documents", json={"title": title}))["documentId"]
    await content.filled(made, blocks)
    return Written(id=made, url=content.url(made), lost=sorted(lost))


@tools.reads(scopes=READ)
async def get_document(
    document: DocumentId, cursor: Annotated[str | None, Field(description="next_cursor of the last page")] = None
) -> Document:
    """Read a document as Markdown, 50,000 characters a page. `lost` says what Markdown cannot say."""
    raw, lost = await content.whole(file_id(document)), set[str]()
    text, following = content.part(reading.markdown_of(raw, lost), cursor)
    return Document(
        id=raw["documentId"], title=raw.get("title", ""), markdown=text, lost=sorted(lost), next_cursor=following
    )


@tools.writes(creates=True, scopes=WRITE)
async def append_text(document: DocumentId, text: Markdown) -> Written:
    """Add Markdown at the end of a document."""
    lost: set[str] = set()
    blocks = blocks_of(text, lost)
    return await content.appended(file_id(document), blocks, lost)


@tools.writes(replaces=True, scopes=WRITE)
async def replace_text(
    document: DocumentId,
    find: Annotated[str, Field(min_length=1, description="Plain text", examples=["{{client}}"])],
    replace: Annotated[str, Field(description="Plain text for it", examples=["Marie Dupont"])],
    match_case: Annotated[bool, Field(description="Tell capitals apart")] = True,
) -> Replaced:
    """Replace a text wherever it stands in a document; its look stays."""
    about = await content.whole(file_id(document))
    if places := reading.occurrences(about, find, match_case):
        where = f"in {places} {'place' if places == 1 else 'places'} of «{about.get('title', '')}»"
        await confirm(f"Replace «{find}» by «{replace}» {where}?")
    told = {"replaceText": replace, "containsText": {"text": find, "matchCase": match_case}}
    body: dict[str, Any] = {"requests": [{"replaceAllText": told}]}
    answer = await api.post(f"/documents/{segment(file_id(document))}:batchUpdate", json=body)
    done = api.rows_in(answer, "replies", missing=True) or [{}]
    return Replaced(replaced=done[0].get("replaceAllText", {}).get("occurrencesChanged", 0))


@tools.writes(creates=True, scopes=WRITE)
async def insert_table(
    document: DocumentId,
    rows: Annotated[
        list[list[str]],
        Field(min_length=1, description="Rows of cells; the first is the header", examples=[[["Nom"], ["Marie"]]]),
    ],
) -> Written:
    """Add a table at the end of a document; cells may hold inline Markdown."""
    lost: set[str] = set()
    return await content.appended(file_id(document), [cells_of(rows, lost)], lost)


server = Server(integration, toolsets=[tools])

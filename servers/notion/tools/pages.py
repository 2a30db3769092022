"""Notion: search, databases, pages as Markdown, comments. API: https://developers.notion.com/reference/intro"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Server, Toolset, confirm, errors

from . import content, lookup
from .blocks import blocks_of, count, inline
from .client import api, asked, id_of, integration
from .duplicates import already
from .filters import Filter, filter_of, sorts_of
from .markdown import markdown_of
from .models import Comment, Content, Database, Found, Property, Row, Rows, User, Written
from .properties import options, related_to, title_name, values
from .richtext import Run, rich
from .values import title_of

tools = Toolset()

PAGE = "598337872cf94fdf8782e53db20768a5"
DatabaseName = Annotated[str, Field(description="Name, URL or id", examples=["Clients"])]
PageId = Annotated[str, Field(description="URL or id", examples=[PAGE])]
Markdown = Annotated[str, Field(description="Content")]
AllowDuplicate = Annotated[bool, Field(description="Though it is there")]
AGAIN = "It was there already: nothing was created. Change it with notion_update_page or notion_append_block."


@tools.reads
async def search(
    query: Annotated[str, Field(description="CommaSeparated of the title")] = "",
    kind: Annotated[Literal["page", "database"] | None, Field(description="Only")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Found]:
    """Find (search, trouve, cherche) a page or database by title; without query, what was edited last. Rows by other
    properties: notion_query_database."""
    newest = {"sort": {"timestamp": "last_edited_time", "direction": "descending"}}
    body: dict[str, Any] = {"query": query} if query else newest
    if kind:
        body["filter"] = {"property": "object", "value": "data_source" if kind == "database" else "page"}
    told = await asked("/search", body, limit, cursor)
    return Page(items=[Found.model_validate(one) for one in told["results"]], next_cursor=told.get("next_cursor"))


@tools.reads
async def query_database(
    database: DatabaseName,
    filters: Annotated[list[Filter] | None, Field(description="Conditions")] = None,
    match: Annotated[Literal["and", "or"], Field(description="All or any")] = "and",
    sorts: Annotated[list[str] | None, Field(description="Names; -name: descending")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """Show (list, liste) rows of a database (items, tasks, leads; lignes, tâches, fiches) filtered by status, date,
    person, sorted by any property, or created_time (newest first: -) or last_edited_time."""
    source = await lookup.source(database)
    body = {
        "filter": await filter_of(source.properties, filters or [], match),
        "sorts": sorts_of(source.properties, sorts or []),
    }
    told = await asked(f"/data_sources/{source.id}/query", body, limit, cursor)
    status = told.get("request_status") or {}
    note = "Notion stops at 10,000 rows: filter for the others." if status.get("type") == "incomplete" else None
    rows = [Row.model_validate(one) for one in told["results"] if "properties" in one]
    return Rows(items=rows, next_cursor=told.get("next_cursor"), note=note)


@tools.reads
async def get_database(database: DatabaseName) -> Database:
    """Get the properties (columns, fields; colonnes, champs) of a database: types, allowed values. Call it first."""
    source = await lookup.source(database)
    told = [
        Property(
            name=name,
            type=one["type"],
            allowed=options(one) or None,
            database=related_to(one) if one["type"] == "relation" else None,
        )
        for name, one in source.properties.items()
    ]
    return Database(id=source.id, url=source.url, properties=told)


@tools.writes(creates=True)
async def create_database_item(
    database: DatabaseName,
    properties: Annotated[
        dict[str, Any],
        Field(
            description="Plain values by name",
            examples=[{"Nom": "Dupont SARL", "Statut": "Lead chaud"}],
        ),
    ],
    markdown: Markdown = "",
    allow_duplicate: AllowDuplicate = False,
) -> Written:
    """Add an item (task, note, client) to a database, with content in Markdown (ajoute, crée une tâche, une fiche, un
    compte rendu dans ma base). One of the same title, dates and relations is told, not created again."""
    blocks, lost = blocks_of(markdown)
    content.checked(blocks)
    source = await lookup.source(database)
    made = await values(source.properties, properties)
    named = title_name(source.properties)
    if named not in made:
        raise errors.InvalidInputError(f"The title is missing: the property {named!r}.", "Call again with it.")
    seek = None if allow_duplicate else partial(already, source, made)
    if seek and (there := await seek()):
        return written(there, created=False, note=AGAIN)
    parent = {"type": "data_source_id", "data_source_id": source.id}
    page = await content.created({"parent": parent, "properties": made}, blocks, seek)
    return written(page, created=True, note=loss(lost))


@tools.writes(creates=True)
async def create_page(
    parent: PageId,
    title: Annotated[str, Field(description="Title", examples=["Compte rendu"])],
    markdown: Markdown = "",
    allow_duplicate: AllowDuplicate = False,
) -> Written:
    """Create (crée) a page in a page, with text in Markdown. In a database: notion_create_database_item."""
    blocks, lost = blocks_of(markdown)
    content.checked(blocks)
    above = id_of(parent)
    seek = None if allow_duplicate else partial(lookup.subpage, above, title)
    if seek and (there := await seek()):
        return written(there, created=False, note=AGAIN)
    body = {
        "parent": {"type": "page_id", "page_id": above},
        "properties": {"title": {"title": rich([Run(title)])}},
    }
    page = await content.created(body, blocks, seek)
    return written(page, created=True, note=loss(lost))


@tools.reads
async def get_page(page: PageId, cursor: Cursor = None) -> Content:
    """Read what a page says (lis, contenu): Markdown and properties, 100 blocks at a time."""
    found = await api.get(f"/pages/{id_of(page)}")
    blocks, following = await content.tree(found["id"], cursor)
    lost = set[str]()
    text = markdown_of(blocks, lost)
    notes = ["This page is in the trash."] if found.get("in_trash") else []
    notes += [f"Not in the Markdown: {'; '.join(sorted(lost))}."] if lost else []
    more = {"markdown": text, "note": " ".join(notes) or None, "next_cursor": following}
    return Content.model_validate({**found, **more})


@tools.writes(creates=True)
async def append_block(
    page: PageId,
    markdown: Annotated[
        str,
        Field(description="Content", examples=["- [ ] Envoyer le devis"]),
    ],
) -> Written:
    """Add text, lists, to-dos (texte, paragraphe, liste) in Markdown at the end of a page."""
    blocks, lost = blocks_of(markdown)
    if not blocks:
        raise errors.InvalidInputError("The Markdown holds nothing that Notion could show.", "Call again with text.")
    target = id_of(page)
    progress = content.Progress(count(content.checked(blocks)), target)
    content.announced(blocks)
    with content.telling(progress):
        await content.append(target, blocks, progress)
    return Written(id=target, note=loss(lost))


@tools.writes(additive=False, idempotent=True)
async def update_page(
    page: PageId,
    properties: Annotated[
        dict[str, Any],
        Field(description="Plain values by name; null clears", examples=[{"Statut": "Client"}]),
    ],
) -> Written:
    """Change properties or title of a page or item (modifier, changer le statut, mark as done)."""
    here = await api.get(f"/pages/{id_of(page)}")
    schema = await lookup.schema_of(here)
    made = await values(schema, properties)
    if not made:
        raise errors.InvalidInputError("No property is given.", f"There are: {lookup.listed(schema)}.")
    return written(await api.patch(f"/pages/{here['id']}", json={"properties": made}))


@tools.destroys(asks=True, idempotent=True)
async def archive_page(page: PageId) -> Written:
    """Move a page or item to the trash (supprimer, delete, corbeille)."""
    about = await api.get(f"/pages/{id_of(page)}")
    await confirm(f"Move the Notion page «{title_of(about)}» to the trash?")
    return written(await api.patch(f"/pages/{id_of(page)}", json={"in_trash": True}))


@tools.writes(creates=True)
async def add_comment(
    page: PageId,
    text: Annotated[str, Field(description="Text", examples=["Validé."])],
) -> Comment:
    """Comment on a page (commentaire)."""
    body = {"parent": {"type": "page_id", "page_id": id_of(page)}, "rich_text": inline(text.strip(), set())}
    if not body["rich_text"]:
        raise errors.InvalidInputError("The comment is empty.", "Call again with text.")
    return Comment.model_validate(await api.post("/comments", json=body))


@tools.reads(core=False)
async def list_users(limit: Limit = 20, cursor: Cursor = None) -> Page[User]:
    """List people of the workspace (membres, utilisateurs) with e-mails."""
    return await api.page("/users", User, limit=limit, cursor=cursor)


def address(page: str) -> str:
    """Return the address of a page."""
    return f"https://www.notion.so/{page.replace('-', '')}"


def loss(lost: list[str]) -> str | None:
    """Say what of the Markdown could not be kept."""
    return f"Not kept as it was: {'; '.join(lost)}." if lost else None


def written(page: dict[str, Any], **more: Any) -> Written:
    """Return a page as the result of a change."""
    return Written(id=page["id"], url=page.get("url") or address(page["id"]), **more)


server = Server(integration, toolsets=[tools])

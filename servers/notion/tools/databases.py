"""Databases and their rows. API: https://developers.notion.com/reference/post-database-query"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Toolset, errors, readable

from .. import content, lookup
from ..blocks import blocks_of
from ..client import list_by_post
from ..duplicates import duplicate
from ..filters import Filter, filter_of, sorts_of
from ..models import Database, Property, Row, Rows, Written
from ..properties import options, related_to, title_name, values
from .pages import EXISTING, AllowDuplicate, Markdown, NewOptions, not_kept, written

tools = Toolset("databases")

DatabaseName = Annotated[
    str, Field(description="Name or address of the database, see notion_search.", examples=["Clients"])
]


@tools.reads(
    search="quelles liste montre affiche lignes tâches fiches leads éléments retard statut rows items tasks show"
)
async def query_database(
    database: DatabaseName,
    filters: Annotated[list[Filter] | None, Field(description="Conditions on properties.")] = None,
    match: Annotated[Literal["and", "or"], Field(description="Whether all conditions must hold, or one.")] = "and",
    sorts: Annotated[
        list[str] | None,
        Field(description="Properties to sort by, created_time or last_edited_time; -name descends."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Rows:
    """List the rows of a database (tasks, leads, any items), filtered and sorted by their properties.

    Returns each row's id, address and properties as plain values. Call notion_get_database first to learn the
    properties and their allowed values. For the text of a row's page, use notion_get_page.
    """
    source = await lookup.source(database)
    body = {
        "filter": await filter_of(source.properties, filters or [], match),
        "sorts": sorts_of(source.properties, sorts or []),
    }
    answer = await list_by_post(f"/data_sources/{source.id}/query", body, limit, cursor)
    status = answer.get("request_status") or {}
    note = "Notion stops at 10,000 rows: filter for the others." if status.get("type") == "incomplete" else None
    return Rows(items=readable(Row, answer["results"]), next_cursor=answer.get("next_cursor"), note=note)


@tools.reads(search="colonnes champs propriétés valeurs permises columns fields schema")
async def get_database(database: DatabaseName) -> Database:
    """Get the properties of a database: their names, types, allowed values, and which database a relation leads to.

    Call it before notion_query_database or notion_create_database_item, whose properties go by these names.
    """
    source = await lookup.source(database)
    properties = [
        Property(
            name=name,
            type=prop["type"],
            allowed=options(prop) or None,
            database=related_to(prop) if prop["type"] == "relation" else None,
        )
        for name, prop in source.properties.items()
    ]
    return Database(id=source.id, url=source.url, properties=properties)


@tools.writes(
    creates=True,
    search="ajoute crée tâche fiche compte rendu base add task meeting note client item row",
)
async def create_database_item(
    database: DatabaseName,
    properties: Annotated[
        dict[str, Any],
        Field(
            description="Plain values by property name, see notion_get_database.",
            examples=[{"Nom": "Dupont SARL", "Statut": "Lead chaud"}],
        ),
    ],
    markdown: Markdown = "",
    allow_duplicate: AllowDuplicate = False,
    new_options: NewOptions = False,
) -> Written:
    """Add an item to a database, such as a task, a client or a meeting note, with text in Markdown on its page.

    Dates are 2030-06-03, times 2030-06-03T14:00, spans start/end; people go by name or e-mail address, relations by
    title. An unfinished item with the same title, dates, relations and text is returned with `created` false.
    """
    blocks, lost = blocks_of(markdown)
    content.checked(blocks)
    source = await lookup.source(database)
    prepared = await values(source.properties, properties, new_options=new_options)
    title = title_name(source.properties)
    if title not in prepared:
        raise errors.InvalidInputError(f"The title is missing: the property `{title}`.", "Call again with it.")
    seek = None if allow_duplicate else partial(duplicate, source, prepared, blocks)
    if seek and (existing := await seek()):
        return written(existing, created=False, note=EXISTING)
    parent = {"type": "data_source_id", "data_source_id": source.id}
    page = await content.created({"parent": parent, "properties": prepared}, blocks, seek)
    return written(page, created=True, note=not_kept(lost))

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
    search=(
        "quelles liste montre affiche lignes tâches fiches leads éléments retard statut rows items tasks show "
        "lister tri trie filtre filtrer combien reste ouvertes cours assigné assignées échéance cette semaine "
        "priorité quoi prévu sort filter which open due pending assigned count to-do overdue entries records "
        "backlog tâche projet projets client clients lead task project projects base suivi tracker board "
        "everything what left this week plate"
    ),
    examples=[
        "qu'est-ce qui me reste à faire cette semaine",
        "quelles tâches sont en retard",
        "montre-moi les projets en cours",
        "combien de leads avec le statut À contacter",
        "quels sont les éléments qui me sont assignés",
        "trie les clients par date de signature",
        "what is left on my plate this week",
        "which tasks are overdue",
        "show me everything that is in progress",
        "list the leads nobody has called yet",
        "how many entries are still marked To do",
        "what is due before Friday",
    ],
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


@tools.reads(
    search=(
        "colonnes champs propriétés valeurs permises columns fields schema structure schéma options statuts "
        "possibles types champ tableau quels choix relation structured layout which statuses choices possible "
        "values tâche tâches projet projets client clients lead leads task tasks project projects base suivi "
        "liste tracker board"
    ),
    examples=[
        "quels statuts peut-on mettre dans la base Tâches",
        "comment est organisé ce tableau",
        "qu'est-ce qu'il y a comme colonnes",
        "quels choix dans le menu déroulant Priorité",
        "de quels champs est faite la base Clients",
        "which columns does the tracker have",
        "what statuses can I pick from",
        "how is that table structured",
        "which fields do the leads have",
        "what are the options of the priority select",
    ],
)
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
    search=(
        "ajoute crée tâche fiche compte rendu base add task meeting note client item row nouvelle ligne "
        "entrée rajoute inscris enregistre lead prospect projet idée réunion rappel new entry record log "
        "backlog put list todo track tâches projets clients leads tasks project projects suivi liste tracker "
        "board choses faire mets"
    ),
    examples=[
        "ajoute une tâche : appeler le comptable avant vendredi",
        "mets ça dans ma liste de choses à faire",
        "crée une fiche pour ce nouveau client",
        "nouvelle entrée dans le suivi des projets",
        "enregistre le compte rendu de la réunion de ce matin",
        "note cette idée dans la base Idées",
        "add a task to call the accountant by Friday",
        "put that on my to-do list",
        "log a new lead in the tracker",
        "new entry in the project list, due Monday",
        "save the minutes of this morning's meeting",
        "add a row for this candidate",
    ],
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

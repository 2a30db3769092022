"""Databases themselves and their columns. API: https://developers.notion.com/reference/update-a-data-source"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, confirm, errors
from flotilla.parsing import listed

from .. import columns, lookup
from ..client import api, id_of
from ..columns import Column
from ..models import Written
from ..properties import find
from ..richtext import Run, rich
from .databases import DatabaseName
from .pages import EXISTING, AllowDuplicate, PageId, written

tools = Toolset("databases")


@tools.writes(
    core=False,
    creates=True,
    search=(
        "crée base de données tableau suivi colonnes new database table tracker monter fabrique nouveau "
        "kanban board bord liste crm registre set up build spreadsheet-like inventory structured tâche tâches "
        "projet projets client clients lead leads task tasks project projects"
    ),
    examples=[
        "Crée une base Projets avec un statut et une échéance",
        "Create a database to track leads",
        "monte-moi un tableau de suivi des candidatures",
        "il me faut un kanban pour l'équipe",
        "fabrique une base avec nom, prix et fournisseur",
        "nouveau registre pour nos contrats",
        "set up a tracker for job applications",
        "build a table with name, price and supplier",
        "I need a board for the team's work",
        "start a fresh inventory with columns for stock",
    ],
)
async def create_database(
    parent: PageId,
    title: Annotated[
        str, Field(min_length=1, max_length=2000, description="Title of the new database.", examples=["Projets"])
    ],
    properties: Annotated[
        list[Column],
        Field(
            description="Its columns; one of the type title is added where missing.",
            examples=[[{"name": "État", "type": "select", "options": ["À faire", "Fait"]}]],
        ),
    ],
    allow_duplicate: AllowDuplicate = False,
) -> Written:
    """Create a database inside a page, with its columns. Returns the id that the other database tools take.

    Where the page has a database of this title already, that one is returned with `created` false. To add rows, use
    notion_create_database_item; to change columns later, notion_update_database.
    """
    above = id_of(parent)
    made = await _configured(properties)
    titles = [name for name, column in made.items() if "title" in column]
    if len(titles) > 1:
        raise errors.InvalidInputError(f"There are {len(titles)} columns of the type title.", "Keep one of them.")
    if not titles:
        made = {"Name" if "Name" not in made else "Title": {"title": {}}, **made}
    seek = None if allow_duplicate else partial(lookup.inside, above, title, "child_database")
    if seek and (existing := await seek()):
        return written(existing, created=False, note=EXISTING)
    body = {
        "parent": {"type": "page_id", "page_id": above},
        "title": rich([Run(title)]),
        "initial_data_source": {"properties": made},
    }
    database = await api.post("/databases", json=body)
    sources = database.get("data_sources") or []
    return written({**database, "id": sources[0]["id"] if len(sources) == 1 else database["id"]}, created=True)


@tools.writes(
    core=False,
    replaces=True,
    search=(
        "ajoute colonne propriété renomme supprime option base add column property rename database select "
        "champ étiquette choix menu déroulant renommer enlève retire vire structure dropdown choice field "
        "drop remove new label schema tâche tâches projet projets client clients lead leads task tasks "
        "project projects suivi liste tracker board"
    ),
    examples=[
        "Ajoute une colonne Budget à la base Clients",
        "Rename the column Status to State",
        "rajoute un champ Téléphone au tableau",
        "ajoute l'option En pause au menu Statut",
        "vire la colonne Remarques",
        "renomme la base Prospects en Clients",
        "la colonne Date doit s'appeler Échéance",
        "add a phone field to the table",
        "put one more choice into the status dropdown",
        "drop the Remarks column",
        "give the database another title",
        "call that column Deadline instead",
    ],
)
async def update_database(
    database: DatabaseName,
    title: Annotated[str | None, Field(description="New title of the database.")] = None,
    add: Annotated[
        list[Column] | None, Field(description="New columns, or a column that exists with options to add to it.")
    ] = None,
    rename: Annotated[
        dict[str, str] | None,
        Field(description="New names of columns by their present ones.", examples=[{"Nom": "Client"}]),
    ] = None,
    remove: Annotated[list[str] | None, Field(description="Names of columns to remove, with all their values.")] = None,
) -> Written:
    """Change a database: its title, new columns, more options of a select, other names; columns that are removed.

    Before columns are removed, which deletes their values in every row, the user is asked. Call notion_get_database
    first. The type of a column cannot be changed. To change rows, use notion_update_page.
    """
    source = await lookup.source(database)
    changes = await _changes(source, add or [], rename or {}, remove or [])
    if not changes and not title:
        raise errors.InvalidInputError("There is nothing to change.", "Pass title, add, rename or remove.")
    gone = [name for name, change in changes.items() if change is None]
    if gone:
        await confirm(
            f"Remove {listed(gone)} from the Notion database «{source.title}», with the values in all its rows?",
            sorted(source.properties),
        )
    body = {"title": rich([Run(title)]) if title else None, "properties": changes or None}
    return written(await api.patch(f"/data_sources/{source.id}", json=body))


async def _configured(wanted: list[Column]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column in wanted:
        if lookup.matching(column.name, ((own, own) for own in made)):
            raise errors.InvalidInputError(f"There are two columns `{column.name}`.", "Give each its own name.")
        made[column.name] = await columns.configuration(column)
    return made


async def _changes(
    source: lookup.Source, add: list[Column], rename: dict[str, str], remove: list[str]
) -> dict[str, Any]:
    """Return what changes, by the column's name; None for a column that goes."""
    new: list[Column] = []
    changes: dict[str, Any] = {}
    for column in add:
        if known := lookup.matching(column.name, ((own, own) for own in source.properties)):
            changes[known[0]] = columns.with_options(known[0], source.properties[known[0]], column)
        else:
            new.append(column)
    changes |= await _configured(new)
    if any("title" in column for column in changes.values()):
        raise errors.InvalidInputError("A database has one column of the type title.", "Rename that one.")
    for name, wanted in rename.items():
        own = find(source.properties, name)[0]
        if not wanted.strip() or lookup.matching(wanted, ((one, one) for one in source.properties if one != own)):
            raise errors.InvalidInputError(
                f"The column `{own}` cannot be called `{errors.excerpt(wanted, 60)}`.", "Choose a name that is free."
            )
        changes[own] = {**changes.get(own, {}), "name": wanted.strip()}
    for name in remove:
        own, prop = find(source.properties, name)
        if prop["type"] == "title" or own in changes:
            raise errors.InvalidInputError(
                f"The column `{own}` cannot be removed.", "Every database keeps its title; change or remove the others."
            )
        changes[own] = None
    return changes

"""Columns of databases, from plain descriptions to Notion's. https://developers.notion.com/reference/property-object"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from flotilla import errors
from flotilla.parsing import folded, listed

from . import lookup

_PLAIN = (
    "title", "rich_text", "checkbox", "date", "email", "phone_number", "url", "people", "files", "created_time",
    "created_by", "last_edited_time", "last_edited_by", "unique_id",
)  # fmt: skip
_WITH_OPTIONS = ("select", "multi_select", "status")
_NUMBERS = {"number": "number", "euro": "euro", "dollar": "dollar", "percent": "percent"}
_NAMES = {"text": "rich_text", "phone": "phone_number", "id": "unique_id"}
TYPES = (*_NAMES, *_NUMBERS, *_WITH_OPTIONS, "relation", *(kind for kind in _PLAIN if kind not in _NAMES.values()))


class Column(BaseModel):
    """One column of a database."""

    name: str = Field(min_length=1, max_length=100, description="Name of the column.")
    type: str = Field(
        description="title, text, number, euro, percent, date, checkbox, select, multi_select, status, people, "
        "relation, email, phone, url, files, created_time or id."
    )
    options: list[str] | None = Field(None, description="Names to choose from, for select, multi_select and status.")
    database: str | None = Field(None, description="Name or address of the database that a relation leads to.")


async def configuration(column: Column) -> dict[str, Any]:
    """Return a column as the API takes it; raises errors.InvalidInputError for a type that it cannot have."""
    wanted = folded(column.type).replace(" ", "_")
    kind = _NAMES.get(wanted, wanted)
    if column.options is not None and kind not in _WITH_OPTIONS:
        raise errors.InvalidInputError(
            f"The column `{column.name}` ({column.type}) has no options.", "Leave them out, or make it a select."
        )
    if kind in _WITH_OPTIONS:
        return {kind: {"options": [{"name": name} for name in names(column)]} if column.options else {}}
    if kind in _NUMBERS:
        return {"number": {"format": _NUMBERS[kind]}}
    if kind == "relation":
        if not column.database:
            raise errors.InvalidInputError(
                f"It is not said where the relation `{column.name}` leads.", "Pass its database."
            )
        source = await lookup.source(column.database)
        return {"relation": {"data_source_id": source.id, "type": "single_property", "single_property": {}}}
    if kind not in _PLAIN:
        raise errors.InvalidInputError(
            f"A column cannot have the type `{errors.excerpt(column.type, 40)}`.", f"Types are: {', '.join(TYPES)}."
        )
    return {kind: {}}


def names(column: Column) -> list[str]:
    """Return the options of a column, each once; raises errors.InvalidInputError for one that Notion refuses."""
    result = list(dict.fromkeys(option.strip() for option in column.options or ()))
    wrong = [name for name in result if not name or len(name) > 100 or "," in name]
    if wrong:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(wrong[0], 60)}` cannot be an option.", "Options have 1 to 100 characters and no comma."
        )
    return result


def with_options(name: str, prop: dict[str, Any], column: Column) -> dict[str, Any]:
    """Return a column that exists with more options; those that it has stay.

    Raises errors.InvalidInputError where something else than options is to change.
    """
    kind = prop["type"]
    if kind not in _WITH_OPTIONS or folded(column.type).replace(" ", "_") != kind or not column.options:
        raise errors.InvalidInputError(
            f"There is a column `{name}` ({kind}) already.",
            "Its type cannot be changed here without loss: choose another name, or ask the user to do it in Notion.",
        )
    held = (prop[kind] or {}).get("options") or []
    known = [option["name"] for option in held]
    new = [option for option in names(column) if not lookup.matching(option, ((own, own) for own in known))]
    if not new:
        raise errors.InvalidInputError(f"The column `{name}` has these options already: {listed(known)}.", "Use them.")
    return {kind: {"options": [{"id": option["id"], "name": option["name"]} for option in held] + [
        {"name": option} for option in new
    ]}}  # fmt: skip

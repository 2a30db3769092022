"""Plain filters and sorts to Notion's, checked against the schema.

https://developers.notion.com/reference/post-database-query-filter
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from flotilla import errors

from . import lookup, properties
from .properties import Schema

Comparison = Literal[
    "=", "!=", ">", "<", ">=", "<=", "contains", "excludes", "starts", "ends", "empty", "filled", "within"
]  # fmt: skip
SPANS = ("past_week", "past_month", "past_year", "this_week", "next_week", "next_month", "next_year")
_THERE = {"empty": "is_empty", "filled": "is_not_empty"}
_SAME = {"=": "equals", "!=": "does_not_equal"}
_PART = {"contains": "contains", "excludes": "does_not_contain", **_THERE}
_TEXT = {**_SAME, "starts": "starts_with", "ends": "ends_with", **_PART}
_NUMBER = {
    **_SAME,
    ">": "greater_than",
    "<": "less_than",
    ">=": "greater_than_or_equal_to",
    "<=": "less_than_or_equal_to",
    **_THERE,
}
_DATE = {"=": "equals", ">": "after", "<": "before", ">=": "on_or_after", "<=": "on_or_before", "within": "", **_THERE}
_ONE = {**_SAME, **_THERE}
_WAYS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number"), _TEXT),
    **dict.fromkeys(("number", "unique_id"), _NUMBER),
    **dict.fromkeys(("date", "created_time", "last_edited_time"), _DATE),
    **dict.fromkeys(("select", "status"), _ONE),
    **dict.fromkeys(("multi_select", "people", "relation", "created_by", "last_edited_by"), _PART),
    "checkbox": _SAME,
    "files": _THERE,
}
STAMPS = ("created_time", "last_edited_time")


class Filter(BaseModel):
    """One condition."""

    property: str
    is_: Comparison = Field("=", alias="is")
    value: Any = None


async def filter_of(schema: Schema, filters: list[Filter], match: str) -> dict[str, Any] | None:
    """Return Notion's filter, None for none. Raises errors.InvalidInputError for what a property does not allow."""
    if len(filters) > 100:
        raise errors.InvalidInputError("There are more than 100 filters.", "Give fewer.")
    made = [await _one(schema, given) for given in filters]
    return {match: made} if len(made) > 1 else made[0] if made else None


def sorts_of(schema: Schema, sorts: list[str]) -> list[dict[str, Any]] | None:
    """Return Notion's sorts of names, those with - before descending. The two STAMPS need no property of their own."""
    made: list[dict[str, Any]] = []
    for given in sorts:
        name = given if given in schema else given.removeprefix("-")
        way = "ascending" if name == given else "descending"
        if name in STAMPS and name not in schema:
            made.append({"timestamp": name, "direction": way})
        else:
            made.append({"property": properties.find(schema, name)[0], "direction": way})
    return made or None


async def _one(schema: Schema, given: Filter) -> dict[str, Any]:
    stamp = given.property in STAMPS and given.property not in schema
    name, told = (given.property, {"type": given.property}) if stamp else properties.find(schema, given.property)
    kind = told["type"]
    if kind == "formula":
        return {"property": name, "formula": _of_formula(name, told, given)}
    ways = _WAYS.get(kind)
    if ways is None:
        raise errors.InvalidInputError(f"Notion cannot filter by {name!r} ({kind}).", "Filter by another property.")
    condition = await _condition(name, told, given, ways)
    return {"timestamp": kind, kind: condition} if stamp else {"property": name, kind: condition}


async def _condition(name: str, told: dict[str, Any], given: Filter, ways: dict[str, str]) -> dict[str, Any]:
    if given.is_ not in ways:
        raise errors.InvalidInputError(
            f"The property {name!r} ({told['type']}) cannot be compared with {given.is_!r}.",
            f"It can be with: {', '.join(ways)}.",
        )
    if given.is_ in _THERE:
        return {ways[given.is_]: True}
    if given.is_ == "within":
        if given.value not in SPANS:
            raise properties.misfit(name, told, given.value, f"one of: {', '.join(SPANS)}")
        return {given.value: {}}
    if given.value is None or isinstance(given.value, dict | list):
        raise properties.misfit(name, told, given.value, "one value")
    return {ways[given.is_]: await _value(name, told, given.value)}


async def _value(name: str, told: dict[str, Any], value: Any) -> Any:
    kind = told["type"]
    if kind in ("select", "status", "multi_select"):
        return properties.option(name, told, value)
    if ways := _WAYS.get(kind):
        if ways is _NUMBER:
            number = {"type": "number", "number": told.get("number")}
            return (await properties.values({name: number}, {name: value}))[name]["number"]
        if ways is _DATE:
            return properties.moment(name, told, value)
    if kind == "checkbox":
        return (await properties.values({name: told}, {name: value}))[name]["checkbox"]
    if kind == "relation":
        return await lookup.related(properties.related_to(told), str(value))
    if kind in ("people", "created_by", "last_edited_by"):
        return "me" if value == "me" else await lookup.person(str(value))
    return str(value)


def _of_formula(name: str, told: dict[str, Any], given: Filter) -> dict[str, Any]:
    """Return the condition for a formula: the schema does not say what it yields, so the value tells."""
    value = given.value
    if isinstance(value, bool):
        kind, ways = "checkbox", _SAME
    elif isinstance(value, int | float):
        kind, ways = "number", _NUMBER
    elif given.is_ in (">", "<", ">=", "<="):
        kind, ways, value = "date", _DATE, properties.moment(name, told, value)
    else:
        kind, ways, value = "string", _TEXT, str(value)
    if given.is_ not in ways or given.is_ == "within":
        raise errors.InvalidInputError(
            f"The formula {name!r} cannot be compared so.", f"Use one of: {', '.join(ways)}."
        )
    return {kind: {ways[given.is_]: True if given.is_ in _THERE else value}}

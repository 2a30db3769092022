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
_PRESENCE = {"empty": "is_empty", "filled": "is_not_empty"}
_SAME = {"=": "equals", "!=": "does_not_equal"}
_PART = {"contains": "contains", "excludes": "does_not_contain", **_PRESENCE}
_TEXT = {**_SAME, "starts": "starts_with", "ends": "ends_with", **_PART}
_NUMBER = {
    **_SAME,
    ">": "greater_than",
    "<": "less_than",
    ">=": "greater_than_or_equal_to",
    "<=": "less_than_or_equal_to",
    **_PRESENCE,
}
_DATE = {
    "=": "equals",
    ">": "after",
    "<": "before",
    ">=": "on_or_after",
    "<=": "on_or_before",
    "within": "",
    **_PRESENCE,
}
_ONE = {**_SAME, **_PRESENCE}
_OPERATORS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number"), _TEXT),
    **dict.fromkeys(("number", "unique_id"), _NUMBER),
    **dict.fromkeys(("date", "created_time", "last_edited_time"), _DATE),
    **dict.fromkeys(("select", "status"), _ONE),
    **dict.fromkeys(("multi_select", "people", "relation", "created_by", "last_edited_by"), _PART),
    "checkbox": _SAME,
    "files": _PRESENCE,
}
STAMPS = ("created_time", "last_edited_time")


class Filter(BaseModel):
    """One condition."""

    property: str = Field(description="Name of the property, from notion_get_database.")
    is_: Comparison = Field("=", alias="is", description="How it is compared; within takes a value such as next_week.")
    value: Any = Field(None, description="Plain value to compare with; none for empty and filled.")


async def filter_of(schema: Schema, filters: list[Filter], match: str) -> dict[str, Any] | None:
    """Return Notion's filter, None for none. Raises errors.InvalidInputError for what a property does not allow."""
    if len(filters) > 100:
        raise errors.InvalidInputError("There are more than 100 filters.", "Pass fewer.")
    prepared = [await _one(schema, wanted) for wanted in filters]
    return {match: prepared} if len(prepared) > 1 else prepared[0] if prepared else None


def sorts_of(schema: Schema, sorts: list[str]) -> list[dict[str, Any]] | None:
    """Return Notion's sorts of names, those with - before descending. The two STAMPS need no property of their own."""
    prepared: list[dict[str, Any]] = []
    for wanted in sorts:
        name = wanted if wanted in schema else wanted.removeprefix("-")
        direction = "ascending" if name == wanted else "descending"
        if name in STAMPS and name not in schema:
            prepared.append({"timestamp": name, "direction": direction})
        else:
            prepared.append({"property": properties.find(schema, name)[0], "direction": direction})
    return prepared or None


async def _one(schema: Schema, wanted: Filter) -> dict[str, Any]:
    stamp = wanted.property in STAMPS and wanted.property not in schema
    name, prop = (wanted.property, {"type": wanted.property}) if stamp else properties.find(schema, wanted.property)
    kind = prop["type"]
    if kind == "formula":
        return {"property": name, "formula": _of_formula(name, prop, wanted)}
    operators = _OPERATORS.get(kind)
    if operators is None:
        raise errors.InvalidInputError(f"Notion cannot filter by `{name}` ({kind}).", "Filter by another property.")
    condition = await _condition(name, prop, wanted, operators)
    return {"timestamp": kind, kind: condition} if stamp else {"property": name, kind: condition}


async def _condition(name: str, prop: dict[str, Any], wanted: Filter, operators: dict[str, str]) -> dict[str, Any]:
    if wanted.is_ not in operators:
        raise errors.InvalidInputError(
            f"The property `{name}` ({prop['type']}) cannot be compared with `{wanted.is_}`.",
            f"It can be compared with: {', '.join(operators)}.",
        )
    if wanted.is_ in _PRESENCE:
        return {operators[wanted.is_]: True}
    if wanted.is_ == "within":
        if wanted.value not in SPANS:
            raise properties.misfit(name, prop, wanted.value, f"one of: {', '.join(SPANS)}")
        return {wanted.value: {}}
    if wanted.value is None or isinstance(wanted.value, dict | list):
        raise properties.misfit(name, prop, wanted.value, "one value")
    return {operators[wanted.is_]: await _value(name, prop, wanted.value)}


async def _value(name: str, prop: dict[str, Any], value: Any) -> Any:
    kind = prop["type"]
    if kind in ("select", "status", "multi_select"):
        return properties.option(name, prop, value)
    if operators := _OPERATORS.get(kind):
        if operators is _NUMBER:
            number = {"type": "number", "number": prop.get("number")}
            return (await properties.values({name: number}, {name: value}))[name]["number"]
        if operators is _DATE:
            return properties.moment(name, prop, value).isoformat()
    if kind == "checkbox":
        return (await properties.values({name: prop}, {name: value}))[name]["checkbox"]
    if kind == "relation":
        return await lookup.related(properties.related_to(prop), str(value))
    if kind in ("people", "created_by", "last_edited_by"):
        return "me" if value == "me" else await lookup.person(str(value))
    return str(value)


def _of_formula(name: str, prop: dict[str, Any], wanted: Filter) -> dict[str, Any]:
    """Return the condition for a formula: the schema does not say what it yields, so the value decides."""
    value = wanted.value
    if isinstance(value, bool):
        kind, operators = "checkbox", _SAME
    elif isinstance(value, int | float):
        kind, operators = "number", _NUMBER
    elif wanted.is_ in (">", "<", ">=", "<="):
        kind, operators, value = "date", _DATE, properties.moment(name, prop, value).isoformat()
    else:
        kind, operators, value = "string", _TEXT, str(value)
    if wanted.is_ not in operators or wanted.is_ == "within":
        raise errors.InvalidInputError(
            f"The formula `{name}` cannot be compared with `{wanted.is_}`.", f"Use one of: {', '.join(operators)}."
        )
    return {kind: {operators[wanted.is_]: True if wanted.is_ in _PRESENCE else value}}

"""Plain values to property values, checked against the schema before anything is sent.

https://developers.notion.com/reference/page-property-values
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

from flotilla import errors
from flotilla.parsing.money import read_money, read_number

from . import lookup
from .blocks import inline
from .richtext import MOST, PIECE, Run, rich

Schema = dict[str, dict[str, Any]]
_COMPUTED = "formula rollup created_time created_by last_edited_time last_edited_by unique_id button verification place"
COMPUTED = frozenset(_COMPUTED.split())
_YES, _NO = {"true", "yes", "oui", "1", "x"}, {"false", "no", "non", "0", ""}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOST = 10**15  # a number keeps no more digits


async def values(schema: Schema, given: dict[str, Any]) -> dict[str, Any]:
    """Return properties as the API takes them, by name; null clears one.

    Raises errors.InvalidInputError that says what a property allows, before anything is written.
    """
    made: dict[str, Any] = {}
    for name, value in given.items():
        spelt, told = find(schema, name)
        if spelt in made:
            raise errors.InvalidInputError(f"The property {spelt!r} is given twice.", "Give it once.")
        made[spelt] = await _value(spelt, told, value)
    return made


def title_name(schema: Schema) -> str:
    """Return the name of the property that holds the title."""
    return next((name for name, told in schema.items() if told["type"] == "title"), "title")


def find(schema: Schema, name: str) -> tuple[str, dict[str, Any]]:
    """Return a property's own name and its schema; "title" is the title whatever it is called."""
    hits = lookup.matching(name, ((own, own) for own in schema))
    hits = hits or [own for own, told in schema.items() if told.get("id") == name]
    if not hits and lookup.folded(name) in ("title", "titre"):
        hits = [title_name(schema)]
    if len(hits) == 1 and hits[0] in schema:
        return hits[0], schema[hits[0]]
    near = difflib.get_close_matches(name, schema, n=1)
    known = lookup.listed(f"{own} ({told['type']})" for own, told in schema.items())
    raise errors.InvalidInputError(
        f"There is no property {errors.excerpt(name, 60)!r}" + (f"; did you mean {near[0]!r}?" if near else "."),
        f"There are: {known}.",
    )


def misfit(name: str, told: dict[str, Any], value: Any, wanted: str) -> errors.InvalidInputError:
    """Return the refusal of a value."""
    shown = errors.excerpt(value if isinstance(value, str) else repr(value), 60)
    return errors.InvalidInputError(
        f"The property {name!r} ({told['type']}) does not take {shown!r}.", f"It takes {wanted}."
    )


async def _value(name: str, told: dict[str, Any], value: Any) -> dict[str, Any]:
    kind = told["type"]
    if kind in COMPUTED or kind not in _MAKERS:
        raise errors.InvalidInputError(f"The property {name!r} ({kind}) is filled by Notion itself.", "Leave it out.")
    if value is None or value == "":
        empty: Any = False if kind == "checkbox" else [] if kind in _LISTS else None
        if kind == "title":
            raise misfit(name, told, "", "a title")
        return {kind: empty}
    made = _MAKERS[kind](name, told, value)
    return {kind: await made if isinstance(made, Awaitable) else made}


def _words(name: str, told: dict[str, Any], value: Any) -> str:
    if isinstance(value, dict | list):
        raise misfit(name, told, value, "one text")
    return str(value).strip()


def _title(name: str, told: dict[str, Any], value: Any) -> Any:
    return rich([Run(_words(name, told, value))])[:MOST]


def _text(name: str, told: dict[str, Any], value: Any) -> Any:
    return inline(_words(name, told, value), set())


def _number(name: str, told: dict[str, Any], value: Any) -> Any:
    share = isinstance(value, str) and value.rstrip().endswith("%")
    found = read_number(value, percent=True) if share else read_money(value).amount
    if share and (told.get("number") or {}).get("format") == "percent":
        found /= 100  # kept as a fraction, shown as a percentage
    if abs(found) >= _MOST:
        raise misfit(name, told, value, "a number such as 1250.5")
    return int(found) if found == found.to_integral_value() else float(found)


def options(told: dict[str, Any]) -> list[str]:
    """Return the names that a select, multi_select or status allows; none for other types."""
    inner = told.get(told["type"])
    return [option["name"] for option in (inner.get("options") or ())] if isinstance(inner, dict) else []


def option(name: str, told: dict[str, Any], value: Any) -> str:
    """Return an option's own name; raises errors.InvalidInputError with the allowed ones."""
    hits = lookup.matching(_words(name, told, value), ((own, own) for own in options(told)))
    if not hits:
        known = lookup.listed(options(told))
        raise misfit(name, told, value, f"one of: {known}" if known else "nothing yet: add its options in Notion first")
    return str(hits[0])


def _select(name: str, told: dict[str, Any], value: Any) -> Any:
    return {"name": option(name, told, value)}


def _many(name: str, told: dict[str, Any], value: Any) -> list[Any]:
    many = value if isinstance(value, list) else [value]
    if len(many) > MOST:
        raise errors.InvalidInputError(f"The property {name!r} takes {MOST} values at most.", "Give fewer.")
    if any(isinstance(one, dict | list) or one is None for one in many):
        raise misfit(name, told, value, "a list of texts")
    return many


def _multi_select(name: str, told: dict[str, Any], value: Any) -> Any:
    return [{"name": own} for own in dict.fromkeys(option(name, told, one) for one in _many(name, told, value))]


async def _people(name: str, told: dict[str, Any], value: Any) -> Any:
    return [{"object": "user", "id": await lookup.person(str(one))} for one in _many(name, told, value)]


async def _relation(name: str, told: dict[str, Any], value: Any) -> Any:
    return [{"id": await lookup.related(related_to(told), str(one))} for one in _many(name, told, value)]


def related_to(told: dict[str, Any]) -> str:
    """Return the data source that a relation leads to."""
    return str(told["relation"].get("data_source_id") or told["relation"].get("database_id"))


def moment(name: str, told: dict[str, Any], value: Any) -> str:
    """Return a date, or a time with its offset, as the API takes it."""
    text = str(value).strip().replace("Z", "+00:00")
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None or not _DATE.match(text):
        raise misfit(name, told, value, "2030-06-01, or 2030-06-01T14:00:00+02:00 with the offset; a span as start/end")
    return read.isoformat()


def _date(name: str, told: dict[str, Any], value: Any) -> Any:
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
    else:
        start, _, end = _words(name, told, value).partition("/")
    made = {"start": moment(name, told, start)}
    if end:
        made["end"] = moment(name, told, end)
        if len(made["start"]) == len(made["end"]) == 10 and made["end"] < made["start"]:
            raise misfit(name, told, value, "a span whose end is not before its start")
    return made


def _checkbox(name: str, told: dict[str, Any], value: Any) -> Any:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text not in _YES | _NO:
        raise misfit(name, told, value, "true or false")
    return text in _YES


def _email(name: str, told: dict[str, Any], value: Any) -> Any:
    text = _words(name, told, value)
    if not re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text):
        raise misfit(name, told, value, "one e-mail address")
    return text


def _phone(name: str, told: dict[str, Any], value: Any) -> Any:
    text = _words(name, told, value)
    if not re.fullmatch(r"\+?[\d\s().\-/\u00a0\u202f]{3,40}(\s*(x|ext\.?|poste)\s*\d{1,8})?", text, re.I):
        raise misfit(name, told, value, "one phone number, such as +33 6 12 34 56 78")
    return text


def _url(name: str, told: dict[str, Any], value: Any) -> Any:
    text = _words(name, told, value)
    if not re.fullmatch(r"(https?://|mailto:|tel:)\S+", text, re.I) or len(text) > PIECE:
        raise misfit(name, told, value, "one whole address, such as https://exemple.fr")
    return text


def _files(name: str, told: dict[str, Any], value: Any) -> Any:
    return [
        {"type": "external", "name": url.rstrip("/").rsplit("/", 1)[-1][:100], "external": {"url": url}}
        for url in (_url(name, told, one) for one in _many(name, told, value))
    ]


_LISTS = {"title", "rich_text", "multi_select", "people", "relation", "files"}
_MAKERS: dict[str, Callable[[str, dict[str, Any], Any], Any]] = {
    "title": _title,
    "rich_text": _text,
    "number": _number,
    "select": _select,
    "status": _select,
    "multi_select": _multi_select,
    "people": _people,
    "relation": _relation,
    "date": _date,
    "checkbox": _checkbox,
    "email": _email,
    "phone_number": _phone,
    "url": _url,
    "files": _files,
}

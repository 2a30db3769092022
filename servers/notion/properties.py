"""Plain values to property values, checked against the schema before anything is sent.

https://developers.notion.com/reference/page-property-values
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from flotilla import When, errors
from flotilla.parsing import Moment, TimeError, folded, listed, read_money, read_number

from . import lookup
from .blocks import inline
from .client import api
from .richtext import MOST, PIECE, Run, rich

Schema = dict[str, dict[str, Any]]
_COMPUTED = "formula rollup created_time created_by last_edited_time last_edited_by unique_id button verification place"
COMPUTED = frozenset(_COMPUTED.split())
_YES, _NO = {"true", "yes", "oui", "1", "x"}, {"false", "no", "non", "0", ""}
_MOST = 10**15  # a number keeps no more digits


async def values(schema: Schema, wanted: dict[str, Any], *, new_options: bool = False) -> dict[str, Any]:
    """Return properties as the API takes them, by name; null clears one.

    `new_options`: a select or multi_select takes names that it does not have yet; Notion adds them.

    Raises errors.InvalidInputError that says what a property allows, before anything is written.
    """
    prepared: dict[str, Any] = {}
    for name, value in wanted.items():
        own_name, prop = find(schema, name)
        if own_name in prepared:
            raise errors.InvalidInputError(f"The property `{own_name}` is set twice.", "Pass it once.")
        prepared[own_name] = await _value(own_name, {**prop, "new_options": new_options}, value)
    return prepared


def title_name(schema: Schema) -> str:
    """Return the name of the property that holds the title."""
    return next((name for name, prop in schema.items() if prop["type"] == "title"), "title")


def find(schema: Schema, name: str) -> tuple[str, dict[str, Any]]:
    """Return a property's own name and its schema; "title" is the title whatever it is called."""
    fitting = lookup.matching(name, ((own, own) for own in schema))
    fitting = fitting or [own for own, prop in schema.items() if prop.get("id") == name]
    if not fitting and folded(name) in ("title", "titre"):
        fitting = [title_name(schema)]
    if len(fitting) == 1 and fitting[0] in schema:
        return fitting[0], schema[fitting[0]]
    near = difflib.get_close_matches(name, schema, n=1)
    known = listed(f"{own} ({prop['type']})" for own, prop in schema.items())
    raise errors.InvalidInputError(
        f"There is no property `{errors.excerpt(name, 60)}`" + (f"; did you mean `{near[0]}`?" if near else "."),
        f"There are: {known}.",
    )


def misfit(name: str, prop: dict[str, Any], value: Any, wanted: str) -> errors.InvalidInputError:
    """Return the refusal of a value."""
    shown = errors.excerpt(value if isinstance(value, str) else repr(value), 60)
    return errors.InvalidInputError(
        f"The property `{name}` ({prop['type']}) does not take `{shown}`.", f"It takes {wanted}."
    )


async def _value(name: str, prop: dict[str, Any], value: Any) -> dict[str, Any]:
    kind = prop["type"]
    if kind in COMPUTED or kind not in _MAKERS:
        raise errors.InvalidInputError(f"The property `{name}` ({kind}) is filled by Notion itself.", "Leave it out.")
    if value is None or value == "":
        empty: Any = False if kind == "checkbox" else [] if kind in _LISTS else None
        if kind == "title":
            raise misfit(name, prop, "", "a title")
        return {kind: empty}
    content = _MAKERS[kind](name, prop, value)
    return {kind: await content if isinstance(content, Awaitable) else content}


def _text_of(name: str, prop: dict[str, Any], value: Any) -> str:
    if isinstance(value, dict | list):
        raise misfit(name, prop, value, "one text")
    return str(value).strip()


def _title(name: str, prop: dict[str, Any], value: Any) -> Any:
    return rich([Run(_text_of(name, prop, value))])[:MOST]


def _text(name: str, prop: dict[str, Any], value: Any) -> Any:
    return inline(_text_of(name, prop, value), set())


def _number(name: str, prop: dict[str, Any], value: Any) -> Any:
    share = isinstance(value, str) and value.rstrip().endswith("%")
    number = read_number(value, percent=True) if share else read_money(value).amount
    if share and (prop.get("number") or {}).get("format") == "percent":
        number /= 100  # kept as a fraction, shown as a percentage
    if abs(number) >= _MOST:
        raise misfit(name, prop, value, "a number such as 1250.5")
    return int(number) if number == number.to_integral_value() else float(number)


def options(prop: dict[str, Any]) -> list[str]:
    """Return the names that a select, multi_select or status allows; none for other types."""
    inner = prop.get(prop["type"])
    rows = inner.get("options") or () if isinstance(inner, dict) else ()
    return [option["name"] for option in rows if isinstance(option, dict) and option.get("name")]


def finished(prop: dict[str, Any]) -> set[str]:
    """Return the names of the options of a status that mean done: those of the group that Notion calls Complete."""
    inner = prop.get("status") or {}
    ids = {one for group in inner.get("groups") or () if group.get("name") == "Complete" for one in group["option_ids"]}
    return {option["name"] for option in inner.get("options") or () if option.get("id") in ids}


def option(name: str, prop: dict[str, Any], value: Any) -> str:
    """Return an option's own name; raises errors.InvalidInputError with the allowed ones."""
    text = _text_of(name, prop, value)
    fitting = lookup.matching(text, ((own, own) for own in options(prop)))
    if fitting:
        return str(fitting[0])
    extensible = prop["type"] in ("select", "multi_select")
    if extensible and prop.get("new_options") and 0 < len(text) <= 100 and "," not in text:
        return text
    known = listed(options(prop))
    wanted = f"one of: {known}" if known else "nothing yet, since it has no options"
    if extensible and "new_options" in prop:
        wanted += ". To add an option, pass new_options=true; it has 100 characters at most and no comma"
    raise misfit(name, prop, value, wanted)


def _select(name: str, prop: dict[str, Any], value: Any) -> Any:
    return {"name": option(name, prop, value)}


def _many(name: str, prop: dict[str, Any], value: Any) -> list[Any]:
    many = value if isinstance(value, list) else [value]
    if len(many) > MOST:
        raise errors.InvalidInputError(f"The property `{name}` takes {MOST} values at most.", "Pass fewer.")
    if any(isinstance(one, dict | list) or one is None for one in many):
        raise misfit(name, prop, value, "a list of texts")
    return many


def _multi_select(name: str, prop: dict[str, Any], value: Any) -> Any:
    return [{"name": own} for own in dict.fromkeys(option(name, prop, one) for one in _many(name, prop, value))]


async def _people(name: str, prop: dict[str, Any], value: Any) -> Any:
    return [{"object": "user", "id": await lookup.person(str(one))} for one in _many(name, prop, value)]


async def _relation(name: str, prop: dict[str, Any], value: Any) -> Any:
    return [{"id": await lookup.related(related_to(prop), str(one))} for one in _many(name, prop, value)]


def related_to(prop: dict[str, Any]) -> str:
    """Return the data source that a relation leads to."""
    return str(prop["relation"].get("data_source_id") or prop["relation"].get("database_id"))


def moment(name: str, prop: dict[str, Any], value: Any, shown: Any = None) -> Moment:
    """Return a day, or a time with its offset; raises errors.InvalidInputError that shows the value.

    A time without an offset is read in FLOTILLA_TIMEZONE: Notion names no time zone of the account.
    """
    when = None
    with suppress(TimeError):
        when = When.read(value)
    if when is None:
        raise misfit(
            name, prop, shown or value, "2030-06-01, 2030-06-01T14:00 or 2030-06-01T14:00:00+02:00; a span as start/end"
        )
    return when.value if when.is_day else when.at(api.zone, keep_offset=True)


def _date(name: str, prop: dict[str, Any], value: Any) -> Any:
    if isinstance(value, dict):
        first, last = value.get("start"), value.get("end")
    else:
        first, _, last = _text_of(name, prop, value).partition("/")
    start = moment(name, prop, first, value)
    if not last:
        return {"start": start.isoformat()}
    end = moment(name, prop, last, value)
    if isinstance(start, datetime) == isinstance(end, datetime) and end < start:
        raise misfit(name, prop, value, "a span whose end is not before its start")
    return {"start": start.isoformat(), "end": end.isoformat()}


def _checkbox(name: str, prop: dict[str, Any], value: Any) -> Any:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text not in _YES | _NO:
        raise misfit(name, prop, value, "true or false")
    return text in _YES


def _email(name: str, prop: dict[str, Any], value: Any) -> Any:
    text = _text_of(name, prop, value)
    if not re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text):
        raise misfit(name, prop, value, "one e-mail address")
    return text


def _phone(name: str, prop: dict[str, Any], value: Any) -> Any:
    text = _text_of(name, prop, value)
    if not re.fullmatch(r"\+?[\d\s().\-/\u00a0\u202f]{3,40}(\s*(x|ext\.?|poste)\s*\d{1,8})?", text, re.I):
        raise misfit(name, prop, value, "one phone number, such as +33 6 12 34 56 78")
    return text


def _url(name: str, prop: dict[str, Any], value: Any) -> Any:
    text = _text_of(name, prop, value)
    if not re.fullmatch(r"(https?://|mailto:|tel:)\S+", text, re.I) or len(text) > PIECE:
        raise misfit(name, prop, value, "one whole address, such as https://exemple.fr")
    return text


def _files(name: str, prop: dict[str, Any], value: Any) -> Any:
    return [
        {"type": "external", "name": url.rstrip("/").rsplit("/", 1)[-1][:100], "external": {"url": url}}
        for url in (_url(name, prop, one) for one in _many(name, prop, value))
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

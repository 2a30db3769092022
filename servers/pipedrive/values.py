"""Values of fields, as people write them and as Pipedrive keeps them.

Custom fields have 40-digit keys there; here they go by their names.
https://pipedrive.readme.io/docs/core-api-concepts-custom-fields
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import When, choose, errors
from flotilla.parsing import MoneyValue, folded, read_money, read_number

from . import account
from .account import FieldInfo

# Fields of Pipedrive's own that may be written beside the custom ones.
WRITABLE = {
    "deal": {"title", "label_ids", "probability", "visible_to", "expected_close_date", "person_id", "org_id"},
    "person": {"label_ids", "job_title", "birthday", "postal_address", "visible_to", "notes"},
    "organization": {
        "label_ids", "address", "website", "linkedin", "industry", "annual_revenue", "employee_count", "visible_to"
    },
}  # fmt: skip
_TIME = re.compile(r"([01]?\d|2[0-3])[:hH]([0-5]\d)")
_SHOWN = 25  # choices that an error lists


async def fitted(kind: str, wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return values by field name as the body of a request; None clears a field.

    Raises errors.InvalidInputError with similar names or the choices that there are.
    """
    if not wanted:
        return {}

    async def read(renew: bool) -> dict[str, Any]:
        known = await account.fields(kind, renew)
        body: dict[str, Any] = {}
        for name, value in wanted.items():
            field = _find(known, kind, name)
            target = body.setdefault("custom_fields", {}) if field.custom else body
            if field.code in target:
                raise errors.InvalidInputError(f"`{field.name}` is set twice.", "Pass each field once.")
            target[field.code] = await _converted(field, value)
        return body

    return await account.renewed(read)


def _find(known: list[FieldInfo], kind: str, name: str) -> FieldInfo:
    usable = [one for one in known if one.custom or one.code in WRITABLE[kind]]
    own = [one for one in usable if one.code == name]
    fitting = own or [one for one in usable if folded(one.name) == folded(name)]
    if len(fitting) > 1:
        fitting = [one for one in fitting if one.custom] or fitting
    if len(fitting) == 1:
        return fitting[0]
    shown = errors.excerpt(name, 60)
    if fitting:
        keys = ", ".join(one.code for one in fitting)
        raise errors.InvalidInputError(f"More than one field is called `{shown}`.", f"Pass its key: {keys}.")
    by_name = {folded(one.name): one.name for one in usable}
    near = [by_name[one] for one in difflib.get_close_matches(folded(name), by_name, 5, 0.5)] or [*by_name.values()]
    raise errors.InvalidInputError(
        f"There is no {kind} field `{shown}` that can be set this way.",
        f"There are: {', '.join(near[:_SHOWN])}." if near else "Ask the user to create it in Pipedrive.",
    )


async def _converted(field: FieldInfo, value: Any) -> Any:
    """Return a value as Pipedrive takes it for a field; raises errors.InvalidInputError."""
    if value is None or value == "":
        return None
    if field.code in ("address", "postal_address") or field.type == "address":
        return {"value": str(value)}
    if field.type in ("enum", "visible_to"):
        return _option(field, value)
    if field.type == "set":
        parts = value if isinstance(value, list) else re.split(r"\s*[;,]\s*", str(value))
        return [_option(field, part) for part in parts]
    if isinstance(value, list | dict):
        raise errors.InvalidInputError(f"`{field.name}` takes one value.", "Pass a text, a number, or true or false.")
    if field.type == "int":
        return int(read_number(value))
    if field.type == "double":
        return json_number(read_number(value))
    if field.type == "boolean":
        return folded(str(value)) in ("true", "yes", "oui", "1")
    if field.type == "monetary":
        return await money(read_money(value), "value")
    if field.type == "date":
        return When.read(value).day(await account.zone()).isoformat()
    if field.type == "daterange":
        first, slash, last = str(value).partition("/")
        if not slash:
            raise errors.InvalidInputError(f"`{field.name}` takes two days.", "Write 2030-06-03/2030-06-07.")
        at = await account.zone()
        return {"value": When.read(first).day(at).isoformat(), "until": When.read(last).day(at).isoformat()}
    if field.type == "time":
        if not (clock := _TIME.fullmatch(str(value).strip())):
            raise errors.InvalidInputError(f"`{field.name}` takes a time of the day.", "Write 14:30.")
        return {"value": f"{int(clock[1]):02}:{clock[2]}:00"}
    if field.type == "user":
        return await account.owner_id(str(value))
    if field.type in ("org", "people"):
        number = str(value).rpartition(":")[2].strip()
        if not (number.isascii() and number.isdecimal()):
            raise errors.InvalidInputError(f"`{field.name}` takes a record.", "Write its number, such as person:5.")
        return int(number)
    return str(value)


def _option(field: FieldInfo, value: Any) -> int | str:
    return choose(
        str(value), field.options or [], id=lambda one: str(one.id), name=lambda one: one.label,
        kind=f"choice of {errors.excerpt(field.name, 60)}",
    ).id  # fmt: skip


def json_number(value: Decimal) -> int | float:
    """Return a number as JSON has it: version 2 refuses numbers that are texts."""
    return int(value) if value == value.to_integral_value() else float(value)


async def money(amount: MoneyValue | None, key: str) -> dict[str, Any]:
    """Return an amount under a key, with its currency: the person's own where none is named. Empty without one."""
    if amount is None:
        return {}
    if amount.amount < 0:
        raise errors.InvalidInputError(f"{amount.amount} is below zero.", "Pass the amount as a positive number.")
    currency = amount.currency or (await account.me()).default_currency or "EUR"
    return {key: json_number(amount.amount), "currency": currency}


# -- shown ------------------------------------------------------------------------------------------------------------


def shown_fields(known: list[FieldInfo], custom: Any, users: Mapping[int, str]) -> dict[str, str]:
    """Return an object's custom fields by name, choices by label; what is empty is left out."""
    values = custom if isinstance(custom, dict) else {}
    texts = {one.name: _shown(one, values.get(one.code), users) for one in known if one.custom}
    return {name: text for name, text in texts.items() if text}


def _shown(field: FieldInfo, value: Any, users: Mapping[int, str]) -> str:
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, list):
        return ", ".join(text for text in (_shown(field, one, users) for one in value) if text)
    if isinstance(value, dict):
        if "label" in value:
            return str(value["label"])
        first, more = value.get("value"), value.get("until") or value.get("currency")
        if first is None:
            return ""
        return f"{first}/{more}" if value.get("until") else f"{first} {more}" if more else str(first)
    if field.type in ("enum", "set", "visible_to"):
        return next((one.label for one in field.options or [] if str(one.id) == str(value)), str(value))
    if field.type == "user" and isinstance(value, int):
        return users.get(value, str(value))
    if field.type in ("org", "people"):
        return f"{'organization' if field.type == 'org' else 'person'}:{value}"
    return str(value)


def local(value: str, at: ZoneInfo) -> str:
    """Return a time of Pipedrive's in a zone: RFC 3339, or without an offset, which is UTC. Other texts as they are."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(value)
        if len(value) > 10:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.astimezone(at).isoformat(timespec="seconds")
    return value


def due(day: str, clock: str, at: ZoneInfo) -> str:
    """Return when an activity is due: a day, or with a time of the day, which Pipedrive keeps in UTC, a local time."""
    if not day or not clock or clock.startswith("24"):
        return day
    return local(f"{day}T{clock}", at)


def as_html(text: str) -> str:
    """Return plain text as the HTML that Pipedrive keeps notes in: its signs and line ends stay what they are."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>")

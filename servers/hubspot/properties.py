"""The portal's own properties: read once a day, so that a value that does not fit is refused before it is sent.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import model_validator

from flotilla import Model, When, connection_of, errors, readable, settings_of
from flotilla.parsing import folded, read_money, to_utc
from flotilla.state import digest

from . import values
from .client import AUTH, account_zone, api, integration

DAY = 86_400
CURRENCY = "deal_currency_code"
OWNER = "hubspot_owner_id"  # an id; the tools take an e-mail address too
SHOWN = 25  # allowed values that an error lists
M = TypeVar("M", bound=Model)
T = TypeVar("T")


class Property(Model):
    """One property of a kind of record. `options` are (value, label) pairs; none means that any text is taken."""

    name: str
    label: str
    type: str
    field_type: str
    read_only: bool
    options: list[tuple[str, str]]

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: Any) -> Any:
        """Keep what is used of HubSpot's object: a portal has hundreds."""
        if not isinstance(raw, dict) or "read_only" in raw:  # the latter: one that was kept
            return raw
        options = [o for o in raw.get("options") or [] if isinstance(o, dict) and "value" in o and not o.get("hidden")]
        rules = raw.get("modificationMetadata") or {}
        return {
            "name": raw["name"],
            "label": raw.get("label") or raw["name"],
            "type": raw["type"],
            "field_type": raw.get("fieldType") or "",
            "read_only": bool(rules.get("readOnlyValue") or raw.get("calculated")),
            "options": [(str(o["value"]), str(o.get("label") or "")) for o in options],
        }


async def cached(name: str, path: str, model: type[M], renew: bool = False) -> tuple[list[M], bool]:
    """Return a list of the portal's setup as it was read in the last day, and whether it was read just now.

    It belongs to the credentials: another portal is read anew.
    """
    option = AUTH.chosen
    owner = digest(settings_of(integration).base_url, option.value("token") or option.value("refresh_token"))
    state = connection_of(integration).state
    saved = state.cached(name) or {}
    if not renew and saved.get("of") == owner and saved.get("at", 0) > time.time() - DAY:
        return [model.model_validate(row) for row in saved["rows"]], False
    rows = readable(model, [row for row in await api.rows(path, "results") if not row.get("archived")])
    state.cache(name, {"of": owner, "at": time.time(), "rows": [row.model_dump(mode="json") for row in rows]})
    return rows, True


async def known_by_name(kind: str, renew: bool = False) -> tuple[dict[str, Property], bool]:
    """Return the properties of a kind (contacts, deals …) by name, and whether they were read just now."""
    rows, fresh = await cached(f"properties-{kind}", f"/crm/v3/properties/{kind}", Property, renew)
    return {row.name: row for row in rows}, fresh


async def with_known(kind: str, read: Callable[[dict[str, Property]], T]) -> T:
    """Return what `read` makes of the properties; what does not fit is looked up once more, in case it is new.

    Raises errors.InvalidInputError as `read` does.
    """
    known, fresh = await known_by_name(kind)
    if not fresh:
        with suppress(errors.InvalidInputError):
            return read(known)
        known, _ = await known_by_name(kind, renew=True)
    return read(known)


def find(known: Mapping[str, Property], name: str, kind: str) -> Property:
    """Return the property of this name or label; raises errors.InvalidInputError that names similar ones."""
    if name in known:
        return known[name]
    wanted = folded(name)
    if wanted == "owner" and OWNER in known:
        return known[OWNER]
    fitting = [p for p in known.values() if wanted in (folded(p.name), folded(p.label))]
    if len(fitting) == 1:
        return fitting[0]
    shown = errors.excerpt(name, 60)
    if fitting:
        names = ", ".join(p.name for p in fitting)
        raise errors.InvalidInputError(f"More than one property is called `{shown}`.", f"Use one of: {names}.")
    by_name = {folded(text): p.name for p in known.values() for text in (p.label, p.name)}
    near = list(dict.fromkeys(by_name[text] for text in difflib.get_close_matches(wanted, by_name, 5, 0.6)))
    raise errors.InvalidInputError(
        f"HubSpot's {kind} have no property `{shown}`.",
        f"Similar ones: {', '.join(near)}." if near else "Use a name or label from HubSpot > Settings > Properties.",
    )


async def own_names(kind: str, names: list[str]) -> list[str]:
    """Return properties' own names, by name or label; raises errors.InvalidInputError for unknown ones."""
    if not names:
        return []
    return await with_known(kind, lambda known: [find(known, name, kind).name for name in names])


async def fit(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return values by HubSpot's property names, as text; None is left out, "" clears.

    Raises errors.InvalidInputError with the allowed values.
    """
    wanted = {name: value for name, value in values.items() if value is not None}
    return await with_known(kind, lambda known: _fitted(known, kind, wanted))


def _fitted(known: Mapping[str, Property], kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    fitted: dict[str, str] = {}
    for name, value in values.items():
        prop = find(known, name, kind)
        if prop.read_only:
            raise errors.InvalidInputError(f"HubSpot sets `{prop.name}` itself.", "Leave it out.")
        if fitted.get(prop.name, text := converted(prop, value)) != text:
            raise errors.InvalidInputError(f"`{prop.name}` is set twice.", "Pass each property once.")
        fitted[prop.name] = text
        currency = read_money(value).currency if prop.name == "amount" and isinstance(value, str) and value else None
        if currency and CURRENCY in known:  # "1 250 EUR" says both
            fitted.setdefault(CURRENCY, converted(known[CURRENCY], currency))
    return fitted


def converted(prop: Property, value: Any) -> str:
    """Return a value as the text that HubSpot takes for a property; raises errors.InvalidInputError."""
    if value == "":
        return ""
    if isinstance(value, dict) or (isinstance(value, list) and prop.type != "enumeration"):
        raise errors.InvalidInputError(
            f"`{prop.name}` takes one {prop.type}.", "Pass a text, a number, or true or false."
        )
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if prop.type == "bool":
        return _option(prop, {"oui": "true", "yes": "true", "non": "false", "no": "false"}.get(text.lower(), text))
    if prop.type == "enumeration":
        several = prop.field_type == "checkbox"
        parts = value if isinstance(value, list) else text.split(";") if several else [text]
        if len(parts) > 1 and not several:
            raise errors.InvalidInputError(f"`{prop.name}` takes one value.", "Choose one.")
        return ";".join(_option(prop, str(part).strip()) for part in parts)
    if prop.type == "number":
        return values.number(value)
    if prop.type == "date":
        return When.read(text).day(account_zone()).isoformat()
    if prop.type == "datetime":
        return to_utc(When.read(text).at(account_zone(), time_of_day=values.NOON))
    if prop.type == "phone_number" or prop.field_type == "phonenumber":
        return values.phone(text)
    if len(text) > 65_536:
        raise errors.InvalidInputError(f"`{prop.name}` is longer than 65,536 characters.", "Shorten it.")
    return text


def _option(prop: Property, text: str) -> str:
    """Return the value that a value or label means."""
    if not prop.options and prop.type != "bool":
        return text  # the values are kept elsewhere, such as owners
    options = prop.options or [("true", "Yes"), ("false", "No")]
    exact = [value for value, _ in options if text == value]
    fitting = exact or [v for v, label in options if folded(text) in (folded(v), folded(label))]
    if len(fitting) == 1:
        return fitting[0]
    shown = [value if folded(value) == folded(label) else f"{value} ({label})" for value, label in options]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    raise errors.InvalidInputError(
        f"`{errors.excerpt(text, 60)}` is not a value of `{prop.name}` ({prop.label}).",
        f"Allowed: {', '.join(shown[:SHOWN])}{more}.",
    )

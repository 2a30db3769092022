"""The portal's own properties: read once a day, so that a value that does not fit is refused before it is sent.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from flotilla import connection_of, errors, settings_of
from flotilla.parsing.money import read_money

from . import values
from .client import AUTH, api, integration

DAY = 86_400
CURRENCY = "deal_currency_code"
OWNER = "hubspot_owner_id"  # an id; here an e-mail address goes too
SHOWN = 25  # allowed values that a refusal lists


class Property(NamedTuple):
    """One property of a kind of record. `options` are (value, label) pairs; none means that any text is taken."""

    name: str
    label: str
    type: str
    field_type: str
    read_only: bool
    options: list[list[str]]


async def kept(name: str, path: str, renew: bool = False) -> tuple[list[Any], bool]:
    """Return a list of the portal's set-up as it was read in the last day, and whether it was read just now.

    It belongs to the credentials: another portal is read anew.
    """
    from flotilla.state import digest

    way = AUTH.chosen
    owner = digest(settings_of(integration).base_url, way.value("token") or way.value("refresh_token"))
    held = connection_of(integration).state.cached(name) or {}
    if not renew and held.get("of") == owner and held.get("at", 0) > time.time() - DAY:
        return list(held["rows"]), False
    rows = [_short(row) for row in await api.rows(path, "results") if not row.get("archived")]
    connection_of(integration).state.cache(name, {"of": owner, "at": time.time(), "rows": rows})
    return rows, True


def _short(row: Mapping[str, Any]) -> Any:
    """Keep of a property or pipeline what is used here: a portal has hundreds."""
    if "stages" in row:
        stages = sorted((s for s in row["stages"] if not s.get("archived")), key=lambda s: s.get("displayOrder", 0))
        plain = [{"id": s["id"], "label": s["label"], "metadata": s.get("metadata") or {}} for s in stages]
        return {"id": row["id"], "label": row["label"], "order": row.get("displayOrder", 0), "stages": plain}
    options = [[str(o["value"]), str(o.get("label") or "")] for o in row.get("options") or [] if not o.get("hidden")]
    rules = row.get("modificationMetadata") or {}
    fixed = bool(rules.get("readOnlyValue") or row.get("calculated"))
    return [row["name"], row.get("label") or row["name"], row["type"], row.get("fieldType") or "", fixed, options]


async def properties(kind: str, renew: bool = False) -> tuple[dict[str, Property], bool]:
    """Return the properties of a kind (contacts, deals …) by name, and whether they were read just now."""
    rows, fresh = await kept(f"properties-{kind}", f"/crm/v3/properties/{kind}", renew)
    return {row[0]: Property(*row) for row in rows}, fresh


def find(known: Mapping[str, Property], name: str, kind: str) -> Property:
    """Return the property of this name or label; raises errors.InvalidInputError that names similar ones."""
    if name in known:
        return known[name]
    wanted = values.folded(name)
    if wanted == "owner" and OWNER in known:
        return known[OWNER]
    found = [p for p in known.values() if wanted in (values.folded(p.name), values.folded(p.label))]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(p.name for p in found)
        raise errors.InvalidInputError(
            f"Several properties are called {errors.excerpt(name, 60)!r}.", f"Use one of: {names}."
        )
    ways = {values.folded(way): p.name for p in known.values() for way in (p.label, p.name)}
    near = list(dict.fromkeys(ways[way] for way in difflib.get_close_matches(wanted, ways, 5, 0.6)))
    raise errors.InvalidInputError(
        f"HubSpot's {kind} have no property {errors.excerpt(name, 60)!r}.",
        f"Similar ones: {', '.join(near)}." if near else "Use a name or label from HubSpot > Settings > Properties.",
    )


async def names(kind: str, asked: list[str]) -> list[str]:
    """Return properties' own names, by name or label; raises errors.InvalidInputError for unknown ones."""
    if not asked:
        return []
    known, fresh = await properties(kind)
    try:
        return [find(known, name, kind).name for name in asked]
    except errors.InvalidInputError:
        if fresh:
            raise
    known, _ = await properties(kind, renew=True)
    return [find(known, name, kind).name for name in asked]


async def fit(kind: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return values by HubSpot's property names, as text; None is left out, "" clears.

    Raises errors.InvalidInputError with the allowed values. What does not fit is looked up once more: somebody may have
    added it.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    known, fresh = await properties(kind)
    try:
        return _fitted(known, kind, wanted)
    except errors.InvalidInputError:
        if fresh:
            raise
    known, _ = await properties(kind, renew=True)
    return _fitted(known, kind, wanted)


def _fitted(known: Mapping[str, Property], kind: str, given: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in given.items():
        prop = find(known, name, kind)
        if prop.read_only:
            raise errors.InvalidInputError(f"HubSpot sets `{prop.name}` itself.", "Leave it out.")
        if found.get(prop.name, text := converted(prop, value)) != text:
            raise errors.InvalidInputError(f"`{prop.name}` is given twice.", "Give each property once.")
        found[prop.name] = text
        named = read_money(value).currency if prop.name == "amount" and isinstance(value, str) and value else None
        if named and CURRENCY in known:  # "1 250 EUR" says both
            found.setdefault(CURRENCY, converted(known[CURRENCY], named))
    return found


def converted(prop: Property, value: Any) -> str:
    """Return a value as the text that HubSpot takes for a property; raises errors.InvalidInputError."""
    if value == "":
        return ""
    if isinstance(value, dict) or (isinstance(value, list) and prop.type != "enumeration"):
        raise errors.InvalidInputError(
            f"`{prop.name}` takes one {prop.type}.", "Give a text, a number, or true or false."
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
        return values.instant(text).astimezone(values.zone()).date().isoformat()
    if prop.type == "datetime":
        return values.sent(values.instant(text))
    if prop.type == "phone_number" or prop.field_type == "phonenumber":
        return values.phone(text)
    if len(text) > 65_536:
        raise errors.InvalidInputError(f"`{prop.name}` is longer than 65,536 characters.", "Shorten it.")
    return text


def _option(prop: Property, text: str) -> str:
    """Return the value that a value or label means."""
    if not prop.options and prop.type != "bool":
        return text  # the values live elsewhere, such as owners
    options = prop.options or [["true", "Yes"], ["false", "No"]]
    exact = [value for value, label in options if text == value]
    found = exact or [v for v, label in options if values.folded(text) in (values.folded(v), values.folded(label))]
    if len(found) == 1:
        return found[0]
    shown = [
        value if values.folded(value) == values.folded(label) else f"{value} ({label})" for value, label in options
    ]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    raise errors.InvalidInputError(
        f"{errors.excerpt(text, 60)!r} is no value of `{prop.name}` ({prop.label}).",
        f"Allowed: {', '.join(shown[:SHOWN])}{more}.",
    )

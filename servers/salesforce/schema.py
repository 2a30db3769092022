"""The org's own objects and fields: read once an hour, so that a value that does not fit is refused before it is sent.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from flotilla import Model, Phone, When, choose, connection_of, errors, readable, segment
from flotilla.parsing import PhoneError, folded, listed, looks_like_phone, read_money, to_utc

from . import people
from .client import ROOT, api, integration
from .models import ObjectDetail

USUAL = {  # what people call the objects of every org
    "Account": ("account", "accounts", "company", "compte", "entreprise", "societe"),
    "Contact": ("contact", "contacts", "person"),
    "Lead": ("lead", "leads", "piste", "prospect"),
    "Opportunity": ("opportunity", "opportunities", "deal", "opportunite", "affaire"),
    "Case": ("case", "cases", "ticket", "requete"),
    "Task": ("task", "tasks", "tache"),
    "Event": ("event", "events", "meeting", "evenement"),
    "Campaign": ("campaign", "campaigns", "campagne"),
    "User": ("user", "users", "utilisateur"),
}
NOON = time(12)  # of a day where a time is wanted
CURRENCY = "CurrencyIsoCode"  # a field of orgs with several currencies
SHOWN = 25  # values that an error lists
_TRUE, _FALSE = ("true", "yes", "oui", "1", "vrai"), ("false", "no", "non", "0", "faux")
_ID_OF = re.compile(r"\bid\b( (du|des|de la|de l|de|d|of the|of))?")  # in labels: Account ID, ID du compte
_NUMBERS = ("currency", "double", "percent", "int", "long")


class FieldInfo(Model):
    """What is used of a field's description. `options` are (value, label) pairs of a pick list."""

    name: str
    label: str
    type: str
    createable: bool = False
    updateable: bool = False
    required: bool = False
    restricted: bool = Field(False, alias="restrictedPicklist")
    external_id: bool = Field(False, alias="externalId")
    is_name: bool = Field(False, alias="nameField")
    length: int = 0
    options: list[tuple[str, str]] = Field(default_factory=list)
    refers: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        listed_values = [v for v in raw.get("picklistValues") or [] if isinstance(v, dict)]
        values = [v for v in listed_values if v.get("active") and "value" in v]
        needed = raw.get("createable") and not raw.get("nillable") and not raw.get("defaultedOnCreate")
        return {
            **{name: value for name, value in raw.items() if value is not None},
            "label": raw.get("label") or raw["name"],
            "required": bool(needed) and raw.get("type") != "boolean",
            "options": [(str(v["value"]), str(v.get("label") or v["value"])) for v in values],
            "refers": [str(one) for one in raw.get("referenceTo") or []],
        }


Fields = Mapping[str, FieldInfo]


async def described(name: str, renew: bool = False) -> tuple[Fields, bool]:
    """Return the fields of an object by API name, and whether they were read just now."""

    async def fetch() -> Fields:
        answer = await api.get(f"{ROOT}/sobjects/{segment(name)}/describe")
        return {one.name: one for one in readable(FieldInfo, api.rows_in(answer, "fields"))}

    return await people.cached(f"fields-{name}", fetch, renew)


async def fields_of(name: str) -> Fields:
    """Return the fields of an object by API name."""
    return (await described(name))[0]


async def seen(kind: str, wanted: str) -> str:
    """Return those of some fields, with commas between them, that the object has and the user may see.

    A parent's field (Owner.Name) is seen where its lookup is. An org may hide any field from a user.
    """
    known = await fields_of(kind)

    def there(field: str) -> bool:
        head, dot, _ = field.partition(".")
        return head in known or bool(dot and (f"{head}Id" in known or head.removesuffix("__r") + "__c" in known))

    return ", ".join(field for field in wanted.split(", ") if there(field)) or "Id"


class _Object(ObjectDetail):
    plural: str = ""
    prefix: str = ""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {
            "name": raw["name"],
            "label": raw.get("label") or raw["name"],
            "custom": bool(raw.get("custom")),
            "plural": raw.get("labelPlural") or "",
            "prefix": raw.get("keyPrefix") or "",
        }


async def every_object() -> list[_Object]:
    """Return all objects that can be queried."""

    async def fetch() -> list[_Object]:
        answer = await api.get(f"{ROOT}/sobjects")
        rows = [row for row in api.rows_in(answer, "sobjects") if row.get("queryable", True)]
        return readable(_Object, rows)

    return (await people.cached("objects", fetch))[0]


async def object_named(wanted: str) -> str:
    """Return the API name of an object by API name or label; raises errors.NotFoundError with similar ones."""
    name = folded(wanted)
    for known, aliases in USUAL.items():
        if wanted.strip() == known or name in aliases:
            return known
    rows = await every_object()
    exact = [one for one in rows if one.name.lower() == wanted.strip().lower()]
    plural = [one for one in rows if folded(one.plural) == name]
    matches = exact or plural
    if len(matches) == 1:
        return matches[0].name
    return choose(wanted, rows, id=lambda one: one.name, name=_label, kind="object").name


def _label(one: _Object) -> str:
    return one.label


async def object_of_prefix(prefix: str) -> str | None:
    """Return the object whose ids begin so."""
    return next((one.name for one in await every_object() if one.prefix == prefix), None)


# -- fields and values ------------------------------------------------------------------------------------------------


def _names(field: FieldInfo) -> set[str]:
    """Return the names under which a field is known: OwnerId, "Owner ID", owner; Budget__c, budget."""
    label, bare = folded(field.label), field.name.removesuffix("__c")
    names = {folded(field.name), label, folded(bare)}
    if field.type == "reference":
        names |= {_ID_OF.sub("", label).strip(), folded(bare.removesuffix("Id"))}
    return names


def field_named(known: Fields, name: str, kind: str) -> FieldInfo:
    """Return a field by API name or label; raises errors.InvalidInputError that names similar ones."""
    if name in known:
        return known[name]
    wanted = folded(name)
    fitting = [field for field in known.values() if wanted in _names(field)]
    exact = [field for field in fitting if folded(field.name) == wanted]
    fitting = exact if len(exact) == 1 else fitting
    if len(fitting) == 1:
        return fitting[0]
    label = errors.excerpt(name, 60)
    if fitting:
        both = listed(f"{field.name} ({field.label})" for field in fitting)
        raise errors.InvalidInputError(f"More than one field of {kind} is called `{label}`: {both}.", "Use one name.")
    near = difflib.get_close_matches(wanted, [n for field in known.values() for n in _names(field)], 5, 0.6)
    names = list(dict.fromkeys(f"{f.name} ({f.label})" for n in near for f in known.values() if n in _names(f)))
    raise errors.InvalidInputError(
        f"{kind} has no field `{label}` that the user may see.",
        f"Similar ones: {listed(names)}." if names else "Use a label or API name that the object has.",
    )


async def key_of(kind: str, field: str, values: Mapping[str, Any]) -> str:
    """Return the name under which some values hold a field, "" where they do not."""
    about = (await fields_of(kind)).get(field)
    return next((name for name in values if about and (name == field or folded(name) in _names(about))), "")


async def fit(kind: str, values: Mapping[str, Any], reference: Any, creating: bool = False) -> dict[str, Any]:
    """Return values by API name, as Salesforce takes them; null clears a field.

    `reference` is a function of a field and a text that returns the id of the record that is meant. Raises
    errors.InvalidInputError with the allowed values, and for required fields that are missing.
    """
    known, fresh = await described(kind)
    if not fresh and any(not _has(known, name, kind) for name in values):
        known, _ = await described(kind, renew=True)  # it may be new
    ready: dict[str, Any] = {}
    for name, value in values.items():
        field = field_named(known, name, kind)
        if not (field.createable if creating else field.updateable):
            when = "when a record is created" if field.updateable or field.createable else "itself"
            raise errors.InvalidInputError(f"Salesforce sets `{field.name}` of {kind} {when}.", "Leave it out.")
        if field.name in ready:
            raise errors.InvalidInputError(f"`{field.name}` is set twice.", "Pass each field once.")
        if field.refers and isinstance(value, str) and value:
            ready[field.name] = await reference(field, value)
        else:
            zone = await people.zone() if field.type in ("date", "datetime") else api.zone
            ready[field.name] = converted(field, value, zone)
    missing = [f"{f.name} ({f.label})" for f in known.values() if creating and f.required and ready.get(f.name) is None]
    if missing:
        raise errors.InvalidInputError(f"{kind} needs more: {listed(missing)}.", "Pass these fields too.")
    return ready


def _has(known: Fields, name: str, kind: str) -> bool:
    with suppress(errors.InvalidInputError):
        return bool(field_named(known, name, kind))
    return False


def converted(field: FieldInfo, value: Any, zone: ZoneInfo) -> Any:
    """Return a value as Salesforce takes it for a field; raises errors.InvalidInputError."""
    if value is None or value == "":
        return None
    if isinstance(value, dict) or (isinstance(value, list) and field.type != "multipicklist"):
        raise errors.InvalidInputError(f"`{field.name}` takes one {field.type}.", "Pass a text or a number.")
    written = str(value)
    if field.type == "boolean":
        return _boolean(field, value)
    if field.type == "multipicklist":
        parts = value if isinstance(value, list) else written.split(";")
        return ";".join(option(field, str(part).strip()) for part in parts)
    if field.type == "picklist":
        return option(field, written)
    if field.type in _NUMBERS:
        number = read_money(written.removesuffix("%") if field.type == "percent" else value).amount
        whole = number == number.to_integral_value()
        if field.type in ("int", "long") and not whole:
            raise errors.InvalidInputError(f"`{field.name}` takes a whole number.", "Round it.")
        if abs(number) >= 10**15:
            raise errors.InvalidInputError(f"{errors.excerpt(written, 60)} is too large.", "Write less than 10^15.")
        return int(number) if whole else float(number)
    if field.type == "date":
        return When.read(written).day(zone).isoformat()
    if field.type == "datetime":
        return to_utc(When.read(written).at(zone, time_of_day=NOON))
    if field.type == "phone":
        written = phone(written)
    if field.length and len(written) > field.length:
        raise errors.InvalidInputError(f"`{field.name}` is longer than {field.length:,} characters.", "Shorten it.")
    return written


def _boolean(field: FieldInfo, value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise errors.InvalidInputError(
        f"`{field.name}` is neither true nor false: {errors.excerpt(value, 40)}.", "Pass one."
    )


def option(field: FieldInfo, wanted: str) -> str:
    """Return the value of a pick list that a value or label means; raises errors.InvalidInputError with the choices."""
    exact = [value for value, _ in field.options if wanted == value]
    fitting = exact or [v for v, label in field.options if folded(wanted) in (folded(v), folded(label))]
    if len(fitting) == 1 or (fitting and len(set(fitting)) == 1):
        return fitting[0]
    if not field.options and not field.restricted:
        return wanted
    names = [value if value == label else f"{label} ({value})" for value, label in field.options]
    raise errors.InvalidInputError(
        f"`{errors.excerpt(wanted, 60)}` is not a value of `{field.name}` ({field.label}).",
        f"Allowed: {listed(names, SHOWN)}." if names else "It has no values.",
    )


def phone(written: str) -> str:
    """Return an international number as E.164 (+33612345678), other texts as they are."""
    bare = written.strip()
    if bare.startswith(("+", "00")) and looks_like_phone(bare):
        with suppress(PhoneError):
            return Phone.read(bare).e164(country())
    return bare


def country() -> str:
    """Return the country of phone numbers without a calling code."""
    return connection_of(integration).fleet.country

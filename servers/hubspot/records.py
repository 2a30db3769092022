"""Records of every kind: how they are named, linked, created and searched."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import When, cursor_number, errors, readable
from flotilla.parsing import start_of_day, to_milliseconds

from . import properties
from .client import account_zone, api, search_api
from .models import CrmObject, Row, SearchPage

LAST = 10_000  # results that HubSpot's search shows of any query
MOST = 10  # filters of a group
PLURAL = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
# Unlabelled associations, from and to: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
TYPES = {
    "contacts": {"contact": 449, "company": 279, "deal": 4, "ticket": 15},
    "companies": {"contact": 280, "company": 450, "deal": 342, "ticket": 340},
    "deals": {"contact": 3, "company": 341, "deal": 451, "ticket": 27},
    "tickets": {"contact": 16, "company": 339, "deal": 28, "ticket": 452},
    "notes": {"contact": 202, "company": 190, "deal": 214, "ticket": 228},
    "tasks": {"contact": 204, "company": 192, "deal": 216, "ticket": 230},
    "calls": {"contact": 194, "company": 182, "deal": 206, "ticket": 220},
}


def checked(ref: str) -> str:
    """Return a record as kind:id, such as contact:51; raises ValueError for anything else."""
    if not re.fullmatch(r"(contact|company|deal|ticket):[0-9]{1,19}", ref):
        raise ValueError(
            f"`{errors.excerpt(ref, 60)}` is not a record; write contact:51, company:9, deal:77 or ticket:5"
        )
    return ref


RecordRef = Annotated[str, AfterValidator(checked)]
LinkedTo = Annotated[
    list[RecordRef] | None,
    Field(description="Records to link it to.", examples=[["company:9"]]),
]
Properties = Annotated[
    dict[str, Any] | None,
    Field(description="Further properties, by name or label."),
]
Where = Annotated[
    list[str] | None,
    Field(
        description="Conditions with = != < <= > >= or ~ (has the word); all must hold.",
        examples=[["createdate>=2030-01-01"]],
    ),
]
OwnerRef = Annotated[str | None, Field(description="E-mail address or id, from hubspot_list_owners.")]
Query = Annotated[str | None, Field(description="Words that the record contains.")]
StageRef = Annotated[str | None, Field(description="Name of the stage, or pipeline/stage.")]


def split(ref: str) -> tuple[str, str]:
    """Return kind and id of a record."""
    kind, _, number = ref.partition(":")
    return kind, number


def id_of(text: str, kind: str) -> str:
    """Return the id in "51" or "contact:51"; raises errors.InvalidInputError for another kind or text."""
    number = text.strip().removeprefix(f"{kind}:")
    if not (number.isascii() and number.isdecimal() and len(number) < 20):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not a {kind}'s id.", f"Find it with hubspot_search_{PLURAL[kind]}."
        )
    return number


async def owner_id(text: str | None) -> str | None:
    """Return the id of an owner by id or e-mail address; raises errors.InvalidInputError for somebody unknown."""
    if text is None or (text.isascii() and text.isdecimal()):
        return text
    if "@" not in text:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not an owner.",
            "Pass an e-mail address or an id from hubspot_list_owners.",
        )
    rows = await api.rows("/crm/v3/owners/", "results", params={"email": text, "limit": 1})
    if not rows:
        raise errors.InvalidInputError(
            f"Nobody in HubSpot has the address {errors.excerpt(text, 80)}.", "Find the owner with hubspot_list_owners."
        )
    return str(rows[0]["id"])


async def prepared(kind: str, arguments: dict[str, Any], more: dict[str, Any] | None) -> dict[str, str]:
    """Return arguments and further values as properties that the portal has; raises errors.InvalidInputError."""
    both = {name: value for name, value in arguments.items() if value is not None}
    for name, value in (more or {}).items():
        both[name] = "" if value is None else value  # null clears
    ready = await properties.fit(kind, both)
    if "@" in ready.get(properties.OWNER, ""):
        ready[properties.OWNER] = await owner_id(ready[properties.OWNER]) or ""
    return ready


async def create(kind: str, values: dict[str, str], refs: Sequence[str] | None) -> CrmObject:
    """Create a record together with its associations: one request, so that nothing is left half done."""
    links = []
    for ref in dict.fromkeys(refs or ()):
        to, number = split(ref)
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TYPES[kind][to]}]
        links.append({"to": {"id": number}, "types": types})
    raw = await api.post(f"/crm/v3/objects/{kind}", json={"properties": values, "associations": links})
    return CrmObject.model_validate(raw)


async def update(kind: str, number: str, values: dict[str, str], **params: str) -> CrmObject:
    """Change properties of a record; raises errors.InvalidInputError where there is nothing to change."""
    if not values:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    raw = await api.patch(f"/crm/v3/objects/{kind}/{number}", params=params, json={"properties": values})
    return CrmObject.model_validate(raw)


async def existing(kind: str, filters: list[list[dict[str, Any]]], name: str) -> tuple[str, str] | None:
    """Return id and name of a record that one of the filter groups finds; `name` are the properties of the name."""
    wanted = name.split()
    body = {"filterGroups": [{"filters": f} for f in filters], "properties": wanted, "sorts": [], "limit": 2}
    answer = await search_api.post(f"/crm/v3/objects/{kind}/search", json={**body, "after": "0"}, reads=True)
    rows = readable(CrmObject, search_api.rows_in(answer, "results"))
    if not rows:
        return None
    return rows[0].id, " ".join(str(rows[0].properties.get(part) or "") for part in wanted).strip()


def equal(name: str, value: str | list[str]) -> dict[str, Any]:
    """Return a filter: the property has this value, or one of these."""
    if isinstance(value, list):
        return {"propertyName": name, "operator": "IN", "values": [v.lower() for v in value]}
    return {"propertyName": name, "operator": "EQ", "value": value}


# -- searching --------------------------------------------------------------------------------------------------------

_CONDITION = re.compile(r"\s*(.+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_OPERATORS = {"=": "EQ", "!=": "NEQ", "<": "LT", "<=": "LTE", ">": "GT", ">=": "GTE", "~": "CONTAINS_TOKEN"}


def condition(known: dict[str, properties.Property], kind: str, text: str) -> dict[str, Any]:
    """Return HubSpot's filter for "amount>=1000", "city~Lyon" or "phone=*" (has a value).

    Raises errors.InvalidInputError.
    """
    parts = _CONDITION.fullmatch(text)
    if not parts or not parts[3]:
        raise errors.InvalidInputError(
            f"The condition `{errors.excerpt(text, 80)}` cannot be read.",
            "Write a property, one of = != < <= > >= ~ and a value; =* means that it has one.",
        )
    prop, sign, value = properties.find(known, parts[1], kind), parts[2], parts[3]
    if value == "*" and sign in ("=", "!="):
        return {"propertyName": prop.name, "operator": "HAS_PROPERTY" if sign == "=" else "NOT_HAS_PROPERTY"}
    asked = {"propertyName": prop.name, "operator": _OPERATORS[sign]}
    if prop.type not in ("date", "datetime"):
        return {**asked, "value": value if sign == "~" else properties.converted(prop, value)}
    zone, when = account_zone(), When.read(value)
    if prop.type == "date":  # kept as midnight UTC
        return {**asked, "value": _milliseconds(When.read(when.day(zone).isoformat() + "T00:00:00Z").at(zone))}
    first = when.at(zone)
    if not when.is_day:
        return {**asked, "value": _milliseconds(first)}
    last = start_of_day(when.day(zone) + timedelta(days=1), zone) - timedelta(milliseconds=1)
    if sign == "=":
        return {**asked, "operator": "BETWEEN", "value": _milliseconds(first), "highValue": _milliseconds(last)}
    return {**asked, "value": _milliseconds(last if sign in ("<=", ">") else first)}


def _milliseconds(moment: Any) -> str:
    return str(to_milliseconds(moment))


async def search(
    kind: str,
    row: Callable[[CrmObject, list[str]], Row],
    *,
    usual: Sequence[str],
    query: str | None,
    where: list[str] | None,
    filters: Sequence[dict[str, Any]] = (),
    limit: int,
    cursor: str | None,
) -> SearchPage:
    """Return one page of a search, latest changes first, with how many there are and what cannot be shown.

    The properties in conditions are shown too. https://developers.hubspot.com/docs/api-reference/search/guide
    """
    start = cursor_number(cursor, 0)
    if start >= LAST:
        raise errors.InvalidInputError(
            f"HubSpot shows the first {LAST:,} results of a search only.", "Narrow the search instead."
        )
    both = [*filters, *(await _conditions(kind, where) if where else [])]
    for one in both:
        if one["propertyName"] == properties.OWNER and "@" in one.get("value", ""):
            one["value"] = await owner_id(one["value"])
    shown = [f["propertyName"] for f in both if "." not in f["propertyName"]]
    if len(both) > MOST:
        raise errors.InvalidInputError(f"HubSpot takes at most {MOST} conditions.", "Leave some out.")
    body = {
        "query": query or None,
        "filterGroups": [{"filters": both}] if both else [],
        "sorts": ["-lastmodifieddate" if kind == "contacts" else "-hs_lastmodifieddate"],
        "properties": list(dict.fromkeys([*usual, *shown])),
        "limit": min(limit, LAST - start),
        "after": str(start),
    }
    answer = await search_api.post(f"/crm/v3/objects/{kind}/search", json=body, reads=True)
    following = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
    note = f"{answer['total']} in all"
    if following.isdecimal() and int(following) >= LAST:
        following = ""
        note += f"; HubSpot shows the first {LAST} only: narrow the search to see others"
    rows = readable(CrmObject, search_api.rows_in(answer, "results"))
    return SearchPage(items=[row(one, shown) for one in rows], next_cursor=following or None, note=note)


async def _conditions(kind: str, where: list[str]) -> list[dict[str, Any]]:
    return await properties.with_known(kind, lambda known: [condition(known, kind, text) for text in where])


def linked_with(ref: str) -> dict[str, Any]:
    """Return the filter for what is associated with a record."""
    kind, number = split(ref)
    return equal(f"associations.{kind}", number)

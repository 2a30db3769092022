"""Records of every kind: their names here, how they hang together, creating and searching them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import time, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import errors

from . import schema, setup, values
from .client import api, finder
from .models import Found, Row

LAST = 10_000  # results that HubSpot's search shows of any query
OWNER = schema.OWNER
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

Ref = Annotated[str, AfterValidator(lambda ref: checked(ref))]
Refs = Annotated[list[Ref] | None, Field(description="Records", examples=[["company:9"]])]


class Open:
    """Leaves "additionalProperties": true out of a schema, which says nothing and is paid for in every list."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        told = dict(handler(core))
        told.pop("additionalProperties", None)
        return told


Values = Annotated[dict[str, Any], Open()]
Free = Annotated[Values | None, Field(description="By name or label")]
Where = Annotated[
    list[str] | None,
    Field(description="With = != < <= > >= ~", examples=[["createdate>=2030-01-01"]]),
]
OwnerOf = Annotated[str | None, Field(description="E-mail or id")]
Query = Annotated[str | None, Field(description="CommaSeparated")]
StageOf = Annotated[str | None, Field(description="Name or id")]


def checked(ref: str) -> str:
    """Return a record's name here, such as contact:51; raises ValueError for anything else."""
    if not re.fullmatch(r"(contact|company|deal|ticket):[0-9]{1,19}", ref):
        raise ValueError(f"{errors.excerpt(ref, 60)!r} is no record; write contact:51, company:9, deal:77 or ticket:5")
    return ref


def split(ref: str) -> tuple[str, str]:
    """Return kind and id of a record's name here."""
    kind, _, number = ref.partition(":")
    return kind, number


def id_of(text: str, kind: str) -> str:
    """Return the id in "51" or "contact:51"; raises errors.InvalidInputError for another kind or no id."""
    number = text.strip().removeprefix(f"{kind}:")
    if not (number.isascii() and number.isdecimal() and len(number) < 20):
        then = f"Find it with hubspot_search_{PLURAL[kind]}."
        raise errors.InvalidInputError(f"{errors.excerpt(text, 60)!r} is no {kind}'s id.", then)
    return number


async def prepared(kind: str, given: dict[str, Any], more: dict[str, Any] | None) -> dict[str, str]:
    """Return arguments and free values as properties that the portal has; raises errors.InvalidInputError."""
    both = {name: value for name, value in given.items() if value is not None}
    for name, value in (more or {}).items():
        both[name] = "" if value is None else value  # null clears
    ready = await schema.fit(kind, both)
    if "@" in ready.get(OWNER, ""):
        ready[OWNER] = await setup.owner(ready[OWNER]) or ""
    return ready


async def create(kind: str, properties: dict[str, str], refs: Sequence[str] | None) -> dict[str, Any]:
    """Create a record together with its associations: one request, so that nothing is left half done."""
    links = []
    for ref in dict.fromkeys(refs or ()):
        to, number = split(ref)
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TYPES[kind][to]}]
        links.append({"to": {"id": number}, "types": types})
    return await api.post(f"/crm/v3/objects/{kind}", json={"properties": properties, "associations": links})


async def update(kind: str, number: str, properties: dict[str, str], **params: str) -> dict[str, Any]:
    """Change properties of a record; raises errors.InvalidInputError where there is nothing to change."""
    if not properties:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    return await api.patch(f"/crm/v3/objects/{kind}/{number}", params=params, json={"properties": properties})


async def same(kind: str, filters: list[list[dict[str, Any]]], name: str) -> tuple[str, str] | None:
    """Return id and name of a record that one of the filter groups finds; `name` are the properties of the name."""
    wanted = name.split()
    body = {"filterGroups": [{"filters": f} for f in filters], "properties": wanted, "sorts": [], "limit": 2}
    answer = await finder.post(f"/crm/v3/objects/{kind}/search", json={**body, "after": "0"}, reads=True)
    rows = finder.rows_in(answer, "results")
    if not rows:
        return None
    return rows[0]["id"], " ".join(str(rows[0]["properties"].get(part) or "") for part in wanted).strip()


def equal(name: str, value: str | list[str]) -> dict[str, Any]:
    """Return a filter: the property has this value, or one of these."""
    if isinstance(value, list):
        return {"propertyName": name, "operator": "IN", "values": [v.lower() for v in value]}
    return {"propertyName": name, "operator": "EQ", "value": value}


# -- searching --------------------------------------------------------------------------------------------------------

_CONDITION = re.compile(r"\s*(.+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_OPERATORS = {"=": "EQ", "!=": "NEQ", "<": "LT", "<=": "LTE", ">": "GT", ">=": "GTE", "~": "CONTAINS_TOKEN"}


def condition(known: dict[str, schema.Property], kind: str, text: str) -> dict[str, Any]:
    """Return HubSpot's filter for "amount>=1000", "city~Lyon" or "phone=*" (has one).

    Raises errors.InvalidInputError.
    """
    parts = _CONDITION.fullmatch(text)
    if not parts or not parts[3]:
        raise errors.InvalidInputError(
            f"The condition {errors.excerpt(text, 80)!r} cannot be read.",
            "Write a property, one of = != < <= > >= ~ and a value; =* means that it has one.",
        )
    prop, sign, value = schema.find(known, parts[1], kind), parts[2], parts[3]
    if value == "*" and sign in ("=", "!="):
        return {"propertyName": prop.name, "operator": "HAS_PROPERTY" if sign == "=" else "NOT_HAS_PROPERTY"}
    asked = {"propertyName": prop.name, "operator": _OPERATORS[sign]}
    if prop.type not in ("date", "datetime"):
        return {**asked, "value": value if sign == "~" else schema.converted(prop, value)}
    first = values.instant(value, time.min)
    bare = "T" not in value.upper() and " " not in value
    if prop.type == "date":  # kept as midnight UTC
        day = values.instant(first.date().isoformat() + "T00:00:00+00:00")
        return {**asked, "value": _milliseconds(day)}
    if not bare:
        return {**asked, "value": _milliseconds(first)}
    last = values.instant((first.date() + timedelta(days=1)).isoformat(), time.min) - timedelta(milliseconds=1)
    if sign == "=":
        return {**asked, "operator": "BETWEEN", "value": _milliseconds(first), "highValue": _milliseconds(last)}
    return {**asked, "value": _milliseconds(last if sign in ("<=", ">") else first)}


def _milliseconds(moment: Any) -> str:
    return str(round(moment.timestamp() * 1000))


async def search(
    kind: str,
    make: Callable[[dict[str, Any], list[str]], Row],
    *,
    usual: Sequence[str],
    query: str | None,
    where: list[str] | None,
    filters: Sequence[dict[str, Any]] = (),
    limit: int,
    cursor: str | None,
) -> Found:
    """Return one page of a search, latest changes first, with how many there are and what cannot be shown.

    The properties in conditions are shown too. https://developers.hubspot.com/docs/api-reference/search/guide
    """
    start = _start(cursor)
    both = [*filters, *(await conditions(kind, where) if where else [])]
    for one in both:
        if one["propertyName"] == OWNER and "@" in one.get("value", ""):
            one["value"] = await setup.owner(one["value"])
    shown = [f["propertyName"] for f in both if "." not in f["propertyName"]]
    if len(both) > MOST:
        raise errors.InvalidInputError(f"HubSpot takes {MOST} conditions at most.", "Leave some out.")
    body = {
        "query": query or None,
        "filterGroups": [{"filters": both}] if both else [],
        "sorts": ["-lastmodifieddate" if kind == "contacts" else "-hs_lastmodifieddate"],
        "properties": list(dict.fromkeys([*usual, *shown])),
        "limit": min(limit, LAST - start),
        "after": str(start),
    }
    answer = await finder.post(f"/crm/v3/objects/{kind}/search", json=body, reads=True)
    following = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
    note = f"{answer['total']} in all"
    if following.isdecimal() and int(following) >= LAST:
        following = ""
        note += f"; HubSpot shows the first {LAST} only: narrow the search to see others"
    items = [make(row, shown) for row in finder.rows_in(answer, "results")]
    return Found(items=items, next_cursor=following or None, note=note)


async def conditions(kind: str, where: list[str]) -> list[dict[str, Any]]:
    """Return HubSpot's filters for conditions; what does not fit is looked up once more."""
    known, fresh = await schema.properties(kind)
    try:
        return [condition(known, kind, text) for text in where]
    except errors.InvalidInputError:
        if fresh:
            raise
    known, _ = await schema.properties(kind, renew=True)
    return [condition(known, kind, text) for text in where]


def belongs(ref: str) -> dict[str, Any]:
    """Return the filter for what hangs together with a record."""
    kind, number = split(ref)
    return equal(f"associations.{kind}", number)


def _start(cursor: str | None) -> int:
    if cursor is None or cursor == "":
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 9):
        raise errors.InvalidInputError("The cursor is not one of ours.", "Leave it out to start at the first page.")
    if int(cursor) >= LAST:
        raise errors.InvalidInputError(
            "HubSpot shows the first 10,000 results of a search only.", "Narrow the search instead."
        )
    return int(cursor)

"""Records of every kind: how they are named, linked, created and searched."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import When, choose, cursor_number, errors, readable, segment
from flotilla.parsing import folded, listed, start_of_day, to_milliseconds

from . import owners, properties
from .client import account_zone, api, search_api
from .models import CrmObject, Row, SearchPage

LAST = 10_000  # results that HubSpot's search shows of any query
MOST = 10  # filters of a group
PLURAL = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
NAMES = {"contact": ("firstname", "lastname"), "company": ("name",), "deal": ("dealname",), "ticket": ("subject",)}
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
    """Return a record as kind:id or kind:name, an e-mail address as that of a contact; raises ValueError."""
    kind, colon, name = ref.strip().partition(":")
    if not colon and "@" in kind:
        return f"contact:{kind}"
    if kind not in PLURAL or not name.strip():
        raise ValueError(
            f"`{errors.excerpt(ref, 60)}` is not a record; write contact:51, company:9, deal:77 or ticket:5, or the "
            "name, as in company:Boulangerie Roy"
        )
    return f"{kind}:{name.strip()}"


def deal_checked(ref: str) -> str:
    """Return a deal as deal:77 or deal:name, also where the kind is left out; raises ValueError for another kind."""
    kind = ref.strip().partition(":")[0]
    if kind in PLURAL and kind != "deal":
        raise ValueError(f"`{errors.excerpt(ref, 60)}` is not a deal; write deal:77 or its name")
    return checked(ref if kind == "deal" else f"deal:{ref}")


async def resolved(ref: str) -> tuple[str, str]:
    """Return kind and id of a record, looked up where it is a name or an e-mail address.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    kind, name = split(ref)
    if name.isascii() and name.isdecimal() and len(name) < 20:
        return kind, name
    plural, parts = PLURAL[kind], NAMES[kind]
    if kind == "contact" and "@" in name:  # not searched for: a search does not find who was just created
        raw = await api.get(f"/crm/v3/objects/contacts/{segment(name)}", params={"idProperty": "email"})
        return kind, str(raw["id"])
    body: dict[str, Any] = {"query": name, "filterGroups": [], "properties": [*parts], "sorts": []}
    body |= {"limit": 20, "after": "0"}
    answer = await search_api.post(f"/crm/v3/objects/{plural}/search", json=body, reads=True)
    rows = readable(CrmObject, search_api.rows_in(answer, "results"))

    def shown(one: CrmObject) -> str:
        return " ".join(str(one.properties.get(part) or "") for part in parts).strip()

    tool = f"hubspot_search_{plural}" if kind != "ticket" else ""
    return kind, choose(name, rows, name=shown, kind=kind, listed_by=tool).id


RecordRef = Annotated[str, AfterValidator(checked)]
LinkedTo = Annotated[
    list[RecordRef] | None,
    Field(description="Records to link it to, by number or name.", examples=[["company:9"]]),
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
OwnerRef = Annotated[str | None, Field(description="Name or e-mail address of the owner, or me.")]
Query = Annotated[str | None, Field(description="Words that the record contains.")]
StageRef = Annotated[str | None, Field(description="Name of the stage, or pipeline/stage.")]


def split(ref: str) -> tuple[str, str]:
    """Return kind and id of a record."""
    kind, _, number = ref.partition(":")
    return kind, number


async def owner_id(text: str | None) -> str | None:
    """Return the id of an owner by id, e-mail address, whole name or first name; "me" is the token's owner.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    if text is None or (text.isascii() and text.isdecimal()):
        return text
    if folded(text) in ("me", "moi"):
        return await owners.mine()
    people = await owners.everybody()
    wanted = folded(text)
    of_email = [one for one in people if one.email and one.email.casefold() == text.strip().casefold()]
    whole = of_email or [one for one in people if folded(one.name or "") == wanted]
    fitting = whole or [one for one in people if set(folded(one.name or "").split()) >= set(wanted.split())]
    if len(fitting) == 1:
        return fitting[0].id
    shown = errors.excerpt(text, 60)
    if fitting:
        names = listed(f"{one.name} ({one.email})" for one in fitting)
        raise errors.InvalidInputError(f"More than one owner fits `{shown}`: {names}.", "Pass the e-mail address.")
    raise errors.NotFoundError(
        f"Nobody in HubSpot is called `{shown}`.", f"There are: {listed(one.name or one.email for one in people)}."
    )


async def prepared(kind: str, arguments: dict[str, Any], more: dict[str, Any] | None) -> dict[str, str]:
    """Return arguments and further values as properties that the portal has; raises errors.InvalidInputError."""
    both = {name: value for name, value in arguments.items() if value is not None}
    for name, value in (more or {}).items():
        both[name] = "" if value is None else value  # null clears
    ready = await properties.fit(kind, both)
    if ready.get(properties.OWNER):
        ready[properties.OWNER] = await owner_id(ready[properties.OWNER]) or ""
    return ready


async def create(kind: str, values: dict[str, str], refs: Sequence[str] | None) -> CrmObject:
    """Create a record together with its associations: one request, so that nothing is left half done."""
    links = []
    for ref in dict.fromkeys(refs or ()):
        to, number = await resolved(ref)
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
    sorts: Sequence[str] = (),
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
        if one["propertyName"] == properties.OWNER and one.get("value"):
            one["value"] = await owner_id(one["value"])
    shown = [f["propertyName"] for f in both if "." not in f["propertyName"]]
    if len(both) > MOST:
        raise errors.InvalidInputError(f"HubSpot takes at most {MOST} conditions.", "Leave some out.")
    body = {
        "query": query or None,
        "filterGroups": [{"filters": both}] if both else [],
        "sorts": list(sorts) or ["-lastmodifieddate" if kind == "contacts" else "-hs_lastmodifieddate"],
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


async def linked_with(ref: str) -> dict[str, Any]:
    """Return the filter for what is associated with a record."""
    kind, number = await resolved(ref)
    return equal(f"associations.{kind}", number)

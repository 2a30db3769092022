"""Records: how people name them, how they are found by name, number or address, created and changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import Phone, choose, errors, readable, segment
from flotilla.pagination import Model
from flotilla.parsing import PhoneError, folded, listed, looks_like_phone

from . import people, queries, schema
from .client import ROOT, api
from .models import Saved
from .schema import FieldInfo

PREFIXES = {
    "001": "Account", "003": "Contact", "00Q": "Lead", "006": "Opportunity", "500": "Case", "00T": "Task",
    "00U": "Event", "005": "User", "701": "Campaign", "01t": "Product2", "800": "Contract", "801": "Order",
    "00O": "Report", "069": "ContentDocument", "00G": "Group",
}  # fmt: skip
NAMES = {"Case": "CaseNumber", "Task": "Subject", "Event": "Subject", "Contract": "ContractNumber",
         "Order": "OrderNumber", "ContentDocument": "Title"}  # fmt: skip
PHONES = {
    "Contact": ("Phone", "MobilePhone", "HomePhone", "OtherPhone"),
    "Lead": ("Phone", "MobilePhone"),
    "Account": ("Phone",),
}
_ID = re.compile(r"[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Named(Model):
    """A record with its name."""

    id: str
    name: str
    object: str


def is_id(text: str) -> bool:
    """Tell whether a text is a record's id: 15 or 18 letters and digits that begin with an object's prefix."""
    return bool(_ID.fullmatch(text)) and (text[:3] in PREFIXES or any(c.isdigit() for c in text[:6]))


def whole_id(text: str) -> str:
    """Return an id in 18 characters, so that two spellings of one compare equal."""
    if len(text) != 15:
        return text
    parts = (text[at : at + 5] for at in (0, 5, 10))
    marks = (sum(1 << n for n, c in enumerate(part) if c.isupper()) for part in parts)
    return text + "".join(_LETTERS[mark] for mark in marks)


def checked(ref: str) -> str:
    """Return a record as it was written; raises ValueError for what names none."""
    bare = ref.strip()
    kind, colon, name = bare.partition(":")
    if is_id(bare) or "@" in bare or looks_like_phone(bare) or (colon and kind.strip() and name.strip()):
        return bare
    raise ValueError(
        f"`{errors.excerpt(ref, 60)}` is not a record; write its id, Object:name as in Account:Boulangerie Roy, or a "
        "person's phone number or e-mail address"
    )


RecordRef = Annotated[str, AfterValidator(checked)]
About = Annotated[
    list[RecordRef] | None,
    Field(description="Records that it is about, such as a person and an opportunity.", examples=[["Account:Roy"]]),
]
Values = dict[str, Any]


async def resolved(ref: str, *kinds: str) -> tuple[str, str]:
    """Return object and id of a record; `kinds` are the objects that fit, and a bare name is of the first one.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    bare = ref.strip()
    if is_id(bare):
        kind = PREFIXES.get(bare[:3]) or await schema.object_of_prefix(bare[:3])
        if not kind:
            raise errors.NotFoundError(f"No object of this org has ids like `{bare}`.", "Check the id.")
        return _allowed(kind, kinds, bare), whole_id(bare)
    if "@" in bare and " " not in bare:
        return await _person(await by_email(bare, kinds), bare, kinds)
    if looks_like_phone(bare) and "Case" not in kinds:
        return await _person(await by_phone(bare, kinds), bare, kinds)
    before, colon, after = bare.partition(":")
    named = bool(colon and after.strip()) and (not kinds or await _is_kind(before, kinds))
    kind = await schema.object_named(before) if named else kinds[0]
    one = await named_record(_allowed(kind, kinds, bare), after.strip() if named else bare)
    return kind, one.id


async def _is_kind(text: str, kinds: Sequence[str]) -> bool:
    """Tell whether a text before a colon is an object's name, and not a part of a record's."""
    name = folded(text)
    return any(name in (folded(kind), *schema.USUAL.get(kind, ())) for kind in (*schema.USUAL, *kinds))


def _allowed(kind: str, kinds: Sequence[str], ref: str) -> str:
    if kinds and kind not in kinds:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(ref, 60)}` is of the object {kind}, which does not fit here.",
            f"Pass one of {' or '.join(kinds)}.",
        )
    return kind


async def _person(matches: Sequence[Named], ref: str, kinds: Sequence[str]) -> tuple[str, str]:
    fitting = [one for one in matches if not kinds or one.object in kinds]
    contacts = [one for one in fitting if one.object == "Contact"]
    fitting = contacts if len(contacts) == 1 else fitting  # a customer is meant rather than an old lead of the same
    if len(fitting) == 1:
        return fitting[0].object, fitting[0].id
    if fitting:
        both = listed(f"{one.object} {one.name} ({one.id})" for one in fitting)
        raise errors.InvalidInputError(f"More than one record has `{ref}`: {both}.", "Pass the id of one.")
    raise errors.NotFoundError(f"Nobody in Salesforce has `{errors.excerpt(ref, 60)}`.", "Search by name instead.")


def name_field(kind: str) -> str:
    """Return the field that holds the name of an object's records."""
    return NAMES.get(kind, "Name")


async def named_record(kind: str, name: str) -> Named:
    """Return the record of this name: exactly, or but for case and accents. Raises as `choose` does."""
    field = name_field(kind)
    if kind == "Case" and name.isdecimal():
        name = name.zfill(8)
    rows: list[Named] = []
    for loose in (False, True):
        pattern = queries.holding(name, loose)
        soql = f"SELECT Id, {field} FROM {kind} WHERE {field} LIKE {pattern} ORDER BY {field} LIMIT 50"
        rows = _named(kind, await queries.select(soql))
        if any(folded(one.name) == folded(name) for one in rows) or (rows and not loose):
            break
    part = [one for one in rows if folded(name) in folded(one.name)]
    exact = [one for one in part if folded(one.name) == folded(name)]
    wanted = part[0].name if len(part) == 1 and not exact else name
    return choose(wanted, part or rows, kind=kind)


def _named(kind: str, rows: Sequence[Mapping[str, Any]]) -> list[Named]:
    field = name_field(kind)
    return readable(Named, [{"id": row.get("Id"), "name": row.get(field) or "", "object": kind} for row in rows])


async def by_email(email: str, kinds: Sequence[str] = ()) -> list[Named]:
    """Return the contacts, and the leads that are not converted, of an e-mail address."""
    where = f"Email = {queries.text(email.strip())}"
    return await _people(where, f"{where} AND IsConverted = false", "", kinds)


async def by_phone(phone: str, kinds: Sequence[str] = ()) -> list[Named]:
    """Return the contacts, leads and accounts of a phone number, however it is written in Salesforce."""
    rows = await with_phone(phone)
    matches = [{"id": r.get("Id"), "name": r.get("Name") or "", "object": object_in(r)} for r in rows]
    return [one for one in readable(Named, matches) if not kinds or one.object in kinds]


async def _people(contact: str, lead: str, account: str, kinds: Sequence[str]) -> list[Named]:
    wanted = {"Contact": contact, "Lead": lead, "Account": account}
    asked = {kind: where for kind, where in wanted.items() if where and (not kinds or kind in kinds)}
    if not asked:
        return []
    rows = await queries.together([f"SELECT Id, Name FROM {k} WHERE {w} LIMIT 10" for k, w in asked.items()])
    return [one for kind, part in zip(asked, rows, strict=True) for one in _named(kind, part)]


def object_in(row: Mapping[str, Any]) -> str:
    """Return the object that a row says it is of."""
    about = row.get("attributes")
    return str(about.get("type") or "") if isinstance(about, Mapping) else ""


CALLER = {
    "Contact": "Id, Name, Title, Account.Name, Email, Phone, MobilePhone, HomePhone, OtherPhone, Owner.Name",
    "Lead": "Id, Name, Title, Company, Email, Phone, MobilePhone, Status, Owner.Name",
    "Account": "Id, Name, Phone, BillingCity, Owner.Name",
}


async def with_phone(phone: str) -> list[dict[str, Any]]:
    """Return contacts, open leads and accounts of a phone number: by the search index, else by every number's digits.

    Raises PhoneError for what is not a number.
    """
    number = Phone.read(phone)
    e164 = number.e164(schema.country())
    fields = await caller_fields(CALLER)
    returning = {**fields, "Lead": fields["Lead"] + " WHERE IsConverted = false"}
    rows = await queries.find(queries.phrases(number.spellings(schema.country())[:9]), "PHONE", returning, 50)
    if matches := [row for row in rows if _has_number(row, e164)]:
        return matches
    pattern = "'%" + "%".join(_digits(number, e164)) + "'"
    selects = []
    for kind, names in fields.items():
        where = " OR ".join(f"{name} LIKE {pattern}" for name in PHONES[kind] if name in names.split(", "))
        more = " AND IsConverted = false" if kind == "Lead" else ""
        selects += [f"SELECT {names} FROM {kind} WHERE ({where}){more} LIMIT 50"] if where else []
    parts = await queries.together(selects)
    return [row for part in parts for row in part if _has_number(row, e164)]


async def caller_fields(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return by object those fields that the user may see; once the first is described, the others are at once."""
    (first, fields), *others = wanted.items()
    shown = {first: await schema.seen(first, fields)}
    rest = await asyncio.gather(*(schema.seen(kind, names) for kind, names in others))
    return shown | dict(zip((kind for kind, _ in others), rest, strict=True))


def _digits(number: Phone, e164: str) -> str:
    """Return the digits that every way to write a number has: those of the national number."""
    national = re.sub(r"\D", "", number.international(schema.country()).partition(" ")[2])
    return national.lstrip("0") or e164[1:]


def _has_number(row: Mapping[str, Any], e164: str) -> bool:
    return any(_e164(row.get(name)) == e164 for name in PHONES["Contact"])


def _e164(value: Any) -> str:
    with suppress(PhoneError):
        return Phone.read(value).e164(schema.country()) if value else ""
    return ""


# -- writing ----------------------------------------------------------------------------------------------------------


async def reference(field: FieldInfo, value: str) -> str:
    """Return the id that a lookup field is to hold, of a record or a user as people name them."""
    if is_id(value.strip()):
        return whole_id(value.strip())
    if "User" in field.refers:
        return await people.owner_id(value, queues="Group" in field.refers)
    return (await resolved(value, *field.refers))[1]


async def prepared(kind: str, values: Mapping[str, Any], creating: bool = False) -> dict[str, Any]:
    """Return values as Salesforce takes them; see `schema.fit`."""
    return await schema.fit(kind, values, reference, creating)


def link(record: str) -> str:
    """Return the address of a record in a browser."""
    return f"{api.base.rstrip('/')}/{record}"


async def create(kind: str, values: Mapping[str, Any], allow_duplicate: bool = False) -> Saved:
    """Create a record of values that are ready."""
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"} if allow_duplicate else None
    answer = await api.post(f"{ROOT}/sobjects/{segment(kind)}", json=dict(values), headers=headers)
    new = str(answer["id"])
    return Saved(object=kind, id=new, url=link(new), created=True)


async def update(kind: str, record: str, values: Mapping[str, Any]) -> Saved:
    """Change a record; raises errors.InvalidInputError where there is nothing to change."""
    if not values:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await api.send("PATCH", f"{ROOT}/sobjects/{segment(kind)}/{segment(record)}", json=dict(values), nulls=True)
    return Saved(object=kind, id=record, url=link(record), created=False)


async def split_about(refs: Sequence[str] | None) -> dict[str, str]:
    """Return WhoId (a contact or lead) and WhatId (anything else) of a task or event, one of each."""
    ready: dict[str, str] = {}
    for ref in dict.fromkeys(refs or ()):
        kind, record = await resolved(ref)
        slot = "WhoId" if kind in ("Contact", "Lead") else "WhatId"
        if slot in ready:
            role = "contact or lead" if slot == "WhoId" else "record beside the person"
            raise errors.InvalidInputError(f"A task or event is about one {role} only.", "Leave one of them out.")
        ready[slot] = record
        if kind == "Lead":
            ready["lead"] = record
    if ready.pop("lead", None) and "WhatId" in ready:
        raise errors.InvalidInputError(
            "A task or event of a lead cannot be about another record too.", "Leave one of them out."
        )
    return ready

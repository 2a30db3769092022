"""Records of every module: how they are named, found, shown and saved."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field

from flotilla import Model, choose, errors, readable, segment
from flotilla.http.responses import unreadable
from flotilla.parsing import folded, listed, looks_like_phone, read_money

from . import metadata, query, values
from .client import api
from .metadata import Field as ModuleField
from .models import Row

T = TypeVar("T")
R = TypeVar("R")
MODULES = {
    "lead": "Leads", "contact": "Contacts", "account": "Accounts", "deal": "Deals", "task": "Tasks", "event": "Events",
    "call": "Calls", "note": "Notes", "product": "Products", "quote": "Quotes", "invoice": "Invoices", "case": "Cases",
    "campaign": "Campaigns", "vendor": "Vendors",
}  # fmt: skip
KINDS = {module: kind for kind, module in MODULES.items()}
NAMES: dict[str, tuple[str, ...]] = {
    "Leads": ("First_Name", "Last_Name"),
    "Contacts": ("First_Name", "Last_Name"),
    "Accounts": ("Account_Name",),
    "Deals": ("Deal_Name",),
    "Events": ("Event_Title",),
    "Notes": ("Note_Title",),
    "Products": ("Product_Name",),
    "Campaigns": ("Campaign_Name",),
    "Vendors": ("Vendor_Name",),
    **dict.fromkeys(("Tasks", "Calls", "Quotes", "Invoices", "Cases"), ("Subject",)),
}
USUAL: dict[str, tuple[str, ...]] = {
    "Leads": (*NAMES["Leads"], "Company", "Email", "Phone", "Mobile", "Lead_Status", "Owner"),
    "Contacts": (*NAMES["Contacts"], "Account_Name", "Email", "Phone", "Mobile", "Owner"),
    "Accounts": ("Account_Name", "Phone", "Website", "Billing_City", "Owner"),
    "Deals": ("Deal_Name", "Stage", "Amount", "Closing_Date", "Account_Name", "Contact_Name", "Owner"),
    "Tasks": ("Subject", "Status", "Due_Date", "Priority", "Who_Id", "What_Id", "Owner"),
    "Events": ("Event_Title", "Start_DateTime", "End_DateTime", "Venue", "Who_Id", "What_Id", "Owner"),
    "Calls": ("Subject", "Call_Type", "Call_Start_Time", "Call_Duration", "Who_Id", "What_Id", "Owner"),
    "Notes": ("Note_Title", "Note_Content", "Parent_Id", "Created_Time", "Owner"),
}
# What says nothing about a record.
NOISE = frozenset(
    ("id", "Created_By", "Modified_By", "Full_Name", "Locked__s", "Record_Image", "Record_Status__s", "Layout",
     "Unsubscribed_Mode", "Unsubscribed_Time", "Change_Log_Time__s", "Last_Activity_Time", "Enrich_Status__s",
     "Data_Processing_Basis_Details", "Data_Processing_Basis", "Data_Source", "Email_Opt_Out")
)  # fmt: skip
SHOWN = 200  # records that are looked at to find one by its name
PEOPLE = ("Contacts", "Leads")


class _Identified(Model):
    """A record of any module: what all have is an id."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)
    id: str


def checked(ref: str) -> str:
    """Return a record as kind:id or kind:name, or a bare e-mail address or phone number; raises ValueError."""
    text = ref.strip()
    kind, colon, name = (part.strip() for part in text.partition(":"))
    if not colon and ("@" in text or looks_like_phone(text)):
        return text
    if not re.fullmatch(r"[^\W\d_][\w ]{0,49}", kind) or not name:
        raise ValueError(
            f"`{errors.excerpt(ref, 60)}` is not a record; write contact:5725767000000376007 or the name, as in "
            "account:Boulangerie Roy, or an e-mail address or phone number of a person"
        )
    return f"{kind}:{name}"


def kind_checked(kind: str) -> Any:
    """Return a validator of a record of one kind, which may be left out; raises ValueError for another kind."""

    def check(ref: str | None) -> str | None:
        if ref is None:
            return None
        text = ref.strip()
        head = text.partition(":")[0].strip().lower()
        if text and head != kind and head in MODULES and ":" in text:
            raise ValueError(
                f"`{errors.excerpt(ref, 60)}` is not a {kind}; write {kind}:5725767000000376007 or its name"
            )
        return checked(text if head == kind and ":" in text else f"{kind}:{text}")

    return AfterValidator(check)


RecordRef = Annotated[str, AfterValidator(checked)]
LinkedTo = Annotated[
    list[RecordRef] | None,
    Field(
        description="Records that it is about, such as contact:Jean Dupont and deal:Refonte.",
    ),
]
MoreFields = Annotated[dict[str, Any] | None, Field(description="Further fields by their names or labels in Zoho CRM.")]
Where = Annotated[
    list[str] | None,
    Field(
        description="Conditions with = != < <= > >= or ~ (contains); all must hold.",
        examples=[["Amount>=1000", "Owner=me"]],
    ),
]
ModuleName = Annotated[
    str, Field(description="Module by its name, such as Leads, Contacts, Accounts or Deals.", examples=["Deals"])
]
OwnerRef = Annotated[str | None, Field(description="Name or e-mail address of the owner, or me.")]


# -- finding


async def module_of(text: str) -> str:
    """Return the API name of a module by its name, label or kind; raises errors.NotFoundError for an unknown one."""
    wanted = folded(text)
    if wanted in MODULES:
        return MODULES[wanted]
    known = next((module for module in KINDS if folded(module) == wanted), "")
    if known:
        return known
    for renew in (False, True):
        rows = await metadata.modules(renew)
        fitting = [r for r in rows if wanted in (folded(r.name), folded(r.singular), folded(r.plural))]
        if len(fitting) == 1:
            return fitting[0].name
    return choose(text, rows, id=lambda one: one.name, name=lambda one: one.plural, kind="module").name


def ref_of(module: str, number: object) -> str:
    """Return how a record is written."""
    return f"{KINDS.get(module, module)}:{number}"


def is_id(text: str) -> bool:
    """Tell whether a text is an id of Zoho's, which is longer than a phone number."""
    return text.isascii() and text.isdecimal() and 13 <= len(text) <= 20 and not text.startswith("0")


def name_of(module: str, raw: Mapping[str, Any]) -> str:
    """Return what people call a record."""
    parts = NAMES.get(module, ("Name",))
    return " ".join(text for part in parts if (text := values.shown(None, raw.get(part)))).strip()


async def resolved(ref: str) -> tuple[str, str]:
    """Return module and id of a record, looked up where it is a name, an e-mail address or a phone number.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    kind, colon, name = ref.partition(":")
    if not colon:
        return await _person(ref)
    module = await module_of(kind)
    if is_id(name):
        return module, name
    if "@" in name or looks_like_phone(name):
        rows = await reached(module, name, list(NAMES.get(module, ("Name",))))
        return module, _only(name, {module: rows})[1]
    return module, await _by_name(module, name)


async def _person(contact: str) -> tuple[str, str]:
    """Return the contact, else the lead, that an e-mail address or phone number belongs to."""
    for module in PEOPLE:
        if rows := await reached(module, contact, list(NAMES[module])):
            return _only(contact, {module: rows})
    raise errors.NotFoundError(
        f"No contact and no lead has `{errors.excerpt(contact, 60)}`.", "Search by the name, or create a lead."
    )


def _only(wanted: str, by_module: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[str, str]:
    rows = {(module, str(row["id"])): name_of(module, row) for module, some in by_module.items() for row in some}
    shown = errors.excerpt(wanted, 60)
    if len(rows) == 1:
        return next(iter(rows))
    if not rows:
        raise errors.NotFoundError(f"Zoho CRM has no record for `{shown}`.", "Search for the record first.")
    names = listed(f"{name} ({ref_of(*key)})" for key, name in rows.items())
    raise errors.InvalidInputError(f"More than one record fits `{shown}`: {names}.", "Pass the id of one.")


async def reached(module: str, contact: str, names: Sequence[str], limit: int = 20) -> list[dict[str, Any]]:
    """Return the records of a module with this e-mail address or phone number, in any field for such."""
    kind = "email" if "@" in contact else "phone"
    spelled = [contact.strip()] if kind == "email" else values.spellings(contact)
    known = await metadata.fields_of(module)
    columns = [field.name for field in known.values() if field.type == kind][:5]
    if not columns:
        return []
    where = query.either([query.within(column, spelled) for column in columns])
    rows, _ = await query.select(module, _known(known, names), where, limit=limit)
    return [row for row in rows if row.get("id")]


def _known(known: Mapping[str, ModuleField], names: Iterable[str]) -> list[str]:
    """Return the fields that the account has: a query for another one would fail."""
    return [name for name in names if name in known]


async def _by_name(module: str, name: str) -> str:
    parts = NAMES.get(module, ("Name",))
    word = max(re.findall(r"\w+", name) or [name], key=len)
    where = query.either([f"{part} like {query.quoted(f'%{word}%')}" for part in parts])
    rows, _ = await query.select(module, parts, where, limit=SHOWN)
    if not rows and len(name) > 1:  # a search knows other spellings
        rows = await search_words(module, name, parts)
    there = {str(row["id"]): name_of(module, row) for row in rows if row.get("id")}
    wanted = set(folded(name).split())
    if not any(folded(text) == folded(name) for text in there.values()):
        near = [number for number, text in there.items() if wanted <= set(folded(text).split())]
        if len(near) == 1:
            return near[0]
    kind = KINDS.get(module, module)
    return choose(name, there.items(), id=lambda one: one[0], name=lambda one: one[1], kind=kind)[0]


async def search_words(module: str, text: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what Zoho's search by words finds in a module."""
    params = {"word": text[:100], "fields": ",".join(names), "per_page": 20}
    answer = await api.request("GET", f"/{module}/search", params=params)
    return api.rows_in(answer, "data") if answer is not None else []


# -- showing


def row(module: str, raw: Mapping[str, Any], known: Mapping[str, ModuleField] | None = None) -> Row:
    """Return a record as a flat map of texts, without what is empty or says nothing."""
    fields = known or {}
    texts = {"record": ref_of(module, raw["id"])}
    if name := name_of(module, raw):
        texts["name"] = name
    for key, value in raw.items():
        if key in NOISE or key in NAMES.get(module, ("Name",)) or key.startswith("$"):
            continue
        if text := values.shown(fields.get(key), value):
            linked = value.get("id") if isinstance(value, Mapping) and key != "Owner" else None
            texts[key] = f"{text} ({linked})" if linked and text != linked else text
    return texts


def rows_of(module: str, matches: Sequence[Any], known: Mapping[str, ModuleField] | None = None) -> list[Row]:
    """Return records as rows; one without an id is left out, and counted."""
    usable = readable(_Identified, matches)
    return [row(module, one.model_dump(), known) for one in usable]


async def with_owners(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the owners their names, of which a query returns the ids alone."""
    unnamed = [one for one in rows if isinstance(one.get("Owner"), Mapping) and not one["Owner"].get("name")]
    if unnamed:
        names = {user.id: user.name for user in await metadata.users()}
        for one in unnamed:
            one["Owner"] = {**one["Owner"], "name": names.get(str(one["Owner"].get("id")), "")}
    return rows


async def named(module: str, number: str) -> tuple[str, dict[str, Any]]:
    """Return a record as a person knows it, and the record; raises errors.NotFoundError where it is gone."""
    raw = await fetch(module, number)
    name = name_of(module, raw) or "without a name"
    return f"{KINDS.get(module, module)} «{errors.excerpt(name, 80)}» ({ref_of(module, number)})", raw


async def fetch(module: str, number: str) -> dict[str, Any]:
    """Return a record; raises errors.NotFoundError where it is gone: Zoho answers with nothing then."""
    answer = await api.request("GET", f"/{module}/{segment(number)}")
    rows = api.rows_in(answer, "data") if answer is not None else []
    if not rows:
        raise errors.NotFoundError(
            f"Zoho CRM does not have the record {ref_of(module, number)}.", "Check the id, or search for it first."
        )
    return dict(rows[0])


async def each(things: Iterable[T], do: Callable[[T], Awaitable[R]], at_once: int = 4) -> list[R]:
    """Return what `do` makes of each, a few at a time: small editions allow five. Raises the first error."""
    turn = asyncio.Semaphore(at_once)

    async def one(thing: T) -> R:
        async with turn:
            return await do(thing)

    outcomes = await asyncio.gather(*map(one, things), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


# -- saving


async def prepared(module: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by names or labels as Zoho takes them, checked against the fields of the account; None clears.

    Raises errors.InvalidInputError for what does not fit, before anything is sent.
    """
    known = await metadata.with_fields(
        module, lambda fields: {name: metadata.find(fields, name, module) for name in params}
    )
    zone = await metadata.account_zone() if any(f.type in ("date", "datetime") for f in known.values()) else None
    body: dict[str, Any] = {}
    for name, value in params.items():
        field = known[name]
        if field.read_only:
            raise errors.InvalidInputError(f"Zoho CRM sets `{field.name}` itself.", "Leave it out.")
        if field.name in body:
            raise errors.InvalidInputError(f"`{field.name}` is set twice.", "Pass each field once.")
        body |= {field.name: None} if value in (None, "") else await _value(field, value, zone)
        if field.type == "currency" and isinstance(value, str) and value and (code := read_money(value).currency):
            body |= await in_currency(module, code)
    return body


async def in_currency(module: str, code: str) -> dict[str, Any]:
    """Return the currency of an amount as a field, where the account has several; {} where it has this one.

    Raises errors.InvalidInputError for a currency that the account does not have.
    """
    known = await metadata.fields_of(module)
    if "Currency" in known:
        return {"Currency": metadata.option_of(known["Currency"], code)}
    own = await metadata.currency()
    if own and own != code:
        raise errors.InvalidInputError(
            f"This account of Zoho CRM counts in {own}, not in {code}.", f"Pass the amount in {own}."
        )
    return {}


async def _value(field: ModuleField, value: Any, zone: ZoneInfo | None) -> dict[str, Any]:
    if field.type in ("ownerlookup", "userlookup"):
        return {field.name: {"id": (await metadata.user_of(str(value))).id}}
    if field.name == "What_Id":
        module, number = await resolved(_record(str(value)))
        return {field.name: {"id": number}, "$se_module": module}
    if field.type == "lookup":
        text = str(value).strip()
        ref = text if is_id(text) or ":" not in text else text.partition(":")[2].strip()
        return {field.name: {"id": (await resolved(f"{field.module}:{ref}"))[1]}}
    if field.type in ("multiselectlookup", "multiuserlookup", "subform"):
        raise errors.InvalidInputError(
            f"`{field.name}` holds several records, which cannot be set from here.", "Set it in Zoho CRM itself."
        )
    return {field.name: values.converted(field, value, zone or api.zone)}


def _record(text: str) -> str:
    """Return a record that stands among fields."""
    if ":" not in text:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` does not say what kind of record it is.",
            "Write deal:Refonte or account:Roy.",
        )
    return text.strip()


async def links(refs: Sequence[str] | None, kind: str) -> dict[str, Any]:
    """Return the fields that tie an activity to a contact, and to one other record. Raises errors.InvalidInputError."""
    fields: dict[str, Any] = {}
    for ref in dict.fromkeys(refs or ()):
        module, number = await resolved(ref)
        name = "Who_Id" if module == "Contacts" else "What_Id"
        if name in fields:
            target = "contact" if name == "Who_Id" else "lead, deal, account or other record"
            raise errors.InvalidInputError(
                f"A {kind} is about one {target} at most.", "Add another one, or leave some of the records out."
            )
        fields[name] = {"id": number}
        if name == "What_Id":
            fields["$se_module"] = module
    if "Who_Id" in fields and fields.get("$se_module") == "Leads":
        raise errors.InvalidInputError(f"A {kind} is about a contact or a lead, not both.", "Leave one of them out.")
    return fields


async def create(module: str, body: Mapping[str, Any]) -> str:
    """Create a record; returns its id."""
    rows = await api.change("POST", f"/{module}", json={"data": [body]})
    return str(saved_id(rows))


async def update(module: str, number: str, body: Mapping[str, Any]) -> None:
    """Change fields of a record; raises errors.InvalidInputError where there is nothing to change."""
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    await api.change("PUT", f"/{module}/{segment(number)}", json={"data": [body]})


def saved_id(rows: Sequence[Any]) -> str:
    """Return the id that Zoho gave to what was saved; raises errors.UpstreamError that says that it was saved."""
    details = rows[0].get("details") if rows else None
    number = details.get("id") if isinstance(details, Mapping) else None
    if not number:
        raise unreadable("Zoho CRM", "answered without the id of the record")
    return str(number)


async def check_new(module: str, body: Mapping[str, Any], label: str) -> None:
    """Refuse a person or company that exists: by e-mail address, else by phone number, else by name.

    Raises errors.InvalidInputError with the existing record.
    """
    parts = NAMES[module]
    reach = [str(body[key]) for key in ("Email", "Phone", "Mobile") if body.get(key)]
    if reach:
        matches = [(r, one) for one in reach for r in await reached(module, one, list(parts))]
        shared = "e-mail address or phone number"
    else:
        own = [f"{part} = {query.quoted(body[part])}" for part in parts if body.get(part)]
        rows, _ = await query.select(module, parts, query.both(own), limit=2)
        matches, shared = [(r, "") for r in rows if r.get("id")], "name"
    if matches:
        first = matches[0][0]
        raise errors.InvalidInputError(
            f"Zoho CRM has a {label} with this {shared} already: {errors.excerpt(name_of(module, first), 80)} "
            f"({ref_of(module, first['id'])}).",
            "Use that one, or pass duplicate=true for another one.",
        )

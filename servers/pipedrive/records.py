"""Records: how they are named and found, and what stands in a row of each kind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import Phone, choose, connection_of, errors, readable
from flotilla.pagination import Paging
from flotilla.parsing import html_to_text, looks_like_phone

from . import account, values
from .client import CURSOR, FOUND, START, V1, V2, accepted, api, integration, search_api
from .models import Row, Saved, Thing

PLURAL = {"deal": "deals", "person": "persons", "organization": "organizations", "lead": "leads"}
_ALIASES = {"org": "organization", "company": "organization", "contact": "person"}
_ID = re.compile(r"[1-9]\d{0,15}", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PATHS = {"deal": "deal/{}", "person": "person/{}", "organization": "organization/{}", "lead": "leads/inbox/{}"}
ONE_TERM = 2  # characters that a search needs
AT_ONCE = 4  # spellings of a number that are searched for at a time


def checked(ref: str) -> str:
    """Return a record as kind:id or kind:name; a bare e-mail address or phone number is a person's.

    Raises ValueError.
    """
    kind, colon, name = (part.strip() for part in ref.strip().partition(":"))
    if not colon and ("@" in kind or looks_like_phone(kind)):
        return f"person:{kind}"
    kind = _ALIASES.get(kind.lower(), kind.lower())
    if kind not in PLURAL or not name:
        raise ValueError(
            f"`{errors.excerpt(ref, 60)}` is not a record; write deal:77, person:5, organization:9 or lead:…, or the "
            "name, as in organization:Boulangerie Roy"
        )
    return f"{kind}:{name}"


def _kind_checked(kind: str, ref: str) -> str:
    """Return a record of one kind, whose name may be left out; raises ValueError for another kind."""
    before, colon, _ = ref.strip().partition(":")
    named = _ALIASES.get(before.strip().lower(), before.strip().lower())
    if colon and named in PLURAL:
        if named != kind:
            raise ValueError(f"`{errors.excerpt(ref, 60)}` is not a {kind}; write {kind}:… or its name")
        return checked(ref)
    return checked(f"{kind}:{ref}")


def deal_checked(ref: str) -> str:
    """Return a deal; raises ValueError."""
    return _kind_checked("deal", ref)


def explicit_deal_checked(ref: str) -> str:
    """Return a deal that is written as one, deal:77 or deal:title; raises ValueError for all others."""
    return _kind_checked("deal", checked(ref))


def person_checked(ref: str) -> str:
    """Return a person; raises ValueError."""
    return _kind_checked("person", ref)


def organization_checked(ref: str) -> str:
    """Return an organization; raises ValueError."""
    return _kind_checked("organization", ref)


def lead_checked(ref: str) -> str:
    """Return a lead; raises ValueError."""
    return _kind_checked("lead", ref)


RecordRef = Annotated[str, AfterValidator(checked)]
PersonRef = Annotated[
    Annotated[str, AfterValidator(person_checked)] | None,
    Field(description="Person by number, name, phone or e-mail."),
]
OrganizationRef = Annotated[
    Annotated[str, AfterValidator(organization_checked)] | None,
    Field(description="Organization by number or name."),
]
OwnerRef = Annotated[str | None, Field(description="Owner's name or e-mail, or me.")]
Fields = Annotated[
    dict[str, Any] | None,
    Field(description="Custom fields by name."),
]


# -- finding ----------------------------------------------------------------------------------------------------------


async def listed(
    path: str, limit: int, cursor: str | None, params: Mapping[str, Any] | None = None, style: Paging = CURSOR
) -> tuple[list[Thing], str | None]:
    """Return one page of a list, and the cursor of the next one."""
    answer = accepted(await api.get(path, params={**(params or {}), **style.query(limit, cursor)}))
    api.rows_in(answer, style.items, missing=True)
    rows, following = style.read(answer, {}, limit, cursor)
    return readable(Thing, rows), following


async def search_for(
    kind: str, term: str, limit: int, cursor: str | None = None, **params: Any
) -> tuple[list[Thing], str | None]:
    """Return one page of a search of one kind (persons, deals …), or of `itemSearch`; the best fitting first."""
    query = {"term": term.strip(), **params, **FOUND.query(limit, cursor)}
    exact = bool(params.get("exact_match"))
    if len(query["term"]) < (1 if exact else ONE_TERM):
        raise errors.InvalidInputError("Pipedrive searches for two characters or more.", "Pass a longer text.")
    path = f"{V2}/{kind}" if kind == "itemSearch" else f"{V2}/{kind}/search"
    answer = accepted(await search_api.get(path, params=query))
    search_api.rows_in(answer, FOUND.items, missing=True)
    rows, following = FOUND.read(answer, {}, limit, cursor)
    return readable(Thing, [row["item"] for row in rows if isinstance(row, dict) and "item" in row]), following


async def by_phone(text: str) -> list[Thing]:
    """Return the persons with a phone number, however it is written here and there; raises PhoneError for none."""
    phone, country = Phone.read(text), connection_of(integration).fleet.country
    spellings = phone.spellings(country)
    for start in range(0, len(spellings), AT_ONCE):
        pages = await asyncio.gather(
            *(search_for("persons", one, 50, fields="phone") for one in spellings[start : start + AT_ONCE])
        )
        people = {one.id: one for rows, _ in pages for one in rows if _has(one, phone, country)}
        if people:
            return list(people.values())
    return []


def _has(person: Thing, phone: Phone, country: str) -> bool:
    return any(phone.matches(one, country) for one in texts(person.get("phones")))


def texts(value: Any) -> list[str]:
    """Return phone numbers or addresses: a search has texts, a person objects with a value."""
    rows = value if isinstance(value, list) else []
    rows_of_text = [row.get("value") if isinstance(row, dict) else row for row in rows]
    return [str(one) for one in rows_of_text if one]


async def by_email(address: str) -> list[Thing]:
    """Return the persons with an e-mail address."""
    rows, _ = await search_for("persons", address, 50, fields="email", exact_match="true")
    wanted = address.strip().casefold()
    return [one for one in rows if wanted in (text.casefold() for text in texts(one.get("emails")))]


async def candidates(kind: str, name: str) -> list[Thing]:
    """Return the records of a kind that a name, a phone number or an e-mail address may mean."""
    if kind == "person" and "@" in name:
        return await by_email(name)
    if kind == "person" and looks_like_phone(name):
        return await by_phone(name)
    field = "name" if kind in ("person", "organization") else "title"
    rows, _ = await search_for(PLURAL[kind], name, 50, fields=field)
    return rows


def is_id(kind: str, name: str) -> bool:
    """Tell whether a text is the id of a record of this kind."""
    return bool((_UUID if kind == "lead" else _ID).fullmatch(name))


async def resolved(ref: str) -> tuple[str, str]:
    """Return kind and id of a record, looked up where it is a name, a phone number or an e-mail address.

    Raises errors.InvalidInputError with the candidates where several fit, errors.NotFoundError where none does.
    """
    kind, _, name = ref.partition(":")
    if is_id(kind, name):
        return kind, name
    rows = await candidates(kind, name)
    if kind == "person" and ("@" in name or looks_like_phone(name)):
        return kind, _only(name, rows).id
    return kind, choose(name, rows, name=name_of, kind=kind, listed_by="pipedrive_search_all").id


def _only(name: str, rows: Sequence[Thing]) -> Thing:
    """Return the one person of a phone number or an e-mail address."""
    shown = errors.excerpt(name, 60)
    if not rows:
        raise errors.NotFoundError(f"Nobody in Pipedrive has `{shown}`.", "Check it, or create the person.")
    if len(rows) > 1:
        people = ", ".join(f"{errors.excerpt(name_of(one), 60)} (person:{one.id})" for one in rows[:20])
        raise errors.InvalidInputError(f"More than one person has `{shown}`: {people}.", "Pass the number of one.")
    return rows[0]


async def number(ref: str | None) -> int | None:
    """Return the id of a deal, person or organization; None without one."""
    return int((await resolved(ref))[1]) if ref else None


def name_of(thing: Thing) -> str:
    """Return a record's name or title."""
    return thing.text("name") or thing.text("title") or thing.text("subject")


async def names_of(kind: str, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of persons or organizations by id, in one request; nothing where they may not be read."""
    wanted = list(dict.fromkeys(one for one in ids if one))[:100]
    if not wanted:
        return {}
    with suppress(errors.PermissionDeniedError):
        rows, _ = await listed(f"{V2}/{PLURAL[kind]}", 100, None, {"ids": ",".join(map(str, wanted))})
        return {int(one.id): name_of(one) for one in rows if one.id.isdecimal()}
    return {}


async def one(kind: str, key: str) -> Thing:
    """Return a record by its id; raises errors.NotFoundError where it is gone."""
    path = f"{V1}/leads/{key}" if kind == "lead" else f"{V2}/{PLURAL[kind]}/{key}"
    thing = Thing.model_validate(accepted(await api.get(path))["data"])
    if thing.get("is_deleted") is True:
        raise errors.NotFoundError(f"The {kind} {key} was deleted.", "Search for another one.")
    return thing


# -- rows -------------------------------------------------------------------------------------------------------------


def url(kind: str, key: str) -> str:
    """Return where a record stands in Pipedrive's own pages, "" where the company's address is not known."""
    domain = getattr(account.known_me(), "company_domain", None)
    return f"https://{domain}.pipedrive.com/{_PATHS[kind].format(key)}" if domain and kind in _PATHS else ""


def saved(kind: str, thing: Thing, **more: str | None) -> Saved:
    """Return what a tool tells of a record after a change: from what was read before, so that nothing can fail."""
    where = url(kind, thing.id)
    return Saved(record=f"{kind}:{thing.id}", name=name_of(thing) or None, url=where or None, **more)


def full(row: Mapping[str, str | None]) -> Row:
    """Return a row without what is empty."""
    return {name: text for name, text in row.items() if text}


def _with_names(thing: Thing, people: Mapping[int, str], organizations: Mapping[int, str]) -> dict[str, str]:
    row: dict[str, str] = {}
    for kind, keys, known in (
        ("person", ("person_id",), people),
        ("organization", ("org_id", "organization_id"), organizations),
    ):
        key = next((thing.number(name) for name in keys if thing.number(name)), None)
        if key:
            row |= {kind: f"{kind}:{key}", f"{kind}_name": known.get(key, "")}
        elif thing.inner(kind, "id"):  # a search has objects
            row |= {kind: f"{kind}:{thing.inner(kind, 'id')}", f"{kind}_name": thing.inner(kind, "name")}
    return row


async def _named(things: Sequence[Thing]) -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    """Return the names of the persons, organizations and owners of some records."""
    organizations = [one.number("org_id") or one.number("organization_id") for one in things]
    return (
        await names_of("person", [one.number("person_id") for one in things]),
        await names_of("organization", organizations),
        await account.user_names(),
    )


async def deal_rows(things: Sequence[Thing], *, whole: bool = False) -> list[Row]:
    """Return deals with the names of stage, pipeline, person, organization and owner; `whole`: custom fields too."""
    if not things:
        return []
    people, organizations, users = await _named(things)
    places = {place.stage: place.name.split("/", 1) for place in await account.places()}
    known, at = (await account.fields("deal") if whole else []), await account.zone()
    rows = []
    for thing in things:
        key = thing.number("stage_id") or 0
        pipeline, stage = places.get(key, ["", thing.inner("stage", "name") or (str(key) if key else "")])
        rows.append(
            full(
                {
                    "record": f"deal:{thing.id}",
                    "title": thing.text("title"),
                    "status": thing.text("status"),
                    "value": " ".join(part for part in (thing.text("value"), thing.text("currency")) if part),
                    "pipeline": pipeline,
                    "stage": stage,
                    **_with_names(thing, people, organizations),
                    "owner": owner_name(thing, users),
                    "expected_close": thing.text("expected_close_date"),
                    "closed": values.local(thing.text("close_time"), at),
                    "lost_reason": thing.text("lost_reason"),
                    "updated": values.local(thing.text("update_time"), at),
                    **values.shown_fields(known, thing.get("custom_fields"), users),
                }
            )
        )
    return rows


async def lead_rows(things: Sequence[Thing]) -> list[Row]:
    """Return leads with the names of person, organization and owner."""
    if not things:
        return []
    people, organizations, users = await _named(things)
    at = await account.zone()
    return [
        full(
            {
                "record": f"lead:{thing.id}",
                "title": thing.text("title"),
                "value": f"{thing.inner('value', 'amount')} {thing.inner('value', 'currency')}".strip(),
                **_with_names(thing, people, organizations),
                "owner": owner_name(thing, users),
                "source": thing.text("source_name"),
                "expected_close": thing.text("expected_close_date"),
                "archived": "yes" if thing.get("is_archived") is True else "",
                "added": values.local(thing.text("add_time"), at),
            }
        )
        for thing in things
    ]  # fmt: skip


async def person_rows(things: Sequence[Thing], *, whole: bool = False) -> list[Row]:
    """Return persons with phone numbers, addresses, organization and owner; `whole`: custom fields too."""
    if not things:
        return []
    _, organizations, users = await _named(things)
    known = await account.fields("person") if whole else []
    return [
        full(
            {
                "record": f"person:{thing.id}",
                "name": thing.text("name"),
                "phones": ", ".join(texts(thing.get("phones"))),
                "emails": ", ".join(texts(thing.get("emails"))),
                "job_title": thing.text("job_title"),
                **_with_names(thing, {}, organizations),
                "owner": owner_name(thing, users),
                "address": thing.inner("postal_address", "value"),
                **values.shown_fields(known, thing.get("custom_fields"), users),
            }
        )
        for thing in things
    ]


async def organization_rows(things: Sequence[Thing], *, whole: bool = False) -> list[Row]:
    """Return organizations with address and owner; `whole`: custom fields too."""
    users = await account.user_names() if things else {}
    known = await account.fields("organization") if whole else []
    return [
        full(
            {
                "record": f"organization:{thing.id}",
                "name": thing.text("name"),
                "address": thing.inner("address", "value") or thing.text("address"),
                "website": thing.text("website"),
                "owner": owner_name(thing, users),
                **values.shown_fields(known, thing.get("custom_fields"), users),
            }
        )
        for thing in things
    ]


async def activity_rows(things: Sequence[Thing]) -> list[Row]:
    """Return activities with when they are due, and for whom and about what they are."""
    if not things:
        return []
    people, organizations, users = await _named(things)
    at = await account.zone()
    types = {one.id: one.name for one in await account.activity_types()}
    return [
        full(
            {
                "record": f"activity:{thing.id}",
                "subject": thing.text("subject"),
                "type": types.get(thing.text("type"), thing.text("type")),
                "due": values.due(thing.text("due_date"), thing.text("due_time"), at),
                "duration": thing.text("duration"),
                "done": "yes" if thing.get("done") is True else "no",
                "deal": f"deal:{thing.number('deal_id')}" if thing.number("deal_id") else "",
                "lead": f"lead:{thing.text('lead_id')}" if thing.text("lead_id") else "",
                **_with_names(thing, people, organizations),
                "owner": owner_name(thing, users),
                "location": thing.inner("location", "value"),
                "text": html_to_text(thing.text("note")),
            }
        )
        for thing in things
    ]


async def note_rows(things: Sequence[Thing]) -> list[Row]:
    """Return notes as plain text, with author and time."""
    at = await account.zone()
    return [
        full(
            {
                "record": f"note:{thing.id}",
                "text": html_to_text(thing.text("content")),
                "by": thing.inner("user", "name"),
                "at": values.local(thing.text("add_time"), at),
                "deal": f"deal:{thing.number('deal_id')}" if thing.number("deal_id") else "",
                "person": f"person:{thing.number('person_id')}" if thing.number("person_id") else "",
                "organization": f"organization:{thing.number('org_id')}" if thing.number("org_id") else "",
                "lead": f"lead:{thing.text('lead_id')}" if thing.text("lead_id") else "",
            }
        )
        for thing in things
    ]


async def product_rows(things: Sequence[Thing]) -> list[Row]:
    """Return the products on a deal with quantity, price and sum."""
    return [
        full(
            {
                "line": thing.id,
                "name": thing.text("name"),
                "product": f"product:{thing.number('product_id')}" if thing.number("product_id") else "",
                "quantity": thing.text("quantity"),
                "price": " ".join(part for part in (thing.text("item_price"), thing.text("currency")) if part),
                "discount": _discount(thing),
                "tax": f"{thing.text('tax')} %" if thing.get("tax") else "",
                "sum": " ".join(part for part in (thing.text("sum"), thing.text("currency")) if part),
            }
        )
        for thing in things
    ]


def _discount(line: Thing) -> str:
    if not line.get("discount"):
        return ""
    unit = "%" if line.text("discount_type") != "amount" else line.text("currency")
    return f"{line.text('discount')} {unit}".strip()


def owner_name(thing: Thing, users: Mapping[int, str]) -> str:
    """Return the name of a record's owner."""
    key = thing.number("owner_id")
    if key is None and thing.inner("owner", "id").isdecimal():
        key = int(thing.inner("owner", "id"))
    return users.get(key, "") if key else ""


async def notes_of(kind: str, key: str, limit: int) -> list[Row]:
    """Return the newest notes of a record."""
    field = "org_id" if kind == "organization" else f"{kind}_id"
    rows, _ = await listed(f"{V1}/notes", limit, None, {field: key, "sort": "add_time DESC"}, START)
    return await note_rows(rows)

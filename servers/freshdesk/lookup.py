"""Things by the names that people give them: agents, groups, statuses, fields, canned responses, people."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from flotilla import Address, Model, Phone, choose, connection_of, errors, readable
from flotilla.parsing import folded, listed, looks_like_phone, read_money, zone_or

from .client import V2, api, integration, lists
from .models import Contact

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
PAGES = 10  # of a hundred, among which a name is looked for
LONGEST_QUERY = 512  # characters of a search
STATUSES = {2: "open", 3: "pending", 4: "resolved", 5: "closed"}
PRIORITIES = {1: "low", 2: "medium", 3: "high", 4: "urgent"}

TicketNumber = Annotated[str, Field(description="Number of the ticket, such as 35.", examples=["35"])]
AssignTo = Annotated[str | None, Field(description="Agent or group by name, or me.", examples=["Marie Curie"])]
Person = Annotated[
    str,
    Field(
        description="E-mail address, phone number, or contact:35436 from freshdesk_search_contacts.",
        examples=["jean.dupont@exemple.fr"],
    ),
]
StatusName = Annotated[
    str | None, Field(description="open, pending, resolved, closed, or a custom status by its name.")
]
FieldValues = Annotated[dict[str, str] | None, Field(description="Further ticket fields by label, choices by name.")]


class Me(Model):
    """The agent who is connected."""

    id: str
    name: str = ""
    zone: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        about = raw.get("contact") if isinstance(raw, dict) else None
        return (
            {**raw, "name": about.get("name") or "", "zone": about.get("time_zone")} if isinstance(about, dict) else raw
        )


class Teammate(Model):
    """Who a ticket can be assigned to: `id` says which, agent:7 or group:9."""

    id: str
    name: str
    email: str | None = None
    description: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        about = raw.get("contact") if isinstance(raw, dict) else None
        return {**raw, "name": about.get("name"), "email": about.get("email")} if isinstance(about, dict) else raw


class Named(Model):
    """A canned response with its number and folder."""

    id: str
    title: str
    folder: str = ""


class Status(Model):
    """A status of tickets: its number, and what agents call it."""

    id: str
    name: str


class TicketField(Model):
    """https://developers.freshdesk.com/api/#ticket-fields: `choices` are names, of a status its number too."""

    id: str
    name: str
    label: str
    type: str
    required: bool = Field(False, alias="required_for_agents")
    choices: list[str] = Field(default_factory=list)
    statuses: list[Status] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _with_choices(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "statuses" in raw:
            return raw
        choices = raw.get("choices")
        statuses = []
        if raw.get("type") == "default_status" and isinstance(choices, dict):
            pairs = [(number, names) for number, names in choices.items() if str(number).isdecimal()]
            statuses = [
                {"id": n, "name": names[0] if isinstance(names, list) and names else str(names)} for n, names in pairs
            ]
            choices = [one["name"] for one in statuses]
        return {**raw, "choices": [str(one) for one in choices or [] if isinstance(one, str)], "statuses": statuses}


async def cached(key: str, fetch: Callable[[], Awaitable[T]], renew: bool = False) -> T:
    """Return what is read once in a process; `renew` reads it again."""
    metadata = api.connection.metadata
    if renew or key not in metadata:
        metadata[key] = await fetch()
    value: T = metadata[key]
    return value


async def chosen(wanted: str, key: str, fetch: Callable[[], Awaitable[list[T]]], **how: Any) -> T:
    """Return the one that is meant, see `choose`; what is unknown is looked up once more."""
    if key in api.connection.metadata:
        with suppress(errors.NotFoundError):
            return choose(wanted, await cached(key, fetch), **how)
    return choose(wanted, await cached(key, fetch, renew=True), **how)


async def everything(path: str, item: type[M]) -> list[M]:
    """Return a whole list, up to a thousand."""
    items: list[M] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await api.page(path, item, limit=100, cursor=cursor)
        items, cursor = items + page.items, page.next_cursor
        if not cursor:
            break
    return items


async def me() -> Me:
    """Return the agent whose API key it is."""

    async def fetch() -> Me:
        return Me.model_validate(await api.get(f"{V2}/agents/me"))

    return await cached("me", fetch)


async def account_zone() -> ZoneInfo:
    """Return the time zone of the connected agent: Freshdesk writes Europe/Paris, or Paris as Rails does."""
    name = (await me()).zone
    return zone_or(name if name and "/" in name else f"Europe/{name}" if name else None, api.zone)


def id_of(text: str, kind: str, listed_by: str) -> str:
    """Return a number of a thing as it stands in an address; raises errors.InvalidInputError."""
    if not re.fullmatch(r"\d{1,18}", text.strip(), re.ASCII):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 60)}` is not the number of {kind}.", f"Take it from {listed_by}."
        )
    return text.strip()


def number_of(ticket: str) -> str:
    """Return a ticket's number out of 35, #35 or its address; raises errors.InvalidInputError."""
    match = re.fullmatch(
        r"(?:https?://\S*/tickets/|#|ticket:?\s*)?(\d{1,15})", ticket.strip(), re.IGNORECASE | re.ASCII
    )
    if not match:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(ticket, 60)}` is not the number of a ticket.", "Write it like 35; lists return it."
        )
    return match[1]


# -- who works on tickets ---------------------------------------------------------------------------------------------


async def agents() -> list[Teammate]:
    """Return the agents of the account; raises errors.PermissionDeniedError where the key may not see them."""
    return [one.model_copy(update={"id": f"agent:{one.id}"}) for one in await everything(f"{V2}/agents", Teammate)]


async def groups() -> list[Teammate]:
    """Return the groups that tickets can be assigned to."""
    return [one.model_copy(update={"id": f"group:{one.id}"}) for one in await everything(f"{V2}/groups", Teammate)]


async def team() -> list[Teammate]:
    """Return agents and groups."""
    return [*await cached("agents", agents, renew=True), *await cached("groups", groups, renew=True)]


async def names() -> dict[str, str]:
    """Return the names of agents and groups by number; {} where the key may not see them.

    Call it before the request whose failure the tool reports.
    """
    metadata = api.connection.metadata
    if "team" not in metadata and "nameless" not in metadata:
        metadata["nameless"] = True
        with suppress(errors.PermissionDeniedError):
            await cached("team", team)
    return known_names()


def known_names() -> dict[str, str]:
    """Return the names of agents and groups that are known already, by number."""
    team: list[Teammate] = api.connection.metadata.get("team", [])
    return {one.id.partition(":")[2]: one.name for one in team}


async def teammate(wanted: str) -> Teammate:
    """Return the agent or group that is meant; raises what `choose` does."""
    text = wanted.strip()
    if folded(text) in ("me", "moi"):
        mine = await me()
        return Teammate(id=f"agent:{mine.id}", name=mine.name)
    address = Address.read(text).key if "@" in text else ""
    kind = "agent" if address else "agent or group"

    def name(one: Teammate) -> str:
        return (one.email or "").casefold() if address else one.name

    with suppress(errors.PermissionDeniedError):
        return await chosen(address or text, "team", team, name=name, kind=kind, parts=True)
    rows = readable(Teammate, await api.rows(f"{V2}/agents/autocomplete", params={"term": address or text}))
    known = [one.model_copy(update={"id": f"agent:{one.id}"}) for one in rows]
    return choose(address or text, [*known, *await cached("groups", groups)], name=name, kind=kind, parts=True)


async def agent_number(wanted: str) -> int:
    """Return the number of an agent; raises what `choose` does, and errors.InvalidInputError for a group."""
    kind, _, number = (await teammate(wanted)).id.partition(":")
    if kind != "agent":
        raise errors.InvalidInputError(f"{errors.excerpt(wanted, 60)} is a group, not an agent.", "Name one person.")
    return int(number)


async def assignment(wanted: str | None) -> dict[str, int]:
    """Return the fields of a ticket that assign it; none without a name."""
    if wanted is None:
        return {}
    kind, _, number = (await teammate(wanted)).id.partition(":")
    return {"responder_id" if kind == "agent" else "group_id": int(number)}


# -- what a ticket holds ----------------------------------------------------------------------------------------------


async def ticket_fields() -> list[TicketField]:
    """Return the fields of tickets."""
    return await everything(f"{V2}/ticket_fields", TicketField)


async def statuses() -> list[Status]:
    """Return the statuses of the account, custom ones too."""
    return [status for field in await cached("fields", ticket_fields) for status in field.statuses]


async def status_number(wanted: str) -> int:
    """Return a status by its name; raises what `choose` does for an unknown one."""
    plain = {name: number for number, name in STATUSES.items()} | {"solved": 4, "resolu": 4, "ferme": 5, "ouvert": 2}
    if (text := folded(wanted)) in plain:
        return plain[text]
    return int((await chosen(wanted, "statuses", statuses, kind="status")).id)


async def status_names(rows: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return the names of the statuses that these tickets have."""
    if all(one.get("status") in STATUSES for one in rows):
        return STATUSES
    return {int(one.id): one.name for one in await cached("statuses", statuses)} | STATUSES


async def field_values(wanted: dict[str, str] | None) -> dict[str, Any]:
    """Return fields of a ticket as Freshdesk takes them, out of labels and what people write.

    Raises errors.NotFoundError with the labels or choices that there are, errors.InvalidInputError for a wrong value.
    """
    result: dict[str, Any] = {}
    for label, text in (wanted or {}).items():
        field = await chosen(label, "fields", ticket_fields, name=lambda one: one.label, kind="ticket field")
        value = _value(field, text)
        if field.type == "default_ticket_type":
            result["type"] = value
        elif field.type.startswith("default_"):
            raise errors.InvalidInputError(
                f"The field {errors.excerpt(field.label, 60)} has an argument of its own.", "Pass it there."
            )
        else:
            result.setdefault("custom_fields", {})[field.name] = value
    return result


def _value(field: TicketField, text: str) -> Any:
    if field.type == "custom_checkbox":
        return folded(text) in ("true", "yes", "oui", "1", "on", "vrai")
    if field.type == "custom_number":
        return int(read_money(text).amount)
    if field.type == "custom_decimal":
        return float(read_money(text).amount)
    if field.choices:
        return choose(text, field.choices, id=str, name=str, kind=f"choice of {errors.excerpt(field.label, 40)}")
    return text


async def labelled(values: Any) -> dict[str, str] | None:
    """Return the custom fields of a ticket by their labels, without the empty ones."""
    filled = {k: v for k, v in values.items() if v not in (None, "", [], False)} if isinstance(values, dict) else {}
    if not filled:
        return None
    labels = {one.name: one.label for one in await cached("fields", ticket_fields)}
    return {labels.get(key, key): str(value) for key, value in filled.items()}


async def canned_responses() -> list[Named]:
    """Return the canned responses of all folders."""
    folders = await api.rows(f"{V2}/canned_response_folders", params={"per_page": 100})
    shown = {str(one["id"]): str(one.get("name") or "") for one in folders if one.get("id")}

    named: list[Named] = []
    for folder, name in shown.items():
        answer = await api.get(f"{V2}/canned_response_folders/{folder}")
        rows = api.rows_in(answer, "canned_responses", missing=True)
        named += readable(Named, [{**one, "folder": name} for one in rows])
    return named


# -- people -----------------------------------------------------------------------------------------------------------


def region() -> str:
    """Return the country of phone numbers without a calling code."""
    return connection_of(integration).fleet.country


async def contacts_by_phone(text: str) -> list[Contact]:
    """Return the people with a phone number, however it is written there; raises PhoneError."""
    phone = Phone.read(text)
    number = phone.e164(region())
    for field in ("mobile", "phone"):
        rows = readable(Contact, await lists.rows(f"{V2}/contacts", params={field: number}))
        if rows:
            return rows
    terms: list[str] = []
    for spelling in phone.spellings(region()):
        more = [f"{field}:'{spelling}'" for field in ("phone", "mobile")]
        if len(" OR ".join([*terms, *more])) <= LONGEST_QUERY - 2:
            terms += more
    answer = await api.get(f"{V2}/search/contacts", params={"query": f'"{" OR ".join(terms)}"'})
    match = readable(Contact, api.rows_in(answer, "results", missing=True))
    return [one for one in match if any(phone.matches(written, region()) for written in (one.phone, one.mobile))]


async def contacts_by_email(text: str) -> list[Contact]:
    """Return the people with an e-mail address; raises AddressError."""
    address = Address.read(text).address
    return readable(Contact, await lists.rows(f"{V2}/contacts", params={"email": address}))


async def contacts_named(text: str) -> list[Teammate]:
    """Return the people whose name has a word that begins so."""
    rows = await api.rows(f"{V2}/contacts/autocomplete", params={"term": text})
    return readable(Teammate, rows)


async def contact(number: str) -> Contact:
    """Return a person by number."""
    return Contact.model_validate(await api.get(f"{V2}/contacts/{number}"))


async def person(wanted: str) -> Contact | None:
    """Return whom a reference, e-mail address, phone number or name means; None for an unknown address or number.

    Raises errors.InvalidInputError where several people fit, errors.NotFoundError for an unknown name.
    """
    text = wanted.strip()
    if match := re.fullmatch(r"contact:\s*(\d{1,18})", text, re.ASCII):
        return await contact(match[1])
    if "@" in text:
        return _only(await contacts_by_email(text), text)
    if looks_like_phone(text):
        return _only(await contacts_by_phone(text), text)
    one = choose(text, await contacts_named(text), kind="person", listed_by="freshdesk_search_contacts")
    return await contact(one.id)


def _only(people: Sequence[Contact], text: str) -> Contact | None:
    if len(people) > 1:
        raise errors.InvalidInputError(
            f"Several people have {errors.excerpt(text, 60)}: "
            f"{listed(f'{one.name} ({one.contact})' for one in people)}.",
            "Pass the one that is meant, such as contact:35436.",
        )
    return people[0] if people else None


async def known_person(wanted: str) -> Contact:
    """Return a person who is in Freshdesk; raises errors.NotFoundError for a stranger."""
    if match := await person(wanted):
        return match
    raise errors.NotFoundError(
        f"Nobody in Freshdesk has {errors.excerpt(wanted, 60)}.",
        "Search with freshdesk_search_contacts, or create them.",
    )


def plain_number(someone: Contact) -> int:
    """Return the number of a person as Freshdesk takes it."""
    return int(someone.contact.removeprefix("contact:"))


async def company_id(wanted: str | None) -> int | None:
    """Return the number of a company by its name or number; raises what `choose` does."""
    if wanted is None:
        return None
    if wanted.strip().isdecimal():
        return int(wanted)
    rows = await api.rows(f"{V2}/companies/autocomplete", "companies", params={"name": wanted}, missing=True)
    return int(choose(wanted, readable(Teammate, rows), kind="company", listed_by="freshdesk_search_companies").id)

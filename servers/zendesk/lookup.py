"""Things by the names that people give them: agents, groups, macros, views, fields, people; read once in a process."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from flotilla import Address, Model, Phone, choose, connection_of, errors, readable
from flotilla.parsing import folded, listed, looks_like_phone, read_money, zone_or

from .client import ByZendeskCursor, api, integration, numbered
from .models import User

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
PAGES = 10  # of a hundred, among which a name is looked for
STATUSES = ("new", "open", "pending", "hold", "solved")

TicketNumber = Annotated[str, Field(description="Number of the ticket, such as 35.", examples=["35"])]
AssignTo = Annotated[str | None, Field(description="Agent or group by name, or me.", examples=["Marie Curie"])]
Person = Annotated[
    str,
    Field(
        description="E-mail address, phone number, or user:35436 from zendesk_search_users.",
        examples=["jean.dupont@exemple.fr"],
    ),
]
StatusName = Annotated[
    str | None, Field(description="new, open, pending, hold, solved, or a custom status by its name.")
]
FieldValues = Annotated[
    dict[str, str] | None,
    Field(description="Further ticket fields by label, choices by name."),
]


class Me(Model):
    """The agent who is connected."""

    id: str
    name: str = ""
    zone: str | None = Field(None, alias="iana_time_zone")


class Teammate(Model):
    """Who a ticket can be assigned to: `id` says which, agent:7 or group:9."""

    id: str
    name: str
    email: str | None = None
    role: str | None = None
    description: str | None = None


class Named(Model):
    """A macro or view with its number."""

    id: str
    title: str


class CustomStatus(Model):
    """https://developer.zendesk.com/api-reference/ticketing/tickets/custom_ticket_statuses/#json-format"""

    id: str
    name: str = Field(alias="agent_label")
    active: bool = True


class TicketField(Model):
    """https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/#json-format"""

    id: str
    title: str
    type: str
    active: bool = True
    required: bool = False
    options: list[dict[str, Any]] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "options" in raw:
            return raw
        options = [one for one in raw.get("custom_field_options") or [] if isinstance(one, dict) and one.get("value")]
        return {**raw, "options": options}


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


async def everything(path: str, at: str, item: type[M], params: dict[str, Any] | None = None) -> list[M]:
    """Return a whole list, up to a thousand."""
    items: list[M] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await api.page(path, item, params=params, limit=100, cursor=cursor, paging=ByZendeskCursor(at))
        items, cursor = items + page.items, page.next_cursor
        if not cursor:
            break
    return items


async def me() -> Me:
    """Return the connected agent; raises errors.AuthenticationError where Zendesk answers as to nobody."""

    async def fetch() -> Me:
        raw = (await api.get("/api/v2/users/me"))["user"]
        if not raw.get("id"):  # Zendesk answers anonymously in place of a 401
            raise errors.AuthenticationError("Zendesk does not know who is connected.", "Ask the user to connect anew.")
        return Me.model_validate(raw)

    return await cached("me", fetch)


async def account_zone() -> ZoneInfo:
    """Return the time zone of the connected agent, in which times are read and shown."""
    return zone_or((await me()).zone, api.zone)


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
            f"`{errors.excerpt(ticket, 60)}` is not the number of a ticket.", "Write it like 35; searches return it."
        )
    return match[1]


# -- who works on tickets ---------------------------------------------------------------------------------------------


async def agents() -> list[Teammate]:
    """Return the agents and admins of the account."""
    params = {"role[]": ["agent", "admin"]}
    rows = await everything("/api/v2/users", "users", Teammate, params)
    return [one.model_copy(update={"id": f"agent:{one.id}"}) for one in rows]


async def groups() -> list[Teammate]:
    """Return the groups that tickets can be assigned to."""
    rows = await everything("/api/v2/groups/assignable", "groups", Teammate)
    return [one.model_copy(update={"id": f"group:{one.id}"}) for one in rows]


async def _team() -> list[Teammate]:
    return [*await cached("agents", agents, renew=True), *await cached("groups", groups, renew=True)]


async def teammate(wanted: str) -> Teammate:
    """Return the agent or group that is meant; raises what `choose` does."""
    text = wanted.strip()
    if folded(text) in ("me", "moi"):
        mine = await me()
        return Teammate(id=f"agent:{mine.id}", name=mine.name)
    if "@" in text:
        key, name = Address.read(text).key, lambda one: (one.email or "").casefold()
        return await chosen(key, "team", _team, name=name, kind="agent")
    return await chosen(text, "team", _team, kind="agent or group", parts=True)


async def assignment(wanted: str | None) -> dict[str, int]:
    """Return the fields of a ticket that assign it; none without a name."""
    if wanted is None:
        return {}
    kind, _, number = (await teammate(wanted)).id.partition(":")
    return {"assignee_id" if kind == "agent" else "group_id": int(number)}


def known_names() -> dict[str, str]:
    """Return the names of agents and groups that are known already, by number."""
    team: list[Teammate] = api.connection.metadata.get("team", [])
    return {one.id.partition(":")[2]: one.name for one in team}


# -- what a ticket holds ----------------------------------------------------------------------------------------------


async def status_of(wanted: str | None) -> dict[str, Any]:
    """Return the fields of a ticket that set its status; raises what `choose` does for an unknown one."""
    if wanted is None:
        return {}
    if (plain := folded(wanted)) in STATUSES:
        return {"status": plain}
    path, params = "/api/v2/custom_statuses", {"active": "true"}

    async def fetch() -> list[CustomStatus]:
        return readable(CustomStatus, await api.rows(path, "custom_statuses", missing=True, params=params))

    return {"custom_status_id": int((await chosen(wanted, "statuses", fetch, kind="status")).id)}


async def ticket_fields(renew: bool = False) -> list[TicketField]:
    """Return the fields of tickets that are in use."""
    rows = await cached("fields", _fields, renew)
    return [one for one in rows if one.active]


async def _fields() -> list[TicketField]:
    return await everything("/api/v2/ticket_fields", "ticket_fields", TicketField)


async def field_values(wanted: dict[str, str] | None) -> list[dict[str, Any]]:
    """Return custom fields as Zendesk takes them, out of labels and what people write.

    Raises errors.NotFoundError with the labels or choices that there are, errors.InvalidInputError for a wrong value.
    """
    result = []
    for label, text in (wanted or {}).items():
        field = await chosen(label, "fields", _fields, name=lambda one: one.title, kind="ticket field")
        result.append({"id": int(field.id), "value": _value(field, text)})
    return result


def _value(field: TicketField, text: str) -> Any:
    if field.type == "checkbox":
        return folded(text) in ("true", "yes", "oui", "1", "on", "vrai")
    if field.type in ("integer", "decimal"):
        return f"{read_money(text).amount:f}"
    if field.type == "multiselect":
        return [_option(field, part) for part in text.split(",") if part.strip()]
    return _option(field, text) if field.type == "tagger" else text


def _option(field: TicketField, text: str) -> str:
    values = {str(one["value"]) for one in field.options}
    if text.strip() in values:
        return text.strip()
    option = choose(
        text,
        field.options,
        id=lambda one: str(one["value"]),
        name=lambda one: str(one.get("name") or "").replace("::", "/"),
        kind=f"choice of {errors.excerpt(field.title, 40)}",
    )
    return str(option["value"])


async def labelled(rows: Any) -> dict[str, str] | None:
    """Return the custom fields of a ticket by their labels, without the empty ones."""
    values = {str(one.get("id")): one.get("value") for one in rows or [] if isinstance(one, dict)}
    filled = {key: value for key, value in values.items() if value not in (None, "", [], False)}
    if not filled:
        return None
    known = {one.id: one for one in await ticket_fields()}
    result = {}
    for key, value in filled.items():
        if field := known.get(key):
            names = {str(one["value"]): str(one.get("name") or one["value"]) for one in field.options}
            parts = value if isinstance(value, list) else [value]
            result[field.title] = ", ".join(names.get(str(part), str(part)) for part in parts)
    return result or None


async def named(wanted: str, kind: str) -> Named:
    """Return the macro or view that is meant by its name or number; raises what `choose` does."""

    async def fetch() -> list[Named]:
        return await everything(f"/api/v2/{kind}s/active", f"{kind}s", Named)

    return await chosen(
        wanted,
        f"{kind}s",
        fetch,
        name=lambda one: one.title.replace("::", "/"),
        kind=kind,
        listed_by=f"zendesk_list_{kind}s",
    )


# -- people -----------------------------------------------------------------------------------------------------------


def region() -> str:
    """Return the country of phone numbers without a calling code."""
    return connection_of(integration).fleet.country


def names_in(answer: dict[str, Any], at: str) -> dict[str, str]:
    """Return names by number out of records that came beside the answer."""
    rows = answer.get(at)
    known = [one for one in rows if isinstance(one, dict) and one.get("id")] if isinstance(rows, list) else []
    return {str(one["id"]): str(one.get("name") or "") for one in known}


async def users_like(query: str, limit: int = 100, cursor: str | None = None) -> tuple[list[User], str | None]:
    """Return one page of the people whom a query finds, with the names of their organizations."""
    style = numbered("users")
    params = {"query": query, "include": "organizations", **style.query(limit, cursor)}
    answer = await api.get("/api/v2/users/search", params=params)
    rows, (_, following) = api.rows_in(answer, "users"), style.read(answer, {}, limit, cursor)
    names = names_in(answer, "organizations")
    return readable(
        User, [{**one, "organization": names.get(str(one.get("organization_id")))} for one in rows]
    ), following


async def users_by_phone(text: str) -> list[User]:
    """Return the people with a phone number, however it is written there; raises PhoneError."""
    phone = Phone.read(text)
    number = phone.e164(region())
    spellings = phone.spellings(region())
    queries = [" ".join(f'phone:"{one}"' for one in spellings), number, spellings[3] if len(spellings) > 3 else text]
    for query in queries:
        users, _ = await users_like(query)
        if same := [one for one in users if phone.matches(one.phone, region())]:
            return same
    return []


async def users_by_email(text: str) -> list[User]:
    """Return the people with an e-mail address, which may be a second one of theirs; raises AddressError."""
    address = Address.read(text)
    users, _ = await users_like(f'email:"{address.address}"')
    return [one for one in users if (one.email or "").casefold() == address.key] or users[:5]


async def person(wanted: str) -> User | None:
    """Return whom a reference, e-mail address, phone number or name means; None for an unknown address or number.

    Raises errors.InvalidInputError where several people fit, errors.NotFoundError for an unknown name.
    """
    text = wanted.strip()
    if match := re.fullmatch(r"user:\s*(\d{1,18})", text, re.ASCII):
        return User.model_validate((await api.get(f"/api/v2/users/{match[1]}"))["user"])
    if "@" in text:
        return _only(await users_by_email(text), text)
    if looks_like_phone(text):
        return _only(await users_by_phone(text), text)
    users, _ = await users_like(text)
    return choose(
        text,
        users,
        id=lambda one: one.user,
        name=lambda one: one.name or "",
        kind="person",
        listed_by="zendesk_search_users",
    )


def _only(users: Sequence[User], text: str) -> User | None:
    if len(users) > 1:
        raise errors.InvalidInputError(
            f"Several people have {errors.excerpt(text, 60)}: {listed(f'{one.name} ({one.user})' for one in users)}.",
            "Pass the one that is meant, such as user:35436.",
        )
    return users[0] if users else None


async def known_person(wanted: str) -> User:
    """Return a person who is in Zendesk; raises errors.NotFoundError for a stranger."""
    if user := await person(wanted):
        return user
    raise errors.NotFoundError(
        f"Nobody in Zendesk has {errors.excerpt(wanted, 60)}.", "Search with zendesk_search_users, or create them."
    )


def plain_number(user: User) -> int:
    """Return the number of a person as Zendesk takes it."""
    return int(user.user.removeprefix("user:"))


async def organization_id(wanted: str | None) -> int | None:
    """Return the number of an organization by its name or number; raises what `choose` does."""
    if wanted is None:
        return None
    if wanted.strip().isdecimal():
        return int(wanted)
    rows = await api.rows("/api/v2/organizations/autocomplete", "organizations", params={"name": wanted})
    return int(choose(wanted, readable(Teammate, rows), kind="organization").id)

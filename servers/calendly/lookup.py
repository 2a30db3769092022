"""Things by the names that people give them, and times in the zone that the account has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Address, Page, Timed, When, choose, errors, readable
from flotilla.parsing import zone_or

from .client import HOME, api, id_of
from .models import EventType, EventTypeDetails, Member, User

PAGES = 10  # of a hundred event types, among which a name is looked for
ID = re.compile(r"[A-Z0-9]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
T = TypeVar("T", bound=Timed)

EventId = Annotated[
    str, Field(description="Id or uri of the meeting, from calendly_list_events.", examples=["GBGBDCAADAEDCRZ2"])
]
EventTypeRef = Annotated[
    str,
    Field(
        description="Name, id or uri of the event type, from calendly_list_event_types.",
        examples=["AAAAAAAAAAAAAAAA"],
    ),
]
Whose = Annotated[
    str,
    Field(
        description="me, organization for everyone's (admins only), or the e-mail address of one member.",
        examples=["me"],
    ),
]
Whom = Annotated[str, Field(description="me, or the e-mail address of another member.", examples=["me"])]


async def account() -> User:
    """Return the connected user, who is asked for once in a process: every list wants the uri."""
    metadata = api.connection.metadata
    if "user" not in metadata:
        metadata["user"] = User.model_validate((await api.get("/users/me"))["resource"])
    user: User = metadata["user"]
    return user


async def account_zone() -> ZoneInfo:
    """Return the time zone of the connected user, in which times are read and shown."""
    return zone_or((await account()).timezone, api.zone)


def soon() -> datetime:
    """Return the first whole minute that the API takes as future."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)


def days_of(start: When | None, days: int, most: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and end of so many days, in UTC; a start that is past, or none, is now.

    At most `most` times 24 hours come back. Raises errors.InvalidInputError where all of it is past.
    """
    begin = start.at(zone).astimezone(zone) if start else soon().astimezone(zone)
    first, last = begin.astimezone(UTC), (begin + timedelta(days=days)).astimezone(UTC)
    if last <= soon():
        raise errors.InvalidInputError("These days are in the past.", "Pass a start of today or later.")
    first = max(first, soon())
    return first, min(last, first + timedelta(days=most))


async def owner(whose: str) -> dict[str, str]:
    """Return the parameters that say whose list is wanted: the API has no default."""
    user = await account()
    if whose == "organization":
        return {"organization": user.current_organization}
    if (uri := await user_uri(whose)) == user.uri:
        return {"user": uri}
    return {"organization": user.current_organization, "user": uri}  # of others, only with both


async def user_uri(whom: str) -> str:
    """Return the uri of a user: "me", or a member by e-mail address; raises errors.NotFoundError for a stranger."""
    user = await account()
    if whom == "me":
        return user.uri
    if "@" not in whom:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(whom, 60)}` is not me, organization or the e-mail address of a member.", "Pass one."
        )
    wanted = Address.read(whom)
    if wanted.key == user.email.casefold():
        return user.uri
    params = {"organization": user.current_organization, "email": wanted.key, "count": 100}
    rows = readable(Member, await api.rows("/organization_memberships", "collection", params=params))
    for member in rows:
        if member.email.casefold() == wanted.key:
            return member.uri
    raise errors.NotFoundError(
        f"Nobody in the organization has the address {wanted.address}.", "Ask the user for the member's address."
    )


async def event_type_uri(event_type: str) -> str:
    """Return the uri of an event type by its uri, id or name; raises what `choose` does."""
    if "://" in event_type or ID.fullmatch(event_type.strip()):
        return f"{HOME}/event_types/{id_of(event_type.strip())}"
    return choose(
        event_type,
        await _event_types(),
        id=lambda one: one.uri,
        name=lambda one: one.name or "",
        kind="event type",
        listed_by="calendly_list_event_types",
    ).uri


async def _event_types() -> list[EventType]:
    """Return the event types of the connected user, those that are shared with the team included."""
    params, cursor = {"user": (await account()).uri}, None
    items: list[EventType] = []
    for _ in range(PAGES):
        page = await api.page("/event_types", EventType, params=params, limit=100, cursor=cursor)
        items, cursor = items + page.items, page.next_cursor
        if not cursor:
            break
    return items


async def event_type_details(event_type: str) -> EventTypeDetails:
    """Return an event type by its uri, id or name, with its questions and places."""
    uri = await event_type_uri(event_type)
    return EventTypeDetails.model_validate((await api.get(f"/event_types/{id_of(uri)}"))["resource"])


def within(page: Page[T], zone: ZoneInfo) -> Page[T]:
    """Return a page with its times in a zone."""
    return page.model_copy(update={"items": all_within(page.items, zone)})


def all_within(items: Sequence[T], zone: ZoneInfo) -> list[T]:
    """Return items with their times in a zone."""
    return [item.within(zone) for item in items]

"""Things by the names that people give them, and times in the zone that the account has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Page, Phone, Timed, When, choose, errors, fetch_each, readable, segment
from flotilla.parsing import folded, zone_or

from .client import api, booking_path
from .models import Booking, EventTypeDetails, Team, User

T = TypeVar("T", bound=Timed)

BookingRef = Annotated[
    str, Field(description="Uid of the booking, from calcom_list_bookings.", examples=["a1B2c3D4e5F6g7H8"])
]
EventTypeRef = Annotated[
    str, Field(description="Name or id of the event type, from calcom_list_event_types.", examples=["Premier échange"])
]
Minutes = Annotated[int | None, Field(ge=1, le=1440, description="Length in minutes, where it can be chosen.")]


async def account() -> User:
    """Return the connected user, who is asked for once in a process."""
    metadata = api.connection.metadata
    if "user" not in metadata:
        metadata["user"] = User.model_validate(await api.data("GET", "/v2/me"))
    user: User = metadata["user"]
    return user


async def account_zone() -> ZoneInfo:
    """Return the time zone of the connected user, in which times are read and shown."""
    return zone_or((await account()).timezone, api.zone)


def region() -> str:
    """Return the country of phone numbers that have no calling code: FLOTILLA_COUNTRY."""
    return str(api.connection.fleet.country)


def days_of(start: When | None, days: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and the end of so many days, in UTC; a start that is past, or none, is now.

    Raises errors.InvalidInputError where all of it is past.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    begin = start.at(zone).astimezone(zone) if start else now.astimezone(zone)
    first, last = begin.astimezone(UTC), (begin + timedelta(days=days)).astimezone(UTC)
    if last <= now:
        raise errors.InvalidInputError("These days are in the past.", "Pass a start of today or later.")
    return max(first, now), last


async def own_event_types() -> list[EventTypeDetails]:
    """Return the event types of the connected user, hidden ones included. Cal.com sends them all at once."""
    return readable(EventTypeDetails, await api.rows("/v2/event-types", "data"))


async def teams() -> list[Team]:
    """Return the teams of the connected user."""
    return readable(Team, await api.rows("/v2/teams", "data"))


async def team_event_types(team: Team) -> list[EventTypeDetails]:
    """Return the event types of a team, each with the name of the team."""
    rows = await api.rows(f"/v2/teams/{segment(team.id)}/event-types", "data")
    return [one.model_copy(update={"team": team.name}) for one in readable(EventTypeDetails, rows)]


async def team_of(wanted: str) -> Team:
    """Return a team by its name, slug or id; raises what `choose` does."""
    known = await teams()
    by_slug = [one for one in known if one.slug and one.slug == wanted.strip()]
    return by_slug[0] if len(by_slug) == 1 else choose(wanted, known, kind="team", listed_by="calcom_list_teams")


async def event_type_of(wanted: str) -> EventTypeDetails:
    """Return an event type by its name or id: of the user, else of one of the teams; raises what `choose` does."""
    own = await own_event_types()
    if not any(wanted.strip() == one.id or folded(wanted) == folded(one.name) for one in own):
        own += await _of_all_teams()
    return choose(wanted, own, kind="event type", listed_by="calcom_list_event_types")


async def known_event_type(key: str) -> EventTypeDetails | None:
    """Return an event type by its id; None for one of somebody else, or one that is gone."""
    own = [one for one in await own_event_types() if one.id == key]
    return next(iter(own or [one for one in await _of_all_teams() if one.id == key]), None)


async def _of_all_teams() -> list[EventTypeDetails]:
    known = {team.id: team for team in await teams()}
    lists = await fetch_each(list(known), lambda team: team_event_types(known[team]), at_once=4)
    return [one for some in lists for one in some]


async def booking_of(uid: str) -> Booking:
    """Return a booking by its uid, with its times in the account's zone.

    Raises errors.InvalidInputError for the uid of a series, with those of its bookings.
    """
    result = await api.data("GET", booking_path(uid))
    if isinstance(result, list):
        each = ", ".join(f"{one.uid} ({one.start_time:%Y-%m-%d})" for one in readable(Booking, result)[:20])
        raise errors.InvalidInputError("This uid means a series of bookings.", f"Pass the uid of one of them: {each}.")
    return Booking.model_validate(result).within(await account_zone())


def written_by(attendees: Iterable[str | None], wanted: Phone) -> bool:
    """Tell whether one of the attendees' phone numbers is the wanted one, however it is written."""
    return any(wanted.matches(number, region()) for number in attendees if number)


def within(page: Page[T], zone: ZoneInfo) -> Page[T]:
    """Return a page with its times in a zone."""
    return page.model_copy(update={"items": all_within(page.items, zone)})


def all_within(items: Sequence[T], zone: ZoneInfo) -> list[T]:
    """Return items with their times in a zone."""
    return [item.within(zone) for item in items]

"""The connected user, the members of the organization and when they work.

https://developer.calendly.com/api-docs/calendly-api/availability
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Toolset, When, readable, sliced
from flotilla.parsing import to_utc

from ..client import api
from ..lookup import Whom, account, account_zone, all_within, days_of, user_uri
from ..models import BusyTime, Member, Schedule, User

tools = Toolset("account")
AVAILABILITY = ["users:read availability:read", "users:read availability:write"]


@tools.reads(scopes=["users:read"], search="moi mon compte utilisateur connecté fuseau horaire lien de réservation")
async def get_current_user() -> User:
    """Get the connected Calendly user: name, e-mail address, time zone and public booking page.

    Use it to learn in which time zone the user works, or to share the booking page.
    """
    return User.model_validate((await api.get("/users/me"))["resource"])


@tools.reads(core=False, scopes=["users:read organizations:read"], search="membres équipe collègues organisation team")
async def list_members(
    email: Annotated[Address | None, Field(description="Only the member with this address.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Member]:
    """List the members of the organization, each with the e-mail address that other tools take.

    Use it to learn whose event types, meetings or busy times can be looked up. Calendly shows them to admins only.
    """
    params = {"organization": (await account()).current_organization, "email": email.address if email else None}
    return await api.page("/organization_memberships", Member, params=params, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    scopes=AVAILABILITY,
    search="occupé occupée indisponible agenda busy conflits",
    examples=["Quand suis-je occupé demain ?", "When is Marie busy this week?"],
)
async def list_busy_times(
    start: Annotated[
        When | None, Field(description="First time or day to look at, in the future; now without it.")
    ] = None,
    days: Annotated[int, Field(ge=1, le=7, description="Number of days to look at.")] = 1,
    whose: Whom = "me",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BusyTime]:
    """List when somebody is busy, by Calendly meetings and by events of the calendars that are checked for conflicts.

    External events come without a title. For times that can be booked, use calendly_list_available_times; for the
    hours in which somebody works, use calendly_list_availability_schedules.
    """
    zone = await account_zone()
    begin, end = days_of(start, days, 7, zone)
    params = {"user": await user_uri(whose), "start_time": to_utc(begin), "end_time": to_utc(end)}
    rows = await api.rows("/user_busy_times", "collection", params=params)
    return sliced(all_within(readable(BusyTime, rows), zone), limit, cursor)


@tools.reads(core=False, scopes=AVAILABILITY, search="horaires de travail disponibilités plages semaine working hours")
async def list_availability_schedules(whose: Whom = "me", limit: Limit = 20, cursor: Cursor = None) -> Page[Schedule]:
    """List the availability schedules of somebody: the hours of each weekday or date in which meetings can be booked.

    They are hours of work, not free times: for these, use calendly_list_available_times. No tool changes a schedule.
    """
    rows = await api.rows("/user_availability_schedules", "collection", params={"user": await user_uri(whose)})
    return sliced(readable(Schedule, rows), limit, cursor)

"""The connected user, teams, and when the user is busy. https://cal.com/docs/api-reference/v2/me"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from flotilla import ByNumber, Cursor, Limit, Page, Toolset, When, readable, sliced

from ..client import api
from ..lookup import account_zone, all_within, days_of, team_of, teams
from ..models import BusyTime, Member, Team, User

tools = Toolset("account")


@tools.reads(scopes=["PROFILE_READ"], search="moi mon compte utilisateur connecté fuseau horaire profil")
async def get_current_user() -> User:
    """Get the connected Cal.com user: name, username, e-mail address and time zone.

    Use it to learn in which time zone the user works. The booking page of each event type stands in
    calcom_list_event_types.
    """
    return User.model_validate(await api.data("GET", "/v2/me"))


@tools.reads(
    core=False,
    scopes=["PROFILE_READ APPS_READ"],
    search="occupé occupée indisponible agenda busy conflits calendrier",
    examples=["Quand suis-je occupé demain ?", "When am I busy this week?"],
)
async def list_busy_times(
    start: Annotated[When | None, Field(description="First day or time to look at; now without it.")] = None,
    days: Annotated[int, Field(ge=1, le=31, description="Number of days to look at.")] = 1,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BusyTime]:
    """List when the user is busy, by the calendars that Cal.com checks for conflicts. They come without a title.

    For times that can be booked, use calcom_list_available_times; for the hours in which the user works, use
    calcom_list_availability_schedules.
    """
    zone = await account_zone()
    begin, end = days_of(start, days, zone)
    calendars = await _checked_calendars()
    if not calendars:
        return Page(items=[])
    # The names of these parameters hold brackets, which must stay as they are.
    query = "&".join(
        f"calendarsToLoad[{number}][{name}]={urlencode({'': value})[1:]}"
        for number, one in enumerate(calendars)
        for name, value in (("credentialId", one["credentialId"]), ("externalId", one["externalId"]))
    )
    dates = {
        "timeZone": zone.key,
        "dateFrom": begin.astimezone(zone).date().isoformat(),
        "dateTo": end.astimezone(zone).date().isoformat(),
    }
    rows = await api.rows(f"/v2/calendars/busy-times?{urlencode(dates)}&{query}", "data")
    busy = [one for one in readable(BusyTime, rows) if one.start_time < end and one.end_time > begin]
    return sliced(all_within(sorted(busy, key=lambda one: one.start_time), zone), limit, cursor)


async def _checked_calendars() -> list[dict[str, Any]]:
    """Return the calendars that are looked at for conflicts, at most 50."""
    connected = await api.rows("/v2/calendars", "data.connectedCalendars", missing=True)
    calendars = [
        one
        for some in connected
        for one in some.get("calendars") or []
        if isinstance(one, dict) and one.get("isSelected")
    ]
    return [one for one in calendars if one.get("credentialId") is not None and one.get("externalId")][:50]


@tools.reads(core=False, scopes=["PROFILE_READ TEAM_PROFILE_READ"], search="équipes équipe organisation team groupe")
async def list_teams(limit: Limit = 20, cursor: Cursor = None) -> Page[Team]:
    """List the teams that the user belongs to, each with the name that calcom_list_event_types takes.

    Use it to learn of which team event types or bookings can be looked up. For the people of one, use
    calcom_list_members.
    """
    return sliced(await teams(), limit, cursor)


@tools.reads(
    core=False,
    scopes=["PROFILE_READ TEAM_PROFILE_READ TEAM_MEMBERSHIP_READ"],
    search="membres équipe collègues qui fait partie team people",
)
async def list_members(
    team: Annotated[str, Field(description="Name of the team, from calcom_list_teams.", examples=["Commerciaux"])],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Member]:
    """List the members of a team with their e-mail address and role. Cal.com shows them to admins of the team.

    Take the name from calcom_list_teams. To see the meetings of the team, use calcom_list_bookings with its name.
    """
    own = await team_of(team)
    style = ByNumber("data", page="skip", limit="take", offset=True, first=0)
    return await api.page(f"/v2/teams/{own.id}/memberships", Member, limit=limit, cursor=cursor, paging=style)

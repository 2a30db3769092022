"""The account's calendars. https://developers.google.com/workspace/calendar/api/v3/reference/calendarList"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, segment
from flotilla_servers._google import scope

from ..client import api
from ..models import Calendar, CalendarInfo

tools = Toolset("calendars")

CalendarId = Annotated[str, Field(description="Id of the calendar, from gcal_list_calendars; primary is the own one.")]


@tools.reads(
    scopes=[scope(s) for s in ("calendar.calendarlist.readonly", "calendar.readonly", "calendar")],
    search="mes agendas calendriers partagés",
)
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars that the account sees: its own, which is also called primary, shared ones, holidays.

    Returns ids for the `calendar` argument of gcal_list_events, gcal_search_events and gcal_create_event, with each
    calendar's time zone and what the account may do in it.
    """
    return await api.page("/users/me/calendarList", Calendar, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    scopes=[scope(s) for s in ("calendar.calendars.readonly", "calendar.readonly", "calendar")],
    search="fuseau horaire de l'agenda",
)
async def get_calendar(calendar: CalendarId = "primary") -> CalendarInfo:
    """Get the name, place and time zone of one calendar. Without an argument, it is the account's own.

    The time zone is that in which the other tools read times without an offset. gcal_list_calendars lists all
    calendars.
    """
    return CalendarInfo.model_validate(await api.get(f"/calendars/{segment(calendar)}"))

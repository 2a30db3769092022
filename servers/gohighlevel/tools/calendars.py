"""Calendars, free times and appointments: https://marketplace.gohighlevel.com/docs/ghl/calendars/calendars"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from flotilla import Cursor, Limit, Page, TimeZone, Toolset, When, choose, confirm, readable, segment, sliced
from flotilla.parsing import folded, shown, start_of_day, to_milliseconds, zone

from ..client import API_OF_2021_04, ContactId, account_zone, api, location
from ..models import Appointment, Calendar, Slot

tools = Toolset("calendars")

ID = re.compile("[A-Za-z0-9]{20}")
CalendarRef = Annotated[
    str, Field(description="Name or id of the calendar, from ghl_list_calendars.", examples=["Démo"])
]


async def active_calendars() -> list[Calendar]:
    """Return the calendars that can be booked: drafts cannot."""
    params = {"locationId": await location()}
    rows = await api.rows("/calendars/", "calendars", params=params, headers=API_OF_2021_04)
    return readable(Calendar, [row for row in rows if row.get("isActive", True)])


async def calendar_id(calendar: str) -> str:
    """Return a calendar's id, looked up where it is a name; raises what `choose` does."""
    if ID.fullmatch(calendar):
        return calendar
    return choose(calendar, await active_calendars(), kind="calendar", listed_by="ghl_list_calendars").id


@tools.reads(scopes=["calendars.readonly"], search="calendriers agendas réservables")
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars that can be booked, each with its id and name.

    Use it to find the calendar that ghl_get_free_slots and ghl_book_appointment take.
    """
    return sliced(sorted(await active_calendars(), key=lambda one: folded(one.name)), limit, cursor)


@tools.reads(
    scopes=["calendars.readonly"], search="horaires place agenda créneaux libres disponible disponibilités when free"
)
async def get_free_slots(
    calendar: CalendarRef,
    start: Annotated[When, Field(description="First day to look at.", examples=["2030-06-03"])],
    days: Annotated[int, Field(ge=1, le=30, description="Number of days to look at.")] = 7,
    timezone: Annotated[
        TimeZone | None, Field(description="IANA time zone of the times in the result; the account's without it.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AwareDatetime]:
    """List the free times of a calendar over some days, with their offset. Nothing is reserved.

    Pass one of the times to ghl_book_appointment. To see which calendars there are, use ghl_list_calendars.
    """
    local = zone(timezone) if timezone else account_zone()
    day = start.day(local)
    first = start_of_day(day, local)
    last = to_milliseconds(start_of_day(day + timedelta(days=days), local)) - 1
    params = {"startDate": to_milliseconds(first), "endDate": last, "timezone": local.key}
    path = f"/calendars/{segment(await calendar_id(calendar))}/free-slots"
    return sliced(slots(await api.get(path, params=params, headers=API_OF_2021_04), local), limit, cursor)


def slots(answer: dict[str, Any], local: ZoneInfo) -> list[datetime]:
    """Return the times of an answer that is keyed by day, in order and in a zone; live answers have other keys too."""
    days = [day.get("slots") or [] for day in answer.values() if isinstance(day, dict)]
    times = [slot.time for slot in readable(Slot, [{"time": text} for day in days for text in day])]
    return sorted(t.astimezone(local) if t.tzinfo else t.replace(tzinfo=local) for t in times)


@tools.writes(creates=True, scopes=["calendars/events.write"], search="réserve rendez-vous meeting rdv créneau")
async def book_appointment(
    calendar: CalendarRef,
    contact_id: ContactId,
    start_time: Annotated[
        When,
        Field(description="Start, one of the times of ghl_get_free_slots.", examples=["2030-06-03T10:00:00+02:00"]),
    ],
    title: Annotated[str | None, Field(description="Title of the appointment; the calendar's without it.")] = None,
    notify: Annotated[bool, Field(description="False where nobody is to get a message about it.")] = True,
) -> Appointment:
    """Book an appointment for a contact at a free time of a calendar. GoHighLevel notifies the contact of it.

    A time without an offset is read in the account's time zone. A time that is not free is refused: choose one with
    ghl_get_free_slots. Find the contact with ghl_search_contacts, the calendar with ghl_list_calendars.
    """
    start = start_time.at(account_zone(), keep_offset=True)
    body = {
        "calendarId": await calendar_id(calendar),
        "locationId": await location(),
        "contactId": contact_id,
        "startTime": start.isoformat(),
        "title": title,
        "toNotify": None if notify else False,
    }
    answer = await api.post("/calendars/events/appointments", json=body, headers=API_OF_2021_04)
    return Appointment.model_validate(answer).within(start.tzinfo)


@tools.destroys(
    asks=True,
    core=False,
    idempotent=True,
    scopes=["calendars/events.readonly calendars/events.write"],
    search="annule rendez-vous rdv",
)
async def cancel_appointment(
    appointment_id: Annotated[
        str, Field(description="Id of the appointment, from ghl_book_appointment.", examples=["0TkCdp9PfvLeWKYRRvIz"])
    ],
) -> Appointment:
    """Cancel an appointment; it stays in the calendar as cancelled, and its time is free again.

    Only appointments that ghl_book_appointment made can be named: no tool lists the others.
    """
    path = f"/calendars/events/appointments/{segment(appointment_id)}"
    event = (await api.get(path, headers=API_OF_2021_04))["event"]
    start = Appointment.model_validate({"id": appointment_id, **event}).start_time
    time = shown(start, account_zone()) if start else "an unknown time"
    await confirm(f"Cancel the appointment «{event.get('title') or 'without a title'}» of {time}?")
    answer = await api.put(path, json={"appointmentStatus": "cancelled"}, headers=API_OF_2021_04)
    return Appointment.model_validate(answer).within(account_zone())

"""Calendars, free times and appointments: https://marketplace.gohighlevel.com/docs/ghl/calendars/calendars"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AwareDatetime, Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, segment, settings_of, sliced

from .client import OLDER, ContactId, api, chosen, folded, integration, location
from .models import Appointment, Calendar
from .times import slots, span, zone

tools = Toolset("calendars")

ID = re.compile("[A-Za-z0-9]{20}")
CalendarName = Annotated[str, Field(description="Name or id", examples=["Démo"])]


async def active() -> list[Calendar]:
    """Return the calendars that are no drafts."""
    rows = await api.rows("/calendars/", "calendars", params={"locationId": await location()}, headers=OLDER)
    return [Calendar.model_validate(row) for row in rows if row.get("isActive", True)]


async def id_of(calendar: str) -> str:
    """Return a calendar's id, looked up where it is a name. Raises errors.InvalidInputError that names them all."""
    return calendar if ID.fullmatch(calendar) else chosen(await active(), calendar, "calendar").id


@tools.reads(core=False, scopes=["calendars.readonly"])
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars (calendriers) that people can book."""
    return sliced(sorted(await active(), key=lambda one: folded(one.name)), limit, cursor)


@tools.reads(scopes=["calendars.readonly"])
async def get_free_slots(
    calendar: CalendarName,
    start: Annotated[dt.date, Field(description="First day", examples=["2030-06-03"])],
    days: Annotated[int, Field(ge=1, le=30, description="How many days")] = 7,
    timezone: Annotated[str | None, Field(description="IANA zone")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AwareDatetime]:
    """When is a calendar free (créneaux libres, disponible): times for ghl_book_appointment, in the caller's zone."""
    here = zone(timezone or settings_of(integration).timezone)
    first, last = span(start, days, here)  # 31 days, the API's most, would be too much where the clocks go back
    params = {"startDate": first, "endDate": last, "timezone": here.key}
    answer = await api.get(f"/calendars/{segment(await id_of(calendar))}/free-slots", params=params, headers=OLDER)
    return sliced(slots(answer, here), limit, cursor)


@tools.writes(creates=True, scopes=["calendars/events.write"])
async def book_appointment(
    calendar: CalendarName,
    contact_id: ContactId,
    start_time: Annotated[
        AwareDatetime, Field(description="From ghl_get_free_slots", examples=["2030-06-03T10:00:00+02:00"])
    ],
    title: Annotated[str | None, Field(description="Else the calendar's")] = None,
    notify: Annotated[bool, Field(description="false: no messages")] = True,
) -> Appointment:
    """Book an appointment (réserve, rendez-vous; meeting) for a contact at a free time."""
    body = {
        "calendarId": await id_of(calendar),
        "locationId": await location(),
        "contactId": contact_id,
        "startTime": start_time.isoformat(),
        "title": title,
        "toNotify": None if notify else False,
    }
    answer = await api.post("/calendars/events/appointments", json=body, headers=OLDER)
    return _beside(Appointment.model_validate(answer), start_time.tzinfo)


@tools.destroys(asks=True, core=False, idempotent=True, scopes=["calendars/events.readonly calendars/events.write"])
async def cancel_appointment(
    appointment_id: Annotated[str, Field(description="From ghl_book_appointment", examples=["0TkCdp9PfvLeWKYRRvIz"])],
) -> Appointment:
    """Cancel an appointment (annule, rendez-vous); it stays in the calendar as cancelled."""
    path, here = f"/calendars/events/appointments/{segment(appointment_id)}", zone(settings_of(integration).timezone)
    event = (await api.get(path, headers=OLDER))["event"]
    start = _beside(Appointment.model_validate({"id": appointment_id, **event}), here).start_time
    when = f"{start.day} {start:%B %Y, %H:%M} ({here.key})" if start else "no known time"
    await confirm(f"Cancel the appointment «{event.get('title')}» of {when}?")
    answer = await api.put(path, json={"appointmentStatus": "cancelled"}, headers=OLDER)
    return _beside(Appointment.model_validate(answer), here)


def _beside(appointment: Appointment, here: dt.tzinfo | None) -> Appointment:
    """Return it with its times in the zone of whoever asks."""
    times = {name: getattr(appointment, name) for name in ("start_time", "end_time")}
    return appointment.model_copy(update={name: time and time.astimezone(here) for name, time in times.items()})

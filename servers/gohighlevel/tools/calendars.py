"""Calendars, free times and appointments: https://marketplace.gohighlevel.com/docs/ghl/calendars/calendars"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from flotilla import (
    Cursor,
    Limit,
    Page,
    TimeZone,
    Toolset,
    When,
    choose,
    confirm,
    errors,
    readable,
    segment,
    sliced,
)
from flotilla.parsing import folded, listed, shown, start_of_day, to_milliseconds, zone

from ..client import API_OF_2021_04, ContactId, account_zone, api, location
from ..models import Appointment, Calendar, Slot

tools = Toolset("calendars")

ID = re.compile("[A-Za-z0-9]{20}")
NAIVE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")
CalendarRef = Annotated[
    str | None,
    Field(description="Name of the calendar; needed where there are several."),
]


async def active_calendars() -> list[Calendar]:
    """Return the calendars that can be booked: drafts cannot."""
    params = {"locationId": await location()}
    rows = await api.rows("/calendars/", "calendars", params=params, headers=API_OF_2021_04)
    return readable(Calendar, [row for row in rows if row.get("isActive", True)])


async def calendar_id(calendar: str | None) -> str:
    """Return a calendar's id, looked up where it is a name, or that of the only one; raises what `choose` does."""
    if calendar and ID.fullmatch(calendar):
        return calendar
    there = await active_calendars()
    if not calendar and len(there) != 1:
        raise errors.InvalidInputError("There are several calendars.", f"Pass one of: {listed(c.name for c in there)}.")
    return choose(calendar, there, kind="calendar").id if calendar else there[0].id


async def of_contact(contact_id: str) -> list[Appointment]:
    """Return the appointments of a contact, the latest first.

    https://marketplace.gohighlevel.com/docs/ghl/contacts/get-appointments-for-contact
    """
    rows = await api.rows(f"/contacts/{segment(contact_id)}/appointments", "events", missing=True)
    return _ordered(rows)[::-1]


def _ordered(rows: list[Any]) -> list[Appointment]:
    """Return appointments in order, with their times in the account's zone; those that are deleted are left out.

    A contact's appointments have times without an offset, "2021-07-16 11:00:00": they are read in that zone too.
    """
    local = account_zone()
    there = [row for row in rows if not (isinstance(row, dict) and row.get("deleted"))]
    items = readable(Appointment, [_with_offsets(row, local) for row in there])
    return sorted(
        (one.within(local) for one in items), key=lambda one: str(one.start_time and one.start_time.timestamp())
    )


def _with_offsets(row: Any, local: ZoneInfo) -> Any:
    if not isinstance(row, dict):
        return row
    texts = {key: row[key] for key in ("startTime", "endTime") if NAIVE.fullmatch(str(row.get(key)))}
    return {**row, **{key: datetime.fromisoformat(text).replace(tzinfo=local) for key, text in texts.items()}}


@tools.reads(
    core=False,
    scopes=["calendars.readonly"],
    search=(
        "calendriers agendas réservables calendrier agenda liste quels praticiens types rendez-vous équipe "
        "calendars which calendar available bookable list"
    ),
    examples=[
        "quels calendriers avons-nous",
        "liste les agendas où on peut réserver",
        "on a un calendrier pour les démos ?",
        "combien d'agendas sont actifs",
        "dans quels agendas je peux placer quelqu'un",
        "which calendars do we have",
        "list the calendars people can book",
        "is there a calendar for demos",
        "how many bookable calendars are there",
        "what are our calendars called",
    ],
)
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars that can be booked, each with its id and name.

    Use it to find the calendar that ghl_get_free_slots and ghl_book_appointment take.
    """
    return sliced(sorted(await active_calendars(), key=lambda one: folded(one.name)), limit, cursor)


@tools.reads(
    scopes=["calendars.readonly"],
    search=(
        "horaires place agenda créneaux libres disponible disponibilités when free libre créneau dispo dispos "
        "trou plage quand possible prochaine matin après-midi reste proposer openings opening availability "
        "available any room vacant slot slots gap times open left tomorrow thursday demain jeudi afternoon"
    ),
    examples=[
        "y a-t-il de la place mardi",
        "c'est quand le prochain trou",
        "il reste un créneau jeudi après-midi ?",
        "on est dispo quand la semaine prochaine",
        "quels horaires je peux lui proposer",
        "any room on Tuesday",
        "when is the next opening",
        "is anything left on Thursday afternoon",
        "what times could I offer her",
        "are we free tomorrow at 3",
    ],
)
async def get_free_slots(
    start: Annotated[When, Field(description="First day to look at.", examples=["2030-06-03"])],
    calendar: CalendarRef = None,
    days: Annotated[int, Field(ge=1, le=30, description="Number of days to look at.")] = 7,
    timezone: Annotated[TimeZone | None, Field(description="IANA zone of the times in the result.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AwareDatetime]:
    """List the free times of a calendar over some days, with their offset. Nothing is reserved.

    Pass one of the times to ghl_book_appointment or ghl_update_appointment. Where there are several calendars and
    none is named, the error lists them.
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


AppointmentId = Annotated[
    str, Field(description="Id of the appointment, from ghl_get_contact.", examples=["0TkCdp9PfvLeWKYRRvIz"])
]
READ_EVENTS = ["calendars.readonly calendars/events.readonly"]


@tools.reads(
    core=False,
    scopes=READ_EVENTS,
    search=(
        "agenda planning rendez-vous prévus aujourd'hui demain semaine appointments today schedule rdv "
        "journée programme prochain prochains matin après-midi vient calendrier combien upcoming booked "
        "calendar diary coming up next meetings day réunion appel démo consultation meeting call demo"
    ),
    examples=[
        "Quels sont mes rendez-vous demain ?",
        "What appointments do we have this week?",
        "c'est quoi le programme aujourd'hui",
        "qui vient cet après-midi",
        "combien de rdv avons-nous jeudi",
        "montre le planning de la semaine",
        "c'est quand mon prochain rendez-vous",
        "what does my day look like",
        "who is coming in this afternoon",
        "how many meetings are booked on Thursday",
        "show the schedule for the week",
        "what is next in the diary",
    ],
)
async def list_appointments(
    start: Annotated[When, Field(description="First day or time to look at.", examples=["2030-06-03"])],
    days: Annotated[int, Field(ge=1, le=31, description="Number of days to look at.")] = 1,
    calendar: Annotated[str | None, Field(description="Only this calendar, by its name; all without it.")] = None,
    query: Annotated[str | None, Field(description="Only those with these terms in the title.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Appointment]:
    """List the appointments of some days in order, in all calendars or in one, cancelled ones too.

    For those of one person use ghl_get_contact. To move or cancel one, use ghl_update_appointment with its id.
    """
    local = account_zone()
    first = start.at(local)
    last = start_of_day(start.day(local) + timedelta(days=days), local)
    calendars = [await calendar_id(calendar)] if calendar else [one.id for one in await active_calendars()]
    period = {"locationId": await location(), "startTime": to_milliseconds(first), "endTime": to_milliseconds(last) - 1}

    rows: list[Any] = []
    for one in calendars:  # the API takes one calendar at a time
        params = {**period, "calendarId": one}
        rows += await api.rows("/calendars/events", "events", params=params, headers=API_OF_2021_04, missing=True)
    terms = folded(query or "").split()
    items = [event for event in _ordered(rows) if all(word in folded(event.title or "") for word in terms)]
    return sliced(items, limit, cursor)


@tools.writes(
    creates=True,
    scopes=["calendars.readonly calendars/events.write"],
    search=(
        "réserve prends cale rendez-vous meeting rdv créneau réserver prendre caler bloque planifie fixe "
        "place mets inscris consultation appel démo entretien schedule set up pencil reserve put down fix "
        "appointment call demo réunion"
    ),
    examples=[
        "cale-lui un rendez-vous jeudi à 14 h",
        "prends un rdv pour cette cliente",
        "bloque le créneau de 10 h à son nom",
        "planifie une démo avec ce prospect",
        "inscris-le pour une consultation lundi matin",
        "set up a call with the lead on Thursday at two",
        "schedule a demo for her",
        "reserve the ten o'clock slot for this client",
        "pencil him in for Monday morning",
        "fix a consultation with this contact",
    ],
)
async def book_appointment(
    contact_id: ContactId,
    start_time: Annotated[
        When,
        Field(description="One of the times of ghl_get_free_slots.", examples=["2030-06-03T10:00:00+02:00"]),
    ],
    calendar: CalendarRef = None,
    title: Annotated[str | None, Field(description="Title; the calendar's without it.")] = None,
    notify: Annotated[bool, Field(description="False to notify nobody.")] = True,
) -> Appointment:
    """Book an appointment for a contact at a free time of a calendar. GoHighLevel notifies the contact of it.

    A time without an offset is read in the account's zone. A time that is not free is refused: choose one with
    ghl_get_free_slots. To move an appointment, use ghl_update_appointment.
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


@tools.writes(
    replaces=True,
    idempotent=True,
    scopes=["calendars/events.readonly calendars/events.write"],
    search=(
        "annule déplace décale reporte change rendez-vous rdv cancel move reschedule absent pas venu no-show "
        "lapin annuler déplacer décaler reporter reprogramme repousse avance confirme confirmer empêchement "
        "autre date absence postpone push back bring forward call off confirm confirmed shift drop stood up "
        "missed réunion appel démo consultation meeting demo décommande décommander didn't come n'est venue"
    ),
    examples=[
        "Annule le rendez-vous de Zoé",
        "Décale son rendez-vous à jeudi 10 h",
        "He did not show up",
        "repousse le rdv d'une heure",
        "elle a un empêchement, on reporte à lundi",
        "il n'est pas venu ce matin",
        "confirme le rendez-vous de 15 h",
        "décommande celui de demain",
        "push the appointment back an hour",
        "something came up, shift it to Monday",
        "call off tomorrow's appointment",
        "confirm the three o'clock",
    ],
)
async def update_appointment(
    appointment_id: AppointmentId,
    start_time: Annotated[When | None, Field(description="New start, one of the times of ghl_get_free_slots.")] = None,
    status: Annotated[
        Literal["confirmed", "cancelled", "showed", "noshow"] | None,
        Field(description="New status; showed or noshow after the appointment."),
    ] = None,
    notify: Annotated[bool, Field(description="False to notify nobody.")] = True,
) -> Appointment:
    """Move an appointment to another time, cancel it, confirm it or mark a no-show.

    GoHighLevel notifies the contact. A cancelled one stays in the calendar as such, and its time is free again. A
    moved one keeps its length; a time that is not free is refused. ghl_get_contact shows the id.
    """
    if start_time is None and status is None:
        raise errors.InvalidInputError("There is nothing to change.", "Pass start_time or status.")
    if start_time and status == "cancelled":
        raise errors.InvalidInputError(
            "An appointment is either moved or cancelled.", "Pass start_time or status, not both."
        )
    local = account_zone()
    path = f"/calendars/events/appointments/{segment(appointment_id)}"
    event = (await api.get(path, headers=API_OF_2021_04))["event"]
    old = Appointment.model_validate({"id": appointment_id, **_with_offsets(event, local)}).within(local)
    if status == "cancelled":
        time = shown(old.start_time, local) if old.start_time else "an unknown time"
        await confirm(f"Cancel the appointment «{old.title or 'without a title'}» of {time}?")
    begin = start_time.at(local, keep_offset=True) if start_time else None
    length = old.end_time - old.start_time if old.end_time and old.start_time else None
    body = {
        "startTime": begin.isoformat() if begin else None,
        "endTime": (begin + length).isoformat() if begin and length else None,
        "calendarId": event.get("calendarId") if begin else None,
        "appointmentStatus": status,
        "toNotify": None if notify else False,
    }
    answer = await api.put(path, json=body, headers=API_OF_2021_04)
    return Appointment.model_validate({**event, **_with_offsets(answer, local)}).within(local)

"""Google Calendar: events, free time, invitations.

API: https://developers.google.com/workspace/calendar/api/v3/reference
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal

from flotilla import Cursor, Limit, Page, errors, segment
from flotilla_servers._google import confirm_new, scope
from pydantic import AwareDatetime, Field

from . import slots
from .app import api, server
from .bodies import checked_rules, guests_of, moved
from .models import Availability, Booked, Busy, Calendar, Cancelled, Event, Free, Line
from .times import moment, sent, span, utc, zone

__all__ = ["server"]
READ = [scope(s) for s in ("calendar.events.readonly", "calendar.readonly", "calendar.events", "calendar")]
WRITE = [scope("calendar.events"), scope("calendar")]

CalendarId = Annotated[str, Field(description="Calendar id")]
EventId = Annotated[str, Field(description="Event id", examples=["7ohk4v1mfq0d2c3b5t8s9e6g1a"])]
Zone = Annotated[str | None, Field(description="IANA, such as Europe/Paris")]
After = Annotated[AwareDatetime, Field(description="From, with offset", examples=["2030-06-03T00:00:00+02:00"])]
Before = Annotated[AwareDatetime | None, Field(description="Until, with offset")]
Updates = Annotated[Literal["none", "all", "externalOnly"], Field(description="Which guests get mail")]
Guests = Annotated[list[str] | None, Field(max_length=200, description="E-mail addresses")]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM")]


def path(calendar: str, event: str = "") -> str:
    """Return the path of a calendar's events, or of one of them."""
    return f"/calendars/{segment(calendar)}/events" + (f"/{segment(event)}" if event else "")


@server.reads(scopes=[scope(s) for s in ("calendar.calendarlist.readonly", "calendar.readonly", "calendar")])
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the calendars that the account sees, with their ids; the account's own is "primary"."""
    return await api.page("/users/me/calendarList", Calendar, limit=limit, cursor=cursor)


@server.reads(scopes=READ)
async def list_events(
    after: After,
    before: Before = None,
    calendar: CalendarId = "primary",
    timezone: Zone = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """List events between two times, soonest first, repeating ones as single occurrences. Details: gcal_get_event."""
    return await _listed(calendar, limit, cursor, timeMin=utc(after), timeMax=before, timeZone=timezone)


@server.reads(scopes=READ)
async def search_events(
    query: Annotated[str, Field(min_length=1, description="Words of title, text, place or guests", examples=["Marie"])],
    after: Annotated[AwareDatetime | None, Field(description="From, with offset")] = None,
    before: Before = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """Find events by words, oldest first: pass `after` for coming ones."""
    return await _listed(calendar, limit, cursor, q=query, timeMin=after and utc(after), timeMax=before)


async def _listed(calendar: str, limit: int, cursor: str | None, **params: Any) -> Page[Line]:
    before = params.pop("timeMax")
    params |= {"timeMax": before and utc(before), "singleEvents": "true", "orderBy": "startTime"}
    return await api.page(path(calendar), Line, params=params, limit=limit, cursor=cursor)


@server.reads(scopes=READ)
async def get_event(event: EventId, calendar: CalendarId = "primary", timezone: Zone = None) -> Event:
    """Get one event: times, place, text, guests with their answers, how it repeats, Meet link."""
    return Event.model_validate(await api.get(path(calendar, event), params={"timeZone": timezone}))


@server.reads(scopes=[scope(s) for s in ("calendar.freebusy", "calendar.readonly", "calendar")])
async def check_availability(
    calendars: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=50,
            description="primary, e-mail addresses",
            examples=[["primary", "marie@example.org"]],
        ),
    ],
    after: After,
    before: Annotated[
        AwareDatetime, Field(description="Until, at most 60 days later", examples=["2030-06-08T00:00:00+02:00"])
    ],
    timezone: Annotated[str, Field(description="IANA, of the hours", examples=["Europe/Paris"])],
    minutes: Annotated[int, Field(ge=5, le=1440, description="Wanted length")] = 30,
    day_start: Clock = "09:00",
    day_end: Clock = "18:00",
    weekends: Annotated[bool, Field(description="Saturdays and Sundays too")] = False,
) -> Availability:
    """Find when all of several calendars are free, within working hours of one time zone."""
    here = zone(timezone)
    if not timedelta(0) < before - after <= timedelta(days=60):
        raise errors.Input("`before` is not within 60 days after `after`.", "Correct the two times.")
    body = {"timeMin": utc(after), "timeMax": utc(before), "items": [{"id": name} for name in calendars]}
    answer = (await api.post("/freeBusy", json=body))["calendars"]
    busy = [
        (name, datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"]))
        for name, told in answer.items()
        for b in told.get("busy", ())
    ]
    unreadable = [f"{n}: {e['reason']}" for n, told in answer.items() for e in told.get("errors", ())]
    if len({line.split(":")[0] for line in unreadable}) == len(answer):
        raise errors.NotFound(f"None of the calendars can be read ({unreadable[0]}).", "Check the addresses.")
    stretches = slots.free(
        after,
        before,
        [(start, end) for _, start, end in busy],
        length=timedelta(minutes=minutes),
        here=here,
        opens=time.fromisoformat(day_start),
        closes=time.fromisoformat(day_end),
        weekends=weekends,
    )
    free = [Free(start=a.isoformat(), end=b.isoformat(), start_utc=utc(a), end_utc=utc(b)) for a, b in stretches]
    local = [Busy(calendar=n, start=str(a.astimezone(here)), end=str(b.astimezone(here))) for n, a, b in busy]
    return Availability(free=free[:100], busy=local[:200], unreadable=unreadable)


@server.writes(creates=True, asks=True, scopes=WRITE)
async def create_event(
    title: Annotated[str, Field(min_length=1, max_length=1024, description="Title", examples=["Point hebdo"])],
    start: Annotated[
        str,
        Field(description="With offset or timezone; a date: all day", examples=["2030-06-04T14:00:00+02:00"]),
    ],
    end: Annotated[str | None, Field(description="Default: an hour or a day; last day included")] = None,
    timezone: Zone = None,
    guests: Guests = None,
    location: Annotated[str | None, Field(description="Place")] = None,
    description: Annotated[str | None, Field(max_length=8000, description="Text")] = None,
    recurrence: Annotated[list[str] | None, Field(description="RRULE:… lines (RFC 5545)")] = None,
    meet: Annotated[bool, Field(description="Add a Meet link")] = False,
    send_updates: Updates = "none",
    calendar: CalendarId = "primary",
) -> Booked:
    """Book a meeting or an all-day event. Look with gcal_check_availability before."""
    begins, ends = span(moment(start, timezone, "start"), moment(end, timezone, "end") if end else None)
    if recurrence and isinstance(begins, datetime) and not timezone:
        raise errors.Input("What repeats needs `timezone`: its clock changes count.", "Pass an IANA name.")
    attendees = guests_of(guests or [])
    await confirm_new(server, [g["email"] for g in attendees], f"Invite to «{title}»:")
    body = {
        "summary": title,
        "start": sent(begins, timezone),
        "end": sent(ends, timezone),
        "attendees": attendees or None,
        "location": location,
        "description": description,
        "recurrence": checked_rules(recurrence or []) or None,
    }
    params: dict[str, Any] = {"sendUpdates": send_updates}
    if meet:
        params["conferenceDataVersion"] = 1  # without it, the request for a link is ignored
        kind = {"conferenceSolutionKey": {"type": "hangoutsMeet"}}
        body["conferenceData"] = {"createRequest": {"requestId": _request_id(), **kind}}
    return Booked.model_validate(await api.post(path(calendar), params=params, json=body))


@server.writes(asks=True, scopes=WRITE)
async def update_event(
    event: EventId,
    title: Annotated[str | None, Field(max_length=1024, description="New title")] = None,
    start: Annotated[str | None, Field(description="As in gcal_create_event; alone, it keeps its length")] = None,
    end: Annotated[str | None, Field(description="Last day included")] = None,
    timezone: Zone = None,
    location: Annotated[str | None, Field(description="New place")] = None,
    description: Annotated[str | None, Field(max_length=8000, description="New text")] = None,
    add_guests: Guests = None,
    remove_guests: Guests = None,
    send_updates: Updates = "none",
    calendar: CalendarId = "primary",
) -> Booked:
    """Move or change an event; what is left out stays. The id of a series changes all of it."""
    old = await api.get(path(calendar, event))
    body: dict[str, Any] = {"summary": title, "location": location, "description": description}
    if start or end:
        body |= moved(old, start, end, timezone)
    if add_guests or remove_guests:
        there = old.get("attendees") or []
        known = {g.get("email", "").lower() for g in there}
        new = [g for g in guests_of(add_guests or []) if g["email"].lower() not in known]
        await confirm_new(
            server, [g["email"] for g in new], f"Invite to «{errors.excerpt(old.get('summary', ''), 80)}»:"
        )
        gone = {g["email"].lower() for g in guests_of(remove_guests or [])}
        body["attendees"] = [g for g in there if g.get("email", "").lower() not in gone] + new
    if all(value is None for value in body.values()):
        raise errors.Input("Nothing is to be changed.", "Pass at least one new value.")
    headers = {"If-Match": old["etag"]} if old.get("etag") else {}
    answer = await api.patch(path(calendar, event), params={"sendUpdates": send_updates}, json=body, headers=headers)
    return Booked.model_validate(answer)


@server.destroys(confirm="Cancel the event {event} of the calendar {calendar}?", scopes=WRITE, idempotent=True)
async def cancel_event(event: EventId, send_updates: Updates = "none", calendar: CalendarId = "primary") -> Cancelled:
    """Cancel an event, or one occurrence by its own id; the id of a series cancels all of it."""
    await api.delete(path(calendar, event), params={"sendUpdates": send_updates})
    return Cancelled(cancelled=event)


@server.writes(idempotent=True, scopes=WRITE)
async def respond_to_invitation(
    event: EventId,
    response: Annotated[
        Literal["accepted", "declined", "tentative"], Field(description="Reply", examples=["accepted"])
    ],
    comment: Annotated[str | None, Field(max_length=500, description="The organizer reads it")] = None,
    send_updates: Updates = "none",
    calendar: CalendarId = "primary",
) -> Booked:
    """Accept or decline an invitation of the account."""
    old = await api.get(path(calendar, event))
    me = next((g for g in old.get("attendees", ()) if g.get("self")), None)
    if me is None:
        raise errors.Input("The account is not among the guests.", "Choose an event that it is invited to.")
    mine = {"email": me["email"], "responseStatus": response, **({"comment": comment} if comment else {})}
    body = {"attendees": [mine], "attendeesOmitted": True}  # the API's way to touch one answer and no other
    return Booked.model_validate(
        await api.patch(path(calendar, event), params={"sendUpdates": send_updates}, json=body)
    )


def _named(event: dict[str, Any]) -> str:
    return f"«{errors.excerpt(event.get('summary') or event['id'], 80)}»"


def _request_id() -> str:
    return f"flotilla-{datetime.now().timestamp():.6f}"

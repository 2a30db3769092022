"""Google Calendar: events, free time, invitations.

API: https://developers.google.com/workspace/calendar/api/v3/reference
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from flotilla import Cursor, Limit, Page, Server, Toolset, confirm, errors, segment, will_ask
from flotilla.calls.context import current
from flotilla.parsing.addresses import AddressList
from flotilla.state import digest
from flotilla_servers._google import confirm_new, scope

from . import slots
from .bodies import checked_rules, guests_of, moved
from .client import api, integration
from .models import Answered, Availability, Booked, Calendar, CalendarInfo, Cancelled, Event, Free, Line
from .times import moment, received, sent, span, utc, working_hours, zone

tools = Toolset()

READ = [scope(s) for s in ("calendar.events.readonly", "calendar.readonly", "calendar.events", "calendar")]
WRITE = [scope("calendar.events"), scope("calendar")]

CalendarId = Annotated[str, Field(description="Calendar id")]
EventId = Annotated[str, Field(description="Event id", examples=["7ohk4v1mfq0d2c"])]
Zone = Annotated[str | None, Field(description="IANA name")]
After = Annotated[AwareDatetime, Field(description="From, with offset", examples=["2030-06-03T00:00:00+02:00"])]
Before = Annotated[AwareDatetime | None, Field(description="Until, with offset")]
Updates = Annotated[Literal["none", "all"], Field(description="Who gets mail")]
Guests = Annotated[AddressList | None, Field(description="Addresses")]
MOST = 100  # stretches of free time in one answer
HOURS = r"^\d\d:\d\d-\d\d:\d\d$"


def path(event: str) -> str:
    """Return the path of an event by its id here, which begins with its calendar's where that is another one."""
    calendar, _, own = event.rpartition("/")
    return f"/calendars/{segment(calendar or 'primary')}/events/{segment(own)}"


def ours(raw: dict[str, Any], event: str) -> dict[str, Any]:
    """Return an event of the API with ids as they are here; `event` is the id of one of the same calendar."""
    calendar, slash, _ = event.rpartition("/")
    ids: dict[str, Any] = {name: f"{calendar}{slash}{raw[name]}" for name in ("id", "recurringEventId") if name in raw}
    return {**raw, **ids}


@tools.reads(scopes=[scope(s) for s in ("calendar.calendarlist.readonly", "calendar.readonly", "calendar")])
async def list_calendars(limit: Limit = 20, cursor: Cursor = None) -> Page[Calendar]:
    """List the account's calendars; its own is "primary"."""
    return await api.page("/users/me/calendarList", Calendar, limit=limit, cursor=cursor)


@tools.reads(core=False, scopes=[scope(s) for s in ("calendar.calendars.readonly", "calendar.readonly", "calendar")])
async def get_calendar(calendar: CalendarId = "primary") -> CalendarInfo:
    """Get a calendar's name, place and time zone."""
    return CalendarInfo.model_validate(await api.get(f"/calendars/{segment(calendar)}"))


@tools.reads(scopes=READ)
async def list_events(
    after: After,
    before: Before = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """List events between two times, soonest first, repeating ones one by one."""
    return await _listed(calendar, limit, cursor, timeMin=utc(after), timeMax=before)


@tools.reads(scopes=READ)
async def search_events(
    query: Annotated[str, Field(min_length=1, description="CommaSeparated", examples=["Marie"])],
    after: Annotated[AwareDatetime | None, Field(description="From, with offset")] = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """Find events by words, oldest first: pass `after` for coming ones."""
    return await _listed(calendar, limit, cursor, q=query, timeMin=after and utc(after), timeMax=None)


async def _listed(calendar: str, limit: int, cursor: str | None, **params: Any) -> Page[Line]:
    before = params.pop("timeMax")
    params |= {"timeMax": before and utc(before), "singleEvents": "true", "orderBy": "startTime"}
    page = await api.page(f"/calendars/{segment(calendar)}/events", Line, params=params, limit=limit, cursor=cursor)
    for line in page.items if calendar != "primary" else ():
        line.id = f"{calendar}/{line.id}"
    return page


@tools.reads(scopes=READ)
async def get_event(event: EventId) -> Event:
    """Get an event's details."""
    return Event.model_validate(ours(await api.get(path(event)), event))


@tools.reads(scopes=[scope(s) for s in ("calendar.freebusy", "calendar.readonly", "calendar")])
async def check_availability(
    calendars: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=50,
            description="primary, e-mail addresses",
            examples=[["primary"]],
        ),
    ],
    after: After,
    before: Annotated[
        AwareDatetime, Field(description="At most 60 days later", examples=["2030-06-08T00:00:00+02:00"])
    ],
    timezone: Annotated[str, Field(description="IANA name", examples=["Europe/Paris"])],
    minutes: Annotated[int, Field(ge=5, le=1440, description="Length")] = 30,
    hours: Annotated[str, Field(pattern=HOURS, description="Of a day")] = "09:00-18:00",
    weekends: Annotated[bool, Field(description="Too")] = False,
) -> Availability:
    """Find when all of several calendars are free, within hours of a time zone."""
    here = zone(timezone)
    if not timedelta(0) < before - after <= timedelta(days=60):
        raise errors.InvalidInputError("`before` is not within 60 days after `after`.", "Correct the two times.")
    body = {"timeMin": utc(after), "timeMax": utc(before), "items": [{"id": name} for name in calendars]}
    answer = (await api.post("/freeBusy", json=body, reads=True))["calendars"]
    busy = [
        (datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"]))
        for told in answer.values()
        for b in api.rows_in(told, "busy", missing=True)
    ]
    unreadable = [
        f"{n}: {e['reason']}" for n, told in answer.items() for e in api.rows_in(told, "errors", missing=True)
    ]
    if len({line.split(":")[0] for line in unreadable}) == len(answer):
        raise errors.NotFoundError(f"None of the calendars can be read ({unreadable[0]}).", "Check the addresses.")
    stretches = slots.free(
        after,
        before,
        busy,
        length=timedelta(minutes=minutes),
        here=here,
        hours=working_hours(hours),
        weekends=weekends,
    )
    free = [Free(start=a.isoformat(), end=b.isoformat(), utc=f"{utc(a)}/{utc(b)}") for a, b in stretches]
    return Availability(
        free=free[:MOST], unreadable=unreadable, more_after=free[MOST].start if len(free) > MOST else None
    )


@tools.writes(creates=True, asks=True, scopes=WRITE)
async def create_event(
    title: Annotated[str, Field(description="Title", examples=["Point hebdo"])],
    start: Annotated[
        str,
        Field(description="A date: all day", examples=["2030-06-04T14:00:00+02:00"]),
    ],
    end: Annotated[str | None, Field(description="Else an hour or a day")] = None,
    timezone: Zone = None,
    guests: Guests = None,
    location: Annotated[str | None, Field(description="Place")] = None,
    description: Annotated[str | None, Field(description="Text")] = None,
    recurrence: Annotated[str | None, Field(description="RRULE line")] = None,
    meet: Annotated[bool, Field(description="Meet link")] = False,
    send_updates: Updates = "none",
    calendar: CalendarId = "primary",
) -> Booked:
    """Book a meeting or all-day event. Times: with offset, or local to `timezone`."""
    begins, ends = span(moment(start, timezone, "start"), moment(end, timezone, "end") if end else None)
    if recurrence and isinstance(begins, datetime) and not timezone:
        raise errors.InvalidInputError("What repeats needs `timezone`: its clock changes count.", "Pass an IANA name.")
    attendees = guests_of(guests or [])
    await confirm_new(integration, [g["email"] for g in attendees], f"Invite to «{errors.excerpt(title, 80)}»:")
    body = {
        "summary": title,
        "start": sent(begins, timezone),
        "end": sent(ends, timezone),
        "attendees": attendees or None,
        "location": location,
        "description": description,
        "recurrence": checked_rules((recurrence or "").splitlines()) or None,
    }
    params: dict[str, Any] = {"sendUpdates": send_updates}
    if meet:
        params["conferenceDataVersion"] = 1  # without it, the request for a link is ignored
        kind = {"conferenceSolutionKey": {"type": "hangoutsMeet"}}
        body["conferenceData"] = {"createRequest": {"requestId": _request_id(), **kind}}
    answer = await api.post(f"/calendars/{segment(calendar)}/events", params=params, json=body)
    return Booked.model_validate(ours(answer, "" if calendar == "primary" else f"{calendar}/"))


@tools.writes(replaces=True, scopes=WRITE)
async def update_event(
    event: EventId,
    title: Annotated[str | None, Field(description="Title")] = None,
    start: Annotated[str | None, Field(description="Alone: same length")] = None,
    end: Annotated[str | None, Field(description="End")] = None,
    timezone: Zone = None,
    location: Annotated[str | None, Field(description="Place")] = None,
    description: Annotated[str | None, Field(description="Text")] = None,
    add_guests: Guests = None,
    remove_guests: Guests = None,
    send_updates: Updates = "none",
) -> Booked:
    """Move or change an event, or all of a series; what is left out stays. Times as in gcal_create_event."""
    old = await api.get(path(event))
    body: dict[str, Any] = {"summary": title, "location": location, "description": description}
    if start or end:
        body |= moved(old, start, end, timezone)
        if old.get("recurrence") and will_ask():
            begins = received(body.get("start") or old["start"]).isoformat()
            await confirm(
                f"Move the whole series «{errors.excerpt(old.get('summary', ''), 80)}», {await _occurrences(event)}? "
                f"It begins at {begins} then: occurrences before that are gone, and those changed by hand may be lost."
            )
    if add_guests or remove_guests:
        there = old.get("attendees") or []
        known = {g.get("email", "").lower() for g in there}
        new = [g for g in guests_of(add_guests or []) if g["email"].lower() not in known]
        await confirm_new(
            integration, [g["email"] for g in new], f"Invite to «{errors.excerpt(old.get('summary', ''), 80)}»:"
        )
        gone = {g["email"].lower() for g in guests_of(remove_guests or [])}
        body["attendees"] = [g for g in there if g.get("email", "").lower() not in gone] + new
    if all(value is None for value in body.values()):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass at least one new value.")
    headers = {"If-Match": old["etag"]} if old.get("etag") else {}
    answer = await api.patch(path(event), params={"sendUpdates": send_updates}, json=body, headers=headers)
    return Booked.model_validate(ours(answer, event))


@tools.destroys(asks=True, scopes=WRITE, idempotent=True)
async def cancel_event(event: EventId, send_updates: Updates = "none") -> Cancelled:
    """Cancel an event, one occurrence by its own id, or all of a series."""
    if will_ask():
        about = await get_event(event)
        what = f"«{about.title}» of {about.start}"
        if about.recurrence:
            what = f"the whole series «{about.title}» since {about.start}, {await _occurrences(event)}"
        await confirm(f"Cancel {what}? Mail to guests: {send_updates}.")
    await api.delete(path(event), params={"sendUpdates": send_updates})
    return Cancelled(cancelled=event)


@tools.writes(additive=False, idempotent=True, scopes=WRITE)
async def respond_to_invitation(
    event: EventId,
    response: Annotated[
        Literal["accepted", "declined", "tentative"], Field(description="Reply", examples=["accepted"])
    ],
    send_updates: Updates = "none",
) -> Answered:
    """Accept or decline an invitation of the account."""
    old = await api.get(path(event))
    me = next((g for g in old.get("attendees", ()) if g.get("self")), None)
    if me is None:
        raise errors.InvalidInputError("The account is not among the guests.", "Choose an event that it is invited to.")
    mine = {"email": me["email"], "responseStatus": response}
    body = {"attendees": [mine], "attendeesOmitted": True}  # the API's way to touch one answer and no other
    await api.send("PATCH", path(event), params={"sendUpdates": send_updates}, json=body)
    return Answered(event=event, response=response)


@tools.writes(additive=False, core=False, idempotent=True, scopes=WRITE)
async def move_event(
    event: EventId, to: Annotated[str, Field(description="Calendar id", examples=["team@example.org"])]
) -> Booked:
    """Move an event to another calendar of the account; its guests stay."""
    answer = await api.post(f"{path(event)}/move", params={"destination": to})
    return Booked.model_validate(ours(answer, f"{to}/"))


async def _occurrences(series: str) -> str:
    """Return how many occurrences a series has, and how many of them are past."""
    params = {"maxResults": 2500, "fields": "items(start),nextPageToken"}
    told = await api.get(f"{path(series)}/instances", params=params)
    starts = [received(one["start"]) for one in told.get("items", ()) if one.get("start")]
    now = datetime.now(UTC)
    past = sum(start < now if isinstance(start, datetime) else start < now.date() for start in starts)
    more = " or more" if told.get("nextPageToken") else ""
    return f"all {len(starts)}{more} occurrences, {past} past ones too"


def _request_id() -> str:
    """Name the request for a link: the same for the same idempotency key, so that a call that is repeated makes one."""
    call = current()
    key = digest(call.tool, call.idempotency_key) if call.idempotency_key else secrets.token_hex(16)
    return f"flotilla-{key}"


server = Server(integration, toolsets=[tools])

"""Events and invitations. https://developers.google.com/workspace/calendar/api/v3/reference/events"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import (
    Address,
    Addresses,
    Cursor,
    Limit,
    Page,
    TimeZone,
    Toolset,
    When,
    confirm,
    confirm_recipients,
    errors,
    segment,
    will_ask,
)
from flotilla.calls.context import current
from flotilla.parsing import period, shown, span, to_utc
from flotilla.state import digest
from flotilla_servers._google import confirm_new

from ..bodies import changed_guests, checked_rules, event_time, guest, moment, moved
from ..client import (
    READ,
    WRITE,
    api,
    calendar_of,
    integration,
    must_stand,
    path,
    standing_event,
    with_calendar,
    zone_of,
)
from ..models import Answered, Booked, Cancelled, Event, Line, guests_of, moment_of
from .calendars import CalendarId

tools = Toolset("events")

EventId = Annotated[str, Field(description="Id of the event, from gcal_list_events.", examples=["7ohk4v1mfq0d2c"])]
Zone = Annotated[
    TimeZone | None, Field(description="IANA name of the zone of times without offset; else the calendar's.")
]
Updates = Annotated[
    Literal["all", "external_only", "none"],
    Field(description="Guests who get an e-mail; external_only: those without Google Calendar."),
]
Location = Annotated[str | None, Field(description="Place, as free text.")]
Description = Annotated[str | None, Field(description="Text that the guests read; may be HTML.")]
NOTIFY = {"all": "all", "external_only": "externalOnly", "none": "none"}


@tools.reads(scopes=READ, search="agenda de la semaine mes rendez-vous réunions prévues aujourd'hui demain")
async def list_events(
    after: Annotated[
        When,
        Field(description="Only events that end after this time or day.", examples=["2030-06-03", "2030-06-03T09:00"]),
    ],
    before: Annotated[
        When | None, Field(description="Only events that start before this time, or up to this day.")
    ] = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """List the events of one calendar between two times, soonest first; repeating events come one by one.

    Times without an offset are read in the calendar's time zone. A row says when the event is tentative (status) and
    what the account answered (response). Read guests, links and text with gcal_get_event.
    """
    return await _listed(calendar, limit, cursor, after, before)


@tools.reads(scopes=READ, search="cherche trouve rendez-vous réunion avec")
async def search_events(
    query: Annotated[
        str, Field(min_length=1, description="Words of title, text, place or guests.", examples=["Marie"])
    ],
    after: Annotated[
        When | None, Field(description="Only events that end after this time or day; without it, past ones too.")
    ] = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """Search one calendar for events by words, the oldest first: pass `after` to find coming ones.

    Repeating events come one by one. To see everything within some days, use gcal_list_events.
    """
    return await _listed(calendar, limit, cursor, after, None, q=query)


async def _listed(
    calendar: str, limit: int, cursor: str | None, after: When | None, before: When | None, **params: Any
) -> Page[Line]:
    local = any(when and (when.is_local or when.is_day) for when in (after, before))
    begin, end = period(after, before, await zone_of(calendar) if local else api.zone, "after", "before")
    params |= {"timeMin": begin and to_utc(begin), "timeMax": end and to_utc(end)}
    params |= {"singleEvents": "true", "orderBy": "startTime"}
    page = await api.page(f"/calendars/{segment(calendar)}/events", Line, params=params, limit=limit, cursor=cursor)
    for line in page.items if calendar != "primary" else ():
        line.id = f"{calendar}/{line.id}"
        line.series = line.series and f"{calendar}/{line.series}"
    return page


@tools.reads(scopes=READ, search="détail du rendez-vous invités lien visio lieu")
async def get_event(event: EventId) -> Event:
    """Get one event: times, place, text, organizer, guests and their answers, video link and attached files.

    An occurrence of a repeating event names its `series`, which is the id of the whole of it; a series has
    `recurrence`. Find events with gcal_list_events or gcal_search_events.
    """
    raw = await api.get(path(event))
    if "start" not in raw:  # of a cancelled occurrence, Google gives little more than the id
        must_stand(raw)
    return Event.model_validate(with_calendar(raw, calendar_of(event)))


@tools.writes(
    creates=True,
    asks=True,
    scopes=WRITE,
    search="créer un rendez-vous réserver planifier une réunion inviter visio récurrent chaque semaine",
)
async def create_event(
    title: Annotated[str, Field(description="Title of the event.", examples=["Point hebdo"])],
    start: Annotated[
        When,
        Field(description="Start; a day alone makes it last all day.", examples=["2030-06-04T14:00", "2030-06-04"]),
    ],
    end: Annotated[When | None, Field(description="End, or the last day; without it, an hour or that one day.")] = None,
    timezone: Zone = None,
    guests: Annotated[Addresses | None, Field(description="Guests to invite: a@b.c or Name <a@b.c>.")] = None,
    location: Location = None,
    description: Description = None,
    recurrence: Annotated[
        str | None, Field(description="RFC 5545 rules, one a line: RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=10.")
    ] = None,
    meet: Annotated[bool, Field(description="Add a Google Meet video link.")] = False,
    send_updates: Updates = "all",
    calendar: CalendarId = "primary",
) -> Booked:
    """Book a meeting, an all-day event or a repeating one, and invite its guests, who get an e-mail.

    Find a time with gcal_check_availability first. What is booked already is not looked at. Returns the id for
    gcal_update_event and gcal_cancel_event, the start with its offset, and who is notified.
    """
    local = start.is_local or bool(end and end.is_local) or bool(recurrence and not start.is_day)
    zone = ZoneInfo(timezone) if timezone else await zone_of(calendar) if local else None
    begins, ends = span(moment(start, zone), moment(end, zone) if end else None)
    rules = checked_rules((recurrence or "").splitlines())
    await _ask(guests or [], f"Invite to «{errors.excerpt(title, 80)}»", send_updates)
    body = {
        "summary": title,
        "start": event_time(begins, zone.key if zone else None),
        "end": event_time(ends, zone.key if zone else None),
        "attendees": [guest(address) for address in guests or ()] or None,
        "location": location,
        "description": description,
        "recurrence": rules or None,
    }
    params: dict[str, Any] = {"sendUpdates": NOTIFY[send_updates]}
    if meet:
        params["conferenceDataVersion"] = 1  # without it, the request for a link is ignored
        kind = {"conferenceSolutionKey": {"type": "hangoutsMeet"}}
        body["conferenceData"] = {"createRequest": {"requestId": _request_id(), **kind}}
    answer = await api.post(f"/calendars/{segment(calendar)}/events", params=params, json=body)
    return _booked(answer, calendar, send_updates)


@tools.writes(replaces=True, scopes=WRITE, search="déplacer décaler reporter modifier rendez-vous ajouter un invité")
async def update_event(
    event: EventId,
    title: Annotated[str | None, Field(description="New title of the event.")] = None,
    start: Annotated[When | None, Field(description="New start; without an end, the length stays.")] = None,
    end: Annotated[When | None, Field(description="New end, or the last day.")] = None,
    timezone: Zone = None,
    location: Location = None,
    description: Description = None,
    add_guests: Annotated[Addresses | None, Field(description="Guests to invite as well.")] = None,
    remove_guests: Annotated[Addresses | None, Field(description="Addresses of guests to take off.")] = None,
    send_updates: Updates = "all",
) -> Booked:
    """Move or change one event; what is left out stays as it is. The guests get an e-mail.

    The id of an occurrence changes that one alone, the id of its series all of them, past ones too; the user is asked
    before a whole series is moved. It does not change how an event repeats. Take ids from gcal_list_events.
    """
    old = await standing_event(event)
    name = errors.excerpt(old.get("summary") or "", 80)
    body: dict[str, Any] = {"summary": title, "location": location, "description": description}
    if start or end:
        zone = await _zone_to_read(event, old, start, end, timezone)
        body |= moved(old, start, end, zone, timezone)
        if old.get("recurrence") and will_ask():
            begins = shown(moment_of(body["start"]), zone or await zone_of(calendar_of(event)))
            await confirm(
                f"Move the whole series «{name}», {await _occurrences(event)}? It then begins on {begins}: occurrences "
                "before that disappear, and those that were changed one by one may be lost."
            )
    if add_guests or remove_guests:
        known = {str(one["email"]).casefold() for one in guests_of(old)}
        new = [address for address in add_guests or () if address.key not in known]
        await _ask(new, f"Invite to «{name}»", send_updates)
        body["attendees"] = changed_guests(old.get("attendees") or (), new, remove_guests or ())
    if all(value is None for value in body.values()):
        hint = "`timezone` only says how `start` and `end` are read. " if timezone else ""
        raise errors.InvalidInputError("There is nothing to change.", f"{hint}Pass at least one new value.")
    headers = {"If-Match": old["etag"]} if old.get("etag") else {}
    answer = await api.patch(path(event), params={"sendUpdates": NOTIFY[send_updates]}, json=body, headers=headers)
    return _booked(answer, calendar_of(event), send_updates)


async def _zone_to_read(
    event: str, old: dict[str, Any], start: When | None, end: When | None, timezone: str | None
) -> ZoneInfo | None:
    """Return the zone in which new times are read.

    The calendar's, in which the event is listed, not the event's own.
    """
    if timezone:
        return ZoneInfo(timezone)
    local = any(when and when.is_local for when in (start, end))
    becomes_timed = bool(start and not start.is_day and old["start"].get("date"))
    return await zone_of(calendar_of(event)) if local or becomes_timed else None


@tools.destroys(asks=True, scopes=WRITE, idempotent=True, search="annuler supprimer rendez-vous réunion")
async def cancel_event(event: EventId, send_updates: Updates = "all") -> Cancelled:
    """Cancel one event, after the user agreed; its guests get an e-mail. It cannot be undone.

    The id of an occurrence cancels that one, the id of its series all of it, past occurrences too. To move an
    event instead, use gcal_update_event; to decline an invitation, gcal_respond_to_invitation.
    """
    if will_ask():
        old = await standing_event(event)
        name = errors.excerpt(old.get("summary") or "", 80)
        start = shown(moment_of(old["start"]), await zone_of(calendar_of(event)))
        question = f"Cancel «{name}» of {start}?"
        if old.get("recurrence"):
            question = f"Cancel the whole series «{name}» since {start}, {await _occurrences(event)}?"
        elif old.get("recurringEventId"):
            question = f"Cancel the one occurrence of «{name}» of {start}? The rest of the series stays."
        await confirm(f"{question} {_notice(old, send_updates)}".strip())
    await api.delete(path(event), params={"sendUpdates": NOTIFY[send_updates]})
    return Cancelled(cancelled=event)


@tools.writes(additive=False, idempotent=True, scopes=WRITE, search="accepter refuser décliner invitation peut-être")
async def respond_to_invitation(
    event: EventId,
    response: Annotated[
        Literal["accepted", "declined", "tentative"],
        Field(description="The account's answer to the invitation.", examples=["accepted"]),
    ],
    send_updates: Updates = "all",
) -> Answered:
    """Accept, decline or tentatively accept an invitation of the account; the organizer gets an e-mail.

    Other guests' answers are not touched. The id of a series answers for all of it, the id of an occurrence for that
    one alone. Take ids from gcal_list_events. To cancel an own event, use gcal_cancel_event.
    """
    old = await standing_event(event)
    me = next((one for one in guests_of(old) if one.get("self")), None)
    if me is None:
        raise errors.InvalidInputError("The account is not among the guests.", "Choose an event that it is invited to.")
    mine = {"email": me["email"], "responseStatus": response}
    body = {"attendees": [mine], "attendeesOmitted": True}  # the API's way to touch one answer and no other
    await api.send("PATCH", path(event), params={"sendUpdates": NOTIFY[send_updates]}, json=body)
    return Answered(event=event, response=response)


@tools.writes(additive=False, core=False, idempotent=True, scopes=WRITE, search="changer d'agenda transférer")
async def move_event(
    event: EventId,
    to: Annotated[
        str, Field(description="Id of the other calendar, from gcal_list_calendars.", examples=["team@example.org"])
    ],
) -> Booked:
    """Move one event to another calendar of the account, which becomes its organizer; its guests stay.

    To change the time of an event, use gcal_update_event. Take the event from gcal_list_events. Returns its new id.
    """
    answer = await api.post(f"{path(event)}/move", params={"destination": to})
    return Booked.model_validate(with_calendar(answer, to))


async def _ask(guests: list[Address], action: str, send_updates: str) -> None:
    """Ask before people are invited who are new to the event, or many at once: an e-mail cannot be called back."""
    addresses = [one.address for one in guests]
    if not await confirm_new(integration, addresses, f"{action}:") and send_updates != "none":
        await confirm_recipients(addresses, f"{action} and send an e-mail")


def _booked(answer: dict[str, Any], calendar: str, send_updates: str) -> Booked:
    booked = Booked.model_validate(with_calendar(answer, calendar))
    number = sum(not one.get("self") for one in guests_of(answer))
    by_choice = {
        "all": f"{number} guest{'' if number == 1 else 's'} by e-mail",
        "external_only": "guests without Google Calendar by e-mail",
        "none": "nobody: tell the guests yourself",
    }
    booked.notified = by_choice[send_updates] if number else None
    return booked


def _notice(raw: dict[str, Any], send_updates: str) -> str:
    """Return what a question says of the guests; nothing where there are none."""
    number = sum(not one.get("self") for one in guests_of(raw))
    by_choice = {
        "all": f"{number} guest{'' if number == 1 else 's'} will be notified by e-mail.",
        "external_only": "Guests without Google Calendar will be notified by e-mail.",
        "none": "The guests will not be notified.",
    }
    return by_choice[send_updates] if number else ""


async def _occurrences(series: str) -> str:
    """Return how many occurrences a series has, and how many of them are past."""
    params = {"maxResults": 2500, "fields": "items(start),nextPageToken"}
    answer = await api.get(f"{path(series)}/instances", params=params)
    rows = api.rows_in(answer, "items", missing=True)
    starts = [moment_of(one["start"]) for one in rows if one.get("start")]
    now = datetime.now(UTC)
    past = sum(start < now if isinstance(start, datetime) else start < now.date() for start in starts)
    more = " or more" if answer.get("nextPageToken") else ""
    return f"all {len(starts)}{more} occurrences, {past} past ones too"


def _request_id() -> str:
    """Name the request for a link: the same for the same idempotency key, so that a call that is repeated makes one."""
    call = current()
    key = digest(call.tool, call.idempotency_key) if call.idempotency_key else secrets.token_hex(16)
    return f"flotilla-{key}"

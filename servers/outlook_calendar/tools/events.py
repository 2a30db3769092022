"""Events and invitations. https://learn.microsoft.com/graph/api/resources/event"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import (
    Address,
    Addresses,
    Cursor,
    Limit,
    Model,
    Page,
    TimeZone,
    Toolset,
    When,
    choose,
    confirm_new,
    confirm_recipients,
    cursor_number,
    errors,
    readable,
)
from flotilla.calls.context import current
from flotilla.parsing import folded, period, shown, to_utc, unique_addresses
from flotilla.state import digest
from flotilla_servers._microsoft import work_only

from ..bodies import attendee, booked_span, event_time, moved, new_event, room_guests, room_places
from ..client import (
    READ,
    WRITE,
    api,
    calendar_path,
    mailbox_zone,
    must_stand,
    path,
    prefer,
    standing_event,
    with_place,
)
from ..models import LINE, Answered, Booked, BookedSeveral, Event, Forwarded, Line, guests_of
from ..recurrence import recurrence_of
from .calendars import CalendarId, categories
from .rooms import rooms_by_name

tools = Toolset("events")

EventId = Annotated[str, Field(description="Id of the event, from outlook_list_events.", examples=["AAkALgAA"])]
Zone = Annotated[TimeZone | None, Field(description="IANA zone of local times.")]
Location = Annotated[str | None, Field(description="Place as free text.")]
Description = Annotated[str | None, Field(description="Text that guests read.")]
Rules = Annotated[str | None, Field(description="Rule as RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=10.")]
Private = Annotated[bool | None, Field(description="Hide details from others.")]
Reminder = Annotated[int | None, Field(description="Minutes before; -1 for none.")]
ShowAs = Annotated[
    Literal["busy", "free", "outOfOffice"] | None,
    Field(description="How others see it."),
]
Categories = Annotated[list[str] | None, Field(description="Names, from outlook_list_categories.")]
Rooms = Annotated[list[str] | None, Field(description="Rooms by name, from outlook_list_rooms.")]
Comment = Annotated[str | None, Field(description="Word to the people who get the e-mail.")]
YEAR = timedelta(days=366)
SCAN, MOST_PAGES = 250, 8  # events of one request, and requests of one search
SEARCHED = (*LINE, "bodyPreview", "attendees", "organizer")


@tools.reads(scopes=READ, search="agenda de la semaine mes rendez-vous réunions prévues aujourd'hui demain")
async def list_events(
    after: Annotated[
        When,
        Field(description="Only events that end after this time or day.", examples=["2030-06-03T09:00"]),
    ],
    before: Annotated[
        When | None,
        Field(description="Only events that start before this time, or up to this day; else within a year."),
    ] = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """List the events of one calendar between two times, soonest first; repeating events come one by one.

    A row has the place, what the account answered (response), and whether it is tentative (status). Read guests, links
    and text with outlook_get_event.
    """
    zone = await mailbox_zone()
    params = {**_window(after, before, zone), "$orderby": "start/dateTime", "$select": ",".join(LINE)}
    if cursor:  # the address of the next page says all this
        params = {}
    at = f"{await calendar_path(calendar)}/calendarView"
    style = api.paging
    assert style
    answer = await api.get(at, params={**params, **style.query(limit, cursor)}, headers=prefer(zone))
    rows, following = style.read(answer, {}, limit, cursor)
    return Page(items=_lines(api.rows_in({"value": rows}, "value"), calendar), next_cursor=following)


@tools.reads(scopes=READ, search="cherche trouve rendez-vous réunion avec")
async def search_events(
    query: Annotated[
        str, Field(min_length=1, description="Words of title, text, place or guests.", examples=["Marie"])
    ],
    after: Annotated[
        When | None, Field(description="Only events that end after this time; else from today on.")
    ] = None,
    before: Annotated[When | None, Field(description="Only events that start before this; else within a year.")] = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """Search one calendar for events that hold all the words, soonest first, within a year of `after`.

    Accents and case do not matter; of long texts only the beginning is searched. For past events pass `after`. To see
    everything within some days, use outlook_list_events.
    """
    zone, skip = await mailbox_zone(), cursor_number(cursor, 0)
    start = after or When(datetime.now(UTC).astimezone(zone).date())
    params = {**_window(start, before, zone), "$orderby": "start/dateTime", "$select": ",".join(SEARCHED)}
    terms, matches = folded(query).split(), list[dict[str, Any]]()
    at, headers = f"{await calendar_path(calendar)}/calendarView", prefer(zone)
    for _ in range(MOST_PAGES):
        answer = await api.get(at, params={**params, "$top": SCAN, "$skip": skip}, headers=headers)
        page = answer.get("value") or []
        for row in api.rows_in({"value": page}, "value"):
            if len(matches) > limit:
                break
            text = folded(_searched_text(row))
            if all(term in text for term in terms):
                matches.append({**row, "position": skip + page.index(row)})
        skip += len(page)
        more = bool(page and answer.get("@odata.nextLink"))
        if len(matches) > limit or not more:
            break
    following = str(matches[limit]["position"]) if len(matches) > limit else str(skip) if more else None
    return Page(items=_lines(matches[:limit], calendar), next_cursor=following)


def _window(after: When, before: When | None, zone: ZoneInfo) -> dict[str, str]:
    begin, end = period(after, before, zone, "after", "before")
    assert begin
    return {"startDateTime": to_utc(begin), "endDateTime": to_utc(end or begin + YEAR)}


def _lines(rows: list[Any], calendar: str) -> list[Line]:
    address = f"{calendar.strip()}/" if "@" in calendar and " " not in calendar.strip() else ""
    return readable(Line, [with_place(row, address) for row in rows])


def _searched_text(raw: dict[str, Any]) -> str:
    people = [*guests_of(raw), raw.get("organizer")]
    emails = [one.get("emailAddress") for one in people if isinstance(one, dict)]
    names = [f"{one.get('name')} {one.get('address')}" for one in emails if isinstance(one, dict)]
    place = raw.get("location") if isinstance(raw.get("location"), dict) else {}
    return " ".join(
        [
            str(raw.get("subject") or ""),
            str((place or {}).get("displayName") or ""),
            *names,
            str(raw.get("bodyPreview")),
        ]
    )


@tools.reads(scopes=READ, search="détail du rendez-vous invités lien visio teams lieu")
async def get_event(event: EventId) -> Event:
    """Get one event: times, place, text, organizer, guests and their answers, rooms, Teams link, attached files.

    An occurrence of a repeating event names its `series`, which is the id of the whole of it; a series has
    `recurrence`. Find events with outlook_list_events or outlook_search_events.
    """
    headers = prefer(await mailbox_zone(), 'outlook.body-content-type="text"')
    raw = await api.get(path(event), headers=headers)
    must_stand(raw)
    files: list[str] = []
    if raw.get("hasAttachments"):
        rows = await api.rows(f"{path(event)}/attachments", "value", missing=True, params={"$select": "id,name,size"})
        files = [str(row["name"]) for row in rows if row.get("name")]
    return Event.model_validate({**with_place(raw, event), "attachments": files})


@tools.writes(
    creates=True,
    asks=True,
    scopes=WRITE,
    search="créer un rendez-vous réserver planifier une réunion teams inviter visio salle récurrent chaque semaine",
    examples=["réserve une réunion Teams avec Paul mardi à 14 h", "book the blue room tomorrow at ten"],
)
async def create_event(
    title: Annotated[str, Field(description="Title of the event.", examples=["Point"])],
    start: Annotated[
        When,
        Field(description="Start; a day lasts all day.", examples=["2030-06-04T14:00"]),
    ],
    end: Annotated[When | None, Field(description="End or last day.")] = None,
    timezone: Zone = None,
    guests: Annotated[Addresses | None, Field(description="Guests: Name <a@b.c>.")] = None,
    location: Location = None,
    description: Description = None,
    recurrence: Rules = None,
    teams: Annotated[bool, Field(description="Add a Teams link.")] = False,
    rooms: Rooms = None,
    reminder: Reminder = None,
    private: Private = None,
    show_as: ShowAs = None,
    categories: Categories = None,
    calendar: CalendarId = "primary",
) -> Booked:
    """Book a meeting, an all-day event or a series; guests get an e-mail. It lasts an hour or a day without `end`.

    Find a time with outlook_check_availability first. Returns the id for outlook_update_event and outlook_cancel_event.
    """
    zone = ZoneInfo(timezone) if timezone else await mailbox_zone()
    begins, ends = booked_span(start, end, zone)
    body = new_event(title, begins, ends, zone, guests, location, description)
    if recurrence:
        first = begins.astimezone(zone).date() if isinstance(begins, datetime) else begins
        body["recurrence"] = recurrence_of(recurrence, first, zone)
    body |= await details(private, show_as, reminder, categories)
    if teams:
        body |= await teams_link()
    if rooms:
        chosen = await rooms_by_name(rooms)
        body["attendees"] = [*body.get("attendees", []), *room_guests(chosen)]
        body["locations"] = [*room_places(chosen), *([body.pop("location")] if location else [])]
    if key := current().idempotency_key:  # Outlook creates nothing twice for one
        body["transactionId"] = digest("outlook_create_event", key)
    await ask(guests or [], f"Invite to «{errors.excerpt(title, 80)}»")
    at = await calendar_path(calendar)
    answer = await api.post(f"{at}/events", json=body, headers=prefer(await mailbox_zone()))
    return booked(answer, f"{calendar.strip()}/")


async def details(
    private: bool | None, show_as: str | None, reminder: int | None, names: list[str] | None
) -> dict[str, Any]:
    """Return the parts of an event that only its calendar shows; what is left out stays."""
    body: dict[str, Any] = {
        "sensitivity": None if private is None else "private" if private else "normal",
        "showAs": {"outOfOffice": "oof"}.get(show_as, show_as) if show_as else None,
    }
    if reminder is not None:
        body |= {"isReminderOn": reminder >= 0, "reminderMinutesBeforeStart": reminder if reminder >= 0 else None}
    if names is not None:
        known = [row for row in await categories() if row.get("displayName")] if names else []
        chosen = [
            choose(one, known, name=_category, kind="category", listed_by="outlook_list_categories") for one in names
        ]
        body["categories"] = [_category(one) for one in chosen]
    return {name: value for name, value in body.items() if value is not None}


def _category(row: Any) -> str:
    return str(row["displayName"])


async def teams_link() -> dict[str, Any]:
    """Return the request for a Teams link; raises errors.PermissionDeniedError for a personal account."""
    await work_only(api, "add Teams links to its events")
    return {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}


@tools.writes(
    additive=False, idempotent=True, scopes=WRITE, search="accepter refuser décliner invitation peut-être proposer"
)
async def respond_to_invitation(
    event: EventId,
    response: Annotated[
        Literal["accepted", "declined", "tentative"],
        Field(description="The account's answer to the invitation.", examples=["accepted"]),
    ],
    comment: Annotated[str | None, Field(description="Word to the organizer.")] = None,
    propose_start: Annotated[
        When | None, Field(description="Another start to propose; with declined or tentative.")
    ] = None,
    send_updates: Annotated[Literal["all", "none"], Field(description="Whether the organizer gets an e-mail.")] = "all",
) -> Answered:
    """Accept, decline or tentatively accept an invitation; the organizer gets an e-mail.

    The id of a series answers for all of it, the id of an occurrence for that one. To cancel an own event, use
    outlook_cancel_event.
    """
    old = await standing_event(event)
    if old.get("isOrganizer"):
        raise errors.InvalidInputError(
            "The account organizes this event, so there is no invitation to answer.",
            "To cancel it, use outlook_cancel_event.",
        )
    body: dict[str, Any] = {"comment": comment, "sendResponse": send_updates == "all"}
    proposed = None
    if propose_start:
        zone = await mailbox_zone()
        body["proposedNewTime"], proposed = _proposal(old, propose_start, zone, response, send_updates)
    action = {"accepted": "accept", "declined": "decline", "tentative": "tentativelyAccept"}[response]
    await api.send("POST", f"{path(event)}/{action}", json=body)
    organizer = "nobody: tell the organizer yourself" if send_updates == "none" else "the organizer by e-mail"
    return Answered(event=event, response=response, proposed=proposed, notified=organizer)


def _proposal(
    old: dict[str, Any], start: When, zone: ZoneInfo, response: str, send_updates: str
) -> tuple[dict[str, Any], str]:
    """Return another time for a meeting, as the API takes it and as it is shown; its length stays."""
    if response == "accepted" or send_updates == "none":
        raise errors.InvalidInputError(
            "Another time can only be proposed with declined or tentative, and with an e-mail to the organizer.",
            "Leave out `propose_start`, or pass another response.",
        )
    if old.get("allowNewTimeProposals") is False:
        raise errors.InvalidInputError(
            "The organizer of this meeting takes no proposals of other times.",
            "Leave out `propose_start`, and say it in `comment`.",
        )
    begins, ends = moved(old, start, None, zone)
    if not isinstance(begins, datetime):
        raise errors.InvalidInputError("A proposal needs a time, not a day.", "Pass a time such as 2030-06-04T15:00.")
    return {"start": event_time(begins, zone), "end": event_time(ends, zone)}, shown(begins, zone)


@tools.writes(core=False, asks=True, scopes=WRITE, search="transférer faire suivre une invitation")
async def forward_event(
    event: EventId,
    to: Annotated[Addresses, Field(description="Who gets it: a@b.c or Name <a@b.c>.", examples=[["paul@exemple.fr"]])],
    comment: Comment = None,
) -> Forwarded:
    """Forward the invitation of an event to further people, who get an e-mail; the organizer learns of it.

    To add guests to an own event, use outlook_update_event. Find the event with outlook_list_events.
    """
    old = await standing_event(event)
    people = [one.address for one in to]
    action = f"Forward the invitation to «{errors.excerpt(old.get('subject') or '', 80)}»"
    if not await confirm_new(people, f"{action} to"):
        await confirm_recipients(people, action)
    body = {"toRecipients": [{"emailAddress": attendee(one)["emailAddress"]} for one in to], "comment": comment}
    await api.send("POST", f"{path(event)}/forward", json=body)
    return Forwarded(event=event, to=people)


class NewEvent(Model):
    """One of several events."""

    title: str = Field(description="Title of the event.")
    start: When = Field(description="Start; a day alone makes it last all day.")
    end: When | None = Field(None, description="End, or the last day; else an hour or one day.")
    location: str | None = Field(None, description="Place as free text.")
    description: str | None = Field(None, description="Text that guests read.")
    guests: Addresses | None = Field(None, description="Guests to invite: a@b.c or Name <a@b.c>.")


@tools.writes(
    creates=True,
    core=False,
    asks=True,
    scopes=WRITE,
    search="créer plusieurs rendez-vous à la fois ajouter une liste de dates importer un planning",
)
async def create_events(
    events: Annotated[
        list[NewEvent],
        Field(
            min_length=1,
            max_length=25,
            description="The events: title and start, and what else is known of each.",
            examples=[[{"title": "Dentiste", "start": "2030-06-04T14:00"}]],
        ),
    ],
    timezone: Zone = None,
    calendar: CalendarId = "primary",
) -> BookedSeveral:
    """Book several events in one call, such as a list of dates; for one event, use outlook_create_event.

    All are checked before the first is booked. `failed` names those that Outlook refused; the others are booked then:
    do not pass them again. Take the calendar's id from outlook_list_calendars.
    """
    zone = ZoneInfo(timezone) if timezone else await mailbox_zone()
    spans = [booked_span(one.start, one.end, zone) for one in events]
    bodies = [
        new_event(one.title, begins, ends, zone, one.guests, one.location, one.description)
        for one, (begins, ends) in zip(events, spans, strict=True)
    ]
    if key := current().idempotency_key:
        for number, body in enumerate(bodies):
            body["transactionId"] = digest("outlook_create_events", key, number)
    guests = unique_addresses(address for one in events for address in one.guests or ())
    await ask(guests, f"Invite to {len(events)} events")
    at, headers = f"{await calendar_path(calendar)}/events", prefer(await mailbox_zone())
    for body in bodies[1:]:
        api.follows("POST", at, json=body)
    result = BookedSeveral()
    for event, body in zip(events, bodies, strict=True):
        request = api.post(at, json=body, headers=headers)
        outcome: dict[str, Any] | BaseException = (await asyncio.gather(request, return_exceptions=True))[0]
        if isinstance(outcome, errors.InvalidInputError | errors.RateLimitError) and result.events:
            result.failed.append(f"{event.title}: {outcome.message}")
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            result.events.append(booked(outcome, f"{calendar.strip()}/"))
    return result


async def ask(guests: list[Address], action: str) -> None:
    """Ask before people are invited who are new to the event, or many at once: an e-mail cannot be called back."""
    addresses = [one.address for one in guests]
    if not await confirm_new(addresses, f"{action}:"):
        await confirm_recipients(addresses, f"{action} and send an e-mail")


def booked(answer: dict[str, Any], event: str) -> Booked:
    """Return an event that was booked or changed, with who gets an e-mail; `event` is one of the same calendar's."""
    result = Booked.model_validate(with_place(answer, event))
    result.notified = notified(answer)
    return result


def notified(raw: dict[str, Any]) -> str | None:
    """Return who gets an e-mail of a change; None where there are no guests."""
    number = len(guests_of(raw))
    return f"{number} guest{'' if number == 1 else 's'} by e-mail" if number else None


def notice(raw: dict[str, Any]) -> str:
    """Return what a question says of the guests; nothing where there are none."""
    number = len(guests_of(raw))
    return f"{number} guest{'' if number == 1 else 's'} will be notified by e-mail." if number else ""

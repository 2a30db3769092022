"""Events and invitations. https://developers.google.com/workspace/calendar/api/v3/reference/events"""

from __future__ import annotations

import asyncio
import secrets
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
    confirm_new,
    confirm_recipients,
    errors,
    segment,
)
from flotilla.calls.context import current
from flotilla.parsing import period, to_utc, unique_addresses
from flotilla.state import digest

from ..bodies import checked_rules, new_event, reminding
from ..client import (
    READ,
    WRITE,
    api,
    calendar_of,
    must_stand,
    path,
    standing_event,
    with_calendar,
    zone_of,
)
from ..models import Answered, Booked, BookedSeveral, Event, Line, guests_of
from .calendars import CalendarId

tools = Toolset("events")

EventId = Annotated[str, Field(description="Id of the event, from gcal_list_events.", examples=["7ohk4v1mfq0d2c"])]
Zone = Annotated[TimeZone | None, Field(description="IANA zone of local times; else the calendar's.")]
Updates = Annotated[
    Literal["all", "external_only", "none"],
    Field(description="Who gets an e-mail; external_only: guests without Google Calendar."),
]
Location = Annotated[str | None, Field(description="Place as free text.")]
Description = Annotated[str | None, Field(description="Text that guests read.")]
Rules = Annotated[str | None, Field(description="RFC 5545 lines: RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=10.")]
Visibility = Annotated[Literal["default", "public", "private"] | None, Field(description="Who else sees the details.")]
Reminders = Annotated[list[int] | None, Field(description="Minutes before the start; [] for none.")]
WITH_LINK = {"conferenceDataVersion": 1}  # without it, the API ignores what is said of a video link
NOTIFY = {"all": "all", "external_only": "externalOnly", "none": "none"}


@tools.reads(
    scopes=READ,
    search=(
        "agenda de la semaine mes rendez-vous réunions prévues aujourd'hui demain planning programme emploi "
        "temps prochain rdv journée chargé schedule today tomorrow week next meeting diary busy day coming "
        "look like prévu jour have"
    ),
    examples=[
        "j'ai quoi demain",
        "c'est quoi mon planning de la semaine",
        "à quoi ressemble ma journée",
        "quel est mon prochain rdv",
        "est-ce que lundi est chargé",
        "what's on my calendar today",
        "what do I have tomorrow",
        "how does my week look",
        "when is my next meeting",
        "read me my schedule for Friday",
        "qu'est-ce qui est prévu ce soir",
    ],
)
async def list_events(
    after: Annotated[
        When,
        Field(description="Only events that end after this time or day.", examples=["2030-06-03T09:00"]),
    ],
    before: Annotated[
        When | None, Field(description="Only events that start before this time, or up to this day.")
    ] = None,
    calendar: CalendarId = "primary",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Line]:
    """List the events of one calendar between two times, soonest first; repeating events come one by one.

    A row has the place, what the account answered (response), and whether it is tentative (status). Read guests, links
    and text with gcal_get_event.
    """
    return await _listed(calendar, limit, cursor, after, before)


@tools.reads(
    scopes=READ,
    search=(
        "cherche trouve rendez-vous réunion avec retrouve quand jour date dernière find when look event about "
        "word day tombe combien how often"
    ),
    examples=[
        "c'est quand le dentiste",
        "retrouve la réunion sur le budget",
        "quel jour tombe le contrôle technique",
        "quand est-ce que j'ai vu le notaire",
        "cherche tous les points avec le fournisseur",
        "when is my dentist appointment",
        "find the budget meeting",
        "what day is the car inspection",
        "look for the events about the move",
        "when did I last meet the lawyer",
    ],
)
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


@tools.reads(
    scopes=READ,
    search=(
        "détail du rendez-vous invités lien visio lieu qui vient participe participants accepté Meet adresse "
        "ordre jour organisateur détails who coming attendees accepted details link where agenda meeting "
        "joining où location exacte"
    ),
    examples=[
        "qui vient à la réunion",
        "c'est où exactement le rendez-vous",
        "donne-moi le lien de la visio",
        "qui a accepté l'invitation",
        "c'est quoi l'ordre du jour du point de 14 h",
        "who is coming to the meeting",
        "where is it taking place",
        "give me the link to join the call",
        "has everyone accepted",
        "what does the invite say",
        "who organised this one",
        "where do I have to go for that meeting",
    ],
)
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
    search=(
        "créer un rendez-vous réserver planifier une réunion inviter visio récurrent chaque semaine prends "
        "pose rdv cale bloque fixe note agenda inscris ajoute déjeuner appel rappel journée lundis book "
        "schedule set calendar block time appointment all-day recurring every week invite réserve organise "
        "programme lunch call morning"
    ),
    examples=[
        "cale un rdv avec le client jeudi à 10 h",
        "bloque-moi deux heures demain matin",
        "mets un déjeuner vendredi midi dans mon agenda",
        "note l'anniversaire de maman le 3 mai",
        "pose un point tous les lundis à 9 h",
        "book a meeting with the client on Thursday at ten",
        "block two hours tomorrow morning",
        "put lunch on Friday in my diary",
        "set up a weekly call on Mondays",
        "schedule a Meet with the team",
        "organise une réunion demain à 14 h",
    ],
)
async def create_event(
    title: Annotated[str, Field(description="Title of the event.", examples=["Point"])],
    start: Annotated[
        When,
        Field(description="Start; a day alone lasts all day.", examples=["2030-06-04T14:00"]),
    ],
    end: Annotated[When | None, Field(description="End, or the last day; else an hour or one day.")] = None,
    timezone: Zone = None,
    guests: Annotated[Addresses | None, Field(description="Guests: a@b.c or Name <a@b.c>.")] = None,
    location: Location = None,
    description: Description = None,
    recurrence: Rules = None,
    meet: Annotated[bool, Field(description="Add a Google Meet link.")] = False,
    reminders: Reminders = None,
    visibility: Visibility = None,
    send_updates: Updates = "all",
    calendar: CalendarId = "primary",
) -> Booked:
    """Book a meeting, an all-day event or a repeating one, and invite its guests, who get an e-mail.

    Find a time with gcal_check_availability first. Returns the id for gcal_update_event and gcal_cancel_event.
    """
    local = start.is_local or bool(end and end.is_local) or bool(recurrence and not start.is_day)
    zone = ZoneInfo(timezone) if timezone else await zone_of(calendar) if local else None
    body = new_event(title, start, end, zone, guests, location, description) | {
        "recurrence": checked_rules((recurrence or "").splitlines()) or None,
        "visibility": visibility,
        "reminders": reminding(reminders),
        "conferenceData": meet_link() if meet else None,
    }
    await ask(guests or [], f"Invite to «{errors.excerpt(title, 80)}»", send_updates)
    params = {"sendUpdates": NOTIFY[send_updates], **WITH_LINK} if meet else {"sendUpdates": NOTIFY[send_updates]}
    answer = await api.post(f"/calendars/{segment(calendar)}/events", params=params, json=body)
    return booked(answer, calendar, send_updates)


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "accepter refuser décliner invitation peut-être viens accepte refuse participez-vous répondre oui non "
        "rsvp accept decline maybe attend going come viendrai venir"
    ),
    examples=[
        "dis que j'y serai",
        "accepte l'invitation de lundi",
        "je ne peux pas venir, refuse",
        "mets peut-être pour le séminaire",
        "réponds que je participe au déjeuner",
        "accept the invite for Monday",
        "say I can't make it",
        "RSVP yes to the dinner",
        "put me down as maybe",
        "turn down that meeting invitation",
        "tell them I won't be coming",
    ],
)
async def respond_to_invitation(
    event: EventId,
    response: Annotated[
        Literal["accepted", "declined", "tentative"],
        Field(description="The account's answer to the invitation.", examples=["accepted"]),
    ],
    send_updates: Updates = "all",
) -> Answered:
    """Accept, decline or tentatively accept an invitation; the organizer gets an e-mail.

    The id of a series answers for all of it, the id of an occurrence for that one. To cancel an own event, use
    gcal_cancel_event.
    """
    old = await standing_event(event)
    me = next((one for one in guests_of(old) if one.get("self")), None)
    if me is None:
        raise errors.InvalidInputError("The account is not among the guests.", "Choose an event that it is invited to.")
    mine = {"email": me["email"], "responseStatus": response}
    body = {"attendees": [mine], "attendeesOmitted": True}  # the API's way to touch one answer and no other
    await api.send("PATCH", path(event), params={"sendUpdates": NOTIFY[send_updates]}, json=body)
    organizer = "nobody: tell the organizer yourself" if send_updates == "none" else "the organizer by e-mail"
    return Answered(event=event, response=response, notified=organizer)


@tools.writes(
    additive=False,
    core=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "changer d'agenda transférer autre agenda passer perso pro basculer calendrier move another calendar "
        "switch personal work other"
    ),
    examples=[
        "mets ce rendez-vous dans l'agenda pro",
        "bascule-le de mon calendrier perso à celui de l'équipe",
        "il est dans le mauvais agenda, change-le",
        "passe l'événement dans l'agenda famille",
        "transfère le séminaire vers l'autre calendrier",
        "put this event in the work calendar instead",
        "it's in the wrong calendar, move it",
        "switch that one from personal to team",
        "transfer the appointment to the family calendar",
        "move the trip over to my personal calendar",
    ],
)
async def move_event(
    event: EventId,
    to: Annotated[
        str, Field(description="Id of the other calendar, from gcal_list_calendars.", examples=["team@example.org"])
    ],
    send_updates: Updates = "all",
) -> Booked:
    """Move one event to another calendar of the account, which becomes its organizer; its guests get an e-mail.

    To change the time of an event, use gcal_update_event. Take the event from gcal_list_events. Returns its new id.
    """
    params = {"destination": to, "sendUpdates": NOTIFY[send_updates]}
    return booked(await api.post(f"{path(event)}/move", params=params), to, send_updates)


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
    search=(
        "créer plusieurs rendez-vous à la fois ajouter une liste de dates importer un planning ajoute toutes "
        "coup calendrier matchs cours vacances lot masse several events bulk batch add import schedule list "
        "once"
    ),
    examples=[
        "ajoute toutes ces dates à mon agenda",
        "note d'un coup tous les matchs de la saison",
        "mets le planning des cours dans le calendrier",
        "inscris les vacances scolaires, toute la liste",
        "crée ces cinq rendez-vous",
        "add all these dates to my calendar",
        "put the whole season's games in",
        "enter this list of appointments at once",
        "book these five sessions in one go",
        "load the course schedule into my calendar",
    ],
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
    send_updates: Updates = "all",
    calendar: CalendarId = "primary",
) -> BookedSeveral:
    """Book several events in one call, such as a list of dates; for one event, use gcal_create_event.

    All are checked before the first is booked. `failed` names those that Google refused; the others are booked then:
    do not pass them again. Take the calendar's id from gcal_list_calendars.
    """
    local = any(not one.start.is_day for one in events)
    zone = ZoneInfo(timezone) if timezone else await zone_of(calendar) if local else None
    bodies = [
        new_event(one.title, one.start, one.end, zone, one.guests, one.location, one.description) for one in events
    ]
    guests = unique_addresses(address for one in events for address in one.guests or ())
    await ask(guests, f"Invite to {len(events)} events", send_updates)
    place, params = f"/calendars/{segment(calendar)}/events", {"sendUpdates": NOTIFY[send_updates]}
    for body in bodies[1:]:
        api.follows("POST", f"{place}?sendUpdates={NOTIFY[send_updates]}", json=body)
    result = BookedSeveral()
    for event, body in zip(events, bodies, strict=True):
        request = api.post(place, params=params, json=body)
        outcome: dict[str, Any] | BaseException = (await asyncio.gather(request, return_exceptions=True))[0]
        if isinstance(outcome, errors.InvalidInputError | errors.RateLimitError) and result.events:
            result.failed.append(f"{event.title}: {outcome.message}")
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            result.events.append(booked(outcome, calendar, send_updates))
    return result


async def ask(guests: list[Address], action: str, send_updates: str) -> None:
    """Ask before people are invited who are new to the event, or many at once: an e-mail cannot be called back."""
    addresses = [one.address for one in guests]
    if not await confirm_new(addresses, f"{action}:") and send_updates != "none":
        await confirm_recipients(addresses, f"{action} and send an e-mail")


def booked(answer: dict[str, Any], calendar: str, send_updates: str) -> Booked:
    """Return an event that was booked or changed, with who gets an e-mail."""
    result = Booked.model_validate(with_calendar(answer, calendar))
    result.notified = notified(answer, send_updates)
    return result


def notified(raw: dict[str, Any], send_updates: str) -> str | None:
    """Return who gets an e-mail of a change, and who does not; None where there are no guests."""
    number = sum(not one.get("self") for one in guests_of(raw))
    by_choice = {
        "all": f"{number} guest{'' if number == 1 else 's'} by e-mail",
        "external_only": "guests without Google Calendar by e-mail; the others only see it in their calendar",
        "none": "nobody: tell the guests yourself",
    }
    return by_choice[send_updates] if number else None


def notice(raw: dict[str, Any], send_updates: str) -> str:
    """Return what a question says of the guests; nothing where there are none."""
    number = sum(not one.get("self") for one in guests_of(raw))
    by_choice = {
        "all": f"{number} guest{'' if number == 1 else 's'} will be notified by e-mail.",
        "external_only": "Guests without Google Calendar will be notified by e-mail.",
        "none": "The guests will not be notified.",
    }
    return by_choice[send_updates] if number else ""


def meet_link(*state: object) -> dict[str, Any]:
    """Return the request for a Meet link, which `WITH_LINK` must go with. `state` is that of an event that is there.

    Google ignores a request that it knows by its id: so it is the same for the same state or idempotency key.
    """
    call = current()
    seed = state or ((call.idempotency_key,) if call.idempotency_key else (secrets.token_hex(16),))
    request = f"flotilla-{digest(call.tool, *seed)}"
    return {"createRequest": {"requestId": request, "conferenceSolutionKey": {"type": "hangoutsMeet"}}}

"""Bookings: a slot taken for somebody, and moved. https://developer.calendly.com/docs/api-guides/scheduling-api"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from flotilla import (
    Address,
    Addresses,
    TimeZone,
    Toolset,
    When,
    confirm,
    confirm_recipients,
    errors,
    readable,
)
from flotilla.parsing import shown, to_utc

from ..booking import WITH_TEXT, FormAnswer, answers_of, check_free, location_of, meeting_at, start_of
from ..client import api, id_of
from ..lookup import EventId, EventTypeRef, account_zone, event_type_details
from ..models import Booking, Event, EventTypeDetails, Invitee
from .events import must_stand

tools = Toolset("bookings")
WRITE = ["users:read event_types:read availability:read scheduled_events:write"]
Start = Annotated[
    When,
    Field(
        description="Time of a free slot, from calendly_list_available_times.", examples=["2030-06-03T09:00:00+02:00"]
    ),
]


@tools.writes(
    creates=True,
    asks=True,
    scopes=WRITE,
    search=(
        "réserver réserve prendre rendez-vous créneau inscrire caler fixer rdv bloque mets place cale fixe "
        "inscris programme planifie réunion appel entretien démo schedule reserve set up arrange appointment "
        "pencil put call meeting demo sign down cale-lui"
    ),
    examples=[
        "Réserve un premier échange mardi à 14 h pour Jean Dupont.",
        "Book Marie a slot tomorrow at 10.",
        "cale-lui un rendez-vous jeudi à 9 h",
        "prends un rdv pour ce client vendredi matin",
        "bloque le créneau de 15 h à son nom",
        "programme une démo avec eux mardi prochain",
        "inscris cette cliente à la consultation de lundi",
        "set up a call with the client on Thursday",
        "put him in for Friday at nine",
        "schedule a demo with them next Tuesday",
        "reserve the three o'clock slot for her",
        "arrange an appointment for this lead",
    ],
)
async def book_event(
    event_type: EventTypeRef,
    start: Start,
    email: Annotated[Address, Field(description="E-mail address of the invitee.", examples=["jean.dupont@exemple.fr"])],
    name: Annotated[
        str, Field(min_length=1, description="First and last name of the invitee.", examples=["Jean Dupont"])
    ],
    timezone: Annotated[TimeZone | None, Field(description="IANA zone of the invitee; the user's without it.")] = None,
    location: Annotated[
        str | None,
        Field(description="Place or its kind where there are several, or the invitee's own place or phone."),
    ] = None,
    answers: Annotated[
        list[FormAnswer] | None, Field(description="Answers to the questions of the booking form.")
    ] = None,
    guests: Annotated[Addresses | None, Field(max_length=10, description="E-mail addresses of further people.")] = None,
) -> Booking:
    """Book a free slot of an event type for somebody. Calendly e-mails the invitee and the guests at once.

    Take the start from calendly_list_available_times: a time that is not free is refused. Questions and places stand in
    calendly_get_event_type. To let the invitee choose, use calendly_create_scheduling_link.
    """
    zone = await account_zone()
    begin = start_of(start, zone)
    kind = await event_type_details(event_type)
    others = [one.address for one in guests or () if one.key != email.key]
    body = request(
        kind,
        begin,
        {"name": name, "email": email.address, "timezone": timezone or zone.key},
        location_of(kind, location),
        answers_of(kind.questions, answers or ()),
        others,
    )
    if existing := await meeting_at(begin, email.address, kind.uri):
        raise errors.InvalidInputError(
            f"{email.address} has booked this time already; nothing was done.",
            f"Look at it with calendly_get_event: {existing.uri}.",
        )
    await check_free(kind, begin, zone)
    title = f"Book «{kind.name}» of {shown(begin, zone)} and send an e-mail"
    await confirm_recipients([email.address, *others], title)
    return booked((await api.post("/invitees", json=body))["resource"], body).within(zone)


@tools.destroys(
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search=(
        "déplacer déplace reporter décaler avancer changer l'heure move postpone reprogrammer replanifier "
        "reprogramme replanifie décale reporte repousse avance autre date empêchement plus tard tôt heure "
        "reschedule push back shift bring forward different later earlier rebook rendez-vous rdv réunion "
        "appel démo entretien meeting appointment call demo vendredi jeudi friday thursday hour"
    ),
    examples=[
        "Déplace le rendez-vous de Marie à vendredi 10 h.",
        "Move my call with Jean to Friday.",
        "décale la réunion de demain à jeudi",
        "repousse le rdv d'une heure",
        "j'ai un empêchement, reporte notre appel à la semaine prochaine",
        "avance le rendez-vous à 9 h",
        "il préfère un autre jour, change la date",
        "push the appointment back by an hour",
        "reschedule tomorrow's demo to Thursday",
        "something came up, shift our call to next week",
        "bring the meeting forward to nine",
        "she wants another day, move it",
    ],
)
async def reschedule_event(
    event: EventId,
    start: Start,
    reason: Annotated[
        str | None, Field(max_length=10_000, description="Why it is moved; the invitee reads it.")
    ] = None,
) -> Booking:
    """Move a booked meeting of one invitee to another free slot: the new one is booked, then the old one cancelled.

    The invitee, the place, the answers and the guests stay; Calendly e-mails them about both. Take the start from
    calendly_list_available_times. Where several people booked, send each the reschedule_url of calendly_list_invitees.
    """
    zone = await account_zone()
    begin = start_of(start, zone)
    raw = (await api.get(f"/scheduled_events/{id_of(event)}"))["resource"]
    meeting = Event.model_validate(raw)
    must_stand(meeting)
    if meeting.start_time <= datetime.now(UTC):
        raise errors.InvalidInputError(
            "This meeting has begun or is over.", "Book another one with calendly_book_event."
        )
    if meeting.start_time == begin:
        raise errors.InvalidInputError("The meeting is at this time already.", "Pass another time.")
    invitee = await only_invitee(event)
    kind = await event_type_details(raw["event_type"])
    body = request(
        kind,
        begin,
        {"name": invitee.name, "email": invitee.email, "timezone": invitee.timezone or zone.key},
        same_location(kind, raw.get("location")),
        [{"question": a.question, "answer": a.answer, "position": a.position} for a in invitee.answers] or None,
        meeting.guests,
    )
    old = f"/scheduled_events/{id_of(meeting.uri)}/cancellation"
    moved = {"reason": reason or f"Moved to {shown(begin, zone)}"}
    existing = await meeting_at(begin, invitee.email, kind.uri)  # left by a call of which only the first half was done
    if not existing:
        await check_free(kind, begin, zone)
        api.follows("POST", old, json=moved)
    await confirm(
        f"Move «{meeting.name}» with {invitee.name} from {shown(meeting.start_time, zone)} to {shown(begin, zone)}? "
        f"{', '.join([invitee.email, *meeting.guests])} will be notified by e-mail."
    )
    if existing:
        result = Booking(uri=None, event=existing.uri, event_type=kind.uri, start_time=begin, email=invitee.email)
    else:
        result = booked((await api.post("/invitees", json=body))["resource"], body)
    await api.send("POST", old, json=moved)
    return result.within(zone)


def request(
    kind: EventTypeDetails,
    begin: datetime,
    invitee: dict[str, Any],
    location: dict[str, Any] | None,
    answers: list[dict[str, Any]] | None,
    guests: list[str],
) -> dict[str, Any]:
    """Return the body that books a slot; what is None is left out."""
    parts: dict[str, Any] = {
        "event_type": kind.uri,
        "start_time": to_utc(begin),
        "invitee": invitee,
        "location": location,
        "questions_and_answers": answers,
        "event_guests": guests or None,
    }
    return {name: part for name, part in parts.items() if part is not None}


def booked(answer: dict[str, Any], body: dict[str, Any]) -> Booking:
    """Return the meeting that was booked: the API answers with the invitee."""
    people = [body["invitee"]["email"], *body.get("event_guests", [])]
    known = {key: body[key] for key in ("event_type", "start_time")}
    return Booking.model_validate({**known, **body["invitee"], **answer, "notified": people})


async def only_invitee(event: str) -> Invitee:
    """Return the one invitee of a meeting; raises errors.InvalidInputError where there are none or several."""
    path = f"/scheduled_events/{id_of(event)}/invitees"
    rows = await api.rows(path, "collection", params={"status": "active", "count": 100})
    active = [one for one in readable(Invitee, rows) if one.status == "active"]
    if len(active) != 1:
        raise errors.InvalidInputError(
            f"This meeting has {len(active)} invitees, and moving it would cancel it for all of them.",
            "Send each the reschedule_url of calendly_list_invitees.",
        )
    return active[0]


def same_location(kind: EventTypeDetails, place: Any) -> dict[str, Any] | None:
    """Return the location of a booked meeting for another booking, where the event type still has it."""
    old = place.get("type") if isinstance(place, dict) else None
    if kind.pooling_type == "round_robin" or not kind.places:
        return None
    if old not in [one.kind for one in kind.places]:
        return location_of(kind, None)
    text = place.get("location") if old in WITH_TEXT else None
    return {"kind": old, **({"location": text} if text else {})}

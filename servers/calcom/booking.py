"""What a booking needs: a free slot, a place, answers to the form. https://cal.com/docs/api-reference/v2/bookings"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Model, Phone, When, choose, errors, readable
from flotilla.parsing import folded, listed, looks_like_phone, read_number, shown, start_of_day, to_utc

from .client import api
from .lookup import region
from .models import Attendee, Booking, EventTypeDetails, Place, Question, Slot

ASKING = {"attendeePhone": "phone", "attendeeAddress": "address", "attendeeDefined": "location"}  # kind: its field
PHONE_FIELDS = ("attendeePhoneNumber", "smsReminderNumber", "aiAgentCallPhoneNumber")  # answered by the phone number
CHOICES, SEVERAL = ("select", "radio"), ("multiselect", "checkbox")
TRUE, FALSE = ("oui", "yes", "true", "vrai", "1"), ("non", "no", "false", "faux", "0")


class FormAnswer(Model):
    """An answer to a question of the booking form, as an argument."""

    question: str = Field(description="Question of calcom_get_event_type.")
    answer: str = Field(description="The answer; several choices with commas.")


async def free_slots(
    event_type: str, start: datetime, end: datetime, zone: ZoneInfo, minutes: int | None, moving: str | None
) -> list[Slot]:
    """Return the free slots of an event type (its id) between two aware times, soonest first.

    `moving` is the uid of a booking whose own time counts as free. Cal.com answers with a list a day.
    """
    params = {
        "eventTypeId": event_type,
        "start": to_utc(start),
        "end": to_utc(end),
        "timeZone": zone.key,
        "duration": minutes,
        "bookingUidToReschedule": moving,
    }
    days = await api.data("GET", "/v2/slots", params=params)
    rows = chain.from_iterable(slots for slots in days.values() if isinstance(slots, list))
    read = [one.within(zone) for one in readable(Slot, [*rows])]
    return sorted((s for s in read if start <= s.start_time < end), key=lambda one: one.start_time.astimezone(UTC))


def start_of(start: When, zone: ZoneInfo) -> datetime:
    """Return when a meeting is to start, in UTC; raises errors.InvalidInputError for a day or a past time."""
    if start.is_day:
        raise errors.InvalidInputError("The start has no time of day.", "Pass a time of calcom_list_available_times.")
    begin = start.at(zone).astimezone(UTC)
    if begin <= datetime.now(UTC):
        raise errors.InvalidInputError(f"{shown(begin, zone)} is in the past.", "Pass a time to come.")
    return begin


async def check_free(
    event_type: str, begin: datetime, zone: ZoneInfo, minutes: int | None = None, moving: str | None = None
) -> None:
    """Raise errors.InvalidInputError, with the free times of that day, unless the slot is free."""
    day = begin.astimezone(zone).date()
    first, last = start_of_day(day, zone).astimezone(UTC), start_of_day(day + timedelta(days=1), zone).astimezone(UTC)
    slots = await free_slots(event_type, max(first, datetime.now(UTC)), last, zone, minutes, moving)
    if any(slot.start_time == begin for slot in slots):
        return
    times = listed((f"{slot.start_time:%H:%M}" for slot in slots), 16)
    raise errors.InvalidInputError(
        f"{shown(begin, zone)} is not free.",
        f"Free on that day: {times}." if times else "Choose another day with calcom_list_available_times.",
    )


def check_length(kind: EventTypeDetails, minutes: int | None) -> None:
    """Raise errors.InvalidInputError, with the lengths that there are, for one that the event type does not have."""
    lengths = kind.durations or [kind.duration]
    if minutes is not None and minutes not in lengths:
        raise errors.InvalidInputError(
            f"«{kind.name}» does not last {minutes} minutes.", f"It can last {listed(lengths)} minutes."
        )


async def same_booking(kind: EventTypeDetails, begin: datetime, email: str | None, phone: str | None) -> Booking | None:
    """Return the booking of an event type that a person has at a time already, None without one.

    The person is compared here: Cal.com's own filter takes capitals for another address, and knows no phone number.
    """
    params = {
        "eventTypeId": kind.id,
        "afterStart": to_utc(begin - timedelta(minutes=1)),
        "beforeEnd": to_utc(begin + timedelta(days=2)),
        "sortStart": "asc",
        "take": 100,
    }
    result = readable(Booking, await api.rows("/v2/bookings", "data", params=params))
    alive = (one for one in result if one.start_time == begin and one.status in ("accepted", "pending"))
    return next((one for one in alive if any(_is(person, email, phone) for person in one.attendees)), None)


def _is(person: Attendee, email: str | None, phone: str | None) -> bool:
    if email and person.email and person.email.casefold() == email.casefold():
        return True
    return bool(not email and phone and person.phone and Phone.read(phone).matches(person.phone, region()))


def location_of(kind: EventTypeDetails, wanted: str | None, phone: str | None) -> dict[str, Any] | None:
    """Return the location of a booking: the only place of the event type, or the one that is wanted.

    None leaves it to Cal.com, which takes the only place. Raises errors.InvalidInputError, with the places, where the
    choice is open.
    """
    if not kind.places:
        if wanted:
            raise errors.InvalidInputError("This event type has no place to choose.", "Leave the location out.")
        return None
    chosen, text = _chosen(kind.places, wanted, phone)
    if chosen.kind in ASKING:
        text = text or (phone if chosen.kind == "attendeePhone" else None)
        if not text:
            own = "phone number" if chosen.kind == "attendeePhone" else "place"
            raise errors.InvalidInputError(
                "This event type asks where to meet.", f"Pass the attendee's {own} as location."
            )
        value = Phone.read(text).e164(region()) if chosen.kind == "attendeePhone" else text
        return {"type": chosen.kind, ASKING[chosen.kind]: value}
    if chosen.kind == "unknown" or (wanted is None and len(kind.places) == 1):
        return None
    return {"type": chosen.kind, **({"integration": chosen.location} if chosen.kind == "integration" else {})}


def _chosen(places: Sequence[Place], wanted: str | None, phone: str | None) -> tuple[Place, str | None]:
    """Return the place that is meant, and the text that is the attendee's own."""
    if len(places) == 1 and (wanted is None or places[0].kind in ASKING):
        return places[0], wanted
    name = folded(wanted or "")
    named = [one for one in places if name and name in (folded(one.kind), folded(one.location or ""))]
    named = named or [one for one in places if name and name in folded(one.location or "").split()]
    if len(named) == 1:
        return named[0], None
    if wanted and not named:
        kinds = ("attendeePhone",) if looks_like_phone(wanted) else ("attendeeAddress", "attendeeDefined")
        asking = [one for one in places if one.kind in kinds]
        if len(asking) == 1:
            return asking[0], wanted
    raise errors.InvalidInputError(
        "The place of the meeting is not clear.",
        f"Pass one as location: {listed(one.location or one.kind for one in places)}.",
    )


def answers_of(
    questions: Sequence[Question], answers: Sequence[FormAnswer], phone: str | None
) -> dict[str, Any] | None:
    """Return the answers as the API takes them, by slug; None without any.

    Raises errors.InvalidInputError for an unknown question, an answer that does not fit, or a required one that is
    missing.
    """
    result: dict[str, Any] = {}
    for one in answers:
        question = choose(one.question, questions, id=lambda q: q.slug, name=lambda q: q.question, kind="question")
        result[question.slug] = _value(question, one.answer)
    for question in questions:
        if question.slug in PHONE_FIELDS and phone:
            result.setdefault(question.slug, phone)
    missing = [q for q in questions if q.required and result.get(q.slug) in (None, "", [])]
    if missing:
        wanted = (f"{q.question} ({listed(q.choices)})" if q.choices else q.question for q in missing)
        raise errors.InvalidInputError("The booking form has required questions.", f"Answer: {listed(wanted)}.")
    return result or None


def _value(question: Question, text: str) -> Any:
    """Return an answer as its kind of question takes it."""
    if question.choices and question.type in CHOICES:
        return choose(text, question.choices, id=str, name=str, kind="choice")
    if question.choices and question.type in SEVERAL:
        parts = [text] if text in question.choices else [one for one in text.split(",") if one.strip()]
        return [choose(one, question.choices, id=str, name=str, kind="choice") for one in parts]
    if question.type == "multiemail":
        return [one.strip() for one in text.split(",") if one.strip()]
    if question.type == "number":
        number = read_number(text)
        return int(number) if number == int(number) else float(number)
    if question.type == "phone":
        return Phone.read(text).e164(region())
    if question.type == "boolean":
        if folded(text) not in TRUE + FALSE:
            raise errors.InvalidInputError(f"`{question.question}` wants yes or no.", "Answer it with one of them.")
        return folded(text) in TRUE
    return text

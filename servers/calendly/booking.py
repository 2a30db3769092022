"""What a booking needs: a free slot, a place, answers to the form. https://developer.calendly.com/api-docs"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Model, When, choose, errors, readable
from flotilla.parsing import folded, listed, looks_like_phone, shown, start_of_day, to_utc

from .client import api
from .lookup import account, soon
from .models import Event, EventTypeDetails, Place, Question, Slot

WITH_TEXT = ("physical", "custom", "outbound_call", "ask_invitee")  # a booking names their place, the API wants it
ASKING = ("outbound_call", "ask_invitee")  # the invitee says it: a phone number or a place


class FormAnswer(Model):
    """An answer to a question of the booking form, as an argument."""

    question: str = Field(description="The question, as calendly_get_event_type gives it.")
    answer: str = Field(description="What the invitee answers.")


async def free_slots(event_type: str, start: datetime, end: datetime) -> list[Slot]:
    """Return the free slots of an event type (a uri) between two aware times, both in the future."""
    params = {"event_type": event_type, "start_time": to_utc(start), "end_time": to_utc(end)}
    return readable(Slot, await api.rows("/event_type_available_times", "collection", params=params))


def start_of(start: When, zone: ZoneInfo) -> datetime:
    """Return when a meeting is to start, in UTC; raises errors.InvalidInputError for a day or a past time."""
    if start.is_day:
        raise errors.InvalidInputError("The start has no time of day.", "Pass a time of calendly_list_available_times.")
    begin = start.at(zone).astimezone(UTC)
    if begin <= datetime.now(UTC):
        raise errors.InvalidInputError(f"{shown(begin, zone)} is in the past.", "Pass a time to come.")
    return begin


async def check_free(event_type: EventTypeDetails, begin: datetime, zone: ZoneInfo) -> None:
    """Raise errors.InvalidInputError, with the free times of that day, unless the slot is free."""
    day = begin.astimezone(zone).date()
    first = max(start_of_day(day, zone).astimezone(UTC), min(soon(), begin))  # the API wants a time to come
    slots = await free_slots(event_type.uri, first, start_of_day(day + timedelta(days=1), zone))
    if any(slot.start_time == begin for slot in slots):
        return
    times = listed((f"{slot.start_time.astimezone(zone):%H:%M}" for slot in slots), 16)
    raise errors.InvalidInputError(
        f"{shown(begin, zone)} is not free.",
        f"Free on that day: {times}." if times else "Choose another day with calendly_list_available_times.",
    )


async def meeting_at(begin: datetime, email: str, event_type: str) -> Event | None:
    """Return the meeting of an event type that a person has booked at a time, None without one."""
    params = {
        "user": (await account()).uri,
        "invitee_email": email,
        "status": "active",
        "min_start_time": to_utc(begin),
        "max_start_time": to_utc(begin + timedelta(minutes=1)),
        "count": 100,
    }
    events = readable(Event, await api.rows("/scheduled_events", "collection", params=params))
    return next(
        (e for e in events if e.start_time == begin and e.status == "active" and e.event_type == event_type), None
    )


def location_of(event_type: EventTypeDetails, wanted: str | None) -> dict[str, Any] | None:
    """Return the location of a booking: the only place of the event type, or the one that is wanted.

    None where the event type has no places, or its host is only known afterwards. Raises errors.InvalidInputError, with
    the places, where the choice is open.
    """
    places = event_type.places
    if event_type.pooling_type == "round_robin" or not places:
        if wanted:
            raise errors.InvalidInputError("This event type has no place to choose.", "Leave the location out.")
        return None
    chosen, text = _chosen(places, wanted)
    text = text or (None if chosen.kind in ASKING else chosen.location or chosen.additional_info)
    if chosen.kind in ASKING and not text:
        own = "phone number, with +33 or the like," if chosen.kind == "outbound_call" else "place"
        raise errors.InvalidInputError("This event type asks where to meet.", f"Pass the invitee's {own} as location.")
    return {"kind": chosen.kind, **({"location": text} if chosen.kind in WITH_TEXT and text else {})}


def _chosen(places: Sequence[Place], wanted: str | None) -> tuple[Place, str | None]:
    """Return the place that is meant, and the text that is the invitee's own."""
    if wanted is None and len(places) == 1:
        return places[0], None
    name = folded(wanted or "")
    named = [one for one in places if name and name in (folded(one.kind), folded(one.location or ""))]
    if len(named) == 1:
        return named[0], None
    kind = "outbound_call" if wanted and looks_like_phone(wanted) else "ask_invitee"
    asking = [one for one in places if wanted and not named and one.kind == kind]
    if len(asking) == 1:
        return asking[0], wanted
    raise errors.InvalidInputError(
        "The place of the meeting is not clear.",
        f"Pass one as location: {listed(one.location or one.kind for one in places)}.",
    )


def answers_of(questions: Sequence[Question], answers: Sequence[FormAnswer]) -> list[dict[str, Any]] | None:
    """Return the answers as the API takes them; raises errors.InvalidInputError for an unknown or missing one."""
    result: dict[int, dict[str, Any]] = {}
    for one in answers:
        question = choose(
            one.question, questions, id=lambda q: str(q.number), name=lambda q: q.question, kind="question"
        )
        text = one.answer
        if question.type == "single_select" and not question.other_allowed:
            text = choose(text, question.choices, id=str, name=str, kind="choice")
        result[question.number] = {"question": question.question, "answer": text, "position": question.number}
    missing = [q for q in questions if q.required and not result.get(q.number, {}).get("answer")]
    if missing:
        wanted = (f"{q.question} ({listed(q.choices)})" if q.choices else q.question for q in missing)
        raise errors.InvalidInputError("The booking form has required questions.", f"Answer: {listed(wanted)}.")
    return [result[number] for number in sorted(result)] or None

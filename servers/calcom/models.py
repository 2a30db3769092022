"""What Cal.com's objects look like here: the fields that a scheduling conversation needs, ids and links kept."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, Timed, UntrustedText, readable

IN_WORDS = ("address", "link", "phone", "location", "integration")  # the field of a place that says where it is
GIVEN = ("name", "email", "location", "guests", "rescheduleReason")  # fields of a form that are arguments of their own


class User(Model):
    """https://cal.com/docs/api-reference/v2/me/get-my-profile"""

    id: str
    name: str | None = None
    username: str | None = None
    email: str
    timezone: str = Field(alias="timeZone")
    organization: str | None = Field(None, alias="organizationId", description="Id of the organization, if any")


class Place(Model):
    """Where meetings of an event type can take place."""

    kind: str = Field(alias="type")
    location: str | None = Field(None, description="The address, link, number or app")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Say in one field where it is, whatever the kind calls it."""
        if not isinstance(raw, dict) or "type" not in raw:
            return raw
        own = "integration" if raw["type"] == "integration" else next((n for n in IN_WORDS if raw.get(n)), "")
        return {"type": raw["type"], "location": raw.get(own)}


class Question(Model):
    """One question of a booking form."""

    slug: str
    question: UntrustedText = Field(alias="label")
    type: str
    required: bool = False
    choices: list[str] = Field(default_factory=list, alias="options")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """Name a question of Cal.com itself that has no label after its slug."""
        if not isinstance(raw, dict):
            return raw
        return {
            **raw,
            "label": raw.get("label") or raw.get("slug"),
            "required": bool(raw.get("required")),
            "options": [str(one) for one in raw.get("options") or []],
        }


class EventType(Model):
    """https://cal.com/docs/api-reference/v2/event-types/get-all-event-types"""

    id: str
    name: str = Field(alias="title")
    duration: int = Field(alias="lengthInMinutes", description="Minutes")
    durations: list[int] = Field(
        default_factory=list, alias="lengthInMinutesOptions", description="Lengths to choose from, in minutes"
    )
    booking_url: str | None = Field(None, alias="bookingUrl")
    hidden: bool = Field(False, description="Whether it is left out of the booking page")
    description: UntrustedText | None = None
    team: str | None = Field(None, description="Name of the team whose event type it is")

    @model_validator(mode="before")
    @classmethod
    def _owned(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        team, lengths = raw.get("team"), raw.get("lengthInMinutesOptions")
        name = team.get("name") if isinstance(team, dict) else team
        return {**raw, "team": name, "lengthInMinutesOptions": lengths or [], "hidden": bool(raw.get("hidden"))}


class EventTypeDetails(EventType):
    """https://cal.com/docs/api-reference/v2/event-types/get-an-event-type"""

    questions: list[Question] = Field(default_factory=list)
    places: list[Place] = Field(default_factory=list)
    seats: int | None = Field(None, description="People that one slot has room for, where there are several")
    repeats: int | None = Field(None, description="Meetings that one booking makes, where it repeats")
    needs_confirmation: bool = Field(False, description="Whether the host must confirm each booking")
    price: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, raw: Any) -> Any:
        """Read the lists; hidden questions, and those that are arguments of their own, are left out."""
        if not isinstance(raw, dict) or "bookingFields" not in raw:
            return raw
        fields = [one for one in raw["bookingFields"] or [] if not isinstance(one, dict) or not one.get("hidden")]
        asked = [one for one in fields if not isinstance(one, dict) or one.get("slug") not in GIVEN]
        seats, again, policy = raw.get("seats"), raw.get("recurrence"), raw.get("confirmationPolicy")
        cost = raw.get("price")
        return {
            **raw,
            "questions": readable(Question, asked),
            "places": readable(Place, raw.get("locations") or []),
            "seats": seats.get("seatsPerTimeSlot") if isinstance(seats, dict) else raw.get("seatsPerTimeSlot"),
            "repeats": again.get("occurrences") if isinstance(again, dict) and not again.get("disabled") else None,
            "needs_confirmation": isinstance(policy, dict) and policy.get("type") == "always",
            "price": f"{cost / 100:.2f} {str(raw.get('currency') or '').upper()}".strip()
            if isinstance(cost, int | float) and cost
            else None,
        }


class Slot(Timed):
    """https://cal.com/docs/api-reference/v2/slots/get-available-time-slots-for-an-event-type"""

    start_time: AwareDatetime = Field(alias="start")


class Host(Model):
    """The user who holds a meeting."""

    name: str | None = None
    email: str | None = None


class Attendee(Model):
    """Who comes to a meeting."""

    name: UntrustedText
    email: str | None = None
    phone: str | None = Field(None, alias="phoneNumber")
    timezone: str | None = Field(None, alias="timeZone")
    no_show: bool = Field(False, alias="absent")
    seat: str | None = Field(None, alias="seatUid", exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _shown(cls, raw: Any) -> Any:
        """Take the address as people write it; one that Cal.com made up for a phone number is left out."""
        if not isinstance(raw, dict):
            return raw
        email = raw.get("displayEmail") or raw.get("email")
        made_up = isinstance(email, str) and email.endswith("@sms.cal.com")
        return {**raw, "email": None if made_up else email, "absent": bool(raw.get("absent"))}


class Answer(Model):
    """One field of the booking form, and what was answered."""

    question: UntrustedText
    answer: UntrustedText


class Booking(Timed):
    """https://cal.com/docs/api-reference/v2/bookings/get-a-booking"""

    uid: str
    title: UntrustedText | None = None
    status: str = Field(description="accepted, pending, cancelled or rejected")
    start_time: AwareDatetime = Field(alias="start")
    end_time: AwareDatetime = Field(alias="end")
    location: UntrustedText | None = None
    event_type: str | None = Field(None, description="Id of the event type")
    hosts: list[Host] = Field(default_factory=list)
    attendees: list[Attendee] = Field(default_factory=list)
    guests: list[str] = Field(default_factory=list, description="E-mail addresses of further people")
    answers: list[Answer] = Field(default_factory=list)
    note: UntrustedText | None = Field(None, alias="description")
    reason: UntrustedText | None = Field(None, description="Why it was cancelled or moved")
    moved_to: str | None = Field(None, alias="rescheduledToUid", description="Uid of the booking that replaced it")
    series: bool = Field(False, description="Whether it is one of a series")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Take the nested objects apart; what Cal.com keeps in the form for itself is left out."""
        if not isinstance(raw, dict):
            return raw
        kind, form = raw.get("eventType"), raw.get("bookingFieldsResponses")
        guests, people = raw.get("guests"), raw.get("attendees")
        return {
            **raw,
            "event_type": kind.get("id") if isinstance(kind, dict) else raw.get("eventTypeId"),
            "hosts": readable(Host, raw.get("hosts") or []),
            "attendees": readable(Attendee, people if isinstance(people, list) else []),
            "guests": [one for one in guests if isinstance(one, str)] if isinstance(guests, list) else [],
            "answers": _answers(form),
            "description": raw.get("description") or None,
            "location": raw.get("location") or raw.get("meetingUrl") or None,
            "reason": raw.get("cancellationReason") or raw.get("reschedulingReason"),
            "series": bool(raw.get("recurringBookingUid")),
        }


def _answers(form: Any) -> list[Answer]:
    """Return the answers of a booking form that is {slug: value}."""
    if not isinstance(form, dict):
        return []
    values = {slug: value for slug, value in form.items() if slug not in GIVEN and value not in (None, "", [], {})}
    return [
        Answer(question=slug, answer=", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for slug, value in values.items()
    ]


class Booked(Timed):
    """What became of a booking: https://cal.com/docs/api-reference/v2/bookings/create-a-booking"""

    uid: str
    title: UntrustedText | None = None
    status: str = Field(description="accepted, pending, cancelled or rejected")
    start_time: AwareDatetime = Field(alias="start")
    end_time: AwareDatetime = Field(alias="end")
    location: UntrustedText | None = None
    notified: list[str] = Field(default_factory=list, description="Who gets an e-mail or a text message from Cal.com")
    further: list[str] = Field(default_factory=list, description="Uids of the later meetings of a series")


class SchedulingLink(Model):
    """https://cal.com/docs/api-reference/v2/event-types-private-links/create-a-private-link-for-an-event-type"""

    booking_url: str = Field(alias="bookingUrl")


class NoShow(Model):
    """https://cal.com/docs/api-reference/v2/bookings/mark-a-booking-absence"""

    marked: bool
    attendee: str
    booking: str


class BusyTime(Timed):
    """https://cal.com/docs/api-reference/v2/calendars/get-busy-times"""

    start_time: AwareDatetime = Field(alias="start")
    end_time: AwareDatetime = Field(alias="end")
    source: str | None = Field(None, description="The calendar that it comes from")


class Hours(Model):
    """The hours of one weekday or date, such as 09:00-17:00; none: nothing can be booked then."""

    day: str
    hours: list[str] = Field(default_factory=list)


class Schedule(Model):
    """https://cal.com/docs/api-reference/v2/schedules/get-all-schedules"""

    id: str
    name: str | None = None
    default: bool = Field(False, alias="isDefault")
    timezone: str | None = Field(None, alias="timeZone", description="The zone of the hours")
    days: list[Hours] = Field(default_factory=list)


class Team(Model):
    """https://cal.com/docs/api-reference/v2/teams/get-teams"""

    id: str
    name: str
    slug: str | None = None
    timezone: str | None = Field(None, alias="timeZone")


class Member(Model):
    """https://cal.com/docs/api-reference/v2/teams-memberships/get-all-memberships"""

    name: str | None = None
    email: str
    username: str | None = None
    role: str | None = None
    accepted: bool = True

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, membership: Any) -> Any:
        """Take the user out of the membership."""
        user = membership.get("user") if isinstance(membership, dict) else None
        if not isinstance(user, dict):
            return membership
        return {**user, "role": membership.get("role"), "accepted": bool(membership.get("accepted", True))}


class Webhook(Model):
    """https://cal.com/docs/api-reference/v2/webhooks/get-all-webhooks"""

    id: str
    url: str = Field(alias="subscriberUrl")
    active: bool = True
    events: list[str] = Field(default_factory=list, alias="triggers")
    signed: bool = Field(False, description="Whether its messages are signed with a secret")

    @model_validator(mode="before")
    @classmethod
    def _signed(cls, raw: Any) -> Any:
        """Say that there is a secret, and leave it out."""
        return {**raw, "signed": bool(raw.get("secret"))} if isinstance(raw, dict) else raw

"""What Calendly's objects look like here: the fields that a scheduling conversation needs, ids and links kept."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, Timed, UntrustedText, readable


class User(Model):
    """https://developer.calendly.com/api-docs/calendly-api/users/get-current-user"""

    uri: str
    name: str
    email: str
    scheduling_url: str
    timezone: str
    current_organization: str


class Member(Model):
    """https://developer.calendly.com/api-docs/calendly-api/organizations/list-organization-memberships"""

    uri: str
    name: str
    email: str
    role: str | None = None
    timezone: str | None = None
    scheduling_url: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, membership: Any) -> Any:
        """Take the user out of the membership."""
        user = membership.get("user") if isinstance(membership, dict) else None
        return {**user, "role": membership.get("role")} if isinstance(user, dict) else membership


class EventType(Model):
    """https://developer.calendly.com/api-docs/calendly-api/event-types/list-event-types"""

    uri: str
    name: str | None = None
    active: bool
    duration: float = Field(description="Minutes")
    scheduling_url: str
    description: UntrustedText | None = Field(None, alias="description_plain")
    owner: str | None = Field(None, description="The person or team whose event type it is")

    @model_validator(mode="before")
    @classmethod
    def _owned(cls, raw: Any) -> Any:
        profile = raw.get("profile") if isinstance(raw, dict) else None
        return {**raw, "owner": profile.get("name")} if isinstance(profile, dict) else raw


class Question(Model):
    """One question of a booking form. `number` is its place on the form, from 0."""

    number: int = Field(alias="position")
    question: UntrustedText = Field(alias="name")
    type: str
    required: bool = False
    choices: list[str] = Field(default_factory=list, alias="answer_choices")
    other_allowed: bool = Field(False, alias="include_other")


class Place(Model):
    """Where meetings of an event type can take place."""

    kind: str
    location: str | None = None
    phone_number: str | None = None
    additional_info: str | None = None


class EventTypeDetails(EventType):
    """https://developer.calendly.com/api-docs/calendly-api/event-types/get-event-type"""

    pooling_type: str | None = None
    questions: list[Question] = Field(default_factory=list)
    places: list[Place] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, raw: Any) -> Any:
        """Read the lists, which are null where there is nothing; questions that are switched off are left out."""
        if not isinstance(raw, dict):
            return raw
        asked = [one for one in raw.get("custom_questions") or [] if not isinstance(one, dict) or one.get("enabled")]
        places = readable(Place, raw.get("locations") or [])
        return {**raw, "questions": readable(Question, asked), "places": places}


class Slot(Timed):
    """https://developer.calendly.com/api-docs/calendly-api/event-types/list-event-type-available-times"""

    start_time: AwareDatetime
    invitees_remaining: int | None = None
    scheduling_url: str | None = None


class Host(Model):
    """A member of the organization who takes part in a meeting."""

    uri: str = Field(alias="user")
    name: str | None = Field(None, alias="user_name")
    email: str | None = Field(None, alias="user_email")


class Event(Timed):
    """https://developer.calendly.com/api-docs/calendly-api/scheduled-events/get-event"""

    uri: str
    name: UntrustedText | None = None
    status: str
    start_time: AwareDatetime
    end_time: AwareDatetime
    location: UntrustedText | None = None
    invitees: int = Field(0, description="Those who have not cancelled")
    guests: list[str] = Field(default_factory=list, description="Addresses of people whom an invitee added")
    hosts: list[Host] = Field(default_factory=list)
    event_type: str | None = None
    canceled_by: UntrustedText | None = None
    cancel_reason: UntrustedText | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, event: Any) -> Any:
        """Take the nested objects apart: a location is a kind with one telling field."""
        if not isinstance(event, dict):
            return event
        place, end = event.get("location") or {}, event.get("cancellation")
        address = (
            place.get("join_url") or place.get("location") or place.get("type") if isinstance(place, dict) else place
        )
        guests = [one.get("email") for one in event.get("event_guests") or [] if isinstance(one, dict)]
        return {
            **event,
            "location": address,
            "invitees": (event.get("invitees_counter") or {}).get("active", 0),
            "guests": [email for email in guests if isinstance(email, str)],
            "hosts": readable(Host, event.get("event_memberships") or []),
            **({"canceled_by": end.get("canceled_by"), "cancel_reason": end.get("reason")} if end else {}),
        }


class Answer(Model):
    """One question of the booking form, and what the invitee answered."""

    question: UntrustedText
    answer: UntrustedText
    position: int = Field(0, exclude=True)


class Invitee(Model):
    """https://developer.calendly.com/api-docs/calendly-api/scheduled-events/list-event-invitees"""

    uri: str
    name: UntrustedText
    email: str
    status: str
    timezone: str | None = None
    answers: list[Answer] = Field(default_factory=list, alias="questions_and_answers")
    rescheduled: bool = Field(False, description="Whether the invitee moved to another meeting")
    no_show: bool = False
    payment: str | None = None
    reschedule_url: str | None = Field(None, description="With this the invitee moves the meeting")
    cancel_url: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, invitee: Any) -> Any:
        """Say in one field each whether the invitee missed the meeting, and what was paid."""
        if not isinstance(invitee, dict):
            return invitee
        paid = invitee.get("payment")
        amount = f"{paid.get('amount')} {paid.get('currency')}" if isinstance(paid, dict) else None
        state = ("" if paid.get("successful") else ", failed") if isinstance(paid, dict) else ""
        return {
            **invitee,
            "questions_and_answers": readable(Answer, invitee.get("questions_and_answers") or []),
            "rescheduled": bool(invitee.get("rescheduled")),
            "no_show": bool(invitee.get("no_show")),
            "payment": amount and amount + state,
        }


class Booking(Timed):
    """A booking: https://developer.calendly.com/api-docs/calendly-api/scheduled-events/create-event-invitee"""

    event: str = Field(description="The uri of the meeting")
    invitee: str | None = Field(None, alias="uri", description="The uri of the invitee")
    event_type: str | None = None
    start_time: AwareDatetime
    name: UntrustedText | None = None
    email: str
    notified: list[str] = Field(default_factory=list, description="Who gets an e-mail from Calendly")
    reschedule_url: str | None = None
    cancel_url: str | None = None


class Cancellation(Model):
    """https://developer.calendly.com/api-docs/calendly-api/scheduled-events/cancel-event"""

    canceled_by: str | None = None
    reason: UntrustedText | None = None


class SchedulingLink(Model):
    """https://developer.calendly.com/api-docs/calendly-api/scheduling-links/create-scheduling-link"""

    booking_url: str


class NoShow(Timed):
    """https://developer.calendly.com/api-docs/calendly-api/scheduled-events/create-invitee-no-show"""

    marked: bool = True
    uri: str | None = None
    created_at: AwareDatetime | None = None


class BusyTime(Timed):
    """https://developer.calendly.com/api-docs/calendly-api/availability/list-user-busy-times"""

    type: str = Field(description="calendly, or external for another calendar")
    start_time: AwareDatetime
    end_time: AwareDatetime
    event: str | None = Field(None, description="The uri of the Calendly meeting")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        event = raw.get("event") if isinstance(raw, dict) else None
        return {**raw, "event": event.get("uri")} if isinstance(event, dict) else raw


class Hours(Model):
    """The hours of one weekday or date, such as 09:00-17:00; none: nothing can be booked then."""

    day: str
    hours: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, rule: Any) -> Any:
        if not isinstance(rule, dict):
            return rule
        spans = [one for one in rule.get("intervals") or [] if isinstance(one, dict)]
        return {"day": rule.get("wday") or rule.get("date"), "hours": [f"{s.get('from')}-{s.get('to')}" for s in spans]}


class Schedule(Model):
    """https://developer.calendly.com/api-docs/calendly-api/availability/list-user-availability-schedules"""

    uri: str
    name: str | None = None
    default: bool = False
    timezone: str | None = Field(None, description="The zone of the hours")
    days: list[Hours] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, "days": readable(Hours, raw.get("rules") or [])} if isinstance(raw, dict) else raw

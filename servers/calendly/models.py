"""What Calendly's objects look like here: the fields that a scheduling conversation needs, ids and links kept."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText


class User(Model):
    """https://developer.calendly.com/api-docs/005832c83aeae-get-current-user"""

    uri: str
    name: str
    email: str
    scheduling_url: str
    timezone: str
    current_organization: str


class EventType(Model):
    """https://developer.calendly.com/api-docs/25a4ece03c1bc-list-user-s-event-types"""

    uri: str
    name: str | None = None
    active: bool
    duration: float = Field(description="Minutes")
    scheduling_url: str
    description: UntrustedText | None = Field(None, alias="description_plain")


class Slot(Model):
    """https://developer.calendly.com/api-docs/6a1be82aef359-list-event-type-available-times"""

    start_time: AwareDatetime
    invitees_remaining: int | None = None
    scheduling_url: str | None = None


class Event(Model):
    """https://developer.calendly.com/api-docs/e2f95ebd44914-get-event; `invitees` counts the active ones."""

    uri: str
    name: UntrustedText | None = None
    status: str
    start_time: AwareDatetime
    end_time: AwareDatetime
    location: UntrustedText | None = None
    invitees: int = 0

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, event: Any) -> Any:
        """Take the two nested objects apart: a location is a kind with one telling field."""
        if not isinstance(event, dict):
            return event
        place = event.get("location") or {}
        address = (
            place.get("join_url") or place.get("location") or place.get("type") if isinstance(place, dict) else place
        )
        return {**event, "location": address, "invitees": (event.get("invitees_counter") or {}).get("active", 0)}


class Answer(Model):
    """One question of the booking form."""

    question: UntrustedText
    answer: UntrustedText


class Invitee(Model):
    """https://developer.calendly.com/api-docs/eb8ee72701f99-list-event-invitees"""

    uri: str
    name: UntrustedText
    email: str
    status: str
    timezone: str | None = None
    answers: list[Answer] = Field(default_factory=list, alias="questions_and_answers")
    reschedule_url: str | None = Field(None, description="Send this to the invitee to move the meeting")
    cancel_url: str | None = None


class Cancellation(Model):
    """https://developer.calendly.com/api-docs/afb2e9fe3a0a0-cancel-event"""

    canceled_by: str | None = None
    reason: UntrustedText | None = None


class SchedulingLink(Model):
    """https://developer.calendly.com/api-docs/4b8195084e287-create-single-use-scheduling-link"""

    booking_url: str


class NoShow(Model):
    """https://developer.calendly.com/api-docs/cebd8c3170790-create-invitee-no-show"""

    uri: str
    created_at: AwareDatetime

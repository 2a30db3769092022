"""What events look like here: local times with their offset beside UTC, days as days, and the last day included."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flotilla import Model, Untrusted
from pydantic import Field, model_validator

from .times import DAY, received, utc


class Calendar(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendarList"""

    id: str
    name: Untrusted
    timezone: str | None = Field(None, alias="timeZone")
    role: str = Field(alias="accessRole")
    primary: bool = False

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        return {**raw, "name": raw.get("summaryOverride") or raw.get("summary") or raw["id"]} if "kind" in raw else raw


class Guest(Model):
    """One attendee."""

    email: str
    name: Untrusted | None = Field(None, alias="displayName")
    response: str = Field("needsAction", alias="responseStatus")


class Line(Model):
    """An event in a list: https://developers.google.com/workspace/calendar/api/v3/reference/events"""

    id: str
    title: Untrusted = ""
    start: str = Field(description="Local, or a day")
    end: str
    start_utc: str | None = None
    end_utc: str | None = None
    location: Untrusted | None = None
    guests: int = 0
    series: str | None = Field(None, alias="recurringEventId", description="id of the whole series")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**flat(raw), "guests": len(raw.get("attendees", ()))} if isinstance(raw.get("start"), dict) else raw


class Event(Model):
    """A whole event."""

    id: str
    url: str | None = Field(None, alias="htmlLink")
    title: Untrusted = ""
    status: str | None = None
    start: str = Field(description="Local, or a day")
    end: str
    start_utc: str | None = None
    end_utc: str | None = None
    timezone: str | None = None
    location: Untrusted | None = None
    description: Untrusted | None = None
    organizer: str | None = None
    guests: list[Guest] = Field(default_factory=list, alias="attendees")
    recurrence: list[str] | None = None
    series: str | None = Field(None, alias="recurringEventId", description="id of the whole series")
    meet_url: str | None = Field(None, alias="hangoutLink")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw.get("start"), dict):
            return raw
        guests = [g for g in raw.get("attendees", ()) if g.get("email")]
        organizer = (raw.get("organizer") or {}).get("email")
        return {**flat(raw), "attendees": guests, "organizer": organizer, "timezone": raw["start"].get("timeZone")}


class Booked(Model):
    """What a change left."""

    id: str
    url: str | None = Field(None, alias="htmlLink")
    start: str
    end: str
    start_utc: str | None = None
    end_utc: str | None = None
    meet_url: str | None = Field(None, alias="hangoutLink")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return flat(raw) if isinstance(raw.get("start"), dict) else raw


class Cancelled(Model):
    """What is no more."""

    cancelled: str


class Free(Model):
    """A stretch in which everybody is free."""

    start: str
    end: str
    start_utc: str
    end_utc: str


class Busy(Model):
    """A stretch in which one calendar is not."""

    calendar: str
    start: str
    end: str


class Availability(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/freebusy"""

    free: list[Free] = Field(description="Any start inside does")
    busy: list[Busy]
    unreadable: list[str] = Field(description="Calendars that may not be seen: not counted")


def flat(raw: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the API with title and times as they are shown."""
    start, end = received(raw["start"]), received(raw["end"])
    found = {**raw, "title": raw.get("summary", ""), "start": start.isoformat()}
    if isinstance(start, datetime) and isinstance(end, datetime):
        return {**found, "end": end.isoformat(), "start_utc": utc(start), "end_utc": utc(end)}
    return {**found, "end": max(start, end - DAY).isoformat()}

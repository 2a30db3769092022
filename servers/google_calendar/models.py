"""What events look like here: local times with their offset beside UTC, days as days, and the last day included."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from flotilla import Model, UntrustedText

from .times import DAY, received, utc


class Calendar(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendarList"""

    id: str
    name: UntrustedText
    timezone: str | None = Field(None, alias="timeZone")
    role: str = Field(alias="accessRole")
    primary: bool = False

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        return {**raw, "name": raw.get("summaryOverride") or raw.get("summary") or raw["id"]} if "kind" in raw else raw


class CalendarInfo(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendars"""

    id: str
    name: UntrustedText = Field("", alias="summary")
    timezone: str | None = Field(None, alias="timeZone")
    location: UntrustedText | None = None


class Line(Model):
    """An event in a list: https://developers.google.com/workspace/calendar/api/v3/reference/events"""

    id: str
    title: UntrustedText = ""
    start: str
    end: str
    utc: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return flat(raw)


class Event(Model):
    """A whole event. `utc` is start/end once more; a day has none. `guests`: address and answer."""

    id: str = ""
    url: str | None = Field(None, alias="htmlLink")
    title: UntrustedText = ""
    start: str = ""
    end: str = ""
    utc: str | None = None
    timezone: str | None = None
    location: UntrustedText | None = None
    description: UntrustedText | None = None
    guests: list[str] = Field(default_factory=list)
    recurrence: str | None = None
    series: str | None = Field(None, alias="recurringEventId")
    meet_url: str | None = Field(None, alias="hangoutLink")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        told = {
            "recurrence": "\n".join(raw.get("recurrence", ())) or None,
            "timezone": (raw.get("start") or {}).get("timeZone"),
        }
        guests = [
            f"{g['email']} {g.get('responseStatus', 'needsAction')}" for g in raw.get("attendees", ()) if "email" in g
        ]
        return {**flat(raw), **told, "guests": guests}


class Booked(Model):
    """What a change left."""

    id: str
    url: str | None = Field(None, alias="htmlLink")
    start: str
    utc: str | None = None
    meet_url: str | None = Field(None, alias="hangoutLink")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return flat(raw)


class Cancelled(Model):
    """What is no more."""

    cancelled: str


class Answered(Model):
    """An answer to an invitation."""

    event: str
    response: str


class Free(Model):
    """A stretch in which everybody is free."""

    start: str
    end: str
    utc: str


class Availability(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/freebusy"""

    free: list[Free]
    unreadable: list[str]
    more_after: str | None = None  # as `after` of another call


def flat(raw: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the API with title and times as they are shown."""
    if not isinstance(raw.get("start"), dict) or not isinstance(raw.get("end"), dict):
        raise ValueError("it is no event: it has no start and end")
    start, end = received(raw["start"]), received(raw["end"])
    found = {**raw, "title": raw.get("summary", ""), "start": start.isoformat()}
    if isinstance(start, datetime) and isinstance(end, datetime):
        return {**found, "end": end.isoformat(), "utc": f"{utc(start)}/{utc(end)}"}
    return {**found, "end": max(start, end - DAY).isoformat()}

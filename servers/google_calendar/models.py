"""What events look like here: local times with their offset beside UTC, days as days, and the last day included."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText
from flotilla.parsing import Moment, to_utc
from flotilla.parsing.times import DAY

CODES = {"pin": "PIN", "accessCode": "code", "meetingCode": "code", "passcode": "passcode", "password": "password"}


class Calendar(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendarList"""

    id: str
    name: UntrustedText
    timezone: str | None = Field(None, alias="timeZone")
    role: str = Field("", alias="accessRole")
    primary: bool = False

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "kind" not in raw:
            return raw
        return {**raw, "name": raw.get("summaryOverride") or raw.get("summary") or raw["id"]}


class CalendarInfo(Model):
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendars"""

    id: str
    name: UntrustedText = Field("", alias="summary")
    timezone: str | None = Field(None, alias="timeZone")
    location: UntrustedText | None = None


class Line(Model):
    """An event in a list: https://developers.google.com/workspace/calendar/api/v3/reference/events

    `status` stands there unless it is confirmed; `response` is the account's own answer, where it is a guest. `kind` is
    workingLocation, outOfOffice, focusTime, birthday or fromGmail, none for a usual event.
    """

    id: str
    title: UntrustedText = ""
    start: str
    end: str
    utc: str | None = None
    status: str | None = None
    response: str | None = None
    location: UntrustedText | None = None
    kind: str | None = None
    series: str | None = Field(None, alias="recurringEventId")

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
    status: str | None = None
    response: str | None = None
    location: UntrustedText | None = None
    description: UntrustedText | None = None
    organizer: UntrustedText | None = None
    guests: list[UntrustedText] = Field(default_factory=list)
    recurrence: str | None = None
    series: str | None = Field(None, alias="recurringEventId")
    reminders: list[int] | None = None
    visibility: str | None = None
    kind: str | None = None
    meet_url: str | None = None
    dial_in: list[str] = Field(default_factory=list)
    attachments: list[UntrustedText] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        shown = flat(raw)
        organizer = _object(raw.get("organizer"))
        return {
            **shown,
            "recurrence": "\n".join(raw.get("recurrence") or ()) or None,
            "guests": [_guest(one) for one in guests_of(raw)],
            "reminders": _reminders(raw),
            "organizer": organizer.get("email") or organizer.get("displayName"),
            "dial_in": [_entry(one) for one in _entries(raw) if one.get("entryPointType") != "video"],
            "attachments": [
                f"{one.get('title') or ''} {one['fileUrl']}".strip()
                for one in _objects(raw.get("attachments"))
                if one.get("fileUrl")
            ],
        }


class Booked(Model):
    """What a change left. `notified` says which guests get an e-mail; `earlier` is the series of what was before."""

    id: str
    url: str | None = Field(None, alias="htmlLink")
    start: str
    utc: str | None = None
    timezone: str | None = None
    meet_url: str | None = None
    notified: str | None = None
    earlier: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return flat(raw)


class BookedSeveral(Model):
    """Events that were booked, and those that were not, each with the reason."""

    events: list[Booked] = Field(default_factory=list)
    failed: list[str] = Field(default_factory=list)


class Cancelled(Model):
    """The id of what was cancelled; of a series, from when on."""

    cancelled: str
    from_start: str | None = None
    notified: str | None = None


class Answered(Model):
    """An answer to an invitation."""

    event: str
    response: str
    notified: str | None = None


class Busy(Model):
    """A stretch in which somebody is busy."""

    start: AwareDatetime
    end: AwareDatetime


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


def moment_of(raw: Mapping[str, Any]) -> Moment:
    """Return a moment as the API gives it."""
    if raw.get("date"):
        return date.fromisoformat(raw["date"])
    return datetime.fromisoformat(raw["dateTime"])


def guests_of(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the guests of an event of the API who have an address."""
    return [one for one in _objects(raw.get("attendees")) if one.get("email")]


def flat(raw: Any) -> dict[str, Any]:
    """Return an event of the API with title, times and answers as they are shown; raises ValueError for none."""
    if not isinstance(raw, dict) or not isinstance(raw.get("start"), dict) or not isinstance(raw.get("end"), dict):
        raise ValueError("it has no start and end")
    start, end = moment_of(raw["start"]), moment_of(raw["end"])
    video = next((one.get("uri") for one in _entries(raw) if one.get("entryPointType") == "video"), None)
    result = {
        **raw,
        "title": raw.get("summary") or "",
        "start": start.isoformat(),
        "timezone": raw["start"].get("timeZone"),
        "status": None if raw.get("status") == "confirmed" else raw.get("status"),
        "response": next((one.get("responseStatus") for one in guests_of(raw) if one.get("self")), None),
        "location": raw.get("location") or _working_place(raw),
        "kind": None if raw.get("eventType") == "default" else raw.get("eventType"),
        "visibility": None if raw.get("visibility") == "default" else raw.get("visibility"),
        "meet_url": raw.get("hangoutLink") or video,
    }
    if isinstance(start, datetime) and isinstance(end, datetime):
        return {**result, "end": end.isoformat(), "utc": f"{to_utc(start)}/{to_utc(end)}"}
    return {**result, "end": max(start, end - DAY).isoformat()}


def _working_place(raw: Mapping[str, Any]) -> str | None:
    """Return where somebody works, of an event of that kind."""
    place = _object(raw.get("workingLocationProperties"))
    labels = [_object(place.get(name)).get("label") for name in ("customLocation", "officeLocation")]
    return next((label for label in labels if label), "home" if place.get("type") == "homeOffice" else None)


def _reminders(raw: Mapping[str, Any]) -> list[int] | None:
    """Return how many minutes before the start the account is reminded; None for what the calendar does by default."""
    reminders = _object(raw.get("reminders"))
    if reminders.get("useDefault", True):
        return None
    return [one["minutes"] for one in _objects(reminders.get("overrides")) if isinstance(one.get("minutes"), int)]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value or () if isinstance(one, Mapping)]


def _entries(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in _objects(_object(raw.get("conferenceData")).get("entryPoints")) if one.get("uri")]


def _entry(one: Mapping[str, Any]) -> str:
    codes = [f"{word} {one[name]}" for name, word in CODES.items() if one.get(name)]
    return ", ".join([f"{one.get('entryPointType') or 'more'} {one.get('label') or one['uri']}", *codes])


def _guest(one: Mapping[str, Any]) -> str:
    optional = " (optional)" if one.get("optional") else ""
    comment = f": {one['comment']}" if one.get("comment") else ""
    return f"{one['email']} {one.get('responseStatus') or 'needsAction'}{optional}{comment}"

"""What events look like here: local times with their offset beside UTC, days as days, and the last day included."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import AliasPath, AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText
from flotilla.parsing import Moment, to_utc
from flotilla.parsing.times import DAY
from flotilla_servers._microsoft import iana_zone

from .recurrence import rule_of

UTC = ZoneInfo("UTC")
ANSWERS = {
    "accepted": "accepted",
    "declined": "declined",
    "tentativelyAccepted": "tentative",
    "notResponded": "needsAction",
}  # the account's own; Graph's other values are of organizers
KINDS = {"oof": "outOfOffice", "workingElsewhere": "workingElsewhere", "free": "free"}
LINE = (
    *("id", "subject", "start", "end", "isAllDay", "isCancelled", "showAs", "responseStatus", "location"),
    *("seriesMasterId", "categories", "type"),
)


class Calendar(Model):
    """https://learn.microsoft.com/graph/api/resources/calendar"""

    id: str
    name: UntrustedText = ""
    primary: bool = Field(False, alias="isDefaultCalendar")
    can_edit: bool = Field(False, alias="canEdit")
    owner: UntrustedText | None = Field(None, validation_alias=AliasPath("owner", "address"))


class Category(Model):
    """https://learn.microsoft.com/graph/api/resources/outlookcategory"""

    id: str
    name: UntrustedText = Field("", alias="displayName")
    color: str | None = None


class AccountInfo(Model):
    """The connected account. `kind` is work or personal; `limits` is what it cannot do."""

    name: UntrustedText = ""
    address: str = ""
    kind: str
    timezone: str
    limits: str | None = None


class Line(Model):
    """An event in a list: https://learn.microsoft.com/graph/api/resources/event

    `status` stands there unless it is confirmed; `response` is the account's own answer, where it is a guest. `kind` is
    outOfOffice, workingElsewhere or free, none for a usual event.
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
    categories: list[UntrustedText] = Field(default_factory=list)
    series: str | None = Field(None, alias="seriesMasterId")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return flat(raw)


class Event(Model):
    """A whole event. `utc` is start/end once more; a day has none. `guests`: address and answer."""

    id: str = ""
    url: str | None = Field(None, alias="webLink")
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
    rooms: list[UntrustedText] = Field(default_factory=list)
    recurrence: str | None = None
    series: str | None = Field(None, alias="seriesMasterId")
    reminder: int | None = None
    visibility: str | None = None
    kind: str | None = None
    categories: list[UntrustedText] = Field(default_factory=list)
    meet_url: str | None = None
    dial_in: list[str] = Field(default_factory=list)
    attachments: list[UntrustedText] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        shown = flat(raw)
        body, organizer = _object(raw.get("body")), _email(raw.get("organizer"))
        people = guests_of(raw)
        return {
            **shown,
            "recurrence": rule_of(raw.get("recurrence")),
            "description": str(body.get("content") or "").strip() or None,
            "organizer": organizer.get("address") or organizer.get("name"),
            "guests": [_guest(one) for one in people if one.get("type") != "resource"],
            "rooms": [_guest(one) for one in people if one.get("type") == "resource"],
            "reminder": raw.get("reminderMinutesBeforeStart") if raw.get("isReminderOn") else None,
            "visibility": None if raw.get("sensitivity") in (None, "normal") else raw["sensitivity"],
            "dial_in": _dial_in(raw),
            "attachments": raw.get("attachments") or [],
        }


class Booked(Model):
    """What a change left. `notified` says who gets an e-mail; `earlier` is the series of what was before."""

    id: str
    url: str | None = Field(None, alias="webLink")
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
    proposed: str | None = None
    notified: str | None = None


class Forwarded(Model):
    """Who got the invitation."""

    event: str
    to: list[str] = Field(default_factory=list)


class Busy(Model):
    """A stretch in which somebody is busy."""

    start: AwareDatetime
    end: AwareDatetime
    status: str = "busy"

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise ValueError("it is not a stretch of time")
        sides = {side: time_of(_object(raw.get(side))) for side in ("start", "end")}
        return {**sides, "status": str(raw.get("status") or raw.get("showAs") or "busy")}

    @property
    def counts(self) -> bool:
        """True where the time is taken."""
        return self.status not in ("free", "workingElsewhere")


class Free(Model):
    """A stretch in which everybody is free."""

    start: str
    end: str
    utc: str


class Availability(Model):
    """https://learn.microsoft.com/graph/api/calendar-getschedule"""

    free: list[Free]
    unreadable: list[UntrustedText]
    more_after: str | None = None  # as `after` of another call


class Suggestion(Model):
    """A time that Outlook proposes. `confidence` is in percent; `not_free`: who is not free then, and how."""

    start: str
    end: str
    utc: str
    confidence: float | None = None
    reason: UntrustedText | None = None
    not_free: list[UntrustedText] = Field(default_factory=list)


class Suggestions(Model):
    """https://learn.microsoft.com/graph/api/user-findmeetingtimes"""

    times: list[Suggestion]
    why_none: str | None = None


class Room(Model):
    """https://learn.microsoft.com/graph/api/resources/room"""

    name: UntrustedText = Field("", alias="displayName")
    address: str = Field(alias="emailAddress")
    seats: int | None = Field(None, alias="capacity")
    building: UntrustedText | None = None
    floor: UntrustedText | None = Field(None, alias="floorLabel")
    phone: str | None = None
    video: UntrustedText | None = Field(None, alias="videoDeviceName")
    accessible: bool | None = Field(None, alias="isWheelChairAccessible")
    free: bool | None = None


def time_of(side: Mapping[str, Any]) -> datetime:
    """Return a time as Graph gives it: by the clock on the wall, with the name of its zone; raises ValueError."""
    clock = datetime.fromisoformat(str(side.get("dateTime") or "")[:19])
    return clock.replace(tzinfo=iana_zone(side.get("timeZone"), UTC))


def moment_of(raw: Mapping[str, Any], side: str) -> Moment:
    """Return the start or end of an event, a day for one that lasts all day."""
    moment = _object(raw.get(side))
    if raw.get("isAllDay"):
        return date.fromisoformat(str(moment.get("dateTime") or "")[:10])
    return time_of(moment)


def own_zone(raw: Mapping[str, Any], default: ZoneInfo) -> ZoneInfo:
    """Return the time zone that an event was booked in, in which it repeats."""
    return iana_zone(raw.get("originalStartTimeZone"), default)


def guests_of(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the attendees of an event of the API who have an address, rooms too, without its organizer."""
    organizer = str(_email(raw.get("organizer")).get("address") or "").casefold()
    people = [one for one in _objects(raw.get("attendees")) if _email(one).get("address")]
    return [one for one in people if str(_email(one)["address"]).casefold() != organizer]


def flat(raw: Any) -> dict[str, Any]:
    """Return an event of the API with title, times and answers as they are shown; raises ValueError for none."""
    if not isinstance(raw, dict) or not isinstance(raw.get("start"), dict) or not isinstance(raw.get("end"), dict):
        raise ValueError("it has no start and end")
    start, end = moment_of(raw, "start"), moment_of(raw, "end")
    tentative = "tentative" if raw.get("showAs") == "tentative" else None
    result = {
        **raw,
        "title": raw.get("subject") or "",
        "start": start.isoformat(),
        "timezone": own_zone(raw, UTC).key if raw.get("originalStartTimeZone") else None,
        "status": "cancelled" if raw.get("isCancelled") else tentative,
        "response": ANSWERS.get(str(_object(raw.get("responseStatus")).get("response"))),
        "location": _object(raw.get("location")).get("displayName") or None,
        "kind": KINDS.get(str(raw.get("showAs"))),
        "categories": [one for one in raw.get("categories") or () if isinstance(one, str)],
        "meet_url": _object(raw.get("onlineMeeting")).get("joinUrl") or raw.get("onlineMeetingUrl"),
    }
    if isinstance(start, datetime) and isinstance(end, datetime):
        return {**result, "end": end.isoformat(), "utc": f"{to_utc(start)}/{to_utc(end)}"}
    return {**result, "end": max(start, end - DAY).isoformat()}


def _email(person: Any) -> Mapping[str, Any]:
    return _object(_object(person).get("emailAddress"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value or () if isinstance(one, Mapping)]


def _dial_in(raw: Mapping[str, Any]) -> list[str]:
    meeting = _object(raw.get("onlineMeeting"))
    numbers = [meeting.get("tollNumber"), *(meeting.get("tollFreeNumbers") or ())]
    code = f", conference ID {meeting['conferenceId']}" if meeting.get("conferenceId") else ""
    return [f"phone {number}{code}" for number in dict.fromkeys(numbers) if number]


def _guest(one: Mapping[str, Any]) -> str:
    answer = ANSWERS.get(str(_object(one.get("status")).get("response")), "needsAction")
    optional = " (optional)" if one.get("type") == "optional" else ""
    proposed = _object(one.get("proposedNewTime"))
    better = f", proposes {time_of(_object(proposed.get('start'))).isoformat()}" if proposed.get("start") else ""
    return f"{_email(one)['address']} {answer}{optional}{better}"

"""Parts of an event as Graph wants them, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import Address, When
from flotilla.parsing import Moment, span
from flotilla_servers._microsoft import windows_name

from .models import moment_of

# Where Outlook puts the link of an online meeting into the text: losing it would end the meeting being online.
_MEETING = re.compile(r"<(?:div|p|span)[^>]*>(?:\s|<[^>]*>)*_{20,}|<div[^>]*me-email-text", re.IGNORECASE)


def attendee(address: Address, kind: str = "required") -> dict[str, Any]:
    """Return somebody who is invited: required, optional, or a room as resource."""
    email = {"address": address.address, **({"name": address.name} if address.name else {})}
    return {"emailAddress": email, "type": kind}


def new_event(
    title: str,
    begins: Moment,
    ends: Moment,
    zone: ZoneInfo,
    guests: Iterable[Address] | None,
    location: str | None,
    description: str | None,
) -> dict[str, Any]:
    """Return an event that is to be booked; it repeats, if it does, by the clock of `zone`."""
    body: dict[str, Any] = {
        "subject": title,
        **times(begins, ends, zone),
        "attendees": [attendee(address) for address in guests or ()] or None,
        "location": {"displayName": location} if location else None,
        "body": {"contentType": "text", "content": description} if description else None,
    }
    return {name: value for name, value in body.items() if value is not None}


def booked_span(start: When, end: When | None, zone: ZoneInfo) -> tuple[Moment, Moment]:
    """Return the start and the exclusive end of an event; local times are read in `zone`."""
    return span(start.moment(zone), end.moment(zone) if end else None)


def times(begins: Moment, ends: Moment, zone: ZoneInfo) -> dict[str, Any]:
    """Return start, end and whether it lasts all day, by the clock of a zone."""
    return {
        "start": event_time(begins, zone),
        "end": event_time(ends, zone),
        "isAllDay": not isinstance(begins, datetime),
    }


def event_time(moment: Moment, zone: ZoneInfo) -> dict[str, str]:
    """Return a moment as Graph takes it: the clock on the wall, and the zone of the clock."""
    if isinstance(moment, datetime):
        wall = moment.astimezone(zone).replace(tzinfo=None)
    else:
        wall = datetime.combine(moment, datetime.min.time())
    return {"dateTime": wall.isoformat(timespec="seconds"), "timeZone": windows_name(zone)}


def moved(old: Mapping[str, Any], start: When | None, end: When | None, zone: ZoneInfo) -> tuple[Moment, Moment]:
    """Return new start and end of an event; with a start alone it keeps its length. Local times are read in `zone`."""
    was, until = moment_of(old, "start"), moment_of(old, "end")
    begins = start.moment(zone) if start else was
    same_kind = isinstance(begins, datetime) is isinstance(was, datetime)
    length: timedelta | None = (until - was) if same_kind else None
    return span(begins, end.moment(zone) if end else None, length)


def changed_guests(
    old: Sequence[Mapping[str, Any]], added: Iterable[Mapping[str, Any]], removed: Iterable[Address]
) -> list[dict[str, Any]]:
    """Return the attendees of an event after a change: the API replaces the whole list."""
    gone = {address.key for address in removed}
    present = [
        {"emailAddress": one["emailAddress"], "type": one.get("type") or "required"}
        for one in old
        if key_of(one) and key_of(one) not in gone
    ]
    known = {key_of(one) for one in present}
    return present + [dict(one) for one in added if key_of(one) not in known]


def room_guests(rooms: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rooms as they are invited."""
    return [attendee(Address(one["emailAddress"], one["displayName"]), "resource") for one in rooms]


def room_places(rooms: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rooms as the places of an event."""
    return [{"displayName": one["displayName"], "locationEmailAddress": one["emailAddress"]} for one in rooms]


def key_of(attendee: Mapping[str, Any]) -> str:
    """Return what an attendee is known by, "" for one without an address."""
    email = attendee.get("emailAddress")
    return str(email.get("address") or "").casefold() if isinstance(email, Mapping) else ""


def described(description: str, old: Mapping[str, Any]) -> dict[str, str]:
    """Return a new text of an event; the link that Outlook wrote into that of an online meeting stays in it."""
    if not old.get("isOnlineMeeting"):
        return {"contentType": "text", "content": description}
    body = old.get("body")
    html = str(body.get("content") or "") if isinstance(body, Mapping) else ""
    start = _MEETING.search(html)
    meeting = html[start.start() :] if start else html
    text = escape(description).replace("\n", "<br>")
    return {"contentType": "html", "content": f"<div>{text}</div>{meeting}"}


def without_meeting(body: Any) -> dict[str, str] | None:
    """Return an event's text without the link that Outlook wrote into it, for another event; None without a text."""
    if not isinstance(body, Mapping) or not body.get("content"):
        return None
    html = str(body["content"])
    start = _MEETING.search(html)
    return {
        "contentType": str(body.get("contentType") or "html").lower(),
        "content": html[: start.start()] if start else html,
    }


def day_of(moment: Moment, zone: ZoneInfo) -> date:
    """Return the day of a moment by the clock of a zone."""
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment

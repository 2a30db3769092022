"""Parts of an event as the API wants them, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import Address, When, errors
from flotilla.parsing import Moment, span

from .models import moment_of

READ_ONLY = ("organizer", "self")  # of a guest
MOST_REMINDERS, EARLIEST_REMINDER = 5, 40_320  # of an event; in minutes before the start
_RULE = re.compile(r"(RRULE:FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z-]+=[\w,:+-]+)*|(EXDATE|RDATE|EXRULE)[;:].+)")
_UNTIL = re.compile(r"UNTIL=\d{8}(T\d{6}Z)?(;|$)")


def guest(address: Address) -> dict[str, Any]:
    """Return a guest who is invited."""
    return {"email": address.address, **({"displayName": address.name} if address.name else {})}


def new_event(
    title: str,
    start: When,
    end: When | None,
    zone: ZoneInfo | None,
    guests: Iterable[Address] | None,
    location: str | None,
    description: str | None,
) -> dict[str, Any]:
    """Return an event that is to be booked; its local times are read in `zone`."""
    begins, ends = span(moment(start, zone), moment(end, zone) if end else None)
    key = zone.key if zone else None
    body = {
        "summary": title,
        "start": event_time(begins, key),
        "end": event_time(ends, key),
        "attendees": [guest(address) for address in guests or ()] or None,
        "location": location,
        "description": description,
    }
    return {name: value for name, value in body.items() if value is not None}


def reminding(minutes: list[int] | None) -> dict[str, Any] | None:
    """Return reminders so many minutes before the start, [] for none at all; raises errors.InvalidInputError."""
    if minutes is None:
        return None
    if len(minutes) > MOST_REMINDERS or not all(0 <= one <= EARLIEST_REMINDER for one in minutes):
        raise errors.InvalidInputError(
            "Google takes at most five reminders, each at most four weeks before the start.",
            f"Pass up to {MOST_REMINDERS} numbers of minutes from 0 to {EARLIEST_REMINDER}.",
        )
    overrides = [{"method": "popup", "minutes": one} for one in dict.fromkeys(minutes)]
    return {"useDefault": False, "overrides": overrides}


def changed_guests(old: Iterable[Any], added: Iterable[Address], removed: Iterable[Address]) -> list[dict[str, Any]]:
    """Return the guests of an event after a change: the API replaces the whole list."""
    gone = {address.key for address in removed}
    guests = [one for one in old if isinstance(one, dict) and str(one.get("email") or "").casefold() not in gone]
    known = {str(one.get("email") or "").casefold() for one in guests}
    present = [{name: value for name, value in one.items() if name not in READ_ONLY} for one in guests]
    return present + [guest(address) for address in added if address.key not in known]


def checked_rules(lines: Iterable[str]) -> list[str]:
    """Return recurrence lines with their prefix; raises errors.InvalidInputError for what RFC 5545 does not know.

    DTSTART and DTEND are refused: an event's start and end stand in fields of their own.
    """
    rules = []
    for text in lines:
        line = text.strip()
        if line.upper().startswith(("FREQ=", "RRULE:FREQ=")):  # a rule means the same in capitals
            line = f"RRULE:{line.upper().removeprefix('RRULE:')}"
        if not _RULE.fullmatch(line):
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 80)}` is not a valid recurrence rule.",
                "Pass lines such as RRULE:FREQ=WEEKLY;BYDAY=TU.",
            )
        if "UNTIL=" in line and not _UNTIL.search(line):
            raise errors.InvalidInputError(
                f"UNTIL in `{errors.excerpt(text, 80)}` is not a day or a time in UTC.", "Write UNTIL=20301231T225959Z."
            )
        rules.append(line)
    return rules


def moment(when: When, zone: ZoneInfo | None) -> Moment:
    """Return a day, or the time in `zone`; without one, which only a time with an offset allows, as it was written."""
    return when.moment(zone) if zone else when.value


def event_time(moment: Moment, timezone: str | None) -> dict[str, Any]:
    """Return a moment as the API takes it. `timezone` is in which an event repeats, and is kept with it."""
    if not isinstance(moment, datetime):
        return {"date": moment.isoformat()}
    return {"dateTime": moment.isoformat(), **({"timeZone": timezone} if timezone else {})}


def moved(
    old: dict[str, Any], start: When | None, end: When | None, zone: ZoneInfo | None, timezone: str | None
) -> dict[str, Any]:
    """Return new start and end of an event; with a start alone it keeps its length.

    Local times are read in `zone`. The event keeps the time zone that it repeats in, unless `timezone` names another.
    """
    was, until = moment_of(old["start"]), moment_of(old["end"])
    begins = moment(start, zone) if start else was
    same_kind = isinstance(begins, datetime) is isinstance(was, datetime)
    length: timedelta | None = (until - was) if same_kind else None
    new_start, new_end = span(begins, moment(end, zone) if end else None, length)
    own = timezone or (None if same_kind else zone and zone.key)
    return {
        side: {
            **({} if same_kind else dict.fromkeys(("date", "dateTime", "timeZone"))),  # null takes the other kind away
            **event_time(value, own or old[side].get("timeZone")),
        }
        for side, value in (("start", new_start), ("end", new_end))
    }

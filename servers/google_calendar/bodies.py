"""Parts of an event as the API wants them, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flotilla import errors

from .times import Moment, moment, received, sent, span

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_RULE = re.compile(r"(RRULE:FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z-]+=[\w,:+-]+)*|(EXDATE|RDATE|EXRULE)[;:].+)")
_UNTIL = re.compile(r"UNTIL=\d{8}(T\d{6}Z)?(;|$)")


def guests_of(addresses: Iterable[str]) -> list[dict[str, Any]]:
    """Return guests, each once; raises errors.InvalidInputError for what is no address."""
    found: dict[str, dict[str, Any]] = {}
    for text in addresses:
        address = text.strip()
        if not _ADDRESS.fullmatch(address):
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 80)}` is no e-mail address.", "Pass bare addresses, as marie@example.org."
            )
        found.setdefault(address.lower(), {"email": address})
    return list(found.values())


def checked_rules(lines: Iterable[str]) -> list[str]:
    """Return recurrence lines with their prefix; raises errors.InvalidInputError for what RFC 5545 does not know.

    DTSTART and DTEND stay out: start and end tell them.
    """
    rules = []
    for text in lines:
        line = text.strip()
        if line.upper().startswith(("FREQ=", "RRULE:FREQ=")):  # where capitals count for nothing
            line = f"RRULE:{line.upper().removeprefix('RRULE:')}"
        if not _RULE.fullmatch(line):
            raise errors.InvalidInputError(
                f"`{errors.excerpt(text, 80)}` is no recurrence rule.", "Pass lines such as RRULE:FREQ=WEEKLY;BYDAY=TU."
            )
        if "UNTIL=" in line and not _UNTIL.search(line):
            raise errors.InvalidInputError(
                f"UNTIL in `{errors.excerpt(text, 80)}` is no day and no time in UTC.", "Write UNTIL=20301231T225959Z."
            )
        rules.append(line)
    return rules


def moved(old: dict[str, Any], start: str | None, end: str | None, timezone: str | None) -> dict[str, Any]:
    """Return new start and end of an event; with a start alone it keeps its length.

    A local time without a zone is meant in the event's own.
    """
    zone = timezone or old["start"].get("timeZone")
    was, until = received(old["start"]), received(old["end"])
    begins = moment(start, zone, "start") if start else was
    same = isinstance(begins, datetime) is isinstance(was, datetime)
    length: timedelta | None = (until - was) if same else None
    a, b = span(begins, moment(end, zone, "end") if end else None, length)
    return {"start": _replaced(a, zone, same), "end": _replaced(b, zone, same)}


def _replaced(when: Moment, zone: str | None, same: bool) -> dict[str, Any]:
    if same:
        return sent(when, zone)
    return {**dict.fromkeys(("date", "dateTime", "timeZone")), **sent(when, zone)}  # null takes the other kind away

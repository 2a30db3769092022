"""Days and times: people mean them in a zone, GoHighLevel wants milliseconds since 1970."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors


def zone(name: str) -> ZoneInfo:
    """Return a time zone; raises errors.InvalidInputError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of the database
        what = f"`{errors.excerpt(name, 60)}` is no time zone."
        raise errors.InvalidInputError(what, "Pass an IANA name, such as Europe/Paris.") from None


def span(first: date, days: int, here: ZoneInfo) -> tuple[int, int]:
    """Return the first and the last millisecond of so many days in a zone: 23 or 25 hours where the clocks change."""
    if not 1971 <= first.year <= 2900:
        raise errors.InvalidInputError(f"{first} is out of range.", "Pass a day near today.")
    start = datetime(first.year, first.month, first.day, tzinfo=here)
    after = first + timedelta(days=days)
    end = datetime(after.year, after.month, after.day, tzinfo=here)
    return round(start.timestamp() * 1000), round(end.timestamp() * 1000) - 1


def slots(answer: Any, here: ZoneInfo) -> list[datetime]:
    """Return the times of an availability map, in order and in a zone.

    It is keyed_requests by day; live answers have other keys too.
    """
    days = [day["slots"] for day in answer.values() if isinstance(day, dict) and "slots" in day]
    read = [datetime.fromisoformat(text) for times in days for text in times]
    return sorted(t.astimezone(here) if t.tzinfo else t.replace(tzinfo=here) for t in read)

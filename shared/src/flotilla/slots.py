"""Free time out of busy times. All counting is done in UTC, so that days with a clock change have 23 or 25 hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flotilla import errors

Stretch = tuple[datetime, datetime]
HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"


def free(
    after: datetime,
    before: datetime,
    busy: Iterable[Stretch],
    *,
    length: timedelta,
    zone: ZoneInfo,
    hours: tuple[time, time],
    weekends: bool,
) -> Iterator[Stretch]:
    """Yield what is left of each day's hours in a time zone, where it is `length` or longer."""
    taken = sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in busy)
    day, last = after.astimezone(zone).date(), before.astimezone(zone).date()
    while day <= last:
        if weekends or day.weekday() < 5:
            start = max(_at(day, hours[0], zone), after.astimezone(UTC))
            end = min(_at(day, hours[1], zone), before.astimezone(UTC))
            for a, b in gaps(start, end, taken):
                if b - a >= length:
                    yield a.astimezone(zone), b.astimezone(zone)
        day += timedelta(days=1)


def gaps(start: datetime, end: datetime, taken: list[Stretch]) -> Iterator[Stretch]:
    """Yield the stretches between `start` and `end` that sorted ones, which may overlap, leave."""
    for a, b in taken:
        if b <= start:
            continue
        if a >= end:
            break
        if a > start:
            yield start, a
        start = b
    if start < end:
        yield start, end


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def working_hours(text: str) -> tuple[time, time]:
    """Return the two times of 09:00-18:00 (HOURS); raises errors.InvalidInputError where they are not in order."""
    opens, closes = (time.fromisoformat(part) for part in text.split("-"))
    if not opens < closes:
        raise errors.InvalidInputError("`hours` does not end after it begins.", "Pass hours of one day: 09:00-18:00.")
    return opens, closes

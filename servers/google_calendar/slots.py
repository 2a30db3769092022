"""Free time out of busy times. All counting is done in UTC, so that days with a clock change have 23 or 25 hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Stretch = tuple[datetime, datetime]


def free(
    after: datetime,
    before: datetime,
    busy: Iterable[Stretch],
    *,
    length: timedelta,
    here: ZoneInfo,
    hours: tuple[time, time],
    weekends: bool,
) -> Iterator[Stretch]:
    """Yield what is left of each day's hours in the zone `here`, where it is `length` or longer."""
    taken = sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in busy)
    day, last = after.astimezone(here).date(), before.astimezone(here).date()
    while day <= last:
        if weekends or day.weekday() < 5:
            start = max(_at(day, hours[0], here), after.astimezone(UTC))
            end = min(_at(day, hours[1], here), before.astimezone(UTC))
            for a, b in gaps(start, end, taken):
                if b - a >= length:
                    yield a.astimezone(here), b.astimezone(here)
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


def _at(day: date, clock: time, here: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, here).astimezone(UTC)

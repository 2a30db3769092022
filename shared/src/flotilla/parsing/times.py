"""Times as people and models write them: a time with its offset, a local time, or a whole day. Nothing else is read.

    2030-06-04T14:00:00+02:00   a time with its offset; Z is UTC
    2030-06-04T14:00            a local time, which is read in the account's time zone; a space may stand for the T
    2030-06-04                  a whole day, which stays a day

`When` is the type of a tool's argument, `TimeZone` that of an IANA name. A local time that a clock change skips or
repeats is refused with the offsets that would settle it. A moment is a `date` (a whole day) or an aware `datetime`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from flotilla import errors
from flotilla.parsing.text_value import TextValue

Moment = date | datetime
"""A whole day, or an aware time."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WIDEST_OFFSET = timedelta(hours=14)

_WRITTEN = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(?P<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_FORMS = (
    "Write a time with its offset (2030-06-04T14:00:00+02:00), a local time (2030-06-04T14:00) or a day (2030-06-04)."
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NOT_ZONES = ("right/", "posix/", "localtime", "posixrules", "Factory")  # files beside the zones of the database


class TimeError(errors.InvalidInputError, ValueError):
    """The text is not a time, a day or a time zone. A ValueError too, so that pydantic names the argument."""


def zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name, such as Europe/Paris; raises TimeError for an unknown name."""
    try:
        if not name.startswith(_NOT_ZONES):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, a folder of the database
        pass
    raise TimeError(
        f"`{errors.excerpt(name, 60)}` is not a known time zone.", "Write an IANA name, such as Europe/Paris."
    )


def zone_or(name: str | None, default: ZoneInfo) -> ZoneInfo:
    """Return the time zone that a vendor names, or the default where it names none or one that is not known."""
    try:
        return zone(name) if name else default
    except TimeError:
        return default


def known_zone(name: str) -> str:
    """Return an IANA name that is known, without spaces around it; raises TimeError. Validates settings too."""
    return zone(name.strip()).key


TimeZone = Annotated[str, AfterValidator(known_zone)]
"""The IANA name of a time zone, such as Europe/Paris."""


@dataclass(frozen=True, slots=True)
class When(TextValue):
    """A time with its offset, a local time or a whole day, as an argument of a tool.

    `value` is what was written: an aware `datetime`, a naive one for a local time, or a `date` for a whole day.
    """

    value: date | datetime

    @classmethod
    def read(cls, value: Any) -> When:
        """Return the time that a text writes; raises TimeError. A When, date or datetime is taken as it is."""
        if isinstance(value, When):
            return value
        if isinstance(value, date):
            return cls(_in_range(value, str(value)))
        text = value.strip() if isinstance(value, str) else ""
        written = _WRITTEN.fullmatch(text)
        if not written:
            raise TimeError(f"`{errors.excerpt(value, 60)}` is not a time or a day.", _FORMS)
        try:
            day = date.fromisoformat(written["day"])
            if not written["clock"]:
                return cls(_in_range(day, text))
            clock = time.fromisoformat(written["clock"] + (written["offset"] or "").upper())
        except TimeError:
            raise
        except ValueError:
            raise TimeError(
                f"`{errors.excerpt(text, 60)}` does not exist: the calendar and the clock have no such day or time.",
                "Check the day, the month, the time and the offset.",
            ) from None
        return cls(_in_range(datetime.combine(day, clock), text))

    @property
    def is_day(self) -> bool:
        """True for a whole day."""
        return not isinstance(self.value, datetime)

    @property
    def is_local(self) -> bool:
        """True for a time without an offset, which needs a time zone."""
        return isinstance(self.value, datetime) and self.value.tzinfo is None

    def at(self, zone: ZoneInfo, *, time_of_day: time | None = None, keep_offset: bool = False) -> datetime:
        """Return the aware time, in `zone`.

        A local time is read in `zone`. A whole day is its first instant there, or the given `time_of_day`. With
        `keep_offset` a time that was written with an offset keeps it. Raises TimeError for a local time that a clock
        change skips or repeats. Python compares and subtracts two times of one zone by their wall clocks: take them
        to UTC first.
        """
        value = self.value
        if not isinstance(value, datetime):
            if time_of_day is None:
                return start_of_day(value, zone)
            return _local(datetime.combine(value, time_of_day), zone)
        if value.tzinfo is None:
            return _local(value, zone)
        return value if keep_offset else value.astimezone(zone)

    def end(self, zone: ZoneInfo) -> datetime:
        """Return the exclusive end: the first instant of the next day for a whole day, else the time itself."""
        if isinstance(self.value, datetime):
            return self.at(zone)
        return start_of_day(self.value + DAY, zone)

    def day(self, zone: ZoneInfo) -> date:
        """Return the day: of a time with an offset, the day that it is in `zone` then."""
        if not isinstance(self.value, datetime):
            return self.value
        return (self.value.astimezone(zone) if self.value.tzinfo else self.value).date()

    def moment(self, zone: ZoneInfo) -> Moment:
        """Return a whole day as a `date`, and everything else as `at` does."""
        return self.at(zone) if isinstance(self.value, datetime) else self.value

    def __str__(self) -> str:
        return self.value.isoformat()


def _in_range(value: date | datetime, text: str) -> date | datetime:
    offset = value.utcoffset() if isinstance(value, datetime) else None
    if offset and abs(offset) > WIDEST_OFFSET:
        raise TimeError(f"No clock has the offset of `{errors.excerpt(text, 60)}`.", "Check the offset.")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise TimeError(
            f"The year of `{errors.excerpt(text, 60)}` is out of range.",
            f"Write a year from {FIRST_YEAR} to {LAST_YEAR}.",
        )
    return value


def _local(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return a local time in a zone; raises TimeError where a clock change skips or repeats it."""
    early, late = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    shown = f"{wall:%H:%M} on {wall:%Y-%m-%d}"
    offsets = f"{_offset(early)} or {_offset(late)}"
    if _back(early) != wall:
        raise TimeError(
            f"There is no {shown} in {zone}: the clocks go forward over it.",
            f"Write a time before or after the change, or add the offset that is meant: {offsets}.",
        )
    raise TimeError(
        f"There are two times {shown} in {zone}: the clocks go back over it.",
        f"Add the offset that is meant: {offsets}.",
    )


def _back(moment: datetime) -> datetime:
    """Return the wall clock of a time after it went through UTC: another one where it does not exist."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None)


def _offset(moment: datetime) -> str:
    return moment.isoformat()[len(moment.replace(tzinfo=None).isoformat()) :]


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day in a zone: 01:00 where a clock change skips midnight."""
    midnight = datetime.combine(day, time(), zone)
    if _back(midnight) == midnight.replace(tzinfo=None):
        return midnight
    # The skipped midnight, read with the offset from before the change, is the very instant of the change.
    return midnight.astimezone(UTC).astimezone(zone)


def span(start: Moment, end: Moment | None, length: timedelta | None = None) -> tuple[Moment, Moment]:
    """Return the start and the exclusive end of an event: two days or two aware times.

    `end` is the last day, included, where these are days. Without it the event lasts `length`, else a day or an hour.
    Raises errors.InvalidInputError when start and end do not fit together.
    """
    whole = not isinstance(start, datetime)
    if end is None:
        return start, _after(start, length or (DAY if whole else HOUR))
    if whole is isinstance(end, datetime):
        raise errors.InvalidInputError(
            "One of start and end is a day and the other a time.", "Pass two days or two times."
        )
    if whole:
        end += DAY
    if not _instant(start) < _instant(end):
        raise errors.InvalidInputError("The end is not after the start.", "Correct the start or the end.")
    return start, end


def _after(start: Moment, length: timedelta) -> Moment:
    if not isinstance(start, datetime):
        return start + max(timedelta(days=length.days), DAY)
    return (start.astimezone(UTC) + length).astimezone(start.tzinfo)  # an hour is an hour, whatever the clocks do


def _instant(moment: Moment) -> Moment:
    """Return what two moments are compared by: Python compares two times of one zone by their wall clocks."""
    return _aware(moment).astimezone(UTC) if isinstance(moment, datetime) else moment


def check_order(start: Moment, end: Moment, start_name: str = "start", end_name: str = "end") -> None:
    """Raise errors.InvalidInputError, naming both arguments, unless `start` is before `end`: two days or aware times.

    Two equal days are in order, since the last day is included.
    """
    a, b = _instant(start), _instant(end)
    if a < b or (a == b and not isinstance(a, datetime)):
        return
    raise errors.InvalidInputError(f"`{end_name}` is not after `{start_name}`.", "Correct one of them.")


def period(
    start: When | None, end: When | None, zone: ZoneInfo, start_name: str = "start", end_name: str = "end"
) -> tuple[datetime | None, datetime | None]:
    """Return the first instant and the exclusive end of a period that filters a list; None where it is open.

    A day counts whole: as `end` it is included. Raises errors.InvalidInputError as `check_order` and `When.at` do.
    """
    after = start.at(zone) if start else None
    before = end.end(zone) if end else None
    if after and before:
        check_order(after, before, start_name, end_name)
    return after, before


def shown(moment: Moment, zone: ZoneInfo) -> str:
    """Return a moment as a person reads it: 4 June 2030, 14:00 (Europe/Paris), or 4 June 2030 for a day."""
    if not isinstance(moment, datetime):
        return _day_shown(moment)
    local = _aware(moment).astimezone(zone)
    return f"{_day_shown(local)}, {local:%H:%M} ({zone})"


def _day_shown(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def to_utc(moment: datetime) -> str:
    """Return an aware time as UTC text to the second, 2030-06-04T12:00:00Z; errors.InvalidInputError out of range."""
    try:
        return _aware(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise errors.InvalidInputError(
            f"{moment.isoformat()} is out of range.", f"Write a year from {FIRST_YEAR} to {LAST_YEAR}."
        ) from None


def to_milliseconds(moment: datetime) -> int:
    """Return the milliseconds from 1970-01-01T00:00:00Z to an aware time."""
    return (_aware(moment) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_milliseconds(count: int | str, zone: ZoneInfo) -> datetime:
    """Return the time so many milliseconds after 1970-01-01T00:00:00Z, in a zone; raises ValueError for none."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(count))).astimezone(zone)
    except OverflowError:
        raise ValueError("out of the calendar's range") from None


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:  # Python would take the machine's own zone
        raise ValueError("the time has no offset")
    return moment

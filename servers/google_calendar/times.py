"""Times that people mean: with an offset, or local to a zone; days stay days. Clock changes are never guessed over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors

Moment = date | datetime  # a whole day, or an aware time
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def zone(name: str) -> ZoneInfo:
    """Return a time zone; raises errors.InvalidInputError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of the database
        what = f"`{errors.excerpt(name, 60)}` is no time zone."
        raise errors.InvalidInputError(what, "Pass an IANA name, such as Europe/Paris.") from None


def moment(text: str, timezone: str | None, what: str) -> Moment:
    """Read 2030-06-04 (a day), 2030-06-04T14:00:00+02:00, or 2030-06-04T14:00 with a timezone.

    Raises errors.InvalidInputError; also for a local time that a clock change skips or repeats.
    """
    try:
        read = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
        if not 1900 < read.year < 2200:
            raise ValueError("no calendar has it")
    except ValueError:
        raise errors.InvalidInputError(
            f"`{what}` is no time: {errors.excerpt(text, 60)}.",
            "Pass 2030-06-04T14:00:00+02:00, or 2030-06-04 for a whole day.",
        ) from None
    if not isinstance(read, datetime):
        return read
    if read.tzinfo:
        return read.astimezone(zone(timezone)) if timezone else read
    if not timezone:
        raise errors.InvalidInputError(
            f"`{what}` has neither an offset nor a timezone.", "Add an offset such as +02:00, or pass `timezone`."
        )
    return _local(read, timezone, what)


def _local(wall: datetime, timezone: str, what: str) -> datetime:
    here = zone(timezone)
    early, late = wall.replace(tzinfo=here, fold=0), wall.replace(tzinfo=here, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    shown = f"{wall:%H:%M} on {wall:%Y-%m-%d} in {timezone}"
    if early.astimezone(UTC).astimezone(here).replace(tzinfo=None) != wall:
        raise errors.InvalidInputError(f"`{what}` does not exist: clocks skip {shown}.", "Choose another time.")
    offsets = " or ".join(f"{t:%z}"[:3] + ":" + f"{t:%z}"[3:5] for t in (early, late))
    raise errors.InvalidInputError(
        f"`{what}` is not clear: {shown} comes twice.", f"Pass it with its offset: {offsets}."
    )


def span(start: Moment, end: Moment | None, length: timedelta | None = None) -> tuple[Moment, Moment]:
    """Return start and exclusive end. `end` is the last day, included, where these are days.

    Without an end it lasts `length`, else a day or an hour. Raises errors.InvalidInputError when they do not fit
    together.
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
    if not start < end:
        raise errors.InvalidInputError("The end is not after the start.", "Correct start or end.")
    return start, end


def _after(start: Moment, length: timedelta) -> Moment:
    if not isinstance(start, datetime):
        return start + max(timedelta(days=length.days), DAY)
    return (start.astimezone(UTC) + length).astimezone(start.tzinfo)  # an hour is an hour, whatever the clocks do


def sent(moment: Moment, timezone: str | None) -> dict[str, Any]:
    """Return a moment as the API takes it."""
    if not isinstance(moment, datetime):
        return {"date": moment.isoformat()}
    return {"dateTime": moment.isoformat(), **({"timeZone": timezone} if timezone else {})}


def received(given: dict[str, Any]) -> Moment:
    """Return a moment as the API gives it."""
    if "date" in given:
        return date.fromisoformat(given["date"])
    return datetime.fromisoformat(given["dateTime"])


def utc(moment: datetime) -> str:
    """Return a time in UTC; raises errors.InvalidInputError for one that no calendar reaches."""
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise errors.InvalidInputError(
            f"{moment.isoformat()} is out of range.", "Pass a time between the years 1 and 9999."
        ) from None


def working_hours(text: str) -> tuple[time, time]:
    """Read 09:00-18:00; raises errors.InvalidInputError for what is no stretch of a day."""
    try:
        opens, closes = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError:
        opens = closes = time()
    if not opens < closes:
        raise errors.InvalidInputError(
            f"`hours` is no stretch of a day: {errors.excerpt(text, 40)}.", "Pass 09:00-18:00."
        )
    return opens, closes

"""Times in and out: offsets, zones, days, and both clock changes of two zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flotilla import Address, When, errors
from flotilla.parsing import span
from flotilla_servers.google_calendar.bodies import changed_guests, checked_rules, event_time, moment, moved
from flotilla_servers.google_calendar.models import Event, Line

PARIS, NEW_YORK = "Europe/Paris", "America/New_York"


@pytest.mark.parametrize(
    ("text", "timezone", "body"),
    [
        ("2030-06-04", None, {"date": "2030-06-04"}),
        ("2030-06-04", PARIS, {"date": "2030-06-04"}),
        ("2030-06-04T14:00:00+02:00", None, {"dateTime": "2030-06-04T14:00:00+02:00"}),
        ("2030-06-04T14:00", PARIS, {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": PARIS}),
        ("2030-01-04T14:00", PARIS, {"dateTime": "2030-01-04T14:00:00+01:00", "timeZone": PARIS}),
        ("2030-06-04T14:00", NEW_YORK, {"dateTime": "2030-06-04T14:00:00-04:00", "timeZone": NEW_YORK}),
        ("2030-06-04T12:00:00Z", PARIS, {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": PARIS}),
    ],
)
def test_moment_as_the_api_takes_it(text: str, timezone: str | None, body: dict[str, str]) -> None:
    zone = ZoneInfo(timezone) if timezone else None
    assert event_time(moment(When.read(text), zone), timezone) == body


@pytest.mark.parametrize(
    ("before", "timezone", "length"),
    [
        ("2026-03-29T01:30", PARIS, 2),
        ("2026-03-08T01:30", NEW_YORK, 2),
        ("2026-10-25T01:30", PARIS, 2),
        ("2026-11-01T00:30", NEW_YORK, 2),
    ],
)
def test_span_keeps_duration_across_clock_changes(before: str, timezone: str, length: int) -> None:
    start, end = span(When.read(before).moment(ZoneInfo(timezone)), None, timedelta(hours=length))
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=length)
    assert start.utcoffset() != end.utcoffset()


def test_span_includes_the_last_day() -> None:
    assert span(date(2030, 7, 14), date(2030, 7, 28)) == (date(2030, 7, 14), date(2030, 7, 29))
    assert span(date(2030, 7, 14), None) == (date(2030, 7, 14), date(2030, 7, 15))
    raw = {"id": "a", "start": {"date": "2030-07-14"}, "end": {"date": "2030-07-29"}}
    line = Line.model_validate(raw)
    assert (line.start, line.end, line.utc) == ("2030-07-14", "2030-07-28", None)


def test_event_read_with_local_and_utc_times() -> None:
    raw = {
        "id": "a",
        "start": {"dateTime": "2030-06-04T14:00:00+02:00", "timeZone": PARIS},
        "end": {"dateTime": "2030-06-04T14:45:00+02:00", "timeZone": PARIS},
        "recurrence": ["RRULE:FREQ=WEEKLY", "EXDATE:20300611T120000Z"],
        "attendees": [{"email": "m@example.org", "responseStatus": "accepted"}, {"displayName": "no address"}],
    }
    event = Event.model_validate(raw)
    assert (event.start, event.timezone) == ("2030-06-04T14:00:00+02:00", PARIS)
    assert event.utc == "2030-06-04T12:00:00Z/2030-06-04T12:45:00Z"
    assert event.recurrence == "RRULE:FREQ=WEEKLY\nEXDATE:20300611T120000Z"
    assert event.guests == ["m@example.org accepted"]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (date(2030, 7, 14), datetime(2030, 7, 15, tzinfo=UTC), "One of start and end is a day"),
        (date(2030, 7, 14), date(2030, 7, 12), "The end is not after the start"),
        (datetime(2030, 7, 14, 9, tzinfo=UTC), datetime(2030, 7, 14, 9, tzinfo=UTC), "The end is not after the start"),
    ],
)
def test_span_ends_that_do_not_fit(a: date, b: date, message: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=message):
        span(a, b)


def event(start: str, end: str, timezone: str = PARIS) -> dict[str, dict[str, str]]:
    return {"start": {"dateTime": start, "timeZone": timezone}, "end": {"dateTime": end, "timeZone": timezone}}


def moved_to(old: Any, start: str | None, end: str | None = None) -> dict[str, Any]:
    return moved(old, start and When.read(start), end and When.read(end), ZoneInfo(PARIS), None)  # type: ignore[arg-type]


def test_moved_keeps_length_and_timezone() -> None:
    old = event("2030-06-04T14:00:00+02:00", "2030-06-04T14:45:00+02:00")
    assert moved_to(old, "2030-12-04T10:00") == {
        "start": {"dateTime": "2030-12-04T10:00:00+01:00", "timeZone": PARIS},
        "end": {"dateTime": "2030-12-04T10:45:00+01:00", "timeZone": PARIS},
    }
    assert moved_to(old, None, "2030-06-04T16:00")["start"]["dateTime"] == "2030-06-04T14:00:00+02:00"


def test_moved_from_time_to_whole_day() -> None:
    old = event("2030-06-04T14:00:00+02:00", "2030-06-04T14:45:00+02:00")
    assert moved_to(old, "2030-06-04") == {
        "start": {"date": "2030-06-04", "dateTime": None, "timeZone": None},
        "end": {"date": "2030-06-05", "dateTime": None, "timeZone": None},
    }


def test_moved_day_becomes_a_time() -> None:
    """The zone is that in which it was read: a series could not repeat without one."""
    old = {"start": {"date": "2030-06-04"}, "end": {"date": "2030-06-05"}}
    assert moved_to(old, "2030-06-04T09:00")["start"] == {
        "date": None, "dateTime": "2030-06-04T09:00:00+02:00", "timeZone": PARIS
    }  # fmt: skip


def test_moved_local_time_is_the_calendars_and_the_event_keeps_its_zone() -> None:
    """Listed as 20:00+02:00 in Paris, it moves to 21:00 in Paris, though it repeats by the clocks of New York."""
    old = event("2030-06-04T20:00:00+02:00", "2030-06-04T21:00:00+02:00", NEW_YORK)
    assert moved_to(old, "2030-06-04T21:00") == {
        "start": {"dateTime": "2030-06-04T21:00:00+02:00", "timeZone": NEW_YORK},
        "end": {"dateTime": "2030-06-04T22:00:00+02:00", "timeZone": NEW_YORK},
    }


@pytest.mark.parametrize(
    ("params", "sent_"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", "RRULE:FREQ=WEEKLY;BYDAY=TU"),
        ("rrule:freq=weekly;byday=tu", "RRULE:FREQ=WEEKLY;BYDAY=TU"),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=10", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=10"),
        ("RRULE:FREQ=DAILY;UNTIL=20301231T225959Z", "RRULE:FREQ=DAILY;UNTIL=20301231T225959Z"),
        ("EXDATE;TZID=Europe/Paris:20300611T140000", "EXDATE;TZID=Europe/Paris:20300611T140000"),
    ],
)
def test_checked_rules_accepted(params: str, sent_: str) -> None:
    assert checked_rules([params]) == [sent_]


@pytest.mark.parametrize("text", ["every week", "RRULE:FREQ=SOMETIMES", "DTSTART:20300101T000000Z", "RRULE:"])
def test_checked_rules_refused(text: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="is not a valid recurrence rule"):
        checked_rules([text])
    with pytest.raises(errors.InvalidInputError, match="not a day or a time in UTC"):
        checked_rules(["FREQ=DAILY;UNTIL=20301231T225959"])


def test_changed_guests_once_each_and_nothing_that_is_read_only() -> None:
    read = Address.read
    old = [{"email": "M@example.org", "self": True, "organizer": True, "comment": "x"}, {"email": "p@example.org"}]
    added = [read("m@example.org"), read("Zoé <z@example.org>")]
    assert changed_guests([*old, None], added, [read("P@example.org")]) == [
        {"email": "M@example.org", "comment": "x"},
        {"email": "z@example.org", "displayName": "Zoé"},
    ]

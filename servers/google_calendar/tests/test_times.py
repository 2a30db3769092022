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
from flotilla_servers.google_calendar.slots import free, working_hours

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


# --- free time


def result(after: str, before: str, busy: list[tuple[str, str]], timezone: str = PARIS, **options: object) -> list[str]:
    read = datetime.fromisoformat
    params: dict[str, object] = {
        "length": timedelta(minutes=30),
        "weekends": False,
        "hours": working_hours("09:00-18:00"),
    }
    stretches = free(
        read(after),
        read(before),
        [(read(a), read(b)) for a, b in busy],
        zone=ZoneInfo(timezone),
        **{**params, **options},
    )  # type: ignore[arg-type]
    return [f"{a:%d %H:%M}-{b:%H:%M}" for a, b in stretches]


def test_free_gaps_between_busy_times() -> None:
    busy = [
        ("2030-06-04T08:00:00Z", "2030-06-04T10:00:00Z"),
        ("2030-06-04T09:30:00Z", "2030-06-04T10:15:00Z"),  # overlaps the first
        ("2030-06-04T13:00:00Z", "2030-06-04T13:05:00Z"),
        ("2030-06-03T00:00:00Z", "2030-06-04T07:10:00Z"),  # since the day before
    ]
    assert result("2030-06-04T00:00:00+02:00", "2030-06-05T00:00:00+02:00", busy) == [
        "04 09:10-10:00",
        "04 12:15-15:00",
        "04 15:05-18:00",
    ]


def test_free_weekends_and_edges_of_the_range() -> None:
    span_ = ("2030-06-07T17:00:00+02:00", "2030-06-10T09:45:00+02:00")  # a Friday afternoon to a Monday morning
    assert result(*span_, []) == ["07 17:00-18:00", "10 09:00-09:45"]
    assert result(*span_, [], weekends=True) == ["07 17:00-18:00", "08 09:00-18:00", "09 09:00-18:00", "10 09:00-09:45"]


@pytest.mark.parametrize(
    ("day", "timezone", "hours"),
    [
        ("2026-03-29", PARIS, 23),
        ("2026-10-25", PARIS, 25),
        ("2026-03-08", NEW_YORK, 23),
        ("2026-11-01", NEW_YORK, 25),
    ],
)
def test_free_on_days_of_a_clock_change(day: str, timezone: str, hours: int) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(timezone))
    end = (start + timedelta(days=1)).replace(tzinfo=ZoneInfo(timezone))
    ((a, b),) = free(
        start, end - timedelta(minutes=1), [], length=timedelta(minutes=30), zone=ZoneInfo(timezone), weekends=True,
        hours=working_hours("00:00-23:59"),
    )  # fmt: skip
    assert b.astimezone(UTC) - a.astimezone(UTC) == timedelta(hours=hours, minutes=-1)
    # nine in the morning is nine by the wall clock on both sides of the change
    assert [f"{a:%H:%M}" for a, _ in free(
        start - timedelta(days=2), start + timedelta(days=2), [], length=timedelta(minutes=30),
        zone=ZoneInfo(timezone), weekends=True, hours=working_hours("09:00-18:00"),
    )] == ["09:00"] * 4  # fmt: skip


@pytest.mark.parametrize("text", ["18:00-09:00", "09:00-09:00"])
def test_working_hours_not_in_order(text: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="does not end after it begins"):
        working_hours(text)

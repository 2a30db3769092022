"""Free time out of busy times, on days with a clock change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flotilla import errors
from flotilla.slots import free, working_hours

PARIS, NEW_YORK = "Europe/Paris", "America/New_York"


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

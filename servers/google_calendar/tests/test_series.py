"""Rules of a series that is ended, continued or shifted: RFC 5545."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flotilla import errors
from flotilla_servers.google_calendar.series import Occurrence, Shift, continued, ended, shifted

PARIS = ZoneInfo("Europe/Paris")
SLOT = datetime(2030, 6, 11, 14, 0, tzinfo=PARIS)
LATER = Shift(timedelta(hours=1))
NEXT_DAY = Shift(timedelta(hours=20), 1)  # from 14:00 to 10:00 of the day after


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        (["RRULE:FREQ=WEEKLY"], ["RRULE:FREQ=WEEKLY;UNTIL=20300611T115959Z"]),
        (["RRULE:FREQ=WEEKLY;COUNT=9;BYDAY=TU"], ["RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20300611T115959Z"]),
        (["RRULE:UNTIL=20301231T225959Z;FREQ=DAILY"], ["RRULE:FREQ=DAILY;UNTIL=20300611T115959Z"]),
        (
            ["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Paris:20300604T140000,20300618T140000", "RDATE:20300701T120000Z"],
            ["RRULE:FREQ=WEEKLY;UNTIL=20300611T115959Z", "EXDATE;TZID=Europe/Paris:20300604T140000"],
        ),
    ],
)
def test_ended(lines: list[str], rest: list[str]) -> None:
    assert ended(lines, SLOT, PARIS) == rest


def test_ended_series_of_days() -> None:
    assert ended(["RRULE:FREQ=DAILY;COUNT=5"], date(2030, 6, 11), PARIS) == ["RRULE:FREQ=DAILY;UNTIL=20300610"]


def test_continued_counts_what_is_left_and_keeps_exceptions() -> None:
    week = timedelta(days=7)
    slots = [Occurrence(SLOT - week), Occurrence(SLOT), Occurrence(SLOT + week, cancelled=True)]
    lines = ["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=Europe/Paris:20300604T140000,20300702T140000"]
    assert continued(lines, slots, SLOT, LATER, PARIS) == [
        "RRULE:FREQ=WEEKLY;COUNT=2",
        "EXDATE;TZID=Europe/Paris:20300702T150000",
        "EXDATE;TZID=Europe/Paris:20300618T150000",
    ]


def test_continued_slot_with_another_offset_is_the_same_one() -> None:
    """The API may give a slot in the zone of the calendar, and the rule in that of the series."""
    slots = [Occurrence(SLOT.astimezone(UTC)), Occurrence((SLOT + timedelta(days=7)).astimezone(UTC))]
    assert continued(["RRULE:FREQ=WEEKLY;COUNT=2"], slots, SLOT, Shift(), PARIS) == ["RRULE:FREQ=WEEKLY;COUNT=2"]


@pytest.mark.parametrize(
    ("line", "shift", "result"),
    [
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,SU", NEXT_DAY, "RRULE:FREQ=WEEKLY;BYDAY=TU,MO"),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO", LATER, "RRULE:FREQ=WEEKLY;BYDAY=MO"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2TU", LATER, "RRULE:FREQ=MONTHLY;BYDAY=2TU"),
        ("RRULE:FREQ=DAILY;UNTIL=20300630T120000Z", LATER, "RRULE:FREQ=DAILY;UNTIL=20300630T130000Z"),
        ("EXDATE;VALUE=DATE:20300611", Shift(timedelta(days=-1), -1), "EXDATE;VALUE=DATE:20300610"),
        ("EXDATE:20300611T120000Z", NEXT_DAY, "EXDATE:20300612T080000Z"),
    ],
)
def test_shifted(line: str, shift: Shift, result: str) -> None:
    assert shifted([line], shift) == [result]


@pytest.mark.parametrize("rule", ["RRULE:FREQ=MONTHLY;BYDAY=2TU", "RRULE:FREQ=MONTHLY;BYMONTHDAY=15"])
def test_shifted_to_another_day_by_a_rule_of_the_month(rule: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="which does not say on which days"):
        shifted([rule], NEXT_DAY)

"""Times as people write them: three forms, two clock changes a year, and nothing guessed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, Field, TypeAdapter

from flotilla import errors
from flotilla.parsing import (
    Moment,
    TimeError,
    TimeZone,
    When,
    check_order,
    from_milliseconds,
    known_zone,
    period,
    shown,
    span,
    start_of_day,
    to_milliseconds,
    to_utc,
    zone,
    zone_or,
)
from flotilla_testing import call, text_of
from flotilla_testing.client import tools_of
from flotilla_testing.scratch import ScratchServer

PARIS, NEW_YORK, SAO_PAULO = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York"), ZoneInfo("America/Sao_Paulo")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("2030-06-04T14:00:00+02:00", "2030-06-04T14:00:00+02:00"),
        ("2030-06-04T12:00:00Z", "2030-06-04T14:00:00+02:00"),
        ("2030-06-04t12:00z", "2030-06-04T14:00:00+02:00"),
        ("2030-06-04 08:00 -0400", "2030-06-04T14:00:00+02:00"),
        ("2030-06-04T14:00+02", "2030-06-04T14:00:00+02:00"),
        ("2030-06-04T14:00", "2030-06-04T14:00:00+02:00"),
        ("2030-06-04 14:00", "2030-06-04T14:00:00+02:00"),
        ("2030-01-04T14:00:30.250", "2030-01-04T14:00:30.250000+01:00"),
        (" 2030-06-04 ", "2030-06-04T00:00:00+02:00"),
    ],
)
def test_when_at(text: str, there: str) -> None:
    moment = When.read(text).at(PARIS)
    assert moment.isoformat() == there
    assert moment.tzinfo is PARIS


@pytest.mark.parametrize(
    "text",
    [
        "", "Tuesday", "demain à 14 h", "04/06/2030", "20300604", "2030-6-4", "2030-06-04T14", "2030-W23-2", "14:00",
        "2030-06-04T14:00:00+02:00[Europe/Paris]", "2030-06-04/2030-06-05", "1906891200", "٢٠٣٠-٠٦-٠٤",
        "2030-06-04T14:00 UTC", "2030-06-04T14:00\n",
    ],
)  # fmt: skip
def test_when_read_other_forms(text: str) -> None:
    """The message writes the three forms, each of which is read."""
    if text.endswith("\n"):
        assert When.read(text).is_local  # white space around a time is not a mistake
        return
    with pytest.raises(TimeError, match="is not a time or a day") as problem:
        When.read(text)
    for form in ("2030-06-04T14:00:00+02:00", "2030-06-04T14:00", "2030-06-04"):
        assert form in problem.value.hint
        When.read(form)


@pytest.mark.parametrize("value", [None, 1906891200, 1.5, True, [], {}])
def test_when_read_no_text(value: Any) -> None:
    with pytest.raises(TimeError, match="is not a time or a day"):
        When.read(value)


@pytest.mark.parametrize("text", ["2030-02-29", "2030-13-01", "2030-06-04T24:30", "2030-06-04T14:60", "0000-01-01"])
def test_when_read_no_such_day_or_time(text: str) -> None:
    with pytest.raises(TimeError, match="does not exist"):
        When.read(text)


def test_when_read_range() -> None:
    assert When.read("1900-01-01").is_day
    assert When.read("2200-12-31T23:59Z").value.year == 2200
    for text in ("1899-12-31", "2201-01-01", "2201-01-01T00:00Z", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(TimeError, match=r"out of range. Write a year from 1900 to 2200\."):
            When.read(text)
    with pytest.raises(TimeError, match="No clock has the offset"):
        When.read("2030-06-04T14:00+20:00")


def test_when_read_values() -> None:
    day, moment = date(2030, 6, 4), datetime(2030, 6, 4, 14, tzinfo=UTC)
    assert When.read(day) == When(day) == When.read(When(day))
    assert When.read(moment).value is moment
    with pytest.raises(TimeError):
        When.read(date(1800, 1, 1))


def test_when_kind() -> None:
    kinds = [(w.is_day, w.is_local) for w in map(When.read, ("2030-06-04", "2030-06-04T14:00", "2030-06-04T14:00Z"))]
    assert kinds == [(True, False), (False, True), (False, False)]
    assert str(When.read("2030-06-04 14:00")) == "2030-06-04T14:00:00"


def test_when_at_keeps_an_offset_on_request() -> None:
    when = When.read("2030-06-04T08:00:00-04:00")
    assert when.at(PARIS, keep_offset=True).isoformat() == "2030-06-04T08:00:00-04:00"
    assert When.read("2030-06-04T08:00").at(PARIS, keep_offset=True).isoformat() == "2030-06-04T08:00:00+02:00"


def test_when_at_time_of_day() -> None:
    """A time of day says what a bare day means; a time keeps its own."""
    assert When.read("2030-06-04").at(PARIS, time_of_day=time(12)).isoformat() == "2030-06-04T12:00:00+02:00"
    assert When.read("2030-06-04T09:00").at(PARIS, time_of_day=time(12)).hour == 9


@pytest.mark.parametrize(
    ("text", "there", "message"),
    [
        ("2026-03-29T02:30", PARIS, "There is no 02:30 on 2026-03-29 in Europe/Paris"),
        ("2026-03-08T02:30", NEW_YORK, "There is no 02:30 on 2026-03-08 in America/New_York"),
        ("2026-10-25T02:30", PARIS, "There are two times 02:30 on 2026-10-25 in Europe/Paris"),
        ("2026-11-01T01:30", NEW_YORK, "There are two times 01:30 on 2026-11-01 in America/New_York"),
    ],
)
def test_when_at_clock_changes(text: str, there: ZoneInfo, message: str) -> None:
    """Each offset that the message names settles it."""
    when = When.read(text)
    with pytest.raises(TimeError, match=message) as problem:
        when.at(there)
    first, second = problem.value.hint.removesuffix(".").split(": ")[1].split(" or ")
    assert {first, second} == ({"+01:00", "+02:00"} if there is PARIS else {"-05:00", "-04:00"})
    assert to_utc(When.read(text + first).at(there)) != to_utc(When.read(text + second).at(there))
    with pytest.raises(TimeError, match=message):
        When.read(text[:10]).at(there, time_of_day=time.fromisoformat(text[11:]))


@pytest.mark.parametrize("text", ["2026-03-29T01:59", "2026-03-29T03:00", "2026-10-25T01:59", "2026-10-25T03:00"])
def test_when_at_beside_a_clock_change(text: str) -> None:
    assert When.read(text).at(PARIS).replace(tzinfo=None).isoformat(timespec="minutes") == text


@pytest.mark.parametrize(
    ("text", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-04", 24), ("2026-12-31", 24)]
)
def test_when_end_of_a_day(text: str, hours: int) -> None:
    when = When.read(text)
    assert when.end(PARIS).astimezone(UTC) - when.at(PARIS).astimezone(UTC) == timedelta(hours=hours)


def test_when_end_of_a_time() -> None:
    when = When.read("2030-06-04T14:00")
    assert when.end(PARIS) == when.at(PARIS)


def test_start_of_day_without_midnight() -> None:
    """In São Paulo, clocks went from 2018-11-03T23:59 to 2018-11-04T01:00."""
    assert start_of_day(date(2018, 11, 4), SAO_PAULO).isoformat() == "2018-11-04T01:00:00-02:00"
    assert When.read("2018-11-03").end(SAO_PAULO).isoformat() == "2018-11-04T01:00:00-02:00"
    assert start_of_day(date(2018, 11, 5), SAO_PAULO).isoformat() == "2018-11-05T00:00:00-02:00"


def test_start_of_day_with_two_midnights() -> None:
    """In Havana, 00:30 comes twice on 2026-11-01: the day begins with the first one."""
    assert start_of_day(date(2026, 11, 1), ZoneInfo("America/Havana")).isoformat() == "2026-11-01T00:00:00-04:00"


def test_when_day_and_moment() -> None:
    late = When.read("2030-06-04T23:30:00-04:00")
    assert (late.day(PARIS), late.day(NEW_YORK)) == (date(2030, 6, 5), date(2030, 6, 4))
    assert When.read("2030-06-04T23:30").day(PARIS) == date(2030, 6, 4)
    assert When.read("2030-06-04").day(PARIS) == When.read("2030-06-04").moment(PARIS) == date(2030, 6, 4)
    assert late.moment(PARIS).isoformat() == "2030-06-05T05:30:00+02:00"


@given(
    some.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30)),
    some.none() | some.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_when_read_takes_back_what_it_writes(value: datetime, offset: timezone | None) -> None:
    when = When(value.replace(tzinfo=offset))
    assert When.read(str(when)) == when
    assert When.read(str(when)).value.isoformat() == str(when)
    assert When.read(str(when.day(PARIS))).is_day


@given(some.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)))
def test_when_at_local_times_keep_their_wall_clock(value: datetime) -> None:
    with suppress(TimeError):
        moment = When(value).at(PARIS)
        assert moment.astimezone(UTC).astimezone(PARIS).replace(tzinfo=None) == value


@given(some.text("0123456789-:TZ+. ", max_size=30) | some.text(max_size=12))
def test_when_read_never_fails_otherwise(text: str) -> None:
    with suppress(TimeError):
        When.read(text)


@pytest.mark.parametrize(
    "name", ["", "Paris", "CEST!", "Europe", "../../etc/passwd", "/etc/localtime", "right/Europe/Paris", "localtime"]
)
def test_zone_unknown(name: str) -> None:
    with pytest.raises(
        errors.InvalidInputError, match=r"is not a known time zone\. Write an IANA name, such as Europe/Paris"
    ):
        zone(name)
    assert zone_or(name, PARIS) is PARIS


def test_zone_known() -> None:
    assert zone("Europe/Paris").key == known_zone(" Europe/Paris ") == "Europe/Paris"
    assert zone_or("America/New_York", PARIS).key == "America/New_York"
    assert zone_or(None, PARIS) is PARIS


def test_shown() -> None:
    moment = datetime(2030, 6, 4, 12, tzinfo=UTC)
    assert shown(moment, PARIS) == "4 June 2030, 14:00 (Europe/Paris)"
    assert shown(datetime(2030, 12, 31, 23, 30, tzinfo=UTC), PARIS) == "1 January 2031, 00:30 (Europe/Paris)"
    assert shown(date(2030, 8, 1), PARIS) == "1 August 2030"


def test_to_utc_and_milliseconds() -> None:
    moment = When.read("2030-06-04T14:00:00.125+02:00").at(PARIS)
    assert to_utc(moment) == "2030-06-04T12:00:00Z"
    assert to_milliseconds(moment) == 1906804800125
    assert from_milliseconds("1906804800125", PARIS) == moment
    assert from_milliseconds(1906804800125, PARIS).isoformat() == "2030-06-04T14:00:00.125000+02:00"
    assert to_milliseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1000
    with pytest.raises(errors.InvalidInputError, match="out of range"):
        to_utc(datetime.fromisoformat("9999-12-31T23:59:59-12:00"))
    for bad in ("x", 10**18):
        with pytest.raises(ValueError, match=r"."):
            from_milliseconds(bad, PARIS)


def test_a_time_without_an_offset_is_a_mistake_of_the_program() -> None:
    for function in (to_utc, to_milliseconds, lambda moment: shown(moment, PARIS)):
        with pytest.raises(ValueError, match="no offset"):
            function(datetime(2030, 6, 4))


def test_span_days() -> None:
    """The last day is included."""
    assert span(date(2030, 7, 14), date(2030, 7, 28)) == (date(2030, 7, 14), date(2030, 7, 29))
    assert span(date(2030, 7, 14), date(2030, 7, 14)) == (date(2030, 7, 14), date(2030, 7, 15))
    assert span(date(2030, 7, 14), None) == (date(2030, 7, 14), date(2030, 7, 15))
    assert span(date(2030, 7, 14), None, timedelta(days=3)) == (date(2030, 7, 14), date(2030, 7, 17))


@pytest.mark.parametrize("text", ["2026-03-29T01:30", "2026-10-25T01:30"])
def test_span_across_a_clock_change(text: str) -> None:
    """An hour is an hour, whatever the clocks do."""
    start, end = span(When.read(text).at(PARIS), None, timedelta(hours=2))
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=2)
    assert start.utcoffset() != end.utcoffset()


def test_span_compares_instants() -> None:
    """02:10 after the change is later than 02:30 before it, though the wall clock says otherwise."""
    start, end = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS), datetime(2026, 10, 25, 2, 10, tzinfo=PARIS, fold=1)
    assert span(start, end) == (start, end)
    check_order(start, end)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (date(2030, 7, 14), datetime(2030, 7, 15, tzinfo=UTC), "One of start and end is a day and the other a time"),
        (datetime(2030, 7, 14, tzinfo=UTC), date(2030, 7, 15), "One of start and end is a day and the other a time"),
        (date(2030, 7, 14), date(2030, 7, 12), "The end is not after the start"),
        (datetime(2030, 7, 14, 9, tzinfo=UTC), datetime(2030, 7, 14, 9, tzinfo=UTC), "The end is not after the start"),
    ],
)
def test_span_that_does_not_fit(start: Moment, end: Moment, message: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=message):
        span(start, end)


def test_check_order() -> None:
    noon = datetime(2030, 6, 4, 12, tzinfo=UTC)
    check_order(noon, noon + timedelta(seconds=1))
    check_order(date(2030, 6, 4), date(2030, 6, 4))
    for end in (noon, noon - timedelta(hours=1)):
        with pytest.raises(errors.InvalidInputError, match=r"^`before` is not after `after`\. Correct one of them\.$"):
            check_order(noon, end, "after", "before")
    with pytest.raises(errors.InvalidInputError):
        check_order(date(2030, 6, 4), date(2030, 6, 3))


def test_period() -> None:
    """A day as end is included, also the same day as the start."""
    day = When.read("2030-06-04")
    after, before = period(day, day, PARIS)
    assert (after and to_utc(after), before and to_utc(before)) == ("2030-06-03T22:00:00Z", "2030-06-04T22:00:00Z")
    assert period(None, None, PARIS) == (None, None)
    assert period(None, When.read("2030-06-04T12:00Z"), PARIS)[1] == datetime(2030, 6, 4, 12, tzinfo=UTC)
    with pytest.raises(errors.InvalidInputError, match="`until` is not after `since`"):
        period(day, When.read("2030-06-03"), PARIS, "since", "until")


class Booking(BaseModel):
    start: str


server: ScratchServer = ScratchServer("diary", title="Diary", description="Books.", category="productivity", hosts=[])


@server.reads
async def get_booking(
    start: Annotated[When, Field(description="The start: a time or a day", examples=["2030-06-04T14:00"])],
    end: When | None = None,
    timezone: TimeZone = "Europe/Paris",
) -> Booking:
    """Book."""
    return Booking(start=start.at(zone(timezone)).isoformat())


async def test_types_of_arguments() -> None:
    (tool,) = await tools_of(server)
    schema = tool["inputSchema"]["properties"]
    assert schema["start"] == {
        "type": "string", "description": "The start: a time or a day", "examples": ["2030-06-04T14:00"]
    }  # fmt: skip
    assert "anyOf" not in str(schema)
    assert "pattern" not in str(schema)
    assert schema["timezone"]["type"] == "string"
    done = await call(server, "diary_get_booking", start="2030-06-04 14:00", timezone="America/New_York")
    assert done.structured_content == {"start": "2030-06-04T14:00:00-04:00"}
    assert text_of(await call(server, "diary_get_booking", start="mardi")) == (
        "Error: Argument `start` does not fit: `mardi` is not a time or a day. Write a time with its offset "
        "(2030-06-04T14:00:00+02:00), a local time (2030-06-04T14:00) or a day (2030-06-04). Correct it and call again."
    )
    refused = text_of(await call(server, "diary_get_booking", start="2030-06-04", timezone="Paris"))
    assert refused.startswith("Error: Argument `timezone` does not fit: `Paris` is not a known time zone.")


def test_when_serializes_as_text() -> None:
    when = TypeAdapter(When)
    assert when.dump_json(When.read("2030-06-04T14:00")) == b'"2030-06-04T14:00:00"'
    assert when.json_schema(mode="serialization") == {"type": "string"}

"""Series: which occurrences a change is about, and what stays."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flotilla import errors
from flotilla_servers.outlook_calendar.recurrence import continued, recurrence_of, rule_of, shifted
from flotilla_servers.outlook_calendar.tests.fake import FakeGraph
from flotilla_testing import Tool

TUESDAY, PARIS = "2030-06-04T14:00", ZoneInfo("Europe/Paris")
MARIE = ["marie@client.example"]


async def starts(tool: Tool) -> list[str]:
    page = await tool("list_events", after="2030-06-01", before="2030-08-01", limit=50)
    return [one["start"][5:16] for one in page["items"]]


async def test_create_event_that_repeats(graph: FakeGraph, tool: Tool) -> None:
    result = await tool("create_event", title="Hebdo", start=TUESDAY, recurrence="FREQ=WEEKLY;COUNT=3")
    assert graph.writes[-1].json()["recurrence"] == {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
        "range": {"type": "numbered", "startDate": "2030-06-04", "numberOfOccurrences": 3},
    }
    assert (await tool("get_event", event=result["id"]))["recurrence"] == "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3"
    assert await starts(tool) == ["06-04T14:00", "06-11T14:00", "06-18T14:00"]
    page = await tool("list_events", after="2030-06-11", before="2030-06-11")
    assert page["items"][0]["series"] == result["id"]


async def test_update_one_occurrence(graph: FakeGraph, tool: Tool, problem: Tool, asked: list[str]) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=3)
    await tool("update_event", event=f"{series}.2030-06-11", start="2030-06-11T16:00")
    assert await starts(tool) == ["06-04T14:00", "06-11T16:00", "06-18T14:00"]
    assert asked == []
    message = await problem("update_event", event=f"{series}.2030-06-11", recurrence="FREQ=DAILY")
    assert "One occurrence cannot repeat by itself." in message


async def test_update_all_occurrences_to_another_hour_and_day(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=3, guests=MARIE)
    await tool("update_event", event=f"{series}.2030-06-11", scope="all", start="2030-06-12T15:30")
    assert asked == [
        "Move the whole series «Hebdo», all 3 occurrences? Each is then at 15:30, moved by 1 day. "
        "1 guest will be notified by e-mail."
    ]
    assert await starts(tool) == ["06-05T15:30", "06-12T15:30", "06-19T15:30"]
    assert graph.events[series]["recurrence"]["pattern"]["daysOfWeek"] == ["wednesday"]


async def test_update_this_and_following_parts_the_series(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    series = graph.add(
        "Hebdo", TUESDAY, weekly=5, guests=MARIE, isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness",
        body={"contentType": "text", "content": "Ordre du jour"},
    )  # fmt: skip
    await tool("cancel_event", event=f"{series}.2030-06-25")
    asked.clear()
    result = await tool(
        "update_event", event=f"{series}.2030-06-18", scope="this_and_following", start="2030-06-18T15:00"
    )
    assert asked == [
        "Move «Hebdo» from 18 June 2030, 14:00 (Europe/Paris) on, 2 occurrences? The first of these is then at "
        "18 June 2030, 15:00 (Europe/Paris). The earlier ones stay as they are. 1 guest will be notified by e-mail."
    ]
    assert result["earlier"] == series
    assert result["id"] != series
    assert await starts(tool) == ["06-04T14:00", "06-11T14:00", "06-18T15:00", "07-02T15:00"]
    new = graph.events[result["id"]]
    assert [one["emailAddress"]["address"] for one in new["attendees"]] == MARIE
    assert new["onlineMeeting"]["joinUrl"].endswith(result["id"])
    assert new["body"]["content"].count("meetup-join") == 1


async def test_update_this_and_following_of_the_first_is_all(graph: FakeGraph, tool: Tool) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=2)
    result = await tool(
        "update_event", event=f"{series}.2030-06-04", scope="this_and_following", start="2030-06-04T15:00"
    )
    assert (result["id"], await starts(tool)) == (series, ["06-04T15:00", "06-11T15:00"])


async def test_update_series_end_of_the_first_series_failed_leaves_both(
    graph: FakeGraph, tool: Tool, problem: Tool
) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=3)
    version = graph.events[series]["version"]
    create = graph._create

    def meanwhile(body: dict[str, Any], by: str = "helene@atelier.example") -> dict[str, Any]:
        graph.events[series]["version"] = version + 1  # somebody changes the series between the two steps
        return create(body, by)

    graph._create = meanwhile  # type: ignore[method-assign]
    message = await problem(
        "update_event", event=f"{series}.2030-06-11", scope="this_and_following", start="2030-06-11T15:00"
    )
    assert "It was changed by somebody else meanwhile." in message
    assert len(graph.events) == 2


async def test_update_series_by_another_rule(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=3)
    await tool("update_event", event=series, recurrence="RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20300613")
    assert asked == [
        "Change the whole series «Hebdo», all 3 occurrences? It then repeats by "
        "RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20300613."
    ]
    assert await starts(tool) == ["06-04T14:00", "06-06T14:00", "06-11T14:00", "06-13T14:00"]


async def test_cancel_one_occurrence_with_a_word(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=3, guests=MARIE)
    await tool("cancel_event", event=f"{series}.2030-06-11", comment="Férié")
    assert asked == [
        "Cancel the one occurrence of «Hebdo» of 11 June 2030, 14:00 (Europe/Paris)? The rest of the series stays. "
        "1 guest will be notified by e-mail."
    ]
    assert graph.mails[-1][2] == "Férié"
    assert await starts(tool) == ["06-04T14:00", "06-18T14:00"]


async def test_cancel_this_and_following_and_all(graph: FakeGraph, tool: Tool, problem: Tool, asked: list[str]) -> None:
    series = graph.add("Hebdo", TUESDAY, weekly=4, guests=MARIE)
    result = await tool(
        "cancel_event", event=f"{series}.2030-06-18", scope="this_and_following", comment="Fin du chantier"
    )
    assert asked == [
        "Cancel «Hebdo» from 18 June 2030, 14:00 (Europe/Paris) on, 2 occurrences? The 2 earlier ones stay. "
        "Outlook sends no word of yours with it. 1 guest will be notified by e-mail."
    ]
    assert result["from_start"] == "18 June 2030, 14:00 (Europe/Paris)"
    assert await starts(tool) == ["06-04T14:00", "06-11T14:00"]
    message = await problem("cancel_event", event=series, scope="this_and_following")
    assert "which does not say from which occurrence on" in message
    await tool("cancel_event", event=f"{series}.2030-06-11", scope="all", comment="Terminé")
    assert asked[-1].startswith("Cancel the whole series «Hebdo» from 4 June 2030, 14:00 (Europe/Paris) on, 2 occ")
    assert (graph.events, graph.mails[-1][2]) == ({}, "Terminé")


async def test_cancel_all_leaves_what_is_past(graph: FakeGraph, tool: Tool, asked: list[str]) -> None:
    series = graph.add("Hebdo", "2026-01-06T14:00", weekly=0)
    await tool("cancel_event", event=series, scope="all")
    assert "all occurrences? The " in asked[0]
    limits = graph.events[series]["recurrence"]["range"]
    assert limits["type"] == "endDate"
    assert date.fromisoformat(limits["endDate"]) > date(2026, 1, 6)


# -- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "pattern", "back"),
    [
        ("FREQ=DAILY;INTERVAL=2", {"type": "daily", "interval": 2}, "RRULE:FREQ=DAILY;INTERVAL=2"),
        (
            "rrule:freq=weekly;byday=mo,we;wkst=su",
            {"type": "weekly", "interval": 1, "daysOfWeek": ["monday", "wednesday"], "firstDayOfWeek": "sunday"},
            "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR",
            {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["friday"], "index": "last"},
            "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2",
            {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["monday", "tuesday"], "index": "second"},
            "RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2",
        ),
        (
            "FREQ=MONTHLY",
            {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 4},
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=4",
        ),
        (
            "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=14",
            {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 14, "month": 7},
            "RRULE:FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=14",
        ),
    ],
)
def test_rule_as_graph_takes_it_and_back(rule: str, pattern: dict[str, Any], back: str) -> None:
    recurrence = recurrence_of(rule, date(2030, 6, 4), PARIS)
    assert recurrence == {"pattern": pattern, "range": {"type": "noEnd", "startDate": "2030-06-04"}}
    assert rule_of(recurrence) == back


def test_rule_last_day_of_the_month() -> None:
    recurrence = recurrence_of("FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20301231T225959Z", date(2030, 6, 30), PARIS)
    assert len(recurrence["pattern"]["daysOfWeek"]) == 7
    assert rule_of(recurrence) == "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20301231"


def test_rule_until_is_a_day_of_the_zone() -> None:
    recurrence = recurrence_of("FREQ=DAILY;UNTIL=20301231T230000Z", date(2030, 6, 4), PARIS)
    assert recurrence["range"]["endDate"] == "2031-01-01"


@pytest.mark.parametrize(
    "rule",
    [
        *("every week", "FREQ=HOURLY", "FREQ=WEEKLY\nEXDATE:20300611", "FREQ=MONTHLY;BYDAY=TU", "FREQ=DAILY;COUNT=0"),
        *("FREQ=DAILY;COUNT=2;UNTIL=20301231", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=DAILY;UNTIL=20301341"),
        *("FREQ=WEEKLY;BYDAY=2TU", "FREQ=DAILY;BYHOUR=9", "FREQ=YEARLY;BYMONTH=1,2"),
    ],
)
def test_rule_that_outlook_cannot_keep_is_refused(rule: str) -> None:
    with pytest.raises(errors.InvalidInputError):
        recurrence_of(rule, date(2030, 6, 4), PARIS)


def test_shifted_rule_of_the_month_is_refused() -> None:
    recurrence = recurrence_of("FREQ=MONTHLY;BYDAY=1TU", date(2030, 6, 4), PARIS)
    with pytest.raises(errors.InvalidInputError, match="does not say on which days"):
        shifted(recurrence, date(2030, 6, 5), 1)
    monthly = recurrence_of("FREQ=MONTHLY", date(2030, 6, 4), PARIS)
    assert shifted(monthly, date(2030, 6, 5), 1)["pattern"]["dayOfMonth"] == 5


def test_continued_endless_series_has_no_end() -> None:
    recurrence = recurrence_of("FREQ=WEEKLY", date(2030, 6, 4), PARIS)
    assert continued(recurrence, date(2030, 6, 18), None, 0)["range"] == {"startDate": "2030-06-18", "type": "noEnd"}

"""Free time, proposed times and rooms; zones by both kinds of names."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flotilla_servers._microsoft import iana_zone, windows_name
from flotilla_servers.outlook_calendar.tests.fake import FakeGraph
from flotilla_testing import Tool

DAY = {"after": "2030-06-04", "before": "2030-06-04", "timezone": "Europe/Paris"}


async def test_check_availability_of_several_people(graph: FakeGraph, tool: Tool) -> None:
    graph.add("Point", "2030-06-04T10:00")
    graph.busy["paul@atelier.example"] = [
        ("2030-06-04T12:00", "2030-06-04T15:00", "tentative"),
        ("2030-06-04T07:00", "2030-06-04T07:30", "free"),
    ]
    result = await tool(
        "check_availability", calendars=["primary", "paul@atelier.example", "x@y.example"], minutes=60, **DAY
    )
    assert [(one["start"][11:16], one["end"][11:16]) for one in result["free"]] == [
        ("09:00", "10:00"), ("11:00", "14:00"), ("17:00", "18:00"),
    ]  # fmt: skip
    assert result["unreadable"] == ["x@y.example: ErrorMailRecipientNotFound"]


async def test_check_availability_asks_for_twenty_people_at_a_time(graph: FakeGraph, tool: Tool) -> None:
    people = [f"p{number}@atelier.example" for number in range(25)]
    graph.busy |= {one: [] for one in people}
    await tool("check_availability", calendars=people, **DAY)
    sizes = [len(one.json()["schedules"]) for one in graph.vendor.requests if one.path.endswith("getSchedule")]
    assert sizes == [20, 5]


async def test_check_availability_nobody_readable(problem: Tool) -> None:
    message = await problem("check_availability", calendars=["x@y.example"], **DAY)
    assert "None of the calendars can be read (x@y.example: ErrorMailRecipientNotFound)." in message


async def test_check_availability_own_time_leaves_out_what_is_declined(graph: FakeGraph, tool: Tool) -> None:
    graph.add("Pris", "2030-06-04T10:00")
    graph.add("Décliné", "2030-06-04T14:00", by="paul@client.example", response="declined")
    graph.events["AAkEV2"]["response"] = "declined"
    result = await tool("check_availability", calendars=["primary"], minutes=60, **DAY)
    assert [one["start"][11:16] for one in result["free"]] == ["09:00", "11:00"]


async def test_get_meeting_times(graph: FakeGraph, tool: Tool) -> None:
    asked = {"after": "2030-06-03", "before": "2030-06-07"}
    result = await tool("get_meeting_times", guests="paul@atelier.example", minutes=45, **asked)
    assert result["times"] == [
        {
            "start": "2030-06-03T10:00:00+02:00",
            "end": "2030-06-03T10:45:00+02:00",
            "utc": "2030-06-03T08:00:00Z/2030-06-03T08:45:00Z",
            "confidence": 75.0,
            "reason": "Nearest.",
            "not_free": ["paul@atelier.example tentative"],
        }
    ]
    sent = graph.vendor.requests[-1].json()
    assert (sent["meetingDuration"], sent["minimumAttendeePercentage"]) == ("PT45M", 100)
    none = await tool("get_meeting_times", guests="pris@atelier.example", **asked)
    assert none["why_none"] == "The people are not free at the same time within these times."


async def test_list_rooms_by_seats_and_free_time(graph: FakeGraph, tool: Tool, problem: Tool) -> None:
    assert [one["name"] for one in (await tool("list_rooms"))["items"]] == ["Salle verte", "Salle bleue"]
    assert [one["name"] for one in (await tool("list_rooms", seats=6, query="siege"))["items"]] == ["Salle bleue"]
    graph.busy["salle.bleue@atelier.example"] = [("2030-06-04T08:00", "2030-06-04T09:00", "busy")]
    when = {"free_from": "2030-06-04T10:30", "free_until": "2030-06-04T11:30"}
    page = await tool("list_rooms", **when)
    assert [(one["name"], one.get("free")) for one in page["items"]] == [("Salle verte", None)]  # its times are unknown
    graph.busy["salle.bleue@atelier.example"] = []
    page = await tool("list_rooms", seats=6, **when)
    assert [(one["name"], one["free"]) for one in page["items"]] == [("Salle bleue", True)]
    assert "One of free_from and free_until is missing." in await problem("list_rooms", free_from="2030-06-04T10:30")


def test_zone_by_windows_and_iana_names() -> None:
    utc, paris = ZoneInfo("UTC"), ZoneInfo("Europe/Paris")
    assert iana_zone("Romance Standard Time", utc) == paris
    assert iana_zone("W. Europe Standard Time", utc) == ZoneInfo("Europe/Berlin")
    assert iana_zone("Europe/Lisbon", utc) == ZoneInfo("Europe/Lisbon")
    assert iana_zone("Customized Time Zone", paris) == paris
    assert iana_zone(None, paris) == paris
    assert windows_name(ZoneInfo("Europe/Madrid")) == "Romance Standard Time"
    assert windows_name(ZoneInfo("America/New_York")) == "Eastern Standard Time"
    assert windows_name(utc) == "UTC"

"""A personal Microsoft account: what Outlook.com offers works, the rest is said."""

from __future__ import annotations

import pytest

from flotilla.http.scopes import scopes
from flotilla_servers.outlook_calendar.client import integration
from flotilla_servers.outlook_calendar.tests.fake import FakeGraph
from flotilla_testing import Tool

DAY = {"after": "2030-06-04", "before": "2030-06-04", "timezone": "Europe/Paris"}


@pytest.fixture
def personal() -> bool:
    return True


async def test_get_account_says_what_a_personal_one_cannot_do(tool: Tool) -> None:
    account = await tool("get_account")
    assert (account["kind"], account["address"]) == ("personal", "helene@outlook.com")
    assert "no rooms, no Teams links" in account["limits"]


async def test_own_events_and_own_free_time(graph: FakeGraph, tool: Tool) -> None:
    await tool("create_event", title="Dentiste", start="2030-06-04T10:00")
    result = await tool("check_availability", calendars=["primary"], minutes=60, **DAY)
    assert [one["start"][11:16] for one in result["free"]] == ["09:00", "11:00"]


@pytest.mark.parametrize(
    ("tool_name", "arguments", "doing"),
    [
        ("check_availability", {"calendars": ["paul@atelier.example"], **DAY}, "see when other people are free"),
        ("get_meeting_times", {"guests": "p@x.example", "after": "2030-06-03", "before": "2030-06-04"}, "proposed"),
        ("list_rooms", {}, "see meeting rooms"),
        ("create_event", {"title": "x", "start": "2030-06-04", "teams": True}, "add Teams links"),
        ("create_event", {"title": "x", "start": "2030-06-04", "rooms": ["Salle bleue"]}, "book meeting rooms"),
    ],
)
async def test_work_only_is_said(
    graph: FakeGraph, problem: Tool, tool_name: str, arguments: dict[str, object], doing: str
) -> None:
    message = await problem(tool_name, **arguments)
    assert message.startswith("Error: This is a personal Microsoft account, which cannot ")
    assert doing in message
    assert graph.writes == []


def test_scopes_of_a_personal_account_are_those_that_it_can_agree_to() -> None:
    assert {"Place.Read.All", "Calendars.Read.Shared"} <= set(scopes(integration, {}))
    personal = scopes(integration, {"OUTLOOK_CALENDAR_ACCOUNT": "personal"})
    assert set(personal) == {"User.Read", "MailboxSettings.Read", "Calendars.ReadWrite"}

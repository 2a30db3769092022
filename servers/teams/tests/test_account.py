"""Which account: an app by itself cannot write, a personal account has no Teams for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.teams.server import server
from flotilla_servers.teams.tests.conftest import SCHEMAS
from flotilla_servers.teams.tests.fake import FakeTeams
from flotilla_testing import Tool, call, client, environment, impatient, text_of

WRITES: list[tuple[str, dict[str, Any], str]] = [
    ("send_chat_message", {"chat": "Marie", "text": "x"}, "send messages"),
    ("create_chat", {"members": ["Marie"]}, "create chats"),
    ("send_channel_message", {"channel": "#ventes", "text": "x"}, "post in channels"),
    ("reply_to_message", {"message": "1", "channel": "#ventes", "text": "x"}, "post in channels"),
    ("send_card", {"title": "x", "channel": "#ventes"}, "send messages"),
    ("search_messages", {"query": "x"}, "search messages"),
    ("set_presence", {"availability": "Busy"}, "choose how they are shown"),
]


async def test_app_by_itself_reads_and_says_what_it_cannot_do(tmp_path: Path) -> None:
    with FakeTeams() as graph:
        own = {name: value for name, value in graph.settings.items() if not name.endswith("ACCESS_TOKEN")}
        app = {
            "CLIENT_ID": "app-1",
            "CLIENT_SECRET": "s",
            "TENANT": "atelier.example",
            "USER": "helene@atelier.example",
        }
        settings = {**own, **{f"TEAMS_{name}": value for name, value in app.items()}}
        with environment(server, **settings, FLOTILLA_STATE=str(tmp_path), FLOTILLA_TIER="all"), impatient(server):
            async with client(server, answer="accept") as mcp:
                with SCHEMAS.shared_with(mcp):
                    assert "Commerce" in text_of(await call(mcp, "teams_list_teams"))
                    for name, arguments, doing in WRITES:
                        message = text_of(await call(mcp, f"teams_{name}", **arguments))
                        assert f"without a user, and Microsoft lets only users {doing}." in message
        assert not [one for one in graph.writes if "/oauth2/" not in one.path]


class TestPersonal:
    @pytest.fixture
    def personal(self) -> bool:
        return True

    async def test_personal_account_is_said_to_have_no_teams(self, graph: FakeTeams, problem: Tool) -> None:
        for name, arguments, _ in WRITES:
            message = await problem(name, **arguments)
            assert "This is a personal Microsoft account, which cannot use Teams through Microsoft Graph" in message
        assert graph.writes == []

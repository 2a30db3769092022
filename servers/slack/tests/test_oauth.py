"""Tokens that rotate: renewed ahead of their end, once, and after Slack's 200 with token_expired."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from flotilla.http.scopes import scopes
from flotilla_servers.slack.client import LIMITS, OAUTH, ONE_A_SECOND, TIER_2, TIER_3, TIER_4, integration
from flotilla_servers.slack.server import server
from flotilla_servers.slack.tests.conftest import FOLDER, UNSET
from flotilla_servers.slack.tests.fake import MARIE, PERSON, FakeSlack
from flotilla_testing import call, client, environment, impatient, text_of
from flotilla_testing.contract import specs


def settings(slack: FakeSlack, state: Path, **more: str) -> dict[str, str]:
    own = {"SLACK_REFRESH_TOKEN": "xoxe-1", "SLACK_CLIENT_ID": "12.34", "SLACK_CLIENT_SECRET": "shh-4711"}
    return {**UNSET, **slack.settings, "SLACK_TOKEN": "", **own, "FLOTILLA_STATE": str(state), **more}


async def read() -> str:
    async with client(server) as mcp:
        return text_of(await call(mcp, "slack_read_channel", channel="#ventes"))


async def test_token_renewed_once_ahead_of_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(OAUTH, "_now", lambda: clock[0])
    with FakeSlack() as slack:
        slack.write(slack.ventes, MARIE, "Signé")
        with environment(server, **settings(slack, tmp_path)), impatient(server):
            assert all("Signé" in one for one in await asyncio.gather(read(), read()))
            assert slack.refreshed == [{"grant_type": "refresh_token", "refresh_token": "xoxe-1"}]
            clock[0] += 43_200 - 30
            assert "Signé" in await read()
            assert [one["refresh_token"] for one in slack.refreshed] == ["xoxe-1", "xoxe-2"]
        with environment(server, **settings(slack, tmp_path)), impatient(server):  # a new process has the newest one
            assert "Signé" in await read()
            assert len(slack.refreshed) == 2


async def test_token_expired_inside_of_a_success_is_renewed(tmp_path: Path) -> None:
    with FakeSlack() as slack:
        slack.write(slack.ventes, MARIE, "Signé")
        with environment(server, **settings(slack, tmp_path)), impatient(server):
            await read()
            slack.tokens = {PERSON: "U00000ZOE"}  # the rotated one has ended early
            assert "Signé" in await read()
            assert len(slack.refreshed) == 2


async def test_write_after_expired_token_is_sent_once(tmp_path: Path) -> None:
    with FakeSlack() as slack, environment(server, **settings(slack, tmp_path)), impatient(server):
        await read()
        slack.tokens = {PERSON: "U00000ZOE"}
        async with client(server) as mcp:
            result = await call(mcp, "slack_send_message", to="#ventes", text="Une fois")
        assert not result.is_error, text_of(result)
        assert slack.texts("ventes") == ["Une fois"]


async def test_refresh_token_revoked_says_to_connect_again(tmp_path: Path) -> None:
    with FakeSlack() as slack:
        values = settings(slack, tmp_path, SLACK_REFRESH_TOKEN="xoxe-old")
        with environment(server, **values), impatient(server):
            assert await read() == (
                "Error: Access was revoked or has expired (invalid_grant). "
                "Ask the user to run `scripts/login slack` again."
            )


async def test_no_credentials_says_where_to_get_a_token() -> None:
    with environment(server, **UNSET, SLACK_TOKEN=""):
        message = await read()
    assert "SLACK_TOKEN is not set" in message
    assert "api.slack.com/apps" in message


def test_scopes_by_access_level() -> None:
    person = set(scopes(integration, {"FLOTILLA_TIER": "all"}))
    assert {"search:read", "reminders:write", "channels:write", "users.profile:write"} <= person
    assert "channels:manage" not in person
    bot = set(scopes(integration, {"FLOTILLA_TIER": "all", "SLACK_IDENTITY": "app"}))
    assert {"chat:write", "channels:manage", "channels:join"} <= bot
    assert not {one for one in bot if one.startswith(("search:", "reminders:", "users.profile:"))}
    reading = set(scopes(integration, {"FLOTILLA_READ_ONLY": "1"}))
    assert not {one for one in reading if "write" in one}


def test_limits_are_the_documented_tiers_of_every_method_that_is_called() -> None:
    sources = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py") if "tests" not in path.parts]
    called = {name for text in sources for name in re.findall(r'"((?:\w+\.){1,2}\w+)"', text) if name in LIMITS}
    assert called >= LIMITS.keys() - {"search.messages", "search.files"}  # these two are put together
    document = specs() / "slack" / "slack_methods_docs_2026-05.json"
    if not document.is_file():
        pytest.skip("the contract is not on this machine")
    methods = json.loads(document.read_text(encoding="utf-8"))["methods"]
    tiers = {"Tier 2": TIER_2, "Tier 3": TIER_3, "Tier 4": TIER_4, "Special": ONE_A_SECOND}
    for method, window in LIMITS.items():
        documented = next(limit for tier, limit in tiers.items() if methods[method]["rate_limit"].startswith(tier))
        assert window == documented, method

"""OAuth in place of an internal integration's secret: renewed ahead of its end, with tokens that rotate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flotilla_servers.notion.client import AUTH, CONSENT
from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import CLIENT, FakeNotion
from flotilla_servers.notion.tests.workspace import furnish
from flotilla_testing import call, environment, impatient, text_of


def settings(notion: FakeNotion, folder: Path, **more: str) -> dict[str, str]:
    return {
        "NOTION_REFRESH_TOKEN": "nrt_first",
        "NOTION_CLIENT_ID": CLIENT[0],
        "NOTION_CLIENT_SECRET": CLIENT[1],
        "NOTION_TOKEN_URL": f"{notion.url}/oauth/token",
        "NOTION_BASE_URL": notion.url,
        "FLOTILLA_STATE": str(folder),
        "FLOTILLA_TIER": "all",
        **more,
    }


async def users() -> str:
    return text_of(await call(server, "notion_list_users"))


async def test_oauth_token_renewed_once_ahead_of_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notion tells no lifetime, so an access token counts for an hour; each renewal brings a new refresh token."""
    clock = [1_900_000_000.0]
    monkeypatch.setattr(AUTH.options[1], "_now", lambda: clock[0])
    with FakeNotion() as notion:
        furnish(notion)
        with environment(server, **settings(notion, tmp_path)), impatient(server):
            assert all("Marie Lefèvre" in one for one in await asyncio.gather(users(), users(), users()))
            assert notion.refreshed == [{"grant_type": "refresh_token", "refresh_token": "nrt_first"}]
            clock[0] += 3545  # of 3600 seconds
            assert "Marie Lefèvre" in await users()
            assert [one["refresh_token"] for one in notion.refreshed] == ["nrt_first", "nrt_1"]
        with environment(server, **settings(notion, tmp_path)), impatient(server):  # a new process
            assert "Marie Lefèvre" in await users()
            assert len(notion.refreshed) == 2


async def test_oauth_access_token_refused_renewed_once(tmp_path: Path) -> None:
    with FakeNotion() as notion, environment(server, **settings(notion, tmp_path)), impatient(server):
        furnish(notion)
        await users()
        notion.tokens.clear()
        assert "Marie Lefèvre" in await users()
        assert len(notion.refreshed) == 2


async def test_oauth_ended_consent_and_wrong_client_reported(tmp_path: Path) -> None:
    with FakeNotion() as notion:
        with environment(server, **settings(notion, tmp_path, NOTION_REFRESH_TOKEN="nrt_old")), impatient(server):
            assert "scripts/login notion" in await users()
        with environment(server, **settings(notion, tmp_path, NOTION_CLIENT_SECRET="other")), impatient(server):
            assert "invalid_client" in await users()


async def test_internal_secret_needs_no_renewal(tmp_path: Path) -> None:
    with FakeNotion() as notion:
        furnish(notion)
        with environment(server, **settings(notion, tmp_path, NOTION_TOKEN="ntn_test")), impatient(server):
            assert "Marie Lefèvre" in await users()
        assert notion.refreshed == []


def test_consent_asks_for_a_person() -> None:
    assert CONSENT.extra == {"owner": "user"}
    assert CONSENT.client_auth == "client_secret_basic_json"

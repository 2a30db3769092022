"""OAuth in place of a private app's token: renewed ahead of its end, once, and again after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flotilla_servers.hubspot.client import AUTH, integration
from flotilla_servers.hubspot.server import server
from flotilla_servers.hubspot.tests.fake import running
from flotilla_testing import call, client, environment, impatient, text_of


def settings(url: str, data: Path, **more: str) -> dict[str, str]:
    return {
        "HUBSPOT_REFRESH_TOKEN": "lasting-refresh-token",
        "HUBSPOT_CLIENT_ID": "4f1c-0815",
        "HUBSPOT_CLIENT_SECRET": "shh-4711",
        "HUBSPOT_TOKEN_URL": f"{url}/oauth/v3/token",
        "HUBSPOT_BASE_URL": url,
        "FLOTILLA_STATE": str(data),
        "FLOTILLA_TIER": "all",
        **more,
    }


async def owners() -> str:
    async with client(server) as mcp:
        result = await call(mcp, "hubspot_list_owners")
        return text_of(result)


async def test_oauth_token_renewed_once_ahead_of_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(AUTH.options[1], "_now", lambda: clock[0])
    with running() as (hubspot, vendor):
        with environment(server, **settings(vendor.url, tmp_path)), impatient(server):
            both = await asyncio.gather(owners(), owners(), owners())
            assert all("chloe@agence.example" in one for one in both)
            assert len(hubspot.refreshed) == 1
            assert hubspot.refreshed[0] == {
                "grant_type": "refresh_token",
                "refresh_token": "lasting-refresh-token",
                "client_id": "4f1c-0815",
                "client_secret": "shh-4711",
            }
            clock[0] += 1700  # of 1800 seconds
            await owners()
            assert len(hubspot.refreshed) == 1
            clock[0] += 60
            await owners()
            assert len(hubspot.refreshed) == 2
        with environment(server, **settings(vendor.url, tmp_path)), impatient(server):  # a new process
            await owners()
            assert len(hubspot.refreshed) == 2


async def test_oauth_token_expired_early_renewed_once(tmp_path: Path) -> None:
    with running() as (hubspot, vendor), environment(server, **settings(vendor.url, tmp_path)), impatient(server):
        await owners()
        hubspot.tokens = set()
        assert "chloe@agence.example" in await owners()
        assert len(hubspot.refreshed) == 2


async def test_oauth_wrong_client_reported(tmp_path: Path) -> None:
    with running() as (_, vendor):
        values = settings(vendor.url, tmp_path, HUBSPOT_CLIENT_SECRET="no-4711")
        with environment(server, **values), impatient(server):
            assert await owners() == (
                "Error: The OAuth client is not accepted (invalid_client). Check client_id and client_secret."
            )


async def test_oauth_incomplete_settings_reported() -> None:
    with environment(server, HUBSPOT_REFRESH_TOKEN="lasting-refresh-token", FLOTILLA_TIER="all"):
        assert "HUBSPOT_CLIENT_ID is not set" in await owners()


async def test_credentials_missing_says_where_to_get_them() -> None:
    with environment(server, FLOTILLA_TIER="all"):
        message = await owners()
    assert "HUBSPOT_TOKEN" in message
    assert "Private apps" in message


async def test_private_app_token_needs_no_renewal(tmp_path: Path) -> None:
    with running() as (hubspot, vendor):
        hubspot.tokens = {"pat-eu1-own"}
        values = settings(vendor.url, tmp_path, HUBSPOT_TOKEN="pat-eu1-own")
        with environment(server, **values), impatient(server):
            assert "chloe@agence.example" in await owners()
        assert hubspot.refreshed == []


def test_scopes_only_for_the_tools_shown() -> None:
    from flotilla.http.scopes import scopes

    every = scopes(integration, {"FLOTILLA_TIER": "all"})
    assert {"crm.objects.contacts.write", "crm.objects.deals.write", "tickets", "crm.objects.owners.read"} <= set(every)
    reading = scopes(integration, {"FLOTILLA_READ_ONLY": "1"})
    assert not any(scope.endswith(".write") or scope == "tickets" for scope in reading)


def test_timezone_unknown_refused() -> None:
    with environment(server, HUBSPOT_TOKEN="pat-eu1-x", HUBSPOT_TIMEZONE="Europe/Atlantis"):
        with pytest.raises(Exception, match="not a known time zone"):
            _ = server.connection.settings

"""Access tokens: by a refresh token with and without a secret, for the app itself, and which tenant is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flotilla_servers.outlook_calendar.client import api
from flotilla_servers.outlook_calendar.server import server
from flotilla_servers.outlook_calendar.tests.conftest import SCHEMAS
from flotilla_servers.outlook_calendar.tests.fake import FakeGraph
from flotilla_testing import call, client, environment, impatient, text_of

REFRESH = {"OUTLOOK_CALENDAR_REFRESH_TOKEN": "refresh-0", "OUTLOOK_CALENDAR_CLIENT_ID": "app-1"}
APP = {"OUTLOOK_CALENDAR_CLIENT_ID": "app-1", "OUTLOOK_CALENDAR_CLIENT_SECRET": "secret-1"}


@contextmanager
def opened(tmp_path: Path, **settings: str) -> Iterator[FakeGraph]:
    with FakeGraph() as graph:
        own = {name: value for name, value in graph.settings.items() if not name.endswith("ACCESS_TOKEN")}
        with environment(server, **own, **settings, FLOTILLA_STATE=str(tmp_path)), impatient(server):
            yield graph


async def asked(tool: str = "get_account", **arguments: object) -> str:
    async with client(server, answer="accept") as mcp:
        with SCHEMAS.shared_with(mcp):
            return text_of(await call(mcp, f"outlook_{tool}", **arguments))


async def test_refresh_token_of_a_public_client_renewed_ahead_of_expiry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(api.auth.options[1], "_now", lambda: clock[0])  # type: ignore[union-attr]
    with opened(tmp_path, **REFRESH) as graph:
        assert "Hélène Martin" in await asked()
        form = graph.grants[0]
        assert (form["tenant"], form["grant_type"], form["client_id"]) == ("common", "refresh_token", "app-1")
        assert form["scope"] == "https://graph.microsoft.com/.default offline_access"
        assert "client_secret" not in form
        clock[0] += 3500
        await asked("list_calendars")
        assert len(graph.grants) == 1
        clock[0] += 100
        await asked("list_calendars")
        assert graph.grants[1]["refresh_token"] == "refresh-1"  # the newest one


async def test_refresh_token_with_secret_and_tenant(tmp_path: Path) -> None:
    more = {"OUTLOOK_CALENDAR_CLIENT_SECRET": "secret-1", "OUTLOOK_CALENDAR_TENANT": "atelier.example"}
    with opened(tmp_path, **REFRESH, **more) as graph:
        assert "Hélène Martin" in await asked()
        assert (graph.grants[0]["tenant"], graph.grants[0]["client_secret"]) == ("atelier.example", "secret-1")


async def test_refresh_token_that_ended_says_how_to_connect_again(tmp_path: Path) -> None:
    with opened(tmp_path, **{**REFRESH, "OUTLOOK_CALENDAR_REFRESH_TOKEN": "ended"}):
        assert "ask the user to run `scripts/login outlook-calendar` again" in await asked()


async def test_app_by_itself_works_for_the_named_mailbox(tmp_path: Path) -> None:
    more = {"OUTLOOK_CALENDAR_TENANT": "atelier.example", "OUTLOOK_CALENDAR_USER": "helene@atelier.example"}
    with opened(tmp_path, **APP, **more) as graph:
        assert '"kind":"app"' in await asked()
        assert graph.grants[0]["grant_type"] == "client_credentials"
        assert {one.path for one in graph.vendor.requests if one.method == "GET"} == {
            "/v1.0/users/helene%40atelier.example", "/v1.0/users/helene%40atelier.example/mailboxSettings",
        }  # fmt: skip
        times = {"guests": ["p@x.example"], "after": "2030-06-03", "before": "2030-06-04"}
        assert "Outlook proposes times to a user only" in await asked("get_meeting_times", **times)


async def test_app_by_itself_without_a_mailbox_names_the_setting(tmp_path: Path) -> None:
    with opened(tmp_path, **APP, OUTLOOK_CALENDAR_TENANT="atelier.example"):
        assert "OUTLOOK_CALENDAR_USER is not set" in await asked()


@pytest.mark.parametrize("tenant", ["evil.example/x", "a b", "../common"])
async def test_tenant_is_one_part_of_the_address(tmp_path: Path, tenant: str) -> None:
    with opened(tmp_path, **REFRESH, OUTLOOK_CALENDAR_TENANT=tenant) as graph:
        assert "OUTLOOK_CALENDAR_TENANT is wrong" in await asked()
        assert graph.grants == []

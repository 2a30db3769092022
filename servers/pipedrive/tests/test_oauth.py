"""OAuth in place of a person's API token: the refresh token stays, access tokens are renewed ahead of their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from flotilla_servers.pipedrive.client import OAUTH, integration
from flotilla_servers.pipedrive.server import server
from flotilla_servers.pipedrive.tests.fake import FakeLogin, FakePipedrive
from flotilla_testing import call, environment, impatient, text_of
from flotilla_testing.fake_vendor import FakeVendor


def settings(url: str, state: Path, **more: str) -> dict[str, str]:
    return {
        "PIPEDRIVE_REFRESH_TOKEN": "lasting",
        "PIPEDRIVE_CLIENT_ID": "client-1",
        "PIPEDRIVE_CLIENT_SECRET": "secret-1",
        "PIPEDRIVE_TOKEN_URL": f"{url}/oauth/token",
        "PIPEDRIVE_BASE_URL": url,
        "FLOTILLA_STATE": str(state),
        "FLOTILLA_TIER": "all",
        **more,
    }


async def test_oauth_token_renewed_ahead_of_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(OAUTH, "_now", lambda: clock[0])
    login = FakeLogin(FakePipedrive())
    with FakeVendor(login) as vendor:
        for seconds, renewals in ((0, 1), (3500, 1), (60, 2)):
            clock[0] += seconds
            with environment(server, **settings(vendor.url, tmp_path)), impatient(server):  # each time a new process
                result = await call(server, "pipedrive_list_users")
                assert not result.is_error, text_of(result)
                assert len(login.forms) == renewals


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"PIPEDRIVE_REFRESH_TOKEN": "ended"}, "Ask the user to run `scripts/login pipedrive` again."),
        ({"PIPEDRIVE_CLIENT_SECRET": "wrong-1"}, "The OAuth client is not accepted (invalid_client)."),
    ],
)
async def test_oauth_refused_says_what_to_do(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with FakeVendor(FakeLogin(FakePipedrive())) as vendor:
        with environment(server, **settings(vendor.url, tmp_path, **changed)), impatient(server):
            assert message in text_of(await call(server, "pipedrive_list_users"))


async def test_api_token_goes_before_oauth(tmp_path: Path) -> None:
    pipedrive = FakePipedrive()
    with FakeVendor(pipedrive) as vendor:
        values = settings(vendor.url, tmp_path, PIPEDRIVE_TOKEN=pipedrive.token)
        with environment(server, **values), impatient(server):
            result = await call(server, "pipedrive_list_users")
        assert not result.is_error, text_of(result)
        assert all("authorization" not in request.headers for request in pipedrive.requests)


def test_scopes_only_for_the_tools_shown() -> None:
    from flotilla.http.scopes import scopes

    assert {"deals:full", "contacts:full", "activities:full", "leads:full", "search:read"} <= set(
        scopes(integration, {"FLOTILLA_TIER": "all"})
    )
    assert not any(one.endswith(":full") for one in scopes(integration, {"FLOTILLA_READ_ONLY": "1"}))

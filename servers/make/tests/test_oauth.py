"""OAuth in place of an API key, and the zone, in which alone either works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flotilla_servers.make.client import Settings, api
from flotilla_servers.make.server import server
from flotilla_servers.make.tests.fake import FakeMake
from flotilla_testing import Request, Response, call, environment, errors_of, impatient, text_of
from flotilla_testing.fake_api import form_of


class FakeLogin(FakeMake):
    """Make and its token endpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.renewals, self.refresh, self.token = 0, "refresh-0", "Bearer access-1"
        self._handlers.insert(0, ("POST", re.compile("/oauth/v2/token"), self.renew))

    def renew(self, request: Request) -> Response:
        """Exchange the refresh token for an access token."""
        form = form_of(request)
        if (form.get("client_id"), form.get("client_secret")) != ("client-1", "secret-1"):
            return Response.of({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return Response.of({"error": "invalid_grant"}, 400)
        self.renewals += 1
        return Response.of({"access_token": "access-1", "expires_in": 3600, "token_type": "Bearer"})


def settings(fake: FakeLogin, state: Path) -> dict[str, str]:
    return {
        "MAKE_ZONE": "eu1",
        "MAKE_REFRESH_TOKEN": "refresh-0",
        "MAKE_CLIENT_ID": "client-1",
        "MAKE_CLIENT_SECRET": "secret-1",
        "MAKE_TOKEN_URL": f"{fake.vendor.url}/oauth/v2/token",
        "MAKE_BASE_URL": fake.vendor.url,
        "FLOTILLA_STATE": str(state),
    }


async def test_oauth_token_renewed_ahead_of_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(api.auth.options[1], "_now", lambda: clock[0])  # type: ignore[union-attr]
    with FakeLogin() as fake, environment(server, **settings(fake, tmp_path)), impatient(server):
        for seconds, renewals in ((0, 1), (3000, 1), (590, 2)):
            clock[0] += seconds
            result = await call(server, "make_list_teams")
            assert not result.is_error, text_of(result)
            await call(server, "make_list_scenarios")
            assert fake.renewals == renewals


async def test_oauth_revoked_says_how_to_connect_again(tmp_path: Path) -> None:
    with FakeLogin() as fake:
        fake.refresh = "another"
        with environment(server, **settings(fake, tmp_path)), impatient(server):
            message = await errors_of(server, "make")("list_teams")
    assert "Ask the user to run `scripts/login make` again." in message


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("eu1", "eu1.make.com"),
        ("US2.make.com", "us2.make.com"),
        ("https://eu1.make.com/123/team/4/dashboard", "eu1.make.com"),
        ("eu1.make.celonis.com", "eu1.make.celonis.com"),
    ],
)
def test_zone_read_as_people_paste_it(text: str, zone: str) -> None:
    settings = Settings(zone=text, api_key="k")  # type: ignore[arg-type, call-arg]
    assert settings.api_url == f"https://{zone}/api/v2"
    assert settings.webhooks_url == f"https://hook.{zone}"


@pytest.mark.parametrize("text", ["Europe", "eu1.evil.example", "www.make.com", "eu1.make.com.evil.example"])
async def test_zone_wrong_is_named_before_anything_is_sent(text: str) -> None:
    with environment(server, MAKE_ZONE=text, MAKE_API_KEY="k-123456"):
        message = await errors_of(server, "make")("list_teams")
    assert message.startswith("Error: MAKE_ZONE is wrong: it must be the account's zone")
    assert "eu1, eu2, us1" in message


async def test_key_of_another_zone_names_the_zone() -> None:
    with FakeMake() as fake, environment(server, **{**fake.settings, "MAKE_API_KEY": "other-key"}), impatient(server):
        message = await errors_of(server, "make")("list_teams")
    assert "MAKE_ZONE is the zone in which it was made" in message

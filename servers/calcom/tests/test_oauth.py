"""OAuth in place of an API key: refresh tokens of Cal.com are taken to be good for one renewal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flotilla_servers.calcom.client import AUTH
from flotilla_servers.calcom.server import server
from flotilla_servers.calcom.tests.fake import KEY, FakeCalcom
from flotilla_testing import Request, Response, call, environment, impatient, text_of
from flotilla_testing.fake_api import form_of


class FakeLogin(FakeCalcom):
    """Cal.com and its token endpoint, which ends a refresh token that was used."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh, self.renewals = "refresh-0", 0
        self._handlers.insert(0, ("POST", re.compile("/v2/auth/oauth2/token"), self.renew))

    def renew(self, request: Request) -> Response:
        """Exchange the refresh token for an access token and the next refresh token."""
        form = form_of(request)
        if (form.get("client_id"), form.get("client_secret")) != ("client-1", "secret-1"):
            return Response.of({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return Response.of({"error": "invalid_grant"}, 400)
        self.renewals += 1
        self.refresh = f"refresh-{self.renewals}"
        tokens = {"access_token": KEY, "refresh_token": self.refresh, "expires_in": 1800, "token_type": "bearer"}
        return Response.of(tokens)


def settings(fake: FakeCalcom, state: Path) -> dict[str, str]:
    return {
        "CALCOM_REFRESH_TOKEN": "refresh-0",
        "CALCOM_CLIENT_ID": "client-1",
        "CALCOM_CLIENT_SECRET": "secret-1",
        "CALCOM_TOKEN_URL": f"{fake.vendor.url}/v2/auth/oauth2/token",
        "CALCOM_BASE_URL": fake.vendor.url,
        "FLOTILLA_STATE": str(state),
    }


async def test_oauth_token_renewed_ahead_of_expiry_with_the_newest_refresh_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(AUTH.options[1], "_now", lambda: clock[0])
    with FakeLogin() as fake:
        for seconds, renewals in ((0, 1), (1600, 1), (190, 2), (1800, 3)):
            clock[0] += seconds
            with environment(server, **settings(fake, tmp_path)), impatient(server):  # each time a new process
                result = await call(server, "calcom_get_current_user")
                assert not result.is_error, text_of(result)
                assert fake.renewals == renewals


async def test_oauth_revoked_says_how_to_connect_again(tmp_path: Path) -> None:
    with FakeLogin() as fake:
        fake.refresh = "another"
        with environment(server, **settings(fake, tmp_path)), impatient(server):
            result = await call(server, "calcom_get_current_user")
            assert "Ask the user to run `scripts/login calcom` again." in text_of(result)

"""OAuth in place of a personal access token: refresh tokens of Calendly are good for one renewal."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest

from flotilla_servers.calendly.client import api
from flotilla_servers.calendly.server import server
from flotilla_servers.calendly.tests.fake import TOKEN, FakeCalendly
from flotilla_testing import Request, Response, call, environment, impatient, text_of
from flotilla_testing.fake_api import form_of


class FakeLogin(FakeCalendly):
    """Calendly and its token endpoint, which ends a refresh token that was used."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh, self.renewals = "refresh-0", 0
        self._handlers.insert(0, ("POST", re.compile("/oauth/token"), self.renew))

    def renew(self, request: Request) -> Response:
        """Exchange the refresh token for an access token and the next refresh token."""
        form, basic = form_of(request), b64encode(b"client-1:secret-1").decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return Response.of({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return Response.of({"error": "invalid_grant"}, 400)
        self.renewals += 1
        self.refresh = f"refresh-{self.renewals}"
        tokens = {"access_token": TOKEN, "refresh_token": self.refresh, "expires_in": 7200, "token_type": "Bearer"}
        return Response.of(tokens)


def settings(fake: FakeCalendly, state: Path) -> dict[str, str]:
    return {
        "CALENDLY_REFRESH_TOKEN": "refresh-0",
        "CALENDLY_CLIENT_ID": "client-1",
        "CALENDLY_CLIENT_SECRET": "secret-1",
        "CALENDLY_TOKEN_URL": f"{fake.vendor.url}/oauth/token",
        "CALENDLY_BASE_URL": fake.vendor.url,
        "FLOTILLA_STATE": str(state),
    }


async def test_oauth_token_renewed_ahead_of_expiry_with_the_newest_refresh_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(api.auth.options[1], "_now", lambda: clock[0])  # type: ignore[union-attr]
    with FakeLogin() as fake:
        for seconds, renewals in ((0, 1), (7000, 1), (200, 2), (7200, 3)):
            clock[0] += seconds
            with environment(server, **settings(fake, tmp_path)), impatient(server):  # each time a new process
                result = await call(server, "calendly_get_current_user")
                assert not result.is_error, text_of(result)
                assert fake.renewals == renewals


async def test_oauth_revoked_says_how_to_connect_again(tmp_path: Path) -> None:
    with FakeLogin() as fake:
        fake.refresh = "another"
        with environment(server, **settings(fake, tmp_path)), impatient(server):
            result = await call(server, "calendly_get_current_user")
            assert "Ask the user to run `scripts/login calendly` again." in text_of(result)

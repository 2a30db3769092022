"""OAuth in place of a private API key: an access token of an hour, renewed ahead of its end."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest

from flotilla_servers.klaviyo.client import AUTH
from flotilla_servers.klaviyo.server import server
from flotilla_servers.klaviyo.tests import fake as fakes
from flotilla_servers.klaviyo.tests.fake import FakeKlaviyo
from flotilla_testing import Request, Response, call, environment, impatient, text_of
from flotilla_testing.fake_api import form_of


class FakeLogin(FakeKlaviyo):
    """Klaviyo and its token endpoint. `rotates`: each renewal ends the refresh token, which its pages do not say."""

    def __init__(self, rotates: bool = False) -> None:
        super().__init__()
        self.rotates, self.refresh, self.renewals = rotates, "refresh-0", 0
        self._handlers.insert(0, ("POST", re.compile("/oauth/token"), self.renew))

    def _check(self, request: Request, key: str | None) -> None:
        if request.headers.get("authorization") != f"Bearer at-{self.renewals}":
            raise fakes.Refusal(401, "not_authenticated", "The access token is not valid.")

    def renew(self, request: Request) -> Response:
        """Exchange the refresh token for an access token."""
        form, basic = form_of(request), b64encode(b"client-1:secret-1").decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return Response.of({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return Response.of({"error": "invalid_grant"}, 400)
        self.renewals += 1
        if self.rotates:
            self.refresh = f"refresh-{self.renewals}"
        token = {"access_token": f"at-{self.renewals}", "refresh_token": self.refresh, "expires_in": 3600}
        return Response.of({**token, "token_type": "Bearer", "scope": "accounts:read"})


def settings(fake: FakeKlaviyo, state: Path) -> dict[str, str]:
    return {
        "KLAVIYO_API_KEY": "",
        "KLAVIYO_REFRESH_TOKEN": "refresh-0",
        "KLAVIYO_CLIENT_ID": "client-1",
        "KLAVIYO_CLIENT_SECRET": "secret-1",
        "KLAVIYO_TOKEN_URL": f"{fake.vendor.url}/oauth/token",
        "KLAVIYO_BASE_URL": fake.vendor.url,
        "FLOTILLA_STATE": str(state),
    }


@pytest.mark.parametrize("rotates", [False, True])
async def test_oauth_token_renewed_ahead_of_expiry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotates: bool
) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(AUTH.options[1], "_now", lambda: clock[0])
    with FakeLogin(rotates) as fake:
        for seconds, renewals in ((0, 1), (3500, 1), (60, 2)):
            clock[0] += seconds
            with environment(server, **settings(fake, tmp_path)), impatient(server):  # each time a new process
                result = await call(server, "klaviyo_list_audiences")
                assert not result.is_error, text_of(result)
                assert fake.renewals == renewals


async def test_oauth_revoked_says_how_to_connect_again(tmp_path: Path) -> None:
    with FakeLogin() as fake:
        fake.refresh = "another"
        with environment(server, **settings(fake, tmp_path)), impatient(server):
            result = await call(server, "klaviyo_list_audiences")
            assert "Ask the user to run `scripts/login klaviyo` again." in text_of(result)

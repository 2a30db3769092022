"""OAuth in place of an API token: a client alone, or a refresh token that works once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.zendesk.client import api
from flotilla_servers.zendesk.server import server
from flotilla_servers.zendesk.tests.fake import FakeZendesk
from flotilla_testing import Request, Response, call, environment, impatient, text_of
from flotilla_testing.fake_api import form_of


class FakeLogin(FakeZendesk):
    """Zendesk and its token endpoint, which ends a refresh token that was used."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh, self.requests = "refresh-0", list[dict[str, Any]]()
        self._handlers.insert(0, ("POST", re.compile("/oauth/tokens"), self.token))

    def token(self, request: Request) -> Response:
        """Give an access token, of which it says how long it lasts only where that was asked."""
        form = form_of(request)
        if (form.get("client_id"), form.get("client_secret")) != ("client-1", "secret-1"):
            return Response.of({"error": "invalid_client"}, 401)
        answer = {"access_token": f"access-{len(self.requests)}", "token_type": "bearer", "scope": "read write"}
        if form["grant_type"] == "refresh_token":
            if form.get("refresh_token") != self.refresh:
                return Response.of({"error": "invalid_grant"}, 400)
            self.refresh = answer["refresh_token"] = f"refresh-{len(self.requests) + 1}"
        elif form["grant_type"] != "client_credentials" or form.get("scope") != "read write":
            return Response.of({"error": "unsupported_grant_type"}, 400)
        self.requests.append(form)
        self.bearer = {answer["access_token"]}
        return Response.of({**answer, **({"expires_in": int(form["expires_in"])} if "expires_in" in form else {})})


def settings(fake: FakeZendesk, state: Path, **more: str) -> dict[str, str]:
    return {
        "ZENDESK_SUBDOMAIN": "https://atelier.zendesk.com/agent",
        "ZENDESK_CLIENT_ID": "client-1",
        "ZENDESK_CLIENT_SECRET": "secret-1",
        "ZENDESK_BASE_URL": fake.vendor.url,
        "FLOTILLA_STATE": str(state),
        **more,
    }


async def get() -> str:
    result = await call(server, "zendesk_get_ticket", ticket="35")
    return text_of(result)


@pytest.mark.parametrize("more", [{}, {"ZENDESK_REFRESH_TOKEN": "refresh-0"}])
async def test_oauth_token_renewed_ahead_of_expiry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(api.auth.options[1], "_now", lambda: clock[0])  # type: ignore[union-attr]
    with FakeLogin() as fake:
        for seconds, renewals in ((0, 1), (86_000, 1), (400, 2), (86_400, 3)):
            clock[0] += seconds
            with environment(server, **settings(fake, tmp_path, **more)), impatient(server):  # each time a new process
                assert "La lampe clignote" in await get()
                assert len(fake.requests) == renewals


async def test_oauth_token_ended_early_renewed_once(tmp_path: Path) -> None:
    with FakeLogin() as fake, environment(server, **settings(fake, tmp_path)), impatient(server):
        await get()
        fake.bearer = set()
        assert "La lampe clignote" in await get()
        assert len(fake.requests) == 2


async def test_oauth_revoked_says_what_to_do(tmp_path: Path) -> None:
    with FakeLogin() as fake:
        fake.refresh = "another"
        more = {"ZENDESK_REFRESH_TOKEN": "refresh-0"}
        with environment(server, **settings(fake, tmp_path, **more)), impatient(server):
            assert "Ask the user to run `scripts/login zendesk` again." in await get()


async def test_settings_of_no_way_to_connect_name_the_first_one() -> None:
    with environment(server, ZENDESK_SUBDOMAIN="atelier"):
        assert "ZENDESK_CLIENT_ID is not set" in await get()


@pytest.mark.parametrize("written", ["Atelier", "atelier.zendesk.com", "https://atelier.zendesk.com/agent/tickets/1"])
def test_subdomain_of_what_people_paste(written: str) -> None:
    with environment(server, ZENDESK_SUBDOMAIN=written, ZENDESK_EMAIL="zoe@atelier.example", ZENDESK_API_TOKEN="t0ken"):
        assert server.connection.settings.address == "https://atelier.zendesk.com"


def test_subdomain_of_another_host_refused() -> None:
    with environment(
        server, ZENDESK_SUBDOMAIN="evil.example/x", ZENDESK_EMAIL="zoe@atelier.example", ZENDESK_API_TOKEN="t0ken"
    ):
        with pytest.raises(Exception, match="first part of the account's address"):
            _ = server.connection.settings

"""Tokens in place of a fixed one: by client credentials, and by refresh tokens that are good for one renewal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.shopify.client import api
from flotilla_servers.shopify.server import server
from flotilla_servers.shopify.tests.fake import TOKEN, FakeShopify
from flotilla_testing import Request, Response, call, environment, impatient, text_of
from flotilla_testing.fake_api import form_of


class FakeLogin(FakeShopify):
    """The shop and its token endpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh, self.forms = "refresh-0", list[dict[str, Any]]()
        self._handlers.insert(0, ("POST", re.compile("/admin/oauth/access_token"), self.renew))

    def renew(self, request: Request) -> Response:
        """Give a token."""
        form = form_of(request)
        self.forms.append(form)
        if (form.get("client_id"), form.get("client_secret")) != ("client-1", "secret-1"):
            return Response.of({"error": "invalid_client"}, 401)
        if form["grant_type"] == "client_credentials":
            return Response.of({"access_token": TOKEN, "scope": "read_orders", "expires_in": 86399})
        if form.get("refresh_token") != self.refresh:
            return Response.of({"error": "invalid_grant"}, 400)
        self.refresh = f"refresh-{len(self.forms)}"
        return Response.of({"access_token": TOKEN, "refresh_token": self.refresh, "expires_in": 3600})


def settings(fake: FakeLogin, state: Path, **more: str) -> dict[str, str]:
    return {
        **fake.settings,
        "SHOPIFY_TOKEN": "",
        "SHOPIFY_CLIENT_ID": "client-1",
        "SHOPIFY_CLIENT_SECRET": "secret-1",
        "SHOPIFY_TOKEN_URL": f"{fake.vendor.url}/admin/oauth/access_token",
        "FLOTILLA_TIER": "all",
        "FLOTILLA_STATE": str(state),
        **more,
    }


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ({}, ((0, 1), (86_000, 1), (400, 2))),
        ({"SHOPIFY_REFRESH_TOKEN": "refresh-0"}, ((0, 1), (3000, 1), (600, 2), (3600, 3))),
    ],
)
async def test_token_renewed_ahead_of_expiry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str], steps: tuple[tuple[int, int], ...]
) -> None:
    clock = [1_900_000_000.0]
    for grant in api.auth.options[1:]:  # type: ignore[union-attr]
        monkeypatch.setattr(grant, "_now", lambda: clock[0])
    with FakeLogin() as fake:
        for seconds, renewals in steps:
            clock[0] += seconds
            with environment(server, **settings(fake, tmp_path, **more)), impatient(server):  # each time a new process
                result = await call(server, "shopify_get_shop")
                assert not result.is_error, text_of(result)
                assert len(fake.forms) == renewals
        assert fake.vendor.requests[-1].headers["x-shopify-access-token"] == TOKEN


async def test_wrong_client_says_what_to_check(tmp_path: Path) -> None:
    with FakeLogin() as fake, environment(server, **settings(fake, tmp_path, SHOPIFY_CLIENT_ID="other")):
        with impatient(server):
            assert "The OAuth client is not accepted (invalid_client)." in text_of(
                await call(server, "shopify_get_shop")
            )

"""Three ways in: requests that are signed, an access token alone, and the login of an administrator."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2 as httpx
import pytest

from flotilla_servers.magento.auth import signature
from flotilla_servers.magento.client import api
from flotilla_servers.magento.server import server
from flotilla_servers.magento.tests.fake import BASE, FakeMagento
from flotilla_testing import Request, Response, call, environment, impatient, text_of

SIGNED = {"CONSUMER_KEY": "ck1", "CONSUMER_SECRET": "cs1", "ACCESS_TOKEN": "at1", "ACCESS_TOKEN_SECRET": "ats1"}


class FakeLogin(FakeMagento):
    """A shop that gives an administrator a new token at each login."""

    def __init__(self) -> None:
        super().__init__()
        self.logins = 0
        self._handlers.insert(0, ("POST", re.compile(f"{BASE}/integration/admin/token"), self.login))

    def login(self, request: Request) -> Response:
        """Exchange name and password for a token, which is a JSON text."""
        if request.json() != {"username": "zoe", "password": "s3cret-pass"}:
            return Response.of({"message": "The account sign-in was incorrect."}, 401)
        self.logins += 1
        self.token = f"admin-token-{self.logins}"
        return Response.of(self.token)


def login(fake: FakeMagento, state: Path, password: str = "s3cret-pass") -> dict[str, str]:
    return {
        "MAGENTO_BASE_URL": fake.vendor.url,
        "MAGENTO_USERNAME": "zoe",
        "MAGENTO_PASSWORD": password,
        "FLOTILLA_STATE": str(state),
    }


async def test_admin_login_is_renewed_before_its_token_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(api.auth.options[2], "_now", lambda: clock[0])  # type: ignore[union-attr]
    with FakeLogin() as fake:
        for seconds, logins in ((0, 1), (14_000, 1), (400, 2)):
            clock[0] += seconds
            with environment(server, **login(fake, tmp_path)), impatient(server):  # each time a new process
                result = await call(server, "magento_get_order", order="1042")
                assert not result.is_error, text_of(result)
                assert fake.logins == logins


async def test_admin_login_refused_names_two_factor_authentication(tmp_path: Path) -> None:
    with FakeLogin() as fake, environment(server, **login(fake, tmp_path, "wrong-pass")), impatient(server):
        text = text_of(await call(server, "magento_get_order", order="1042"))
    assert "Magento refuses the administrator's login." in text
    assert "two-factor authentication" in text


def test_signature_with_brackets_accents_and_signs() -> None:
    """The expected value was made from the base string of authlib, which signs by HMAC-SHA1 alone."""
    url = httpx.URL("https://boutique.example/rest/V1/orders", params={"searchCriteria[pageSize]": "5", "q": "é +"})
    oauth = {"oauth_consumer_key": "ck1", "oauth_nonce": "n", "oauth_timestamp": "1", "oauth_token": "at1"}
    assert signature("get", url, oauth, "cs1", "ats1") == "CjSXn0zxw2yXGtUfh75+dBnSHSlS4Ly1xlzcSuh58H8="


async def test_signed_requests_carry_the_four_values(tmp_path: Path) -> None:
    with FakeMagento() as fake:
        values = {f"MAGENTO_{name}": value for name, value in SIGNED.items()}
        more = {"MAGENTO_BASE_URL": fake.vendor.url, "FLOTILLA_STATE": str(tmp_path)}
        with environment(server, **values, **more), impatient(server):
            result = await call(server, "magento_get_order", order="1042")
        assert not result.is_error, text_of(result)
        header = fake.vendor.requests[0].headers["authorization"]
    sent = dict(re.findall(r'(\w+)="([^"]*)"', header))
    assert (sent["oauth_consumer_key"], sent["oauth_token"], sent["oauth_version"]) == ("ck1", "at1", "1.0")
    assert sent["oauth_signature_method"] == "HMAC-SHA256"
    assert "cs1" not in header
    assert "ats1" not in header


async def test_error_placeholders_and_missing_resource(tmp_path: Path) -> None:
    with FakeMagento() as fake:
        more = {**fake.settings, "MAGENTO_ACCESS_TOKEN": "another-token", "FLOTILLA_STATE": str(tmp_path)}
        with environment(server, **more), impatient(server):
            text = text_of(await call(server, "magento_get_order", order="1042"))
    assert "authorized to access Magento_Sales::sales" in text
    assert "Ask the operator to give the integration this resource" in text
    assert "secret.php" not in text

"""scripts/login: the account's data centre is the one that the redirect names, and it is remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from flotilla import Regions
from flotilla_cli import consent, login, paths, secrets_file
from flotilla_servers.zoho_crm.client import CONSENT, integration
from flotilla_servers.zoho_crm.server import server
from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, form_of

CENTERS = ("com", "eu")


class FakeAccounts(FakeApi):
    """Two data centres of Zoho on one address; codes and tokens are those of Europe."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, Any]]] = []
        self.revoked: list[str] = []
        for center in CENTERS:
            self.on("POST", f"/{center}/oauth/v2/token", self._token(center))
            self.on("POST", f"/{center}/oauth/v2/token/revoke", self._revoke(center))
            self.on("GET", f"/{center}/crm/v8/users", self._user(center))

    def _token(self, center: str) -> Any:
        def give(request: Request) -> Response:
            form = form_of(request)
            self.forms.append((center, form))
            if center != "eu":
                return Response.of({"error": "invalid_code"})
            tokens = {"access_token": "1000.access", "expires_in": 3600, "token_type": "Bearer"}
            first = {"refresh_token": "1000.refresh"} if form["grant_type"] == "authorization_code" else {}
            return Response.of({**tokens, **first})

        return give

    def _revoke(self, center: str) -> Any:
        def end(request: Request) -> Response:
            self.revoked.append(f"{center} {form_of(request)['token']}")
            return Response.of({"status": "success"})

        return end

    def _user(self, center: str) -> Any:
        def show(request: Request) -> Response:
            if center != "eu" or request.headers["authorization"] != "Zoho-oauthtoken 1000.access":
                return Response.of({"code": "INVALID_TOKEN", "status": "error"}, 401)
            return Response.of({"users": [{"email": "chloe@atelier.example"}]})

        return show


@dataclasses.dataclass
class Person:
    """Somebody who pastes the address that the consent page redirected to."""

    accounts: FakeAccounts
    url: str
    messages: list[str]
    center: str = "eu"

    def login(self, *options: str) -> int:
        return login.main(["zoho-crm", *options])

    def pasted(self, _prompt: str) -> str:
        page = next(word for text in self.messages for word in text.split() if "oauth/v2/auth" in word)
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        at = quote(f"{self.url}/{self.center}", safe="")
        return f"http://localhost:8976/?state={self.asked['state']}&code=1000.c&location=eu&accounts-server={at}"


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody without a browser here, an OAuth client, and Zoho on this machine."""
    messages: list[str] = []
    accounts = FakeAccounts()
    with FakeVendor(accounts) as vendor:
        at = {
            center: {
                "authorize_url": f"{vendor.url}/{center}/oauth/v2/auth",
                "token_url": f"{vendor.url}/{center}/oauth/v2/token",
                "revoke_url": f"{vendor.url}/{center}/oauth/v2/token/revoke",
                "who_url": f"{vendor.url}/{center}/crm/v8/users?type=CurrentUser",
            }
            for center in CENTERS
        }
        own = dataclasses.replace(CONSENT, regions=Regions("data_center", "accounts-server", at), **at["com"])  # type: ignore[arg-type]
        monkeypatch.setattr(integration, "consent", own)
        monkeypatch.setattr(login, "connectable", lambda: {"zoho-crm": server})
        monkeypatch.setattr(secrets_file, "has_keychain", lambda: False)
        monkeypatch.setattr(paths, "say", lambda text: messages.append(text))
        monkeypatch.setenv("FLOTILLA_SECRETS", str(tmp_path / "secrets.env"))
        monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "config.yaml"))
        monkeypatch.setenv("ZOHO_CRM_CLIENT_SECRET", "hush-4711")
        who = Person(accounts, vendor.url, messages)
        monkeypatch.setattr(consent, "by_paste", partial(consent.by_paste, read=who.pasted))
        yield who


def stored() -> dict[str, str]:
    """Return what the secrets file holds of this server."""
    return {name.rpartition(".")[2]: value for name, value in secrets_file.read().items()}


def test_login_exchanges_the_code_where_the_redirect_says_and_remembers_it(person: Person) -> None:
    assert person.login("--paste", "--client-id", "1000.client") == 0
    assert [center for center, _ in person.accounts.forms] == ["eu"]
    assert "Connected: chloe@atelier.example, for zoho-crm." in person.messages[-2]
    assert (stored()["refresh_token"], stored()["data_center"]) == ("1000.refresh", "eu")
    assert (person.asked["access_type"], person.asked["prompt"]) == ("offline", "consent")
    assert "ZohoCRM.modules.READ" in person.asked["scope"].split(",")


def test_login_to_a_server_that_is_not_zohos_sends_nothing(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    person.center = "evil"
    assert person.login("--paste", "--client-id", "1000.client") == 1
    assert not person.accounts.forms
    assert "which this server does not know" in capsys.readouterr().err + "".join(person.messages)
    assert not stored()


def test_login_list_and_revoke_ask_the_data_center_that_was_found(person: Person) -> None:
    person.login("--paste", "--client-id", "1000.client")
    person.accounts.forms.clear()
    assert person.login("--list") == 0
    assert "zoho-crm: connected as chloe@atelier.example" in person.messages[-1]
    assert [center for center, _ in person.accounts.forms] == ["eu"]
    assert person.login("--revoke") == 0
    assert person.accounts.revoked == ["eu 1000.refresh"]


def test_login_begins_at_the_data_center_of_the_settings(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_CRM_DATA_CENTER", "eu")
    person.login("--paste", "--client-id", "1000.client")
    assert any("/eu/oauth/v2/auth?" in text for text in person.messages)

"""Refresh tokens of one data centre: found, remembered, renewed; the API stands where the tokens say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.zoho_crm import oauth
from flotilla_servers.zoho_crm.client import CONSENT, OAUTH
from flotilla_servers.zoho_crm.server import server
from flotilla_servers.zoho_crm.tests.fake import TOKEN, FakeZoho
from flotilla_testing import RecordedResponses, Recorder, Request, Response, call, environment, impatient, text_of
from flotilla_testing.fake_api import form_of

ANSWERS = Path(__file__).parent / "answers.yaml"
REFUSED = {"com": "invalid_client", "eu": "invalid_code", "in": "invalid_client"}


class FakeLogin(FakeZoho):
    """Zoho with token endpoints of three data centres on one address; the account is in Europe."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh, self.asked, self.domain = "1000.refresh", list[str](), ""
        self.busy = False
        for center in REFUSED:
            self.on("POST", f"/{center}/oauth/v2/token", self._endpoint(center))

    def _endpoint(self, center: str) -> Any:
        def give(request: Request) -> Response:
            self.asked.append(center)
            form = form_of(request)
            assert form["grant_type"] == "refresh_token"
            assert (form["client_id"], form["client_secret"]) == ("1000.client", "hush-4711")
            if self.busy:
                return Response.of({"error": "Access Denied", "error_description": "too many requests"}, 400)
            if center != "eu" or form["refresh_token"] != self.refresh:
                return Response.of({"error": REFUSED[center]})  # a refusal is a success to Zoho
            token = {"access_token": TOKEN, "api_domain": self.domain, "token_type": "Bearer", "expires_in": 3600}
            return Response.of(token)

        return give

    def settings_with(self, state: Path, **more: str) -> dict[str, str]:
        return {
            "ZOHO_CRM_REFRESH_TOKEN": "1000.refresh",
            "ZOHO_CRM_CLIENT_ID": "1000.client",
            "ZOHO_CRM_CLIENT_SECRET": "hush-4711",
            "ZOHO_CRM_BASE_URL": self.vendor.url,
            "FLOTILLA_STATE": str(state),
            "FLOTILLA_TIER": "all",
            **more,
        }


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLogin]:
    """Zoho's three data centres, on this machine."""
    with FakeLogin() as fake:
        monkeypatch.setattr(oauth, "ACCOUNTS", dict.fromkeys(REFUSED, ""))
        monkeypatch.setattr(oauth, "token_url_of", lambda center: f"{fake.vendor.url}/{center}/oauth/v2/token")
        yield fake


async def modules(fake: FakeLogin, state: Path, **more: str) -> str:
    with environment(server, **fake.settings_with(state, **more)), impatient(server):
        return text_of(await call(server, "zoho_list_modules"))


async def test_data_center_found_by_the_refresh_token_and_remembered(
    login: FakeLogin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_900_000_000.0]
    monkeypatch.setattr(OAUTH, "_now", lambda: clock[0])
    for seconds, asked in ((0, ["com", "eu"]), (3000, []), (540, ["eu"]), (3600, ["eu"])):  # each time a new process
        clock[0] += seconds
        login.asked.clear()
        assert "Fournées" in await modules(login, tmp_path)
        assert login.asked == asked


async def test_data_center_of_the_settings_is_the_only_one_asked(login: FakeLogin, tmp_path: Path) -> None:
    assert "Fournées" in await modules(login, tmp_path, ZOHO_CRM_DATA_CENTER="eu")
    assert login.asked == ["eu"]


async def test_refresh_token_that_no_data_center_knows_says_how_to_connect_again(
    login: FakeLogin, tmp_path: Path
) -> None:
    login.refresh = "another"
    text = await modules(login, tmp_path)
    assert login.asked == ["com", "eu", "in"]
    assert "Access was revoked or has expired" in text
    assert "`scripts/login zoho-crm` again" in text


async def test_client_that_no_data_center_knows_is_named(login: FakeLogin, tmp_path: Path) -> None:
    assert "Check client_id and client_secret" in await modules(login, tmp_path, ZOHO_CRM_DATA_CENTER="in")


async def test_too_many_tokens_is_a_limit_and_asks_no_other_data_center(login: FakeLogin, tmp_path: Path) -> None:
    login.busy = True
    assert "no access token for now" in await modules(login, tmp_path)
    assert login.asked == ["com"]


async def test_requests_go_to_the_api_that_the_tokens_name(login: FakeLogin, tmp_path: Path) -> None:
    login.domain = "https://www.zohoapis.eu"
    recorder = Recorder(RecordedResponses.load(ANSWERS))
    values = login.settings_with(tmp_path, ZOHO_CRM_TOKEN_URL=f"{login.vendor.url}/eu/oauth/v2/token")
    del values["ZOHO_CRM_BASE_URL"]
    with environment(server, **values), impatient(server, recorder):
        result = await call(server, "zoho_list_modules")
        assert not result.is_error, text_of(result)
    assert [request.url for request in recorder.requests] == [
        "https://www.zohoapis.eu/crm/v8/settings/modules?status=visible"
    ]
    assert recorder.requests[0].headers["authorization"] == f"Zoho-oauthtoken {TOKEN}"


async def test_missing_scope_renews_no_token(login: FakeLogin, tmp_path: Path) -> None:
    refusal = {"code": "OAUTH_SCOPE_MISMATCH", "details": {}, "message": "invalid oauth scope", "status": "error"}
    login.on("GET", "/crm/v8/settings/modules", lambda request: Response.of(refusal, 401))
    login._handlers.insert(0, login._handlers.pop())
    with environment(server, **login.settings_with(tmp_path)), impatient(server):
        text = text_of(await call(server, "zoho_list_modules"))
    assert "lacks a scope" in text
    assert login.asked == ["com", "eu"]


async def test_access_token_that_ended_is_renewed_once(login: FakeLogin, tmp_path: Path) -> None:
    ended = Response.of(
        {"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"}, 401
    )
    login.on("GET", "/crm/v8/settings/modules", lambda request: ended)
    login._handlers.insert(0, login._handlers.pop())
    assert "does not accept the credentials" in await modules(login, tmp_path / "no state folder")
    assert login.asked == ["com", "eu", "eu"]


def test_consent_knows_every_data_center() -> None:
    assert CONSENT.regions
    assert CONSENT.region_at("https://accounts.zoho.eu") == "eu"
    assert CONSENT.region_at("https://accounts.zohocloud.ca/") == "ca"
    assert CONSENT.region_at("https://accounts.zoho.com.evil.example") == ""
    assert CONSENT.region_at("") == ""
    assert CONSENT.in_region("ca").token_url == "https://accounts.zohocloud.ca/oauth/v2/token"
    assert CONSENT.in_region("").who_url == "https://www.zohoapis.com/crm/v8/users?type=CurrentUser"

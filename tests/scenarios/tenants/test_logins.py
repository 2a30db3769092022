"""A customer connects an account by logging in at the vendor: PKCE, a state that works once, the issuer, the scopes."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from flotilla.http.scopes import scopes
from flotilla_cli.generator.servers import server_of
from flotilla_launcher.filters import visible
from flotilla_servers.switchboard.catalog import read_catalog
from flotilla_servers.switchboard.connecting.access_tokens import AccessTokens
from flotilla_servers.switchboard.connecting.login import login_of, missing_part, with_part
from flotilla_servers.switchboard.options import CATALOG, DISCOVERY
from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.store import StoreError
from flotilla_testing import FakeVendor, Response
from flotilla_testing.oauth import OAuthServer, approve

from .conftest import HOST, Agency

LOGIN = "flotilla-gmail.login"


def authorization_server(vendor: FakeVendor) -> OAuthServer:
    assert isinstance(vendor.answers, OAuthServer)
    return vendor.answers


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def begun(http: httpx2.AsyncClient, agency: Agency, server: str = "gmail") -> tuple[str, str]:
    """Open a new link and press its button; return the link's path and the address at the vendor."""
    path = f"/connect/{agency.links.create(agency.tenant(), server)}"
    page = await http.get(path)
    assert f'href="{path}/login"' in page.text
    response = await http.get(f"{path}/login")
    assert response.status_code == 303, response.text
    return path, response.headers["location"]


def agreed(address: str) -> str:
    """Agree at the vendor; return the path and query that the browser is sent back to."""
    with httpx2.Client() as browser:
        back = approve(browser.get, browser.post, address)
    assert back.startswith(f"{HOST}/connect/back/")
    return back.removeprefix(HOST)


@pytest.mark.parametrize("tier", ["core", "all"])
async def test_login_asks_for_the_scopes_of_the_enabled_tools(agency: Agency, gmail: FakeVendor, tier: str) -> None:
    agency.tenants.change(agency.tenant(), {"tiers": {"gmail": tier}})
    async with agency.visitor() as http:
        _, address = await begun(http, agency)
    asked, server = query(address), server_of("gmail")
    environ = {"FLOTILLA_TIER": tier}
    enabled = [name for name in server.integration.scopes if visible(environ, server.attributes[name], name)]
    assert enabled
    assert asked["scope"].split() == ["openid", "email", *scopes(server.integration, environ)]
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", "desktop")
    assert asked["redirect_uri"] == f"{HOST}/connect/back/gmail"


async def test_login_connects_once(agency: Agency, gmail: FakeVendor) -> None:
    async with agency.visitor() as http:
        path, address = await begun(http, agency)
        back = agreed(address)
        page = await http.get(back)
        assert (page.status_code, "Connected as helene@atelier.example" in page.text) == (200, True)
        assert "will not work" not in page.text
        saved = json.loads(agency.credentials()[LOGIN])
        [token] = authorization_server(gmail).tokens
        assert (saved["access_token"], saved["refresh_token"]) == (token.access, token.refresh)
        assert token.access not in page.text
        for again in (back, path, f"{path}/login"):
            assert (await http.get(again)).status_code == 404
    assert LOGIN not in agency.credentials("zeta")
    [connected] = agency.connections.all(agency.tenant())
    assert (connected.server, connected.account, connected.revoked) == ("gmail", "helene@atelier.example", None)


async def test_login_ends_only_in_the_browser_that_began_it(agency: Agency, gmail: FakeVendor) -> None:
    async with agency.visitor() as victim, agency.visitor() as attacker:
        path, address = await begun(attacker, agency)
        back = agreed(address)
        assert (await victim.get(back)).status_code == 404
        await victim.get(f"{path}/login")  # a cookie of its own, and a newer state
        assert (await victim.get(back)).status_code == 404
        assert (await attacker.get(back)).status_code == 404  # the newer state has replaced this one
    assert LOGIN not in agency.credentials()
    assert authorization_server(gmail).tokens == []


async def test_login_refuses_states_that_are_not_its_own(agency: Agency, gmail: FakeVendor) -> None:
    async with agency.visitor() as http:
        _, address = await begun(http, agency)
        back = agreed(address)
        asked = query(back)
        forged = asked["state"][:-3] + ("AAA" if asked["state"][-3:] != "AAA" else "BBB")
        for state in ("", "x", forged):
            wrong = await http.get(f"/connect/back/gmail?{urlencode({**asked, 'state': state})}")
            assert wrong.status_code == 404
        elsewhere = await http.get(back.replace("/back/gmail", "/back/calendly"))
        assert elsewhere.status_code == 404
        assert authorization_server(gmail).tokens == []
        assert (await http.get(back)).status_code == 200


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
async def test_login_refuses_another_issuer(agency: Agency, gmail: FakeVendor, issuer: str | None) -> None:
    """Who sends the browser back must be whom it was sent to (RFC 9207), and must say so where it always does."""
    async with agency.visitor() as http:
        _, address = await begun(http, agency)
        asked = {**query(agreed(address)), "iss": issuer}
        params = {name: value for name, value in asked.items() if value is not None}
        page = await http.get(f"/connect/back/gmail?{urlencode(params)}")
        assert (page.status_code, "Nothing was connected" in page.text) == (400, True)
    assert authorization_server(gmail).tokens == []
    assert LOGIN not in agency.credentials()


async def test_login_that_is_declined_can_be_tried_again(agency: Agency, gmail: FakeVendor) -> None:
    async with agency.visitor("fr") as http:
        path, address = await begun(http, agency)
        authorization_server(gmail).refuses = True
        page = await http.get(agreed(address))
        assert (page.status_code, "Rien n’a été connecté" in page.text) == (400, True)
        assert f'href="{path}/login"' in page.text
        authorization_server(gmail).refuses = False
        again = (await http.get(f"{path}/login")).headers["location"]
        assert (await http.get(agreed(again))).status_code == 200
    assert LOGIN in agency.credentials()


async def test_login_replaces_keys_and_keys_replace_a_login(agency: Agency, gmail: FakeVendor) -> None:
    agency.vault.put(agency.tenant(), {("flotilla-gmail", "access_token"): "ready-made-1"})
    async with agency.visitor() as http:
        _, address = await begun(http, agency)
        assert (await http.get(agreed(address))).status_code == 200
        assert "flotilla-gmail.access_token" not in agency.credentials()
        path = f"/connect/{agency.links.create(agency.tenant(), 'gmail')}"
        numbers = [n for n in ("1", "2") if f'id="field-{n}-access_token"' in (await http.get(path)).text]
        ready = authorization_server(gmail).tokens[-1].access
        done = await http.post(path, data={"number": numbers[0], "access_token": ready})
        assert done.status_code == 200, done.text
    assert agency.credentials()["flotilla-gmail.access_token"] == ready
    assert LOGIN not in agency.credentials()


async def test_login_at_a_vendor_whose_access_tokens_last(agency: Agency, gmail: FakeVendor) -> None:
    """Such a vendor has no refresh tokens: what it gives is a key like others."""
    oauth = authorization_server(gmail)
    agency.log_in_at("intercom", gmail, pkce=True, who="email", scopes=["email"])
    app = {"client_id": "desktop", "client_secret": "hush"}
    agency.vault.put(agency.tenant(), {("flotilla-intercom", name): value for name, value in app.items()})
    async with agency.visitor() as http:
        _, address = await begun(http, agency, "intercom")
        page = await http.get(agreed(address))
        assert "Connected as helene@atelier.example" in page.text
    assert agency.credentials()["flotilla-intercom.token"] == oauth.tokens[-1].access
    assert "flotilla-intercom.login" not in agency.credentials()


async def test_login_that_cannot_be_kept_leaves_everything_as_it_was(
    agency: Agency, gmail: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails in the middle: the account before goes on, and the link can be used again."""
    before = {**agency.credentials(), "flotilla-gmail.access_token": "ready-made-1"}
    agency.vault.put(agency.tenant(), {("flotilla-gmail", "access_token"): "ready-made-1"})

    def full(*_: object) -> None:
        raise StoreError("The database of tenants cannot be used: disk full.", "Ask the operator.")

    async with agency.visitor() as http:
        path, address = await begun(http, agency)
        with monkeypatch.context() as failing:
            failing.setattr(Connections, "note", full)
            page = await http.get(agreed(address))
        assert (page.status_code, "Nothing was kept" in page.text) == (503, True)
        assert agency.credentials() == before
        again = (await http.get(f"{path}/login")).headers["location"]
        assert (await http.get(agreed(again))).status_code == 200
    assert LOGIN in agency.credentials()


async def test_logins_of_two_links_at_once_in_one_browser(agency: Agency, gmail: FakeVendor) -> None:
    """A customer with several links opens them in tabs."""
    async with agency.visitor() as http:
        _, first = await begun(http, agency)
        _, second = await begun(http, agency, "gmail@paris")
        for address in (first, second):
            assert "Connected as helene@atelier.example" in (await http.get(agreed(address))).text
    assert {LOGIN, "flotilla-gmail@paris.login"} < agency.credentials().keys()


async def test_login_that_took_too_long_says_that_the_link_still_works(
    agency: Agency, gmail: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    async with agency.visitor() as http:
        path, address = await begun(http, agency)
        back = agreed(address)
        with monkeypatch.context() as later:
            later.setattr(time, "time", lambda: now + 1_000)
            page = await http.get(back)
        assert (page.status_code, "Open the link that you were sent once more" in page.text) == (404, True)
        assert (await http.get(path)).status_code == 200
    assert LOGIN not in agency.credentials()


async def test_login_that_gives_no_access_token_connects_nothing(agency: Agency, gmail: FakeVendor) -> None:
    answer = Response.of({"refresh_token": "rt-9", "access_token": None, "expires_in": 3600})
    authorization_server(gmail).on("POST", "/token", lambda _: answer, first=True)
    async with agency.visitor() as http:
        path, address = await begun(http, agency)
        page = await http.get(agreed(address))
        assert (page.status_code, "Nothing was connected" in page.text) == (400, True)
        assert f'href="{path}/login"' in page.text
    assert LOGIN not in agency.credentials()


def with_zendesk(agency: Agency, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stand-in be Zendesk, whose address has a part for each account; the agency has an app there."""
    folder = agency.discovery / "zendesk"
    folder.mkdir()
    document = json.loads((DISCOVERY / "zendesk" / "discovery.json").read_text())
    document["login"]["hosts"] = [f"127.0.0.1:{urlsplit(vendor.url).port}"]
    (folder / "discovery.json").write_text(json.dumps(document))
    places = {name: f"{vendor.url}/{path}?account={{subdomain}}" for name, path in
              (("authorize_url", "authorize"), ("token_url", "token"), ("who_url", "userinfo"))}  # fmt: skip
    agency.log_in_at("zendesk", vendor, **places, who="email", scopes=["email"])
    app = {"client_id": "desktop", "client_secret": "hush"}
    agency.vault.put(agency.tenant(), {("flotilla-zendesk", name): value for name, value in app.items()})
    monkeypatch.setenv("FLOTILLA_PLAIN_HTTP", "127.0.0.1")


@pytest.mark.parametrize("server", ["zendesk", "zendesk@paris"])
async def test_login_at_a_vendor_with_an_address_for_each_account(
    agency: Agency, gmail: FakeVendor, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    """The customer says which address is theirs, and nobody else has to know it."""
    with_zendesk(agency, gmail, monkeypatch)
    path = f"/connect/{agency.links.create(agency.tenant(), server)}"
    async with agency.visitor() as http, agency.visitor("fr") as french:
        asked = (await http.get(path)).text
        assert "Say which one is yours" in asked
        assert "First part of the account&#39;s address" in asked
        assert "/login" not in asked
        assert "Indiquez la vôtre" in (await french.get(path)).text
        assert (await http.get(f"{path}/login")).status_code == 404
        for wrong in ("é", "..", "-", "{shop}", "/", "a b", "a@b", "x" * 101):
            refused = await http.get(path, params={"part": wrong})
            assert (refused.status_code, "is not one of theirs" in refused.text) == (400, True), wrong
            assert (await http.get(f"{path}/login", params={"part": wrong})).status_code == 404
        ready = await http.get(path, params={"part": "https://Atelier/agent"})
        assert f'href="{path}/login?part=atelier"' in ready.text
        begun_at = (await http.get(f"{path}/login?part=atelier")).headers["location"]
        assert query(begun_at)["account"] == "atelier"
        page = await http.get(agreed(begun_at))
        assert (page.status_code, "Connected as helene@atelier.example" in page.text) == (200, True), page.text
        place = f"flotilla-{server}"
        assert agency.credentials()[f"{place}.subdomain"] == "atelier"
        assert f"{place}.login" in agency.credentials()
        again = (await http.get(f"/connect/{agency.links.create(agency.tenant(), server)}")).text
        assert '/login"' in again
    access = AccessTokens(agency.options(), agency.connections, agency.vault)
    first = authorization_server(gmail).tokens[-1].access
    renewed = await access.of(agency.tenant(), server, first)
    assert renewed["access_token"] == authorization_server(gmail).tokens[-1].access != first


async def test_login_keeps_the_address_that_the_operator_has_set(
    agency: Agency, gmail: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_zendesk(agency, gmail, monkeypatch)
    agency.vault.put(agency.tenant(), {("flotilla-zendesk", "subdomain"): "atelier"})
    async with agency.visitor() as http:
        _, address = await begun(http, agency, "zendesk")
        assert (await http.get(agreed(address))).status_code == 200
    assert agency.credentials()["flotilla-zendesk.subdomain"] == "atelier"


@pytest.mark.parametrize(
    ("slug", "typed", "host"),
    [
        ("zendesk", "Atelier", "atelier.zendesk.com"),
        ("zendesk", " https://Atelier.zendesk.com/agent ", "atelier.zendesk.com"),
        ("zendesk", "evil.example/", ""),
        ("zendesk", "evil.example#.zendesk.com", ""),
        ("zendesk", "a.b", ""),
        ("zendesk", "", ""),
        ("shopify", "atelier-lyon", "atelier-lyon.myshopify.com"),
        ("shopify", "https://atelier-lyon.myshopify.com/admin", "atelier-lyon.myshopify.com"),
        ("shopify", "evil.example", ""),
        ("shopify", "evil.example/x.myshopify.com", ""),
        ("shopify", "evil.example:443", ""),
        ("shopify", "x@evil.example", ""),
        ("shopify", "myshopify.com", ""),
        ("shopify", "é", ""),
        ("shopify", "x\ud800", ""),
        ("shopify", "127.0.0.1", ""),
    ],
)
def test_login_address_leads_to_the_vendor_alone(slug: str, typed: str, host: str) -> None:
    """The secret of the operator's app is sent there."""
    entry = next(
        one for one in read_catalog(CATALOG, {f"flotilla-{slug}.client_id": "i"}, {}).values() if one.slug == slug
    )
    asks = missing_part(entry, DISCOVERY)
    assert asks
    accepted = with_part(entry, DISCOVERY, asks, typed)
    filled = login_of(accepted[0], DISCOVERY) if accepted else None
    addresses = (filled.consent.authorize_url, filled.consent.token_url, filled.consent.who_url) if filled else ()
    assert {urlsplit(address).netloc for address in addresses} == ({host} if host else set())

"""A customer connects a second account of a vendor; each call works with the one that it names."""

from __future__ import annotations

import json
import re
import time

import pytest

from flotilla_cli import tenant as command
from flotilla_servers.calendly.tests.fake import TOKEN, FakeCalendly
from flotilla_testing import FakeVendor
from flotilla_testing.oauth import OAuthServer, Token

from .conftest import HOST, Agency
from .test_calls import TOOL, text
from .test_logins import agreed, begun


def oauth_of(vendor: FakeVendor) -> OAuthServer:
    assert isinstance(vendor.answers, OAuthServer)
    return vendor.answers


async def test_link_of_an_account_with_a_name(
    agency: Agency, calendly: FakeCalendly, capsys: pytest.CaptureFixture[str]
) -> None:
    def operator(*line: str) -> str:
        assert command.main(["--tenants", agency.database, *line]) == 0
        return capsys.readouterr().out

    agency.vault.put(agency.tenant(), {("flotilla-calendly@paris", "base_url"): calendly.vendor.url})
    printed = operator("connect", "acme", "calendly@paris")
    assert "acme connects Calendly (paris) by this link." in printed
    [link] = re.findall(rf"{HOST}(/connect/\S+)", printed)
    async with agency.visitor() as http:
        assert "access to your Calendly (paris) account" in (await http.get(link)).text
        refused = await http.post(link, data={"number": "1", "token": "wrong"})
        assert (refused.status_code, "did not accept this" in refused.text) == (400, True)
        page = await http.post(link, data={"number": "1", "token": TOKEN})
        assert (page.status_code, "Connected as" in page.text) == (200, True)
        assert (await http.get(link)).status_code == 404
    credentials = agency.credentials()
    assert credentials["flotilla-calendly@paris.token"] == TOKEN
    assert "flotilla-calendly.token" not in credentials
    shown = json.loads(operator("show", "acme"))
    assert [one["server"] for one in shown["connected"]] == ["calendly@paris"]
    file = agency.folder / "more.env"
    for place in ("calendly@main", "calendly@Paris", "calendly@"):
        file.write_text(f"flotilla-{place}.token=x\n")
        assert command.main(["--tenants", agency.database, "import", "acme", str(file)]) == 1
        assert "is not the name of a credential." in capsys.readouterr().err
    for place in ("calendly@main", "calendly@Paris!", "calendly@"):
        assert command.main(["--tenants", agency.database, "connect", "acme", place]) == 1
        assert "cannot be the name of an account." in capsys.readouterr().err


async def test_login_of_an_account_with_a_name(agency: Agency, gmail: FakeVendor) -> None:
    """It uses the operator's app; the vendor sends every account back to one address."""
    async with agency.visitor() as http:
        _, address = await begun(http, agency, "gmail@paris")
        page = await http.get(agreed(address))
        assert "Connected as helene@atelier.example" in page.text
        assert "Gmail (paris)" in page.text
    [token] = oauth_of(gmail).tokens
    credentials = agency.credentials()
    assert json.loads(credentials["flotilla-gmail@paris.login"])["refresh_token"] == token.refresh
    assert "flotilla-gmail.login" not in credentials
    assert [one.server for one in agency.connections.all(agency.tenant())] == ["gmail@paris"]


@pytest.mark.slow
async def test_logins_of_two_accounts_never_mix(agency: Agency, gmail: FakeVendor) -> None:
    """Each has tokens of its own, which are renewed and end for it alone."""
    oauth, now = oauth_of(gmail), time.time()
    agency.tenants.change(agency.tenant(), {"tiers": {"gmail": "all"}})
    agency.connect_gmail("acme", gmail)
    agency.vault.put(agency.tenant(), {("flotilla-gmail@paris", "base_url"): f"{gmail.url}/gmail/v1"})
    paris = Token("desktop", "at-paris", "rt-paris", "openid email", "paris@atelier.example", now + 3600, now)
    oauth.tokens.append(paris)
    saved = {"access_token": paris.access, "refresh_token": paris.refresh, "expires_at": paris.ends}
    agency.connections.note(agency.tenant(), "gmail@paris", paris.user)
    agency.vault.put(agency.tenant(), {("flotilla-gmail@paris", "login"): json.dumps(saved)})
    async with agency.served() as address, agency.client(address, "acme") as acme:
        for _ in range(3):
            assert "acme@atelier.example" in await text(acme, TOOL)
            assert "paris@atelier.example" in await text(acme, TOOL, use_account="paris")
        for token in oauth.tokens:
            token.ends = 0
        assert "paris@atelier.example" in await text(acme, TOOL, use_account="paris")  # renewed
        assert [token.user for token in oauth.tokens[2:]] == ["paris@atelier.example"]
        oauth.end(oauth.tokens[2])
        refused = await text(acme, TOOL, use_account="paris")
        assert "Access to the Gmail (paris) account was revoked or has ended." in refused
        [link] = re.findall(rf"{HOST}(/connect/\S+)", refused)
        assert "acme@atelier.example" in await text(acme, TOOL)
    async with agency.visitor() as http:
        assert "access to your Gmail (paris) account" in (await http.get(link)).text
    revoked = {one.server: bool(one.revoked) for one in agency.connections.all(agency.tenant())}
    assert revoked == {"gmail": False, "gmail@paris": True}

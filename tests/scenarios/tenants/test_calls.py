"""Calls with accounts that customers have connected: through a switchboard over HTTP, with servers as processes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult

from flotilla_servers.calendly.tests.fake import TOKEN, FakeCalendly
from flotilla_testing import FakeVendor, text_of
from flotilla_testing.oauth import OAuthServer

from .conftest import HOST, Agency

TOOL = "gmail_get_current_user"


async def text(client: Client[Any], tool: str, **arguments: Any) -> str:
    return text_of(await client.call_tool_mcp(tool, arguments))


@pytest.mark.slow
async def test_calls_with_the_tokens_of_a_login(agency: Agency, gmail: FakeVendor) -> None:
    for name in ("acme", "zeta"):
        agency.tenants.change(agency.tenant(name), {"tiers": {"gmail": "all"}})
        agency.connect_gmail(name, gmail)
    oauth = gmail.answers
    assert isinstance(oauth, OAuthServer)
    async with agency.served() as address:
        async with agency.client(address, "acme") as acme, agency.client(address, "zeta") as zeta:
            assert "acme@atelier.example" in await text(acme, TOOL)
            assert "zeta@atelier.example" in await text(zeta, TOOL)
            assert len(oauth.tokens) == 2  # nothing had to be renewed
            for token in oauth.tokens:
                token.ends = 0  # earlier than the vendor had said
            assert "acme@atelier.example" in await text(acme, TOOL)  # renewed, and sent once more
            assert [token.user for token in oauth.tokens[2:]] == ["acme@atelier.example"]
            oauth.end(oauth.tokens[2])
            refused = await text(acme, TOOL)
            assert "was revoked or has ended. Nothing was done. Give the user this link" in refused
            assert f"{HOST}/connect/" in refused
            assert "zeta@atelier.example" in await text(zeta, TOOL)
    revoked = {name: agency.connections.all(agency.tenant(name))[0].revoked for name in ("acme", "zeta")}
    assert (bool(revoked["acme"]), revoked["zeta"]) == (True, None)
    written = [path.read_bytes() for path in agency.folder.rglob("*") if path.is_file()]
    secrets = [token.encode() for one in oauth.tokens for token in (one.access, one.refresh)]
    assert not [secret for secret in secrets if any(secret in content for content in written)]


@pytest.mark.slow
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_calls_without_an_account_lead_the_person_to_the_page(
    agency: Agency, calendly: FakeCalendly, era: str
) -> None:
    asked: list[str] = []

    async def person(message: str, _: Any, params: Any, __: Any) -> ElicitResult[Any]:
        """Decline first; then open the page, enter the key, and agree."""
        asked.append(message)
        if len(asked) == 1:
            return ElicitResult(action="decline")
        assert params.url.startswith(f"{HOST}/connect/")
        async with agency.visitor() as http:
            page = await http.post(params.url.removeprefix(HOST), data={"number": "1", "token": TOKEN})
            assert page.status_code == 200, page.text
        return ElicitResult(action="accept")

    async with agency.served() as address:
        async with agency.client(address, "acme", mode=era, elicitation_handler=person) as acme:
            declined = await text(acme, "calendly_list_event_types")
            assert "Calendly has no account yet. Nothing was done. Give the user this link" in declined
            assert "Visite" in await text(acme, "calendly_list_event_types")
            assert asked == ["Calendly needs your account. Open this page to connect it."] * 2
            assert "Visite" in await text(acme, "calendly_list_event_types")
        async with agency.client(address, "zeta", mode=era) as zeta:
            error = await text(zeta, "calendly_list_event_types")
            [link] = re.findall(rf"{HOST}(/connect/\S+)", error)
            assert link in await text(zeta, "calendly_list_event_types")  # the same one: it is not used yet
    async with agency.visitor() as http:
        assert "zeta asks for access to your Calendly account" in (await http.get(link)).text
    assert agency.connections.all(agency.tenant("zeta")) == []

"""Calls with accounts that customers have connected: through a switchboard over HTTP, with servers as processes."""

from __future__ import annotations

from typing import Any

import pytest
from fastmcp import Client

from flotilla_testing import FakeVendor, text_of
from flotilla_testing.oauth import OAuthServer

from .conftest import Agency

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
            assert "was revoked or has ended. Nothing was done." in refused
            assert "zeta@atelier.example" in await text(zeta, TOOL)
    revoked = {name: agency.connections.all(agency.tenant(name))[0].revoked for name in ("acme", "zeta")}
    assert (bool(revoked["acme"]), revoked["zeta"]) == (True, None)
    written = [path.read_bytes() for path in agency.folder.rglob("*") if path.is_file()]
    secrets = [token.encode() for one in oauth.tokens for token in (one.access, one.refresh)]
    assert not [secret for secret in secrets if any(secret in content for content in written)]

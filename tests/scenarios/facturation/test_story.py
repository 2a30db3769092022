"""The accountant's day with each gateway that this machine has: the switchboard with processes and with containers,
and Docker's gateway. What is written to the data folder is read back by the filesystem server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.facturation_pro.tests import accountant
from flotilla_testing import text_of
from flotilla_testing.client import MODES
from tests.scenarios.harness import Gateway


class SharedFolder:
    """The data folder through the filesystem server."""

    def __init__(self, client: Client[Any]) -> None:
        self.client = client

    async def _call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool_mcp(tool, arguments)
        assert not result.is_error, text_of(result)
        return dict(result.structured_content or json.loads(text_of(result)))

    async def read(self, path: str) -> bytes:
        return base64.b64decode((await self._call("fs_read_file", path=path, encoding="base64"))["content"])

    async def write(self, path: str, data: bytes) -> None:
        await self._call("fs_write_file", path=path, content=base64.b64encode(data).decode(), encoding="base64")


@pytest.mark.parametrize("era", MODES)
async def test_accountant_scenario(office: tuple[Gateway, Any], era: str) -> None:
    gateway, accounts = office
    gateway.settings["facturation-pro"] |= {"tier": "all", "confirm": "off"}
    gateway.settings["filesystem"] |= {"tier": "all"}
    if gateway.kind == "docker-gateway" and era != "legacy":
        pytest.skip("Docker's gateway speaks up to 2025-11-25")
    async with gateway.client(mode=era) as client:

        async def ask(tool: str, /, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool_mcp(f"facturation_{tool}", arguments)
            assert not result.is_error, text_of(result)
            if tool == "download_document" and era == "2026-07-28":
                links = [part for part in result.content if part.type == "resource_link"]
                assert [str(link.uri) for link in links] == [f"file:///data/{result.structured_content['path']}"]
            return dict(result.structured_content or json.loads(text_of(result)))

        await accountant.day(ask, SharedFolder(client), accounts)

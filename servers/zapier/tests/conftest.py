"""Zapier on loopback: webhooks that keep what they get, and a real MCP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.zapier.server import server
from flotilla_servers.zapier.tests.fake import TOKEN, FakeHooks, FakeMcp
from flotilla_testing import Tool, client, environment, errors_of, impatient, results_of


@pytest.fixture
def hooks() -> Iterator[FakeHooks]:
    with FakeHooks() as running:
        yield running


@pytest.fixture(scope="session")
def endpoint() -> Iterator[FakeMcp]:
    with FakeMcp().running() as running:
        yield running


@pytest.fixture
def mcp(endpoint: FakeMcp) -> FakeMcp:
    """The MCP endpoint, with nothing called yet."""
    for record in (endpoint.calls, endpoint.headers, endpoint.statuses, endpoint.call_statuses):
        record.clear()
    return endpoint


@pytest.fixture
def settings(hooks: FakeHooks, mcp: FakeMcp, tmp_path: Path) -> dict[str, str]:
    """The variables with which the server speaks to both."""
    return {
        **hooks.settings,
        "ZAPIER_MCP_TOKEN": TOKEN,
        "ZAPIER_MCP_URL": mcp.url,
        "FLOTILLA_STATE": str(tmp_path),
    }


@pytest.fixture
async def connected(settings: dict[str, str], asked: list[str]) -> AsyncIterator[Client[Any]]:
    """A client whose person says yes to every question."""
    with environment(server, **settings), impatient(server):
        async with client(server, answer="accept", asked=asked) as one:
            yield one


@pytest.fixture
def tool(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives what they return."""
    return results_of(connected, "zapier")


@pytest.fixture
def problem(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives the text of their error."""
    return errors_of(connected, "zapier")

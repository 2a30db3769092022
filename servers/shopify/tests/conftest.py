"""A fake Shopify that keeps state and is held against the published schema."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.shopify.server import server
from flotilla_servers.shopify.tests.fake import FakeShopify
from flotilla_testing import (
    Request,
    Response,
    Tool,
    client,
    environment,
    errors_of,
    impatient,
    results_of,
)
from flotilla_testing.contract import contract_of

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeShopify]:
    """A shop that keeps what is done to it; each exchange is held against the schema afterwards."""
    with (
        FakeShopify() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        exchanges: list[tuple[Request, Response]] = []
        do = running.answer

        def noted(request: Request) -> Response:
            exchanges.append((request, answer := do(request)))
            return answer

        running._handlers.clear()
        running.on("POST", ".*/graphql.json", noted)
        yield running
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                wrong += document.problems(request) + document.answer_problems(request, result)
        assert not wrong, "\n".join(dict.fromkeys(wrong))


@pytest.fixture
async def connected(fake: FakeShopify, asked: list[str]) -> AsyncIterator[Client[Any]]:
    """A client whose person says yes to everything."""
    async with client(server, answer="accept", asked=asked) as opened:
        yield opened


@pytest.fixture
def tool(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives what they return."""

    return results_of(connected, "shopify")


@pytest.fixture
def problem(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(connected, "shopify")

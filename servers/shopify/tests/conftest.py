"""A fake Shopify that keeps state and is held against the published schema."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.shopify.server import server
from flotilla_servers.shopify.tests.fake import FakeShopify
from flotilla_testing import Request, Response, call, client, environment, impatient, text_of
from flotilla_testing.contract import Contract, declared, read

Tool = Callable[..., Awaitable[Any]]
FOLDER = Path(__file__).parents[1]


@cache
def contract() -> Contract | None:
    """The vendor's schema, where it is."""
    declaration = declared(FOLDER)
    return read(declaration) if declaration and declaration.path.is_file() else None


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
        if document := contract():
            for request, result in exchanges:
                wrong += document.problems(request) + document.answer_problems(request, result)
        assert not wrong, "\n".join(dict.fromkeys(wrong))


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
async def connected(fake: FakeShopify, asked: list[str]) -> AsyncIterator[Client[Any]]:
    """A client whose person says yes to everything."""
    async with client(server, answer="accept", asked=asked) as opened:
        yield opened


@pytest.fixture
def tool(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives what they return."""

    async def done(name: str, /, **arguments: Any) -> Any:
        result = await call(connected, f"shopify_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        result = await call(connected, f"shopify_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

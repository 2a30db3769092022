"""A fake shop that keeps state; every exchange is held against the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.magento.server import server
from flotilla_servers.magento.tests.fake import FakeMagento
from flotilla_testing import Request, Response, call, client, environment, impatient, text_of
from flotilla_testing.contract import Contract, Declared, declared, read

PARIS = {"FLOTILLA_TIMEZONE": "Europe/Paris", "FLOTILLA_COUNTRY": "FR"}
Tool = Callable[..., Awaitable[Any]]


@cache
def contract() -> tuple[Contract, Declared] | None:
    """The contract, where it is."""
    declaration = declared(Path(__file__).parents[1])
    return (read(declaration), declaration) if declaration and declaration.path.is_file() else None


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[FakeMagento]:
    """A shop that keeps what is done to it; each exchange is held against the contract afterwards."""
    with (
        FakeMagento() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path), **PARIS),
        impatient(server),
    ):
        exchanges: list[tuple[Request, Response]] = []
        do = running.to
        running.to = lambda request: exchanges.append((request, result := do(request))) or result  # type: ignore[func-returns-value,method-assign]
        yield running
        wrong: list[str] = []
        if known := contract():
            document, declaration = known
            for request, result in exchanges:
                if result.status < 400 and request.path != "/graphql":
                    real = replace(request, url=request.url.replace(running.vendor.url, "https://boutique.example"))
                    wrong += document.problems(real)
            wrong = [one for one in wrong if not any(start in one for start in declaration.excepted)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
async def connected(shop: FakeMagento, asked: list[str]) -> AsyncIterator[Client[Any]]:
    """A client whose person says yes to every question."""
    async with client(server, answer="accept", asked=asked) as one:
        yield one


@pytest.fixture
def tool(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives what they return."""

    async def done(name: str, /, **arguments: Any) -> Any:
        result = await call(connected, f"magento_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        result = await call(connected, f"magento_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

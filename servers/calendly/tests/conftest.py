"""Calendly played from answers.yaml, and a fake one that keeps state and is held against the published contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.calendly.server import server
from flotilla_servers.calendly.tests.fake import HOME, FakeCalendly
from flotilla_testing import Request, Response, Session, call, client, connect, environment, impatient, text_of
from flotilla_testing.contract import Contract, declared, read

Tool = Callable[..., Awaitable[Any]]
FOLDER = Path(__file__).parents[1]


@cache
def contract() -> Contract | None:
    """The vendor's document, where it is."""
    declaration = declared(FOLDER)
    return read(declaration) if declaration and declaration.path.is_file() else None


@pytest.fixture
async def calendly() -> AsyncIterator[Session]:
    """The server, with Calendly played from answers.yaml; the person at the client says yes."""
    async with connect("calendly", answer="accept") as session:
        yield session


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeCalendly]:
    """An account that keeps what is done to it; each exchange is held against the contract afterwards."""
    with (
        FakeCalendly() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        exchanges: list[tuple[Request, Response]] = []
        do = running.to
        running.to = lambda request: exchanges.append((request, result := do(request))) or result  # type: ignore[func-returns-value,method-assign]
        yield running
        wrong: list[str] = []
        if document := contract():
            for request, result in exchanges:
                real = replace(request, url=request.url.replace(running.vendor.url, HOME))
                wrong += document.problems(real)
                wrong += document.answer_problems(real, result) if result.status < 400 else []
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakeCalendly, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    async def done(name: str, /, **arguments: Any) -> Any:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"calendly_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(fake: FakeCalendly, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"calendly_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

"""A fake Intercom for every test; what it was sent and answers is held against the published contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.intercom.server import server
from flotilla_servers.intercom.tests.fake import FakeIntercom
from flotilla_testing import Request, Response, call, client, environment, impatient, text_of
from flotilla_testing.contract import Contract, declared, read

Tool = Callable[..., Awaitable[Any]]
HOME = "https://api.intercom.io"
FOLDER = Path(__file__).parents[1]


@cache
def contract() -> Contract | None:
    """The vendor's document, where it is."""
    declaration = declared(FOLDER)
    return read(declaration) if declaration and declaration.path.is_file() else None


def excepted(problem: str) -> bool:
    declaration = declared(FOLDER)
    return any(start in problem for start in (declaration.excepted if declaration else ()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def fake(tmp_path: Path, data: Path) -> Iterator[FakeIntercom]:
    """A workspace that keeps what is done to it; each request is held against the contract afterwards."""
    with (
        FakeIntercom() as running,
        environment(
            server,
            **running.settings,
            FLOTILLA_TIER="all",
            FLOTILLA_STATE=str(tmp_path / "state"),
            FLOTILLA_DATA=str(data),
        ),
        impatient(server),
    ):
        exchanges: list[tuple[Request, Response]] = []
        do = running.to
        running.to = lambda request: exchanges.append((request, result := do(request))) or result  # type: ignore[func-returns-value,method-assign]
        yield running
        wrong: list[str] = []
        if document := contract():
            for request, result in exchanges:
                if result.status < 400:
                    real = replace(request, url=request.url.replace(running.vendor.url, HOME))
                    wrong += [problem for problem in document.problems(real) if not excepted(problem)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakeIntercom, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    async def done(name: str, /, **arguments: Any) -> Any:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"intercom_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(fake: FakeIntercom, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"intercom_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

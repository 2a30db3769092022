"""A fake Freshdesk that keeps state; each exchange with it is held against the vendor's document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.freshdesk.server import server
from flotilla_servers.freshdesk.tests.fake import HOME, FakeFreshdesk
from flotilla_testing import Request, call, client, environment, impatient, text_of
from flotilla_testing.contract import Contract, declared, read

Tool = Callable[..., Awaitable[Any]]
DECLARED = declared(Path(__file__).parents[1])


@cache
def contract() -> Contract | None:
    """The vendor's document, where it is."""
    return read(DECLARED) if DECLARED and DECLARED.path.is_file() else None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def fake(tmp_path: Path, data: Path) -> Iterator[FakeFreshdesk]:
    """An account that keeps what is done to it."""
    (tmp_path / "state").mkdir()
    folders = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(data)}
    with (
        FakeFreshdesk() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", **folders),
        impatient(server),
    ):
        yield running
        wrong = [problem for request in running.vendor.requests for problem in _problems(running, request)]
        assert not wrong, "\n".join(wrong)


def _problems(running: FakeFreshdesk, request: Request) -> list[str]:
    document = contract()
    if not document or not DECLARED:
        return []
    real = replace(request, url=request.url.replace(running.vendor.url, HOME))
    return [one for one in document.problems(real) if not any(start in one for start in DECLARED.excepted)]


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakeFreshdesk, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    async def done(name: str, /, **arguments: Any) -> Any:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"freshdesk_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(fake: FakeFreshdesk, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"freshdesk_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

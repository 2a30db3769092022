"""A fake Pipedrive for each test; every request is held against the published contract, where that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.pipedrive.server import server
from flotilla_servers.pipedrive.tests.fake import TOKEN, FakePipedrive
from flotilla_testing import call, client, environment, impatient, text_of
from flotilla_testing.contract import Contract, declared, read
from flotilla_testing.responses import Recorder

Tool = Callable[..., Awaitable[Any]]


@cache
def contract() -> Contract | None:
    """The vendor's documents, where they are."""
    declaration = declared(Path(__file__).parents[1])
    return read(declaration) if declaration and declaration.path.is_file() else None


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakePipedrive]:
    """A company that keeps what is done to it."""
    running = FakePipedrive()
    (tmp_path / "data").mkdir()
    settings = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(tmp_path / "data")}
    with (
        environment(server, PIPEDRIVE_TOKEN=TOKEN, FLOTILLA_TIER="all", **settings),
        impatient(server, Recorder(running)),
    ):
        yield running
    document = contract()
    known = [request for request in running.requests if document and "/c-1" not in request.path]
    wrong = [problem for request in known for problem in document.problems(request)] if document else []
    declaration = declared(Path(__file__).parents[1])
    wrong = [one for one in wrong if not one.startswith(tuple(declaration.excepted if declaration else ()))]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakePipedrive, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    async def done(name: str, /, **arguments: Any) -> Any:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"pipedrive_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(fake: FakePipedrive, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"pipedrive_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

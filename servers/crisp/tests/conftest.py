"""A fake Crisp for each test; every request is held against the derived contract, where that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.crisp.server import server
from flotilla_servers.crisp.tests.fake import WEBSITE, ZOE, FakeCrisp
from flotilla_testing import call, client, environment, impatient, text_of
from flotilla_testing.contract import Contract, declared, read
from flotilla_testing.responses import Recorder

Tool = Callable[..., Awaitable[Any]]
# What the published client does not declare: null takes an operator away, custom data has two forms, a path has parts.
UNDECLARED = ("/routing", f"/people/data/{ZOE}", "/article/commandes/retours")


@cache
def contract() -> Contract | None:
    """The document, where it is."""
    declaration = declared(Path(__file__).parents[1])
    return read(declaration) if declaration and declaration.path.is_file() else None


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeCrisp]:
    """A workspace that keeps what is done to it."""
    running = FakeCrisp()
    settings = {"CRISP_IDENTIFIER": "id-1", "CRISP_KEY": "key-1", "CRISP_WEBSITE_ID": WEBSITE}
    settings |= {"FLOTILLA_TIER": "all", "FLOTILLA_STATE": str(tmp_path), "FLOTILLA_TIMEZONE": "Europe/Paris"}
    with environment(server, **settings), impatient(server, Recorder(running)):
        yield running
    document = contract()
    known = [request for request in running.requests if not request.path.endswith(UNDECLARED)]
    wrong = [problem for request in known for problem in document.problems(request)] if document else []
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakeCrisp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    async def done(name: str, /, **arguments: Any) -> Any:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"crisp_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(fake: FakeCrisp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer="accept", asked=asked) as connected:
            result = await call(connected, f"crisp_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

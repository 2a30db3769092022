"""A data folder of its own and a client for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastmcp import Client
from flotilla import listing
from flotilla_servers.filesystem.server import server

Call = Callable[..., Awaitable[dict[str, Any]]]


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The text of an error result."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FLOTILLA_DATA", str(folder))
    monkeypatch.delenv("FLOTILLA_DATA_QUOTA", raising=False)
    listing.recount()
    server.reset()
    return folder


async def accept(message: str, response_type: Any, params: Any, context: Any) -> dict[str, bool]:
    return {"confirm": True}


@pytest.fixture
async def client(data: Path) -> AsyncIterator[Client[Any]]:
    async with Client(server._mcp, mode="legacy", elicitation_handler=accept) as connected:
        yield connected


@pytest.fixture
def fs(client: Client[Any]) -> SimpleNamespace:
    """The tools as functions: the structured result, or Refused with the error's text."""

    def tool(name: str) -> Call:
        async def call(**arguments: Any) -> dict[str, Any]:
            result = await client.call_tool_mcp(f"fs_{name}", arguments)
            if result.is_error:
                raise Refused(getattr(result.content[0], "text", ""))
            return dict(result.structured_content or {})

        return call

    return SimpleNamespace(**{name.removeprefix("fs_"): tool(name.removeprefix("fs_")) for name in server.attributes})


@pytest.fixture
def refused() -> type[Refused]:
    return Refused

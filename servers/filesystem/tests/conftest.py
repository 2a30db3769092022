"""A data folder of its own and a client for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastmcp import Client

from flotilla.files import listing
from flotilla_servers.filesystem.server import server
from flotilla_testing import call as call_tool
from flotilla_testing import client as connect
from flotilla_testing import text_of


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The text of an error result."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FLOTILLA_DATA", str(folder))
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("FLOTILLA_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("FLOTILLA_DATA_QUOTA", raising=False)
    listing.recount()
    server.reset()
    return folder


@pytest.fixture
async def client(data: Path) -> AsyncIterator[Client[Any]]:
    async with connect(server, "legacy", "accept") as connected:
        yield connected


@pytest.fixture
def fs(client: Client[Any]) -> SimpleNamespace:
    """The tools as functions: the structured result, or Refused with the error's text."""

    def tool(name: str) -> Callable[..., Awaitable[dict[str, Any]]]:
        async def call(**arguments: Any) -> dict[str, Any]:
            result = await call_tool(client, name, **arguments)
            if result.is_error:
                raise Refused(text_of(result))
            return dict(result.structured_content or {})

        return call

    return SimpleNamespace(**{name.removeprefix("fs_"): tool(name) for name in server.attributes})


@pytest.fixture
def refused() -> type[Refused]:
    return Refused

"""A state folder of its own for every test, a receiver in this process, and the tools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from flotilla.audit import Audit
from flotilla_servers.webhooks.endpoints import endpoints_of
from flotilla_servers.webhooks.receive.web import Receiver
from flotilla_servers.webhooks.receive.writer import Writer
from flotilla_servers.webhooks.server import server
from flotilla_servers.webhooks.store import Store, store_of
from flotilla_servers.webhooks.tests.senders import PUBLIC, SENDERS, Sent, google, secret_of
from flotilla_testing import Tool, environment, errors_of, results_of

SECRETS = " ".join(f"{vendor}/main={secret_of(vendor)}" for vendor in sorted(SENDERS))
Post = Callable[[Sent], Awaitable[httpx.Response]]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the tools, with a secret for every vendor."""
    (tmp_path / "state").mkdir()
    values = {
        "WEBHOOKS_SECRETS": SECRETS,
        "WEBHOOKS_PUBLIC_URL": PUBLIC,
        "WEBHOOKS_FORWARD_URL": "https://inbox.example.com/in",
        "FLOTILLA_STATE": str(tmp_path / "state"),
        "FLOTILLA_TIMEZONE": "Europe/Paris",
        "FLOTILLA_TIER": "all",
    }
    with environment(server, **values):
        yield values


@pytest.fixture
def store(settings: dict[str, str]) -> Store:
    """The database that the tools and the receiver share."""
    return store_of(server.connection)


class Log:
    """What was written to stderr since the test began."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._text = capsys, ""

    @property
    def text(self) -> str:
        """The whole of it."""
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    """What the receiver writes to stderr."""
    return Log(capsys)


@asynccontextmanager
async def receiving(
    store: Store, secrets: str = SECRETS, accounts: tuple[str, ...] = (), **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a receiver that runs in this process; what it refused is counted at the end."""
    writer = Writer(store)
    audit = Audit("webhooks-receive", frozenset())
    receiver = Receiver(endpoints_of(secrets, accounts), PUBLIC, store, writer, audit, google=google, **more)
    running = asyncio.create_task(writer.run())
    transport = httpx.ASGITransport(receiver.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver.internal:8085") as client:
            yield client
        await receiver.flush()
    finally:
        running.cancel()


@pytest.fixture
async def post(store: Store, log: Log) -> AsyncIterator[Post]:
    """Send a request of a vendor to the receiver."""
    async with receiving(store) as client:

        async def send(request: Sent) -> httpx.Response:
            return await client.post(request.path, content=request.body, headers=dict(request.headers))

        yield send


@pytest.fixture
def tool(settings: dict[str, str], asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return."""
    return results_of(server, "wh", asked)


@pytest.fixture
def problem(settings: dict[str, str], asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""
    return errors_of(server, "wh", asked)

"""A state folder of its own for every test, a receiver in this process, and the tools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from flotilla.audit import Audit
from flotilla.settings import load
from flotilla_servers.webhooks.client import InboxSettings
from flotilla_servers.webhooks.receive.forwarding import Forwarder
from flotilla_servers.webhooks.receive.inbox import Inbox, Inboxes, MakeForwarder
from flotilla_servers.webhooks.receive.web import Receiver
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


def no_network(request: httpx.Request) -> httpx.Response:
    """Stand for an address that cannot be reached."""
    raise httpx.ConnectError("no network in tests")


def forwarders(target: Callable[[httpx.Request], httpx.Response] = no_network, **more: Any) -> MakeForwarder:
    """Return what makes forwarders whose messages all reach a function of the test."""

    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    return partial(Forwarder, transport=httpx.MockTransport(target), resolve=resolve, **more)


def inboxes_of(
    store: Store, forwarder: MakeForwarder | None = None, secrets: str = SECRETS, **settings: str
) -> Inboxes:
    """Return the inbox of one person, as the environment would give it."""
    inboxes = Inboxes()
    inbox = inboxes.by_tenant[""] = Inbox(store, Audit("webhooks-receive", frozenset()), forwarder or forwarders())
    own = {f"WEBHOOKS_{name.upper()}": value for name, value in settings.items()}
    environ = {"WEBHOOKS_SECRETS": secrets, "WEBHOOKS_PUBLIC_URL": PUBLIC, **own}
    inbox.configure(load(InboxSettings, "webhooks", environ))
    return inboxes


@asynccontextmanager
async def client_of(inboxes: Inboxes, of_tenants: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a receiver that runs in this process; what it refused is counted at the end."""
    audit = Audit("webhooks-receive", frozenset())
    receiver = Receiver(inboxes, PUBLIC, audit, of_tenants=of_tenants, google=google)
    transport = httpx.ASGITransport(receiver.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver.internal:8085") as client:
            yield client
        await receiver.tidy()
    finally:
        for inbox in inboxes.by_tenant.values():
            await inbox.close()


@asynccontextmanager
async def receiving(
    store: Store, secrets: str = SECRETS, forwarder: MakeForwarder | None = None, **settings: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a receiver for one person, with these settings."""
    async with client_of(inboxes_of(store, forwarder, secrets, **settings)) as client:
        yield client


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

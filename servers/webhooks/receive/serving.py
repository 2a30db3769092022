"""Running the receiver: its settings, its sockets, what runs beside the requests, and the end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from flotilla import errors
from flotilla.audit import Audit
from flotilla.serving import limits
from flotilla.settings import load
from flotilla_launcher.environment import SettingError, setting

from ..client import Listening, ReceiverSettings, SharedReceiverSettings, integration
from .environment import OfEnvironment
from .forwarding import Forwarder
from .google_keys import GoogleKeys
from .inbox import Inboxes
from .page import Page
from .tenants import OfTenants, open_tenants
from .web import Receiver

ENDING = 10  # seconds that running requests get when the process is asked to end
EACH, TURNS = 4, 25  # messages that a tenant forwards at once, and tenants that do: 100 connections at most
MINUTE = 60.0  # seconds after which is counted and logged what was refused


def listening(settings: Listening) -> list[socket.socket]:
    """Return the sockets that listen, the page's last; raises errors.ConfigurationError."""
    places = [(settings.receive_host, settings.receive_port)]
    if settings.page_token:
        places.append((settings.page_host, settings.page_port))
    try:
        return [
            socket.create_server(place, family=socket.AF_INET6 if ":" in place[0] else socket.AF_INET)
            for place in places
        ]
    except (OSError, OverflowError) as error:
        raise errors.ConfigurationError(
            f"it cannot listen ({getattr(error, 'strerror', '')}).",
            "Choose other addresses with WEBHOOKS_RECEIVE_HOST and _PORT, WEBHOOKS_PAGE_HOST and _PORT.",
        ) from None


class _Server(uvicorn.Server):
    """Returns after a signal; uvicorn's own would send it again, and the process die before what comes after."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a signal as the wish to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(inboxes: Inboxes, settings: Listening, public_url: str, audit: Audit, of_tenants: bool) -> None:
    """Serve until a signal comes."""
    sockets = listening(settings)
    await inboxes.start()
    receiver = Receiver(inboxes, public_url, audit, of_tenants=of_tenants, google=GoogleKeys())
    app: ASGIApp = receiver.app
    if settings.page_token:
        page = Page(inboxes, settings.page_token.get_secret_value())
        app = page.beside(receiver.app, sockets[1].getsockname()[1])
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=ENDING,
        **limits.options(),
    )
    endpoints = sum(len(inbox.endpoints) for inbox in inboxes.by_tenant.values())
    audit.line("listening", host=settings.receive_host, port=sockets[0].getsockname()[1], endpoints=endpoints)
    beside = [asyncio.create_task(_tidy(receiver)), asyncio.create_task(inboxes.follow())]
    try:
        await _Server(config).serve(sockets=sockets)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await asyncio.gather(*(inbox.close() for inbox in inboxes.by_tenant.values()))


async def _tidy(receiver: Receiver) -> None:
    while True:
        await receiver.tidy()
        await asyncio.sleep(MINUTE)


def main() -> None:
    """Run the receiver; exits with a sentence where its settings are wrong."""
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    name = f"flotilla-{integration.slug} receive"
    parser = argparse.ArgumentParser(name, description="Take what vendors send, store it, and forward it.")
    parser.add_argument(
        "--tenants",
        metavar="DATABASE",
        help="receive for all tenants of this database: a file or a postgresql:// URL (default: FLOTILLA_TENANTS)",
    )
    options = parser.parse_args(sys.argv[2:])
    try:
        _run(options.tenants or setting("FLOTILLA_TENANTS", guard=True))
    except (errors.ConfigurationError, SettingError) as error:
        sys.exit(f"{name}: {error}")


def _run(database: str | None) -> None:
    audit = Audit(f"{integration.slug}-receive", integration.masked)
    settings: ReceiverSettings | SharedReceiverSettings
    inboxes: Inboxes
    if database:
        settings = load(SharedReceiverSettings, integration.slug)
        forwarder = partial(Forwarder, private=settings.forward_private, at_once=EACH, turns=asyncio.Semaphore(TURNS))
        inboxes = OfTenants(open_tenants(database), integration.masked, audit, forwarder)
    else:
        settings = load(ReceiverSettings, integration.slug)
        inboxes = OfEnvironment(settings, audit, partial(Forwarder, private=settings.forward_private))
    asyncio.run(serve(inboxes, settings, str(settings.public_url), audit, bool(database)))

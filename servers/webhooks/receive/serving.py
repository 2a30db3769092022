"""Running the receiver: its settings, its sockets, what runs beside the requests, and the end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from flotilla import errors
from flotilla.audit import Audit
from flotilla.connection import Connection
from flotilla.serving import limits
from flotilla.settings import load

from ..client import ReceiverSettings, integration
from ..store import Store, store_of
from .forwarding import Forwarder
from .google_keys import GoogleKeys
from .page import Page
from .web import Receiver
from .writer import Writer

ENDING = 10  # seconds that running requests get when the process is asked to end
MINUTE = 60.0  # seconds after which is counted and logged what was refused


def listening(host: str, port: int) -> socket.socket:
    """Return the socket that listens; raises OSError."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def forward_secrets(settings: ReceiverSettings) -> list[str]:
    """Return the secrets that forwards are signed with; raises errors.ConfigurationError for one that is not valid."""
    configured = settings.forward_secret.get_secret_value() if settings.forward_secret else ""
    secrets = [text.strip() for text in configured.split(",") if text.strip()]
    for secret in secrets:
        key = b""
        with suppress(ValueError):
            key = b64decode(secret.removeprefix("whsec_"), validate=True)
        if not 24 <= len(key) <= 64:
            raise errors.ConfigurationError(
                "WEBHOOKS_FORWARD_SECRET is wrong: it must be whsec_ and base64 of 24 to 64 bytes.",
                "Make one with `openssl rand -base64 32`, and put whsec_ before it.",
            )
    if settings.forward_url and not secrets:
        raise errors.ConfigurationError(
            "WEBHOOKS_FORWARD_URL is set, but WEBHOOKS_FORWARD_SECRET is not.",
            "Set it to whsec_ and the base64 of 32 random bytes.",
        )
    return secrets


class _Server(uvicorn.Server):
    """Returns after a signal; uvicorn's own would send it again, and the process die before what comes after."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a signal as the wish to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(settings: ReceiverSettings, store: Store, audit: Audit, sockets: list[socket.socket]) -> None:
    """Serve until a signal comes. The second socket, if there is one, is the page's."""
    forwarder = None
    if settings.forward_url:
        forwarder = Forwarder(
            store, str(settings.forward_url), forward_secrets(settings), audit, private=settings.forward_private
        )
    writer = Writer(store)
    endpoints = settings.endpoints
    vendors = settings.forward_vendors
    receiver = Receiver(
        endpoints,
        str(settings.public_url),
        store,
        writer,
        audit,
        forwards=lambda vendor: forwarder is not None and (not vendors or vendor in vendors),
        stored=forwarder.wake if forwarder else lambda: None,
        google=GoogleKeys(),
    )
    app: ASGIApp = receiver.app
    if settings.page_token and len(sockets) > 1:
        page = Page(store, endpoints, settings.page_token.get_secret_value(), forwarder.wake if forwarder else None)
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
    audit.line("listening", host=settings.receive_host, port=sockets[0].getsockname()[1], endpoints=len(endpoints))
    beside = [asyncio.create_task(writer.run()), asyncio.create_task(_tidy(store, receiver, settings.keep_days))]
    if forwarder:
        beside.append(asyncio.create_task(forwarder.run()))
    try:
        await _Server(config).serve(sockets=sockets)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await receiver.flush()


async def _tidy(store: Store, receiver: Receiver, keep_days: int) -> None:
    while True:
        with suppress(errors.ConfigurationError):  # the next time may have a disk
            await asyncio.to_thread(store.prune, keep_days)
            for _ in range(60):
                await asyncio.sleep(MINUTE)
                await receiver.flush()
            continue
        await asyncio.sleep(MINUTE)


def main() -> None:
    """Run the receiver with the settings of the environment; exits with a sentence where they are wrong."""
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    name = f"flotilla-{integration.slug} receive"
    connection = Connection(integration)
    try:
        settings = load(ReceiverSettings, integration.slug)
        forward_secrets(settings)
        store = store_of(connection)
        sockets = [listening(settings.receive_host, settings.receive_port)]
        if settings.page_token:
            sockets.append(listening(settings.page_host, settings.page_port))
    except errors.ConfigurationError as error:
        sys.exit(f"{name}: {error}")
    except (OSError, OverflowError) as error:
        sys.exit(
            f"{name}: it cannot listen ({getattr(error, 'strerror', '')}). "
            "Choose other addresses with WEBHOOKS_RECEIVE_HOST and _PORT, WEBHOOKS_PAGE_HOST and _PORT."
        )
    asyncio.run(serve(settings, store, Audit(f"{integration.slug}-receive", integration.masked), sockets))

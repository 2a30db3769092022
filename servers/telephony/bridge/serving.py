"""Running the bridge: its socket, uvicorn in front of the routes, and the end."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys

import uvicorn

from flotilla import errors
from flotilla.audit import Audit
from flotilla.serving import limits
from flotilla.settings import load

from .settings import SLUG, BridgeSettings
from .stream import MOST_MESSAGE
from .tools import Tools
from .web import Bridge

MASKED = frozenset({"caller", "called"})
ENDING = 15  # seconds that running calls get when the process is asked to end


def server_of(bridge: Bridge) -> uvicorn.Server:
    """Return the HTTP server of a bridge, with its limits."""
    config = uvicorn.Config(
        bridge.app,
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=ENDING,
        **limits.options(),
    )
    return uvicorn.Server(config)


def listening(host: str, port: int) -> socket.socket:
    """Return the socket that listens; raises OSError."""
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small frames wait for an ACK
    return listener


async def serve(settings: BridgeSettings, audit: Audit, listener: socket.socket) -> None:
    """Serve until a signal comes; calls that run then are ended."""
    token = settings.bridge_switchboard_token
    tools = Tools(
        str(settings.bridge_switchboard_url or ""), token.get_secret_value() if token else "", settings.bridge_tools
    )
    audit.line("listening", host=settings.bridge_host, port=listener.getsockname()[1])
    try:
        await server_of(Bridge(settings, tools, audit)).serve(sockets=[listener])
    finally:
        await tools.aclose()


def main() -> None:
    """Run the bridge with the settings of the environment; exits with a sentence where they are wrong."""
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    try:
        settings = load(BridgeSettings, SLUG)
        listener = listening(settings.bridge_host, settings.bridge_port)
    except errors.ConfigurationError as error:
        sys.exit(f"flotilla-{SLUG} bridge: {error}")
    except (OSError, OverflowError) as error:
        sys.exit(
            f"flotilla-{SLUG} bridge: it cannot listen on {settings.bridge_host} port {settings.bridge_port} "
            f"({getattr(error, 'strerror', '')}). Choose other ones with TELEPHONY_BRIDGE_HOST and _PORT."
        )
    asyncio.run(serve(settings, Audit(f"{SLUG}-bridge", MASKED), listener))

"""Serving streamable HTTP: stateless unless requested, with one bearer token, limits and health routes."""

from __future__ import annotations

import socket
import sys
from hmac import compare_digest
from typing import Any, Literal

import anyio
from fastmcp import FastMCP

from flotilla import errors
from flotilla.calls import finishing
from flotilla.calls.credentials import SUFFIX
from flotilla.connection import Connection
from flotilla.serving.health import add_health_routes
from flotilla.serving.scrape import add_metrics_route
from flotilla.serving.shutdown import AnnouncedShutdown, notice_of
from flotilla_launcher.environment import name_set

# Seconds that a proxy may leave a connection idle: longer than the 60 of nginx and of clouds, so that they are first
# to close it. What is sent on a connection that the other side is just closing is lost.
KEEP_ALIVE = 75
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve_until_finished(mcp: FastMCP[Any], transport: Literal["stdio", "http"], **options: Any) -> None:
    """Serve, and close the event loop only after work that must finish (see `finishing`)."""

    async def serve() -> None:
        try:
            await mcp.run_async(transport, **options)
        finally:
            await finishing.finished()

    anyio.run(serve)


def serve_http(mcp: FastMCP[Any], connection: Connection[Any]) -> None:
    """Serve streamable HTTP as the connection's settings say; exits with a message where they are wrong."""
    fleet, slug = connection.fleet, connection.integration.slug
    if connection.fleet_error:
        sys.exit(f"flotilla-{slug}: {connection.fleet_error}")
    token = fleet.http_token.get_secret_value() if fleet.http_token else ""
    if token:
        mcp.auth = fixed_token(token)
    elif fleet.host not in LOOPBACK:
        sys.exit(
            f"flotilla-{slug}: FLOTILLA_HTTP_TOKEN must be set to listen on {fleet.host}: without it, anybody "
            "on the network could call the tools. Set it, or listen on 127.0.0.1."
        )
    try:
        options = listening(fleet.host, fleet.port, fleet.drain)
    except errors.ConfigurationError as problem:
        sys.exit(f"flotilla-{slug}: {problem}")
    add_health_routes(mcp, connection)
    if fleet.metrics:
        add_metrics_route(mcp, fleet.metrics_token.get_secret_value() if fleet.metrics_token else "")
    if fleet.call_credentials:
        options["path"] = "/mcp" + SUFFIX
    connection.audit.line("listening", host=fleet.host, port=options["sockets"][0].getsockname()[1])
    serve_until_finished(mcp, "http", stateless_http=not fleet.stateful, **options)


def listening(host: str, port: int, drain: float = 0) -> dict[str, Any]:
    """Return the options of FastMCP's HTTP transport: a listening socket, and the Host and Origin that are accepted.

    Connections and sessions are limited in number and time (see `limits`), also those of later transports of
    this process. With a drain of more than a second, the end of the process is announced (see `shutdown`), and answers
    that are under way then are not cut off. Raises errors.ConfigurationError where it cannot listen.
    """
    from sse_starlette.sse import AppStatus
    from starlette.middleware import Middleware

    from flotilla.compat import limit_sessions
    from flotilla.serving import limits  # not at the top: only HTTP needs uvicorn

    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as problem:
        reason = str(getattr(problem, "strerror", "the port must be 0 to 65535")).split(" (")[0]
        raise errors.ConfigurationError(
            f"cannot listen on {host} port {port}: {reason}.", "Choose other ones with FLOTILLA_HOST and FLOTILLA_PORT."
        ) from None
    # asyncio sets it only on sockets that were made for TCP by name; without it every answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    limit_sessions(limits.MOST_SESSIONS, limits.IDLE)
    uvicorn = {"timeout_graceful_shutdown": 60, "log_config": None, "access_log": False, "ws": "none"}
    middleware = []
    if drain > 1:
        # An answer is a stream of events, which it would end at once.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
        middleware = [Middleware(AnnouncedShutdown, notice=notice_of(drain))]
        uvicorn["timeout_keep_alive"] = KEEP_ALIVE
    with errors.setting_errors():
        own_hosts = name_set("FLOTILLA_ALLOWED_HOSTS")
    return {
        "sockets": [listener],
        "host_origin_protection": True,
        "allowed_hosts": [*LOOPBACK, *({host} - {"0.0.0.0", "::"}), *own_hosts],
        "show_banner": False,
        "middleware": middleware,
        "uvicorn_config": {**uvicorn, **limits.options()},
    }


def fixed_token(token: str) -> Any:
    """Return the check of one bearer token, in constant time."""
    from fastmcp.server.auth import AccessToken, TokenVerifier

    class Fixed(TokenVerifier):
        async def verify_token(self, received: str) -> AccessToken | None:
            if not compare_digest(received.encode(), token.encode()):
                return None
            return AccessToken(token="", client_id="fleet", scopes=[])

    return Fixed()

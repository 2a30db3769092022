"""Serving: stdio, or stateless streamable HTTP; nothing but JSON-RPC on stdout; a quick end in every state."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from . import errors, telemetry
from .environment import setting, words

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from .server import Server

GRACE = 1.0  # seconds that calls in flight get at the end
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(server: Server[Any]) -> None:
    """Serve over the configured transport until the client goes away or a signal comes."""
    telemetry.configure(server.slug)
    _end_on_signals(server)
    with suppress(BrokenPipeError):
        if (setting("FLOTILLA_TRANSPORT") or "stdio") == "stdio":
            wire = os.dup(getattr(sys.stdin, "wire", 0))
            threading.Thread(target=_end_on_hang_up, args=(wire,), daemon=True).start()
            server._mcp.run("stdio", show_banner=False)
        else:
            _http(server)
    _end()


def _end() -> None:
    """End the process now: interpreter shutdown would wait for threads, and costs a third of a second."""
    with suppress(Exception):
        telemetry.flush()
        sys.stderr.flush()
    os._exit(0)


def _end_on_signals(server: Server[Any]) -> None:
    """End on SIGTERM and SIGINT, as PID 1 too, even while the main thread is blocked: a thread hears of them by a pipe.

    Over stdio that is after the calls in flight, GRACE seconds at most. Over HTTP uvicorn comes to an end by itself.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    ours = (signal.SIGTERM, signal.SIGINT)
    for number in ours:
        signal.signal(number, lambda *_: None)

    def watch() -> None:
        while os.read(reader, 1)[0] not in ours:
            pass
        end = time.monotonic() + GRACE
        while time.monotonic() < end and (server.running or server.fleet.transport == "http"):
            time.sleep(0.02)
        if server.fleet.transport == "http":
            time.sleep(GRACE / 2)
        _end()

    threading.Thread(target=watch, daemon=True).start()


def _end_on_hang_up(wire: int) -> None:
    """End the process when the client hangs up, even while a tool blocks the event loop."""
    poll = select.poll()
    poll.register(wire, select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0))
    poll.poll()
    time.sleep(GRACE)
    _end()


def _http(server: Server[Any]) -> None:
    fleet, mcp = server.fleet, server._mcp
    if server.fleet_problem:
        sys.exit(f"flotilla-{server.slug}: {server.fleet_problem}")
    token = fleet.http_token.get_secret_value() if fleet.http_token else ""
    if token:
        mcp.auth = fixed_token(token)
    elif fleet.host not in LOOPBACK:
        sys.exit(
            f"flotilla-{server.slug}: FLOTILLA_HTTP_TOKEN must be set to listen on {fleet.host}: without it, anybody "
            "on the network could call the tools. Set it, or listen on 127.0.0.1."
        )
    try:
        family = socket.AF_INET6 if ":" in fleet.host else socket.AF_INET
        listener = socket.create_server((fleet.host, fleet.port), family=family)
    except OSError as problem:
        sys.exit(
            f"flotilla-{server.slug}: cannot listen on {fleet.host} port {fleet.port}: {problem.strerror}. "
            "Choose other ones with FLOTILLA_HOST and FLOTILLA_PORT."
        )
    _routes(server)
    server.audit.line("listening", host=fleet.host, port=listener.getsockname()[1])
    mcp.run(
        "http",
        sockets=[listener],
        stateless_http=not fleet.stateful,
        host_origin_protection=True,
        allowed_hosts=[*LOOPBACK, *({fleet.host} - {"0.0.0.0", "::"}), *words("FLOTILLA_ALLOWED_HOSTS")],
        show_banner=False,
        uvicorn_config={"timeout_graceful_shutdown": 1, "log_config": None, "access_log": False, "ws": "none"},
    )


def _routes(server: Server[Any]) -> None:
    from starlette.responses import JSONResponse

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": server.slug})

    async def ready(_: Request) -> JSONResponse:
        try:
            server.settings  # noqa: B018 - reading it is the check
        except errors.Setup as problem:
            return JSONResponse({"status": "not configured", "reason": str(problem)}, status_code=503)
        return JSONResponse({"status": "ready", "server": server.slug})

    server._mcp.custom_route("/health", methods=["GET"])(health)
    server._mcp.custom_route("/ready", methods=["GET"])(ready)


def fixed_token(token: str) -> Any:
    """Return the check of one bearer token, in constant time."""
    from fastmcp.server.auth import AccessToken, TokenVerifier

    class Fixed(TokenVerifier):
        async def verify_token(self, given: str) -> AccessToken | None:
            if not compare_digest(given.encode(), token.encode()):
                return None
            return AccessToken(token="", client_id="fleet", scopes=[])

    return Fixed()

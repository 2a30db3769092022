"""Serving: stdio, or stateless streamable HTTP; nothing but JSON-RPC on stdout; a quick end in every state."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Literal

import anyio

from . import errors, finishing, telemetry
from .audit import Audit
from .environment import setting, words
from .private import answer_unreadable_lines
from .settings import scrub

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from .server import Server

GRACE = 1.0  # seconds that calls in flight get at the end
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(server: Server[Any]) -> None:
    """Serve over the configured transport until the client goes away or a signal comes."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Lines(server.audit)], force=True)
    logging.captureWarnings(True)
    telemetry.configure(server.slug)
    _end_on_signals(server)
    try:
        over_stdio = (setting("FLOTILLA_TRANSPORT", guard=True) or "stdio") == "stdio"
    except errors.Setup as problem:
        sys.exit(f"flotilla-{server.slug}: {problem}")
    if over_stdio:
        # Of their own, since mcp points 0 and 1 elsewhere while it serves; the launcher has done so already.
        wires = [os.dup(getattr(stream, "wire", fd)) for fd, stream in enumerate((sys.stdin, sys.stdout))]
        threading.Thread(target=_end_on_hang_up, args=wires, daemon=True).start()
        answer_unreadable_lines(server._mcp, lambda why: server.audit.line("unreadable", level="warning", message=why))
        _until_finished(server, "stdio", show_banner=False)
    else:
        _http(server)
    _end()


def _until_finished(server: Server[Any], transport: Literal["stdio", "http"], **options: Any) -> None:
    """Serve, and close the event loop only after what must not be cut off."""

    async def serve() -> None:
        try:
            await server._mcp.run_async(transport, **options)
        finally:
            await finishing.finished()

    anyio.run(serve)


class _Lines(logging.Handler):
    """What libraries log, as lines like our own: one format, and no secret."""

    def __init__(self, audit: Audit) -> None:
        super().__init__()
        self._audit = audit

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        text = scrub(self.format(record))
        self._audit.line("log", level=record.levelname.lower(), logger=record.name, message=text)


def _end(patience: float = finishing.LONGEST) -> None:
    """End the process now: interpreter shutdown would wait for threads, and costs a third of a second.

    Only what must not be cut off is waited for, see `finishing`; `patience` is in seconds.
    """
    finishing.wait(patience)
    with suppress(Exception):
        telemetry.flush()
        sys.stderr.flush()
    os._exit(0)


def _end_on_signals(server: Server[Any]) -> None:
    """End on SIGTERM and SIGINT, as PID 1 too, even while the main thread is blocked: a thread hears of them by a pipe.

    Calls in flight get GRACE seconds. Over HTTP uvicorn waits for them, and ends by itself when there are none.
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
        end, uvicorn = time.monotonic() + GRACE, server.fleet.transport == "http"
        if server.running or uvicorn:
            while time.monotonic() < end and (server.running or uvicorn):
                time.sleep(0.02)
            time.sleep(0.1)  # what has just ended is still being written
        _end(finishing.LONGEST - GRACE)

    threading.Thread(target=watch, daemon=True).start()


def _end_on_hang_up(wire_in: int, wire_out: int) -> None:
    """End the process when the client hangs up, on either side, even while a tool blocks the event loop."""
    poll = select.poll()
    poll.register(wire_in, getattr(select, "POLLRDHUP", 0))  # and what is always told: POLLHUP, POLLERR
    poll.register(wire_out, 0)
    poll.poll()
    time.sleep(GRACE)
    _end(finishing.LONGEST - GRACE)


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
        options = listening(fleet.host, fleet.port)
    except errors.Setup as problem:
        sys.exit(f"flotilla-{server.slug}: {problem}")
    _routes(server)
    server.audit.line("listening", host=fleet.host, port=options["sockets"][0].getsockname()[1])
    _until_finished(server, "http", stateless_http=not fleet.stateful, **options)


def listening(host: str, port: int) -> dict[str, Any]:
    """Return what FastMCP's HTTP transport runs with: a socket that listens, whose Host and Origin must be ours.

    Connections and sessions are limited in number and time (see `connections`), also those of later transports of
    this process. Raises errors.Setup where it cannot listen.
    """
    from . import connections
    from .private import limit_sessions

    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as problem:
        why = str(getattr(problem, "strerror", "the port must be 0 to 65535")).split(" (")[0]
        raise errors.Setup(
            f"cannot listen on {host} port {port}: {why}.", "Choose other ones with FLOTILLA_HOST and FLOTILLA_PORT."
        ) from None
    # asyncio sets it only on sockets that were made for TCP by name; without it every answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    limit_sessions(connections.MOST_SESSIONS, connections.IDLE)
    uvicorn = {"timeout_graceful_shutdown": 60, "log_config": None, "access_log": False, "ws": "none"}
    return {
        "sockets": [listener],
        "host_origin_protection": True,
        "allowed_hosts": [*LOOPBACK, *({host} - {"0.0.0.0", "::"}), *words("FLOTILLA_ALLOWED_HOSTS")],
        "show_banner": False,
        "uvicorn_config": {**uvicorn, **connections.options()},
    }


def _routes(server: Server[Any]) -> None:
    from starlette.responses import JSONResponse

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": server.slug})

    async def ready(_: Request) -> JSONResponse:
        try:
            server.check_guards()
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

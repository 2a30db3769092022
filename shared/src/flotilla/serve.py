"""Serving: stdio, or stateless streamable HTTP; nothing but JSON-RPC on stdout; a quick end in every state."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from .server import Server

GRACE = 1.0  # seconds that calls in flight get at the end
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(server: Server[Any]) -> None:
    """Serve over the configured transport until the client goes away or a signal comes."""
    from .telemetry import configure

    configure(server.slug)
    if server.fleet.transport == "http":
        _http(server)
    else:
        _stdio(server)


def _stdio(server: Server[Any]) -> None:
    def leave(*_: object) -> None:
        threading.Thread(target=_exit_soon, args=(server,), daemon=True).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    threading.Thread(target=_leave_at_end_of_input, args=(os.dup(getattr(sys.stdin, "wire", 0)),), daemon=True).start()
    server._mcp.run("stdio", show_banner=False)
    os._exit(0)  # interpreter shutdown would wait for threads and cost a third of a second


def _exit_soon(server: Server[Any]) -> None:
    """End at once when idle, else after the calls in flight, GRACE seconds at most."""
    end = time.monotonic() + GRACE
    while server.running and time.monotonic() < end:
        time.sleep(0.02)
    sys.stderr.flush()
    os._exit(0)


def _leave_at_end_of_input(fd: int) -> None:
    """End the process when the client hangs up, even while a tool blocks the event loop."""
    poll = select.poll()
    poll.register(fd, select.POLLHUP | select.POLLERR)
    poll.poll()
    time.sleep(GRACE)
    os._exit(0)


def _http(server: Server[Any]) -> None:
    from starlette.responses import JSONResponse

    from .environment import words

    fleet, mcp = server.fleet, server._mcp
    token = fleet.http_token.get_secret_value() if fleet.http_token else ""
    if not token and fleet.host not in LOOPBACK:
        sys.exit(
            f"flotilla-{server.slug}: FLOTILLA_HTTP_TOKEN must be set to listen on {fleet.host}: without it, anybody "
            "on the network could call the tools. Set it, or listen on 127.0.0.1."
        )
    if token:
        from .settings import remember_secret

        remember_secret(token)
        mcp.auth = fixed_token(token)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": server.slug})

    async def ready(_: Request) -> JSONResponse:
        from . import errors

        try:
            server.settings  # noqa: B018 - reading it is the check
        except errors.Setup as problem:
            return JSONResponse({"status": "not configured", "reason": str(problem)}, status_code=503)
        return JSONResponse({"status": "ready", "server": server.slug})

    mcp.custom_route("/health", methods=["GET"])(health)
    mcp.custom_route("/ready", methods=["GET"])(ready)
    mcp.run(
        "http",
        host=fleet.host,
        port=fleet.port,
        stateless_http=not fleet.stateful,
        host_origin_protection=True,
        allowed_hosts=[*LOOPBACK, fleet.host, *words("FLOTILLA_ALLOWED_HOSTS")],
        show_banner=False,
        uvicorn_config={"timeout_graceful_shutdown": 1, "log_config": None, "access_log": False},
    )


def fixed_token(token: str) -> Any:
    """Return the check of one bearer token, in constant time."""
    from fastmcp.server.auth import AccessToken, TokenVerifier

    class Fixed(TokenVerifier):
        async def verify_token(self, given: str) -> AccessToken | None:
            if not compare_digest(given.encode(), token.encode()):
                return None
            return AccessToken(token="", client_id="fleet", scopes=[])

    return Fixed()

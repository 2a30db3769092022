"""Flotilla's own gateway, for machines without Docker's: it lists all servers and starts one on its first call.

It reads the same catalog, secrets file and configuration as `docker mcp gateway run`, and speaks stdio, or streamable
HTTP with a bearer token. Every option can also stand in the environment: FLOTILLA_CATALOG and so on.

It does not have the shape of a server (Integration, Api, Toolset, Server). It has no vendor, no account and no tools of
its own: what it lists are other servers' definitions, which must pass unchanged. So it builds on FastMCP's providers.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_launcher.environment import SettingError, setting
from flotilla_launcher.version import VERSION

from .catalog import CatalogError
from .discovery import DiscoveryError, definitions
from .options import arguments, remotes
from .selection import selected

if TYPE_CHECKING:
    from fastmcp import FastMCP

    from .backend import Backend


def build(options: argparse.Namespace) -> tuple[FastMCP[Any], list[Backend]]:
    """Make the FastMCP server that clients see, and the backends; nothing is started.

    Raises CatalogError, and errors.ConfigurationError for a variable of the environment.
    """
    from fastmcp import FastMCP
    from mcp.server.request_state import RequestStateSecurity

    from flotilla.compat import accept_arguments_as_text, keep_no_session_state

    from .backend import Process, Remote
    from .commands import Commands
    from .gateway import Definitions, UnknownTool

    state_key = setting("FLOTILLA_STATE_KEY", guard=True) or secrets.token_hex(32)
    token = setting("FLOTILLA_REMOTE_TOKEN", guard=True)
    if len(state_key) < 32:
        raise CatalogError("FLOTILLA_STATE_KEY has fewer than 32 characters. Set a longer one, or unset it.")
    commands, offered = Commands(options), Definitions()
    backends: list[Backend] = []
    urls = remotes(options)
    for entry in selected(options):
        backend: Backend = Process(entry, commands, options.idle, options.start_timeout)
        if url := urls.get(entry.slug):
            backend = Remote(entry, url, {"Authorization": f"Bearer {token}"} if token else {})
        elif remote := entry.spec.get("remote"):
            backend = Remote(entry, remote["url"], entry.headers)
        elif options.run == "http-map":
            raise CatalogError(f"No URL is set for {entry.slug}. Add it to --remote, or leave it out of --servers.")
        try:
            offered.add(backend, definitions(entry, Path(options.discovery)))
        except DiscoveryError as error:
            report(f"{entry.slug} is left out: {error}")
            continue
        backends.append(backend)
    mcp: FastMCP[Any] = FastMCP(
        "flotilla",
        version=VERSION,
        providers=[offered],
        middleware=[UnknownTool()],
        dereference_schemas=False,
        cache_ttl=60,  # lists do not change while the switchboard runs
        cache_scope="public",
        request_state_security=RequestStateSecurity(keys=[state_key.encode()]),
    )
    accept_arguments_as_text(mcp)
    keep_no_session_state(mcp)
    report(f"{len(backends)} servers, {len(offered.tools)} tools")
    return mcp, backends


async def serve(options: argparse.Namespace) -> None:
    """Serve until the client closes the connection or a signal comes, then stop every server."""
    mcp, backends = build(options)

    async def close() -> None:
        async with asyncio.timeout(12):  # a server that renews its tokens is waited for
            await asyncio.gather(*(backend.close() for backend in backends))

    def end() -> None:  # without it the process would die before its servers, or hang
        ending.append(asyncio.ensure_future(close()))
        ending[-1].add_done_callback(lambda _: os._exit(0))  # a thread may wait for input that never comes

    ending: list[asyncio.Future[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        if options.transport == "http":
            await listen(mcp, options)
        else:
            await mcp.run_async("stdio", show_banner=False)
    finally:
        await close()
    os._exit(0)


async def listen(mcp: FastMCP[Any], options: argparse.Namespace) -> None:
    """Serve streamable HTTP to clients with the token; Host and Origin of a request must be those listened on."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from flotilla.serving.http import fixed_token, listening

    configured = setting("FLOTILLA_HTTP_TOKEN", guard=True)
    token = configured or secrets.token_urlsafe(32)
    mcp.auth = fixed_token(token)

    @mcp.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": "switchboard"})

    http = listening(options.host, options.port)
    port = http["sockets"][0].getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # all addresses have no URL
    name = f"[{host}]" if ":" in host else host
    report(f"http://{name}:{port}/mcp" + ("" if configured else f", bearer token {token}"))
    await mcp.run_async("http", **http)


def report(text: str) -> None:
    """Print a line for the operator; stdout belongs to the protocol."""
    print(f"flotilla-switchboard: {text}", file=sys.stderr, flush=True)


class Switchboard:
    """What the launcher runs: it has the slug and the `run` of a Server, and nothing else of it."""

    slug = "switchboard"

    def run(self) -> None:
        """Serve with the options of the command line."""
        logging.getLogger("fastmcp").setLevel(logging.CRITICAL)  # it would write every error with its traceback
        try:
            asyncio.run(serve(arguments(sys.argv[1:])))
        except SettingError as error:
            sys.exit(f"flotilla-switchboard: {error}")


server = Switchboard()

"""Flotilla's own door, for machines without Docker's gateway: it lists every server and starts one on its first call.

It reads the same catalog, secrets file and configuration as `docker mcp gateway run`, and speaks stdio, or streamable
HTTP with a bearer token. Every option can also stand in the environment: FLOTILLA_CATALOG and so on.
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

from .catalog import Problem, Unreadable, chosen, definitions
from .options import arguments, remotes

if TYPE_CHECKING:
    from fastmcp import FastMCP

    from .backend import Backend


def build(options: argparse.Namespace) -> tuple[FastMCP[Any], list[Backend]]:
    """Make the front and the servers behind it; nothing is started. Raises Problem."""
    from fastmcp import FastMCP
    from mcp.server.request_state import RequestStateSecurity

    from flotilla.compat import accept_arguments_as_text

    from .backend import Process, Remote
    from .commands import Commands
    from .door import Definitions, Unknown

    state_key = setting("FLOTILLA_STATE_KEY", guard=True) or secrets.token_hex(32)
    token = setting("FLOTILLA_REMOTE_TOKEN", guard=True)
    if len(state_key) < 32:
        raise Problem("FLOTILLA_STATE_KEY has fewer than 32 characters.")
    commands, offered = Commands(options), Definitions()
    backends: list[Backend] = []
    elsewhere = remotes(options)
    for entry in chosen(options):
        backend: Backend = Process(entry, commands, options.idle, options.start_timeout)
        if url := elsewhere.get(entry.slug):
            backend = Remote(entry, url, {"Authorization": f"Bearer {token}"} if token else {})
        elif remote := entry.spec.get("remote"):
            backend = Remote(entry, remote["url"], entry.headers)
        elif options.run == "http-map":
            raise Problem(f"No URL is given for {entry.slug}: add it to --remote, or leave it out of --servers.")
        try:
            offered.add(backend, definitions(entry, Path(options.discovery)))
        except Unreadable as problem:
            say(f"{entry.slug} is left out: {problem}")
            continue
        backends.append(backend)
    front: FastMCP[Any] = FastMCP(
        "flotilla",
        version=VERSION,
        providers=[offered],
        middleware=[Unknown()],
        dereference_schemas=False,
        cache_ttl=60,  # lists do not change while the door is open
        cache_scope="public",
        request_state_security=RequestStateSecurity(keys=[state_key.encode()]),
    )
    accept_arguments_as_text(front)
    say(f"{len(backends)} servers, {len(offered.tools)} tools")
    return front, backends


async def serve(options: argparse.Namespace) -> None:
    """Serve until the client hangs up or a signal comes, and leave no server behind."""
    front, backends = build(options)

    async def close() -> None:
        async with asyncio.timeout(12):  # a server that renews its tokens is waited for
            await asyncio.gather(*(backend.close() for backend in backends))

    def leave() -> None:  # without it the process would die before its servers, or hang
        ending.append(asyncio.ensure_future(close()))
        ending[-1].add_done_callback(lambda _: os._exit(0))  # a thread may wait for input that never comes

    ending: list[asyncio.Future[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave)
    try:
        if options.transport == "http":
            await listen(front, options)
        else:
            await front.run_async("stdio", show_banner=False)
    finally:
        await close()
    os._exit(0)


async def listen(front: FastMCP[Any], options: argparse.Namespace) -> None:
    """Serve streamable HTTP to those who know the token; the Host and Origin of a request must be ours."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from flotilla.errors import ConfigurationError
    from flotilla.serving.http import fixed_token, listening

    given = setting("FLOTILLA_HTTP_TOKEN", guard=True)
    token = given or secrets.token_urlsafe(32)
    front.auth = fixed_token(token)

    @front.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": "switchboard"})

    try:
        how = listening(options.host, options.port)
    except ConfigurationError as problem:
        raise Problem(str(problem)) from None
    port = how["sockets"][0].getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # all addresses have no URL
    name = f"[{host}]" if ":" in host else host
    say(f"http://{name}:{port}/mcp" + ("" if given else f", bearer token {token}"))
    await front.run_async("http", **how)


def say(text: str) -> None:
    """Tell the operator; stdout belongs to the protocol."""
    print(f"flotilla-switchboard: {text}", file=sys.stderr, flush=True)


class Switchboard:
    """What the launcher runs, as it runs a server."""

    slug = "switchboard"

    def run(self) -> None:
        """Serve with the options of the command line."""
        logging.getLogger("fastmcp").setLevel(logging.CRITICAL)  # it would write every error with its traceback
        try:
            asyncio.run(serve(arguments(sys.argv[1:])))
        except (Problem, SettingError) as problem:
            sys.exit(f"flotilla-switchboard: {problem}")


server = Switchboard()

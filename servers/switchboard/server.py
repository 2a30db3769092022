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
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla.environment import setting, words
from flotilla.version import VERSION

from .catalog import Problem, choose, definitions, read_catalog, read_document, read_secrets

if TYPE_CHECKING:
    from fastmcp import FastMCP

    from .backend import Backend

HERE = Path(__file__).resolve().parents[1]
CHECKOUT = HERE.parent if HERE.name == "servers" else None
OPTIONS: dict[str, tuple[Any, str]] = {
    "catalog": (
        CHECKOUT / "catalog" / "flotilla.yaml" if CHECKOUT else "/app/catalog/flotilla.yaml",
        "the catalog file",
    ),
    "servers": ("", "names, comma-separated; all; or nothing for those that need nothing more to work"),
    "secrets": ("", "file of server.name=value lines"),
    "config": ("", "YAML file of the servers' settings"),
    "discovery": (HERE if CHECKOUT else "/app/discovery", "folder of <server>/discovery.json"),
    "run": ("auto", "how servers run: docker, process, auto (docker where the image is), http-map (only --remote)"),
    "remote": ("", "name=url, comma-separated: servers that run elsewhere; their token in FLOTILLA_REMOTE_TOKEN"),
    "transport": ("stdio", "how clients connect: stdio or http; the token in FLOTILLA_HTTP_TOKEN"),
    "host": ("127.0.0.1", "address to listen on"),
    "port": (8811, "port to listen on, 0 for any"),
    "idle": (600.0, "seconds after which an idle server is stopped, 0 for never"),
    "start-timeout": (60.0, "seconds that a server may take to start"),
    "data": (Path.home() / ".local" / "share" / "flotilla", "folder for files when servers run as processes"),
    "bin": (Path(sys.executable).parent, "folder of the flotilla-<server> commands"),
    "cpus": (1.0, "CPUs of a container"),
    "memory": ("512m", "memory of a container"),
    "owner": ("flotilla", "what the names of containers begin with"),
}
CHOICES = {"run": ("auto", "docker", "process", "http-map"), "transport": ("stdio", "http")}


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the environment, and the command line, which wins."""
    parser, given = argparse.ArgumentParser("flotilla-switchboard", description=__doc__), list[str]()
    for name, (default, text) in OPTIONS.items():
        kind = type(default) if isinstance(default, int | float) else str
        text += f" (default: {default})" if default != "" else ""
        parser.add_argument(f"--{name}", default=default, help=text, type=kind, choices=CHOICES.get(name))
        value = setting("FLOTILLA_" + name.upper().replace("-", "_"))
        given += [f"--{name}={value}"] if value else []
    return parser.parse_args([*given, *argv])


def build(options: argparse.Namespace) -> tuple[FastMCP[Any], list[Backend]]:
    """Make the front and the servers behind it; nothing is started. Raises Problem."""
    from fastmcp import FastMCP
    from flotilla.private import accept_arguments_as_text
    from mcp.server.request_state import RequestStateSecurity

    from .backend import Process, Remote
    from .commands import Commands
    from .door import Definitions, Unknown

    state_key, token = setting("FLOTILLA_STATE_KEY") or secrets.token_hex(32), setting("FLOTILLA_REMOTE_TOKEN")
    commands, offered = Commands(options, state_key), Definitions()
    backends: list[Backend] = []
    remotes = dict(pair.strip().partition("=")[::2] for pair in options.remote.split(",") if pair.strip())
    entries = read_catalog(
        Path(options.catalog),
        read_secrets(Path(options.secrets)) if options.secrets else {},
        read_document(Path(options.config)) if options.config else {},
    )
    for entry in choose(entries, [word.strip() for word in options.servers.split(",") if word.strip()], remotes):
        backend: Backend = Process(entry, commands, options.idle, options.start_timeout)
        if url := remotes.get(entry.slug):
            backend = Remote(entry, url, {"Authorization": f"Bearer {token}"} if token else {})
        elif remote := entry.spec.get("remote"):
            backend = Remote(entry, remote["url"], entry.headers)
        elif options.run == "http-map":
            raise Problem(f"No URL is given for {entry.slug}: add it to --remote, or leave it out of --servers.")
        offered.add(backend, definitions(entry, Path(options.discovery)))
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
        async with asyncio.timeout(10):
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
    from flotilla.serve import LOOPBACK, fixed_token
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    given = setting("FLOTILLA_HTTP_TOKEN")
    token = given or secrets.token_urlsafe(32)
    front.auth = fixed_token(token)

    @front.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": "switchboard"})

    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as problem:
        raise Problem(f"Cannot listen on {options.host}:{options.port}: {problem.strerror}.") from None
    port = listener.getsockname()[1]
    say(f"http://{options.host}:{port}/mcp" + ("" if given else f", bearer token {token}"))
    await front.run_async(
        "http",
        show_banner=False,
        host=options.host,
        port=port,
        sockets=[listener],
        host_origin_protection=True,
        allowed_hosts=[*LOOPBACK, options.host, *words("FLOTILLA_ALLOWED_HOSTS")],
        uvicorn_config={"timeout_graceful_shutdown": 1, "log_config": None, "access_log": False},
    )


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
        except Problem as problem:
            sys.exit(f"flotilla-switchboard: {problem}")


server = Switchboard()

"""The client's side over streamable HTTP. FastMCP and mcp keep the sessions, streams, token and host checks.

What the switchboard answers never reaches their layers of tools and results: it is taken from mcp's middleware as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import anyio
import mcp_types as mt
from fastmcp import FastMCP
from fastmcp.server.auth import AuthProvider
from mcp import MCPError
from mcp.shared.message import ServerMessageMetadata
from pydantic import RootModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flotilla.compat import connection_of, keep_no_session_state, low_level
from flotilla.serving.http import LOOPBACK, fixed_token, listening
from flotilla.serving.limits import MOST_SESSIONS
from flotilla.serving.scrape import add_metrics_route
from flotilla_launcher.environment import setting
from flotilla_launcher.protocol import CAPABILITIES_KEY, LOG_LEVELS, MODERN_VERSION
from flotilla_launcher.version import VERSION

from . import search_api
from .client_request import ClientRequest, invalid
from .gateway import ANSWERED, CAPABILITIES, LIST_CHANGED, Gateway
from .jsonrpc import Message, RpcError
from .options import url_host
from .reporting import report

if TYPE_CHECKING:
    from .console.app import Site

SESSION_HEADER = "mcp-session-id"
Route = tuple[str, str, Callable[[Request], Awaitable[Response]]]  # path, method, endpoint


class Answers(Protocol):
    """What answers clients: a `Gateway`, or those of many tenants.

    `listeners` are called when clients see other tools than before; with the id that a token stands for, where that
    concerns its clients alone.
    """

    listeners: set[Callable[..., None]]

    async def answer(self, client: HttpRequest, method: str, params: Message) -> Message:
        """Return the result of a request. Raises RpcError."""

    def input_schema(self, name: str) -> Message | None:
        """Return the input schema of a tool, None where it is not known."""


class HttpRequest(ClientRequest):
    """One request, in mcp's context. Its notifications are sent one after the other, and before its result."""

    def __init__(self, ctx: Any, log_level: str | None) -> None:
        params, modern = dict(ctx.params or {}), ctx.protocol_version == MODERN_VERSION
        if modern:
            capabilities = params["_meta"][CAPABILITIES_KEY]
        else:
            known = ctx.session.client_capabilities
            capabilities = known.model_dump(mode="json", by_alias=True, exclude_none=True) if known else {}
        if type(capabilities) is not dict:
            raise invalid()
        client_id = session_id(ctx)
        super().__init__(params, modern=modern, client_id=client_id, capabilities=capabilities, log_level=log_level)
        self._session, self._id, self.request_id = ctx.session, ctx.request_id, ctx.request_id
        self.access_token = ctx.request.user.access_token if ctx.request else None  # of the check of the bearer token
        if not modern and (hello := ctx.session.client_params):
            self.client_name = hello.client_info.name
        self._last: asyncio.Task[None] | None = None

    def notify(self, method: str, params: Message) -> None:
        """Send the client a notification, after those before it."""
        self._last = asyncio.create_task(
            self._send(self._last, mt.Notification[Message, str](method=method, params=params))
        )

    async def _send(self, previous: asyncio.Task[None] | None, notification: Any) -> None:
        if previous:
            await asyncio.wait([previous])
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the client is gone
            await self._session.send_notification(notification, related_request_id=self._id)

    async def notified(self) -> None:
        """Wait until every notification is sent."""
        if self._last:
            await asyncio.wait([self._last])

    async def ask(self, method: str, params: Message) -> Message:
        """Return the client's answer to a question."""
        await self.notified()
        metadata = ServerMessageMetadata(related_request_id=self._id)
        question: Any = mt.Request[Message, str](method=method, params=params)
        try:
            return dict((await self._session.send_request(question, RootModel[Message], metadata=metadata)).root)
        except MCPError as error:
            raise RpcError(error.code, error.message, error.data) from None


def serve_gateway(gateway: Answers) -> FastMCP[Any]:
    """Return a FastMCP server that answers from the gateway."""
    # Whose each is, of clients before 2026-07-28: the others listen by a request of their own.
    connections: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
    sending: list[asyncio.Task[None]] = []
    mcp: FastMCP[Any] = FastMCP("flotilla", version=VERSION)
    keep_no_session_state(mcp)
    levels: dict[str, str] = {}

    async def answer(ctx: Any, call_next: Any) -> Any:
        if ctx.request_id is None:
            return await call_next(ctx)
        if ctx.method == "initialize":
            connections[connection_of(ctx.session)] = ctx.request.user.access_token.client_id
            result = mt.InitializeResult.model_validate(await call_next(ctx))
            return result.model_copy(update={"capabilities": mt.ServerCapabilities.model_validate(CAPABILITIES)})
        modern = ctx.protocol_version == MODERN_VERSION
        if ctx.method not in ANSWERED and (ctx.method != "logging/setLevel" or modern):
            return await call_next(ctx)
        try:
            if ctx.method == "logging/setLevel":
                _set_level(levels, session_id(ctx), (ctx.params or {}).get("level"))
                return {}
            request = HttpRequest(ctx, levels.get(session_id(ctx) or ""))
            try:
                return await gateway.answer(request, ctx.method, dict(ctx.params or {}))
            finally:
                await request.notified()
        except RpcError as error:
            raise MCPError(code=error.code, message=error.message, data=error.data) from None

    def list_changed(client_id: str = "") -> None:
        """Tell all clients, or those whose token stands for this id."""
        for connection in [item for item, owner in connections.items() if client_id in ("", owner)]:
            sending.append(asyncio.create_task(connection.notify(LIST_CHANGED, {})))
        sending[:] = [task for task in sending if not task.done()]

    server, _ = low_level(mcp)
    server.middleware.insert(0, answer)
    server.get_tool_input_schema = gateway.input_schema
    gateway.listeners.add(list_changed)
    return mcp


def session_id(ctx: Any) -> str | None:
    """Return the session of a request, if it has one."""
    return ctx.request.headers.get(SESSION_HEADER) if ctx.request else None


def _set_level(levels: dict[str, str], session: str | None, level: Any) -> None:
    if level not in LOG_LEVELS:
        raise invalid()
    if session:
        levels.pop(session, None)
        levels[session] = level
        if len(levels) > MOST_SESSIONS:  # those of sessions that ended are not known to be of use
            del levels[next(iter(levels))]


def add_console(mcp: FastMCP[Any], make: Callable[[], Site], options: argparse.Namespace, port: int) -> None:
    """Add the pages of the console that `make` returns, and report their address."""
    try:
        console = make()
    except ModuleNotFoundError as error:
        report(f"there is no console, because {error.name} is not installed: pip install flotilla-fleet[switchboard]")
        return
    for path, method, endpoint in console.routes():
        mcp.custom_route(path, methods=[method])(endpoint)
    report(f"the console: {console.address(options.host, port)}")


async def serve(
    gateway: Answers,
    options: argparse.Namespace,
    console: Callable[[], Site],
    auth: AuthProvider | None = None,
    pages: Sequence[Route] = (),
) -> None:
    """Serve streamable HTTP; Host and Origin of a request must be those listened on.

    `console` makes the console, where the options ask for one. `auth` checks the clients' tokens; without it there is
    one token, FLOTILLA_HTTP_TOKEN or a new one. `pages` are routes beside it, which check by themselves who asks.
    """
    mcp = serve_gateway(gateway)
    hint, token = "", ""
    if auth is None:
        configured = setting("FLOTILLA_HTTP_TOKEN", guard=True)
        token = configured or secrets.token_urlsafe(32)
        hint = "" if configured else f", bearer token {token}"
        auth = fixed_token(token)
    mcp.auth = auth

    @mcp.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": "switchboard"})

    if isinstance(gateway, Gateway):  # tenants do not have this search: their tokens open one list each

        @mcp.custom_route(search_api.PATH, methods=["POST"])
        async def search(request: Request) -> JSONResponse:
            return await search_api.answer(gateway, request, token)

    for path, method, endpoint in pages:
        mcp.custom_route(path, methods=[method])(endpoint)
    if options.metrics == "on":
        add_metrics_route(mcp, setting("FLOTILLA_METRICS_TOKEN", guard=True) or "")
    http = listening(options.host, options.port, options.drain)
    port = http["sockets"][0].getsockname()[1]
    report(f"http://{url_host(options.host)}:{port}/mcp{hint}")
    if options.console == "on" or (options.console == "auto" and options.host in LOOPBACK):
        add_console(mcp, console, options, port)
    await mcp.run_async("http", stateless_http=options.sessions == "off", **http)

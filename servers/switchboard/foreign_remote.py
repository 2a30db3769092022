"""An own server at a URL: any revision, streamable HTTP or HTTP+SSE, guarded addresses, tokens and logins.

Imported with the first call to one, because it brings mcp's client and FastMCP's table of addresses.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as mt
from fastmcp.server.auth.ssrf import SSRFError, is_ip_allowed, resolve_hostname
from mcp import ClientSession, MCPError
from mcp.client.sse import sse_client
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER

from flotilla_launcher.protocol import LIST_KEYS

from .backend import ConnectionLostError, NotStartedError
from .catalog import Entry
from .client_request import ClientRequest
from .jsonrpc import ConnectionClosedError, Message, OnProgress, RpcError
from .own_servers import OwnServer
from .questions import OpenCall, ParkedCalls
from .remote import Relay, Remote, RemoteConnection, is_closed
from .saved_login import SavedLogin

CONNECT = httpx2.Timeout(10, read=None, write=30, pool=None)
READ = 86_400.0  # seconds that an SSE stream may be silent: the limit of a call ends it
LARGEST = 16_000_000  # bytes of one event


class PublicAddresses(httpx2.AsyncHTTPTransport):
    """Sends requests to public addresses alone. Each request goes to an address that was checked for it.

    So a name that leads elsewhere later, or answers differently the second time, leads nowhere.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises NotStartedError for an address of this machine or network."""
        host = request.url.host
        try:
            addresses = await resolve_hostname(host, request.url.port or 443)
        except SSRFError as error:
            raise httpx2.ConnectError(str(error), request=request) from None
        if request.url.scheme != "https" or not all(map(is_ip_allowed, addresses)):
            raise NotStartedError(
                f"{host} is an address of this machine or network, or not https; a server there must be added with "
                "--local"
            )
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=addresses[0]),
            headers=request.headers,  # with the Host that was asked for
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await super().handle_async_request(pinned)


def http_client(local: bool, verify: ssl.SSLContext, **more: Any) -> httpx2.AsyncClient:
    """Return a client for one server: of any address where it is local, else of public ones alone."""
    if local:
        return httpx2.AsyncClient(verify=verify, **more)
    return httpx2.AsyncClient(transport=PublicAddresses(verify=verify), **more)


class ForeignRemote(Remote):
    """An own server at a URL. `transport` is what is known of it: auto, http or sse."""

    def __init__(self, entry: Entry, server: OwnServer, state: Path, headers: Mapping[str, str]) -> None:
        super().__init__(entry, server.url, headers)
        self._server, self._name = server, entry.slug
        self._login = SavedLogin(server, state, self._not_logged_in) if server.auth == "oauth" else None
        self._refused = 0  # the status with which it has refused the last message
        self.transport, self.parked = server.transport, ParkedCalls()
        self.on_change: Callable[[], None] = lambda: None

    @cached_property
    def _verify(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # made once: it reads all CA certificates

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = self._new_client(limits=httpx2.Limits(keepalive_expiry=2), timeout=CONNECT)
        return self._http

    def _new_client(self, **more: Any) -> httpx2.AsyncClient:
        hooks: Any = {"response": [self._check]}
        return http_client(
            self._server.local, self._verify, headers=self._headers, auth=self._login, event_hooks=hooks, **more
        )

    async def _check(self, response: httpx2.Response) -> None:
        if response.request.method == "POST":
            self._refused = response.status_code if response.status_code >= 400 else 0
        if response.status_code == 401 and self._login and not self._login.is_spent(response.request):
            return  # it renews its token, and sends the request again
        if response.status_code in (401, 403):
            raise self._not_logged_in(response.status_code)
        if response.status_code >= 500 and not response.headers.get("content-type", "").startswith("application/json"):
            raise ConnectionLostError(f"{self._name} answered with status {response.status_code}")

    def _not_logged_in(self, status: int = 401) -> NotStartedError:
        name, auth = self._server.name, self._server.auth
        if auth == "oauth":
            problem = "is not logged in" if status == 401 else "does not allow this with the login that it has"
            return NotStartedError(f"{name} {problem}; the user must run `scripts/flotilla servers connect {name}`")
        problem = "does not accept the token" if auth == "token" else "wants a token or a login"
        return NotStartedError(f"{name} {problem}; the user must give it with `scripts/flotilla servers add {name}`")

    def streams(self) -> AbstractAsyncContextManager[Any]:
        """Open a connection over the transport that is known."""
        if self.transport != "sse":
            return super().streams()

        def factory(headers: Any = None, timeout: Any = None, auth: Any = None) -> httpx2.AsyncClient:
            return self._new_client(timeout=CONNECT)

        return sse_client(self._url, sse_read_timeout=READ, httpx_client_factory=factory)

    @asynccontextmanager
    async def session(self, **callbacks: Any) -> AsyncIterator[RemoteConnection]:
        """Open a session, over HTTP+SSE where streamable HTTP is refused. Raises what `Remote.session` raises."""
        await self._find_transport()
        callbacks.setdefault("message_handler", self._on_message)
        callbacks.setdefault("elicitation_callback", _refuse)  # some list other tools to a client that can be asked
        async with super().session(**callbacks) as connection:
            yield connection

    async def _find_transport(self) -> None:
        if self.transport != "auto":
            self._legacy = self._legacy or self.transport == "sse"
            return
        self._refused, self.transport = 0, "http"
        try:
            async with super().session():
                return
        except (NotStartedError, RpcError, ConnectionLostError):
            if not 400 <= self._refused < 500 or self._refused in (401, 403, 429):
                self.transport = "auto"
                raise
        self.transport, self._legacy = "sse", True
        try:
            async with super().session():
                pass
        except BaseException:
            self.transport, self._legacy = "auto", False
            raise

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, mt.ToolListChangedNotification):
            self.on_change()

    def connection(self, session: ClientSession, relay: Relay) -> RemoteConnection:
        """Return the connection of a session that is open."""
        return ForeignConnection(session, relay, modern=not self._legacy)

    async def _send_once(self, client: ClientRequest, method: str, params: Message) -> Any:
        if not self._legacy and self._discovered is None:
            async with self.session():  # finds out which revision it speaks, on which the way of a question depends
                pass
        if not self._legacy:
            return await super()._send_once(client, method, params)

        async def start(call: OpenCall) -> Message:
            async def log(params: mt.LoggingMessageNotificationParams) -> None:
                call.client.log(params.model_dump(mode="json", by_alias=True, exclude_none=True))

            async def ask(_: Any, params: mt.ElicitRequestParams) -> mt.ElicitResult | mt.ErrorData:
                question = params.model_dump(mode="json", by_alias=True, exclude_none=True)
                question.pop("_meta", None)
                try:
                    return mt.ElicitResult.model_validate(await call.ask("elicitation/create", question))
                except RpcError as error:
                    return mt.ErrorData(code=error.code, message=error.message)

            async with self.session(logging_callback=log, elicitation_callback=ask) as connection:
                return await connection.send(client, method, params, call.on_progress)

        return await self._in_time(client, lambda on_progress: self.parked.send(client, params, on_progress, start))


async def _refuse(*_: Any) -> mt.ErrorData:
    return mt.ErrorData(code=mt.INVALID_REQUEST, message="Nobody can be asked now.")


class ForeignConnection(RemoteConnection):
    """A session whose lists are read as they come: mcp would refuse a whole list for one faulty definition."""

    def __init__(self, session: ClientSession, relay: Relay, modern: bool) -> None:
        super().__init__(session, modern)
        self._relay = relay

    async def request(self, method: str, params: Message, on_progress: OnProgress | None = None) -> Message:
        """Send a request. Raises RpcError and ConnectionClosedError."""
        try:
            if method not in LIST_KEYS:
                return await super().request(method, params, on_progress)
            headers = {MCP_PROTOCOL_VERSION_HEADER: self.version, MCP_METHOD_HEADER: method}
            return await self._relay.send_raw_request(method, params, {"headers": headers})
        except MCPError as error:
            if is_closed(error):
                raise ConnectionClosedError("the connection was closed") from None
            raise RpcError(error.code, error.message, error.data) from None

"""A server at a URL, reached over streamable HTTP by mcp's client: imported only where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any

import httpx2
import mcp_types as mt
from anyio import BrokenResourceError
from mcp import ClientSession, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import CallOptions
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from pydantic import RootModel, ValidationError

from .backend import CLIENT_INFO, Backend, BrokenResultError, ConnectionLostError, NotStartedError, ServerConnection
from .catalog import Entry
from .client_request import ClientRequest
from .jsonrpc import Message, OnProgress, RpcError

LOST = ("Connection closed", "SSE stream")  # how its messages begin
INFO = mt.Implementation.model_validate(CLIENT_INFO)
CLIENTS_CAPABILITIES = "flotilla.capabilities"  # key of the client's capabilities in metadata on the way to `Relay`


_certificates = cache(httpx2.create_ssl_context)  # for all servers of all tenants: each takes 0.1 s and a megabyte


class Remote(Backend):
    """A server at a URL: one session for each call, because one that is kept would not survive the server's restart."""

    def __init__(self, entry: Entry, url: str, headers: Mapping[str, str]) -> None:
        super().__init__(entry)
        self._name, self._url, self._headers = f"{entry.slug} at {url}", url, dict(headers)
        self._http: httpx2.AsyncClient | None = None
        self._discovered: mt.DiscoverResult | None = None
        self._legacy = False  # it speaks only revisions before 2026-07-28

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = httpx2.AsyncClient(
                verify=_certificates(),
                headers=self._headers,  # and nothing of what the client sent
                timeout=httpx2.Timeout(10, read=None, write=30, pool=None),
                limits=httpx2.Limits(keepalive_expiry=2),
                event_hooks={"response": [self._check]},
            )
        return self._http

    async def _check(self, response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            raise NotStartedError(f"{self._name} does not accept the switchboard's token")
        if response.status_code >= 500 and not response.headers.get("content-type", "").startswith("application/json"):
            raise ConnectionLostError(f"{self._name} answered with status {response.status_code}")

    async def _send_once(self, client: ClientRequest, method: str, params: Message) -> Any:
        async def log(params: mt.LoggingMessageNotificationParams) -> None:
            client.log(params.model_dump(mode="json", by_alias=True, exclude_none=True))

        async with self.session(logging_callback=log) as connection:
            return await self._send_on(connection, client, method, params)

    def streams(self) -> AbstractAsyncContextManager[Any]:
        """Open a connection: the streams of messages from and to the server."""
        return streamable_http_client(self._url, http_client=self._client(), max_sse_event_size=None)

    def connection(self, session: ClientSession, relay: Relay) -> RemoteConnection:
        """Return the connection of a session that is open."""
        return RemoteConnection(session, modern=not self._legacy)

    @asynccontextmanager
    async def session(self, **callbacks: Any) -> AsyncIterator[RemoteConnection]:
        """Open a session with the server, with callbacks of mcp's ClientSession.

        Raises NotStartedError, and for what fails in the session ConnectionLostError, BrokenResultError and RpcError.
        """
        opened = ended = False
        try:
            async with self.streams() as streams:
                relay = Relay(*streams)
                async with ClientSession(dispatcher=relay, client_info=INFO, **callbacks) as session:
                    await self._negotiate(session)
                    opened = True
                    yield self.connection(session, relay)
                    ended = True
        except Exception as error:
            if ended:  # what goes wrong while it is closed, such as a message that comes then, takes no answer back
                return
            cause = cause_of(error)
            if isinstance(cause, ValidationError):
                raise BrokenResultError(f"{self._name} answered with a result that breaks the protocol") from None
            closed = isinstance(cause, BrokenResourceError) or (isinstance(cause, MCPError) and is_closed(cause))
            if isinstance(cause, MCPError) and not closed:
                raise RpcError(cause.code, cause.message, cause.data) from None
            if not isinstance(cause, httpx2.HTTPError) and not closed:
                raise cause from None
            if not opened or isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise NotStartedError(f"{self._name} cannot be reached") from None
            raise ConnectionLostError(f"{self._name} closed the connection during the call") from None

    async def _negotiate(self, session: ClientSession) -> None:
        """Find out only once which revision the server speaks: asking costs as much as the call."""
        if self._legacy:
            await self._initialize(session)
        elif self._discovered:
            session.adopt(self._discovered)
        else:
            try:
                self._discovered = await session.discover()
            except (MCPError, RuntimeError) as error:  # the second: it names only older revisions
                if isinstance(error, MCPError) and is_closed(error):
                    raise
                await self._initialize(session)
                self._legacy = True

    async def _initialize(self, session: ClientSession) -> None:
        """Open a session with a server that speaks only revisions of MCP before 2026-07-28."""
        try:
            await session.initialize()
        except (MCPError, RuntimeError) as error:
            raise NotStartedError(
                f"{self._name} speaks neither MCP 2026-07-28 nor an older revision that the switchboard knows "
                f"({str(error)[:200]})"
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        if self._http:
            await self._http.aclose()


class RemoteConnection(ServerConnection):
    """mcp's client session, as the switchboard sends requests on it."""

    def __init__(self, session: ClientSession, modern: bool) -> None:
        self._session, self.modern = session, modern
        self.version = session.protocol_version or self.version
        known = session.server_capabilities
        self.capabilities = known.model_dump(mode="json", by_alias=True, exclude_none=True) if known else {}

    async def request(self, method: str, params: Message, on_progress: OnProgress | None = None) -> Message:
        """Send a request."""

        async def report(progress: float, total: float | None, message: str | None) -> None:
            values = {"progress": progress, "total": total, "message": message}
            if on_progress:
                on_progress({key: value for key, value in values.items() if value is not None})

        meta = dict(params["_meta"])
        if self.modern:
            meta[CLIENTS_CAPABILITIES] = meta.pop(mt.CLIENT_CAPABILITIES_META_KEY)
        request = mt.Request[Message, str](method=method, params={**params, "_meta": meta})
        result = await self._session.send_request(request, RootModel[Message], progress_callback=report)
        return result.root


class Relay(JSONRPCDispatcher[Any]):
    """mcp's side of the connection: the metadata of a request goes out as the switchboard wrote it."""

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None, **more: Any
    ) -> dict[str, Any]:
        """Send the client's capabilities, not the session's, which would promise what the client cannot do."""
        meta = dict((params or {}).get("_meta") or {})
        if CLIENTS_CAPABILITIES in meta:
            meta[mt.CLIENT_CAPABILITIES_META_KEY] = meta.pop(CLIENTS_CAPABILITIES)
        return await super().send_raw_request(method, {**(params or {}), "_meta": meta}, opts, **more)


def is_closed(error: MCPError) -> bool:
    """Tell whether mcp says that the connection was lost; some servers use its number for errors of their own."""
    return error.code == mt.CONNECTION_CLOSED and error.message.startswith(LOST)


def cause_of(error: BaseException) -> BaseException:
    """Return the exception inside a group, as tasks raise it: not that of a task whose reader had gone, if possible."""
    while isinstance(error, BaseExceptionGroup):
        causes = [inner for inner in error.exceptions if not isinstance(inner, BrokenResourceError)]
        error = (causes or error.exceptions)[0]
    return error

"""The fleet's tools over MCP, by the switchboard: listed for the model, called for it.

By mcp's own client, as the switchboard does: the images hold no other one. Each call has a session of its own, since
one that is kept would not survive the switchboard's restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import Any

import httpx2
import mcp_types as mt
from mcp import ClientSession, MCPError
from mcp.client.streamable_http import streamable_http_client
from pydantic import RootModel

MOST_TOOLS = 127  # of the 128 that a realtime session may have: one is the bridge's own
CALL_SECONDS = 60.0  # longer than the fleet's deadline
LIST_SECONDS = 10.0
APPROVE = "approve_call"  # by which the switchboard takes the caller's yes to a call that it held back
INFO = mt.Implementation(name="flotilla-telephony-bridge", version="1")


class ToolsError(Exception):
    """The switchboard cannot be used. `sent`: the call may have reached the tool."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class Tools:
    """What the switchboard at `url` offers, as far as a pattern names it. Without an address there are no tools.

    The tool by which a held call is approved comes with them: it can call nothing else.
    """

    def __init__(self, url: str, token: str, patterns: Sequence[str]) -> None:
        self._url, self._patterns = url, patterns
        self._http = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx2.Timeout(10, read=None, write=30, pool=None),
        )
        self._discovered: mt.DiscoverResult | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def definitions(self) -> tuple[list[dict[str, Any]], int]:
        """Return the tools as a realtime session wants them, and how many more there are than it may have.

        Raises ToolsError where the switchboard cannot be reached.
        """
        if not self._url or not self._patterns:
            return [], 0
        tools: list[mt.Tool] = []
        async with self._session(LIST_SECONDS) as session:
            cursor: str | None = None
            while True:
                page = await session.list_tools(params=mt.PaginatedRequestParams(cursor=cursor))
                tools += page.tools
                if not (cursor := page.next_cursor):
                    break
        allowed = [tool for tool in tools if self._is_allowed(tool.name)]
        functions = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.input_schema,
            }
            for tool in allowed[:MOST_TOOLS]
        ]
        return functions, max(len(allowed) - MOST_TOOLS, 0)

    async def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool; returns the result as JSON. Raises ToolsError, also for a tool that no pattern names."""
        if not self._url or not self._is_allowed(name):
            raise ToolsError(f"There is no tool {name[:100]}.")
        async with self._session(CALL_SECONDS) as session:
            request = mt.Request[dict[str, Any], str](
                method="tools/call", params={"name": name, "arguments": arguments}
            )
            # Read as it comes: mcp's own call_tool checks it with a library that the images do not have.
            return (await session.send_request(request, RootModel[dict[str, Any]])).root

    def _is_allowed(self, name: str) -> bool:
        return name == APPROVE or any(fnmatchcase(name, pattern) for pattern in self._patterns)

    @asynccontextmanager
    async def _session(self, seconds: float) -> AsyncIterator[ClientSession]:
        ready = False
        try:
            async with (
                streamable_http_client(self._url, http_client=self._http, max_sse_event_size=None) as streams,
                ClientSession(*streams, read_timeout_seconds=seconds, client_info=INFO) as session,
            ):
                await self._negotiate(session)
                ready = True
                yield session
        except Exception as error:
            cause = _cause(error)
            if isinstance(cause, MCPError) and cause.code not in (mt.CONNECTION_CLOSED, mt.REQUEST_TIMEOUT):
                raise ToolsError(cause.message[:500]) from None
            if isinstance(cause, MCPError | httpx2.HTTPError | TimeoutError):
                message = "The connection to the tools was lost." if ready else "The tools cannot be reached."
                raise ToolsError(message, sent=ready) from None
            raise

    async def _negotiate(self, session: ClientSession) -> None:
        """Find out once which revision the switchboard speaks: asking costs as much as a call."""
        if self._discovered:
            session.adopt(self._discovered)
            return
        try:
            self._discovered = await session.discover()
        except MCPError as error:
            if error.code in (mt.CONNECTION_CLOSED, mt.REQUEST_TIMEOUT):
                raise
            await session.initialize()


def _cause(error: BaseException) -> BaseException:
    """Return the exception inside a group of one, as tasks raise it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""Clients for tests: both protocol eras in memory, and any revision in raw JSON-RPC, with nothing started.

    async with client(server, mode="legacy", answer="accept") as c:
        result = await call(c, "calendly_get_event", event="…")      # a wire result, also when it is an error
    async with raw(server, "2024-11-05") as session:
        tools = (await session.request("tools/list"))["result"]["tools"]

The library's own FastMCP object is private to it; this package is part of the library.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import anyio
import mcp_types as mt
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage

from flotilla.compat import low_level
from flotilla.server import Server
from flotilla_launcher.protocol import (
    CAPABILITIES_KEY,
    CLIENT_KEY,
    HANDSHAKE_VERSIONS,
    MODERN_VERSION,
    VERSION_KEY,
    VERSIONS,
)

Tool = Callable[..., Awaitable[Any]]  # takes a tool's name and its arguments
Reply = Literal["accept", "unticked", "decline", "cancel"]
MODES = ("legacy", MODERN_VERSION)  # the era with a handshake, and the one without
REVISIONS = VERSIONS
NAME = {"name": "flotilla-testing", "version": "1"}


@asynccontextmanager
async def client(
    server: Server[Any], mode: str = MODES[-1], answer: Reply | None = None, asked: list[str] | None = None
) -> AsyncIterator[Client[Any]]:
    """Connect in memory. `answer` is what the person at the client says to every question; None: it cannot be asked.

    The questions are added to `asked`.
    """

    async def reply(message: str, response_type: Any, params: Any, context: Any) -> Any:
        if asked is not None:
            asked.append(message)
        if answer in ("accept", "unticked"):
            return ElicitResult(action="accept", content={"confirm": answer == "accept"})
        return ElicitResult(action="decline" if answer == "decline" else "cancel")

    async with Client(server._mcp, mode=mode, elicitation_handler=reply if answer else None) as connected:
        yield connected


async def call(to: Server[Any] | Client[Any], name: str, /, **arguments: Any) -> mt.CallToolResult:
    """Call a tool and return the result as it came over the wire; an error is a result with `isError`."""
    if isinstance(to, Server):
        async with client(to) as connected:
            return await connected.call_tool_mcp(name, arguments)
    return await to.call_tool_mcp(name, arguments)


def results_of(to: Server[Any] | Client[Any], prefix: str, asked: list[str] | None = None) -> Tool:
    """Return a caller of tools, by their names without the prefix, that gives what they return; an error fails.

    Where `to` is a server, each call is a client of its own, whose person says yes; the questions are added to `asked`.
    """

    async def done(name: str, /, **arguments: Any) -> Any:
        result = await _called(to, f"{prefix}_{name}", asked, arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


def errors_of(to: Server[Any] | Client[Any], prefix: str, asked: list[str] | None = None) -> Tool:
    """Return a caller of tools, as `results_of` does, that gives the text of their error; a result fails."""

    async def failed(name: str, /, **arguments: Any) -> str:
        result = await _called(to, f"{prefix}_{name}", asked, arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed


async def _called(
    to: Server[Any] | Client[Any], name: str, asked: list[str] | None, arguments: dict[str, Any]
) -> mt.CallToolResult:
    if isinstance(to, Client):
        return await call(to, name, **arguments)
    async with client(to, answer="accept", asked=asked) as connected:
        return await call(connected, name, **arguments)


@dataclass
class OutputSchemas:
    """The output schemas of one server as its clients compile them: each session would take longer for it than a call.

    The attributes of the SDK's session are private: where they are gone, every session compiles for itself again.
    """

    schemas: dict[str, Any] = field(default_factory=dict)
    validators: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def shared_with(self, connected: Client[Any]) -> Iterator[None]:
        """Give a session what others have compiled, and keep what it compiles."""
        session: Any = connected.session
        for name, known in (("_tool_output_schemas", self.schemas), ("_tool_output_validators", self.validators)):
            if isinstance(getattr(session, name, None), dict):
                setattr(session, name, dict(known))
        yield
        self.schemas.update(getattr(session, "_tool_output_schemas", {}))
        self.validators.update(getattr(session, "_tool_output_validators", {}))


def text_of(result: mt.CallToolResult) -> str:
    """Return the text of a result."""
    return "".join(part.text for part in result.content if isinstance(part, mt.TextContent))


async def tools_of(server: Server[Any], mode: str = MODES[-1]) -> list[dict[str, Any]]:
    """Return the tools that a server lists in this environment, as they stand on the wire."""
    async with client(server, mode) as connected:
        listed = await connected.list_tools()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]


def hello(revision: str) -> dict[str, Any]:
    """Return the parameters of `initialize`."""
    return {"protocolVersion": revision, "capabilities": {}, "clientInfo": NAME}


def stamped(revision: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return a request's parameters as a revision wants them: since 2026-07-28 each says who asks."""
    if revision != MODERN_VERSION:
        return params
    meta = {VERSION_KEY: revision, CLIENT_KEY: NAME, CAPABILITIES_KEY: {}}
    return {**params, "_meta": {**meta, **params.get("_meta", {})}}


@dataclass
class Raw:
    """One connection in raw JSON-RPC. `agreed` is the revision that the server chose."""

    revision: str
    send: Any
    receive: Any
    agreed: str = ""
    ids: Any = field(default_factory=lambda: count(1))

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return the whole answer, `result` or `error`; notifications in between are dropped."""
        number = next(self.ids)
        body = mt.JSONRPCRequest(jsonrpc="2.0", id=number, method=method, params=stamped(self.revision, params))
        await self.send.send(SessionMessage(body))
        with anyio.fail_after(120):
            while True:
                answer: dict[str, Any] = (await self.receive.receive()).message.model_dump(
                    mode="json", by_alias=True, exclude_none=True
                )
                if answer.get("id") == number:
                    return answer

    async def notify(self, method: str) -> None:
        """Send a notification."""
        await self.send.send(SessionMessage(mt.JSONRPCNotification(jsonrpc="2.0", method=method)))


@asynccontextmanager
async def raw(server: Server[Any], revision: str) -> AsyncIterator[Raw]:
    """Connect in memory at one protocol revision, with the handshake that it wants."""
    low, lifespan = low_level(server._mcp)
    async with create_client_server_memory_streams() as ((receive, send), (server_reads, server_writes)):
        async with lifespan, anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: low.run(server_reads, server_writes, low.create_initialization_options()))
            session = Raw(revision, send, receive)
            if revision in HANDSHAKE_VERSIONS:
                answer = await session.request("initialize", **hello(revision))
                session.agreed = answer["result"]["protocolVersion"]
                await session.notify("notifications/initialized")
            else:
                answer = await session.request("server/discover")
                session.agreed = revision if revision in str(answer.get("result")) else ""
            yield session
            tasks.cancel_scope.cancel()

"""Every private name of FastMCP and mcp that the library uses; each has a test that fails when it moves."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastmcp import FastMCP
from fastmcp.exceptions import FastMCPError, ValidationError
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError as Unreadable

from flotilla.calls.schema import read_json
from flotilla_launcher.protocol import NOT_A_MESSAGE, NOT_JSON, REQUEST_ID

_ID = re.compile(REQUEST_ID)


def accept_arguments_as_text(mcp: FastMCP[Any]) -> None:
    """Read `arguments` that came as one JSON string, before the SDK refuses the call."""

    async def decode(ctx: Any, call_next: Any) -> Any:
        arguments = (ctx.params or {}).get("arguments") if isinstance(ctx.params, dict) else None
        if ctx.method == "tools/call" and isinstance(arguments, str):
            with suppress(ValueError):
                ctx = dataclasses.replace(ctx, params={**ctx.params, "arguments": read_json(arguments)})
        return await call_next(ctx)

    mcp._mcp_server.middleware.insert(0, decode)


class NoSessionState:
    """A session store that holds nothing.

    FastMCP asks its store on every call for visibility rules of the session, which no server of the fleet has; its own
    store costs an import of 370 modules at the first call (a ninth of its time) and 3 MB.
    """

    async def get(self, key: str) -> None:
        """Return None: nothing is stored."""

    async def put(self, **_: Any) -> None:
        """Raise RuntimeError: state belongs into `Connection.state`."""
        raise RuntimeError("This server keeps no session state.")

    delete = put


def keep_no_session_state(mcp: FastMCP[Any]) -> None:
    """Spare a server FastMCP's session store."""
    mcp._FastMCP__state_store = NoSessionState()  # type: ignore[attr-defined]


def take_no_arguments_from_headers(mcp: FastMCP[Any]) -> None:
    """Spare a server the look for arguments that a header repeats (`x-mcp-header`), which no tool of the fleet wants.

    For each call over HTTP mcp would list all tools, to find the called one's schema.
    """
    mcp._mcp_server.get_tool_input_schema = lambda name: None


def connection_of(session: Any) -> Any:
    """Return the connection of a request's session, which outlives it; its `notify` reaches a client that listens."""
    return session._connection


def quiet_error(failure: type[FastMCPError], text: str, *, is_input: bool) -> FastMCPError:
    """Return the exception whose text FastMCP hands to the client as it is, without a traceback in the log."""
    return (ValidationError if is_input else failure)(text, log_level=logging.DEBUG)


def answer_unreadable_lines(mcp: FastMCP[Any], note: Callable[[str], None]) -> None:
    """Answer lines on stdio that the SDK cannot read, and `note` each: it would drop them and let the client wait."""
    low: Any = mcp._mcp_server
    serve = low.run

    async def run(reads: Any, writes: Any, *more: Any, **options: Any) -> Any:
        async def refuse(problem: Exception) -> None:
            answer, message = _refusal(problem)
            note(message)
            await writes.send(SessionMessage(answer))

        return await serve(_Answering(reads, refuse), writes, *more, **options)

    low.run = run


def _refusal(problem: Exception) -> tuple[JSONRPCError, str]:
    first: Any = problem.errors(include_url=False)[0] if isinstance(problem, Unreadable) else {}
    code, message = INVALID_REQUEST, NOT_A_MESSAGE
    if first.get("type") == "json_invalid":
        code, message = PARSE_ERROR, NOT_JSON.format(str(first.get("ctx", {}).get("error", "")))
    match = _ID.search(str(first.get("input", ""))[:1_000_000]) if code == PARSE_ERROR else None
    number = json_id(match[1]) if match else None
    return JSONRPCError(jsonrpc="2.0", id=number, error=ErrorData(code=code, message=message)), message


def _is_blank(problem: Exception) -> bool:
    """Tell whether a line was empty: it asks for nothing, so it gets no answer."""
    first: Any = problem.errors(include_url=False)[0] if isinstance(problem, Unreadable) else {}
    return first.get("type") == "json_invalid" and not str(first.get("input", "")).strip()


def json_id(text: str) -> int | str:
    """Return the id of a request, as it stands in JSON."""
    return text[1:-1] if text.startswith('"') else int(text)


class _Answering:
    """A stream of messages without the exceptions, each of which is given to `refuse`."""

    def __init__(self, stream: Any, refuse: Any) -> None:
        self._stream, self._refuse = stream, refuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> _Answering:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _Answering:
        return self

    async def __anext__(self) -> Any:
        while isinstance(item := await self._stream.__anext__(), Exception):
            if not _is_blank(item):
                await self._refuse(item)
        return item


def limit_sessions(most: int, idle: float) -> None:
    """Set how many sessions stateful HTTP keeps and after how many idle seconds one ends: FastMCP passes neither on."""
    from fastmcp.server import http

    class Limited(http.FastMCPStreamableHTTPSessionManager):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.max_sessions, self.session_idle_timeout = most, idle

    http.FastMCPStreamableHTTPSessionManager = Limited  # type: ignore[misc]


def low_level(mcp: FastMCP[Any]) -> tuple[Any, Any]:
    """Return the SDK's server underneath, and the context in which it runs."""
    return mcp._mcp_server, mcp._lifespan_manager()

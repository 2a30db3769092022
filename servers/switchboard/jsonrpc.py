"""JSON-RPC 2.0 between two sides: requests, responses, notifications, progress and cancellation, as plain dicts.

Standard library only: nothing on the way of a call through the switchboard imports FastMCP, mcp or pydantic.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
from collections.abc import Callable
from typing import Any

from flotilla_launcher.discovery import dumps
from flotilla_launcher.protocol import NOT_A_MESSAGE, NOT_JSON, REQUEST_ID

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
INTERNAL_ERROR, UNSUPPORTED_VERSION = -32603, -32022
ID = re.compile(REQUEST_ID.encode())

logger = logging.getLogger(__name__)
Message = dict[str, Any]
OnProgress = Callable[[Message], None]


class RpcError(Exception):
    """An error of the protocol: a response with `error`. `data` is None where it has none."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class ConnectionClosedError(Exception):
    """The other side has closed the connection, before or after the request was sent."""


class UnreadableError(Exception):
    """A line is not a JSON-RPC message. `request_id` is its id where one can be told."""

    def __init__(self, code: int, message: str, request_id: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.request_id = code, message, request_id


class LineSplitter:
    """Cuts what comes in pieces into lines; a long line is not copied again with each piece."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a piece, and return the lines that are complete now, without their ends."""
        first, *others = chunk.split(b"\n")
        self._parts.append(first)
        lines = []
        for other in others:
            lines.append(b"".join(self._parts))
            self._parts = [other]
        return lines


def encode(message: Message) -> bytes:
    """Return a message as one line."""
    try:
        return (dumps(message) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can express
        return (json.dumps(message, separators=(",", ":")) + "\n").encode()


def decode(line: bytes) -> Message:
    """Return the message of one line. Raises UnreadableError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        match = ID.search(line[:1_000_000])
        request_id = json.loads(match[1]) if match else None
        raise UnreadableError(PARSE_ERROR, NOT_JSON.format(str(error)), request_id) from None
    if not _is_message(message):
        raise UnreadableError(INVALID_REQUEST, NOT_A_MESSAGE)
    return dict(message)


def _is_message(message: Any) -> bool:
    if type(message) is not dict or message.get("jsonrpc") != "2.0":
        return False
    if "method" in message:
        typed = type(message["method"]) is str and type(message.get("params", {})) is dict
        return typed and type(message.get("id", 0)) in (int, str)
    return "result" in message or type(message.get("error")) is dict


class Peer:
    """One side of a connection. Whoever reads from it gives each line to `receive`, and calls `close` at its end.

    Subclasses answer what the other side sends: `on_request`, `on_notification`, `on_unreadable`. Every request is
    answered in a task of its own, which ends when the other side cancels the request; a cancelled one gets no response.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._ids = itertools.count(1)
        self._pending: dict[Any, tuple[asyncio.Future[Message], OnProgress | None]] = {}
        self._running: dict[Any, asyncio.Task[None]] = {}
        self.closed = False

    async def on_request(self, request_id: int | str, method: str, params: Message) -> Message:
        """Return the result of a request. Raises RpcError."""
        raise RpcError(METHOD_NOT_FOUND, "Method not found", method)

    def on_notification(self, method: str, params: Message) -> None:
        """Take a notification, other than one of progress or cancellation."""

    def on_unreadable(self, error: UnreadableError) -> None:
        """Take a line that is no message; by default it is passed over."""

    def receive(self, line: bytes) -> None:
        """Take one line from the other side."""
        try:
            message = decode(line)
        except UnreadableError as error:
            if line.strip():
                self.on_unreadable(error)
            return
        request_id: Any = message.get("id")
        method, params = message.get("method"), message.get("params", {})
        if method is None:
            self._on_response(request_id, message)
        elif "id" in message:
            self._running[request_id] = asyncio.create_task(self._answer(request_id, method, params))
        elif method == "notifications/cancelled":
            if task := self._running.get(_hashable(params.get("requestId"))):
                task.cancel()
        elif method == "notifications/progress":
            _, on_progress = self._pending.get(_hashable(params.get("progressToken")), (None, None))
            if on_progress:
                on_progress(params)
        else:
            self.on_notification(method, params)

    async def request(self, method: str, params: Message, on_progress: OnProgress | None = None) -> Message:
        """Send a request and return its result. Cancelling the caller cancels the request on the other side.

        With `on_progress` the other side is asked for progress. Raises RpcError and ConnectionClosedError.
        """
        if self.closed:
            raise ConnectionClosedError("the connection is closed")
        number, response = next(self._ids), asyncio.get_running_loop().create_future()
        if on_progress:
            params = {**params, "_meta": {**params.get("_meta", {}), "progressToken": number}}
        self._pending[number] = response, on_progress
        try:
            self._send({"id": number, "method": method, "params": params})
            return dict(await response)
        except asyncio.CancelledError:
            if not self.closed:
                self.notify("notifications/cancelled", {"requestId": number, "reason": "the caller gave up"})
            raise
        finally:
            del self._pending[number]

    def notify(self, method: str, params: Message) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params} if params else {"method": method})

    def close(self) -> None:
        """Fail what waits for the other side, and give up what it asked for: nobody reads the responses."""
        self.closed = True
        for response, _ in self._pending.values():
            if not response.done():
                response.set_exception(ConnectionClosedError("the connection was closed"))
        for task in self._running.values():
            task.cancel()

    def _send(self, message: Message) -> None:
        self._write(encode({"jsonrpc": "2.0", **message}))

    def _on_response(self, request_id: Any, message: Message) -> None:
        response, _ = self._pending.get(_hashable(request_id), (None, None))
        if response is None or response.done():
            return
        if "result" in message:
            response.set_result(message["result"])
        else:
            error = message["error"]
            text = str(error.get("message", ""))
            response.set_exception(RpcError(error.get("code", INTERNAL_ERROR), text, error.get("data")))

    async def _answer(self, request_id: int | str, method: str, params: Message) -> None:
        try:
            response: Message = {"result": await self.on_request(request_id, method, params)}
        except RpcError as error:
            response = {"error": {"code": error.code, "message": error.message}}
            if error.data is not None:
                response["error"]["data"] = error.data
        except Exception as error:  # a mistake of ours: the other side must not wait for ever
            logger.error("%s ended with %s", method, type(error).__name__)
            response = {"error": {"code": INTERNAL_ERROR, "message": "Internal error"}}
        finally:
            if self._running.get(request_id) is asyncio.current_task():
                del self._running[request_id]
        self._send({"id": request_id, **response})


def _hashable(value: Any) -> int | str | None:
    return value if type(value) in (int, str) else None

"""The client's side over stdio: its protocol, on the streams that the launcher leaves (`flotilla_launcher.handover`).

Nothing heavy is imported, so that a server is started as soon as its first call comes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flotilla_launcher.handover import OutputStream
from flotilla_launcher.protocol import (
    CAPABILITIES_KEY,
    HANDSHAKE_VERSIONS,
    LOG_LEVELS,
    MODERN_VERSION,
    VERSION_KEY,
)

from .client_request import ClientRequest, invalid, is_meta
from .gateway import ANSWERED, CAPABILITIES, LIST_CHANGED, SERVER_INFO, Gateway
from .jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
    LineSplitter,
    Message,
    Peer,
    RpcError,
    UnreadableError,
    encode,
)

CHUNK = 65_536
MOST_UNREAD = 1_000_000  # bytes of output that wait for the client, before no more of its input is read

PAUSE = 0.05  # seconds until that is looked at again


class StdioClient(Peer):
    """The connection to one client. Its first request decides the era: `initialize`, or metadata of 2026-07-28."""

    def __init__(self, write: Callable[[bytes], object], gateway: Gateway) -> None:
        super().__init__(write)
        self._gateway = gateway
        self._modern: bool | None = None
        self._capabilities: Message | None = None  # that the client has announced with `initialize`
        self.name = ""  # that the client gave with `initialize`
        self.log_level: str | None = None  # that the client has set

    async def on_request(self, request_id: int | str, method: str, params: Message) -> Message:
        """Answer a request. Raises RpcError."""
        meta = params.get("_meta")
        enveloped = type(meta) is dict and VERSION_KEY in meta
        if self._modern is None:
            self._modern = enveloped and method != "initialize"
        if self._modern:
            check_envelope(method, params)
            capabilities = meta[CAPABILITIES_KEY] if meta else {}
        else:
            if enveloped and method != "initialize":
                text = "this connection serves the handshake protocol era; requests carrying the 2026-07-28 envelope "
                raise RpcError(INVALID_REQUEST, text + "are not accepted on it")
            if method in ("initialize", "ping"):
                return self._initialize(params) if method == "initialize" else {}
            capabilities = self._capabilities
            if method != "logging/setLevel" and method not in ANSWERED:
                raise RpcError(METHOD_NOT_FOUND, "Method not found", method)
        if type(capabilities) is not dict:
            raise invalid()
        if method == "logging/setLevel" and not self._modern:
            if params.get("level") not in LOG_LEVELS:
                raise invalid()
            self.log_level = params["level"]
            return {}
        request = StdioRequest(self, params, self._modern, capabilities)
        request.request_id = request_id
        return await self._gateway.answer(request, method, params)

    def on_unreadable(self, error: UnreadableError) -> None:
        """Say what is wrong with a line: else the client would wait for ever."""
        self._write(
            encode({"jsonrpc": "2.0", "id": error.request_id, "error": {"code": error.code, "message": error.message}})
        )

    def _initialize(self, params: Message) -> Message:
        version, info = params.get("protocolVersion"), params.get("clientInfo")
        if type(version) is not str or type(params.get("capabilities")) is not dict or type(info) is not dict:
            raise invalid()
        if type(info.get("name")) is not str or type(info.get("version")) is not str:
            raise invalid()
        self._capabilities, self.name = params["capabilities"], info["name"]
        agreed = version if version in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
        return {"protocolVersion": agreed, "capabilities": CAPABILITIES, "serverInfo": SERVER_INFO}

    def list_changed(self) -> None:
        """Tell the client that there are other tools, in the era in which a client can be told."""
        if self._capabilities is not None:
            self.notify(LIST_CHANGED, {})


class StdioRequest(ClientRequest):
    """One request on a connection: a client over stdio is always the same one."""

    def __init__(self, client: StdioClient, params: Message, modern: bool, capabilities: Message) -> None:
        super().__init__(
            params, modern=modern, client_id=id(client), capabilities=capabilities, log_level=client.log_level
        )
        self._client = client
        self.client_name = self.client_name or client.name

    def notify(self, method: str, params: Message) -> None:
        """Send the client a notification."""
        self._client.notify(method, params)

    async def ask(self, method: str, params: Message) -> Message:
        """Return the client's answer to a question."""
        return await self._client.request(method, params)


def check_envelope(method: str, params: Message) -> None:
    """Check what each request of 2026-07-28 says about its client. Raises RpcError, with mcp's words."""
    if method == "initialize":
        requested, supported = params.get("protocolVersion"), {"supported": [MODERN_VERSION]}
        raise RpcError(
            UNSUPPORTED_VERSION,
            f"connection is serving the {MODERN_VERSION} protocol; the initialize handshake is not accepted",
            {**supported, "requested": requested} if type(requested) is str else supported,
        )
    meta, keys = params.get("_meta"), (VERSION_KEY, CAPABILITIES_KEY)
    if type(meta) is not dict:
        text = f"params._meta must be an object carrying the required {keys[0]!r} and {keys[1]!r} envelope keys"
        raise RpcError(INVALID_PARAMS, text)
    if missing := [key for key in keys if key not in meta]:
        text = f"params._meta is missing the required envelope key(s): {', '.join(missing)}"
        raise RpcError(INVALID_PARAMS, text)
    if type(meta[VERSION_KEY]) is not str or not is_meta(meta):
        raise invalid()
    if meta[VERSION_KEY] != MODERN_VERSION:
        data = {"supported": [MODERN_VERSION], "requested": meta[VERSION_KEY]}
        raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


class Output(OutputStream):
    """The launcher's output, without waiting for the client: what it does not read yet is kept, and sent later."""

    def __init__(self, fd: int, expected: dict[Any, Any], failed: Callable[[], None]) -> None:
        super().__init__(fd, expected)
        self.unread, self._failed = bytearray(), failed
        if not os.isatty(fd):  # a terminal is shared with the shell
            os.set_blocking(fd, False)

    def send(self, data: bytes) -> None:
        """Write what the client takes now, and the rest when it can take more."""
        waiting = bool(self.unread)
        self.unread += data
        if not waiting:
            self._flush()
            if self.unread:
                asyncio.get_running_loop().add_writer(self.fd, self._flush_waiting)

    def _flush(self) -> None:
        try:
            while self.unread:
                del self.unread[: os.write(self.fd, self.unread)]
        except BlockingIOError:
            pass
        except OSError:  # the client is gone
            self.unread.clear()
            self._failed()

    def _flush_waiting(self) -> None:
        self._flush()
        if not self.unread:
            asyncio.get_running_loop().remove_writer(self.fd)


class StdioTransport:
    """Reads a client's lines from the launcher's input, and answers on its output, until one of them ends."""

    def __init__(self, gateway: Gateway) -> None:
        source: Any = sys.stdin.buffer
        sink: Any = sys.stdout.buffer
        self._fd, self._left = source.raw.fd, bytes(source.raw.left)
        self._splitter = LineSplitter()
        self._ended = asyncio.Event()
        self._output = Output(sink.fd, sink.expected, self._ended.set)
        self._client = StdioClient(self._output.write, gateway)
        gateway.listeners.add(self._client.list_changed)

    async def serve(self) -> None:
        """Serve until the client closes the connection."""
        self._take(self._left)
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self._fd, self._readable)
        except PermissionError:  # a regular file, which can always be read
            while not self._ended.is_set():
                if not self._is_behind():
                    self._read()
                await asyncio.sleep(PAUSE if self._is_behind() else 0)
        await self._ended.wait()
        with suppress(OSError):
            loop.remove_reader(self._fd)
        self._client.close()

    def _readable(self) -> None:
        if self._is_behind():
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.call_later(PAUSE, loop.add_reader, self._fd, self._readable)
        else:
            self._read()

    def _is_behind(self) -> bool:
        """Tell whether the client leaves so much unread that no more of its input is taken."""
        return len(self._output.unread) > MOST_UNREAD

    def _read(self) -> None:
        try:
            chunk = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk:
            self._take(chunk)
        else:
            self._take(b"\n")  # the last line may lack its end
            self._ended.set()

    def _take(self, chunk: bytes) -> None:
        for line in self._splitter.feed(chunk):
            self._client.receive(line)

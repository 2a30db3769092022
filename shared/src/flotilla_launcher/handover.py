"""Starts the real server behind the launcher: its import, its streams, and the answers that must not be sent twice."""

from __future__ import annotations

import fcntl
import gc
import importlib
import io
import json
import os
import sys
from typing import Any

from flotilla_launcher.naming import module_of

DEFAULTS = {
    "FASTMCP_LOG_ENABLED": "false",  # its handlers write rich text to stderr, where our JSON lines go
    "FASTMCP_ENV_FILE": "/dev/null",  # else a .env of the working directory is read
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_MASK_ERROR_DETAILS": "true",
    "PYDANTIC_DISABLE_PLUGINS": "1",
    "CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1",  # the images have no provider of outdated ciphers; nothing asks for one
}

LIGHT = ("switchboard",)  # what imports FastMCP, if at all, only after it has started


class InputStream(io.RawIOBase):
    """Standard input, behind bytes that were read already. It has no fileno, so that mcp reads through it."""

    def __init__(self, fd: int, left: bytes) -> None:
        self.fd, self.left = fd, memoryview(left)  # a view: pieces of a long line are not copied again and again

    def readable(self) -> bool:
        """Return True, as io.BufferedReader asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what is left of those bytes, then from the fd."""
        if not self.left:
            return os.readv(self.fd, [buffer])
        size = min(len(buffer), len(self.left))
        buffer[:size], self.left = self.left[:size], self.left[size:]
        return size


class OutputStream(io.RawIOBase):
    """Standard output. While replayed requests are unanswered it holds their answers back, and says on stderr when one
    differs from what was answered before: the discovery file is then out of date."""

    def __init__(self, fd: int, expected: dict[Any, Any]) -> None:
        self.fd, self.expected, self.part = fd, expected, b""

    def writable(self) -> bool:
        """Return True, as io.RawIOBase wants."""
        return True

    def write(self, data: Any) -> int:
        """Send everything but the answers that the client has already."""
        size = len(data)
        if self.expected or self.part:
            *lines, self.part = (self.part + bytes(data)).split(b"\n")
            data = b"".join(line + b"\n" for line in lines if not self._is_replayed(line))
            if not self.expected:
                data, self.part = data + self.part, b""
        self.send(data)
        return size

    def send(self, data: bytes) -> None:
        """Write to the fd, waiting for the client where it must."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]

    def _is_replayed(self, line: bytes) -> bool:
        message = json.loads(line) if self.expected else {}
        request_id = message.get("id")
        if "method" in message or request_id not in self.expected:  # the server's own requests count from 1 too
            return False
        if self.expected.pop(request_id) != message.get("result"):
            print(
                f"precomputed discovery differs from the server (request {request_id!r})", file=sys.stderr, flush=True
            )
        return True


class _Stream:
    """What mcp and stray prints need of sys.stdin and sys.stdout."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, buffer: Any, fd: int) -> None:
        self.buffer, self.fd = buffer, fd

    def write(self, text: str) -> int:
        return sys.stderr.write(text)  # a print in a tool must not break the protocol

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return False


def start(slug: str, read_ahead: bytes = b"", expected_responses: dict[Any, Any] | None = None) -> None:
    """Import the server and serve: first the bytes that were read ahead, then what the client sends."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1)]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)  # what a library prints while it is imported must not reach the client
    sys.stdin = _Stream(io.BufferedReader(InputStream(fds[0], read_ahead)), fds[0])
    sys.stdout = _Stream(OutputStream(fds[1], expected_responses or {}), fds[1])
    gc.disable()  # nothing that is made while importing is garbage
    if slug not in LIGHT:
        build_models_on_first_use()
    module = importlib.import_module(f"flotilla_servers.{module_of(slug)}.server")
    gc.freeze()
    gc.enable()
    module.server.run()


def build_models_on_first_use() -> None:
    """Let pydantic build the validator of a model or of an adapter when it is first used, not where it is defined.

    mcp defines those of three protocol versions, of which a session uses few: a fifth of the import's time for models,
    a fifteenth for adapters. Before anything that defines them is imported; a model that says otherwise keeps its own
    setting. Adapters have no such setting in common, hence the private name; a test fails when it moves.
    """
    from pydantic import BaseModel, TypeAdapter

    BaseModel.model_config = {"defer_build": True}
    TypeAdapter._defer_build = True  # type: ignore[assignment,method-assign]

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

DEFAULTS = {
    "FASTMCP_LOG_ENABLED": "false",  # its handlers write rich text to stderr, where our JSON lines go
    "FASTMCP_ENV_FILE": "/dev/null",  # else a .env of the working directory is read
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_MASK_ERROR_DETAILS": "true",
    "PYDANTIC_DISABLE_PLUGINS": "1",
    "PY_KEY_VALUE_DISABLE_BEARTYPE": "true",
}


class Ahead(io.RawIOBase):
    """Bytes that were read already, in front of the fd. It has no fileno, so that mcp reads through it."""

    def __init__(self, fd: int, left: bytes) -> None:
        self.fd, self.left = fd, memoryview(left)  # a view: pieces of a long line are not copied again and again

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give what is left of those bytes, then what the fd has."""
        if not self.left:
            return os.readv(self.fd, [buffer])
        size = min(len(buffer), len(self.left))
        buffer[:size], self.left = self.left[:size], self.left[size:]
        return size


class Sink(io.RawIOBase):
    """The way out. While replayed requests are unanswered it reads along, drops their answers, and says on stderr when
    one differs from what was answered before: the baked file is then out of date."""

    def __init__(self, fd: int, drop: dict[Any, Any]) -> None:
        self.fd, self.drop, self.part = fd, drop, b""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Send everything, but for answers that are to be dropped."""
        size = len(data)
        if self.drop or self.part:
            *lines, self.part = (self.part + bytes(data)).split(b"\n")
            data = b"".join(line + b"\n" for line in lines if not self._dropped(line))
            if not self.drop:
                data, self.part = data + self.part, b""
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]
        return size

    def _dropped(self, line: bytes) -> bool:
        message = json.loads(line) if self.drop else {}
        number = message.get("id")
        if "method" in message or number not in self.drop:  # the server's own requests count from 1 too
            return False
        if self.drop.pop(number) != message.get("result"):
            print(f"baked discovery differs from the server (request {number!r})", file=sys.stderr, flush=True)
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


def start(slug: str, ahead: bytes = b"", drop: dict[Any, Any] | None = None) -> None:
    """Import the server and serve: first what was read ahead, then the fd."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1)]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)  # what a library prints while it is imported must not reach the client
    sys.stdin = _Stream(io.BufferedReader(Ahead(fds[0], ahead)), fds[0])
    sys.stdout = _Stream(Sink(fds[1], drop or {}), fds[1])
    gc.disable()  # nothing that is made while importing is garbage
    _build_models_on_first_use()
    module = importlib.import_module(f"flotilla_servers.{slug.replace('-', '_')}.server")
    gc.freeze()
    gc.enable()
    module.server.run()


def _build_models_on_first_use() -> None:
    """Let pydantic build a model's validator when it is first used, not where its class is defined.

    mcp defines the models of three protocol versions, of which a session uses few: a fifth of the import's time.
    Before anything that defines models is imported; a model that says otherwise keeps its own setting.
    """
    from pydantic import BaseModel

    BaseModel.model_config = {"defer_build": True}

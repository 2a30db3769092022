"""A server as its own process, spoken to in raw JSON-RPC over its pipes: what only a real process can show."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import IO, Any

from flotilla_testing.client import hello, stamped

KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "SYSTEMROOT",
)


def command(slug: str) -> list[str]:
    """Return how a checkout starts a server."""
    return [sys.executable, "-m", "flotilla_launcher.__main__", slug]


class Process:
    """One running server. Everything it writes is kept: `out` (lines) and `err` (text).

    Its environment is `environ` and what Python needs to start, nothing else of this process.
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str] | None = None, revision: str = "2025-11-25"):
        inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.revision = revision
        self.popen = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited, **(environ or {})},
        )
        self.out: list[bytes] = []
        self._err: list[bytes] = []
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._ids = count(1)
        self._early: dict[int, dict[str, Any]] = {}
        self._readers = [
            threading.Thread(target=reader, args=(pipe,), daemon=True)
            for reader, pipe in ((self._read_out, self.popen.stdout), (self._read_err, self.popen.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            self.out.append(line)
            try:
                message = json.loads(line)
            except ValueError:
                continue  # what is not JSON is found by whoever looks at `out`
            if isinstance(message, dict):
                self._answers.put(message)

    def _read_err(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            self._err.append(line)

    @property
    def err(self) -> str:
        """What it wrote on stderr so far."""
        return b"".join(self._err).decode("utf-8", "replace")

    # -- speaking -------------------------------------------------------------------------------------------------

    def write(self, message: Mapping[str, Any]) -> None:
        """Send one message as it is."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps(message).encode() + b"\n")
        self.popen.stdin.flush()

    def ask(self, method: str, **params: Any) -> int:
        """Send a request without waiting; returns its id."""
        number = next(self._ids)
        self.write({"jsonrpc": "2.0", "id": number, "method": method, "params": stamped(self.revision, params)})
        return number

    def answer(self, number: int, timeout: float = 120) -> dict[str, Any]:
        """Wait for the answer to a request: the whole message. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while number not in self._early:
            try:
                message = self._answers.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"no answer in {timeout:g} s; stderr: {self.err[-2000:]}") from None
            if "id" in message and "method" not in message:
                self._early[message["id"]] = message
        return self._early.pop(number)

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and wait for its answer: the whole message."""
        return self.answer(self.ask(method, **params))

    def start(self) -> dict[str, Any]:
        """Shake hands, where the revision wants that; returns the answer."""
        if self.revision >= "2026":
            return self.request("server/discover")
        answer = self.request("initialize", **hello(self.revision))
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def tools(self) -> list[dict[str, Any]]:
        """Return what it lists."""
        return list(self.request("tools/list")["result"]["tools"])

    def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its result; a protocol error fails the test."""
        answer = self.request("tools/call", name=name, arguments=arguments)
        assert "result" in answer, f"{name} answered with a protocol error: {answer.get('error')}"
        return dict(answer["result"])

    # -- ending ---------------------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """End its input."""
        assert self.popen.stdin is not None
        self.popen.stdin.close()

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def ended(self, within: float = 10) -> int:
        """Wait for its end, and kill it if it does not come within so many seconds; returns the exit code."""
        try:
            code = self.popen.wait(within)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            code = self.popen.wait()
        for reader in self._readers:
            reader.join(5)
        return code

    def impure(self) -> list[bytes]:
        """Return the lines of stdout that are no JSON-RPC."""
        return [line for line in self.out if not _is_rpc(line)]

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, bug: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        for reader in self._readers:
            reader.join(5)
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if pipe and not pipe.closed:
                pipe.close()


def _is_rpc(line: bytes) -> bool:
    try:
        message = json.loads(line)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("jsonrpc") == "2.0"

"""A server's process: how it is started, spoken to in lines, and ended. Only `forking` makes one in another way."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from .jsonrpc import LineSplitter

EXIT = 2.0  # seconds that a server gets to end by itself after the end of its input
FINISH = 8.0  # seconds that it gets after SIGTERM: it may be saving tokens (see `flotilla.calls.finishing`)
CHUNK = 65_536

WritePipe = asyncio.StreamWriter | asyncio.WriteTransport


@dataclass(frozen=True)
class Command:
    """What starts a server: its command line, its whole environment, and the name of its container or nothing.

    `program` is what the command line runs in the end, where the server can also be forked (see `forking`).
    """

    argv: list[str]
    env: Mapping[str, str]
    container: str = ""
    program: tuple[str, ...] = ()


class Process:
    """A running server, spoken to through pipes, with a process group of its own.

    `lines` and `error_lines` end with its output, at the latest when it has ended.
    """

    def __init__(self, pid: int, stdin: WritePipe, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader) -> None:
        self.pid = pid
        self._input, self._output, self._errors = stdin, stdout, stderr

    def write(self, line: bytes) -> None:
        """Write a line to its input; nothing happens where it has ended."""
        if not self._input.is_closing():
            self._input.write(line)

    def close_input(self) -> None:
        """Tell it that no more input comes."""
        self._input.close()

    def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of its output, without their ends."""
        return lines_of(self._output)

    def error_lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of its stderr, without their ends."""
        return lines_of(self._errors)

    async def wait(self) -> None:
        """Wait until it has ended."""
        raise NotImplementedError

    def terminate(self) -> None:
        """Ask it to end, with all processes that it has started."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, with all processes that it has started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Subprocess(Process):
    """A process that this one has started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        super().__init__(process.pid, process.stdin, process.stdout, process.stderr)
        self._process = process

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._process.wait()


async def start(command: Command) -> Process:
    """Start a server. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        env=command.env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C in the terminal is for the switchboard, which then ends its servers
    )
    return Subprocess(process)


async def end(process: Process) -> None:
    """End a server and wait until it is gone: end of input first, then SIGTERM, then SIGKILL."""
    process.close_input()
    for seconds, stronger in ((EXIT, process.terminate), (FINISH, process.kill)):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await process.wait()
                return
        stronger()
    await process.wait()


def memory(pid: int) -> float:
    """Return the memory of a process in MB, 0 where it has ended. Of what several share, each counts its part."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        if os.path.exists("/proc/self"):
            return 0.0
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return float(listed.stdout.strip() or 0) / 1024


async def lines_of(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines of any length without their ends; the last one may be empty."""
    splitter = LineSplitter()
    while chunk := await stream.read(CHUNK):
        for line in splitter.feed(chunk):
            yield line
    for line in splitter.feed(b"\n"):
        yield line

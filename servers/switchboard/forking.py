"""Starts servers by forking a process that has imported the library: see `flotilla_launcher.fork_server`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from flotilla_launcher.fork_server import READ_AT_START, is_able

from .processes import Command, Process
from .reporting import report

Started = tuple[int, int]  # process id and pidfd
ATTEMPTS = 2  # the parent may have been killed since the last start


class ForkedProcess(Process):
    """A server that was forked."""

    def __init__(self, pid: int, pidfd: int, pipes: Pipes, on_end: Callable[[], None]) -> None:
        super().__init__(pid, pipes.stdin, pipes.stdout, pipes.stderr)
        self._pidfd, self._on_end = pidfd, on_end
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(pidfd, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._ended.set()
        self._on_end()

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._ended.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # it has just been forked, and has no process group of its own yet
            with suppress(ProcessLookupError):
                if not self._ended.is_set():
                    signal.pidfd_send_signal(self._pidfd, number)


class Pipes:
    """Our ends of the pipes to a process: `stdin` to write to, `stdout` and `stderr` to read from."""

    def __init__(self, stdin: asyncio.WriteTransport, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader):
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr

    @classmethod
    async def open(cls) -> tuple[Pipes, list[int]]:
        """Return them, and the ends of the process: its stdin, stdout and stderr."""
        loop = asyncio.get_running_loop()
        pairs = [os.pipe() for _ in range(3)]
        readers = []
        for ours, _ in pairs[1:]:
            reader = asyncio.StreamReader()
            await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), os.fdopen(ours, "rb"))
            readers.append(reader)
        stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(pairs[0][1], "wb"))
        return cls(stdin, *readers), [pairs[0][0], pairs[1][1], pairs[2][1]]


class ForkServer:
    """The process from which one switchboard's servers are forked: started on the first need, and again after its end.

    It ends `idle` seconds after the last of them (0 for never), and with the switchboard. Where it cannot be had, or is
    not `wanted`, `start` returns None, and the reason is reported once. `prefix` and `env` are what every
    command line begins with, and the variables that it gets.
    """

    def __init__(self, wanted: bool, idle: float, prefix: Sequence[str], env: Mapping[str, str]) -> None:
        self._off, self._idle = not wanted, idle
        self._line, self._env = [*prefix, sys.executable, "-P", "-m", "flotilla_launcher.fork_server"], env
        self._starting = asyncio.Lock()
        self._channel: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Future[Started]] = {}
        self._number = self._running = 0
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, command: Command) -> ForkedProcess | None:
        """Start a server; None where it must be started by itself."""
        if self._off or not command.program or any(name.startswith(READ_AT_START) for name in command.env):
            return None
        if not is_able():
            self._give_up("this system lacks what it takes (Linux 5.3 or newer)")
            return None
        reason: Exception | None = None
        for _ in range(ATTEMPTS):
            pipes, theirs = await Pipes.open()
            try:
                pid, pidfd = await self._fork(command, theirs)
            except OSError as error:
                reason = error
                continue
            finally:
                for fd in theirs:
                    os.close(fd)
            self._running += 1
            return ForkedProcess(pid, pidfd, pipes, self._on_end)
        self._give_up(str(reason))
        return None

    def _on_end(self) -> None:
        self._running -= 1
        if self._idle and not self._running:
            if self._timer:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._end_when_idle)

    def _end_when_idle(self) -> None:
        if self._channel and not self._running and not self._waiting:
            self._forget(self._channel)

    def _give_up(self, reason: str) -> None:
        self._off = True
        report(f"servers are not forked, each starts by itself: {reason}")

    async def _fork(self, command: Command, files: list[int]) -> Started:
        """Send a server's files; return its process id and pidfd. Raises OSError where there is no parent any more."""
        async with self._starting:
            channel = self._channel or await self._start_parent()
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        document = os.memfd_create("flotilla")  # for the server's eyes only: its parent passes it on unread
        try:
            os.write(document, json.dumps({"argv": command.program, "env": dict(command.env)}).encode())
            os.lseek(document, 0, os.SEEK_SET)
            try:
                socket.send_fds(channel, [b"%d" % number], [*files, document])
            except OSError:
                self._forget(channel)  # which is the answer
            started: Started = await answer
            return started
        finally:
            os.close(document)
            self._waiting.pop(number, None)

    async def _start_parent(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *self._line,
                str(theirs.fileno()),
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl-C in the terminal is for the switchboard
            )
        self._channel = ours
        asyncio.get_running_loop().add_reader(ours, self._receive, ours)
        return ours

    def _receive(self, channel: socket.socket) -> None:
        try:
            message, files, _, _ = socket.recv_fds(channel, 64, 1)
        except OSError:
            message, files = b"", []
        if not message:
            self._forget(channel)
            return
        number, pid = map(int, message.split())
        answer = self._waiting.get(number)
        if answer and not answer.done():
            answer.set_result((pid, files[0]))
        else:  # whoever asked has given up: the server finds its input closed, and ends
            os.close(files[0])

    def _forget(self, channel: socket.socket) -> None:
        """Close the connection to a parent that has ended, or ends now; the next start makes another one."""
        if channel is not self._channel:
            return
        asyncio.get_running_loop().remove_reader(channel)
        channel.close()
        self._channel = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the process that forks them has ended"))

    async def close(self) -> None:
        """End the parent, and with it the servers that still run."""
        if self._channel:
            self._forget(self._channel)
        if self._process:
            await self._process.wait()

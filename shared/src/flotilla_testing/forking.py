"""Python programs for tests, without the seconds that their imports take: forked from a process that has imported them.

    with python("flotilla", "uvicorn") as command:
        subprocess.Popen([*command, "program.py", "an argument"], env=…, stdin=…)

The program gets the arguments, environment, folder and standard streams that Popen was given, and signals; the process
that Popen has started ends as the program does, and a program whose process is killed is killed too. Only its process
id is another. For programs that stand in for something: where a start is the subject of a test, start Python itself.
"""

from __future__ import annotations

import marshal
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

CLIENT = str(Path(__file__).with_name("fork_client.py"))
HIGHEST = 4096  # file descriptors of the parent are below it


@contextmanager
def python(*modules: str, environ: Mapping[str, str] | None = None) -> Iterator[list[str]]:
    """Yield what stands in place of `python` before a script and its arguments, for scripts that import `modules`.

    What the modules read from the environment when they are imported, they read from that of this process, and from
    `environ`.
    """
    with tempfile.TemporaryDirectory(prefix="flotilla-fork-") as folder:
        address = f"{folder}/socket"
        command = [sys.executable, "-m", "flotilla_testing.forking", address, *modules]
        variables = {**os.environ, **(environ or {})}
        with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
            assert parent.stdin
            assert parent.stdout
            if not parent.stdout.readline():
                raise RuntimeError(f"One of {', '.join(modules)} cannot be imported; see above.")
            try:
                yield [sys.executable, "-I", "-S", CLIENT, address]
            finally:
                parent.stdin.close()


class _Parent:
    """The process that forks: one connection for each program, on which signals come in and an exit status goes out."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._programs: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._ended, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for source in (self._listener, self._ended, sys.stdin):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> list[str]:
        """Fork until the end of the input. Returns in each program alone, with its script and arguments."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    if started := self._start():
                        return started
                elif key.fileobj == self._ended:
                    os.read(self._ended, 4096)
                    self._report()
                elif key.fileobj is sys.stdin:
                    for pid in self._programs:
                        os.kill(pid, signal.SIGKILL)
                    os._exit(0)
                else:
                    self._pass_on(key.data)

    def _start(self) -> list[str]:
        connection, _ = self._listener.accept()
        head, streams, _, _ = socket.recv_fds(connection, 4, 3)
        job = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL) if streams else b""
        if not job or len(job) < int.from_bytes(head, "big"):  # its process was killed meanwhile
            for stream in streams:
                os.close(stream)
            connection.close()
            return []
        arguments, environ, folder = marshal.loads(job)
        if pid := os.fork():
            for stream in streams:
                os.close(stream)
            self._programs[pid] = connection
            self._selector.register(connection, selectors.EVENT_READ, pid)
            return []
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, HIGHEST)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as Python opens them
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        return list(arguments)

    def _pass_on(self, pid: int) -> None:
        """Send a program the signals that its process got; kill it where that is gone."""
        if pid not in self._programs:  # it was reported a moment ago
            return
        connection = self._programs[pid]
        with suppress(ConnectionError):
            if received := connection.recv(64):
                for number in received:
                    os.kill(pid, number)
                return
        os.kill(pid, signal.SIGKILL)
        self._selector.unregister(connection)

    def _report(self) -> None:
        """Tell how the programs that have ended did so."""
        while self._programs:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            connection = self._programs.pop(pid)
            with suppress(OSError):  # its process is gone
                connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
            with suppress(KeyError):
                self._selector.unregister(connection)
            connection.close()


def main() -> None:
    """Import modules, say so, and fork programs."""
    address, *modules = sys.argv[1:]
    for name in modules:
        import_module(name)
    parent = _Parent(address)
    print("ready", flush=True)
    sys.argv = parent.serve()
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()

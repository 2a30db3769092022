"""Forks servers from one process that has imported the library: sooner ready, and with most of their memory shared.

The switchboard runs `python -P -m flotilla_launcher.fork_server <fd>` and writes one message for each server to the
socket at that fd: a number, with four files, which are the server's stdin, stdout and stderr, and a JSON document with
its `argv` and `env`. The answer is that number and the process id, with a pidfd, which tells when the process ends.

What a server is given is read in its own process alone, so this one never holds a secret, and no server sees another's.
In that process the entry point of every server runs, in the state in which a new interpreter would run it. This
process ends with the switchboard, and its servers with it. Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress

from flotilla_launcher import handover

PRELOADED = (  # what every server needs, and what FastMCP imports only during the first call
    "flotilla",
    "flotilla.calls.idempotency",
    "anyio._backends._asyncio",
    "fastmcp.server.context",
    "fastmcp.server.providers.prefab_payload",
    "fastmcp.server.sessions",
    "flotilla_launcher.__main__",
    "flotilla_launcher.discovery",
    "flotilla_launcher.sources",
)
# What a variable of these names decides is decided when Python starts, or when a library is imported: too late here.
READ_AT_START = ("FASTMCP_", "GLIBC_", "LANG", "LC_", "LD_", "MALLOC_", "MCP_", "OTEL_", "PYDANTIC_", "PYTHON", "PY_")
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # of prctl(2)
CHILD_ENDED = {signal.SIGCHLD}


def is_able() -> bool:
    """Return whether this system has what is used here: Linux 5.3 or newer."""
    try:
        os.close(os.pidfd_open(os.getpid()))
        os.close(os.memfd_create("flotilla"))
    except (AttributeError, OSError):
        return False
    return os.path.exists("/proc/self/fd")


def main() -> None:
    """Import the library, then fork a server for each message, until the switchboard closes the socket."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    libc, own_pid = ctypes.CDLL(None), os.getpid()
    gc.disable()
    os.environ.update(handover.DEFAULTS)
    handover.build_models_on_first_use()
    for name in PRELOADED:
        importlib.import_module(name)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("flotilla: no server is forked, because an imported module has started a thread")
    gc.freeze()  # else the first collection in a child would copy every page
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        message, files, _, _ = socket.recv_fds(channel, 64, 4)
        if not message:
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_BLOCK, CHILD_ENDED)  # so that it is not reaped before there is a pidfd
        pid = os.fork()
        if pid == 0:
            _serve(files, libc, own_pid)
        pidfd = os.pidfd_open(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CHILD_ENDED)
        socket.send_fds(channel, [message + b" %d" % pid], [pidfd])
        for fd in (*files, pidfd):
            os.close(fd)


def _reap(*_: object) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _serve(files: list[int], libc: ctypes.CDLL, parent: int) -> None:
    """Run a server in the forked process, which ends here."""
    status: object = 1
    try:
        _become_new(files, libc, parent)
        from flotilla_launcher.__main__ import main as run

        run()
        status = 0
    except SystemExit as end:
        status = end.code or 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


def _become_new(files: list[int], libc: ctypes.CDLL, parent: int) -> None:
    """Bring the process into the state of one that was started by itself."""
    os.setsid()  # a process group of its own, by which the switchboard ends what the server has started
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has ended before that took effect
        os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CHILD_ENDED)
    for target, fd in enumerate(files[:3]):
        os.dup2(fd, target)
    with open(files[3], "rb", closefd=False) as file:
        document = json.load(file)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with suppress(OSError):  # the one by which the folder was listed
                os.close(int(name))
    os.environ.clear()
    os.environ.update(document["env"])
    time.tzset()
    sys.argv = document["argv"]
    libc.prctl(PR_SET_NAME, os.path.basename(sys.argv[0])[:15].encode())
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", buffering=1, errors="backslashreplace", closefd=False
    )
    gc.enable()


if __name__ == "__main__":
    main()

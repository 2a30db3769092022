"""Starts servers by forking a process that has imported everything: the real entry point in 20 ms instead of a second.

Reads jobs from stdin, one JSON line each: {"slug", "env", "chunks"}; answers each with {"out", "err"}.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

QUIET = 5.0  # seconds without output after which a server has said all it has to say
LONGEST = 10.0


def child(slug: str, env: dict[str, str], read: int, write: int, log: int) -> None:
    for source, target in ((read, 0), (write, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 64)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(fd, mode, closefd=False) for fd, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["flotilla", slug]
    from flotilla_launcher.__main__ import main as run_server

    try:
        run_server()
    finally:
        os._exit(3)


def collect(fds: dict[int, bytearray], expected: int, out: int) -> None:
    """Read until the expected number of lines is there and nothing more comes."""
    end, quiet = time.monotonic() + LONGEST, QUIET
    while time.monotonic() < end and fds:
        ready, _, _ = select.select(list(fds), [], [], quiet)
        if not ready:
            return
        for fd in ready:
            data = os.read(fd, 1 << 20)
            if not data:
                return
            fds[fd] += data
        if fds[out].count(b"\n") >= expected:
            quiet = 0.01


def drain(fds: dict[int, bytearray], pid: int) -> None:
    """Read to the end of both pipes, so that the child is not held up by a full one; end it if that takes too long."""
    end, still_open = time.monotonic() + LONGEST, set(fds)
    while still_open and time.monotonic() < end:
        for fd in select.select(list(still_open), [], [], 0.5)[0]:
            data = os.read(fd, 1 << 20)
            fds[fd] += data
            if not data:
                still_open.discard(fd)
    if still_open:
        os.kill(pid, signal.SIGKILL)


def run(slug: str, env: dict[str, str], chunks: list[str], expected: int) -> dict[str, str]:
    (stdin_r, stdin_w), (stdout_r, stdout_w), (stderr_r, stderr_w) = os.pipe(), os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(stdin_w)
        child(slug, env, stdin_r, stdout_w, stderr_w)
    for fd in (stdin_r, stdout_w, stderr_w):
        os.close(fd)
    got = {stdout_r: bytearray(), stderr_r: bytearray()}
    with suppress(BrokenPipeError):  # a server that ends at once
        for chunk in chunks:
            os.write(stdin_w, chunk.encode("utf-8", "surrogateescape"))
            time.sleep(0.002)
    collect(got, expected, stdout_r)
    os.close(stdin_w)
    drain(got, pid)
    os.waitpid(pid, 0)
    for fd in got:
        os.set_blocking(fd, False)
        while more := _rest(fd):
            got[fd] += more
        os.close(fd)
    return {"out": got[stdout_r].decode(), "err": got[stderr_r].decode("utf-8", "replace")}


def _rest(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""


def main() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    from flotilla.calls import confirmation, idempotency  # noqa: F401 - imported once, for every child
    from flotilla.serving import stdio  # noqa: F401
    from flotilla_launcher import discovery, handover  # noqa: F401

    for slug in sys.argv[1:]:
        importlib.import_module(f"flotilla_servers.{slug.replace('-', '_')}.server")
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(run(job["slug"], job["env"], job["chunks"], job["expected"])), flush=True)


if __name__ == "__main__":
    main()

"""Serving over stdio, or as `http` says: nothing but JSON-RPC on stdout, and a quick end in every state."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastmcp import FastMCP

from flotilla.audit import Audit
from flotilla.calls import finishing
from flotilla.compat import answer_unreadable_lines
from flotilla.connection import Connection
from flotilla.serving import telemetry
from flotilla.serving.http import serve_http, serve_until_finished
from flotilla.settings import scrub
from flotilla_launcher.environment import SettingError, setting

GRACE = 1.0  # seconds that calls in flight get at the end


def run(mcp: FastMCP[Any], connection: Connection[Any], running: Callable[[], int]) -> None:
    """Serve over the configured transport until the client goes away or a signal comes.

    `running` tells how many calls are in flight.
    """
    slug = connection.integration.slug
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Lines(connection.audit)], force=True)
    logging.captureWarnings(True)
    telemetry.configure(slug)
    _end_on_signals(connection, running)
    try:
        over_stdio = (setting("FLOTILLA_TRANSPORT", guard=True) or "stdio") == "stdio"
    except SettingError as error:
        sys.exit(f"flotilla-{slug}: {error}")
    if over_stdio:
        # Of their own, since mcp points 0 and 1 elsewhere while it serves; the launcher has done so already.
        ends = [os.dup(getattr(stream, "fd", fd)) for fd, stream in enumerate((sys.stdin, sys.stdout))]
        threading.Thread(target=_end_on_hang_up, args=ends, daemon=True).start()
        answer_unreadable_lines(
            mcp, lambda reason: connection.audit.line("unreadable", level="warning", message=reason)
        )
        serve_until_finished(mcp, "stdio", show_banner=False)
    else:
        serve_http(mcp, connection)
    _end()


class _Lines(logging.Handler):
    """What libraries log, as lines like our own: one format, and no secret."""

    def __init__(self, audit: Audit) -> None:
        super().__init__()
        self._audit = audit

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        text = scrub(self.format(record))
        self._audit.line("log", level=record.levelname.lower(), logger=record.name, message=text)


def _end(seconds: float = finishing.LONGEST) -> None:
    """End the process now: interpreter shutdown would wait for threads, and costs a third of a second.

    Only work that must finish is waited for, see `finishing`; `seconds` at most.
    """
    finishing.wait(seconds)
    with suppress(Exception):
        telemetry.flush()
        sys.stderr.flush()
    os._exit(0)


def _end_on_signals(connection: Connection[Any], running: Callable[[], int]) -> None:
    """End on SIGTERM and SIGINT, as PID 1 too, even while the main thread is blocked: a thread reads them from a pipe.

    Calls in flight get GRACE seconds, over HTTP what FLOTILLA_DRAIN says: there uvicorn waits for them, and ends by
    itself when there are none.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    ours = (signal.SIGTERM, signal.SIGINT)
    for number in ours:
        signal.signal(number, lambda *_: None)

    def watch() -> None:
        while os.read(reader, 1)[0] not in ours:
            pass
        uvicorn = connection.fleet.transport == "http"
        grace = connection.fleet.drain if uvicorn else GRACE
        end = time.monotonic() + grace
        if running() or uvicorn:
            while time.monotonic() < end and (running() or uvicorn):
                time.sleep(0.02)
            time.sleep(0.1)  # what has just ended is still being written
        _end(finishing.LONGEST - min(grace, GRACE))

    threading.Thread(target=watch, daemon=True).start()


def _end_on_hang_up(fd_in: int, fd_out: int) -> None:
    """End the process when the client hangs up, on either side, even while a tool blocks the event loop."""
    poll = select.poll()
    poll.register(fd_in, getattr(select, "POLLRDHUP", 0))  # beside what is always reported: POLLHUP, POLLERR
    poll.register(fd_out, 0)
    poll.poll()
    time.sleep(GRACE)
    _end(finishing.LONGEST - GRACE)

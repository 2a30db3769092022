"""Limits of HTTP: incomplete requests, idle sessions, and the number of connections.

A module of its own, since only HTTP needs uvicorn.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

WAIT = 30.0  # seconds in which a request's headers must be complete, and that its body may pause
MOST_CONNECTIONS = 1000  # at once: more would use up the process's file descriptors; a request beyond gets a 503
HEADERS = 65_536  # bytes of a request's headers: they may hold a call's credentials, see `calls.credentials`
MOST_SESSIONS = 1000  # of stateful HTTP at once, some 40 kB each; one more gets a 503
IDLE = 1800.0  # seconds after which an idle session ends


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request is not complete after WAIT seconds."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read, and wait for the rest: for headers since the first byte, for a body since the last one."""
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY:
            self._stop()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if self.conn.their_state is h11.SEND_BODY or (self.conn.their_state is h11.IDLE and not answering):
            self._timer = self._timer or self.loop.call_later(WAIT, self.transport.close)
        else:
            self._stop()

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def options() -> dict[str, Any]:
    """Return uvicorn's options."""
    return {"http": PunctualProtocol, "limit_concurrency": MOST_CONNECTIONS, "h11_max_incomplete_event_size": HEADERS}

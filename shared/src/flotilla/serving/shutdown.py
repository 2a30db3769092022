"""The end of an HTTP server behind a proxy: announced first, so that no request is under way to it when it closes."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import Any

LONGEST_NOTICE = 5.0  # seconds: longer than a proxy takes to notice, which probes every second or two
PROBES = ("/health", "/ready")


def notice_of(drain: float) -> float:
    """Return the seconds from a signal until nothing is accepted any more; they are part of the drain."""
    return min(LONGEST_NOTICE, drain / 10) if drain > 1 else 0


class AnnouncedShutdown:
    """ASGI middleware that serves on for a while after SIGTERM or SIGINT, and lets proxies and clients know.

    Until then /health and /ready answer 503, and each answer says that its connection closes. The next request comes on
    a new one, which a proxy opens elsewhere. A second signal is obeyed at once.
    """

    def __init__(self, app: Any, notice: float) -> None:
        self._app, self._notice, self._ending = app, notice, False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; uvicorn's start is one too."""
        if scope["type"] == "lifespan":  # uvicorn has set its handlers of signals by now
            self._delay_signals()
            await self._app(scope, receive, send)
        elif self._ending and scope["path"] in PROBES:
            from starlette.responses import JSONResponse

            headers = {"connection": "close"}
            await JSONResponse({"status": "ending"}, status_code=503, headers=headers)(scope, receive, send)
        else:
            await self._app(scope, receive, partial(self._send, send))

    async def _send(self, send: Any, message: Any) -> None:
        if self._ending and message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"connection"]
            message = {**message, "headers": [*others, (b"connection", b"close")]}
        await send(message)

    def _delay_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def delayed(of_uvicorn: Any, number: int, frame: Any) -> None:
            if self._ending:
                of_uvicorn(number, frame)
            else:
                self._ending = True
                loop.call_soon_threadsafe(loop.call_later, self._notice, of_uvicorn, number, None)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, partial(delayed, signal.getsignal(number)))

"""How a vendor fails: each fault is a function that plays one exchange of a fake vendor.

`vendor.fails(cut(), method="POST")`: it gets the request, the usual answer and the connection.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from flotilla_testing.responses import Request, Response


@dataclass
class Exchange:
    """One request, what would be answered, and the way to answer."""

    request: Request
    usual: Response
    writer: asyncio.StreamWriter
    falls_silent: Callable[[], None] = lambda: None  # says that no answer is coming, so that nobody waits for it

    async def send(self, answer: Response, *, promise: int | None = None) -> None:
        """Write an answer. `promise` announces another length than the body has."""
        fields = {"content-length": str(len(answer.body) if promise is None else promise), **answer.headers}
        lines = [
            f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}",
            *(f"{name}: {value}" for name, value in fields.items()),
            "",
            "",
        ]
        await self.write("\r\n".join(lines).encode() + answer.body)

    async def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Break the connection with RST instead of closing it."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]


def status(code: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Fault:
    """Response with a status and a JSON body."""
    data = {"message": f"Refused with {code}"} if body is None else body
    return answer(Response.of(data, code, headers))


def answer(known: Response) -> Fault:
    """Response so."""
    return lambda exchange: exchange.send(known)


def rate(after: float | None = None, *, date: bool = False) -> Fault:
    """Response 429; with Retry-After in seconds, or as a date."""

    async def inject(exchange: Exchange) -> None:
        headers = {} if after is None else {"retry-after": f"{after:g}"}
        if date and after is not None:
            headers = {"retry-after": formatdate(time.time() + after, usegmt=True)}
        await exchange.send(Response.of({"message": "Too many requests"}, 429, headers))

    return inject


def html(code: int = 502) -> Fault:
    """Response with an error page, as proxies do."""
    page = Response(code, b"<!doctype html><title>Bad gateway</title><h1>nginx</h1>", {"content-type": "text/html"})
    return answer(page)


def bad_json() -> Fault:
    """Response 200 with JSON that breaks off."""
    return answer(Response(200, b'{"resource": {"uri": "https://', {"content-type": "application/json"}))


def huge(size: int = 12_000_000, *, compressed: bool = False) -> Fault:
    """Response with so many bytes of JSON; compressed, they are few on the wire."""
    body = b'{"message": "' + b"x" * size + b'"}'
    sent = gzip.compress(body, 1) if compressed else body

    async def inject(exchange: Exchange) -> None:
        extra = {"content-encoding": "gzip"} if compressed else {}
        with suppress(ConnectionError):  # a wise client hangs up
            await exchange.send(Response(200, sent, {"content-type": "application/json", **extra}))

    return inject


def zipped() -> Fault:
    """Give the usual answer compressed."""

    async def inject(exchange: Exchange) -> None:
        usual = exchange.usual
        body, headers = gzip.compress(usual.body), {**usual.headers, "content-encoding": "gzip"}
        await exchange.send(Response(usual.status, body, headers))

    return inject


def redirect(to: str, code: int = 302) -> Fault:
    """Point somewhere else."""
    return answer(Response(code, b"", {"location": to}))


def hang(seconds: float = 30) -> Fault:
    """Take the request and say nothing for so long; then give the usual answer.

    A client with an `ImpatientTransport` runs into its timeout at once.
    """

    async def inject(exchange: Exchange) -> None:
        exchange.falls_silent()
        await asyncio.sleep(seconds)
        await exchange.send(exchange.usual)

    return inject


def drip(pause: float = 0.05) -> Fault:
    """Give the usual answer one byte at a time."""

    async def inject(exchange: Exchange) -> None:
        await exchange.send(
            Response(exchange.usual.status, b"", exchange.usual.headers), promise=len(exchange.usual.body)
        )
        for byte in exchange.usual.body:
            await exchange.write(bytes([byte]))
            await asyncio.sleep(pause)

    return inject


def cut() -> Fault:
    """Take the request and close the connection without an answer: it may have been carried out."""

    async def inject(exchange: Exchange) -> None:
        exchange.writer.close()

    return inject


def broken() -> Fault:
    """Break the connection (RST) in the middle of the answer's body."""

    async def inject(exchange: Exchange) -> None:
        half = exchange.usual.body[: len(exchange.usual.body) // 2]
        await exchange.send(Response(200, half, exchange.usual.headers), promise=len(exchange.usual.body) + 1)
        await asyncio.sleep(0.02)  # or the reset would overtake the head
        exchange.reset()

    return inject

"""A vendor on loopback that can be made to fail: real HTTP, in a thread of its own, so that any client can reach it.

with FakeVendor(RecordedResponses.load(path)) as vendor:
    vendor.fails(faults.status(503), times=2)          # the next two requests, then the usual answers again
    vendor.fails(faults.cut(), method="POST")          # every POST until `vendor.recovers()`
    …
    assert [r.path for r in vendor.requests] == ["/users/me"]
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType

import h11
import httpx2 as httpx

from flotilla_testing.faults import Exchange, Fault
from flotilla_testing.responses import RecordedResponses, Request


@dataclass
class _Plan:
    fault: Fault
    times: int
    after: int
    method: str

    def matches(self, request: Request) -> bool:
        """Tell whether this request is one to fail, and count it."""
        writes = self.method == "write" and request.writes
        if not (self.times and (writes or self.method in ("", request.method))):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= self.times > 0
        return True


class FakeVendor:
    """The server. `requests` are those that arrived whole; `url` is where it listens.

    `host` is an address of this machine: containers reach the bridge's, not 127.0.0.1.
    """

    def __init__(self, answers: RecordedResponses | None = None, host: str = "127.0.0.1") -> None:
        self.answers, self._host = answers or RecordedResponses(), host
        self.requests: list[Request] = []
        self.url = ""
        self._plans: list[_Plan] = []
        self._waiting: list[Callable[[Request], None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def fails(self, fault: Fault, *, times: int = -1, after: int = 0, method: str = "") -> None:
        """Play a fault instead of the usual answer, `times` times (-1: until `recovers`), once `after` went well.

        `method` may be "write": any but GET, HEAD and what only asks. Faults that were added first come first.
        """
        self._plans.append(_Plan(fault, times, after, method))

    def recovers(self) -> None:
        """Response as usual again, and forget the requests."""
        self._plans.clear()
        self.requests.clear()

    @contextmanager
    def silence_on(self, method: str, url: str) -> Iterator[asyncio.Event]:
        """Yield an event of the running loop that is set when such a request is to get no answer."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()

        def listener(request: Request) -> None:
            if (request.method, request.url) == (method, url):
                loop.call_soon_threadsafe(event.set)

        self._waiting.append(listener)
        try:
            yield event
        finally:
            self._waiting.remove(listener)

    def _falls_silent(self, request: Request) -> None:
        for listener in list(self._waiting):
            listener(request)

    def __enter__(self) -> FakeVendor:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    async def _open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, self._host, 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return server

    def __exit__(
        self, kind: type[BaseException] | None, bug: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError, h11.RemoteProtocolError):
            parser = h11.Connection(h11.SERVER)
            while (request := await _received(reader, parser, self.url)) and not writer.is_closing():
                request = self.answers.seen(request)
                self.requests.append(request)
                plan = next((plan for plan in self._plans if plan.matches(request)), None)
                exchange = Exchange(request, self.answers.to(request), writer, partial(self._falls_silent, request))
                if plan:
                    await plan.fault(exchange)
                else:
                    await exchange.send(exchange.usual)
                parser = h11.Connection(h11.SERVER)
        writer.close()


class ImpatientTransport(httpx.AsyncBaseTransport):
    """Real HTTP on which a request times out as soon as the fake vendor is silent: no clock decides, nothing waits."""

    def __init__(self, vendor: FakeVendor, transport: httpx.AsyncBaseTransport) -> None:
        self._vendor, self._transport = vendor, transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send; raises httpx.ReadTimeout where no answer is coming."""
        with self._vendor.silence_on(request.method, str(request.url)) as silence:
            answer = asyncio.ensure_future(self._transport.handle_async_request(request))
            silent = asyncio.ensure_future(silence.wait())
            try:
                await asyncio.wait({answer, silent}, return_when=asyncio.FIRST_COMPLETED)
                if answer.done():
                    return answer.result()
                raise httpx.ReadTimeout("No answer is coming.", request=request)
            finally:
                answer.cancel()
                silent.cancel()
                await asyncio.gather(answer, silent, return_exceptions=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


async def _received(reader: asyncio.StreamReader, parser: h11.Connection, base: str) -> Request | None:
    """Read one whole request; None when the client hung up."""
    head, body = None, b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(65_536)
            if not data and head is None:
                return None
            parser.receive_data(data)
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif head is not None and isinstance(event, h11.EndOfMessage):
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode(), base + head.target.decode(), headers, body)
        else:
            return None

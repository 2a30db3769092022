"""Sending: one pooled client a vendor, its limits, the host guard, and another try where that does no harm."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
from aiolimiter import AsyncLimiter

from . import errors
from .answers import UNCLEAR, Classify, Reason, body_of, broken, problem_of, retry_after, unreachable, unreadable
from .call import current
from .hosts import check_encrypted, is_allowed, origin
from .version import VERSION

if TYPE_CHECKING:
    from .auth import Auth
    from .server import Server

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TRIES = 3
LARGEST = 10_000_000  # bytes of one answer that is read into memory
JITTER = 0.25  # seconds on top of a Retry-After, so that parallel calls do not come back together
WAIT = 60.0  # seconds of a Retry-After that are worth waiting for, if the deadline allows
pause = asyncio.sleep  # between attempts; here so that tests need not wait
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
WIRE_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})  # true of the wire alone
HARMLESS = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent", "traceparent", "tracestate"})


class Wire:
    """What `Api` sends through. `transport` is for tests."""

    def __init__(
        self,
        server: Server[Any],
        auth: Auth | None,
        base_url: str,
        limits: Sequence[tuple[float, float]],
        reason: Reason,
        classify: Classify | None,
        wait_header: str,
        read_timeout: float,
    ) -> None:
        self.server, self._base_field, self._windows = server, base_url, tuple(limits)
        self._auth = auth.bind(server) if auth else None
        self._reason, self._classify, self._wait_header = reason, classify, wait_header
        self._timeout = httpx.Timeout(read_timeout, connect=10, pool=10)
        self._limiters: list[AsyncLimiter] | None = None
        self._client: httpx.AsyncClient | None = None
        self.transport: httpx.AsyncBaseTransport | None = None
        server.apis.append(self)

    def reset(self) -> None:
        """Forget the client, the limits' state and the tokens: they belong to an event loop or to settings."""
        self._client = self._limiters = None
        if self._auth:
            self._auth.forget()

    @property
    def base(self) -> str:
        """Where the vendor's API stands."""
        return str(getattr(self.server.settings, self._base_field))

    @property
    def auth(self) -> Auth | None:
        """How requests prove who sends them."""
        return self._auth

    @property
    def client(self) -> httpx.AsyncClient:
        """The pooled client, made on first use. Proxy and CA variables of the environment count."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers={"User-Agent": f"flotilla-{self.server.slug}/{VERSION}", "Accept": "application/json"},
                timeout=self._timeout,
                transport=self.transport,
                event_hooks={"request": [self._guard]},
                max_redirects=5,
            )
        return self._client

    async def _guard(self, request: httpx.Request) -> None:
        """Refuse every address that was not declared, after redirects too; a redirect takes no key to another one."""
        here = origin(request.url)
        first = request.extensions.get("origin", here)
        lost = first.startswith("https:") and request.url.scheme != "https"  # the encryption, on the way
        if lost or not is_allowed(self.server, request.url, origin(httpx.URL(self.base))):
            raise errors.Upstream(
                f"{self.server.title} pointed to {errors.excerpt(here, 80)}, which this server may not contact.",
                "Do not follow it.",
            )
        if here != first:
            for name in set(request.headers) - HARMLESS:
                del request.headers[name]

    def check_base(self) -> None:
        """Raise errors.Setup where credentials would go to the API without encryption."""
        if self._auth:
            check_encrypted(self.server, httpx.URL(self.base), self._base_field)

    async def exchange(self, request: httpx.Request, repeatable: bool, whole: bool) -> httpx.Response:
        """Return the successful answer, its body read if `whole`; raises the errors' classes.

        `repeatable` tells whether the request may come twice. Every request may come again after a 429 and after a
        connection that was never made.
        """
        attempt = 1
        while not isinstance(answer := await self._attempt(request, repeatable, whole, attempt), httpx.Response):
            await pause(answer)
            attempt += 1
        return answer

    async def _attempt(
        self, request: httpx.Request, repeatable: bool, whole: bool, attempt: int
    ) -> httpx.Response | float:
        """Return a successful answer, or the seconds to wait before the next attempt."""
        call, title = current(), self.server.title
        writes = not request.extensions.get("asks", request.method in SAFE)
        auth = self._auth if request.extensions.get("credentials", True) else None
        wait = _backoff(attempt)
        try:
            await self._turn()
            call.begun(title, writes)
            response = await self.client.send(request, stream=True, auth=auth, follow_redirects=not writes)
            if response.is_success or response.status_code in request.extensions.get("expected", ()):
                if writes and response.is_success:
                    call.done()
                whole_response = await self._whole(response) if whole else response
                call.awaited, call.heard = None, title
                return whole_response
            body = await body_of(response)
        except NEVER_SENT as cut:
            if writes:
                call.spared()
            repeatable, problem = True, unreachable(cut, title)
        except httpx.RequestError as cut:
            repeatable &= isinstance(cut, httpx.TransportError)
            problem = broken(cut, title)
        except errors.Problem:  # from the limits, the guard, for want of an access token, for the size of the answer
            if writes and not call.settled:
                call.spared()
            call.awaited = None
            raise
        else:
            status, asked = response.status_code, retry_after(response, self._wait_header)
            wait = wait if asked is None else asked + random.uniform(0, JITTER)
            own = self._classify(status, body) if self._classify and status >= 400 else None
            clear = 400 <= status < 500 and status not in UNCLEAR
            if writes and (clear or (own and not isinstance(own, errors.Upstream))):  # of 5xx the server knows
                call.spared()
            problem = own or problem_of(response, self._reason(status, body), title, asked)
            passing = status in (408, 502, 503, 504)
            repeatable = problem.again if isinstance(problem, errors.Rate) else repeatable and passing
        call.awaited = None
        if repeatable and attempt < TRIES and wait <= WAIT and wait < call.left():
            return wait
        raise problem

    async def _whole(self, response: httpx.Response) -> httpx.Response:
        body = bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise unreadable(
                        self.server.title, f"answered with more than {LARGEST // 1_000_000} MB", "Ask for less."
                    )
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in WIRE_HEADERS]
        return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)

    async def _turn(self) -> None:
        """Wait until the limits allow a request; raises errors.Rate when that would be after the deadline."""
        if self._limiters is None:  # made here: a limiter belongs to the running event loop
            self._limiters = [AsyncLimiter(rate, period) for rate, period in self._windows]
        left = current().left()
        try:
            async with asyncio.timeout(None if left == float("inf") else max(0.0, left - 1)):
                for limiter in self._limiters:
                    await limiter.acquire()
        except TimeoutError:
            raise errors.Rate(
                f"The request limit of {self.server.title} is used up for now.", "Wait a minute, then try again."
            ) from None


def backoff(attempt: int) -> float:
    """Return the seconds to wait before another attempt, where the vendor names none."""
    return _backoff(attempt)


def _backoff(attempt: int) -> float:
    return 0.25 * float(2**attempt) * random.uniform(0.5, 1.0)

"""Sending: one pooled client per connection, its limits, the host guard, and another attempt where it does no harm."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2 as httpx
from aiolimiter import AsyncLimiter

from flotilla import errors
from flotilla.calls.context import connection_of, current
from flotilla.connection import Connection
from flotilla.http.auth import Auth
from flotilla.http.hosts import check_encrypted, is_allowed, origin
from flotilla.http.responses import (
    UNCLEAR,
    ErrorMessage,
    MapError,
    body_of,
    broken,
    problem_of,
    retry_after,
    unreachable,
    unreadable,
)
from flotilla.integration import Integration
from flotilla.serving import telemetry
from flotilla_launcher.version import VERSION

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # variables that httpx reads
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 10_000_000  # bytes of one answer that is read into memory
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
HOP_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})  # not about the content
HARMLESS = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent", "traceparent", "tracestate"})


@cache
def _certificates(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the TLS context of all clients; each new one would read all CA certificates: 0.1 s, and a megabyte.

    The variables that name other certificates tell one from another.
    """
    return httpx.create_ssl_context()


@dataclass(eq=False)
class _Client:
    """The pooled client of one connection, and how far its limits are used up."""

    http: httpx.AsyncClient
    limiters: list[AsyncLimiter]
    by_path: dict[str, AsyncLimiter]

    async def aclose(self) -> None:
        """Close its connections."""
        await self.http.aclose()


class Transport:
    """Sends requests of one Api, for the connection of the running call.

    `limits` are (requests, seconds) windows that parallel calls of a connection share, `path_limits` such windows of
    single paths.
    """

    def __init__(
        self,
        integration: Integration[Any],
        *,
        auth: Auth | None,
        base_field: str,
        limits: Sequence[tuple[float, float]],
        path_limits: Mapping[str, tuple[float, float]],
        error_message: ErrorMessage,
        map_error: MapError | None,
        wait_header: str,
        read_timeout: float,
    ) -> None:
        self.integration, self.base_field, self.limits = integration, base_field, tuple(limits)
        self.path_limits = dict(path_limits)
        self.auth = auth.bind(integration, base_field) if auth else None
        self._error_message, self._map_error, self._wait_header = error_message, map_error, wait_header
        self._timeout = httpx.Timeout(read_timeout, connect=10, pool=10)

    @property
    def connection(self) -> Connection[Any]:
        """The account for which is sent."""
        return connection_of(self.integration)

    @property
    def base(self) -> str:
        """Where the vendor's API stands."""
        return str(getattr(self.connection.settings, self.base_field))

    @property
    def client(self) -> httpx.AsyncClient:
        """The connection's pooled client. Proxy and CA variables of the environment count."""
        return self._own.http

    @property
    def _own(self) -> _Client:
        return self.connection.resource(self, self._made)

    def _made(self) -> _Client:
        network = self.connection.network
        client = httpx.AsyncClient(
            headers={"User-Agent": f"flotilla-{self.integration.slug}/{VERSION}", "Accept": "application/json"},
            timeout=network.timeout or self._timeout,
            transport=network.transport,
            verify=network.transport is not None or _certificates(*map(os.environ.get, CERTIFICATES)),
            event_hooks={"request": [self._guard]},
            max_redirects=5,
        )
        limits, path_limits = (self.limits, self.path_limits) if network.limits else ((), {})
        by_path = {path: AsyncLimiter(rate, period) for path, (rate, period) in path_limits.items()}
        return _Client(client, [AsyncLimiter(rate, period) for rate, period in limits], by_path)

    async def _guard(self, request: httpx.Request) -> None:
        """Refuse addresses that are not declared, after redirects too; redirects to another one get no credentials."""
        target = origin(request.url)
        first = request.extensions.get("origin", target)
        encryption_lost = first.startswith("https:") and request.url.scheme != "https"
        if encryption_lost or not is_allowed(self.connection, request.url, origin(httpx.URL(self.base))):
            raise errors.UpstreamError(
                f"{self.integration.title} pointed to {errors.excerpt(target, 80)}, which this server may not contact.",
                "Do not follow it.",
            )
        if target != first:
            for name in set(request.headers) - HARMLESS:
                del request.headers[name]

    def check_base(self) -> None:
        """Raise errors.ConfigurationError where credentials would go to the API without encryption."""
        if self.auth:
            check_encrypted(self.connection, httpx.URL(self.base), self.base_field)

    async def exchange(self, request: httpx.Request, repeatable: bool, whole: bool) -> httpx.Response:
        """Return the successful answer, its body read if `whole`; raises the errors' classes.

        `repeatable` tells whether the request may come twice. Every request may come again after a 429 and after a
        connection that was never made.
        """
        attempt = 1
        while not isinstance(answer := await self._attempt(request, repeatable, whole, attempt), httpx.Response):
            await self.connection.network.retry.sleep(answer)
            attempt += 1
        return answer

    async def _attempt(
        self, request: httpx.Request, repeatable: bool, whole: bool, attempt: int
    ) -> httpx.Response | float:
        """Return a successful answer, or the seconds to wait before the next attempt."""
        call, title, retry = current(), self.integration.title, self.connection.network.retry
        writes = not request.extensions.get("asks", request.method in SAFE)
        auth = self.auth if request.extensions.get("credentials", True) else None
        wait = retry.backoff(attempt)
        try:
            await self._turn(request.extensions.get("cost", 1), request.extensions.get("path", ""))
            call.mark_started(title, writes)
            with call.at_vendor():
                response = await self._measured(request, auth, follow_redirects=not writes)
            if response.is_success or response.status_code in request.extensions.get("expected", ()):
                if writes and response.is_success:
                    call.mark_done()
                with call.at_vendor():
                    whole_response = await self._whole(response) if whole else response
                call.waiting_for, call.last_vendor = None, title
                return whole_response
            body = await body_of(response)
        except NEVER_SENT as cut:
            if writes:
                call.mark_not_sent()
            repeatable, problem = True, unreachable(cut, title)
        except httpx.RequestError as cut:
            repeatable &= isinstance(cut, httpx.TransportError)
            problem = broken(cut, title)
        except errors.FlotillaError:  # the limits, the guard, no access token, a response that is too large
            if writes and not call.outcome_known:
                call.mark_not_sent()
            call.waiting_for = None
            raise
        else:
            status, asked = response.status_code, retry_after(response, self._wait_header)
            wait = wait if asked is None else retry.after(asked)
            own = self._map_error(status, body) if self._map_error and status >= 400 else None
            clear = 400 <= status < 500 and status not in UNCLEAR
            if writes and (clear or (own and not isinstance(own, errors.UpstreamError))):  # of 5xx the server knows
                call.mark_not_sent()
            problem = own or problem_of(response, self._error_message(status, body), title, asked)
            passing = status in (408, 502, 503, 504)
            repeatable = problem.again if isinstance(problem, errors.RateLimitError) else repeatable and passing
        call.waiting_for = None
        if repeatable and attempt < retry.attempts and wait <= retry.longest and wait < call.left():
            return wait
        raise problem

    async def _measured(self, request: httpx.Request, auth: Any, *, follow_redirects: bool) -> httpx.Response:
        """Send a request; note how long its headers took, and how many requests the vendor still allows."""
        started, status, slug = time.perf_counter(), "none", self.integration.slug
        try:
            response = await self.client.send(request, stream=True, auth=auth, follow_redirects=follow_redirects)
            status = str(response.status_code)
            telemetry.note_limits(slug, response.headers)
            return response
        finally:
            seconds = time.perf_counter() - started
            telemetry.measure(telemetry.VENDOR_REQUEST, seconds, server=slug, method=request.method, status=status)

    async def _whole(self, response: httpx.Response) -> httpx.Response:
        body, largest = bytearray(), response.request.extensions.get("largest", LARGEST)
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > largest:
                    raise unreadable(
                        self.integration.title, f"answered with more than {largest // 1_000_000} MB", "Ask for less."
                    )
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in HOP_HEADERS]
        return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)

    async def _turn(self, cost: float, path: str) -> None:
        """Wait until the limits allow a request; raises errors.RateLimitError when that would be after the deadline."""
        left = current().left()
        try:
            async with asyncio.timeout(None if left == float("inf") else max(0.0, left - 1)):
                own = self._own
                for limiter in [*own.limiters, *([own.by_path[path]] if path in own.by_path else [])]:
                    await limiter.acquire(min(cost, limiter.max_rate))
        except TimeoutError:
            raise errors.RateLimitError(
                f"The request limit of {self.integration.title} is used up for now.", "Wait a minute, then try again."
            ) from None

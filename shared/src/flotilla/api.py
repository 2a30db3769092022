"""The only way out: one HTTP client a server, with auth, retries, limits, a host guard, dry run and one error voice.

    api = Api(server, auth=Bearer("token"), paging=ByCursor("collection", "pagination.next_page_token"))
    user = await api.get("/users/me")
    page = await api.page("/scheduled_events", Event, params={"user": uri}, limit=limit, cursor=cursor)

Paths are relative to the `base_url` setting. Failures are raised as the classes of `errors`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx2 as httpx
from aiolimiter import AsyncLimiter
from pydantic import BaseModel

from . import errors
from .call import announce, current
from .paging import Page, Paging
from .settings import scrub
from .version import VERSION

if TYPE_CHECKING:
    from .auth import Auth
    from .server import Server

M = TypeVar("M", bound=BaseModel)
_TRANSFER = ("content-encoding", "content-length", "transfer-encoding")  # true of the wire, not of the body
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TRIES = 3
LARGEST = 10_000_000  # bytes of one answer that is read into memory
WAIT = 60.0  # seconds of a Retry-After that are worth waiting for, if the deadline allows
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
Reason = Callable[[int, Any], str]
Classify = Callable[[int, Any], errors.Problem | None]


class Api:
    """Requests to one vendor.

    `limits` are (requests, seconds) windows that parallel calls share. `headers` go with every request. `reason` reads
    the vendor's words out of an error answer; `classify` may turn one into a problem of its own, before the usual
    classes. `idempotency_header` is where the vendor takes an idempotency key.
    """

    def __init__(
        self,
        server: Server[Any],
        *,
        auth: Auth | None = None,
        base_url: str = "base_url",
        headers: Mapping[str, str] | None = None,
        paging: Paging | None = None,
        limits: Sequence[tuple[float, float]] = (),
        reason: Reason | None = None,
        classify: Classify | None = None,
        idempotency_header: str = "",
        read_timeout: float = 30,
    ) -> None:
        self.server, self.paging = server, paging
        self._auth = auth.bind(server) if auth else None
        self._base_field, self._headers = base_url, dict(headers or {})
        self._windows = tuple(limits)
        self._limiters: list[AsyncLimiter] | None = None
        self._reason, self._classify = reason or said, classify
        self._idempotency_header = idempotency_header
        self._timeout = httpx.Timeout(read_timeout, connect=10, pool=10)
        self._client: httpx.AsyncClient | None = None
        self.transport: httpx.AsyncBaseTransport | None = None  # tests put theirs here
        server.apis.append(self)

    def reset(self) -> None:
        """Forget the client, the limits' state and the tokens: each belongs to an event loop or to a set of settings."""
        self._client = self._limiters = None
        if self._auth:
            self._auth.forget()

    # -- the calls ------------------------------------------------------------------------------------------------

    async def get(self, path: str, **request: Any) -> Any:
        """GET; returns the decoded JSON."""
        return await self.request("GET", path, **request)

    async def post(self, path: str, **request: Any) -> Any:
        """POST; never repeated once it may have arrived."""
        return await self.request("POST", path, **request)

    async def put(self, path: str, **request: Any) -> Any:
        """PUT; never repeated once it may have arrived, unless `idempotent=True`."""
        return await self.request("PUT", path, **request)

    async def patch(self, path: str, **request: Any) -> Any:
        """PATCH; never repeated once it may have arrived."""
        return await self.request("PATCH", path, **request)

    async def delete(self, path: str, **request: Any) -> Any:
        """DELETE; never repeated once it may have arrived, unless `idempotent=True`."""
        return await self.request("DELETE", path, **request)

    async def page(
        self,
        path: str,
        item: type[M],
        *,
        limit: int,
        cursor: str | None,
        params: Mapping[str, Any] | None = None,
        paging: Paging | None = None,
    ) -> Page[M]:
        """GET one page of a list, in the vendor's way of paging, as models."""
        way = paging or self.paging
        assert way is not None, "give the Api or the call a paging style"
        response = await self.send("GET", path, params={**(params or {}), **way.query(limit, cursor)})
        rows, following = way.read(self._json(response), response.links, limit, cursor)
        return Page(items=[item.model_validate(row) for row in rows], next_cursor=following)

    async def request(self, method: str, path: str, **request: Any) -> Any:
        """Send and return the decoded JSON; None for an empty answer. See `send`."""
        return self._json(await self.send(method, path, **request))

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send and return the whole answer, LARGEST bytes at most.

        Takes what httpx takes (params, json, data, files, content, headers) and `idempotent=True` for requests other
        than GET that may be repeated. None among the params and in the top level of a JSON object is left out.
        """
        async with self.stream(method, path, **request) as response:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise errors.Upstream(
                        f"{self.server.title} answered with more than {LARGEST // 1_000_000} MB.", "Ask for less."
                    )
            headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _TRANSFER]
            return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, idempotent: bool = False, **request: Any
    ) -> AsyncIterator[httpx.Response]:
        """Send, and yield the successful answer before its body is read: for downloads. Raises the errors' classes."""
        built = self._built(method, path, request)
        safe = method in SAFE
        if not safe:
            self._announce(built, request)
        async with AsyncExitStack() as stack:
            for attempt in range(1, TRIES + 1):
                answer = await self._attempt(built, stack, safe or idempotent, attempt)
                if isinstance(answer, httpx.Response):
                    yield answer
                    return
                await asyncio.sleep(answer)

    # -- one attempt ----------------------------------------------------------------------------------------------

    async def _attempt(
        self, request: httpx.Request, stack: AsyncExitStack, repeatable: bool, attempt: int
    ) -> httpx.Response | float:
        """Return a successful answer, or the seconds to wait before the next attempt."""
        last = attempt == TRIES
        await self._wait_for_turn()
        try:
            response = await self.client.send(
                request, stream=True, auth=self._auth, follow_redirects=request.method in SAFE
            )
        except NEVER_SENT as cut:
            if not last and (wait := _backoff(attempt)) < current().left():
                return wait
            raise self._unreachable(cut) from None
        except httpx.TransportError as cut:
            if repeatable and not last and (wait := _backoff(attempt)) < current().left():
                return wait
            raise self._broken(cut, request) from None
        stack.push_async_callback(response.aclose)
        if response.is_success:
            return response
        refused = response.status_code == 429  # the vendor did nothing: any request may come again
        if not last and (refused or (repeatable and response.status_code in (502, 503, 504))):
            wait = _retry_after(response) if "retry-after" in response.headers else _backoff(attempt)
            if wait <= WAIT and wait < current().left():
                await response.aclose()
                return wait
        raise self._problem(response, await _excerpt_of(response))

    async def _wait_for_turn(self) -> None:
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

    def _built(self, method: str, path: str, request: dict[str, Any]) -> httpx.Request:
        url = path if "://" in path else self.base.rstrip("/") + path
        call = current()
        headers = {**self._headers, **call.trace, **(request.pop("headers", None) or {})}
        if self._idempotency_header and call.idempotency_key:
            headers[self._idempotency_header] = call.idempotency_key
            call.replayable = True
        for field in ("params", "json"):
            if isinstance(request.get(field), dict):
                request[field] = {k: v for k, v in request[field].items() if v is not None}
        return self.client.build_request(method, url, headers=headers, **request)

    def _announce(self, request: httpx.Request, parts: dict[str, Any]) -> None:
        body = parts.get("json", parts.get("data"))
        shown = {k: v for k, v in request.headers.items() if k in ("content-type", self._idempotency_header.lower())}
        told = {"method": request.method, "url": str(request.url), "headers": shown, "body": body}
        announce(**{k: v for k, v in told.items() if v})

    # -- client and guard -----------------------------------------------------------------------------------------

    @property
    def base(self) -> str:
        """Where the vendor's API stands."""
        return str(getattr(self.server.settings, self._base_field))

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
        """Refuse every address that was not declared, after redirects too."""
        own = httpx.URL(self.base)
        allowed = {_address(own), *self.server.hosts}
        here = _address(request.url)
        if here not in allowed and f"*.{here.split('.', 1)[-1]}" not in allowed:
            raise errors.Upstream(
                f"{self.server.title} pointed to {errors.excerpt(here, 80)}, which this server may not contact.",
                "Do not follow it.",
            )

    # -- answers --------------------------------------------------------------------------------------------------

    def _json(self, response: httpx.Response) -> Any:
        if not response.content.strip():
            return None
        try:
            return response.json()
        except ValueError:
            kind = response.headers.get("content-type", "no content type").split(";")[0]
            raise errors.Upstream(
                f"{self.server.title} answered with {kind} that is no JSON.", "Try again; if it stays, tell the user."
            ) from None

    def _problem(self, response: httpx.Response, body: Any) -> errors.Problem:
        status, title = response.status_code, self.server.title
        own = self._classify(status, body) if self._classify else None
        if own:
            return own
        words = errors.excerpt(scrub(self._reason(status, body)))
        told = f": {words}".rstrip(".") if words else ""
        if status == 401:
            return errors.Auth(f"{title} does not accept the credentials{told}.", "Ask the user to renew them.")
        if status == 403:
            return errors.Scope(f"{title} does not allow this{told}.", "The user must grant the right, or use another.")
        if status in (404, 410):
            return errors.NotFound(f"{title} does not have this{told}.", "Check the id, or list or search first.")
        if status == 429:
            wait = _retry_after(response) if "retry-after" in response.headers else 60
            return errors.Rate(f"{title} refuses more requests for now{told}.", f"Wait {wait:.0f} seconds, then retry.")
        if status < 500:
            return errors.Input(f"{title} refuses the request ({status}){told}.", "Correct the arguments and try again.")
        return errors.Upstream(f"{title} failed ({status}){told}.{self._maybe(response.request)}", "Try again later.")

    def _unreachable(self, cut: Exception) -> errors.Problem:
        return errors.Upstream(
            f"{self.server.title} cannot be reached ({type(cut).__name__}); nothing was sent.",
            "Try again later, or check the network and the address.",
        )

    def _broken(self, cut: Exception, request: httpx.Request) -> errors.Problem:
        how = "did not answer in time" if isinstance(cut, httpx.TimeoutException) else "cut the connection"
        return errors.Upstream(f"{self.server.title} {how}.{self._maybe(request)}", "Try again later.")

    def _maybe(self, request: httpx.Request) -> str:
        if request.method in SAFE:
            return ""
        return " It may or may not have been done: look before you repeat it."


def segment(value: str) -> str:
    """Return a value as one part of a path, so that an id cannot become another path."""
    if value in ("", ".", ".."):
        raise errors.Input("An id is empty.", "Pass the id that a list or search returned.")
    return quote(value, safe="")


def said(status: int, body: Any) -> str:
    """Return a vendor's own words from the usual places of an error answer."""
    if isinstance(body, Mapping):
        for key in ("message", "error_description", "detail", "details", "error", "errors", "title", "reason"):
            if body.get(key):
                return said(status, body[key])
        return ""
    if isinstance(body, list):
        return "; ".join(said(status, part) for part in body[:5])
    return str(body or "")


def _address(url: httpx.URL) -> str:
    return f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def _backoff(attempt: int) -> float:
    return 0.25 * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds that the vendor asks to wait: a number, or a date (RFC 9110 §10.2.3)."""
    value = response.headers.get("retry-after", "")
    if value.replace(".", "", 1).isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 5.0


async def _excerpt_of(response: httpx.Response) -> Any:
    """Return the start of an error answer, decoded where it is JSON."""
    body = bytearray()
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > 65_536:
                break
    except httpx.HTTPError:
        pass
    try:
        return httpx.Response(200, content=bytes(body)).json()
    except ValueError:
        text = bytes(body).decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text  # a page of HTML helps nobody

"""The only way out: one HTTP client a vendor, with auth, retries, limits, host guard, dry run and consistent errors.

    api = Api(integration, auth=Bearer("token"), paging=ByCursor("collection", "pagination.next_page_token"))
    user = await api.get("/users/me")
    page = await api.page("/scheduled_events", Event, params={"user": uri}, limit=limit, cursor=cursor)

Paths are relative to the `base_url` setting. Failures are raised as the classes of `errors`, also when a response lacks
a field that is read (`responses.Record`). Sending is in `transport`, reading responses in `responses`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx2 as httpx
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel

from flotilla import errors
from flotilla.calls.context import current
from flotilla.calls.dry_run import announce, follows
from flotilla.connection import Connection
from flotilla.http.auth import Auth
from flotilla.http.hosts import may_hold_credentials, origin
from flotilla.http.responses import ErrorMessage, MapError, broken, json_of, object_of, rows_of, usual_message
from flotilla.http.transport import HARMLESS, HOP_HEADERS, LARGEST, SAFE, Transport
from flotilla.integration import Integration
from flotilla.pagination import Page, Paging, readable

M = TypeVar("M", bound=BaseModel)
_TRACE = TraceContextTextMapPropagator()


class RequestOptions(TypedDict, total=False):
    """Keyword arguments of a request.

    As httpx takes them: `params`, `headers`, and one body: `json`, `data` (a form), `files`, `content`. None among the
    params and in the top level of a JSON object is left out; `nulls=True` keeps it in the object, where that clears a
    field. `idempotent=True`: it may be repeated, though it is not a GET. `reads=True`: a POST that only asks, such as a
    search; a dry run sends it too. `reads=False`: a GET that does something, such as starting a job. `expected`:
    further statuses that are answers, such as (308,). `cost`: how many units of the Api's limits it takes, 1 for most.
    `largest`: bytes of the answer that are read into memory, where the usual 10 MB are too few.
    """

    params: Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    json: Any
    data: Mapping[str, Any] | None
    files: Any
    content: str | bytes | None
    nulls: bool
    idempotent: bool
    reads: bool
    expected: Sequence[int]
    cost: float
    largest: int


_PARTS = ("params", "json", "data", "files", "content")


class Api:
    """Requests to one vendor.

    `limits` are (requests, seconds) windows that parallel calls share; `path_limits` are such windows of single paths,
    for vendors that count each method of their API apart. `headers` go with every request. `error_message` returns the
    vendor's message from an error response; `map_error` may turn one into an error of its own, before the usual
    classes. `idempotency_header` is where the vendor takes an idempotency key; `wait_header` is where it says how many
    seconds to wait, or until when (Unix time), if that is not Retry-After.
    """

    def __init__(
        self,
        integration: Integration[Any],
        *,
        auth: Auth | None = None,
        base_url: str = "base_url",
        headers: Mapping[str, str] | None = None,
        paging: Paging | None = None,
        limits: Sequence[tuple[float, float]] = (),
        path_limits: Mapping[str, tuple[float, float]] | None = None,
        error_message: ErrorMessage | None = None,
        map_error: MapError | None = None,
        idempotency_header: str = "",
        wait_header: str = "",
        read_timeout: float = 30,
    ) -> None:
        self.integration, self.paging = integration, paging
        self._headers, self.idempotency_header = dict(headers or {}), idempotency_header
        self.transport = Transport(
            integration,
            auth=auth,
            base_field=base_url,
            limits=limits,
            path_limits=path_limits or {},
            error_message=error_message or usual_message,
            map_error=map_error,
            wait_header=wait_header,
            read_timeout=read_timeout,
        )

    @property
    def base(self) -> str:
        """Where the vendor's API stands, for the running call's account."""
        return self.transport.base

    @property
    def auth(self) -> Auth | None:
        """How requests are authenticated."""
        return self.transport.auth

    @property
    def connection(self) -> Connection[Any]:
        """The account that the running call works for."""
        return self.transport.connection

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of local times where the vendor names none: FLOTILLA_TIMEZONE."""
        return ZoneInfo(self.connection.fleet.timezone)

    async def get(self, path: str, **request: Unpack[RequestOptions]) -> dict[str, Any]:
        """GET; returns the JSON object, a `Record`. Raises errors.UpstreamError for anything else."""
        return object_of(await self.request("GET", path, **request), self.integration.title)

    async def post(self, path: str, **request: Unpack[RequestOptions]) -> dict[str, Any]:
        """POST; never repeated once it may have arrived. Returns the JSON object; where none matters, see `send`."""
        return object_of(await self.request("POST", path, **request), self.integration.title)

    async def put(self, path: str, **request: Unpack[RequestOptions]) -> dict[str, Any]:
        """PUT; never repeated once it may have arrived, unless `idempotent=True`. Returns the JSON object."""
        return object_of(await self.request("PUT", path, **request), self.integration.title)

    async def patch(self, path: str, **request: Unpack[RequestOptions]) -> dict[str, Any]:
        """PATCH; never repeated once it may have arrived. Returns the JSON object."""
        return object_of(await self.request("PATCH", path, **request), self.integration.title)

    async def delete(self, path: str, **request: Unpack[RequestOptions]) -> Any:
        """DELETE; never repeated once it may have arrived, unless `idempotent=True`. Returns JSON, or None."""
        return await self.request("DELETE", path, **request)

    async def rows(
        self, path: str, at: str = "", *, missing: bool = False, **request: Unpack[RequestOptions]
    ) -> list[Any]:
        """GET; returns the list that the answer is, or that stands at a dotted path of it.

        `missing`: the vendor leaves an empty list out. Raises errors.UpstreamError for an answer without a list.
        """
        return rows_of(await self.request("GET", path, **request), self.integration.title, at, missing=missing)

    def rows_in(self, answer: Any, at: str, *, missing: bool = False) -> list[Any]:
        """Return the list at a dotted path of an answer that is there already. See `rows`."""
        return rows_of(answer, self.integration.title, at, missing=missing)

    async def page(
        self,
        path: str,
        item: type[M],
        *,
        limit: int,
        cursor: str | None,
        params: Mapping[str, Any] | None = None,
        paging: Paging | None = None,
        cost: float = 1,
    ) -> Page[M]:
        """GET one page of a list, in the vendor's style of paging, as models. `cost`: see `RequestOptions`."""
        style = paging or self.paging
        assert style is not None, "give the Api or the call a paging style"
        response = await self.send("GET", path, params={**(params or {}), **style.query(limit, cursor)}, cost=cost)
        answer = json_of(response, self.integration.title)
        rows_of(answer, self.integration.title, style.items, missing=True)  # many vendors leave an empty list out
        rows, following = style.read(answer, response.links, limit, cursor)
        return Page(items=readable(item, rows), next_cursor=following)

    async def request(self, method: str, path: str, **request: Unpack[RequestOptions]) -> Any:
        """Send and return the decoded JSON; None for an empty answer. See `send`."""
        return json_of(await self.send(method, path, **request), self.integration.title)

    async def send(self, method: str, path: str, **request: Unpack[RequestOptions]) -> httpx.Response:
        """Send and return the whole answer. See `RequestOptions`; raises the errors' classes."""
        return await self._exchange(method, path, request, whole=True)

    @asynccontextmanager
    async def stream(self, method: str, path: str, **request: Unpack[RequestOptions]) -> AsyncIterator[httpx.Response]:
        """Send, and yield the successful answer before its body is read: for downloads. Otherwise as `send`."""
        response = await self._exchange(method, path, request, whole=False)
        try:
            yield response
        except httpx.RequestError as cut:
            raise broken(cut, self.integration.title) from None
        finally:
            await response.aclose()

    async def _exchange(self, method: str, path: str, options: RequestOptions, whole: bool) -> httpx.Response:
        if unknown := options.keys() - RequestOptions.__annotations__.keys():
            raise TypeError(f"a request takes no {', '.join(sorted(unknown))}")
        asks = options.get("reads", method in SAFE)
        request, parts = self._built(method, path, options, asks)
        if not asks:
            self._announce(request, parts)
        return await self.transport.exchange(request, asks or options.get("idempotent", False), whole)

    def _built(
        self, method: str, path: str, options: RequestOptions, asks: bool
    ) -> tuple[httpx.Request, dict[str, Any]]:
        """Return the request, and its parts without nulls."""
        self.transport.check_base()
        whole_address = path.startswith(("https://", "http://"))
        try:
            url = httpx.URL(path if whole_address else self.base.rstrip("/") + path)
        except httpx.InvalidURL:
            message = f"{self.integration.title} pointed to an address that is not valid."
            raise errors.UpstreamError(message, "Tell the user.") from None
        trusted = not whole_address or may_hold_credentials(self.connection, url, httpx.URL(self.base))
        call, headers = current(), {**(self._headers if trusted else {}), **(options.get("headers") or {})}
        _TRACE.inject(headers)
        if self.idempotency_header and call.idempotency_key and not asks:
            # A call's later requests are other actions, so the vendor must not take them for the first.
            call.keyed_requests += 1
            suffix = f"-{call.keyed_requests}" if call.keyed_requests > 1 else ""
            headers[self.idempotency_header] = call.idempotency_key + suffix
        parts: dict[str, Any] = {name: part for name, part in options.items() if name in _PARTS}
        for field in ("params",) if options.get("nulls") else ("params", "json"):
            if isinstance(parts.get(field), dict):
                parts[field] = {k: v for k, v in parts[field].items() if v is not None}
        extensions = {
            "origin": origin(url),
            "expected": options.get("expected", ()),
            "asks": asks,
            "credentials": trusted,
            "cost": options.get("cost", 1),
            "path": path,
            "largest": options.get("largest", LARGEST),
        }
        return self.transport.client.build_request(method, url, headers=headers, extensions=extensions, **parts), parts

    def follows(self, method: str, path: str, *, json: Any = None) -> None:
        """Declare a request that comes after the first writing one, so that a dry run shows it; see `dry_run.follows`.

        None in the top level of a JSON object is left out, as when it is sent.
        """
        body = {k: v for k, v in json.items() if v is not None} if isinstance(json, dict) else json
        follows(method=method, url=self.base.rstrip("/") + path, **({} if body is None else {"body": body}))

    def _announce(self, request: httpx.Request, parts: dict[str, Any]) -> None:
        body = _shown(parts)
        headers = {k: v for k, v in request.headers.items() if k not in HARMLESS | HOP_HEADERS}
        if "files" in parts:
            headers["content-type"] = "multipart/form-data"  # without the boundary, which is new each time
        if self.auth and request.extensions["credentials"]:
            headers[self.auth.header.lower()] = "***"
        announce(
            method=request.method,
            url=str(request.url),
            **({"headers": headers} if headers else {}),
            **({"body": body} if body is not None else {}),
        )


def _shown(parts: Mapping[str, Any]) -> Any:
    """Return a request's body as a dry run shows it: of files and of bytes their size."""
    if parts.get("files"):
        files = parts["files"].items() if isinstance(parts["files"], Mapping) else parts["files"]
        return {"fields": dict(parts.get("data") or {}), "files": [_file(name, file) for name, file in files]}
    body = next((parts[name] for name in ("json", "data", "content") if parts.get(name) is not None), None)
    return f"{len(body)} bytes" if isinstance(body, bytes) else body


def _file(field: str, file: Any) -> dict[str, Any]:
    name, content, *kind = file if isinstance(file, tuple) else ("upload", file)
    size = len(content.encode() if isinstance(content, str) else content)
    return {"field": field, "name": name, "bytes": size, **({"type": kind[0]} if kind else {})}


def segment(value: str) -> str:
    """Return a value as one part of a path, so that an id cannot become another path."""
    if value in ("", ".", ".."):
        raise errors.InvalidInputError("An id is empty.", "Pass the id that a list or search returned.")
    return quote(value, safe="")

"""The only way out: one HTTP client a server, with auth, retries, limits, a host guard, dry run and one error voice.

    api = Api(server, auth=Bearer("token"), paging=ByCursor("collection", "pagination.next_page_token"))
    user = await api.get("/users/me")
    page = await api.page("/scheduled_events", Event, params={"user": uri}, limit=limit, cursor=cursor)

Paths are relative to the `base_url` setting. Failures are raised as the classes of `errors`. How requests travel is in
`wire`, what answers mean in `answers`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx2 as httpx
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel

from . import errors
from .answers import Classify, Reason, broken, json_of, said
from .call import announce, current, follows
from .paging import Page, Paging
from .wire import HARMLESS, SAFE, WIRE_HEADERS, Wire, address

if TYPE_CHECKING:
    from .auth import Auth
    from .server import Server

M = TypeVar("M", bound=BaseModel)
_TRACE = TraceContextTextMapPropagator()


class Api(Wire):
    """Requests to one vendor.

    `limits` are (requests, seconds) windows that parallel calls share. `headers` go with every request. `reason` reads
    the vendor's words out of an error answer; `classify` may turn one into a problem of its own, before the usual
    classes. `idempotency_header` is where the vendor takes an idempotency key; `wait_header` is where it says how many
    seconds to wait, or until when (Unix time), if that is not Retry-After.
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
        wait_header: str = "",
        read_timeout: float = 30,
    ) -> None:
        super().__init__(server, auth, base_url, limits, reason or said, classify, wait_header, read_timeout)
        self.paging, self._headers, self._idempotency_header = paging, dict(headers or {}), idempotency_header

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
        rows, following = way.read(json_of(response, self.server.title), response.links, limit, cursor)
        return Page(items=[item.model_validate(row) for row in rows], next_cursor=following)

    async def request(self, method: str, path: str, **request: Any) -> Any:
        """Send and return the decoded JSON; None for an empty answer. See `send`."""
        return json_of(await self.send(method, path, **request), self.server.title)

    async def send(self, method: str, path: str, *, idempotent: bool = False, **request: Any) -> httpx.Response:
        """Send and return the whole answer, LARGEST bytes at most. Raises the errors' classes.

        Takes what httpx takes (params, json, data, files, content, headers), `idempotent=True` for requests other
        than GET that may be repeated, `reads=True` for a POST that only asks, such as a search (a dry run sends it
        too), and `expected`, further statuses that are answers, such as (308,). None among the params and in the top
        level of a JSON object is left out; `nulls=True` keeps it in the object, where that clears a field.
        """
        return await self._exchange(method, path, request, idempotent, whole=True)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, idempotent: bool = False, **request: Any
    ) -> AsyncIterator[httpx.Response]:
        """Send, and yield the successful answer before its body is read: for downloads. Otherwise as `send`."""
        response = await self._exchange(method, path, request, idempotent, whole=False)
        try:
            yield response
        except httpx.RequestError as cut:
            raise broken(cut, self.server.title) from None
        finally:
            await response.aclose()

    async def _exchange(
        self, method: str, path: str, parts: dict[str, Any], idempotent: bool, whole: bool
    ) -> httpx.Response:
        asks = parts.pop("reads", False) or method in SAFE
        request = self._built(method, path, parts, asks)
        if not asks:
            self._announce(request, parts)
        return await self.exchange(request, asks or idempotent, whole)

    def _built(self, method: str, path: str, parts: dict[str, Any], asks: bool) -> httpx.Request:
        url = path if path.startswith(("https://", "http://")) else self.base.rstrip("/") + path
        call, headers = current(), {**self._headers, **(parts.pop("headers", None) or {})}
        _TRACE.inject(headers)
        if self._idempotency_header and call.idempotency_key and not asks:
            call.keyed += 1  # a call's later requests are other actions, so the vendor must not take them for the first
            suffix = f"-{call.keyed}" if call.keyed > 1 else ""
            headers[self._idempotency_header] = call.idempotency_key + suffix
        for field in ("params",) if parts.pop("nulls", False) else ("params", "json"):
            if isinstance(parts.get(field), dict):
                parts[field] = {k: v for k, v in parts[field].items() if v is not None}
        extensions = {"address": address(httpx.URL(url)), "expected": parts.pop("expected", ()), "asks": asks}
        return self.client.build_request(method, url, headers=headers, extensions=extensions, **parts)

    def follows(self, method: str, path: str, *, json: Any = None) -> None:
        """Say which request will come after the first one that writes, so that a dry run shows it; see `call.follows`.

        None in the top level of a JSON object is left out, as when it is sent.
        """
        body = {k: v for k, v in json.items() if v is not None} if isinstance(json, dict) else json
        follows(method=method, url=self.base.rstrip("/") + path, **({} if body is None else {"body": body}))

    def _announce(self, request: httpx.Request, parts: dict[str, Any]) -> None:
        body = _shown(parts)
        headers = {k: v for k, v in request.headers.items() if k not in HARMLESS | WIRE_HEADERS}
        if "files" in parts:
            headers["content-type"] = "multipart/form-data"  # without the boundary, which is new each time
        if self._auth:
            headers[self._auth.header.lower()] = "***"
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


def _file(field: str, given: Any) -> dict[str, Any]:
    name, content, *kind = given if isinstance(given, tuple) else ("upload", given)
    size = len(content.encode() if isinstance(content, str) else content)
    return {"field": field, "name": name, "bytes": size, **({"type": kind[0]} if kind else {})}


def segment(value: str) -> str:
    """Return a value as one part of a path, so that an id cannot become another path."""
    if value in ("", ".", ".."):
        raise errors.Input("An id is empty.", "Pass the id that a list or search returned.")
    return quote(value, safe="")

"""The Api of one firm: the vendor's paths as they are documented, behind /firms/FIRM_ID; its headers and paging.

https://www.facturation.dev/api/ (the pages on requests, pagination and limits)
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar, Unpack

import httpx2 as httpx
from pydantic import BaseModel

from flotilla import Api, Page, errors, readable
from flotilla.http.client import RequestOptions
from flotilla.http.responses import json_of
from flotilla_launcher.version import VERSION

M = TypeVar("M", bound=BaseModel)
ACCOUNT = "/account.json"  # the one path outside of a firm
JSON = "application/json; charset=utf-8"  # word for word: another content type is answered with 501
PROJECT = "https://github.com/flotilla-mcp/flotilla"
FULL = 50  # rows of a full page, where the response has no X-Pagination
_CURSOR = re.compile(r"([1-9]\d{0,6})(?:-(\d{1,4}))?", re.ASCII)


class FirmApi(Api):
    """The Api of one firm. A path is what the vendor's page has after FIRM_ID."""

    @property
    def allowance(self) -> dict[str, int]:
        """X-RateLimit-… of the account's last response, empty before the first."""
        allowance: dict[str, int] = self.connection.metadata.get("allowance", {})
        return allowance

    async def firm_id(self) -> int:
        """Return the firm to work on: the configured one, else the only one of the account.

        Raises errors.ConfigurationError with the list where there are several or none.
        """
        metadata, configured = self.connection.metadata, self.connection.settings.firm_id
        if configured:
            return int(configured)
        if "firm" not in metadata:
            rows = await self.rows(ACCOUNT, "firms", missing=True)
            firms = [row for row in rows if isinstance(row, dict) and row.get("id")]
            if len(firms) != 1:
                known = "; ".join(f"{f['id']} {errors.excerpt(f.get('name', ''), 40)}" for f in firms[:20]) or "none"
                raise errors.ConfigurationError(
                    f"FACTURATION_PRO_FIRM_ID is not set, and the account has several firms, or none: {known}.",
                    "Ask the user which firm to use, and to set `facturation-pro.firm_id`.",
                )
            metadata["firm"] = int(firms[0]["id"])
        return int(metadata["firm"])

    async def _request(self, method: str, path: str, request: RequestOptions) -> tuple[str, RequestOptions]:
        """Return the whole path and the request with the vendor's headers; true is 1, lists are comma-separated."""
        headers = {"User-Agent": self._agent(), **(request.get("headers") or {})}
        if method != "GET" and "files" not in request:  # a POST without a body too, as the page on credit notes shows
            headers["Content-Type"] = JSON
        if params := request.get("params"):
            request = {**request, "params": {k: _plain(v) for k, v in params.items()}}
        full_path = path if path == ACCOUNT else f"/firms/{await self.firm_id()}{path}"
        return full_path, {**request, "headers": headers}

    def _agent(self) -> str:
        """Return application and contact; the vendor takes no accents."""
        agent = f"Flotilla {self.integration.slug}/{VERSION} ({self.connection.settings.contact or PROJECT})"
        return unicodedata.normalize("NFKD", " ".join(agent.split())).encode("ascii", "ignore").decode()

    async def send(self, method: str, path: str, **request: Unpack[RequestOptions]) -> httpx.Response:
        """Send within the firm. Otherwise as Api.send."""
        full_path, parts = await self._request(method, path, request)
        response = await super().send(method, full_path, **parts)
        with suppress(ValueError, KeyError):
            self.connection.metadata["allowance"] = {
                "requests_allowed": int(response.headers["x-ratelimit-limit"]),
                "requests_left": int(response.headers["x-ratelimit-remaining"]),
            }
        return response

    @asynccontextmanager
    async def stream(self, method: str, path: str, **request: Unpack[RequestOptions]) -> AsyncIterator[httpx.Response]:
        """Stream within the firm. Otherwise as Api.stream."""
        full_path, parts = await self._request(method, path, request)
        async with super().stream(method, full_path, **parts) as response:
            yield response

    async def listed(
        self,
        path: str,
        item: type[M],
        *,
        limit: int,
        cursor: str | None,
        shape: Callable[[Any], Any] = lambda row: row,
        params: Mapping[str, Any] | None = None,
        first_path: str = "",
    ) -> Page[M]:
        """Return a page of a list. The vendor's pages have a fixed length, so a cursor is a page and a place on it.

        `shape` makes of a row what the model `item` reads. `first_path`: another path for the first page, which takes
        no parameters and redirects.
        """
        number, start = _position(cursor)
        if first_path and number == 1:
            response = await self.send("GET", first_path, cost=2)
        else:
            response = await self.send("GET", path, params={**(params or {}), "page": number if number > 1 else None})
        rows = self.rows_in(json_of(response, self.integration.title), "")
        end = start + limit
        following = f"{number}-{end}" if end < len(rows) else ""
        if not following and rows and _pages(response, number, len(rows)) > number:
            following = str(number + 1)
        return Page(items=readable(item, [shape(row) for row in rows[start:end]]), next_cursor=following or None)


def _position(cursor: str | None) -> tuple[int, int]:
    position = _CURSOR.fullmatch(cursor) if cursor else None
    if cursor and not position:
        raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
    return (int(position[1]), int(position[2] or 0)) if position else (1, 0)


def _pages(response: httpx.Response, number: int, rows: int) -> int:
    """Return how many pages there are; without X-Pagination a full page means that there may be another."""
    with suppress(ValueError, KeyError, TypeError):
        return int(json.loads(response.headers["x-pagination"])["total_pages"])
    return number + (rows >= FULL)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return int(value) if isinstance(value, bool) else value

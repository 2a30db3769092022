"""One way to page: `limit` and `cursor` in, `{items, next_cursor}` out, whatever the vendor does.

A cursor is opaque to the model. It never holds a URL: what a vendor gives as its next page is kept as query only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated, Any, Generic, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flotilla import errors
from flotilla.calls.context import current

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Links = Mapping[str | None, Mapping[str, str]]


class Model(BaseModel):
    """Base of result shapes: fields by name or by the vendor's alias, numeric ids as text, the rest left out."""

    model_config = ConfigDict(populate_by_name=True, coerce_numbers_to_str=True, extra="ignore")


class Timed(Model):
    """Base of result shapes with times: they come in UTC, and are shown in the account's time zone."""

    def within(self, zone: tzinfo) -> Self:
        """Return it with its times in a zone, those of its parts too."""
        changed: dict[str, Any] = {}
        for name, value in self:
            if isinstance(value, datetime):
                changed[name] = value.astimezone(zone)
            elif isinstance(value, Timed):
                changed[name] = value.within(zone)
            elif isinstance(value, list) and value and isinstance(value[0], Timed):
                changed[name] = [one.within(zone) for one in value]
        return self.model_copy(update=changed)


class Page(Model, Generic[T]):
    """One page of a list. Without next_cursor it is the last one."""

    items: list[T]
    next_cursor: str | None = None


Limit = Annotated[int, Field(ge=1, le=100, description="Maximum items per page.")]
Cursor = Annotated[str | None, Field(description="next_cursor from the previous page.")]


def readable(item: type[M], rows: Sequence[Any]) -> list[M]:
    """Return rows of a vendor as models, without those that do not fit: their number stands in the result."""
    items = []
    for row in rows:
        try:
            items.append(item.model_validate(row))
        except (ValidationError, errors.UpstreamError):  # the latter: a `Record` that lacks what a model reads of it
            current().unreadable += 1
    return items


async def fetch_each(things: Sequence[str], fetch: Callable[[str], Awaitable[T]], at_once: int = 10) -> list[T]:
    """Complete a list whose vendor gives ids alone: `fetch` each, some at a time, in the list's order.

    What is gone meanwhile (errors.NotFoundError) or does not fit its model is left out, and counted in the result.
    Raises the first other error.
    """
    turn = asyncio.Semaphore(at_once)

    async def one(thing: str) -> T:
        async with turn:
            return await fetch(thing)

    result: list[T] = []
    for outcome in await asyncio.gather(*map(one, things), return_exceptions=True):
        lacks_a_field = isinstance(outcome, errors.UpstreamError) and isinstance(outcome, KeyError)  # of a `Record`
        if lacks_a_field or isinstance(outcome, errors.NotFoundError | ValidationError):
            current().unreadable += 1
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            result.append(outcome)
    return result


def dig(data: Any, path: str) -> Any:
    """Return what stands at a dotted path, None where there is nothing; an empty path is the data itself."""
    for part in path.split(".") if path else ():
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def cursor_number(cursor: str | None, start: int) -> int:
    """Return a cursor that is a number, `start` without one; raises errors.InvalidInputError for another one."""
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 16):
        raise errors.InvalidInputError("The cursor is not valid.", "Leave it out to start at the first page.")
    return int(cursor) if cursor else start


def sliced(items: Sequence[T], limit: int, cursor: str | None) -> Page[T]:
    """Return one page of a list that came whole.

    The cursor is a position; raises errors.InvalidInputError for another one.
    """
    start = cursor_number(cursor, 0)
    following = start + limit
    return Page(items=list(items[start:following]), next_cursor=str(following) if following < len(items) else None)


@dataclass(frozen=True)
class ByCursor:
    """The vendor takes and returns a token."""

    items: str
    next: str
    cursor: str = "cursor"
    limit: str = "limit"

    def query(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return the query parameters of a page."""
        return {self.limit: limit, **({self.cursor: cursor} if cursor else {})}

    def read(self, data: Any, links: Links, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the cursor of the next page."""
        following = dig(data, self.next)
        return dig(data, self.items) or [], str(following) if following else None


@dataclass(frozen=True)
class ByNumber:
    """The vendor counts pages, or items when `offset` is set. A full page means that there may be another."""

    items: str = ""
    page: str = "page"
    limit: str = "per_page"
    offset: bool = False
    first: int = 1
    total: str = ""  # where the answer tells how many items there are, if it does

    def query(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return the query parameters of a page."""
        return {self.limit: limit, self.page: self._number(cursor)}

    def _number(self, cursor: str | None) -> int:
        return cursor_number(cursor, 0 if self.offset else self.first)

    def read(self, data: Any, links: Links, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the cursor of the next page."""
        items, position, total = dig(data, self.items) or [], self._number(cursor), dig(data, self.total or "-")
        done = position + len(items) if self.offset else (position - self.first) * limit + len(items)
        more = done < int(total) if total is not None else len(items) >= limit
        following = position + (len(items) if self.offset else 1)
        return items, str(following) if more and items else None


@dataclass(frozen=True)
class ByLink:
    """The vendor returns the next page's address, in a Link header (RFC 8288) or at `next` in the answer."""

    items: str = ""
    next: str = ""
    limit: str = "limit"

    def query(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return the query parameters of a page."""
        return dict(parse_qs(cursor, keep_blank_values=True)) if cursor else {self.limit: limit}

    def read(self, data: Any, links: Links, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
        """Return the items and the cursor of the next page."""
        url = dig(data, self.next) if self.next else links.get("next", {}).get("url")
        return dig(data, self.items) or [], urlsplit(str(url or "")).query or None


Paging = ByCursor | ByNumber | ByLink

"""Lists and single objects of the vendor as the models of this server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, PlainSerializer

from flotilla import Page
from flotilla.http.responses import object_of

from .client import api, integration
from .fields import Fields, body
from .firm_api import FULL
from .models import Thing, shaped
from .values import day

T = TypeVar("T", bound=Thing)
MOST_PAGES = 20  # 1,000 rows
Sort = Literal["asc", "desc"]
PeriodType = Annotated[Literal["billed", "paid"], PlainSerializer(lambda by: "" if by == "paid" else by)]


def _period(text: str) -> str:
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        return text
    with suppress(ValueError):
        return day(text).isoformat()
    raise ValueError("write a month or a day, as 2025-06 or 2025-06-30")


Period = Annotated[str, AfterValidator(_period)]


class RareFilters(Fields):
    """Filters of objects that other programs refer to. `ids` make the vendor ignore the other filters."""

    api_id: int | None = None
    api_custom: str | None = None
    sort: Sort | None = None
    ids: list[int] | None = None


async def listed(
    path: str,
    thing: type[T],
    filters: type[Fields],
    limit: int,
    cursor: str | None,
    *,
    other: Mapping[str, Any] | None = None,
    details: bool = False,
    own_list: str = "",
    **arguments: Any,
) -> Page[T]:
    """Return a page of a list of the vendor, filtered.

    `own_list`: the customer's own list, for a call that asks for all of one customer: unlike a filter it fails for a
    customer that does not exist. Raises errors.InvalidInputError for a filter that the list does not have.
    """
    params = body(filters, other, **arguments)
    shape = partial(shaped, thing, details=details)
    alone = set(params) == {"customer_id"} and params["customer_id"]
    first_path = own_list.format(**params) if alone else ""
    return await api.listed(path, thing, shape=shape, params=params, limit=limit, cursor=cursor, first_path=first_path)


async def every(path: str, thing: type[T], most: int = MOST_PAGES, **params: Any) -> tuple[list[T], bool]:
    """Return the objects of a list with all their fields, of at most `most` pages, and whether that is all of it."""
    things: list[T] = []
    cursor: str | None = None
    shape = partial(shaped, thing, details=True)
    for _ in range(most):
        page = await api.listed(path, thing, shape=shape, params=params, limit=FULL, cursor=cursor)
        things += page.items
        cursor = page.next_cursor
        if not cursor:
            return things, True
    return things, False


async def first(path: str, thing: type[T], matches: Callable[[T], bool], **params: Any) -> T | None:
    """Return the first object of a list that matches; reads at most MOST_PAGES pages. All its fields are there."""
    cursor = None
    shape = partial(shaped, thing, details=True)
    for _ in range(MOST_PAGES):
        page = await api.listed(path, thing, shape=shape, params=params, limit=FULL, cursor=cursor)
        match = next((one for one in page.items if matches(one)), None)
        cursor = page.next_cursor
        if match or not cursor:
            return match
    return None


def read(thing: type[T], answer: Any, *, details: bool = False, **known: Any) -> T:
    """Return the object of an answer. Before 2026 a change had an empty answer: what is `known` stands in then."""
    row = {**known, **(object_of(answer, integration.title) if answer else {})}
    return thing.model_validate(shaped(thing, row, details=details))


def by_invoice_date(other: Mapping[str, Any] | None, *period: str | None) -> str | None:
    """Return "billed" where a period is given and not whose: the vendor's own default is the date of the payment."""
    values = any(period) or {"period_start", "period_end"} & set(other or {})
    return "billed" if values and "period_type" not in (other or {}) else None

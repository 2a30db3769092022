"""Arguments that several tools take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, PlainSerializer

from flotilla import Page, errors
from flotilla.http.responses import object_of

from .client import api, integration
from .fields import Changes, Fields, body, names
from .firm import FULL
from .models import Thing, detailed

T = TypeVar("T", bound=Thing)
PAGES = 20  # 1,000 rows
Sort = Literal["asc", "desc"]
Detailed = Annotated[bool, Field(description="All fields: untrusted text")]
PeriodType = Annotated[Literal["billed", "paid"], PlainSerializer(lambda by: "" if by == "paid" else by)]
Period = Annotated[str, Field(pattern=r"^\d{4}-\d\d(-\d\d)?$")]  # a month or a day
Upload = Annotated[str, Field(description="File in the data folder", examples=["justificatif.pdf"])]
Name = Annotated[str | None, Field(description="Stored as")]
Visible = Annotated[bool, Field(description="The customer sees it")]
CustomerId = Annotated[int, Field(description="Id", examples=[180366])]
QuoteId = Annotated[int, Field(description="Id", examples=[411583])]
InvoiceId = Annotated[int, Field(description="Id", examples=[411588])]
DraftId = Annotated[int, Field(description="Id", examples=[411590])]
PurchaseId = Annotated[int, Field(description="Purchase (achat)", examples=[125459])]
SupplierId = Annotated[int, Field(description="Supplier (fournisseur)", examples=[49091])]
ProductId = Annotated[int, Field(description="Id", examples=[46125])]
CategoryId = Annotated[int, Field(description="Id", examples=[4866])]
FollowupId = Annotated[int, Field(description="Id", examples=[4867])]
SettlementId = Annotated[int, Field(description="Id", examples=[14064])]
AssetId = Annotated[int, Field(description="Id", examples=[31])]


class Filters(Fields):
    """What a list may be filtered by, in the vendor's names."""


class Labels(Filters):
    """Filters of objects that other programs refer to. `ids` make the vendor ignore the other filters."""

    api_id: int | None = None
    api_custom: str | None = None
    sort: Sort | None = None
    ids: list[int] | None = None


async def listed(
    path: str,
    thing: type[T],
    filters: type[Filters],
    limit: int,
    cursor: str | None,
    *,
    more: Changes | None = None,
    details: bool = False,
    **given: Any,
) -> Page[T]:
    """Return a page of a list of the vendor, filtered.

    Raises errors.InvalidInputError for a filter that it does not have.
    """
    params = body(filters, more, **given)
    return await api.listed(path, detailed(thing) if details else thing, params=params, limit=limit, cursor=cursor)


async def first(path: str, thing: type[T], fits: Callable[[T], bool], **params: Any) -> T | None:
    """Return the first object of a list that fits; looks through PAGES pages of the vendor at most."""
    cursor = None
    for _ in range(PAGES):
        page = await api.listed(path, thing, params=params, limit=FULL, cursor=cursor)
        found = next((one for one in page.items if fits(one)), None)
        cursor = page.next_cursor
        if found or not cursor:
            return found
    return None


def read(thing: type[T], answer: Any, **known: Any) -> T:
    """Return the object of an answer; before 2026 a change was answered with nothing, so what is known stands in."""
    return thing.model_validate({**known, **(object_of(answer, integration.title) if answer else {})})


def by_invoice_date(filters: Changes | None) -> Changes | None:
    """Let a period mean the date of the invoice: without period_type the vendor takes the date of the payment."""
    if filters and {"period_start", "period_end"} & set(filters):
        return {"period_type": "billed", **filters}
    return filters


def changed(fields: type[Fields], more: Changes | None = None, **given: Any) -> Changes:
    """Return the body of a change; raises errors.InvalidInputError for one that changes nothing."""
    found = body(fields, more, **given)
    if not found:
        raise errors.InvalidInputError("There is nothing to change.", f"Give one of: {names(fields)}.")
    return found

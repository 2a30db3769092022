"""What quotes and invoices share: lines, and how they are changed. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from flotilla import errors

from .amounts import CENT, money, number
from .arguments import Labels, Period, PeriodType
from .fields import OBJECT, Line, LineChange

LINE = [{"title": "Conseil", "quantity": "2", "unit_price": "450", "vat": "20"}]
Lines = Annotated[
    list[Annotated[Line, OBJECT]],
    Field(
        description="unit_price HT, vat %; or product_id",
        examples=[LINE],
    ),
]
LineChanges = Annotated[
    list[Annotated[LineChange, OBJECT]] | None,
    Field(
        description="To change: id and fields, or remove=true",
    ),
]


BillType = Literal[
    "paid", "unpaid", "term", "invoice", "external", "refund", "down_payment", "draft", "notes", "nova"
]  # fmt: skip


class BillFilters(Labels):
    """Query of both lists."""

    customer_id: int | None = None
    title: str | None = None
    company: str | None = None
    last_name: str | None = None
    category_id: int | None = None
    followup_id: int | None = None
    accounting_entry: str | None = None
    user_id: int | None = None
    period_start: Period | None = None
    period_end: Period | None = None
    with_details: bool | None = None


class QuoteFilters(BillFilters):
    """Query of the list of quotes."""

    quote_ref: str | None = None
    full_quote_ref: str | None = None
    status: Literal["pending", "to_invoice", "invoiced", "0", "1", "9"] | None = None
    order: Literal["customer", "total", "billed", "created", "updated"] | None = None


class InvoiceFilters(BillFilters):
    """Query of the list of invoices."""

    invoice_ref: str | None = None
    full_invoice_ref: str | None = None
    payment_ref: str | None = None
    bill_type: BillType | None = None
    period_type: PeriodType = "billed"
    with_settlements: bool | None = None
    order: Literal["customer", "paid", "total", "billed", "term", "created", "updated"] | None = None


def told(lines: list[Line]) -> list[dict[str, Any]]:
    """Return lines as the vendor takes them; raises errors.InvalidInputError where there are none."""
    if not lines:
        raise errors.InvalidInputError("A quote or invoice needs one line at least.", "Give items.")
    return [_line(line) for line in lines]


def _line(line: BaseModel) -> dict[str, Any]:
    return line.model_dump(mode="json", exclude_unset=True, exclude={"id", "remove"})


def merged(bill: dict[str, Any], changes: list[LineChange]) -> list[dict[str, Any]]:
    """Return all lines of a bill with the changes in them: the vendor wants the whole list, or lines may be lost.

    A removed line stays in the list, marked. Raises errors.InvalidInputError for a line that the bill does not have.
    """
    own = set(Line.model_fields) | {"id"}
    there = {row["id"]: {k: v for k, v in row.items() if k in own and v is not None} for row in bill.get("items") or []}
    for change in changes:
        if change.id is None and change.remove:
            raise errors.InvalidInputError("A line to remove needs its id.", "Take it from the items of the bill.")
        if change.id is not None and change.id not in there:
            known = ", ".join(map(str, there)) or "none"
            raise errors.InvalidInputError(f"There is no line {change.id} here.", f"The lines are: {known}.")
        if change.id is not None:
            there[change.id] |= {"_destroy": "1"} if change.remove else _line(change)
    lines = [*there.values(), *(_line(change) for change in changes if change.id is None)]
    if all("_destroy" in line for line in lines):
        raise errors.InvalidInputError("Nothing would be left of it.", "Keep one line at least, or delete the whole.")
    return lines


def label(bill: dict[str, Any], kind: str) -> str:
    """Return how a person calls a bill."""
    number = bill.get("full_invoice_ref") or bill.get("invoice_ref") or bill.get("quote_ref")
    return f"{kind} {number or bill.get('id')}"


def described(bill: dict[str, Any], kind: str) -> str:
    """Return what a person must know of a bill to say yes: its number, whose it is, what it comes to."""
    who = errors.excerpt(bill.get("customer_identity") or bill.get("customer_name") or "", 80)
    amount = f"{money(bill.get('total_with_vat'))} {bill.get('currency') or 'EUR'} TTC"
    return f"{label(bill, kind)}{f' of {who}' if who else ''}, {amount}"


def priced(lines: list[Line], currency: str) -> str:
    """Return what new lines come to, as far as they say it: the vendor computes the total, with rebates and VAT."""
    sums = [
        quantity * price
        for line in lines
        if not line.optional and (quantity := number(line.quantity)) and (price := number(line.unit_price)) is not None
    ]
    told = f"{len(lines)} {'line' if len(lines) == 1 else 'lines'}, {sum(sums, CENT * 0):.2f} {currency} HT"
    catalogue = sum(line.unit_price is None and line.product_id is not None for line in lines)
    return told + (f" and what {catalogue} lines from the catalogue cost" if catalogue else "")

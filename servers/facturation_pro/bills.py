"""What quotes and invoices share: filters, lines, and how a person is asked about one. https://www.facturation.dev/api/"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from flotilla import errors

from .client import api
from .enums import QUOTE_STATUS, label_key
from .fields import AllLineFields, Line, LineChange, body
from .records import Period, PeriodType, RareFilters
from .values import CENT, money_text, number, today

Lines = Annotated[
    list[Line],
    Field(
        description="Lines of the document.",
        examples=[[{"title": "Conseil", "quantity": "2", "unit_price": "450", "vat": "20"}]],
    ),
]


def line_changes(listed_by: str) -> WithJsonSchema:
    """Return the schema of an argument for changes of lines, `listed_by` the tool that shows their ids.

    It is one sentence: the fields of a line are described where lines are created.
    """
    description = (
        f"Lines to change (id from {listed_by} and what is new), remove (id, remove=true) or add (title, quantity, "
        "unit_price, vat). Others stay."
    )
    return WithJsonSchema({"type": "array", "items": {"type": "object"}, "description": description})


OTHER_WORDS = {
    "term": "overdue",
    "late": "overdue",
    "échu": "overdue",
    "échue": "overdue",
    "en retard": "overdue",
    "à relancer": "overdue",
    "impayé": "unpaid",
    "non payé": "unpaid",
    "payé": "paid",
    "réglé": "paid",
    "brouillon": "draft",
    "facture": "invoice",
    "avoir": "refund",
    "credit note": "refund",
    "acompte": "down_payment",
}


def _bill_type(value: Any) -> Any:
    return _BILL_TYPES.get(_singular(value), value)


def _singular(value: Any) -> str:
    """Return a label without accents, plural and the French feminine: "Impayées" is "impaye"."""
    parts = (word.rstrip("s") for word in label_key(value).split())
    return " ".join(word[:-1] if word.endswith("ee") else word for word in parts)


BillType = Annotated[
    Literal["unpaid", "overdue", "paid", "draft", "invoice", "refund", "down_payment", "external", "notes", "nova"],
    BeforeValidator(_bill_type),
    PlainSerializer(lambda kind: "term" if kind == "overdue" else kind),
]
"""A kind of invoice by this server's names; the vendor's, and those of its users, are read too."""
_NAMES = get_args(get_args(BillType)[0])
_BILL_TYPES = {_singular(word): name for word, name in (*((name, name) for name in _NAMES), *OTHER_WORDS.items())}


class BillFilters(RareFilters):
    """Filters of both lists."""

    company: str | None = None
    customer_id: int | None = None
    period_start: Period | None = None
    period_end: Period | None = None
    with_details: bool | None = None
    title: str | None = None
    last_name: str | None = None
    category_id: int | None = None
    followup_id: int | None = None
    accounting_entry: str | None = None
    user_id: int | None = None


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
    order: Literal["customer", "paid", "total", "billed", "term", "created", "updated"] | None = None
    with_settlements: bool | None = None


def quote_status_filter(status: str) -> str:
    """Return a status of the list of quotes as the vendor takes it; raises ValueError with those that exist."""
    if status in ("pending", "to_invoice", "invoiced"):
        return status
    name = QUOTE_STATUS.name(status)
    if name not in QUOTE_STATUS.names.values():
        raise ValueError(f"use pending, to_invoice, invoiced, {', '.join(QUOTE_STATUS.names.values())}")
    return str(QUOTE_STATUS.number(name))


def line_bodies(lines: list[Line]) -> list[dict[str, Any]]:
    """Return lines as the vendor takes them; raises errors.InvalidInputError where there are none."""
    if not lines:
        raise errors.InvalidInputError("A quote or invoice needs at least one line.", "Give `items`.")
    return [_line(line) for line in lines]


def _line(line: Line) -> dict[str, Any]:
    usual = {name: getattr(line, name) for name in line.model_fields_set - {"id", "remove", "other_fields"}}
    return body(AllLineFields, line.other_fields, **usual)


def merged(bill: dict[str, Any], changes: list[LineChange]) -> list[dict[str, Any]]:
    """Return all lines of a bill with the changes in them: the vendor takes the whole list, or lines are lost.

    A removed line stays in the list, marked. Raises errors.InvalidInputError for a line that the bill does not have.
    """
    own = set(AllLineFields.model_fields) | {"id"}
    lines = {row["id"]: {k: v for k, v in row.items() if k in own and v is not None} for row in bill.get("items") or []}
    for change in changes:
        if change.id is None and change.remove:
            raise errors.InvalidInputError("A line to remove needs its id.", "Take it from the document's items.")
        if change.id is not None and change.id not in lines:
            known = ", ".join(map(str, lines)) or "none"
            raise errors.InvalidInputError(f"The document has no line {change.id}.", f"Its lines: {known}.")
        if change.id is not None:
            lines[change.id] |= {"_destroy": "1"} if change.remove else _line(change)
    result = [*lines.values(), *(_line(change) for change in changes if change.id is None)]
    if all("_destroy" in line for line in result):
        raise errors.InvalidInputError(
            "No line would be left.", "Keep at least one line, or delete the whole document."
        )
    return result


async def twin_of_today(kind: str, customer_id: int, lines: list[dict[str, Any]]) -> str:
    """Return a sentence on a quote or invoice of today with the same customer and lines, "" where there is none.

    The vendor makes a second one without a word. Of the customer's newest page.
    """
    params = {"customer_id": customer_id, "with_details": True, "order": "created", "sort": "desc"}
    for bill in await api.rows(f"/{kind}s.json", params=params):
        if not isinstance(bill, dict) or str(bill.get("created_at"))[:10] != today().isoformat():
            continue
        items = api.rows_in(bill, "items", missing=True)
        if len(items) == len(lines) and all(_same(new, old) for new, old in zip(lines, items, strict=True)):
            return f"The {label(bill, f'draft {kind}' if bill.get('draft') else kind)} of today has the same lines. "
    return ""


def _same(new: dict[str, Any], old: Any) -> bool:
    """Tell whether a line of the vendor has what a new line says."""
    if not isinstance(old, dict):
        return False
    texts = all(old.get(name) == new[name] for name in ("title", "product_id") if new.get(name) is not None)
    return texts and all(
        number(old.get(name)) == number(new[name]) for name in ("quantity", "unit_price", "vat") if new.get(name)
    )


def label(bill: dict[str, Any], kind: str) -> str:
    """Return the kind and the number of a document, for a person."""
    number = bill.get("full_invoice_ref") or bill.get("invoice_ref") or bill.get("quote_ref")
    return f"{kind} {number or bill.get('id')}"


def described(bill: dict[str, Any], kind: str) -> str:
    """Return what a person must know to agree: the number of a document, its customer and its total."""
    customer = errors.excerpt(bill.get("customer_identity") or bill.get("customer_name") or "", 80)
    amount = f"{money_text(bill.get('total_with_vat'))} {bill.get('currency') or 'EUR'} TTC"
    return f"{label(bill, kind)}{f' of {customer}' if customer else ''}, {amount}"


def priced(lines: list[Line], currency: str) -> str:
    """Return number and sum of new lines as a phrase, as far as they have prices: the vendor computes the total."""
    total = sum(
        (
            line.quantity * line.unit_price
            for line in lines
            if line.quantity and line.unit_price and not (line.other_fields or {}).get("optional")
        ),
        CENT * 0,
    )
    summary = f"{len(lines)} {'line' if len(lines) == 1 else 'lines'}, {total:.2f} {currency} HT"
    catalogue = sum(line.unit_price is None and line.product_id is not None for line in lines)
    return summary + (f" and the price of {catalogue} lines from the catalogue" if catalogue else "")

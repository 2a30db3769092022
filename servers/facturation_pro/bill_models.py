"""What the tools return of quotes, invoices and payments. As in `models`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from flotilla import Model, UntrustedText

from .enums import MODES, NATURE, QUOTE_STATUS, CommaSeparated
from .models import Money, Thing


class Saved(Thing):
    """A quote or invoice that was written: what a caller does not know yet."""

    said: ClassVar[tuple[str, ...]] = ("id",)

    number: str | None = None
    draft: bool | None = None
    total: Money | None = None
    total_with_vat: Money | None = None
    currency: str | None = None

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of its fields."""
        return {"payment_mode": MODES, "quote_status": QUOTE_STATUS, "nature": NATURE}

    @classmethod
    def flat(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Take the first number that is there, and the customer's name as either page calls it."""
        told = dict(row)
        refs = [told.pop(k, None) for k in ("full_invoice_ref", "invoice_ref", "full_quote_ref", "quote_ref")]
        names = [told.pop(k, None) for k in ("customer_identity", "customer_name")]
        external = told.get("external_ref")
        return {
            **told,
            "number": next((str(ref) for ref in (*refs, external) if ref is not None), None),
            "customer": next((name for name in names if name), None),
        }


class Bill(Saved):
    """A quote or invoice in a list."""

    said: ClassVar[tuple[str, ...]] = ("id", "number", "customer")

    customer_id: int | None = None
    customer: UntrustedText | None = None
    title: UntrustedText | None = None
    invoiced_on: str | None = None
    term_on: str | None = None


class Invoice(Bill):
    """https://www.facturation.dev/api/invoices/"""

    said: ClassVar[tuple[str, ...]] = ("id", "number", "customer")

    paid_on: str | None = None
    balance: Money | None = None


class Quote(Bill):
    """https://www.facturation.dev/api/quotes/"""

    said: ClassVar[tuple[str, ...]] = ("id", "number", "customer")

    quote_status: str | None = None
    fully_invoiced: bool | None = None


class BillLine(Model):
    """One line of a quote or invoice."""

    id: int | None = None
    title: UntrustedText | None = None
    quantity: str | None = None
    unit_price: str | None = None
    vat: str | None = None
    total: str | None = None
    product_id: int | None = None


class WholeInvoice(Invoice):
    """An invoice with its lines."""

    said: ClassVar[tuple[str, ...]] = ("id", "details")

    gathers = True

    items: list[BillLine] = Field(default_factory=list)


class WholeQuote(Quote):
    """A quote with its lines."""

    said: ClassVar[tuple[str, ...]] = ("id", "details")

    gathers = True

    items: list[BillLine] = Field(default_factory=list)


class Settlement(Thing):
    """https://www.facturation.dev/api/settlements/"""

    said: ClassVar[tuple[str, ...]] = ("id",)

    total: Money | None = None
    payment_mode: str | None = None
    paid_on: str | None = None
    payment_ref: str | None = None

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of its fields."""
        return {"payment_mode": MODES}


class Recurring(Thing):
    """The vendor does not document its fields: they are in `details`."""

    said: ClassVar[tuple[str, ...]] = ("id", "details")

    gathers = True

    title: UntrustedText | None = None

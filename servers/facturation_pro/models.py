"""What the tools return: the usual fields of each object, and the others in `details` where they were asked for.

Amounts are decimals as text beside their currency, VAT rates percentages, the vendor's numbered enumerations names.
Empty fields are left out. https://www.facturation.dev/api/ (the table of each object)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from flotilla import Model, UntrustedText
from flotilla.files import FileRef
from flotilla.text import plain

from .enums import (
    CATEGORY_USE,
    FOLLOWUP_USE,
    MODES,
    NATURE,
    PURCHASE_MODES,
    PURCHASE_NATURE,
    QUOTE_STATUS,
    Enumeration,
)
from .values import days_since, money_text, number, percent_text, short_text

Money = Annotated[str, BeforeValidator(money_text)]
Details = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "Further fields, untrusted text"})]
AMOUNTS = frozenset(
    [
        "total",
        "total_with_vat",
        "unit_price",
        "balance",
        "amount_invoiced",
        "vat_amount",
        "paid_in_main_currency",
        "estimated_total_in_main_currency",
    ]
)
NUMBERS = frozenset(["quantity", "rebate_percentage", "penalty", "discount", "tax_percent", "exchange_rate"])
RATES = frozenset(("vat", "default_vat"))


class Thing(Model):
    """One object of the vendor. `enumerations`: those of its fields; `details`: the fields that have no own."""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {}

    id: int
    details: Details | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row of the vendor with the names of this server's fields, where those differ."""
        return row


def shaped(thing: type[Thing], row: Any, *, details: bool = False) -> Any:
    """Return a row of the vendor as `thing` reads it.

    `details`: with all its fields. Anything but an object stays as it is.
    """
    if not isinstance(row, dict):
        return row
    fields = thing.renamed(tidy(row, thing.enumerations))
    others = {name: value for name, value in fields.items() if name not in thing.model_fields}
    return {**fields, "details": others if details and others else None}


def tidy(value: Any, enumerations: Mapping[str, Enumeration], name: str = "") -> Any:
    """Return a value of the vendor in the terms of this server, without what is empty."""
    if isinstance(value, dict):
        inner = {str(key): tidy(item, enumerations, str(key)) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [tidy(item, enumerations, name) for item in value if item is not None]
    if value is None or isinstance(value, bool):
        return value
    if name in enumerations:
        return enumerations[name].name(value)
    if name in AMOUNTS:
        return money_text(value)
    if name in RATES:
        return percent_text(value)
    if name in NUMBERS and (known := number(value)) is not None:
        return short_text(known)
    return plain(value) if isinstance(value, str) else value


class Done(Model):
    """What was done to which object."""

    id: int
    done: str


class Sent(Done):
    """What was sent, and to whom."""

    to: str


class Document(FileRef):
    """A file in the data folder."""


class Attachment(Thing):
    """https://www.facturation.dev/api/assets/"""

    name: UntrustedText | None = None
    bytes: int | None = None
    title: UntrustedText | None = None
    owner_id: int | None = None
    visible: bool | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Name the owner, whatever it is."""
        owner = next((row[k] for k in ("customer_id", "invoice_id", "quote_id", "purchase_id") if k in row), None)
        return {**row, "name": row.get("document_name"), "bytes": row.get("document_size"), "owner_id": owner}


class Category(Thing):
    """https://www.facturation.dev/api/categories/"""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {"status": CATEGORY_USE}

    title: UntrustedText | None = None
    status: str | None = None


class Followup(Thing):
    """https://www.facturation.dev/api/followups/"""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {"status": FOLLOWUP_USE}

    title: UntrustedText | None = None
    status: str | None = None


class Party(Thing):
    """What customers and suppliers share."""

    name: UntrustedText | None = None
    email: str | None = None
    city: UntrustedText | None = None
    siret: str | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Name a company by its name, a person by both names."""
        person = " ".join(str(row[k]) for k in ("first_name", "last_name") if row.get(k))
        return {**row, "name": row.get("company_name") or person or row.get("short_name")}


class Customer(Party):
    """https://www.facturation.dev/api/customers/"""

    individual: bool | None = None
    last_invoiced_on: str | None = None
    warning: str | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Warn of a French professional without SIRET: since the reform an invoice to it must bear one."""
        fields = super().renamed(row)
        french = str(row.get("country") or "FR").upper() == "FR"
        professional = row.get("individual") is False or ("company_name" in row and not row.get("individual"))
        if french and professional and not row.get("siret"):
            fields["warning"] = "No SIRET: French law requires one on invoices to French companies."
        return fields


class SavedCustomer(Customer):
    """A customer that was written. `created` is false for one that existed already."""

    created: bool | None = None
    note: str | None = None


class Supplier(Party):
    """https://www.facturation.dev/api/suppliers/"""


class Product(Thing):
    """https://www.facturation.dev/api/products/"""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {"nature": NATURE}

    ref: str | None = None
    title: UntrustedText | None = None
    unit_price: Money | None = None
    vat: str | None = None


class Purchase(Thing):
    """https://www.facturation.dev/api/purchases/"""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {"payment_mode": PURCHASE_MODES, "nature": PURCHASE_NATURE}

    supplier: UntrustedText | None = None
    title: UntrustedText | None = None
    invoiced_on: str | None = None
    paid_on: str | None = None
    total_with_vat: Money | None = None
    vat_amount: Money | None = None
    currency: str | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Name the supplier."""
        return {**row, "supplier": row.pop("supplier_identity", None)}


class SavedBill(Thing):
    """A quote or invoice that was written: what the caller does not know yet."""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {
        "payment_mode": MODES,
        "quote_status": QUOTE_STATUS,
        "nature": NATURE,
    }

    number: str | None = None
    draft: bool | None = None
    total: Money | None = None
    total_with_vat: Money | None = None
    currency: str | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Take the first number that is there, and the customer's name as either page calls it."""
        fields = dict(row)
        refs = [fields.pop(k, None) for k in ("full_invoice_ref", "invoice_ref", "full_quote_ref", "quote_ref")]
        customers = [fields.pop(k, None) for k in ("customer_identity", "customer_name")]
        refs.append(fields.get("external_ref"))
        return {
            **fields,
            "number": next((str(ref) for ref in refs if ref is not None), None),
            "customer": next((name for name in customers if name), None),
        }


class Bill(SavedBill):
    """A quote or invoice in a list."""

    customer_id: int | None = None
    customer: UntrustedText | None = None
    title: UntrustedText | None = None
    invoiced_on: str | None = None
    term_on: str | None = None
    link: str | None = None

    @classmethod
    def renamed(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Name the link as every server does: it opens the document for everybody who has it."""
        fields = super().renamed(row)
        return {**fields, "link": fields.pop("public_download_url", None)}


class Invoice(Bill):
    """https://www.facturation.dev/api/invoices/"""

    paid_on: str | None = None
    balance: Money | None = None
    days_late: int | None = None
    email: str | None = None

    def late(self) -> int | None:
        """Return for how many days its payment is due; None for what is not due, and for credit notes."""
        due = not self.draft and not self.paid_on and not str(self.total_with_vat or self.total or "").startswith("-")
        return (days_since(self.term_on) if due else 0) or None


class Quote(Bill):
    """https://www.facturation.dev/api/quotes/"""

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


class InvoiceWithLines(Invoice):
    """An invoice with its lines."""

    items: list[BillLine] = Field(default_factory=list)


class QuoteWithLines(Quote):
    """A quote with its lines."""

    items: list[BillLine] = Field(default_factory=list)


class Settlement(Thing):
    """https://www.facturation.dev/api/settlements/"""

    enumerations: ClassVar[Mapping[str, Enumeration]] = {"payment_mode": MODES}

    total: Money | None = None
    payment_mode: str | None = None
    paid_on: str | None = None
    payment_ref: str | None = None


class Recurring(Thing):
    """A recurring invoice or purchase. The vendor does not document its fields: they are in `details`."""

    title: UntrustedText | None = None

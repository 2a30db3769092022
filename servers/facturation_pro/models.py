"""What the tools return: the few fields of a summary, and the rest in `details` where it was asked for.

Amounts are decimals as text beside their currency, VAT rates percentages, the vendor's numbers words. Empty fields are
left out. https://www.facturation.dev/api/ (the table of each object)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from flotilla import Model, UntrustedText
from flotilla.text import plain

from .amounts import money, percent, shown
from .amounts import number as decimal
from .enums import CATEGORY_USE, FOLLOWUP_USE, NATURE, PURCHASE_MODES, PURCHASE_NATURE, CommaSeparated

Money = Annotated[str, BeforeValidator(money)]
Details = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "UntrustedText text"})]
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
T = TypeVar("T", bound="Thing")


def tidy(value: Any, words: Mapping[str, CommaSeparated], name: str = "") -> Any:
    """Return what the vendor sent in the words of this server, without what is empty."""
    if isinstance(value, dict):
        told = {str(k): tidy(v, words, str(k)) for k, v in value.items()}
        return {k: v for k, v in told.items() if v not in (None, "", [], {})}
    if isinstance(value, list):
        return [tidy(inner, words, name) for inner in value if inner is not None]
    if value is None or isinstance(value, bool):
        return value
    if name in words:
        return words[name].word(value)
    if name in AMOUNTS:
        return money(value)
    if name in RATES:
        return percent(value)
    if name in NUMBERS and (found := decimal(value)) is not None:
        return shown(found)
    return plain(value) if isinstance(value, str) else value


def short(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Leave out of the schema what a model need not be told beforehand: forty lists of fields fill a context."""
    said: tuple[str, ...] = model.said  # type: ignore[attr-defined]
    schema["properties"] = {k: v for k, v in schema["properties"].items() if k in said}
    if "required" in schema:
        schema["required"] = [k for k in schema["required"] if k in said]


class Thing(Model):
    """One object of the vendor, in a few fields. `gathers`: keeps the others in `details`.

    `said` are the fields that the output schema names; results hold the others too.
    """

    model_config = ConfigDict(json_schema_extra=short)
    gathers: ClassVar[bool] = False
    said: ClassVar[tuple[str, ...]] = ("id", "title")

    id: int
    details: Details | None = None

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of the object's fields."""
        return {}

    @model_validator(mode="before")
    @classmethod
    def _tidied(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        told = cls.flat(tidy(row, cls.words()))
        others = {k: v for k, v in told.items() if k not in cls.model_fields} if cls.gathers else None
        return {**told, "details": others or None}

    @classmethod
    def flat(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Give the vendor's fields our names, where those differ."""
        return row


@cache
def detailed(thing: type[T]) -> type[T]:
    """Return a model like `thing` that keeps in `details` whatever has no field of its own."""
    return type(thing.__name__, (thing,), {"gathers": True, "__module__": __name__})


class Done(Model):
    """What was done to what."""

    id: int
    done: str


class Document(Model):
    """A file in the data folder."""

    model_config = ConfigDict(json_schema_extra=short)
    said: ClassVar[tuple[str, ...]] = ("path",)

    path: str
    bytes: int
    sha256: str
    content_type: str


class Attachment(Thing):
    """https://www.facturation.dev/api/assets/"""

    said: ClassVar[tuple[str, ...]] = ("id", "name", "title")

    name: UntrustedText | None = None
    bytes: int | None = None
    title: UntrustedText | None = None
    owner_id: int | None = None
    visible: bool | None = None

    @classmethod
    def flat(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Tell the owner whatever it is; the address is only for who has the key."""
        owner = next((row[k] for k in ("customer_id", "invoice_id", "quote_id", "purchase_id") if k in row), None)
        return {**row, "name": row.get("document_name"), "bytes": row.get("document_size"), "owner_id": owner}


class Category(Thing):
    """https://www.facturation.dev/api/categories/"""

    said: ClassVar[tuple[str, ...]] = ("id", "title", "status")

    title: UntrustedText | None = None
    status: str | None = None

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of its fields."""
        return {"status": CATEGORY_USE}


class Followup(Category):
    """https://www.facturation.dev/api/followups/"""

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of its fields."""
        return {"status": FOLLOWUP_USE}


class Contact(Thing):
    """What customers and suppliers share."""

    said: ClassVar[tuple[str, ...]] = ("id", "name")

    name: UntrustedText | None = None
    email: str | None = None
    city: UntrustedText | None = None
    siret: str | None = None

    @classmethod
    def flat(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Name a company by its name, a person by both names."""
        person = " ".join(str(row[k]) for k in ("first_name", "last_name") if row.get(k))
        return {**row, "name": row.get("company_name") or person or row.get("short_name")}


class Customer(Contact):
    """https://www.facturation.dev/api/customers/"""

    said: ClassVar[tuple[str, ...]] = ("id", "name")

    individual: bool | None = None
    last_invoiced_on: str | None = None
    warning: str | None = None

    @classmethod
    def flat(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Warn of a French professional without SIRET: since the reform an invoice to it must bear one."""
        told = super().flat(row)
        french = str(row.get("country") or "FR").upper() == "FR"
        professional = row.get("individual") is False or ("company_name" in row and not row.get("individual"))
        if french and professional and not row.get("siret"):
            told["warning"] = "No SIRET: French law wants one on invoices to French companies."
        return told


class Supplier(Contact):
    """https://www.facturation.dev/api/suppliers/"""


class Product(Thing):
    """https://www.facturation.dev/api/products/"""

    said: ClassVar[tuple[str, ...]] = ("id", "title")

    ref: str | None = None
    title: UntrustedText | None = None
    unit_price: Money | None = None
    vat: str | None = None

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of its fields."""
        return {"nature": NATURE}


class Purchase(Thing):
    """https://www.facturation.dev/api/purchases/"""

    said: ClassVar[tuple[str, ...]] = ("id", "supplier", "title")

    supplier: UntrustedText | None = None
    title: UntrustedText | None = None
    invoiced_on: str | None = None
    paid_on: str | None = None
    total_with_vat: Money | None = None
    vat_amount: Money | None = None
    currency: str | None = None

    @classmethod
    def words(cls) -> Mapping[str, CommaSeparated]:
        """Return the enumerations of its fields."""
        return {"payment_mode": PURCHASE_MODES, "nature": PURCHASE_NATURE}

    @classmethod
    def flat(cls, row: dict[str, Any]) -> dict[str, Any]:
        """Name the supplier."""
        return {**row, "supplier": row.pop("supplier_identity", None)}


class WholeCustomer(Customer):
    """A customer with all that is known of it."""

    gathers = True
    said: ClassVar[tuple[str, ...]] = (*Customer.said, "details")


class WholeSupplier(Supplier):
    """A supplier with all that is known of it."""

    gathers = True
    said: ClassVar[tuple[str, ...]] = (*Supplier.said, "details")


class WholeProduct(Product):
    """A product with all that is known of it."""

    gathers = True
    said: ClassVar[tuple[str, ...]] = (*Product.said, "details")


class WholePurchase(Purchase):
    """A purchase with all that is known of it."""

    gathers = True
    said: ClassVar[tuple[str, ...]] = (*Purchase.said, "details")


class SavedCustomer(Customer):
    """A customer that was written: a caller knows the rest. `created` is false for one that was there already."""

    said: ClassVar[tuple[str, ...]] = ("id", "warning", "created", "note")

    created: bool | None = None
    note: str | None = None

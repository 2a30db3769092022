"""What WooCommerce's objects look like here: what a conversation with a customer or the shop's owner needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText, readable
from flotilla.parsing import html_to_text

from .values import amount, day, moment, written

# Where the plugins for shipments keep what was sent: WooCommerce itself has no field for it.
SHIPMENTS = ("_wc_shipment_tracking_items", "wc_shipment_tracking_items")
NUMBERS = {  # key of the number: key of the carrier
    "_tracking_number": "_tracking_provider",
    "_aftership_tracking_number": "_aftership_tracking_provider_name",
    "ywot_tracking_code": "ywot_carrier_name",
    "_ywot_tracking_code": "_ywot_carrier_name",
}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def full_name(person: Any) -> str:
    """Return first and last name, else the company; "" without any."""
    if not isinstance(person, Mapping):
        return ""
    names = " ".join(str(person.get(part) or "") for part in ("first_name", "last_name")).strip()
    return names or str(person.get("company") or "")


def address(person: Any) -> str | None:
    """Return a postal address in one line."""
    if not isinstance(person, Mapping):
        return None
    town = f"{person.get('postcode') or ''} {person.get('city') or ''}".strip()
    parts = (person.get("address_1"), person.get("address_2"), town, person.get("country"))
    return ", ".join(str(part) for part in parts if part) or None


class Tracking(Model):
    """One parcel, as a plugin for shipments noted it."""

    carrier: str | None = None
    number: str
    link: str | None = None

    @classmethod
    def of(cls, meta_data: Any) -> list[Tracking]:
        """Return the parcels of an order, from its meta data."""
        meta = {str(one.get("key")): one.get("value") for one in _dicts(meta_data)}
        rows: list[dict[str, Any]] = [
            {
                "carrier": one.get("formatted_tracking_provider")
                or one.get("custom_tracking_provider")
                or one.get("tracking_provider")
                or None,
                "number": one.get("tracking_number"),
                "link": one.get("formatted_tracking_link") or one.get("custom_tracking_link") or None,
            }
            for key in SHIPMENTS
            for one in _dicts(meta.get(key))
        ]
        rows += [
            {"carrier": meta.get(carrier) or None, "number": meta[number], "link": None}
            for number, carrier in NUMBERS.items()
            if isinstance(meta.get(number), str) and meta[number]
        ]
        return readable(cls, rows)


class Line(Model):
    """One line of an order. `total` includes tax, in the order's currency."""

    line: str = Field(alias="id", description="Number of the line, for woo_refund_order")
    name: str
    sku: str | None = None
    quantity: float
    total: str

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {**raw, "total": written(amount(raw.get("total")) + amount(raw.get("total_tax")))}


def bought(raw: Any) -> list[str]:
    """Return what was ordered, as `2 × Tasse bleue`."""
    return [f"{one.get('quantity')} × {one.get('name')}" for one in _dicts(raw) if one.get("name")]


class Order(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties"""

    number: str = Field(description="Order number as people say it, which other tools take")
    id: str
    status: str
    created: AwareDatetime | None = None
    customer: UntrustedText | None = None
    email: str | None = None
    phone: str | None = None
    total: str
    currency: str | None = None
    refunded: str | None = None
    items: list[str] = Field(default_factory=list)
    tracking: list[Tracking] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "billing" not in raw:
            return raw
        billing = raw["billing"] if isinstance(raw["billing"], dict) else {}
        refunded = sum(abs(amount(one.get("total"))) for one in _dicts(raw.get("refunds")))
        return {
            **raw,
            "number": raw.get("number") or raw.get("id"),
            "created": moment(raw, "date_created"),
            "customer": full_name(billing) or full_name(raw.get("shipping")) or None,
            "email": billing.get("email") or None,
            "phone": billing.get("phone") or None,
            "refunded": written(refunded) if refunded else None,
            "items": bought(raw.get("line_items")),
            "tracking": Tracking.of(raw.get("meta_data")),
        }


class Note(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#order-note-properties"""

    id: str
    created: AwareDatetime | None = None
    text: UntrustedText
    to_customer: bool = False

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "note" not in raw:
            return raw
        return {
            "id": raw.get("id"),
            "created": moment(raw, "date_created"),
            "text": html_to_text(str(raw.get("note") or "")),
            "to_customer": bool(raw.get("customer_note")),
        }


class OrderStatus(Order):
    """Where an order is. `explanation` says in a sentence what its status stands for."""

    explanation: str
    completed: AwareDatetime | None = None
    messages: list[UntrustedText] = Field(default_factory=list, description="What the shop wrote to the customer")

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, raw: Any) -> Any:
        return {**raw, "completed": moment(raw, "date_completed")} if isinstance(raw, dict) else raw


class Statuses(Model):
    """The newest orders of a caller."""

    items: list[OrderStatus]
    caller_matches: bool | None = Field(
        None, description="Whether the contact that was passed is the one of the order with this number"
    )


class OrderDetails(Order):
    """An order with all that is known of it."""

    lines: list[Line] = Field(default_factory=list)
    shipping_fee: str | None = None
    shipping: UntrustedText | None = Field(None, description="How and where it is sent")
    billing: UntrustedText | None = None
    payment: str | None = None
    paid: AwareDatetime | None = None
    customer_note: UntrustedText | None = None
    notes: list[Note] = Field(default_factory=list)
    link: str | None = Field(None, description="The order in the shop's administration")
    payment_url: str | None = Field(None, description="Where the customer pays, while it is unpaid")

    @model_validator(mode="before")
    @classmethod
    def _more(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "line_items" not in raw:
            return raw
        methods = [str(one.get("method_title") or "") for one in _dicts(raw.get("shipping_lines"))]
        fee = amount(raw.get("shipping_total")) + amount(raw.get("shipping_tax"))
        where = [*methods, full_name(raw.get("shipping")), address(raw.get("shipping")) or ""]
        return {
            **raw,
            "lines": readable(Line, raw.get("line_items") or []),
            "shipping_fee": written(fee) if fee else None,
            "shipping": ", ".join(part for part in where if part) or None,
            "billing": address(raw.get("billing")),
            "payment": raw.get("payment_method_title") or None,
            "paid": moment(raw, "date_paid"),
            "payment_url": raw.get("payment_url") if raw.get("status") == "pending" else None,
            "customer_note": raw.get("customer_note") or None,
        }


class Refund(Model):
    """A refund. `paid_back` tells whether WooCommerce had the payment service send the money back."""

    id: str
    order: str
    amount: str
    currency: str | None = None
    paid_back: bool = False
    calculation: list[str] = Field(default_factory=list)


class Deleted(Model):
    """What was put into the trash or deleted."""

    id: str
    name: str
    deleted: bool = True


class Variation(Model):
    """One variation of a product, such as a size. Price and stock stand here, not on the product."""

    id: str
    name: str = Field(description="Its options, as `Bleu, L`")
    sku: str | None = None
    price: str | None = None
    stock_quantity: float | None = None
    stock_status: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "attributes" not in raw:
            return raw
        return {**raw, "name": options(raw.get("attributes")), "sku": raw.get("sku") or None}


def options(attributes: Any) -> str:
    """Return the options of a variation, as `Bleu, L`; "any" where it fits all of them."""
    return ", ".join(str(one.get("option")) for one in _dicts(attributes) if one.get("option")) or "any"


class Product(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#product-properties"""

    id: str
    name: str
    sku: str | None = None
    type: str | None = None
    status: str | None = None
    price: str | None = Field(None, description="What it costs now")
    regular_price: str | None = None
    sale_price: str | None = None
    stock_quantity: float | None = None
    stock_status: str | None = None
    categories: list[str] = Field(default_factory=list)
    link: str | None = Field(None, alias="permalink")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        empty = {name: None for name in ("sku", "price", "regular_price", "sale_price") if not raw.get(name)}
        names = [str(one.get("name")) for one in _dicts(raw.get("categories")) if one.get("name")]
        return {**raw, **empty, "categories": names}


class ProductDetails(Product):
    """A product with its variations."""

    description: str | None = None
    attributes: list[str] = Field(default_factory=list, description="As `Taille: S, M, L`")
    variations: list[Variation] = Field(default_factory=list)


class Stock(Model):
    """The stock of a product or variation after a change."""

    id: str
    name: str
    sku: str | None = None
    before: float | None = None
    stock_quantity: float | None = None
    stock_status: str | None = None


class Changed(Model):
    """What became of one product of many: `problem` says why it was not changed."""

    id: str
    name: str | None = None
    problem: str | None = None


class ChangedMany(Model):
    """What became of many products."""

    changed: int
    items: list[Changed] = Field(description="In the order of the request")


class Customer(Model):
    """A person who bought. Guests have no id; they are known from their orders."""

    id: str | None = Field(None, description="Id of the account, none for a guest")
    name: UntrustedText | None = None
    email: str | None = None
    phone: str | None = None
    company: UntrustedText | None = None
    address: UntrustedText | None = None
    last_order: str | None = Field(None, description="Number of the newest order, where they were found by one")

    @classmethod
    def of_account(cls, raw: Any) -> dict[str, Any]:
        """Return the fields of an account."""
        billing = raw.get("billing") if isinstance(raw.get("billing"), dict) else {}
        return {
            "id": raw.get("id"),
            "name": full_name(raw) or full_name(billing) or None,
            "email": raw.get("email") or billing.get("email") or None,
            "phone": billing.get("phone") or None,
            "company": billing.get("company") or None,
            "address": address(billing),
        }

    @classmethod
    def of_order(cls, raw: Any) -> dict[str, Any]:
        """Return the fields of who is billed for an order."""
        person = cls.of_account({**raw, "id": None})
        return {**person, "id": raw.get("customer_id") or None, "last_order": str(raw.get("number") or raw.get("id"))}


class Account(Customer):
    """A customer's account: https://woocommerce.github.io/woocommerce-rest-api-docs/#customer-properties"""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return cls.of_account(raw) if isinstance(raw, dict) and "billing" in raw else raw


class Coupon(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#coupon-properties"""

    id: str
    code: str
    amount: str
    discount_type: str
    last_day: date | None = Field(None, description="Last day on which it works")
    minimum_amount: str | None = None
    usage_count: int = 0
    usage_limit: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "code" not in raw:
            return raw
        least = amount(raw.get("minimum_amount"))
        ends = day(raw.get("date_expires"))
        return {
            **raw,
            "last_day": ends and ends - timedelta(days=1),
            "minimum_amount": written(least) if least else None,
        }


class Category(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#product-category-properties"""

    id: str
    name: str
    parent: str | None = None
    count: int = Field(0, description="Number of its products")


class TopSeller(Model):
    """A product and how often it was sold."""

    product_id: str
    name: str = Field(alias="title")
    quantity: float


class SalesReport(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#sales-report-properties. Amounts are the shop's."""

    currency: str | None = None
    total_sales: str
    net_sales: str
    average_sales: str | None = Field(None, description="Net sales a day")
    total_orders: int
    total_items: int | None = None
    total_tax: str | None = None
    total_shipping: str | None = None
    total_refunds: float | None = None
    total_discount: str | None = None
    top_sellers: list[TopSeller] = Field(default_factory=list)


class ShopSetting(Model):
    """One thing of the shop's configuration."""

    id: str
    name: str
    details: str | None = None


class Webhook(Model):
    """https://woocommerce.github.io/woocommerce-rest-api-docs/#webhook-properties"""

    id: str
    name: str | None = None
    status: str | None = None
    topic: str
    delivery_url: str


def texts(parts: Iterable[Any]) -> str | None:
    """Return the parts that are there, with commas between them."""
    return ", ".join(str(part) for part in parts if part not in (None, "")) or None

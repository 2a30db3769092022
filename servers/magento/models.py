"""What Magento's objects look like here: what a conversation with a customer or the shop's owner needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, model_validator

from flotilla import Model, UntrustedText, readable

from .values import amount, moment, plain, written


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none for what is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def full_name(person: Any, prefix: str = "") -> str | None:
    """Return first and last name."""
    if not isinstance(person, Mapping):
        return None
    return " ".join(str(person.get(f"{prefix}{part}") or "") for part in ("firstname", "lastname")).strip() or None


def address(place: Any) -> str | None:
    """Return a postal address in one line."""
    if not isinstance(place, Mapping):
        return None
    street = place.get("street") if isinstance(place.get("street"), list) else []
    town = f"{place.get('postcode') or ''} {place.get('city') or ''}".strip()
    return ", ".join(str(part) for part in [*(street or []), town, place.get("country_id")] if part) or None


def lines_of(order: Any) -> list[dict[str, Any]]:
    """Return what people see as the lines of an order: a configured product once, not its simple one again."""
    return [one for one in dicts(order.get("items")) if not one.get("parent_item_id") and one.get("item_id")]


class Tracking(Model):
    """One parcel."""

    carrier: str | None = Field(None, alias="title")
    number: str = Field(alias="track_number")


class Line(Model):
    """One line of an order. `total` includes tax and discount."""

    line: str = Field(alias="item_id", description="Number of the line")
    name: str
    sku: str
    ordered: float = Field(0, alias="qty_ordered")
    shipped: float = Field(0, alias="qty_shipped")
    refunded: float = Field(0, alias="qty_refunded")
    total: str

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        total = amount(raw.get("row_total_incl_tax")) - amount(raw.get("discount_amount"))
        return {**raw, "total": written(total), "name": raw.get("name") or raw.get("sku")}


class Order(Model):
    """https://developer.adobe.com/commerce/webapi/rest/quick-reference/: salesOrderRepository"""

    number: str = Field(alias="increment_id", description="Order number, which other tools take")
    status: str
    created: AwareDatetime | None = None
    customer: UntrustedText | None = None
    email: str | None = Field(None, alias="customer_email")
    phone: str | None = None
    total: str
    currency: str | None = Field(None, alias="order_currency_code")
    refunded: str | None = None
    items: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "grand_total" not in raw:
            return raw
        billing = raw.get("billing_address")
        refunded = amount(raw.get("total_refunded"))
        return {
            **raw,
            "status": raw.get("status") or raw.get("state"),
            "created": moment(raw.get("created_at")),
            "customer": full_name(raw, "customer_") or full_name(billing),
            "phone": billing.get("telephone") if isinstance(billing, dict) else None,
            "total": written(raw.get("grand_total")),
            "refunded": written(refunded) if refunded else None,
            "items": [f"{plain(amount(one.get('qty_ordered')))} × {one.get('name')}" for one in lines_of(raw)],
        }

    def within(self, zone: ZoneInfo) -> Order:
        """Return it with its times in a zone."""
        times = {"created": self.created.astimezone(zone) if self.created else None}
        return self.model_copy(update=times)


class OrderStatus(Order):
    """Where an order is. `explanation` says in a sentence what its status stands for."""

    explanation: str
    tracking: list[Tracking] = Field(default_factory=list)
    messages: list[UntrustedText] = Field(default_factory=list, description="What the shop wrote to the customer")


class Statuses(Model):
    """The newest orders of a caller."""

    items: list[OrderStatus]
    caller_matches: bool | None = Field(
        None, description="Whether the contact that was passed is the one of the order with this number"
    )


class Comment(Model):
    """A comment of an order."""

    created: AwareDatetime | None = None
    text: UntrustedText = Field(alias="comment")
    to_customer: bool = Field(False, alias="is_customer_notified")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {
            **raw,
            "created": moment(raw.get("created_at")),
            "is_customer_notified": bool(raw.get("is_customer_notified")),
        }


class OrderDetails(Order):
    """An order with all that is known of it."""

    lines: list[Line] = Field(default_factory=list)
    shipping_fee: str | None = None
    shipping: UntrustedText | None = Field(None, description="How and where it is sent")
    billing: UntrustedText | None = None
    payment: str | None = None
    paid: str | None = None
    invoices: list[str] = Field(default_factory=list, description="As `000000007: 66.35`")
    tracking: list[Tracking] = Field(default_factory=list)
    comments: list[Comment] = Field(default_factory=list)
    link: str | None = Field(None, description="The order in the shop's administration")

    @model_validator(mode="before")
    @classmethod
    def _more(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "grand_total" not in raw:
            return raw
        fee = amount(raw.get("shipping_incl_tax"))
        payment = raw.get("payment") if isinstance(raw.get("payment"), dict) else {}
        more = payment.get("additional_information") if isinstance(payment, dict) else None
        titles = [one for one in more if isinstance(one, str)] if isinstance(more, list) else []
        place = shipping_address(raw)
        where = [raw.get("shipping_description"), full_name(place), address(place)]
        return {
            **raw,
            "lines": readable(Line, lines_of(raw)),
            "shipping_fee": written(fee) if fee else None,
            "shipping": ", ".join(str(part) for part in where if part) or None,
            "billing": address(raw.get("billing_address")),
            "payment": titles[0] if titles else (payment or {}).get("method"),
            "paid": written(raw["total_paid"]) if raw.get("total_paid") else None,
            "comments": readable(Comment, [one for one in dicts(raw.get("status_histories")) if one.get("comment")]),
        }


def shipping_address(order: Mapping[str, Any]) -> Any:
    """Return where an order is sent, which stands deep in it."""
    extension = order.get("extension_attributes")
    assignments = dicts(extension.get("shipping_assignments")) if isinstance(extension, Mapping) else []
    shipping = assignments[0].get("shipping") if assignments else None
    return shipping.get("address") if isinstance(shipping, Mapping) else None


class Done(Model):
    """What was made of an order."""

    order: str | None = None
    id: str | None = Field(None, description="Id of what was made in the shop")
    done: str


class Refund(Model):
    """A refund. `paid_back` tells whether the payment service was told to send the money back."""

    id: str
    order: str
    amount: str
    currency: str | None = None
    paid_back: bool = False
    calculation: list[str] = Field(default_factory=list)


def attribute(raw: Mapping[str, Any], code: str) -> Any:
    """Return a custom attribute of a product or customer, None without it."""
    return next(
        (one.get("value") for one in dicts(raw.get("custom_attributes")) if one.get("attribute_code") == code), None
    )


class Product(Model):
    """https://developer.adobe.com/commerce/webapi/rest/quick-reference/: catalogProductRepository"""

    sku: str
    id: str | None = None
    name: str
    type: str | None = Field(None, alias="type_id")
    enabled: bool | None = None
    price: str | None = None
    special_price: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "sku" not in raw:
            return raw
        special = attribute(raw, "special_price")
        return {
            **raw,
            "name": raw.get("name") or raw.get("sku"),
            "enabled": raw["status"] == 1 if raw.get("status") is not None else None,
            "price": written(raw["price"]) if raw.get("price") is not None else None,
            "special_price": written(special) if isinstance(special, str | int | float) and special != "" else None,
        }


class SourceStock(Model):
    """How many pieces are at one source, such as a warehouse."""

    source: str = Field(alias="source_code")
    quantity: float
    in_stock: bool = Field(False, alias="status")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, "status": raw.get("status") == 1} if isinstance(raw, dict) else raw


class ProductDetails(Product):
    """A product with its stock."""

    description: str | None = None
    stock: list[SourceStock] = Field(default_factory=list, description="Pieces by source")
    variants: list[str] = Field(default_factory=list, description="As `TS-M: 19.00`, of a configurable product")


class Stock(Model):
    """The stock of a product at a source after a change."""

    sku: str
    source: str
    before: float | None = None
    quantity: float


class Customer(Model):
    """A person who bought. Guests have no id; they are known from their orders."""

    id: str | None = Field(None, description="Id of the account, none for a guest")
    name: UntrustedText | None = None
    email: str
    phone: str | None = None
    company: UntrustedText | None = None
    address: UntrustedText | None = None
    last_order: str | None = Field(None, description="Number of an order, where a guest was found by one")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "firstname" not in raw:
            return raw
        places = dicts(raw.get("addresses"))
        place = next((one for one in places if one.get("default_billing")), places[0] if places else {})
        return {
            **raw,
            "name": full_name(raw),
            "phone": place.get("telephone") or None,
            "company": place.get("company") or None,
            "address": address(place),
        }


class Coupon(Model):
    """A coupon, and the cart price rule that it opens."""

    id: str = Field(alias="coupon_id")
    code: str
    rule: str = Field(alias="rule_id")
    times_used: int = 0
    usage_limit: int | None = None


class Category(Model):
    """https://developer.adobe.com/commerce/webapi/rest/quick-reference/: catalogCategoryList"""

    id: str
    name: str
    parent: str | None = Field(None, alias="parent_id")
    active: bool | None = Field(None, alias="is_active")
    products: int | None = Field(None, alias="product_count")


class Cart(Model):
    """A cart: what somebody wants to buy and has not ordered."""

    id: str
    updated: AwareDatetime | None = None
    customer: UntrustedText | None = None
    email: str | None = None
    items: list[str] = Field(default_factory=list)
    value: str

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        rows = dicts(raw.get("items"))
        person = raw.get("customer") if isinstance(raw.get("customer"), dict) else {}
        return {
            "id": raw.get("id"),
            "updated": moment(raw.get("updated_at")),
            "customer": full_name(person),
            "email": (person or {}).get("email") or None,
            "items": [f"{plain(amount(one.get('qty')))} × {one.get('name')}" for one in rows],
            "value": written(sum(amount(one.get("price")) * amount(one.get("qty")) for one in rows)),
        }


class ShopSetting(Model):
    """One thing of the shop's configuration."""

    id: str
    name: str
    details: str | None = None


class Offer(Model):
    """A product as the storefront shows it to customers."""

    sku: str
    name: str
    price: str | None = None
    currency: str | None = None
    in_stock: bool | None = None
    link: str | None = None

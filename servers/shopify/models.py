"""What Shopify's objects look like here: flat, with amounts as text, ids and links kept."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, model_validator

from flotilla import Model, UntrustedText, readable
from flotilla.parsing import zone_or

from .client import api

M = TypeVar("M", bound=BaseModel)


def money(value: Any) -> Any:
    """Return "49.90 EUR" of a MoneyV2, or of the amount that the customer sees in a MoneyBag."""
    if not isinstance(value, dict):
        return value
    bag = value.get("presentmentMoney") or value.get("shopMoney")
    target = bag if isinstance(bag, dict) else value
    amount, currency = target.get("amount"), target.get("currencyCode")
    return f"{amount} {currency}" if amount is not None and currency else None


def local(moment: AwareDatetime) -> AwareDatetime:
    """Return a time in the zone of the shop, which every call has asked for before."""
    known = api.connection.metadata.get("shop") or {}
    return moment.astimezone(zone_or(known.get("ianaTimezone"), api.zone))


def dig(value: Any, *path: str) -> Any:
    """Return what stands at a path of nested objects, None where there is nothing."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def nodes(value: Any) -> list[Any]:
    """Return the objects of a connection, or of a list."""
    rows = value.get("nodes") if isinstance(value, dict) else value
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


Price = Annotated[str, BeforeValidator(money)]
Time = Annotated[AwareDatetime, AfterValidator(local)]
Names = Annotated[list[str], BeforeValidator(lambda value: [one for one in value or [] if isinstance(one, str)])]


class Row(Model):
    """Base of what is read from an object of Shopify: `flat` picks its parts."""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        return {**raw, **cls.flat(raw)} if isinstance(raw, dict) else raw

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that stand elsewhere in the object."""
        return {}


class Tracking(Model):
    """A parcel's number at its carrier."""

    company: str | None = None
    number: str | None = None
    url: str | None = None


class Parcel(Row):
    """A fulfillment: what was sent together."""

    id: str
    status: str
    sent_at: Time | None = Field(None, alias="createdAt")
    expected_at: Time | None = Field(None, alias="estimatedDeliveryAt")
    delivered_at: Time | None = Field(None, alias="deliveredAt")
    tracking: list[Tracking] = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Prefer the carrier's status to the shop's."""
        return {
            "status": raw.get("displayStatus") or raw.get("status"),
            "tracking": readable(Tracking, nodes(raw.get("trackingInfo"))),
        }


class OrderRow(Row):
    """https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Order"""

    id: str
    number: str = Field(alias="name")
    placed_at: Time | None = Field(None, alias="processedAt")
    cancelled_at: Time | None = Field(None, alias="cancelledAt")
    customer_name: UntrustedText | None = None
    customer_id: str | None = None
    email: str | None = None
    phone: str | None = None
    payment: str | None = Field(None, alias="displayFinancialStatus")
    delivery: str | None = Field(None, alias="displayFulfillmentStatus")
    total: Price | None = Field(None, alias="currentTotalPriceSet")
    tags: Names = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Take the customer's name, of guests the one that the parcel goes to."""
        name = dig(raw, "customer", "displayName") or dig(raw, "shippingAddress", "name")
        return {"customer_name": name, "customer_id": dig(raw, "customer", "id")}


class OrderStatus(OrderRow):
    """An order, as one tells a caller of it."""

    items: list[str] = Field(default_factory=list, description="Quantity and name of each item")
    unsent: list[str] = Field(default_factory=list, description="Items that were not sent yet")
    parcels: list[Parcel] = Field(default_factory=list)
    returns: str | None = Field(None, alias="returnStatus")
    city: UntrustedText | None = Field(None, description="Where it is sent")
    status_page: str | None = Field(None, alias="statusPageUrl", description="Page of the order for its customer")

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Count the items."""
        rows = nodes(raw.get("lineItems"))
        return {
            **super().flat(raw),
            "items": [
                f"{row.get('currentQuantity')} × {row.get('name')}" for row in rows if row.get("currentQuantity")
            ],
            "unsent": [
                f"{row.get('unfulfilledQuantity')} × {row.get('name')}"
                for row in rows
                if row.get("unfulfilledQuantity")
            ],
            "parcels": readable(Parcel, nodes(raw.get("fulfillments"))),
            "city": dig(raw, "shippingAddress", "city"),
        }


class Line(Model):
    """One line of an order."""

    id: str
    name: str
    sku: str | None = None
    quantity: int = Field(alias="currentQuantity")
    refundable: int = Field(0, alias="refundableQuantity")
    unsent: int = Field(0, alias="unfulfilledQuantity")
    unit_price: Price | None = Field(None, alias="discountedUnitPriceAfterAllDiscountsSet")


class Order(OrderStatus):
    """An order with its lines."""

    lines: list[Line] = Field(default_factory=list)
    note: UntrustedText | None = None
    address: list[UntrustedText] = Field(default_factory=list, description="Where it is sent, line by line")
    shipping: Price | None = Field(None, alias="totalShippingPriceSet")
    taxes: Price | None = Field(None, alias="currentTotalTaxSet")
    outstanding: Price | None = Field(None, alias="totalOutstandingSet")
    refunded: Price | None = Field(None, alias="totalRefundedSet")
    discount_codes: Names = Field(default_factory=list, alias="discountCodes")

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Add the lines and the address."""
        address = dig(raw, "shippingAddress", "formatted")
        return {
            **super().flat(raw),
            "lines": readable(Line, nodes(raw.get("lineItems"))),
            "address": [line for line in address if isinstance(line, str)] if isinstance(address, list) else [],
        }


class Customer(Row):
    """https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Customer"""

    id: str
    name: UntrustedText = Field(alias="displayName")
    email: str | None = None
    email_marketing: str | None = Field(None, description="SUBSCRIBED, NOT_SUBSCRIBED, UNSUBSCRIBED, …")
    phone: str | None = None
    sms_marketing: str | None = None
    orders: int | None = Field(None, alias="numberOfOrders")
    spent: Price | None = Field(None, alias="amountSpent")
    city: UntrustedText | None = None
    tags: Names = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Take the addresses out of their objects."""
        return {
            "email": dig(raw, "defaultEmailAddress", "emailAddress"),
            "email_marketing": dig(raw, "defaultEmailAddress", "marketingState"),
            "phone": dig(raw, "defaultPhoneNumber", "phoneNumber"),
            "sms_marketing": dig(raw, "defaultPhoneNumber", "marketingState"),
            "city": dig(raw, "defaultAddress", "city"),
        }


class CustomerDetails(Customer):
    """A customer with note, address and last orders."""

    note: UntrustedText | None = None
    locale: str | None = None
    created_at: Time | None = Field(None, alias="createdAt")
    address: list[UntrustedText] = Field(default_factory=list)
    last_orders: list[OrderRow] = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Add the address and the orders."""
        address = dig(raw, "defaultAddress", "formatted")
        return {
            **super().flat(raw),
            "address": [line for line in address if isinstance(line, str)] if isinstance(address, list) else [],
            "last_orders": readable(OrderRow, nodes(raw.get("orders"))),
        }


class Variant(Row):
    """One variant of a product."""

    id: str
    title: str
    sku: str | None = None
    barcode: str | None = None
    price: str | None = Field(None, description="In the shop's currency")
    compare_at_price: str | None = Field(None, alias="compareAtPrice")
    stock: int | None = Field(None, alias="inventoryQuantity", description="Available at all locations together")


class ProductRow(Row):
    """https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Product"""

    id: str
    title: str
    status: str
    vendor: str | None = None
    type: str | None = Field(None, alias="productType")
    stock: int | None = Field(None, alias="totalInventory")
    tags: Names = Field(default_factory=list)
    variants: list[Variant] = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Read the variants."""
        return {"variants": readable(Variant, nodes(raw.get("variants")))}


class Product(ProductRow):
    """A product with its text and its page."""

    description: str | None = None
    url: str | None = Field(None, alias="onlineStoreUrl")
    collections: Names = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Name the collections."""
        names = [row.get("title") for row in nodes(raw.get("collections"))]
        return {**super().flat(raw), "collections": names}


class Level(Row):
    """Stock of one variant at one location."""

    location: str
    available: int | None = None
    on_hand: int | None = None
    committed: int | None = Field(None, description="Sold and not sent yet")
    incoming: int | None = None

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Read the quantities by name."""
        counts = {row.get("name"): row.get("quantity") for row in nodes(raw.get("quantities"))}
        return {"location": dig(raw, "location", "name"), **counts}


class Stock(Row):
    """Stock of one variant, by location."""

    variant_id: str = Field(alias="id")
    name: str = Field(alias="displayName")
    sku: str | None = None
    tracked: bool | None = None
    levels: list[Level] = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Take the levels out of the inventory item."""
        item = raw.get("inventoryItem")
        return {
            "tracked": dig(item, "tracked"),
            "levels": readable(Level, nodes(dig(item, "inventoryLevels"))),
        }


class StockChange(Model):
    """What a change of stock did."""

    name: str
    location: str
    before: int
    available: int


class Location(Row):
    """A place that has stock."""

    id: str
    name: str
    active: bool | None = Field(None, alias="isActive")
    city: str | None = None

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Take the city out of the address."""
        return {"city": dig(raw, "address", "city")}


class DraftOrder(Row):
    """https://shopify.dev/docs/api/admin-graphql/2026-04/objects/DraftOrder"""

    id: str
    name: str
    status: str
    email: str | None = None
    customer_name: UntrustedText | None = None
    items: list[str] = Field(default_factory=list)
    total: Price | None = Field(None, alias="totalPriceSet")
    invoice_url: str | None = Field(None, alias="invoiceUrl", description="Where the customer pays")
    invoice_sent_at: Time | None = Field(None, alias="invoiceSentAt")
    order_number: str | None = None
    order_id: str | None = None

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Count the items."""
        return {
            "customer_name": dig(raw, "customer", "displayName"),
            "items": [f"{row.get('quantity')} × {row.get('name')}" for row in nodes(raw.get("lineItems"))],
            "order_number": dig(raw, "order", "name"),
            "order_id": dig(raw, "order", "id"),
        }


class Discount(Row):
    """A discount code."""

    id: str
    code: str | None = None
    title: str
    status: str | None = None
    summary: str | None = None
    starts_at: Time | None = None
    ends_at: Time | None = None
    used: int | None = None
    usage_limit: int | None = None

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Take it out of its node."""
        inner = raw.get("codeDiscount") or raw.get("discount")
        if not isinstance(inner, dict):
            return {}
        code = next((row.get("code") for row in nodes(inner.get("codes"))), None)
        return {
            "code": code,
            "title": inner.get("title"),
            "status": inner.get("status"),
            "summary": inner.get("summary"),
            "starts_at": inner.get("startsAt"),
            "ends_at": inner.get("endsAt"),
            "used": inner.get("asyncUsageCount"),
            "usage_limit": inner.get("usageLimit"),
        }


class Collection(Row):
    """A collection; an automatic one chooses its products by rules."""

    id: str
    title: str
    handle: str | None = None
    products: int | None = None
    automatic: bool = False

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Count the products."""
        return {"products": dig(raw, "productsCount", "count"), "automatic": bool(raw.get("ruleSet"))}


class GiftCard(Row):
    """A gift card; its whole code is shown once, when it is made."""

    id: str
    last_characters: str | None = Field(None, alias="lastCharacters")
    enabled: bool | None = None
    balance: Price | None = None
    initial_value: Price | None = Field(None, alias="initialValue")
    expires_on: date | None = Field(None, alias="expiresOn")
    customer_name: UntrustedText | None = None
    note: UntrustedText | None = None
    gift_card_code: str | None = None

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Name the customer."""
        return {"customer_name": dig(raw, "customer", "displayName")}


class ReturnedLine(Model):
    """An item of a return."""

    quantity: int
    name: str | None = None
    reason: str | None = None
    customer_note: UntrustedText | None = None


class Return(Row):
    """A return: what a customer sends back."""

    id: str
    name: str
    status: str
    lines: list[ReturnedLine] = Field(default_factory=list)

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Name the items."""
        rows = nodes(raw.get("returnLineItems"))
        lines = [
            {
                "quantity": row.get("quantity"),
                "name": dig(row, "fulfillmentLineItem", "lineItem", "name"),
                "reason": dig(row, "returnReasonDefinition", "name"),
                "customer_note": row.get("customerNote"),
            }
            for row in rows
        ]
        return {"lines": readable(ReturnedLine, lines)}


class Shop(Row):
    """The shop itself."""

    name: str
    host: str = Field(alias="myshopifyDomain")
    url: str | None = None
    email: str | None = Field(None, alias="contactEmail")
    currency: str = Field(alias="currencyCode")
    timezone: str = Field(alias="ianaTimezone")
    plan: str | None = None
    taxes_included: bool | None = Field(None, alias="taxesIncluded")
    country: str | None = None

    @classmethod
    def flat(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Name the plan and the country."""
        return {"plan": dig(raw, "plan", "publicDisplayName"), "country": dig(raw, "shopAddress", "countryCodeV2")}

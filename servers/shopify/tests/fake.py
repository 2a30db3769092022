"""A fake shop that keeps state and answers GraphQL: every field that is asked for must be one that it has.

    with FakeShopify() as shopify:
        …
        assert shopify.orders[0]["refunded"] == Decimal("49.00")

Whether a request fits Shopify's own schema is not its business: the fixture `fake` holds each exchange against that,
where the schema is at hand. The shop is in Europe/Paris, with EUR, prices with taxes, and the locations Lyon and Paris.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
    parse,
    value_from_ast_untyped,
)

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

TOKEN = "shpat-test-token"
PATH = "/admin/api/2026-04/graphql.json"
NEEDS_KEY = {"inventoryAdjustQuantities", "inventorySetQuantities", "refundCreate"}  # of @idempotent, since 2026-04
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error of the whole request."""

    def __init__(self, message: str, code: str = "", path: list[Any] | None = None) -> None:
        super().__init__(message)
        self.error = {"message": message, **({"extensions": {"code": code}} if code else {})}
        if path:
            self.error["path"] = path


def gid(kind: str, number: int) -> str:
    """Return a global id."""
    return f"gid://shopify/{kind}/{number}"


def money(amount: Decimal | str) -> Thing:
    """Return an amount as MoneyV2."""
    return {"amount": str(Decimal(amount).quantize(Decimal("0.01"))), "currencyCode": "EUR"}


def bag(amount: Decimal | str) -> Thing:
    """Return an amount as MoneyBag."""
    return {"presentmentMoney": money(amount), "shopMoney": money(amount)}


TERM = re.compile(r"""(?:(\w+):)?(>=|<=|<|>)?(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+))""")


def terms(text: str) -> list[tuple[str, str, str]]:
    """Return the terms of a search: field, comparator, value."""
    target = []
    for field, sign, double, single, bare in TERM.findall(text):
        value = re.sub(r"\\(.)", r"\1", double) if double else single or bare
        target.append((field, sign, value))
    return target


def fits(search: str | None, row: Thing, texts: Iterable[Any], **fields: Callable[[str], bool]) -> bool:
    """Tell whether an object is found: OR binds weaker than AND; words are looked for in `texts`."""
    haystack = " ".join(str(text) for text in texts if text).casefold()

    def one(field: str, sign: str, value: str) -> bool:
        if not field:
            return value.casefold() in haystack
        if field not in fields:
            raise Refusal(f"the search field {field} is unknown")
        return fields[field](sign + value)

    def all_of(part: str) -> bool:
        return all(one(*term) for term in terms(part) if term != ("", "", "AND"))

    return not search or any(all_of(part) for part in search.split(" OR "))


def connection(rows: list[Any]) -> Callable[..., Thing]:
    """Return a connection, which wants to know how many."""

    def page(first: int | None = None, after: str | None = None, **rest: Any) -> Thing:
        if first is None or not 1 <= first <= 250:
            raise Refusal("you must provide one of first or last, of at most 250")
        start = int(after.removeprefix("cursor-")) if after else 0
        part, end = rows[start : start + first], start + first
        more = end < len(rows)
        return {"nodes": part, "pageInfo": {"hasNextPage": more, "endCursor": f"cursor-{end}" if part else None}}

    return page


def user_error(message: str, *field: str) -> Thing:
    """Return a user error."""
    return {"field": list(field) or None, "message": message}


class FakeShopify(Served, FakeApi):
    """The shop Atelier Lyon."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.on("POST", PATH, self.answer)
        self.last = 1000
        self.denied: list[list[str]] = []  # paths whose fields the app may not read
        self.refuse: list[Thing] = []  # user errors for the next mutation
        self.failure: Thing | None = None  # a top-level error for every request
        self.points, self.rate, self.throttled = 1000.0, 50.0, 0  # left, back in a second, requests to refuse
        self.done: dict[str, Thing] = {}  # by idempotency key
        self.operations: list[str] = []
        self.documents: dict[str, DocumentNode] = {}
        self.locations = [self.location("Lyon", "Lyon"), self.location("Paris", "Paris")]
        self.products: list[Thing] = []
        self.customers: list[Thing] = []
        self.orders: list[Thing] = []
        self.drafts: list[Thing] = []
        self.discounts: list[Thing] = []
        self.cards: list[Thing] = []
        self.mails: list[str] = []
        self.add_product("Chemise en lin", [("M", "LIN-M", "49.00", 5), ("L", "LIN-L", "49.00", 2)])
        self.add_product("Foulard en soie", [("Default Title", "SOIE", "35.00", 8)])
        self.collections = [
            {"id": self.key("Collection"), "title": "Été", "handle": "ete", "products": [], "rules": False},
            {
                "id": self.key("Collection"),
                "title": "Nouveautés",
                "handle": "nouveautes",
                "products": [],
                "rules": True,
            },
        ]
        self.reasons = [
            {"id": self.key("ReturnReasonDefinition"), "name": "Trop petit", "handle": "size-too-small"},
            {"id": self.key("ReturnReasonDefinition"), "name": "Autre", "handle": "other"},
        ]
        self.publications = [
            {"id": self.key("Publication"), "catalog": {"title": name}} for name in ("Online Store", "Point of Sale")
        ]
        self.published: set[tuple[str, str]] = set()
        marie = self.add_customer("Marie", "Dupont", "marie@exemple.fr", "+33612345678")
        self.add_customer("Jean", "Martin", "jean@exemple.fr", None)
        self.add_order(1001, marie, [("LIN-M", 2), ("SOIE", 1)], "2026-11-20T10:00:00Z")
        self.add_order(1002, marie, [("SOIE", 1)], "2026-11-25T08:30:00Z", paid=False)

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "SHOPIFY_SHOP": "atelier-lyon",
            "SHOPIFY_TOKEN": TOKEN,
            "SHOPIFY_BASE_URL": self.vendor.url + PATH.removesuffix("/graphql.json"),
        }

    def seen(self, request: Request) -> Request:
        """Return the request, marked when it only asks."""
        asks = request.path == PATH and str((request.json() or {}).get("query")).lstrip().startswith("query")
        return Request(request.method, request.url, request.headers, request.body, asks)

    # -- what a test puts in

    def key(self, kind: str) -> str:
        """Return a new id."""
        self.last += 1
        return gid(kind, 7_000_000_000 + self.last)

    def location(self, name: str, city: str) -> Thing:
        """Return a location."""
        return {"id": self.key("Location"), "name": name, "isActive": True, "address": {"city": city}}

    def add_product(self, title: str, variants: list[tuple[str, str, str, int]], status: str = "ACTIVE") -> Thing:
        """Add a product of variants: name, SKU, price, pieces in Lyon (1 in Paris)."""
        product = {
            "id": self.key("Product"),
            "title": title,
            "status": status,
            "vendor": "Atelier",
            "productType": "Mode",
            "tags": ["soie"] if "soie" in title else [],
            "description": f"{title}, fait à Lyon.",
            "variants": [],
        }
        for name, sku, price, stock in variants:
            product["variants"].append(
                {
                    "id": self.key("ProductVariant"),
                    "item": self.key("InventoryItem"),
                    "product": product,
                    "title": name,
                    "sku": sku,
                    "barcode": None,
                    "price": Decimal(price),
                    "compareAtPrice": None,
                    "stock": {self.locations[0]["id"]: stock, self.locations[1]["id"]: 1},
                }
            )
        self.products.append(product)
        return product

    def add_customer(self, first: str, last: str, email: str | None, phone: str | None, **more: Any) -> Thing:
        """Add a customer."""
        customer = {
            "id": self.key("Customer"),
            "first": first,
            "last": last,
            "email": email,
            "phone": phone,
            "email_state": "NOT_SUBSCRIBED",
            "sms_state": "NOT_SUBSCRIBED",
            "tags": [],
            "note": None,
            **more,
        }
        self.customers.append(customer)
        return customer

    def add_order(
        self, number: int, customer: Thing | None, lines: list[tuple[str, int]], placed: str, **more: Any
    ) -> Thing:
        """Add an order of (SKU, quantity); `paid`: by card; `sent`: everything went out."""
        order: Thing = {
            "id": self.key("Order"),
            "number": number,
            "name": f"#{number}",
            "customer": customer,
            "email": customer and customer["email"],
            "phone": customer and customer["phone"],
            "placed": placed,
            "lines": [],
            "shipping": Decimal("5.00"),
            "paid": Decimal(0),
            "refunded": Decimal(0),
            "note": None,
            "tags": [],
            "cancelled": None,
            "fulfillments": [],
            "returns": [],
            "address_phone": None,
            "payments": [],
        }
        for sku, quantity in lines:
            variant = self.variant(sku)
            order["lines"].append(
                {
                    "id": self.key("LineItem"),
                    "fo_line": self.key("FulfillmentOrderLineItem"),
                    "variant": variant,
                    "name": self.display(variant),
                    "sku": sku,
                    "price": variant["price"],
                    "quantity": quantity,
                    "refunded": 0,
                    "sent": 0,
                    "returned": 0,
                }
            )
        order["fo"] = self.key("FulfillmentOrder")
        order["place"] = self.locations[0]["name"]
        if more.pop("paid", True):
            order["paid"] = self.total(order)
            order["payments"] = [{"id": self.key("OrderTransaction"), "gateway": "shopify_payments", "name": "Visa",
                                  "left": order["paid"]}]  # fmt: skip
        order.update(more)
        self.orders.append(order)
        return order

    def variant(self, sku: str) -> Thing:
        """Return a variant by its SKU."""
        return next(v for product in self.products for v in product["variants"] if v["sku"] == sku)

    @staticmethod
    def display(variant: Thing) -> str:
        """Return a variant's full name."""
        title = variant["product"]["title"]
        return title if variant["title"] == "Default Title" else f"{title} - {variant['title']}"

    @staticmethod
    def total(order: Thing) -> Decimal:
        """Return what an order costs now."""
        lines = sum((line["price"] * (line["quantity"] - line["refunded"]) for line in order["lines"]), Decimal(0))
        return lines + order["shipping"]

    # -- how it answers

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.headers.get("x-shopify-access-token") != TOKEN:
            return Response.of({"errors": "[API] Invalid API key or access token (unrecognized login)"}, 401)
        body = request.json()
        variables = body.get("variables") or {}
        document = self.documents.setdefault(body["query"], parse(body["query"]))
        operation = get_operation_ast(document, body.get("operationName"))
        assert isinstance(operation, OperationDefinitionNode)
        self.operations.append(body["operationName"])
        cost = {
            "requestedQueryCost": 10,
            "actualQueryCost": 10,
            "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": self.points, "restoreRate": self.rate},
        }
        if self.throttled:
            self.throttled -= 1
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return Response.of({"errors": [error], "extensions": {"cost": cost}})
        if self.failure:
            return Response.of({"errors": [self.failure], "extensions": {"cost": cost}})
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.errors_now: list[Thing] = []
        try:
            run = _Run(self, fragments, variables)
            if operation.operation is OperationType.MUTATION:
                data = {
                    key: value
                    for node in operation.selection_set.selections
                    for key, value in run.mutation(node).items()
                }
            else:
                data = run.select(self.root(), operation.selection_set, [])
        except Refusal as refused:
            return Response.of({"errors": [refused.error], "extensions": {"cost": cost}})
        return Response.of(
            {
                "data": data,
                **({"errors": self.errors_now} if self.errors_now else {}),
                "extensions": {"cost": cost},
            }
        )

    def root(self) -> Thing:
        """Return what a query can ask for."""

        def by_id(rows: list[Thing], view: Callable[[Thing], Thing]) -> Callable[..., Thing | None]:
            return lambda id: next((view(row) for row in rows if row["id"] == id), None)  # noqa: A006

        return {
            "shop": {
                "name": "Atelier Lyon",
                "myshopifyDomain": "atelier-lyon.myshopify.com",
                "url": "https://atelier-lyon.example",
                "contactEmail": "bonjour@atelier-lyon.example",
                "currencyCode": "EUR",
                "ianaTimezone": "Europe/Paris",
                "taxesIncluded": True,
                "plan": {"publicDisplayName": "Basic"},
                "shopAddress": {"countryCodeV2": "FR"},
            },
            "order": by_id(self.orders, self.order_view),
            "orders": self._searched(self._orders_by_date(), self.order_fits, self.order_view),
            "customer": by_id(self.customers, self.customer_view),
            "customers": self._searched(self.customers, self.customer_fits, self.customer_view),
            "product": by_id(self.products, self.product_view),
            "products": self._searched(self.products, self.product_fits, self.product_view),
            "productVariant": by_id([v for p in self.products for v in p["variants"]], self.variant_view),
            "productVariants": self._searched(
                [v for p in self.products for v in p["variants"]], self.variant_fits, self.variant_view
            ),
            "locations": connection(self.locations),
            "draftOrder": by_id(self.drafts, self.draft_view),
            "draftOrders": self._searched(self.drafts, self.draft_fits, self.draft_view),
            "collections": self._searched(
                self.collections, lambda q, c: fits(q, c, [c["title"]]), self.collection_view
            ),
            "publications": connection(self.publications),
            "discountNodes": self._searched(
                self.discounts,
                lambda q, d: fits(
                    q, d, [d["code"]], method=lambda v: v == "code", status=lambda v: v.upper() == d["status"]
                ),
                self.discount_view,
            ),
            "codeDiscountNodeByCode": lambda code: next(
                (
                    {"id": d["id"].replace("DiscountNode", "DiscountCodeNode"), "codeDiscount": self.code_view(d)}
                    for d in self.discounts
                    if d["code"].casefold() == code.casefold()
                ),
                None,
            ),
            "giftCard": by_id(self.cards, self.card_view),
            "giftCards": self._searched(
                self.cards,
                lambda q, c: fits(
                    q,
                    c,
                    [],
                    last_characters=lambda v: v == c["code"][-4:],
                    status=lambda v: (v == "enabled") == c["enabled"],
                ),
                self.card_view,
            ),
            "return": lambda id: next(  # noqa: A006
                (self.return_view(o, r) for o in self.orders for r in o["returns"] if r["id"] == id), None
            ),
            "returnReasonDefinitions": connection(self.reasons),
            "returnableFulfillments": lambda orderId, **page: connection(  # noqa: N803
                [
                    {
                        "returnableFulfillmentLineItems": connection(
                            [
                                {
                                    "quantity": part["quantity"] - part["returned"],
                                    "fulfillmentLineItem": {
                                        "id": part["id"],
                                        "lineItem": {k: part["line"][k] for k in ("id", "name", "sku")},
                                    },
                                }
                                for part in sent["parts"]
                                if part["quantity"] > part["returned"]
                            ]
                        )
                    }
                    for sent in self._order(orderId)["fulfillments"]
                ]
            )(**page),
        }

    def _searched(
        self, rows: list[Thing], fit: Callable[[str | None, Thing], bool], view: Callable[[Thing], Thing]
    ) -> Callable[..., Thing]:
        def target(query: str | None = None, **page: Any) -> Thing:
            return connection([view(row) for row in rows if fit(query, row)])(**page)

        return target

    def _orders_by_date(self) -> list[Thing]:
        return sorted(self.orders, key=lambda order: str(order["placed"]), reverse=True)

    def _order(self, key: str) -> Thing:
        target = next((order for order in self.orders if order["id"] == key), None)
        if target is None:
            raise Refusal("Invalid id", "RESOURCE_NOT_FOUND")
        return target

    # -- how things look

    def order_fits(self, search: str | None, order: Thing) -> bool:
        """Tell whether an order is found. There is no field phone."""
        texts = [order["name"], order["email"], order["phone"], order["address_phone"], *self._names(order)]
        texts += [line["name"] for line in order["lines"]]
        paid, sent = self.payment(order), self.delivery(order)
        return fits(
            search,
            order,
            texts,
            name=lambda v: v.lstrip("#").casefold() == order["name"].lstrip("#").casefold(),
            email=lambda v: v.casefold() == str(order["email"]).casefold(),
            tag=lambda v: v in order["tags"],
            status=lambda v: (v == "cancelled") == bool(order["cancelled"]),
            financial_status=lambda v: v.upper() == paid,
            fulfillment_status=lambda v: {"partial": "PARTIALLY_FULFILLED"}.get(v, v.upper()) == sent,
            created_at=lambda v: order["placed"] >= v[2:] if v.startswith(">=") else order["placed"] < v[1:],
        )

    def _names(self, order: Thing) -> list[str]:
        return [f"{order['customer']['first']} {order['customer']['last']}"] if order["customer"] else []

    @staticmethod
    def payment(order: Thing) -> str:
        """Return the status of the payment."""
        if order["refunded"] and order["refunded"] >= order["paid"]:
            return "REFUNDED"
        if order["refunded"]:
            return "PARTIALLY_REFUNDED"
        return "PAID" if order["paid"] else "PENDING"

    @staticmethod
    def delivery(order: Thing) -> str:
        """Return the status of the delivery."""
        sent = sum(line["sent"] for line in order["lines"])
        if not sent:
            return "UNFULFILLED"
        return "FULFILLED" if sent >= sum(line["quantity"] for line in order["lines"]) else "PARTIALLY_FULFILLED"

    def order_view(self, order: Thing) -> Thing:
        """Return an order as it can be asked for."""
        total, customer = self.total(order), order["customer"]
        return {
            **{name: order[name] for name in ("id", "name", "number", "email", "phone", "note", "tags")},
            "processedAt": order["placed"],
            "cancelledAt": order["cancelled"],
            "displayFinancialStatus": self.payment(order),
            "displayFulfillmentStatus": self.delivery(order),
            "returnStatus": "IN_PROGRESS" if order["returns"] else "NO_RETURN",
            "statusPageUrl": f"https://atelier-lyon.example/orders/{order['number']}",
            "canMarkAsPaid": not order["paid"] and not order["cancelled"],
            "presentmentCurrencyCode": "EUR",
            "discountCodes": [],
            "customer": customer and self.customer_view(customer, orders=False),
            "shippingAddress": {
                "name": self._names(order)[0] if customer else "Luc Invité",
                "city": "Lyon",
                "phone": order["address_phone"],
                "formatted": ["12 rue de l’Œuvre", "69001 Lyon", "France"],
            },
            "lineItems": connection([self.line_view(line) for line in order["lines"]]),
            "fulfillments": lambda first: [self.parcel_view(sent) for sent in order["fulfillments"][:first]],
            "fulfillmentOrders": connection([self.to_send(order)]),
            "currentTotalPriceSet": bag(total),
            "totalShippingPriceSet": bag(order["shipping"]),
            "currentTotalTaxSet": bag(total / 6),
            "totalOutstandingSet": bag(max(Decimal(0), total - order["paid"] + order["refunded"])),
            "totalRefundedSet": bag(order["refunded"]),
            "suggestedRefund": lambda **asked: self.suggested(order, **asked),
            "returns": connection([self.return_view(order, one) for one in order["returns"]]),
        }

    def line_view(self, line: Thing) -> Thing:
        """Return a line of an order."""
        return {
            **{name: line[name] for name in ("id", "name", "sku")},
            "currentQuantity": line["quantity"] - line["refunded"],
            "refundableQuantity": line["quantity"] - line["refunded"],
            "unfulfilledQuantity": max(0, line["quantity"] - line["sent"] - line["refunded"]),
            "discountedUnitPriceAfterAllDiscountsSet": bag(line["price"]),
        }

    def to_send(self, order: Thing) -> Thing:
        """Return the fulfillment order of an order."""
        return {
            "id": order["fo"],
            "status": "OPEN" if self.delivery(order) != "FULFILLED" else "CLOSED",
            "assignedLocation": {"name": order["place"]},
            "lineItems": connection(
                [
                    {
                        "id": line["fo_line"],
                        "remainingQuantity": max(0, line["quantity"] - line["sent"] - line["refunded"]),
                        "productTitle": line["variant"]["product"]["title"],
                        "variantTitle": line["variant"]["title"],
                        "sku": line["sku"],
                        "lineItem": {"id": line["id"], "name": line["name"]},
                    }
                    for line in order["lines"]
                ]
            ),
        }

    @staticmethod
    def parcel_view(sent: Thing) -> Thing:
        """Return a fulfillment."""
        return {
            "id": sent["id"],
            "status": "SUCCESS",
            "displayStatus": "IN_TRANSIT",
            "createdAt": "2026-11-21T09:00:00Z",
            "estimatedDeliveryAt": None,
            "deliveredAt": None,
            "trackingInfo": lambda first: [sent["tracking"]] if sent["tracking"] else [],
        }

    def return_view(self, order: Thing, one: Thing) -> Thing:
        """Return a return."""
        return {
            "id": one["id"],
            "name": one["name"],
            "status": one["status"],
            "order": {"name": order["name"]},
            "returnLineItems": connection(
                [
                    {
                        "__typename": "ReturnLineItem",
                        "quantity": part["quantity"],
                        "customerNote": None,
                        "returnReasonDefinition": part["reason"],
                        "fulfillmentLineItem": {"lineItem": {"name": part["name"]}},
                    }
                    for part in one["parts"]
                ]
            ),
        }

    def customer_fits(self, search: str | None, customer: Thing) -> bool:
        """Tell whether a customer is found."""
        return fits(
            search,
            customer,
            [f"{customer['first']} {customer['last']}", customer["email"], customer["phone"]],
            email=lambda v: v.casefold() == str(customer["email"]).casefold(),
            phone=lambda v: v == customer["phone"],
            tag=lambda v: v in customer["tags"],
        )

    def customer_view(self, customer: Thing, orders: bool = True) -> Thing:
        """Return a customer."""
        mine = [order for order in self._orders_by_date() if order["customer"] is customer]
        return {
            "id": customer["id"],
            "displayName": f"{customer['first']} {customer['last']}".strip(),
            "numberOfOrders": str(len(mine)),
            "tags": customer["tags"],
            "note": customer["note"],
            "locale": "fr",
            "createdAt": "2026-01-05T08:00:00Z",
            "defaultEmailAddress": customer["email"]
            and {"emailAddress": customer["email"], "marketingState": customer["email_state"]},
            "defaultPhoneNumber": customer["phone"]
            and {"phoneNumber": customer["phone"], "marketingState": customer["sms_state"]},
            "amountSpent": money(sum((order["paid"] for order in mine), Decimal(0))),
            "defaultAddress": {"city": "Lyon", "formatted": ["12 rue de l’Œuvre", "69001 Lyon", "France"]},
            **({"orders": connection([self.order_view(order) for order in mine])} if orders else {}),
        }

    def product_fits(self, search: str | None, product: Thing) -> bool:
        """Tell whether a product is found."""
        codes = [variant["sku"] for variant in product["variants"]]
        return fits(
            search,
            product,
            [product["title"], product["vendor"], *codes],
            status=lambda v: v.upper() == product["status"],
            tag=lambda v: v in product["tags"],
        )

    def product_view(self, product: Thing) -> Thing:
        """Return a product."""
        names = ("id", "title", "status", "vendor", "productType", "tags")
        return {
            **{name: product[name] for name in names},
            "totalInventory": sum(sum(variant["stock"].values()) for variant in product["variants"]),
            "onlineStoreUrl": None,
            "description": lambda truncateAt: product["description"][:truncateAt],  # noqa: N803
            "variants": connection([self.variant_view(variant) for variant in product["variants"]]),
            "collections": connection(
                [{"title": one["title"]} for one in self.collections if product["id"] in one["products"]]
            ),
        }

    def variant_fits(self, search: str | None, variant: Thing) -> bool:
        """Tell whether a variant is found."""
        return fits(
            search,
            variant,
            [self.display(variant), variant["sku"]],
            sku=lambda v: v.casefold() == str(variant["sku"]).casefold(),
            barcode=lambda v: v == variant["barcode"],
        )

    def variant_view(self, variant: Thing) -> Thing:
        """Return a variant."""

        def level(place: Thing, available: int) -> Thing:
            counts = {"available": available, "on_hand": available, "committed": 0, "incoming": 0}
            return {
                "location": {"id": place["id"], "name": place["name"]},
                "quantities": lambda names: [{"name": name, "quantity": counts[name]} for name in names],
            }

        there = [
            level(place, variant["stock"][place["id"]]) for place in self.locations if place["id"] in variant["stock"]
        ]
        return {
            **{name: variant[name] for name in ("id", "title", "sku", "barcode")},
            "displayName": self.display(variant),
            "price": str(variant["price"]),
            "compareAtPrice": None if variant["compareAtPrice"] is None else str(variant["compareAtPrice"]),
            "inventoryQuantity": sum(variant["stock"].values()),
            "product": {name: variant["product"][name] for name in ("id", "title", "status")},
            "inventoryItem": {"id": variant["item"], "tracked": True, "inventoryLevels": connection(there)},
        }

    def draft_fits(self, search: str | None, draft: Thing) -> bool:
        """Tell whether a draft order is found."""
        texts = [draft["name"], draft["email"]]
        return fits(search, draft, texts, status=lambda v: v.upper() == draft["status"])

    def draft_view(self, draft: Thing) -> Thing:
        """Return a draft order."""
        order = draft["order"]
        return {
            **{name: draft[name] for name in ("id", "name", "status", "email")},
            "invoiceUrl": f"https://atelier-lyon.example/invoices/{draft['name'][1:]}",
            "invoiceSentAt": draft["sent"],
            "totalPriceSet": bag(draft["total"]),
            "customer": draft["customer"] and self.customer_view(draft["customer"]),
            "lineItems": connection(draft["lines"]),
            "order": order and {"id": order["id"], "name": order["name"]},
        }

    @staticmethod
    def collection_view(one: Thing) -> Thing:
        """Return a collection."""
        return {
            **{name: one[name] for name in ("id", "title", "handle")},
            "productsCount": {"count": len(one["products"])},
            "ruleSet": {"appliedDisjunctively": False} if one["rules"] else None,
        }

    @staticmethod
    def code_view(discount: Thing) -> Thing:
        """Return a discount code."""
        return {
            "__typename": "DiscountCodeBasic",
            **{name: discount[name] for name in ("title", "status", "startsAt", "endsAt", "usageLimit", "summary")},
            "asyncUsageCount": 3,
            "codes": connection([{"code": discount["code"]}]),
        }

    def discount_view(self, discount: Thing) -> Thing:
        """Return a discount's node."""
        return {"id": discount["id"], "discount": self.code_view(discount)}

    def card_view(self, card: Thing) -> Thing:
        """Return a gift card."""
        return {
            **{name: card[name] for name in ("id", "enabled", "note", "expiresOn")},
            "lastCharacters": card["code"][-4:],
            "balance": money(card["balance"]),
            "initialValue": money(card["value"]),
            "customer": card["customer"] and self.customer_view(card["customer"]),
        }

    def suggested(
        self,
        order: Thing,
        refundLineItems: list[Thing] | None = None,  # noqa: N803 - Shopify's names
        shippingAmount: str | None = None,  # noqa: N803
        suggestFullRefund: bool = False,  # noqa: N803
    ) -> Thing:
        """Calculate a refund."""
        lines = refundLineItems or []
        if suggestFullRefund:
            lines = [
                {"lineItemId": line["id"], "quantity": line["quantity"] - line["refunded"]} for line in order["lines"]
            ]
        by_id = {line["id"]: line for line in order["lines"]}
        subtotal = sum((by_id[line["lineItemId"]]["price"] * line["quantity"] for line in lines), Decimal(0))
        left = order["paid"] - order["refunded"]
        wanted = order["shipping"] if suggestFullRefund else Decimal(shippingAmount or 0)
        shipping = min(wanted, order["shipping"])
        amount = min(subtotal + shipping, left)
        transactions, rest = [], amount
        for payment in order["payments"]:
            part = min(rest, payment["left"])
            rest -= part
            transactions.append(
                {
                    "gateway": payment["gateway"],
                    "formattedGateway": payment["name"],
                    "amountSet": bag(part),
                    "maximumRefundableSet": bag(payment["left"]),
                    "parentTransaction": {"id": payment["id"]},
                }
            )
        return {
            "amountSet": bag(amount),
            "subtotalSet": bag(subtotal),
            "totalTaxSet": bag(subtotal / 6),
            "maximumRefundableSet": bag(left),
            "shipping": {"amountSet": bag(shipping)},
            "suggestedTransactions": transactions,
        }

    # -- what changes something

    def do_tagsAdd(self, id: str, tags: list[str]) -> Thing:  # noqa: A002, N802 - Shopify's names
        row = self._tagged(id)
        row["tags"] = [*row["tags"], *(tag for tag in tags if tag not in row["tags"])]
        return {"node": self._node(row)}

    def do_tagsRemove(self, id: str, tags: list[str]) -> Thing:  # noqa: A002, N802
        row = self._tagged(id)
        row["tags"] = [tag for tag in row["tags"] if tag not in tags]
        return {"node": self._node(row)}

    def _node(self, row: Thing) -> Thing:
        views = {"Order": self.order_view, "Customer": self.customer_view, "Product": self.product_view}
        return views[row["id"].split("/")[-2]](row)

    def _tagged(self, key: str) -> Thing:
        rows = [*self.orders, *self.customers, *self.products]
        return next(row for row in rows if row["id"] == key)

    def do_orderUpdate(self, input: Thing) -> Thing:  # noqa: A002, N802
        order = self._order(input["id"])
        if unknown := set(input) - {"id", "note", "email", "phone"}:
            raise Refusal(f"unknown: {unknown}")
        order.update(input)
        return {"order": self.order_view(order)}

    def do_orderCancel(self, orderId: str, reason: str, restock: bool, refundMethod: Thing, **rest: Any) -> Thing:  # noqa: N802, N803
        order = self._order(orderId)
        if order["fulfillments"]:
            return {"orderCancelUserErrors": [user_error("Order has fulfillments and cannot be cancelled", "orderId")]}
        order["cancelled"] = "2026-11-29T12:00:00Z"
        if refundMethod["originalPaymentMethodsRefund"]:
            order["refunded"] = order["paid"]
        for line in order["lines"] if restock else []:
            line["variant"]["stock"][self.locations[0]["id"]] += line["quantity"]
        if rest["notifyCustomer"]:
            self.mails.append(order["email"])
        return {"job": {"id": "gid://shopify/Job/1", "done": False}, "orderCancelUserErrors": []}

    def do_orderMarkAsPaid(self, input: Thing) -> Thing:  # noqa: A002, N802
        order = self._order(input["id"])
        order["paid"] = self.total(order)
        return {"order": self.order_view(order)}

    def do_refundCreate(self, input: Thing) -> Thing:  # noqa: A002, N802
        order = self._order(input["orderId"])
        total = sum((Decimal(one["amount"]) for one in input["transactions"]), Decimal(0))
        payments = {payment["id"]: payment for payment in order["payments"]}
        for one in input["transactions"]:
            payment = payments.get(one["parentId"])
            if not payment or one["kind"] != "REFUND" or Decimal(one["amount"]) > payment["left"]:
                return {"userErrors": [user_error("Refund amount is too high for the payment", "transactions")]}
        by_id = {line["id"]: line for line in order["lines"]}
        for one in input["refundLineItems"]:
            line = by_id[one["lineItemId"]]
            if one["quantity"] > line["quantity"] - line["refunded"]:
                return {"userErrors": [user_error("Quantity cannot refund more items than were purchased", "quantity")]}
            if one["restockType"] != "NO_RESTOCK" and "locationId" not in one:
                return {"userErrors": [user_error("Location is missing", "locationId")]}
        for one in input["refundLineItems"]:
            line = by_id[one["lineItemId"]]
            line["refunded"] += one["quantity"]
            if "locationId" in one:
                line["variant"]["stock"][one["locationId"]] += one["quantity"]
        for one in input["transactions"]:
            payments[one["parentId"]]["left"] -= Decimal(one["amount"])
        order["refunded"] += total
        if input["notify"]:
            self.mails.append(order["email"])
        return {
            "refund": {"id": self.key("Refund"), "totalRefundedSet": bag(total)},
            "order": self.order_view(order),
        }

    def do_fulfillmentCreate(self, fulfillment: Thing) -> Thing:  # noqa: N802
        group = fulfillment["lineItemsByFulfillmentOrder"][0]
        order = next(order for order in self.orders if order["fo"] == group["fulfillmentOrderId"])
        by_id, parts = {line["fo_line"]: line for line in order["lines"]}, []
        for one in group["fulfillmentOrderLineItems"]:
            line = by_id[one["id"]]
            if one["quantity"] > line["quantity"] - line["sent"]:
                return {
                    "userErrors": [user_error("Invalid fulfillment order line item quantity requested", "quantity")]
                }
            line["sent"] += one["quantity"]
            parts.append(
                {"id": self.key("FulfillmentLineItem"), "line": line, "quantity": one["quantity"], "returned": 0}
            )
        info = fulfillment.get("trackingInfo")
        sent = {
            "id": self.key("Fulfillment"),
            "parts": parts,
            "tracking": info and {"company": None, "number": None, "url": None, **info},
        }
        order["fulfillments"].append(sent)
        if fulfillment["notifyCustomer"]:
            self.mails.append(order["email"])
        return {"fulfillment": self.parcel_view(sent)}

    def do_fulfillmentTrackingInfoUpdate(  # noqa: N802
        self,
        fulfillmentId: str,  # noqa: N803
        trackingInfoInput: Thing,  # noqa: N803
        notifyCustomer: bool,  # noqa: N803
    ) -> Thing:
        order, sent = next((o, f) for o in self.orders for f in o["fulfillments"] if f["id"] == fulfillmentId)
        sent["tracking"] = {"company": None, "number": None, "url": None, **trackingInfoInput}
        if notifyCustomer:
            self.mails.append(order["email"])
        return {"fulfillment": self.parcel_view(sent)}

    def do_customerCreate(self, input: Thing) -> Thing:  # noqa: A002, N802
        for field in ("email", "phone"):
            if input.get(field) and any(one[field] == input[field] for one in self.customers):
                return {"customer": None, "userErrors": [user_error(f"{field.title()} has already been taken", field)]}
        made = self.add_customer(
            input.get("firstName", ""), input.get("lastName", ""), input.get("email"), input.get("phone")
        )
        made["tags"], made["note"] = input.get("tags", []), input.get("note")
        return {"customer": self.customer_view(made)}

    def do_customerUpdate(self, input: Thing) -> Thing:  # noqa: A002, N802
        customer = next(one for one in self.customers if one["id"] == input["id"])
        names = {"firstName": "first", "lastName": "last", "email": "email", "phone": "phone", "note": "note"}
        customer.update({names[field]: value for field, value in input.items() if field != "id"})
        return {"customer": self.customer_view(customer)}

    def do_customerEmailMarketingConsentUpdate(self, input: Thing) -> Thing:  # noqa: A002, N802
        customer = next(one for one in self.customers if one["id"] == input["customerId"])
        customer["email_state"] = input["emailMarketingConsent"]["marketingState"]
        return {"customer": self.customer_view(customer)}

    def do_customerSmsMarketingConsentUpdate(self, input: Thing) -> Thing:  # noqa: A002, N802
        customer = next(one for one in self.customers if one["id"] == input["customerId"])
        customer["sms_state"] = input["smsMarketingConsent"]["marketingState"]
        return {"customer": self.customer_view(customer)}

    def do_productSet(self, input: Thing, synchronous: bool) -> Thing:  # noqa: A002, N802
        assert synchronous
        made = self.add_product(input["title"], [], input["status"])
        for one in input["variants"]:
            made["variants"].append(
                {
                    "id": self.key("ProductVariant"),
                    "item": self.key("InventoryItem"),
                    "product": made,
                    "title": one["optionValues"][0]["name"],
                    "sku": one.get("sku"),
                    "barcode": None,
                    "price": Decimal(one["price"]),
                    "compareAtPrice": None,
                    "stock": {},
                }
            )
        made["tags"] = input.get("tags", [])
        made["vendor"], made["productType"] = input.get("vendor", "Atelier Lyon"), input.get("productType", "")
        made["description"] = input.get("descriptionHtml", "")
        return {"product": self.product_view(made)}

    def do_productUpdate(self, product: Thing) -> Thing:  # noqa: N802
        target = next(one for one in self.products if one["id"] == product["id"])
        changes = {"description" if name == "descriptionHtml" else name: value for name, value in product.items()}
        target.update(changes)
        return {"product": self.product_view(target)}

    def do_productVariantsBulkUpdate(self, productId: str, variants: list[Thing]) -> Thing:  # noqa: N802, N803
        product = next(one for one in self.products if one["id"] == productId)
        changed = []
        for one in variants:
            variant = next(v for v in product["variants"] if v["id"] == one["id"])
            for name in ("price", "compareAtPrice"):
                if name in one:
                    variant[name] = None if one[name] is None else Decimal(one[name])
            variant["sku"] = one.get("inventoryItem", {}).get("sku", variant["sku"])
            variant["barcode"] = one.get("barcode", variant["barcode"])
            changed.append(self.variant_view(variant))
        return {"product": self.product_view(product), "productVariants": changed}

    def do_publishablePublish(self, id: str, input: list[Thing]) -> Thing:  # noqa: A002, N802
        self.published |= {(id, one["publicationId"]) for one in input}
        return {}

    def do_publishableUnpublish(self, id: str, input: list[Thing]) -> Thing:  # noqa: A002, N802
        self.published -= {(id, one["publicationId"]) for one in input}
        return {}

    def do_collectionAddProducts(self, id: str, productIds: list[str]) -> Thing:  # noqa: A002, N802, N803
        target = next(one for one in self.collections if one["id"] == id)
        target["products"] = list(dict.fromkeys([*target["products"], *productIds]))
        return {"collection": self.collection_view(target)}

    def do_collectionRemoveProducts(self, id: str, productIds: list[str]) -> Thing:  # noqa: A002, N802, N803
        target = next(one for one in self.collections if one["id"] == id)
        target["products"] = [one for one in target["products"] if one not in productIds]
        return {"job": {"id": "gid://shopify/Job/2", "done": False}}

    def _level(self, row: Thing) -> tuple[Thing, str]:
        variant = next(v for p in self.products for v in p["variants"] if v["item"] == row["inventoryItemId"])
        return variant, row["locationId"]

    def do_inventoryAdjustQuantities(self, input: Thing) -> Thing:  # noqa: A002, N802
        for row in input["changes"]:
            variant, place = self._level(row)
            if row["changeFromQuantity"] != variant["stock"][place]:
                return {"userErrors": [user_error("The change from quantity is stale", "changeFromQuantity")]}
            variant["stock"][place] += row["delta"]
        return {"inventoryAdjustmentGroup": {"id": self.key("InventoryAdjustmentGroup")}}

    def do_inventorySetQuantities(self, input: Thing) -> Thing:  # noqa: A002, N802
        for row in input["quantities"]:
            variant, place = self._level(row)
            if row["changeFromQuantity"] != variant["stock"][place]:
                return {"userErrors": [user_error("The change from quantity is stale", "changeFromQuantity")]}
            variant["stock"][place] = row["quantity"]
        return {"inventoryAdjustmentGroup": {"id": self.key("InventoryAdjustmentGroup")}}

    def do_draftOrderCreate(self, input: Thing) -> Thing:  # noqa: A002, N802
        lines, total = [], Decimal(0)
        for one in input["lineItems"]:
            if "variantId" in one:
                variant = next(v for p in self.products for v in p["variants"] if v["id"] == one["variantId"])
                name, price = self.display(variant), variant["price"]
                price = Decimal(one.get("priceOverride", {}).get("amount", price))
            else:
                name, price = one["title"], Decimal(one["originalUnitPriceWithCurrency"]["amount"])
            lines.append({"name": name, "quantity": one["quantity"]})
            total += price * one["quantity"]
        total *= 1 - Decimal(str(input.get("appliedDiscount", {}).get("value", 0))) / 100
        total += Decimal(input.get("shippingLine", {}).get("priceWithCurrency", {}).get("amount", 0))
        who = input.get("purchasingEntity", {}).get("customerId")
        draft = {
            "id": self.key("DraftOrder"),
            "name": f"#D{len(self.drafts) + 12}",
            "status": "OPEN",
            "email": input.get("email"),
            "customer": next((one for one in self.customers if one["id"] == who), None),
            "sent": None,
            "total": total,
            "lines": lines,
            "order": None,
        }
        self.drafts.append(draft)
        return {"draftOrder": self.draft_view(draft)}

    def do_draftOrderInvoiceSend(self, id: str, email: Thing) -> Thing:  # noqa: A002, N802
        draft = next(one for one in self.drafts if one["id"] == id)
        draft["sent"], draft["status"] = "2026-11-29T12:00:00Z", "INVOICE_SENT"
        self.mails.append(email["to"])
        return {"draftOrder": self.draft_view(draft)}

    def do_draftOrderComplete(self, id: str) -> Thing:  # noqa: A002, N802
        draft = next(one for one in self.drafts if one["id"] == id)
        draft["status"] = "COMPLETED"
        draft["order"] = self.add_order(1003, draft["customer"], [], "2026-11-29T12:00:00Z")
        return {"draftOrder": self.draft_view(draft)}

    def do_draftOrderDelete(self, input: Thing) -> Thing:  # noqa: A002, N802
        self.drafts = [one for one in self.drafts if one["id"] != input["id"]]
        return {"deletedId": input["id"]}

    def do_discountCodeBasicCreate(self, basicCodeDiscount: Thing) -> Thing:  # noqa: N802, N803
        code = basicCodeDiscount["code"]
        if any(one["code"].casefold() == code.casefold() for one in self.discounts):
            return {"codeDiscountNode": None, "userErrors": [user_error("Code must be unique", "code")]}
        made = {
            "id": self.key("DiscountNode"),
            "code": code,
            "title": basicCodeDiscount["title"],
            "status": "ACTIVE",
            "startsAt": basicCodeDiscount["startsAt"],
            "endsAt": basicCodeDiscount.get("endsAt"),
            "usageLimit": basicCodeDiscount.get("usageLimit"),
            "summary": "10% off entire order",
            "input": basicCodeDiscount,
        }
        self.discounts.append(made)
        node = {"id": made["id"].replace("DiscountNode", "DiscountCodeNode"), "codeDiscount": self.code_view(made)}
        return {"codeDiscountNode": node}

    def do_discountCodeDeactivate(self, id: str) -> Thing:  # noqa: A002, N802
        target = next(one for one in self.discounts if one["id"].split("/")[-1] == id.split("/")[-1])
        target["status"] = "EXPIRED"
        return {"codeDiscountNode": {"id": id}}

    def do_giftCardCreate(self, input: Thing) -> Thing:  # noqa: A002, N802
        who = input.get("customerId")
        made = {
            "id": self.key("GiftCard"),
            "code": f"abcd2222eeee{self.last:04d}",
            "enabled": True,
            "value": Decimal(input["initialValue"]),
            "balance": Decimal(input["initialValue"]),
            "note": input.get("note"),
            "expiresOn": input.get("expiresOn"),
            "customer": next((one for one in self.customers if one["id"] == who), None),
        }
        self.cards.append(made)
        return {"giftCard": self.card_view(made), "giftCardCode": made["code"]}

    def do_giftCardDeactivate(self, id: str) -> Thing:  # noqa: A002, N802
        target = next(one for one in self.cards if one["id"] == id)
        target["enabled"] = False
        return {"giftCard": self.card_view(target)}

    def do_returnCreate(self, returnInput: Thing) -> Thing:  # noqa: N802, N803
        order = self._order(returnInput["orderId"])
        by_id = {part["id"]: part for sent in order["fulfillments"] for part in sent["parts"]}
        parts = []
        for one in returnInput["returnLineItems"]:
            part = by_id[one["fulfillmentLineItemId"]]
            part["returned"] += one["quantity"]
            reason = next(row for row in self.reasons if row["id"] == one["returnReasonDefinitionId"])
            parts.append({"name": part["line"]["name"], "quantity": one["quantity"], "reason": reason})
        name = f"{order['name']}-R{len(order['returns']) + 1}"
        made = {"id": self.key("Return"), "name": name, "status": "OPEN", "parts": parts}
        order["returns"].append(made)
        return {"return": self.return_view(order, made)}

    def do_returnClose(self, id: str) -> Thing:  # noqa: A002, N802
        order, target = next((o, r) for o in self.orders for r in o["returns"] if r["id"] == id)
        target["status"] = "CLOSED"
        return {"return": self.return_view(order, target)}


class _Run:
    """One request while it is answered."""

    def __init__(self, fake: FakeShopify, fragments: dict[str, FragmentDefinitionNode], variables: Thing) -> None:
        self.fake, self.fragments, self.variables = fake, fragments, variables

    def _wanted(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value == "include":
                return bool(value_from_ast_untyped(directive.arguments[0].value, self.variables))
        return True

    def _arguments(self, node: FieldNode) -> Thing:
        return {one.name.value: value_from_ast_untyped(one.value, self.variables) for one in node.arguments or ()}

    def mutation(self, node: Any) -> Thing:
        """Carry out one mutation."""
        if not self._wanted(node):
            return {}
        name, arguments = node.name.value, self._arguments(node)
        keys = [
            value_from_ast_untyped(one.arguments[0].value, self.variables)
            for one in node.directives or ()
            if one.name.value == "idempotent"
        ]
        if (name in NEEDS_KEY) != bool(keys):
            raise Refusal(f"{name}: the @idempotent directive is required", "BAD_REQUEST")
        if self.fake.refuse:
            # As Shopify answers: the object is null, the errors say why.
            payload: Thing = {"userErrors": [self.fake.refuse.pop(0)]}
        elif keys and keys[0] in self.fake.done:
            payload = self.fake.done[keys[0]]
        else:
            payload = getattr(self.fake, f"do_{name}")(**{k: v for k, v in arguments.items() if v is not ...})
            if keys:
                self.fake.done[keys[0]] = payload
        payload.setdefault("userErrors", [])
        payload.setdefault("orderCancelUserErrors", payload["userErrors"])
        refused = bool(payload["userErrors"] or payload["orderCancelUserErrors"])
        key = node.alias.value if node.alias else name
        return {key: self.select(payload, node.selection_set, [key], missing_is_null=refused)}

    def select(
        self, source: Thing, selections: SelectionSetNode, path: list[Any], missing_is_null: bool = False
    ) -> Thing:
        """Return what is asked for; raises Refusal for a field that is not there."""
        result: Thing = {}
        for node in selections.selections:
            if not self._wanted(node):
                continue
            if isinstance(node, FragmentSpreadNode):
                part = self.select(source, self.fragments[node.name.value].selection_set, path, missing_is_null)
                _merge(result, part)
            elif isinstance(node, InlineFragmentNode):
                assert node.type_condition
                if source.get("__typename") == node.type_condition.name.value:
                    _merge(result, self.select(source, node.selection_set, path, missing_is_null))
            elif isinstance(node, FieldNode):
                name = node.name.value
                key = node.alias.value if node.alias else name
                if name not in source:
                    if not missing_is_null:
                        raise Refusal(f"Field '{name}' doesn't exist at {'.'.join(map(str, path))}", "undefinedField")
                    result[key] = None
                    continue
                value = source[name]
                if callable(value):
                    value = value(**{k: v for k, v in self._arguments(node).items() if v is not None})
                _merge(result, {key: self._completed(value, node, [*path, key])})
        return result

    def _completed(self, value: Any, node: FieldNode, path: list[Any]) -> Any:
        if [part for part in path if isinstance(part, str)] in self.fake.denied:
            message = f"Access denied for {path[-1]} field."
            self.fake.errors_now.append({"message": message, "path": path, "extensions": {"code": "ACCESS_DENIED"}})
            return None
        if isinstance(value, list):
            return [self._completed(one, node, [*path, number]) for number, one in enumerate(value)]
        if isinstance(value, dict) and node.selection_set:
            return self.select(value, node.selection_set, path)
        assert not node.selection_set or value is None, path
        return value


def _merge(result: Thing, part: Thing) -> None:
    """Add fields, those of one object from several fragments together."""
    for key, value in part.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            for one, other in zip(old, value, strict=True):
                if isinstance(one, dict):
                    _merge(one, other)
        else:
            result[key] = value

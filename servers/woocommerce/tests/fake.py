"""A fake WooCommerce shop that keeps state, built to the derived contract and to the plugin's own rules.

    with FakeWooCommerce() as shop:
        …
        assert shop.orders[1042]["status"] == "completed"

Order numbers are ids, unless `renumber` gives one. `search` looks for a text in the billing address, as WooCommerce
does: a phone number is found only as it is written. Where the documentation is silent it refuses.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from flotilla.parsing import folded
from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

BASE, KEY, SECRET = "/wp-json/wc/v3", "ck_test_0123456789", "cs_test_0123456789"
STATUSES = {
    "pending": "En attente de paiement",
    "processing": "En cours",
    "on-hold": "En attente",
    "completed": "Terminée",
    "cancelled": "Annulée",
    "refunded": "Remboursée",
    "failed": "Échouée",
    "picking": "En préparation",  # a plugin's
}
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of WooCommerce."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.answer = Response.of({"code": code, "message": message, "data": {"status": status, **data}}, status)


def money(value: Decimal) -> str:
    """Return an amount as the API writes it."""
    return f"{value:.2f}"


def stamp(text: str) -> Thing:
    """Return the two forms of a time in July: the site is in Paris."""
    return {"date_created": f"{text}T10:00:00", "date_created_gmt": f"{text}T08:00:00"}


class FakeWooCommerce(Served, FakeApi):
    """The shop of Zoé: mugs and T-shirts."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.strips_headers = False
        self._last = 5000
        self.products: dict[int, Thing] = {}
        self.variations: dict[int, dict[int, Thing]] = {}
        self.orders: dict[int, Thing] = {}
        self.notes: dict[int, list[Thing]] = {}
        self.refunds: dict[int, list[Thing]] = {}
        self.customers: dict[int, Thing] = {}
        self.coupons: dict[int, Thing] = {}
        self.webhooks: dict[int, Thing] = {}
        self.categories: dict[int, Thing] = {
            3: {"id": 3, "name": "Tasses", "slug": "tasses", "parent": 0, "count": 1},
            4: {"id": 4, "name": "Vêtements", "slug": "vetements", "parent": 0, "count": 1},
        }
        self.gateways = [
            {
                "id": "stripe",
                "title": "Carte bancaire",
                "method_title": "Stripe",
                "enabled": True,
                "method_supports": ["products", "refunds"],
            },
            {
                "id": "bacs",
                "title": "Virement",
                "method_title": "Virement bancaire",
                "enabled": True,
                "method_supports": ["products"],
            },
        ]
        self._fill()
        for method, path, handler in ROUTES:
            self.on(method, BASE + path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "WOOCOMMERCE_BASE_URL": self.vendor.url,
            "WOOCOMMERCE_CONSUMER_KEY": KEY,
            "WOOCOMMERCE_CONSUMER_SECRET": SECRET,
        }

    # -- what a test puts in

    def key(self) -> int:
        """Return a new id."""
        self._last += 1
        return self._last

    def add_product(self, number: int, name: str, sku: str, price: str, stock: int | None, **more: Any) -> Thing:
        """Put a product in."""
        self.products[number] = {
            "id": number,
            "name": name,
            "type": "simple",
            "status": "publish",
            "sku": sku,
            "price": price,
            "regular_price": price,
            "sale_price": "",
            "manage_stock": stock is not None,
            "stock_quantity": stock,
            "stock_status": "outofstock" if stock == 0 else "instock",
            "description": f"<p>{name} en grès.</p>",
            "permalink": f"https://boutique.example/produit/{sku.lower()}",
            "categories": [{"id": 3, "name": "Tasses", "slug": "tasses"}],
            "attributes": [],
            "parent_id": 0,
            **more,
        }
        return self.products[number]

    def add_variation(self, parent: int, number: int, sku: str, price: str, stock: int, **options: str) -> Thing:
        """Put a variation in."""
        one = {
            "id": number,
            "sku": sku,
            "price": price,
            "regular_price": price,
            "sale_price": "",
            "manage_stock": True,
            "stock_quantity": stock,
            "stock_status": "instock",
            "status": "publish",
            "attributes": [{"id": 0, "name": name, "option": option} for name, option in options.items()],
        }
        self.variations.setdefault(parent, {})[number] = one
        return one

    def add_order(
        self,
        number: int,
        day: str,
        name: str,
        email: str,
        phone: str,
        lines: list[tuple[int, str, str, int, str, str]],
        **more: Any,
    ) -> Thing:
        """Put an order in. Lines are (product, name, SKU, quantity, total before tax, tax)."""
        first, _, last = name.partition(" ")
        person = {
            "first_name": first,
            "last_name": last,
            "company": "",
            "address_1": "12 rue de l’Œuvre",
            "address_2": "",
            "city": "Lyon",
            "postcode": "69001",
            "country": "FR",
        }
        items = [
            {
                "id": number * 10 + place,
                "name": label,
                "product_id": product,
                "variation_id": 0,
                "quantity": count,
                "total": total,
                "total_tax": tax,
                "taxes": [{"id": 1, "total": tax, "subtotal": tax}],
                "sku": sku,
                "meta_data": [],
            }
            for place, (product, label, sku, count, total, tax) in enumerate(lines, 1)
        ]
        total = sum((Decimal(one[4]) + Decimal(one[5]) for one in lines), Decimal("6.00"))
        self.orders[number] = {
            "id": number,
            "number": str(number),
            "status": "processing",
            "currency": "EUR",
            **stamp(day),
            "date_paid": f"{day}T10:05:00",
            "date_paid_gmt": f"{day}T08:05:00",
            "date_completed": None,
            "date_completed_gmt": None,
            "total": money(total),
            "shipping_total": "5.00",
            "shipping_tax": "1.00",
            "customer_id": 0,
            "customer_note": "",
            "billing": {**person, "email": email, "phone": phone},
            "shipping": person,
            "payment_method": "stripe",
            "payment_method_title": "Carte bancaire",
            "meta_data": [],
            "line_items": items,
            "shipping_lines": [
                {
                    "id": number * 10 + 9,
                    "method_title": "Colissimo",
                    "method_id": "flat_rate",
                    "total": "5.00",
                    "total_tax": "1.00",
                    "taxes": [{"id": 1, "total": "1.00", "subtotal": ""}],
                }
            ],
            "fee_lines": [],
            "refunds": [],
            **more,
        }
        self.notes[number] = []
        return self.orders[number]

    def renumber(self, order: int, number: str) -> None:
        """Give an order a number of its own, as a plugin for order numbers does."""
        self.orders[order]["number"] = number

    def _fill(self) -> None:
        self.add_product(12, "Tasse bleue", "TASSE-BLEUE", "24.90", 5)
        options = [{"id": 0, "name": "Taille", "variation": True, "visible": True, "options": ["M", "L"]}]
        self.add_product(20, "T-shirt rayé", "TS", "19.00", None, type="variable", attributes=options)
        self.add_variation(20, 21, "TS-M", "19.00", 3, Taille="M")
        self.add_variation(20, 22, "TS-L", "21.00", 0, Taille="L")
        parcel = {"tracking_provider": "colissimo", "tracking_number": "6A123", "custom_tracking_link": ""}
        self.add_order(
            1042,
            "2026-07-02",
            "Jean Dupont",
            "jean.dupont@exemple.fr",
            "06 12 34 56 78",
            [(12, "Tasse bleue", "TASSE-BLEUE", 2, "41.50", "8.30"), (30, "Thé vert", "THE", 1, "10.00", "0.55")],
            meta_data=[{"id": 1, "key": "_wc_shipment_tracking_items", "value": [parcel]}],
        )
        self.notes[1042].append(self._note("Votre colis part demain.", to_customer=True))
        self.notes[1042].append(self._note("Paiement reçu", to_customer=False))
        self.add_order(
            1043,
            "2026-07-01",
            "Marie Curie",
            "marie@exemple.fr",
            "+33798765432",
            [(20, "T-shirt rayé - M", "TS-M", 1, "15.83", "3.17")],
            status="completed",
            customer_id=7,
            payment_method="bacs",
            payment_method_title="Virement",
            date_completed="2026-07-03T12:00:00",
            date_completed_gmt="2026-07-03T10:00:00",
        )
        self.customers[7] = {
            "id": 7,
            "email": "marie@exemple.fr",
            "first_name": "Marie",
            "last_name": "Curie",
            "billing": self.orders[1043]["billing"],
            "shipping": self.orders[1043]["shipping"],
        }
        self.coupons[81] = {
            "id": 81,
            "code": "ete10",
            "amount": "10.00",
            "discount_type": "percent",
            "date_expires": "2026-08-31T00:00:00",
            "usage_count": 4,
            "usage_limit": None,
            "minimum_amount": "0.00",
        }
        self.webhooks[7] = {
            "id": 7,
            "name": "Stock",
            "status": "active",
            "topic": "product.updated",
            "delivery_url": "https://hooks.example/stock",
        }

    def _note(self, text: str, *, to_customer: bool) -> Thing:
        return {"id": self.key(), "author": "Zoé", **stamp("2026-07-02"), "note": text, "customer_note": to_customer}

    # -- what every request goes through

    def _checked(self, handler: Callable[..., Any]) -> Callable[..., Response]:
        def answer(request: Request, **names: str) -> Response:
            try:
                self._authorize(request)
                result = handler(self, request, **{name: int(value) for name, value in names.items()})
            except Refusal as refusal:
                return refusal.answer
            return result if isinstance(result, Response) else Response.of(result)

        return answer

    def _authorize(self, request: Request) -> None:
        query = dict(request.query)
        header = "" if self.strips_headers else request.headers.get("authorization", "")
        basic = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if header != basic and (query.get("consumer_key"), query.get("consumer_secret")) != (KEY, SECRET):
            if header or "consumer_key" in query:
                raise Refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
            raise Refusal(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")

    def _listed(self, request: Request, rows: list[Thing]) -> Response:
        query = dict(request.query)
        page, size = int(query.get("page", 1)), int(query.get("per_page", 10))
        if not 1 <= size <= 100:
            params = {"per_page": "per_page must be between 1 (inclusive) and 100 (inclusive)"}
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): per_page", params=params)
        if "include" in query:
            wanted = set(query["include"].split(","))
            rows = [row for row in rows if str(row["id"]) in wanted]
        return Response.of(deepcopy(rows[(page - 1) * size : page * size]))

    def _of(self, things: dict[int, Thing], number: int, kind: str) -> Thing:
        if number not in things:
            raise Refusal(404, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")
        return things[number]

    # -- orders

    def list_orders(self, request: Request) -> Response:
        """List orders, newest first."""
        query = dict(request.query)
        rows = sorted(self.orders.values(), key=lambda one: str(one["date_created_gmt"]), reverse=True)
        if text := query.get("search"):
            rows = [one for one in rows if text.casefold() in self._index(one) or text == str(one["id"])]
        if status := query.get("status"):
            if status not in STATUSES:
                raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): status")
            rows = [one for one in rows if one["status"] == status]
        for name, keeps in (("after", str.__gt__), ("before", str.__lt__)):
            if when := query.get(name):
                field = "date_created_gmt" if query.get("dates_are_gmt") == "true" else "date_created"
                rows = [one for one in rows if keeps(str(one[field]), when.rstrip("Z"))]
        return self._listed(request, rows)

    def _index(self, order: Thing) -> str:
        return " ".join([order["number"], *map(str, order["billing"].values())]).casefold()

    def create_order(self, request: Request) -> Response:
        """Create an order; the same request makes another one."""
        body, number = request.json(), self.key()
        lines = []
        for line in body["line_items"]:
            thing = self.products.get(line["product_id"])
            if "variation_id" in line:
                thing = self.variations.get(line["product_id"], {}).get(line["variation_id"])
            if thing is None:
                raise Refusal(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
            total = Decimal(thing["price"]) * line["quantity"]
            lines.append(
                (line["product_id"], thing.get("name", "T-shirt"), thing["sku"], line["quantity"], money(total), "0")
            )
        person = body.get("billing", {})
        name = f"{person.get('first_name', '')} {person.get('last_name', '')}"
        order = self.add_order(
            number,
            "2026-07-04",
            name,
            person.get("email", ""),
            person.get("phone", ""),
            lines,
            status="processing" if body.get("set_paid") else body.get("status", "pending"),
            customer_id=body.get("customer_id", 0),
            payment_url=f"https://boutique.example/paiement/{number}",
        )
        for line, sent in zip(order["line_items"], body["line_items"], strict=True):
            line["variation_id"] = sent.get("variation_id", 0)
        return Response.of(order, 201)

    def get_order(self, request: Request, order: int) -> Thing:
        """Return an order."""
        return self._of(self.orders, order, "shop_order")

    def update_order(self, request: Request, order: int) -> Thing:
        """Change an order: its status must be one that the shop has."""
        one, body = self._of(self.orders, order, "shop_order"), request.json()
        if body.get("status", "pending") not in STATUSES:
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): status")
        for name in ("billing", "shipping"):
            one[name] = {**one[name], **body.pop(name, {})}
        one.update(body)
        return one

    def list_notes(self, request: Request, order: int) -> Response:
        """List the notes, of one type."""
        self._of(self.orders, order, "shop_order")
        kind = dict(request.query).get("type", "any")
        return Response.of(
            [n for n in self.notes[order] if kind == "any" or n["customer_note"] == (kind == "customer")]
        )

    def add_note(self, request: Request, order: int) -> Response:
        """Add a note."""
        self._of(self.orders, order, "shop_order")
        body = request.json()
        self.notes[order].append(self._note(body["note"], to_customer=body.get("customer_note", False)))
        return Response.of(self.notes[order][-1], 201)

    def list_refunds(self, request: Request, order: int) -> Response:
        """List the refunds of an order."""
        self._of(self.orders, order, "shop_order")
        return self._listed(request, self.refunds.get(order, []))

    def refund(self, request: Request, order: int) -> Response:
        """Refund: not more than is left, and by a service that can."""
        one, body, number = self._of(self.orders, order, "shop_order"), request.json(), self.key()
        sum_of = Decimal(body["amount"])
        back = sum((abs(Decimal(r["total"])) for r in one["refunds"]), Decimal(0))
        if not 0 < sum_of <= Decimal(one["total"]) - back:
            raise Refusal(500, "woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.")
        if body.get("api_refund", True) and one["payment_method"] == "bacs":
            message = "The payment gateway for this order does not support automatic refunds."
            raise Refusal(500, "woocommerce_rest_cannot_create_order_refund", message)
        lines = []
        for sent in body.get("line_items", []):
            line = next(row for row in [*one["line_items"], *one["shipping_lines"]] if row["id"] == sent["id"])
            if sent["quantity"] > line.get("quantity", 0):
                raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): line_items")
            taxes = [{"id": tax["id"], "total": f"-{tax['refund_total']}"} for tax in sent.get("refund_tax", [])]
            kind = "line_items" if line in one["line_items"] else "shipping_lines"
            meta = [{"key": "_refunded_item_id", "value": str(sent["id"])}]
            row = {"id": self.key(), "quantity": -sent["quantity"], "total": f"-{sent['refund_total']}", "taxes": taxes}
            lines.append((kind, {**row, "meta_data": meta}))
            if body.get("api_restock", True) and line.get("product_id") in self.products and sent["quantity"]:
                self.products[line["product_id"]]["stock_quantity"] += sent["quantity"]
        made = {
            "id": number,
            **stamp("2026-07-05"),
            "amount": body["amount"],
            "reason": body.get("reason", ""),
            "refunded_payment": body.get("api_refund", True),
            "line_items": [row for kind, row in lines if kind == "line_items"],
            "shipping_lines": [row for kind, row in lines if kind == "shipping_lines"],
        }
        self.refunds.setdefault(order, []).append(made)
        one["refunds"].append({"id": number, "reason": made["reason"], "total": f"-{body['amount']}"})
        if sum_of == Decimal(one["total"]) - back:
            one["status"] = "refunded"
        return Response.of(made, 201)

    # -- products

    def list_products(self, request: Request) -> Response:
        """List products; by SKU variations too."""
        query = dict(request.query)
        rows = list(self.products.values())
        if "sku" in query:
            wanted = query["sku"].split(",")
            children = [
                {**one, "type": "variation", "parent_id": parent, "name": self.products[parent]["name"]}
                for parent, several in self.variations.items()
                for one in several.values()
            ]
            rows = [one for one in [*rows, *children] if one["sku"] in wanted]
        if text := query.get("search"):
            rows = [one for one in rows if folded(text) in folded(f"{one['name']} {one['description']}")]
        if category := query.get("category"):
            rows = [one for one in rows if category in [str(c["id"]) for c in one["categories"]]]
        for name in ("stock_status", "status"):
            rows = [one for one in rows if query.get(name) in (None, one[name])]
        return self._listed(request, rows)

    def _new_sku(self, body: Thing) -> None:
        taken = [*self.products.values(), *(v for several in self.variations.values() for v in several.values())]
        if body.get("sku") and any(one["sku"] == body["sku"] for one in taken):
            raise Refusal(400, "product_invalid_sku", "Invalid or duplicated SKU.", resource_id=12)

    def create_product(self, request: Request) -> Response:
        """Create a product."""
        body, number = request.json(), self.key()
        self._new_sku(body)
        body["price"] = body.get("regular_price", "")
        for category in body.get("categories", []):
            category["name"] = self.categories[category["id"]]["name"]
        one = self.add_product(number, body["name"], body.get("sku", ""), body["price"], body.get("stock_quantity"))
        one.update(body)
        return Response.of(one, 201)

    def get_product(self, request: Request, product: int) -> Thing:
        """Return a product, or a variation by its id."""
        for parent, several in self.variations.items():
            if product in several:
                return {**several[product], "type": "variation", "parent_id": parent, "name": "T-shirt rayé"}
        return self._of(self.products, product, "product")

    def update_product(self, request: Request, product: int) -> Thing:
        """Change a product."""
        return self._priced(self._of(self.products, product, "product"), request.json())

    def _priced(self, one: Thing, body: Thing) -> Thing:
        for name in ("regular_price", "sale_price"):
            if not isinstance(body.get(name, ""), str):
                raise Refusal(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
        one.update(body)
        one["price"] = one["sale_price"] or one["regular_price"]
        return one

    def update_many(self, request: Request, product: int | None = None) -> Thing:
        """Change many: each that fails has an error in its place."""
        things = self.products if product is None else self.variations[product]
        rows = []
        for body in request.json()["update"]:
            if Decimal(body.get("regular_price", "0")) > 9_000:
                error = {"code": "rest_invalid_param", "message": "Trop cher", "data": {"status": 400}}
                rows.append({"id": body["id"], "error": error})
            else:
                rows.append(self._priced(self._of(things, body["id"], "product"), body))
        return {"update": rows}

    def list_variations(self, request: Request, product: int) -> Response:
        """List the variations of a product."""
        self._of(self.products, product, "product")
        return self._listed(request, list(self.variations.get(product, {}).values()))

    def create_variation(self, request: Request, product: int) -> Response:
        """Create a variation."""
        self._of(self.products, product, "product")
        body = request.json()
        self._new_sku(body)
        options = {one["name"]: one["option"] for one in body["attributes"]}
        made = self.add_variation(
            product,
            self.key(),
            body.get("sku", ""),
            body.get("regular_price", ""),
            body.get("stock_quantity", 0),
            **options,
        )
        return Response.of(made, 201)

    def update_variation(self, request: Request, product: int, variation: int) -> Thing:
        """Change a variation."""
        return self._priced(self._of(self.variations.get(product, {}), variation, "product_variation"), request.json())

    # -- the rest

    def list_customers(self, request: Request) -> Response:
        """List accounts; guests are none."""
        query = dict(request.query)
        rows = [one for one in self.customers.values() if query.get("email") in (None, one["email"])]
        if text := query.get("search"):
            rows = [r for r in rows if text.casefold() in f"{r['first_name']} {r['last_name']} {r['email']}".casefold()]
        return self._listed(request, rows)

    def create_customer(self, request: Request) -> Response:
        """Create an account: one for each mail address."""
        body, number = request.json(), self.key()
        if any(one["email"] == body["email"] for one in self.customers.values()):
            raise Refusal(400, "registration-error-email-exists", "An account is already registered with your address.")
        self.customers[number] = {"billing": {}, "shipping": {}, "last_name": "", **body, "id": number}
        return Response.of(self.customers[number], 201)

    def update_customer(self, request: Request, customer: int) -> Thing:
        """Change an account."""
        one, body = self._of(self.customers, customer, "customer"), request.json()
        for name in ("billing", "shipping"):
            one[name] = {**one[name], **body.pop(name, {})}
        one.update(body)
        return one

    def list_coupons(self, request: Request) -> Response:
        """List coupons; a code has no case."""
        query = dict(request.query)
        rows = [one for one in self.coupons.values() if str(query.get("code", one["code"])).lower() == one["code"]]
        return self._listed(request, [one for one in rows if str(query.get("search", "")).lower() in one["code"]])

    def create_coupon(self, request: Request) -> Response:
        """Create a coupon: one for each code."""
        body, number = request.json(), self.key()
        if any(one["code"] == body["code"].lower() for one in self.coupons.values()):
            raise Refusal(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")
        self.coupons[number] = {"usage_count": 0, "minimum_amount": "0.00", **body, "id": number}
        self.coupons[number]["code"] = body["code"].lower()
        return Response.of(self.coupons[number], 201)

    def update_coupon(self, request: Request, coupon: int) -> Thing:
        """Change a coupon."""
        self._of(self.coupons, coupon, "shop_coupon").update(request.json())
        return self.coupons[coupon]

    def list_categories(self, request: Request) -> Response:
        """List categories."""
        text = dict(request.query).get("search", "").casefold()
        return self._listed(request, [one for one in self.categories.values() if text in one["name"].casefold()])

    def list_webhooks(self, request: Request) -> Response:
        """List webhooks."""
        return self._listed(request, list(self.webhooks.values()))

    def create_webhook(self, request: Request) -> Response:
        """Create a webhook."""
        number = self.key()
        self.webhooks[number] = {"status": "active", **request.json(), "id": number}
        return Response.of({k: v for k, v in self.webhooks[number].items() if k != "secret"}, 201)

    def get_webhook(self, request: Request, webhook: int) -> Thing:
        """Return a webhook."""
        return self._of(self.webhooks, webhook, "shop_webhook")

    def delete_webhook(self, request: Request, webhook: int) -> Thing:
        """Delete a webhook, which has no trash."""
        self._of(self.webhooks, webhook, "shop_webhook")
        if dict(request.query).get("force") != "true":
            raise Refusal(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
        return self.webhooks.pop(webhook)

    def totals(self, request: Request) -> Response:
        """Return the order statuses with their counts."""
        return Response.of([{"slug": slug, "name": name, "total": 1} for slug, name in STATUSES.items()])

    def sales(self, request: Request) -> Response:
        """Return one report."""
        if not re.fullmatch(r"(week|month|last_month|year)?", dict(request.query).get("period", "")):
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): period")
        report = {"total_sales": "90.35", "net_sales": "67.33", "average_sales": "2.17", "total_orders": 2}
        more = {"total_items": 4, "total_tax": "13.02", "total_shipping": "10.00", "total_refunds": 0}
        return Response.of([{**report, **more, "total_discount": "0.00", "totals": {}}])

    def sellers(self, request: Request) -> Response:
        """Return what sold best."""
        return Response.of([{"title": "Tasse bleue", "product_id": 12, "quantity": 2}])

    def money_of_shop(self, request: Request) -> Thing:
        """Return the shop's currency."""
        return {"code": "EUR", "name": "Euro", "symbol": "&euro;"}

    def payment_gateways(self, request: Request) -> Response:
        """Return the payment gateways."""
        return Response.of(self.gateways)

    def general(self, request: Request) -> Response:
        """Return general settings."""
        return Response.of([{"id": "woocommerce_store_city", "label": "Ville", "value": "Lyon", "type": "text"}])

    def zones(self, request: Request) -> Response:
        """Return shipping zones."""
        return Response.of([{"id": 1, "name": "France", "order": 0}, {"id": 0, "name": "Ailleurs", "order": 1}])


ORDER, PRODUCT = r"/orders/(?P<order>\d+)", r"/products/(?P<product>\d+)"
ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/orders", FakeWooCommerce.list_orders),
    ("POST", "/orders", FakeWooCommerce.create_order),
    ("GET", ORDER, FakeWooCommerce.get_order),
    ("PUT", ORDER, FakeWooCommerce.update_order),
    ("GET", f"{ORDER}/notes", FakeWooCommerce.list_notes),
    ("POST", f"{ORDER}/notes", FakeWooCommerce.add_note),
    ("GET", f"{ORDER}/refunds", FakeWooCommerce.list_refunds),
    ("POST", f"{ORDER}/refunds", FakeWooCommerce.refund),
    ("GET", "/products", FakeWooCommerce.list_products),
    ("POST", "/products", FakeWooCommerce.create_product),
    ("POST", "/products/batch", FakeWooCommerce.update_many),
    ("GET", "/products/categories", FakeWooCommerce.list_categories),
    ("GET", PRODUCT, FakeWooCommerce.get_product),
    ("PUT", PRODUCT, FakeWooCommerce.update_product),
    ("GET", f"{PRODUCT}/variations", FakeWooCommerce.list_variations),
    ("POST", f"{PRODUCT}/variations", FakeWooCommerce.create_variation),
    ("POST", f"{PRODUCT}/variations/batch", FakeWooCommerce.update_many),
    ("PUT", rf"{PRODUCT}/variations/(?P<variation>\d+)", FakeWooCommerce.update_variation),
    ("GET", "/customers", FakeWooCommerce.list_customers),
    ("POST", "/customers", FakeWooCommerce.create_customer),
    ("PUT", r"/customers/(?P<customer>\d+)", FakeWooCommerce.update_customer),
    ("GET", "/coupons", FakeWooCommerce.list_coupons),
    ("POST", "/coupons", FakeWooCommerce.create_coupon),
    ("PUT", r"/coupons/(?P<coupon>\d+)", FakeWooCommerce.update_coupon),
    ("GET", "/webhooks", FakeWooCommerce.list_webhooks),
    ("POST", "/webhooks", FakeWooCommerce.create_webhook),
    ("GET", r"/webhooks/(?P<webhook>\d+)", FakeWooCommerce.get_webhook),
    ("DELETE", r"/webhooks/(?P<webhook>\d+)", FakeWooCommerce.delete_webhook),
    ("GET", "/reports/orders/totals", FakeWooCommerce.totals),
    ("GET", "/reports/sales", FakeWooCommerce.sales),
    ("GET", "/reports/top_sellers", FakeWooCommerce.sellers),
    ("GET", "/data/currencies/current", FakeWooCommerce.money_of_shop),
    ("GET", "/payment_gateways", FakeWooCommerce.payment_gateways),
    ("GET", "/settings/general", FakeWooCommerce.general),
    ("GET", "/shipping/zones", FakeWooCommerce.zones),
]

"""A fake Magento shop that keeps state, built to the published subset of its REST document and to its own rules.

    with FakeMagento() as shop:
        …
        assert shop.orders[42]["status"] == "canceled"

Searches take filter groups as Magento does, also by what a row keeps in `_` and does not show; a field that an order
does not have is refused, a phone number among them.
Ids come back as text, as they do in a shop.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

BASE, TOKEN = "/rest/all/V1", "magento-test-token"
Thing = dict[str, Any]
FILTER = re.compile(r"searchCriteria\[filterGroups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(field|value|conditionType)\]")


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Magento, with placeholders in its message."""

    def __init__(self, status: int, message: str, parameters: Any = None) -> None:
        super().__init__(message)
        more = {"parameters": parameters} if parameters else {}
        self.answer = Response.of({"message": message, **more, "trace": "#0 /var/www/secret.php"}, status)


class FakeMagento(Served, FakeApi):
    """The shop of Zoé: mugs and T-shirts, two places with stock."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.token = TOKEN
        self._last = 900
        self.orders: dict[int, Thing] = {}
        self.invoices: list[Thing] = []
        self.shipments: list[Thing] = []
        self.refunds: list[Thing] = []
        self.products: dict[str, Thing] = {}
        self.stock: list[Thing] = []
        self.customers: dict[int, Thing] = {}
        self.coupons: dict[int, Thing] = {}
        self.rules: list[Thing] = []
        self.carts: list[Thing] = []
        self._fill()
        for method, path, handler in ROUTES:
            self.on(method, BASE + path, self._checked(handler))
        self.on("POST", "/graphql", lambda request: self.graphql(request))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {"MAGENTO_BASE_URL": self.vendor.url, "MAGENTO_ACCESS_TOKEN": TOKEN}

    @property
    def writes(self) -> list[Request]:
        """What arrived and may have changed something, searches of the storefront aside."""
        return [request for request in self.vendor.requests if request.writes and request.path != "/graphql"]

    # -- what a test puts in

    def key(self) -> int:
        """Return a new id."""
        self._last += 1
        return self._last

    def add_product(self, number: int, sku: str, name: str, price: float, **more: Any) -> Thing:
        """Put a product in."""
        self.products[sku] = {
            "id": number,
            "sku": sku,
            "name": name,
            "attribute_set_id": 4,
            "price": price,
            "status": 1,
            "visibility": 4,
            "type_id": "simple",
            "created_at": f"2026-01-{number:02} 08:00:00",
            "updated_at": "2026-06-01 08:00:00",
            "custom_attributes": [{"attribute_code": "description", "value": f"<p>{name} en grès.</p>"}],
            **more,
        }
        return self.products[sku]

    def add_order(
        self, number: int, increment: str, day: str, name: str, email: str, phone: str, lines: list[Any], **more: Any
    ) -> Thing:
        """Put a paid order in. Lines are (SKU, name, quantity, total with tax)."""
        first, _, last = name.partition(" ")
        place = {
            "address_type": "billing",
            "firstname": first,
            "lastname": last,
            "street": ["12 rue de l’Œuvre"],
            "postcode": "69001",
            "city": "Lyon",
            "country_id": "FR",
            "telephone": phone,
        }
        items = [
            {
                "item_id": number * 10 + at,
                "sku": sku,
                "name": label,
                "qty_ordered": count,
                "qty_invoiced": count,
                "qty_shipped": 0,
                "qty_refunded": 0,
                "row_total_incl_tax": total,
                "discount_amount": 0,
                "product_type": "simple",
            }
            for at, (sku, label, count, total) in enumerate(lines, 1)
        ]
        total = float(sum((Decimal(str(one[3])) for one in lines), Decimal(6)))
        shipping = {"address": {**place, "address_type": "shipping"}, "method": "flatrate_flatrate"}
        self.orders[number] = {
            "entity_id": number,
            "increment_id": increment,
            "state": "processing",
            "status": "processing",
            "created_at": f"{day} 08:00:00",
            "updated_at": f"{day} 08:00:00",
            "grand_total": total,
            "base_grand_total": total,
            "total_paid": total,
            "total_invoiced": total,
            "shipping_amount": 5,
            "shipping_tax_amount": 1,
            "shipping_incl_tax": 6,
            "order_currency_code": "EUR",
            "customer_email": email,
            "customer_firstname": first,
            "customer_lastname": last,
            "shipping_description": "Colissimo",
            "items": items,
            "billing_address": place,
            "payment": {
                "method": "stripe",
                "additional_information": ["Carte bancaire"],
                "account_status": "",
                "cc_last4": "",
            },
            "status_histories": [],
            "extension_attributes": {"shipping_assignments": [{"shipping": shipping, "items": []}]},
            **more,
        }
        paid = self.orders[number]["total_paid"]
        if paid:
            invoice = {"entity_id": number + 100, "increment_id": f"{number + 100:09}", "order_id": number}
            self.invoices.append(
                {**invoice, "grand_total": paid, "total_qty": 1, "items": [], "transaction_id": f"pi_{number}"}
            )
        return self.orders[number]

    def _fill(self) -> None:
        self.add_product(12, "TASSE-BLEUE", "Tasse bleue", 24.9)
        links = {"configurable_product_links": [21]}
        self.add_product(20, "TS", "T-shirt rayé", 0, type_id="configurable", extension_attributes=links)
        self.add_product(21, "TS-M", "T-shirt rayé M", 19)
        self.stock = [
            {"sku": "TASSE-BLEUE", "source_code": "default", "quantity": 5, "status": 1},
            {"sku": "TS-M", "source_code": "default", "quantity": 3, "status": 1},
            {"sku": "TS-M", "source_code": "lyon", "quantity": 1, "status": 1},
        ]
        self.add_order(
            42,
            "000001042",
            "2026-07-02",
            "Jean Dupont",
            "jean.dupont@exemple.fr",
            "06 12 34 56 78",
            [("TASSE-BLEUE", "Tasse bleue", 2, 49.8), ("THE", "Thé vert", 1, 10.55)],
        )
        self.orders[42]["status_histories"] = [
            {**self._history("Votre colis part demain.", 1), "created_at": "2026-07-02 09:00:00"},
            {**self._history("Fragile", 0), "created_at": "2026-07-02 09:05:00"},
        ]
        track = {
            "track_number": "6A123",
            "title": "Colissimo",
            "carrier_code": "custom",
            "order_id": 42,
            "parent_id": 7,
        }
        shipment = {"entity_id": 7, "order_id": 42, "items": [], "comments": []}
        self.shipments.append({**shipment, "tracks": [{**track, "weight": 1, "qty": 1, "description": ""}]})
        self.add_order(
            43,
            "000001043",
            "2026-07-01",
            "Marie Curie",
            "marie@exemple.fr",
            "+33 7 98 76 54 32",
            [("TS-M", "T-shirt rayé M", 1, 19)],
            state="new",
            status="pending",
            total_paid=0,
            total_invoiced=0,
            customer_id=7,
        )
        self.orders[43]["items"][0]["qty_invoiced"] = 0
        place = {**self.orders[43]["billing_address"], "id": 3, "default_billing": True}
        place.pop("address_type")
        person = {"email": "marie@exemple.fr", "firstname": "Marie", "lastname": "Curie", "website_id": 1}
        self.customers[7] = {"id": 7, **person, "addresses": [place]}
        coupon = {"coupon_id": 81, "rule_id": 5, "code": "ETE10", "times_used": 4, "is_primary": True}
        self.coupons[81] = {**coupon, "usage_limit": 100}
        item = {"item_id": 1, "sku": "TASSE-BLEUE", "qty": 2, "name": "Tasse bleue", "price": 24.9, "quote_id": "5"}
        cart = {"id": 5, "updated_at": "2026-07-03 10:00:00", "is_active": True, "items": [item], "items_count": 1}
        self.carts.append({**cart, "customer": {**person, "id": 7}, "store_id": 1})

    def _history(self, text: str, notified: int) -> Thing:
        return {"comment": text, "is_customer_notified": notified, "is_visible_on_front": notified, "parent_id": 42}

    # -- what every request goes through

    def _checked(self, handler: Callable[..., Any]) -> Callable[..., Response]:
        def answer(request: Request, **names: str) -> Response:
            try:
                self._authorize(request)
                result = handler(self, request, **names)
            except Refusal as refusal:
                return refusal.answer
            return result if isinstance(result, Response) else Response.of(deepcopy(result))

        return answer

    def _authorize(self, request: Request) -> None:
        header = request.headers.get("authorization", "")
        if header != f"Bearer {self.token}" and not header.startswith("OAuth "):
            raise Refusal(
                401, "The consumer isn't authorized to access %resources.", {"resources": "Magento_Sales::sales"}
            )

    def _found(self, request: Request, rows: list[Thing], *refused: str) -> Thing:
        """Search as Magento does: alternatives within a group, all groups; past the end the last page comes again."""
        query = dict(request.query)
        groups: dict[str, dict[str, dict[str, str]]] = {}
        for name, value in query.items():
            if match := FILTER.fullmatch(name):
                groups.setdefault(match[1], {}).setdefault(match[2], {})[match[3]] = value
        for group in groups.values():
            for one in group.values():
                if one["field"] in refused:
                    raise Refusal(400, "Column not found: %1", [one["field"]])
            rows = [row for row in rows if any(_fits({**row, **row.get("_", {})}, one) for one in group.values())]
        if sort := query.get("searchCriteria[sortOrders][0][field]"):
            down = query.get("searchCriteria[sortOrders][0][direction]") == "DESC"
            rows = sorted(rows, key=lambda row: str(row.get(sort) or ""), reverse=down)
        size, page = int(query["searchCriteria[pageSize]"]), int(query["searchCriteria[currentPage]"])
        last = max(1, -(-len(rows) // size))
        start = (min(page, last) - 1) * size
        shown = [{name: value for name, value in row.items() if name != "_"} for row in rows[start : start + size]]
        return {"items": shown, "search_criteria": {}, "total_count": len(rows)}

    def _order(self, order: str) -> Thing:
        if int(order) not in self.orders:
            raise Refusal(404, "The entity that was requested doesn't exist. Verify the entity and try again.")
        return self.orders[int(order)]

    # -- orders

    def list_orders(self, request: Request) -> Thing:
        """Search orders: not by phone number, which stands in another table."""
        return self._found(request, list(self.orders.values()), "billing_telephone", "telephone")

    def comment(self, request: Request, order: str) -> bool:
        """Add a comment."""
        history = request.json()["statusHistory"]
        self._order(order)["status_histories"].append({**history, "created_at": "2026-07-04 08:00:00"})
        return True

    def cancel(self, request: Request, order: str) -> bool:
        """Cancel: false where it cannot be."""
        one = self._order(order)
        if one["total_invoiced"]:
            return False
        one |= {"state": "canceled", "status": "canceled"}
        return True

    def invoice(self, request: Request, order: str) -> str:
        """Invoice all that is not."""
        one, number = self._order(order), self.key()
        for item in one["items"]:
            item["qty_invoiced"] = item["qty_ordered"]
        one |= {"total_invoiced": one["grand_total"], "status": "processing", "state": "processing"}
        if request.json().get("capture"):
            one["total_paid"] = one["grand_total"]
        self.invoices.append({"entity_id": number, "increment_id": f"{number:09}", "order_id": int(order), "items": []})
        return str(number)

    def ship(self, request: Request, order: str) -> str:
        """Ship lines, or all."""
        one, body, number = self._order(order), request.json(), self.key()
        wanted = {row["order_item_id"]: row["qty"] for row in body.get("items", [])}
        for item in one["items"]:
            item["qty_shipped"] += wanted.get(item["item_id"], 0) if wanted else item["qty_ordered"]
            if item["qty_shipped"] > item["qty_ordered"]:
                raise Refusal(400, "Shipment Document Validation Error(s):\nThe quantity to ship must not be greater.")
        self.shipments.append({"entity_id": number, "order_id": int(order), "tracks": body.get("tracks", [])})
        return str(number)

    def refund(self, request: Request, order: str = "", invoice: str = "") -> str:
        """Refund: without a shipping amount the whole fee goes back, as in Magento."""
        if invoice:
            matches = next((one for one in self.invoices if one["entity_id"] == int(invoice)), None)
            if matches is None or not matches.get("transaction_id"):
                raise Refusal(400, "Creditmemo Document Validation Error(s): no transaction")
            order = str(matches["order_id"])
        one, body, number = self._order(order), request.json(), self.key()
        if (order and not invoice) and body.get("isOnline"):
            raise Refusal(400, "Property isOnline does not have accessor method")
        total = Decimal(str(body.get("arguments", {}).get("shipping_amount", 5))) * Decimal("1.2")
        total += Decimal(str(body.get("arguments", {}).get("adjustment_positive", 0)))
        for row in body["items"]:
            item = next(i for i in one["items"] if i["item_id"] == row["order_item_id"])
            if row["qty"] > item["qty_invoiced"] - item["qty_refunded"]:
                raise Refusal(400, "The quantity to refund must not be greater than the invoiced quantity.")
            item["qty_refunded"] += row["qty"]
            total += Decimal(str(item["row_total_incl_tax"])) * row["qty"] / item["qty_ordered"]
        one["total_refunded"] = float(Decimal(str(one.get("total_refunded", 0))) + total)
        self.refunds.append({"id": number, "total": total, "body": body})
        return str(number)

    def list_invoices(self, request: Request) -> Thing:
        """Search invoices."""
        return self._found(request, self.invoices)

    def list_shipments(self, request: Request) -> Thing:
        """Search shipments."""
        return self._found(request, self.shipments)

    # -- products

    def list_products(self, request: Request) -> Thing:
        """Search products; everyone is in the one category."""
        rows = [{**one, "_": {"entity_id": one["id"], "category_id": 3}} for one in self.products.values()]
        return self._found(request, rows)

    def save_product(self, request: Request, sku: str = "") -> Thing:
        """Change a product; one that is not known is created."""
        body = request.json()["product"]
        if sku and sku != body["sku"]:
            raise Refusal(400, "The SKU does not fit.")
        known = self.products.get(body["sku"]) or self.add_product(self.key() % 28, body["sku"], body["name"], 0)
        merged = {
            one["attribute_code"]: one for one in [*known["custom_attributes"], *body.pop("custom_attributes", [])]
        }
        known.update(body)
        known["custom_attributes"] = [one for one in merged.values() if one["value"] != ""]
        return known

    def list_stock(self, request: Request) -> Thing:
        """Search the stock by source."""
        return self._found(request, self.stock)

    def save_stock(self, request: Request) -> Response:
        """Set the stock at sources: the answer is an empty list."""
        for row in request.json()["sourceItems"]:
            known = next(
                (s for s in self.stock if (s["sku"], s["source_code"]) == (row["sku"], row["source_code"])), None
            )
            if known is None:
                self.stock.append(row)
            else:
                known.update(row)
        return Response.of([])

    def list_sources(self, request: Request) -> Thing:
        """Return the places with stock."""
        rows = [{"source_code": "default", "name": "Entrepôt", "enabled": True, "city": "Paris"}]
        return self._found(request, [*rows, {"source_code": "lyon", "name": "Boutique de Lyon", "city": "Lyon"}])

    def list_categories(self, request: Request) -> Thing:
        """Search categories."""
        shape = {"is_active": True, "position": 1, "level": 2, "product_count": 3, "children_data": []}
        rows = [
            {"id": 3, "parent_id": 2, "name": "Tasses", **shape},
            {"id": 4, "parent_id": 2, "name": "Thés", **shape},
        ]
        return self._found(request, [{**row, "_": {"entity_id": row["id"]}} for row in rows])

    # -- the rest

    def list_customers(self, request: Request) -> Thing:
        """Search accounts, by the phone number of their address too."""
        rows = []
        for one in self.customers.values():
            phone = next((place["telephone"] for place in one["addresses"]), "")
            rows.append({**one, "_": {"billing_telephone": phone}})
        return self._found(request, rows)

    def create_customer(self, request: Request) -> Thing:
        """Create an account: one for each mail address."""
        body, number = request.json()["customer"], self.key()
        if any(one["email"] == body["email"] for one in self.customers.values()):
            raise Refusal(400, "A customer with the same email address already exists in an associated website.")
        self.customers[number] = {"addresses": [], **body, "id": number}
        return self.customers[number]

    def update_customer(self, request: Request, customer: str) -> Thing:
        """Replace an account, its addresses as a whole."""
        self.customers[int(customer)] = request.json()["customer"]
        return self.customers[int(customer)]

    def list_carts(self, request: Request) -> Thing:
        """Search carts."""
        rows = [{**one, "_": {"customer_email": one["customer"]["email"], "is_active": 1}} for one in self.carts]
        return self._found(request, rows)

    def list_coupons(self, request: Request) -> Thing:
        """Search coupons."""
        return self._found(request, list(self.coupons.values()))

    def create_rule(self, request: Request) -> Thing:
        """Create a price rule."""
        self.rules.append({**request.json()["rule"], "rule_id": self.key()})
        return self.rules[-1]

    def create_coupon(self, request: Request) -> Thing:
        """Create a coupon of a rule."""
        body, number = request.json()["coupon"], self.key()
        if body["rule_id"] not in [one["rule_id"] for one in self.rules]:
            raise Refusal(404, "Specified rule does not exist")
        self.coupons[number] = {**body, "coupon_id": number}
        return self.coupons[number]

    def delete_coupon(self, request: Request, coupon: str) -> bool:
        """Delete a coupon."""
        del self.coupons[int(coupon)]
        return True

    def groups(self, request: Request) -> Thing:
        """Return the customer groups."""
        rows = [{"id": 0, "code": "NOT LOGGED IN"}, {"id": 1, "code": "General"}]
        return self._found(request, [{**row, "tax_class_id": 3, "tax_class_name": "Retail Customer"} for row in rows])

    def configs(self, request: Request) -> list[Thing]:
        """Return the configuration of the stores."""
        names = ("base_url", "base_link_url", "base_static_url", "base_media_url")
        urls = {f"{kind}{name}": "https://boutique.example/" for kind in ("", "secure_") for name in names}
        currency = {"base_currency_code": "EUR", "default_display_currency_code": "EUR"}
        more = {"locale": "fr_FR", "timezone": "Europe/Paris", "weight_unit": "kgs", "website_id": 1}
        return [{"id": 1, "code": "default", **currency, **more, **urls}]

    def views(self, request: Request) -> list[Thing]:
        """Return the store views."""
        fr = {"id": 1, "code": "default", "name": "Français", "website_id": 1, "store_group_id": 1, "is_active": 1}
        return [fr, {**fr, "id": 2, "code": "en", "name": "English"}]

    def websites(self, request: Request) -> list[Thing]:
        """Return the websites."""
        return [
            {"id": 0, "code": "admin", "name": "Admin", "default_group_id": 0},
            {"id": 1, "code": "base", "name": "Boutique", "default_group_id": 1},
        ]

    def graphql(self, request: Request) -> Response:
        """Answer the storefront's search: no credentials may come here."""
        if "authorization" in request.headers:
            return Response.of({"errors": [{"message": "The current customer isn't authorized."}]})
        body = request.json()
        wanted = body["variables"]["search"].casefold()
        rows = [one for one in self.products.values() if wanted in one["name"].casefold() and one["status"] == 1]
        items = [
            {
                "sku": one["sku"],
                "name": one["name"],
                "url_key": one["sku"].lower(),
                "url_suffix": ".html",
                "stock_status": "IN_STOCK",
                "price_range": {"minimum_price": {"final_price": {"value": one["price"], "currency": "EUR"}}},
            }
            for one in rows
        ]
        size, page = body["variables"]["size"], body["variables"]["page"]
        cut = items[(page - 1) * size : page * size]
        return Response.of({"data": {"products": {"total_count": len(items), "items": cut}}})


def _fits(row: Thing, one: dict[str, str]) -> bool:
    """Tell whether a row fits one filter."""
    value, wanted = str(row.get(one["field"]) if row.get(one["field"]) is not None else ""), one["value"]
    kind = one.get("conditionType", "eq")
    if kind == "eq":
        return value.casefold() == wanted.casefold()
    if kind == "in":
        return value in wanted.split(",")
    if kind == "like":
        plain = re.sub(r"\\([%_\\])", r"\1", wanted[1:-1])
        return plain.casefold() in value.casefold()
    if kind == "gt":
        return float(value or 0) > float(wanted)
    if kind in ("gteq", "lt"):
        return value >= wanted if kind == "gteq" else value < wanted
    raise Refusal(400, "The condition %1 is not supported.", [kind])


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/orders", FakeMagento.list_orders),
    ("POST", r"/orders/(?P<order>\d+)/comments", FakeMagento.comment),
    ("POST", r"/orders/(?P<order>\d+)/cancel", FakeMagento.cancel),
    ("POST", r"/order/(?P<order>\d+)/invoice", FakeMagento.invoice),
    ("POST", r"/order/(?P<order>\d+)/ship", FakeMagento.ship),
    ("POST", r"/order/(?P<order>\d+)/refund", FakeMagento.refund),
    ("POST", r"/invoice/(?P<invoice>\d+)/refund", FakeMagento.refund),
    ("GET", "/invoices", FakeMagento.list_invoices),
    ("GET", "/shipments", FakeMagento.list_shipments),
    ("GET", "/products", FakeMagento.list_products),
    ("POST", "/products", FakeMagento.save_product),
    ("PUT", "/products/(?P<sku>[^/]+)", FakeMagento.save_product),
    ("GET", "/inventory/source-items", FakeMagento.list_stock),
    ("POST", "/inventory/source-items", FakeMagento.save_stock),
    ("GET", "/inventory/sources", FakeMagento.list_sources),
    ("GET", "/categories/list", FakeMagento.list_categories),
    ("GET", "/customers/search", FakeMagento.list_customers),
    ("POST", "/customers", FakeMagento.create_customer),
    ("PUT", r"/customers/(?P<customer>\d+)", FakeMagento.update_customer),
    ("GET", "/carts/search", FakeMagento.list_carts),
    ("GET", "/coupons/search", FakeMagento.list_coupons),
    ("POST", "/coupons", FakeMagento.create_coupon),
    ("DELETE", r"/coupons/(?P<coupon>\d+)", FakeMagento.delete_coupon),
    ("POST", "/salesRules", FakeMagento.create_rule),
    ("GET", "/customerGroups/search", FakeMagento.groups),
    ("GET", "/store/storeConfigs", FakeMagento.configs),
    ("GET", "/store/storeViews", FakeMagento.views),
    ("GET", "/store/websites", FakeMagento.websites),
]

"""Products, stock, customers, coupons and the rest against a shop that keeps state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.woocommerce.server import server
from flotilla_servers.woocommerce.tests.conftest import Tool
from flotilla_servers.woocommerce.tests.fake import SECRET, FakeWooCommerce
from flotilla_testing import call, client, environment, impatient, text_of


def sent(shop: FakeWooCommerce) -> Any:
    """The body of the last request that may have changed something."""
    return shop.writes[-1].json()


async def test_key_in_address(shop: FakeWooCommerce, tmp_path: Path) -> None:
    """Where the host strips the header, the key travels in the address, once the operator has said so."""
    shop.strips_headers = True
    more = {"WOOCOMMERCE_KEY_IN_ADDRESS": "yes", "FLOTILLA_STATE": str(tmp_path / "other")}
    with environment(server, **shop.settings, **more), impatient(server):
        async with client(server) as connected:
            result = await call(connected, "woo_get_order", order="1042")
    assert not result.is_error, text_of(result)
    assert dict(shop.vendor.requests[-1].query)["consumer_secret"] == SECRET
    assert "authorization" not in shop.vendor.requests[-1].headers


async def test_plain_http_is_refused(tmp_path: Path) -> None:
    values = {"BASE_URL": "http://boutique.example", "CONSUMER_KEY": "ck_1", "CONSUMER_SECRET": "cs_1"}
    with environment(server, **{f"WOOCOMMERCE_{name}": value for name, value in values.items()}):
        async with client(server) as connected:
            result = await call(connected, "woo_get_order", order="1042")
    assert "WOOCOMMERCE_BASE_URL is wrong: it must begin with https://" in text_of(result)


async def test_search_products(shop: FakeWooCommerce, tool: Tool) -> None:
    assert [p["id"] for p in (await tool("search_products", query="tasse"))["items"]] == ["12"]
    assert [p["id"] for p in (await tool("search_products", query="TS-L"))["items"]] == ["22"]
    assert [p["id"] for p in (await tool("search_products", category="tasses"))["items"]] == ["12", "20"]


async def test_get_product_with_variations(shop: FakeWooCommerce, tool: Tool) -> None:
    product = await tool("get_product", product="t-shirt raye")
    assert product["variations"][1] == {
        "id": "22",
        "name": "L",
        "sku": "TS-L",
        "price": "21.00",
        "stock_quantity": 0,
        "stock_status": "instock",
    }
    assert product["attributes"] == ["Taille: M, L"]
    assert (await tool("get_product", product="12"))["description"] == "Tasse bleue en grès."


async def test_update_product_price_of_a_variation(shop: FakeWooCommerce, tool: Tool, asked: list[str]) -> None:
    await tool("update_product", product="TS", variation="l", regular_price="23,50 €")
    assert asked == ["Change «T-shirt rayé (L)»: regular price from 21.00 to 23.50 EUR?"]
    assert shop.variations[20][22]["regular_price"] == "23.50"


async def test_update_product_sale(shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert (await tool("update_product", product="TASSE-BLEUE", sale_price="19.90"))["price"] == "19.90"
    await tool("update_product", product="TASSE-BLEUE", sale_price=0)
    assert asked[-1] == "Change «Tasse bleue»: sale price from 19.90 to none?"
    assert shop.products[12]["price"] == "24.90"
    message = await problem("update_product", product="TASSE-BLEUE", sale_price=30)
    assert "The sale price 30.00 is not below the regular price 24.90." in message
    assert "sold in variations" in await problem("update_product", product="TS", regular_price=1)


async def test_set_stock(shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]) -> None:
    done = await tool("set_stock", product="Tasse bleue", change=-2)
    assert asked == ["Set the stock of «Tasse bleue» from 5 to 3?"]
    assert (done["before"], done["stock_quantity"]) == (5, 3)
    await tool("set_stock", product="TS-L", quantity=7)
    assert shop.variations[20][22]["stock_quantity"] == 7
    assert "Pass quantity or change" in await problem("set_stock", product="Tasse bleue")
    shop.products[12]["stock_quantity"] = None
    assert "is not counted yet" in await problem("set_stock", product="Tasse bleue", change=1)


async def test_create_product_and_variation(shop: FakeWooCommerce, tool: Tool, problem: Tool) -> None:
    await tool("create_product", name="Théière", regular_price="39", category="tasses", stock_quantity=2)
    assert sent(shop)["categories"] == [{"id": 3}]
    assert (sent(shop)["status"], sent(shop)["regular_price"]) == ("draft", "39.00")
    assert "There is a product «théière» already" in await problem("create_product", name="théière")
    assert "Another product has this SKU" in await problem("create_product", name="Bol", sku="TS-M")
    await tool("create_variation", product="TS", choices={"Taille": "XL"}, sku="TS-XL", regular_price="22")
    assert sent(shop)["attributes"] == [{"name": "Taille", "option": "XL"}]
    assert "exists already (M, id 21)" in await problem("create_variation", product="TS", choices={"taille": "m"})
    assert "is not sold in variations" in await problem("create_variation", product="12", choices={"Taille": "S"})


async def test_update_products_of_both_kinds_with_one_refused(
    shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    changes = [
        {"product": "TASSE-BLEUE", "regular_price": "9999"},
        {"product": "TS-M", "stock_quantity": 9},
        {"product": "ts", "sale_price": 0},
    ]
    shop.products[20]["sku"] = "ts"
    done = await tool("update_products", changes=changes)
    assert asked == [
        "Change 3 products: TASSE-BLEUE (regular price 9999.00); TS-M (stock quantity 9); ts (sale price none)?"
    ]
    assert [(row["id"], row.get("problem")) for row in done["items"]] == [
        ("12", "Trop cher"),
        ("21", None),
        ("20", None),
    ]
    assert done["changed"] == 2
    assert shop.variations[20][21]["stock_quantity"] == 9
    message = await problem("update_products", changes=[{"product": "RIEN", "stock_quantity": 1}])
    assert "There is no product with the SKU RIEN; nothing was done." in message


@pytest.mark.parametrize("query", ["06 12 34 56 78", "jean.dupont@exemple.fr"])
async def test_search_customers_finds_a_guest(shop: FakeWooCommerce, tool: Tool, query: str) -> None:
    [person] = (await tool("search_customers", query=query))["items"]
    assert person == {
        "name": "Jean Dupont",
        "email": "jean.dupont@exemple.fr",
        "phone": "06 12 34 56 78",
        "address": "12 rue de l’Œuvre, 69001 Lyon, FR",
        "last_order": "1042",
    }


async def test_search_customers_by_name_finds_accounts(shop: FakeWooCommerce, tool: Tool) -> None:
    assert [one["id"] for one in (await tool("search_customers", query="curie"))["items"]] == ["7"]


async def test_customers_created_and_changed(
    shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    await tool("create_customer", email="luc@exemple.fr", name="Luc Besson", phone="0612345678", city="Paris")
    assert asked == ["Create an account for Luc Besson (luc@exemple.fr)? WooCommerce mails them."]
    assert sent(shop)["billing"]["phone"] == "+33612345678"
    message = await problem("create_customer", email="marie@exemple.fr", name="Marie Curie")
    assert "A customer has this address already: Marie Curie (id 7); nothing was done." in message
    await tool("update_customer", customer="7", city="Paris")
    assert shop.customers[7]["billing"]["city"] == "Paris"
    assert shop.customers[7]["billing"]["postcode"] == "69001"
    assert "No account belongs to `8`." in await problem("update_customer", customer="8", city="Paris")


async def test_coupons(shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]) -> None:
    await tool(
        "create_coupon",
        code="MERCI5",
        amount="5",
        kind="fixed_cart",
        uses=1,
        emails="jean@exemple.fr",
        expires="2030-08-31",
    )
    assert asked == ["Create the coupon MERCI5: 5.00 off the cart for jean@exemple.fr, 1 times, until 2030-08-31?"]
    assert sent(shop)["date_expires"] == "2030-09-01T00:00:00"
    assert "There is a coupon `Ete10` already; nothing was done." in await problem(
        "create_coupon", code="Ete10", amount=10
    )
    assert "100 percent at most" in await problem("create_coupon", code="X", amount=120)
    [coupon] = (await tool("list_coupons", query="ete"))["items"]
    assert (coupon["code"], coupon["last_day"], coupon["usage_count"]) == ("ete10", "2026-08-30", 4)
    await tool("update_coupon", coupon="ETE10", amount=15)
    assert asked[-1] == "Change the coupon ete10: amount from 10.00 to 15.00?"


async def test_sales_report(shop: FakeWooCommerce, tool: Tool, problem: Tool) -> None:
    report = await tool("get_sales_report", start="2026-07-01", end="2026-07-31")
    assert (report["total_sales"], report["currency"]) == ("90.35", "EUR")
    assert report["top_sellers"] == [{"product_id": "12", "name": "Tasse bleue", "quantity": 2}]
    assert dict(shop.vendor.requests[-1].query) == {"date_min": "2026-07-01", "date_max": "2026-07-31"}
    assert "needs its first day" in await problem("get_sales_report", end="2026-07-31")


async def test_shop_settings_and_categories(shop: FakeWooCommerce, tool: Tool) -> None:
    gateways = (await tool("list_shop_settings", kind="payment_gateways"))["items"]
    assert gateways[0]["details"] == "enabled: True, method_title: Stripe, method_supports: products refunds"
    statuses = await tool("list_shop_settings", kind="order_statuses", limit=2)
    assert ([row["name"] for row in statuses["items"]], statuses["next_cursor"]) == (
        ["En attente de paiement", "En cours"],
        "2",
    )
    assert [one["name"] for one in (await tool("list_categories", query="vêt"))["items"]] == ["Vêtements"]


async def test_webhooks(shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]) -> None:
    made = await tool(
        "create_webhook", topic="order.created", delivery_url="https://hooks.example/woo", secret="s3cret!"
    )
    assert asked == ["Send every order.created, with the customers' data, to https://hooks.example/woo from now on?"]
    message = await problem("create_webhook", topic="order.created", delivery_url="https://hooks.example/woo")
    assert f"gets order.created already (id {made['id']})" in message
    rows = (await tool("list_shop_settings", kind="webhooks"))["items"]
    assert rows[0] == {
        "id": "7",
        "name": "product.updated",
        "details": "delivery_url: https://hooks.example/stock, status: active",
    }
    assert len(rows) == 2
    await tool("delete_webhook", webhook=7)
    assert asked[-1] == "Delete the webhook that sends product.updated to https://hooks.example/stock?"
    assert list(shop.webhooks) == [int(made["id"])]

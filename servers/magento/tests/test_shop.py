"""Products, stock, customers, carts, coupons and the storefront against a shop that keeps state."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.magento.tests.conftest import Tool
from flotilla_servers.magento.tests.fake import FakeMagento


def sent(shop: FakeMagento) -> Any:
    """The body of the last request that may have changed something."""
    return shop.writes[-1].json()


async def test_search_products(shop: FakeMagento, tool: Tool) -> None:
    assert [p["sku"] for p in (await tool("search_products", query="tasse"))["items"]] == ["TASSE-BLEUE"]
    assert [p["sku"] for p in (await tool("search_products", query="ts-"))["items"]] == ["TS-M"]
    assert len((await tool("search_products", category="tasses"))["items"]) == 3
    assert (await tool("search_products", enabled=False))["items"] == []


async def test_search_products_takes_percent_signs_as_they_are(shop: FakeMagento, tool: Tool) -> None:
    shop.add_product(5, "SOLDE", "Lot à -20 %", 5)
    assert [p["sku"] for p in (await tool("search_products", query="20 %"))["items"]] == ["SOLDE"]


async def test_get_product(shop: FakeMagento, tool: Tool) -> None:
    product = await tool("get_product", product="Tasse bleue")
    assert product["stock"] == [{"source": "default", "quantity": 5, "in_stock": True}]
    assert (product["price"], product["description"]) == ("24.90", "Tasse bleue en grès.")
    assert (await tool("get_product", product="TS"))["variants"] == ["TS-M: 19.00"]


async def test_update_product(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    done = await tool("update_product", product="TASSE-BLEUE", special_price="19,90 €", special_until="2026-08-31")
    assert done["special_price"] == "19.90"
    assert asked == [
        "Change «Tasse bleue» (TASSE-BLEUE): special price to 19.90, special to date to 2026-08-31 00:00:00?"
    ]
    await tool("update_product", product="TASSE-BLEUE", special_price=0, price=22, enabled=False)
    assert asked[-1].startswith("Change «Tasse bleue» (TASSE-BLEUE): price from 24.9 to 22, status (1 shown, 2 hidden)")
    assert (shop.products["TASSE-BLEUE"]["price"], shop.products["TASSE-BLEUE"]["status"]) == (22, 2)
    assert "is not below the price" in await problem("update_product", product="TASSE-BLEUE", special_price=30)
    assert "Nothing is to be changed." in await problem("update_product", product="TASSE-BLEUE")


async def test_update_product_whose_sku_has_a_slash(shop: FakeMagento, tool: Tool) -> None:
    """Most web servers refuse %2F in an address."""
    shop.add_product(9, "A/B", "Lot", 5)
    await tool("update_product", product="A/B", price=6)
    assert (shop.writes[-1].method, shop.writes[-1].path) == ("POST", "/rest/all/V1/products")
    assert shop.products["A/B"]["price"] == 6


async def test_set_stock(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    done = await tool("set_stock", product="TASSE-BLEUE", change=-2)
    assert asked == ["Set the stock of «Tasse bleue» (TASSE-BLEUE) at default from 5 to 3?"]
    assert (done["before"], done["quantity"]) == (5, 3)
    message = await problem("set_stock", product="TS-M", quantity=4)
    assert "The product is at several sources. Pass one as source: default, lyon." in message
    await tool("set_stock", product="TS-M", quantity=0, source="boutique de lyon")
    assert sent(shop) == {"sourceItems": [{"sku": "TS-M", "source_code": "lyon", "quantity": 0, "status": 0}]}
    assert "is sold in variants" in await problem("set_stock", product="TS", quantity=1)
    assert "The stock would be -7." in await problem("set_stock", product="TASSE-BLEUE", change=-10)
    assert "Pass quantity or change" in await problem("set_stock", product="TASSE-BLEUE")


async def test_create_product(shop: FakeMagento, tool: Tool, problem: Tool) -> None:
    made = await tool("create_product", sku="THEIERE", name="Théière", price="39", description="En fonte")
    assert (made["sku"], made["enabled"], made["price"]) == ("THEIERE", False, "39.00")
    assert "There is a product with the SKU `theiere` already" in await problem(
        "create_product", sku="theiere", name="x", price=1
    )


@pytest.mark.parametrize("query", ["06 12 34 56 78", "jean.dupont@exemple.fr"])
async def test_search_customers_finds_a_guest(shop: FakeMagento, tool: Tool, query: str) -> None:
    [person] = (await tool("search_customers", query=query))["items"]
    assert person == {
        "name": "Jean Dupont",
        "email": "jean.dupont@exemple.fr",
        "phone": "06 12 34 56 78",
        "address": "12 rue de l’Œuvre, 69001 Lyon, FR",
        "last_order": "000001042",
    }


@pytest.mark.parametrize("query", ["07 98 76 54 32", "marie@exemple.fr", "Marie Curie"])
async def test_search_customers_finds_an_account(shop: FakeMagento, tool: Tool, query: str) -> None:
    [person] = (await tool("search_customers", query=query))["items"]
    assert (person["id"], person["phone"]) == ("7", "+33 7 98 76 54 32")


async def test_customers_created_and_changed(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    place = {"phone": "0612345678", "street": "3 place Bellecour", "postcode": "69002", "city": "Lyon"}
    await tool("create_customer", email="luc@exemple.fr", name="Luc Besson", **place)
    assert asked == ["Create an account for Luc Besson (luc@exemple.fr)? Magento mails them."]
    assert sent(shop)["customer"]["addresses"][0]["telephone"] == "+33612345678"
    assert "A customer has this address already: Marie Curie (id 7)" in await problem(
        "create_customer", email="marie@exemple.fr", name="Marie"
    )
    assert "The address is not whole." in await problem("create_customer", email="a@b.co", name="A", city="Lyon")
    await tool("update_customer", customer="marie@exemple.fr", phone="01 02 03 04 05")
    assert shop.customers[7]["addresses"][0]["telephone"] == "+33102030405"
    assert shop.customers[7]["addresses"][0]["city"] == "Lyon"
    assert "No account belongs to x@exemple.fr." in await problem("update_customer", customer="x@exemple.fr", name="X")


async def test_list_carts(shop: FakeMagento, tool: Tool) -> None:
    [cart] = (await tool("list_carts", after="2026-07-01"))["items"]
    assert (cart["customer"], cart["items"], cart["value"]) == ("Marie Curie", ["2 × Tasse bleue"], "49.80")
    assert (await tool("list_carts", email="autre@exemple.fr"))["items"] == []


async def test_coupons(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    made = await tool("create_coupon", code="MERCI5", amount="5", kind="fixed_cart", uses=1, expires="2030-08-31")
    assert asked == ["Create the coupon MERCI5: 5.00 off the cart for everybody, 1 times, until 2030-08-31?"]
    assert (made["code"], made["rule"]) == ("MERCI5", str(shop.rules[0]["rule_id"]))
    assert (shop.rules[0]["website_ids"], shop.rules[0]["customer_group_ids"]) == ([1], [0, 1])
    assert (shop.rules[0]["simple_action"], shop.rules[0]["to_date"]) == ("cart_fixed", "2030-08-31")
    assert "There is a coupon `ete10` already" in await problem("create_coupon", code="ete10", amount=10)
    assert "100 percent at most" in await problem("create_coupon", code="X", amount=120)
    assert [one["code"] for one in (await tool("list_coupons", query="ete"))["items"]] == ["ETE10"]
    await tool("delete_coupon", coupon="ete10")
    assert asked[-1] == "Delete the coupon ETE10 for good? It was used 4 times."
    assert 81 not in shop.coupons
    assert "There is no coupon `ete10`." in await problem("delete_coupon", coupon="ete10")


async def test_search_storefront_sends_no_credentials(shop: FakeMagento, tool: Tool) -> None:
    matches = await tool("search_storefront", query="rayé", limit=1)
    assert matches["next_cursor"] == "2"
    [offer] = (await tool("search_storefront", query="tasse"))["items"]
    assert (offer["price"], offer["currency"], offer["in_stock"]) == ("24.90", "EUR", True)
    assert offer["link"] == f"{shop.vendor.url}/tasse-bleue.html"
    assert all("authorization" not in one.headers for one in shop.vendor.requests if one.path == "/graphql")


async def test_shop_settings_and_categories(shop: FakeMagento, tool: Tool) -> None:
    async def listed(kind: str) -> list[str]:
        return [row["name"] for row in (await tool("list_shop_settings", kind=kind))["items"]]

    assert await listed("sources") == ["Entrepôt", "Boutique de Lyon"]
    assert await listed("store_views") == ["Français", "English"]
    assert await listed("customer_groups") == ["NOT LOGGED IN", "General"]
    [config] = (await tool("list_shop_settings", kind="store_config"))["items"]
    assert config["details"] == "locale: fr_FR, base_currency_code: EUR, timezone: Europe/Paris"
    assert [one["name"] for one in (await tool("list_categories", query="thés"))["items"]] == ["Thés"]

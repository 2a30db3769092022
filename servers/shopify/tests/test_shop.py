"""Customers, products, stock, draft orders, discounts and gift cards against a shop that keeps state."""

from __future__ import annotations

from decimal import Decimal

import pytest

from flotilla_servers.shopify.tests.conftest import Tool
from flotilla_servers.shopify.tests.fake import FakeShopify


@pytest.mark.parametrize("text", ["marie dupont", "marie@exemple.fr", "06.12.34.56.78"])
async def test_search_customers_gives_address_and_consent(fake: FakeShopify, tool: Tool, text: str) -> None:
    target = (await tool("search_customers", text=text))["items"]
    assert [(one["name"], one["email"], one["email_marketing"]) for one in target] == [
        ("Marie Dupont", "marie@exemple.fr", "NOT_SUBSCRIBED")
    ]
    assert (target[0]["phone"], target[0]["orders"], target[0]["spent"]) == ("+33612345678", 2, "138.00 EUR")


async def test_create_customer_looks_for_duplicates(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    made = await tool("create_customer", first_name="Zoé", last_name="Lefèvre", phone="07 00 00 00 01", tags=["pro"])
    assert (made["name"], made["phone"], made["tags"]) == ("Zoé Lefèvre", "+33700000001", ["pro"])
    message = await problem("create_customer", first_name="M", email="Marie@exemple.fr")
    assert "belongs to Marie Dupont (gid://shopify/Customer/" in message
    assert len(fake.customers) == 3


async def test_update_customer_and_consent(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    await tool("update_customer", customer="0612345678", note="Le matin", add_tags=["vip"])
    details = await tool("get_customer", customer="marie@exemple.fr")
    assert (details["note"], details["tags"], len(details["last_orders"])) == ("Le matin", ["vip"], 2)
    changed = await tool("set_marketing_consent", customer="marie@exemple.fr", consent="subscribed")
    assert changed["email_marketing"] == "SUBSCRIBED"
    assert asked == ["Record that Marie Dupont (marie@exemple.fr) agreed to marketing by email?"]
    await tool("set_marketing_consent", customer="marie@exemple.fr", consent="unsubscribed", channel="sms")
    assert fake.customers[0]["sms_state"] == "UNSUBSCRIBED"
    message = await problem("set_marketing_consent", customer="jean@exemple.fr", consent="subscribed", channel="sms")
    assert "Jean Martin has no phone number in Shopify." in message
    assert "No customer has `luc@exemple.fr`." in await problem("get_customer", customer="luc@exemple.fr")


async def test_products_found_made_and_changed(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    target = (await tool("search_products", text="LIN-M"))["items"][0]
    assert [(one["sku"], one["price"], one["stock"]) for one in target["variants"]] == [
        ("LIN-M", "49.00", 6),
        ("LIN-L", "49.00", 3),
    ]
    made = await tool("create_product", title="Béret", price="45 €", sku="BERET", description="Laine.\n\nDoux & chaud.")
    assert (made["status"], made["variants"][0]["price"], made["variants"][0]["sku"]) == ("DRAFT", "45", "BERET")
    assert fake.products[-1]["description"] == "<p>Laine.</p><p>Doux &amp; chaud.</p>"
    assert "There is a product «Béret» already" in await problem("create_product", title="beret", price="1")
    changed = await tool("update_product", product="béret", status="active", add_tags=["hiver"])
    assert (changed["status"], changed["tags"]) == ("ACTIVE", ["hiver"])
    variant = await tool("update_variant", variant="BERET", price="39,00", compare_at_price="45")
    assert (variant["price"], variant["compare_at_price"]) == ("39.00", "45")
    assert asked == ["Change the price of «Béret» from 45 to 39.00?"]
    assert (await tool("get_product", product="Béret"))["variants"][0]["price"] == "39.00"


async def test_publish_product_and_collections(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    assert (await tool("publish_product", product="Foulard en soie"))["channels"] == ["Online Store"]
    assert len(fake.published) == 1
    await tool("publish_product", product="Foulard en soie", undo=True)
    assert not fake.published
    message = await problem("publish_product", product="Foulard en soie", channels=["Instagram"])
    assert "There is no sales channel `Instagram`. There are: Online Store, Point of Sale." in message
    assert (await tool("add_to_collection", collection="ete", products=["Foulard en soie"]))["products"] == 1
    assert [one["products"] for one in (await tool("list_collections"))["items"]] == [1, 0]
    await tool("remove_from_collection", collection="Été", products=["Foulard en soie"])
    assert fake.collections[0]["products"] == []
    assert "«Nouveautés» is automatic" in await problem(
        "add_to_collection", collection="Nouveautés", products=["Foulard en soie"]
    )


async def test_stock_by_location(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    stock = await tool("get_stock", variant="chemise en lin - m")
    assert [(level["location"], level["available"]) for level in stock["levels"]] == [("Lyon", 5), ("Paris", 1)]
    assert "Several variants fit: Chemise en lin - M (SKU LIN-M" in await problem("get_stock", variant="Chemise en lin")
    assert "Pass one as location: Lyon, Paris." in await problem("modify_stock", variant="LIN-M", change=10)
    changed = await tool("modify_stock", variant="LIN-M", change=10, location="lyon", reason="received")
    assert (changed["before"], changed["available"]) == (5, 15)
    await tool("set_stock", variant="LIN-M", quantity=12, location="Lyon")
    assert fake.variant("LIN-M")["stock"][fake.locations[0]["id"]] == 12
    assert asked == [
        "Change the stock of «Chemise en lin - M» at Lyon by +10: from 5 to 15?",
        "Set the stock of «Chemise en lin - M» at Lyon from 15 to 12?",
    ]


async def test_draft_order_from_offer_to_order(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    draft = await tool(
        "create_draft_order",
        items=[{"item": "LIN-M", "quantity": 2}, {"item": "Ourlet", "price": "8 €"}, {"item": "SOIE", "price": "30"}],
        customer="06 12 34 56 78",
        discount="10 %",
        shipping="5",
    )
    assert draft["total"] == "127.40 EUR"  # (98 + 8 + 30) * 0.9 + 5
    assert draft["items"] == ["2 × Chemise en lin - M", "1 × Ourlet", "1 × Foulard en soie"]
    assert (draft["customer_name"], draft["email"]) == ("Marie Dupont", "marie@exemple.fr")
    sent = await tool("send_draft_order_invoice", draft_order="d12", message="À bientôt")
    assert sent["status"] == "INVOICE_SENT"
    assert asked[0] == (
        "Send the invoice of draft order #D12 (2 × Chemise en lin - M, 1 × Ourlet, 1 × Foulard en soie; 127.40 EUR) "
        "to marie@exemple.fr?"
    )
    assert fake.mails == ["marie@exemple.fr"]
    assert (await tool("list_draft_orders", status="invoice_sent"))["items"] == [sent]
    assert (await tool("complete_draft_order", draft_order=draft["id"]))["order_number"] == "#1003"
    assert "#D12 is order #1003 already." in await problem("complete_draft_order", draft_order="D12")
    await tool("create_draft_order", items=[{"item": "SOIE"}], customer="luc@exemple.fr")
    await tool("delete_draft_order", draft_order="D13")
    assert [one["name"] for one in fake.drafts] == ["#D12"]
    assert "There is no variant `Robe`" in await problem("create_draft_order", items=[{"item": "Robe"}])


async def test_discounts(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    made = await tool(
        "create_discount", code="ETE10", percent="10 %", starts="2027-06-01", ends="2027-08-31", once_per_customer=True
    )
    sent = fake.discounts[0]["input"]
    assert sent["customerGets"] == {"value": {"percentage": 0.1}, "items": {"all": True}}
    assert (sent["startsAt"], sent["endsAt"]) == ("2027-05-31T22:00:00Z", "2027-08-31T22:00:00Z")
    assert asked == [
        "Create the code ETE10: 10 % off everything, for every order, until 2027-08-31, once per customer?"
    ]
    listed = (await tool("list_discounts", text="ete", status="active"))["items"]
    assert [(one["code"], one["ends_at"]) for one in listed] == [(made["code"], "2027-09-01T00:00:00+02:00")]
    assert "Shopify refuses: code: Code must be unique." in await problem("create_discount", code="ete10", amount="5")
    assert (await tool("deactivate_discount", code="ete10"))["status"] == "EXPIRED"
    assert "There is no such discount code." in await problem("deactivate_discount", code="NOEL")
    assert "A discount is either a percentage or an amount." in await problem("create_discount", code="X")


async def test_gift_cards(fake: FakeShopify, tool: Tool, asked: list[str]) -> None:
    made = await tool("create_gift_card", amount="25 €", customer="marie@exemple.fr", expires="2027-12-31")
    assert made["gift_card_code"].endswith(made["last_characters"])
    assert asked == ["Create a gift card of 25 EUR for Marie Dupont, until 2027-12-31?"]
    listed = (await tool("list_gift_cards", last_characters=made["last_characters"]))["items"]
    assert [(one["balance"], one["expires_on"]) for one in listed] == [("25.00 EUR", "2027-12-31")]
    assert "gift_card_code" not in listed[0]
    assert (await tool("deactivate_gift_card", gift_card=made["id"]))["enabled"] is False
    assert asked[1].endswith("of Marie Dupont with 25.00 EUR left on it? It cannot be undone.")
    assert fake.cards[0]["balance"] == Decimal(25)


async def test_shop_and_locations(fake: FakeShopify, tool: Tool) -> None:
    shop = await tool("get_shop")
    assert (shop["host"], shop["currency"], shop["timezone"]) == ("atelier-lyon.myshopify.com", "EUR", "Europe/Paris")
    assert [one["name"] for one in (await tool("list_locations"))["items"]] == ["Lyon", "Paris"]

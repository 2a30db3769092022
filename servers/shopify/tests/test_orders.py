"""Orders against a shop that keeps state: told to callers, edited, sent, refunded, cancelled, returned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flotilla_servers.shopify.tests.conftest import Tool
from flotilla_servers.shopify.tests.fake import FakeShopify


@pytest.mark.parametrize(
    "question",
    [
        {"order_number": "commande n° 1001"},
        {"phone": "06 12 34 56 78"},
        {"email": "Marie@Exemple.fr"},
    ],
)
async def test_get_order_status_in_one_call(fake: FakeShopify, tool: Tool, question: dict[str, str]) -> None:
    await tool("create_fulfillment", order="1001", tracking_number="8R1", carrier="Colissimo", items=[{"item": "SOIE"}])
    fake.operations.clear()
    answer = await tool("get_order_status", **question)
    assert fake.operations == ["OrderStatus"]
    order = answer["orders"][-1]
    assert (order["number"], order["payment"], order["delivery"]) == ("#1001", "PAID", "PARTIALLY_FULFILLED")
    assert order["items"] == ["2 × Chemise en lin - M", "1 × Foulard en soie"]
    assert order["unsent"] == ["2 × Chemise en lin - M"]
    assert order["parcels"][0]["tracking"] == [{"company": "Colissimo", "number": "8R1"}]
    assert order["placed_at"] == "2026-11-20T11:00:00+01:00"  # in the shop's zone
    assert "caller_matches" not in answer


async def test_get_order_status_of_a_guest_by_the_phone_number_of_the_address(fake: FakeShopify, tool: Tool) -> None:
    fake.add_order(1003, None, [("SOIE", 1)], "2026-11-26T08:00:00Z", address_phone="07 11 22 33 44")
    answer = await tool("get_order_status", phone="+33 7 11 22 33 44")
    assert [(order["number"], order["customer_name"]) for order in answer["orders"]] == [("#1003", "Luc Invité")]


async def test_get_order_status_says_whether_the_caller_fits(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    assert (await tool("get_order_status", order_number="#1001", phone="0612345678"))["caller_matches"] is True
    assert (await tool("get_order_status", order_number="1001", email="luc@exemple.fr"))["caller_matches"] is False
    assert "No order of +33199000000 is known" in await problem("get_order_status", phone="01 99 00 00 00")
    assert "Nothing says whose order is meant." in await problem("get_order_status")


async def test_search_orders_filters(fake: FakeShopify, tool: Tool) -> None:
    async def numbers(**arguments: Any) -> list[str]:
        return [row["number"] for row in (await tool("search_orders", **arguments))["items"]]

    assert await numbers() == ["#1002", "#1001"]
    assert await numbers(payment="pending") == ["#1002"]
    assert await numbers(text="dupont lin") == ["#1001"]
    assert await numbers(after="2026-11-25", before="2026-11-25") == ["#1002"]
    assert await numbers(delivery="fulfilled") == []
    page = await tool("search_orders", limit=1)
    assert [row["number"] for row in (await tool("search_orders", cursor=page["next_cursor"]))["items"]] == ["#1001"]


async def test_get_order(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    order = await tool("get_order", order="1001")
    assert (order["total"], order["shipping"], order["refunded"]) == ("138.00 EUR", "5.00 EUR", "0.00 EUR")
    assert order["lines"][0]["unit_price"] == "49.00 EUR"
    assert order["address"] == ["12 rue de l’Œuvre", "69001 Lyon", "France"]
    assert await tool("get_order", order=order["id"]) == order
    assert "There is no order `4711`." in await problem("get_order", order="4711")
    assert "is not an id of the kind Order" in await problem("get_order", order="gid://shopify/Customer/1234567890")


async def test_order_number_without_the_prefix_of_the_shop(fake: FakeShopify, tool: Tool) -> None:
    fake.orders[0]["name"] = "FR1001"
    fake.orders[0]["number"] = 1001
    assert (await tool("get_order", order="1001"))["number"] == "FR1001"
    assert (await tool("get_order_status", order_number="fr1001"))["orders"][0]["number"] == "FR1001"


async def test_update_order_adds_to_note_and_tags(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    fake.orders[0]["note"], fake.orders[0]["tags"] = "Cadeau", ["vip"]
    changed = await tool(
        "update_order", order="1001", note="Après 18 h", add_tags=["fragile"], remove_tags=["vip"], email="m@exemple.fr"
    )
    assert (changed["note"], changed["tags"], changed["email"]) == ("Cadeau\nAprès 18 h", ["fragile"], "m@exemple.fr")
    assert "Nothing is to be changed." in await problem("update_order", order="1001")


async def test_refund_order_one_line_after_its_calculation(fake: FakeShopify, tool: Tool, asked: list[str]) -> None:
    done = await tool(
        "refund_order",
        order="1001",
        items=[{"item": "chemise en lin - m", "quantity": 1}],
        restock_at="lyon",
        note="taille",
    )
    assert asked == [
        "Refund 49.00 EUR of order #1001 to Marie Dupont (marie@exemple.fr)? Calculation: 1 × Chemise en lin - M: "
        "49.00 EUR; taxes 8.17 EUR; calculated in all 49.00 EUR; back to Visa. The items go back into stock at Lyon. "
        "The customer gets no e-mail. It cannot be undone."
    ]
    assert (done["amount"], done["payment"], done["refunded_in_all"]) == (
        "49.00 EUR",
        "PARTIALLY_REFUNDED",
        "49.00 EUR",
    )
    assert fake.orders[0]["refunded"] == Decimal("49.00")
    assert fake.variant("LIN-M")["stock"][fake.locations[0]["id"]] == 6
    assert fake.mails == []


async def test_refund_order_amount_is_shared_between_payments(fake: FakeShopify, tool: Tool, asked: list[str]) -> None:
    fake.orders[0]["payments"] = [
        {"id": "gid://shopify/OrderTransaction/1", "gateway": "gift_card", "name": "Gift card", "left": Decimal(20)},
        {"id": "gid://shopify/OrderTransaction/2", "gateway": "stripe", "name": "Visa", "left": Decimal(118)},
    ]
    done = await tool("refund_order", order="1001", amount="30,50 €", notify=True)
    assert done["amount"] == "30.50 EUR"
    assert [payment["left"] for payment in fake.orders[0]["payments"]] == [Decimal(0), Decimal("107.50")]
    assert "calculated in all 138.00 EUR; less by choice; back to Gift card, Visa." in asked[0]
    assert fake.mails == ["marie@exemple.fr"]


async def test_refund_order_with_one_key_is_done_once(fake: FakeShopify, tool: Tool) -> None:
    arguments = {"order": "1001", "items": [{"item": "SOIE"}], "idempotency_key": "r1"}
    assert await tool("refund_order", **arguments) == await tool("refund_order", **arguments)
    assert fake.orders[0]["refunded"] == Decimal("35.00")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Nothing says what to refund."),
        ({"items": [{"item": "SOIE", "quantity": 2}]}, "Of «Foulard en soie» 1 pieces can still be refunded."),
        ({"items": [{"item": "Robe"}]}, "There is no item of the order `Robe`. There are: "),
        ({"items": [{"item": "SOIE"}], "amount": "40"}, "At most 35.00 EUR can be refunded for this."),
        ({"amount": "-1"}, "The amount is not positive."),
        ({"amount": "10 $"}, "The order is in EUR, not in USD."),
        ({"items": [{"item": "SOIE"}], "restock_at": "Nice"}, "There is no location `Nice`. There are: Lyon, Paris."),
    ],
)
async def test_refund_order_refused(
    fake: FakeShopify, problem: Tool, asked: list[str], arguments: dict[str, Any], message: str
) -> None:
    assert message in await problem("refund_order", order="1001", **arguments)
    assert asked == []
    assert not fake.orders[0]["refunded"]


async def test_refund_order_that_was_not_paid_is_refused(fake: FakeShopify, problem: Tool) -> None:
    message = await problem("refund_order", order="1002", items=[{"item": "SOIE"}])
    assert "Nothing is left to refund of order #1002: it is PENDING." in message


async def test_cancel_order_asks_with_person_amount_and_stock(fake: FakeShopify, tool: Tool, asked: list[str]) -> None:
    done = await tool("cancel_order", order="1001", reason="customer", notify=True)
    assert asked[0].startswith(
        "Cancel order #1001 of Marie Dupont (marie@exemple.fr) (2 × Chemise en lin - M, 1 × Foulard en soie; PAID), "
        "refund what was paid of 138.00 EUR and put the items back into stock? The customer gets an e-mail."
    )
    assert (done["refund"], done["finished"]) == ("138.00 EUR", False)
    assert fake.orders[0]["cancelled"]
    assert fake.mails == ["marie@exemple.fr"]


async def test_cancel_order_twice_or_sent_is_refused(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    await tool("create_fulfillment", order="1002")
    message = await problem("cancel_order", order="1002", reason="customer")
    assert "Shopify refuses: orderId: Order has fulfillments and cannot be cancelled." in message
    await tool("cancel_order", order="1001", reason="fraud", refund=False, restock=False)
    assert "Order #1001 is cancelled already; nothing was done." in await problem(
        "cancel_order", order="1001", reason="fraud"
    )
    assert fake.orders[0]["refunded"] == 0


async def test_mark_order_paid(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert (await tool("mark_order_paid", order="1002"))["payment"] == "PAID"
    assert asked == ["Mark order #1002 of Marie Dupont (marie@exemple.fr) as paid: 40.00 EUR?"]
    assert "Order #1002 cannot be marked as paid: it is PAID." in await problem("mark_order_paid", order="1002")


async def test_create_fulfillment_and_update_tracking(
    fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    sent = await tool("create_fulfillment", order="1001", items=[{"item": "LIN-M", "quantity": 1}], notify=True)
    assert sent["items"] == ["1 × Chemise en lin - M"]
    assert asked == [
        "Record as sent of order #1001: 1 × Chemise en lin - M, and send Marie Dupont (marie@exemple.fr) an e-mail?"
    ]
    tracked = await tool("update_tracking", order="1001", tracking_number="1Z9", carrier="UPS")
    assert tracked["tracking"] == [{"company": "UPS", "number": "1Z9"}]
    rest = await tool("create_fulfillment", order="1001", tracking_url="https://suivi.example/2")
    assert rest["items"] == ["1 × Chemise en lin - M", "1 × Foulard en soie"]
    assert len(asked) == 1  # no mail, no question
    assert "The order has several parcels." in await problem("update_tracking", order="1001", tracking_number="1Z9")
    assert "Nothing of order #1001 is left to send from here." in await problem("create_fulfillment", order="1001")


async def test_returns_from_registration_to_end(fake: FakeShopify, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert "Nothing of order #1001 can come back" in await problem(
        "create_return", order="1001", items=[{"item": "SOIE"}]
    )
    await tool("create_fulfillment", order="1001")
    made = await tool("create_return", order="1001", items=[{"item": "LIN-M", "quantity": 1, "reason": "trop petit"}])
    assert made["lines"] == [{"quantity": 1, "name": "Chemise en lin - M", "reason": "Trop petit"}]
    assert asked == ["Register a return of 1 × Chemise en lin - M for order #1001 of Marie Dupont (marie@exemple.fr)?"]
    assert "There is no reason of return `moche`. There are: Trop petit, Autre." in await problem(
        "create_return", order="1001", items=[{"item": "SOIE", "reason": "moche"}]
    )
    assert (await tool("close_return", return_id=made["id"]))["status"] == "CLOSED"
    assert [row["status"] for row in (await tool("list_returns", order="1001"))["items"]] == ["CLOSED"]

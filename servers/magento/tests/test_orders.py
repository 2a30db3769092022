"""Orders against a shop that keeps state: found, told, invoiced, sent, refunded, cancelled."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.magento.server import server
from flotilla_servers.magento.tests.conftest import PARIS, Tool
from flotilla_servers.magento.tests.fake import FakeMagento
from flotilla_testing import Response, call, client, environment, impatient, text_of


def sent(shop: FakeMagento) -> Any:
    """The body of the last request that may have changed something."""
    return shop.writes[-1].json()


@pytest.mark.parametrize(
    ("contact", "matches"),
    [
        ("06.12.34.56.78", True),
        ("JEAN.dupont@exemple.fr", True),
        ("06 00 00 00 00", False),
        ("marie@exemple.fr", False),
    ],
)
async def test_check_order_status_of_a_number_checks_the_caller(
    shop: FakeMagento, tool: Tool, problem: Tool, contact: str, matches: bool
) -> None:
    assert (await tool("check_order_status", caller="1042", contact=contact))["caller_matches"] is matches
    assert "caller_matches" not in await tool("check_order_status", caller="1042")
    assert "is not a phone number" in await problem("check_order_status", caller="1042", contact="Jean")


async def test_check_order_status_by_phone_mail_or_number(shop: FakeMagento, tool: Tool) -> None:
    """Jean is a guest: his phone number stands in his order alone, which Magento cannot search by it."""
    for caller in [
        "06 12 34 56 78",
        "+33612345678",
        "jean.dupont@exemple.fr",
        "1042",
        "000001042",
        "commande n° 1042",
        "33612345678",
    ]:
        [order] = (await tool("check_order_status", caller=caller))["items"]
        assert (order["number"], order["status"], order["total"]) == ("000001042", "processing", "66.35")
        assert order["explanation"] == "It is being prepared, and a part of it is sent."
        assert order["tracking"] == [{"carrier": "Colissimo", "number": "6A123"}]
        assert order["messages"] == ["Votre colis part demain."]
        assert order["created"] == "2026-07-02T10:00:00+02:00"


async def test_check_order_status_by_the_phone_of_an_account(shop: FakeMagento, tool: Tool) -> None:
    """An account is found however old its order is."""
    shop.orders[43]["billing_address"]["telephone"] = ""
    [order] = (await tool("check_order_status", caller="07 98 76 54 32"))["items"]
    assert order["number"] == "000001043"
    assert order["explanation"] == "It is received and waits for the payment or for the shop."


async def test_check_order_status_unknown(shop: FakeMagento, problem: Tool) -> None:
    assert "No order belongs to `06 00 00 00 00`." in await problem("check_order_status", caller="06 00 00 00 00")
    assert "There is no order `99`." in await problem("check_order_status", caller="99")


async def test_search_orders(shop: FakeMagento, tool: Tool) -> None:
    async def numbers(**arguments: Any) -> list[str]:
        return [row["number"] for row in (await tool("search_orders", **arguments))["items"]]

    assert await numbers() == ["000001042", "000001043"]
    assert await numbers(query="Marie Curie") == ["000001043"]
    assert await numbers(status="processing") == ["000001042"]
    assert await numbers(after="2026-07-02", before="2026-07-02") == ["000001042"]
    assert await numbers(query="06 12 34 56 78", status="pending") == []
    first = await tool("search_orders", limit=1)
    last = await tool("search_orders", limit=1, cursor=first["next_cursor"])
    assert ([row["number"] for row in last["items"]], "next_cursor" in last) == (["000001043"], False)


async def test_get_order(shop: FakeMagento, tool: Tool) -> None:
    order = await tool("get_order", order="1042")
    assert order["lines"][0]["total"] == "49.80"
    assert order["shipping"] == "Colissimo, Jean Dupont, 12 rue de l’Œuvre, 69001 Lyon, FR"
    assert (order["payment"], order["invoices"]) == ("Carte bancaire", ["000000142: 66.35"])
    assert [one["text"] for one in order["comments"]] == ["Votre colis part demain.", "Fragile"]
    assert order["link"] == f"{shop.vendor.url}/admin/sales/order/view/order_id/42/"


async def test_get_order_does_not_repeat_the_parts_of_a_configured_product(shop: FakeMagento, tool: Tool) -> None:
    line = shop.orders[42]["items"][0]
    shop.orders[42]["items"].append(
        {**line, "item_id": 999, "parent_item_id": line["item_id"], "row_total_incl_tax": 0}
    )
    assert len((await tool("get_order", order="1042"))["lines"]) == 2


# -- refunds ----------------------------------------------------------------------------------------------------------


async def test_refund_one_piece_of_a_line_by_the_payment_service(
    shop: FakeMagento, tool: Tool, asked: list[str]
) -> None:
    done = await tool("refund_order", order="1042", item="tasse bleue", quantity=1)
    assert asked == [
        "Refund 24.90 EUR to Jean Dupont (jean.dupont@exemple.fr) for order 000001042 (1 × Tasse bleue: 24.90 EUR)? "
        "The money is sent back at once; the pieces go back into stock."
    ]
    assert shop.writes[-1].path.endswith("/invoice/142/refund")
    assert sent(shop) == {
        "items": [{"order_item_id": 421, "qty": 1}],
        "isOnline": True,
        "notify": False,
        "arguments": {
            "shipping_amount": 0,
            "adjustment_positive": 0,
            "adjustment_negative": 0,
            "extension_attributes": {"return_to_stock_items": [421]},
        },
    }
    assert (done["amount"], done["paid_back"]) == ("24.90", True)
    assert float(shop.refunds[0]["total"]) == 24.9


async def test_refund_all_with_shipping(shop: FakeMagento, tool: Tool, asked: list[str]) -> None:
    done = await tool("refund_order", order="1042", shipping=True, restock=False)
    assert (done["amount"], float(shop.refunds[0]["total"])) == ("66.35", 66.35)
    assert "shipping: 6.00 EUR" in asked[0]
    assert "extension_attributes" not in sent(shop)["arguments"]


async def test_refund_not_twice_and_not_more_than_paid(shop: FakeMagento, tool: Tool, problem: Tool) -> None:
    await tool("refund_order", order="1042", item="TASSE-BLEUE")
    message = await problem("refund_order", order="1042", item="TASSE-BLEUE")
    assert "Nothing of «Tasse bleue» can be refunded: it is not invoiced, or refunded already" in message
    message = await problem("refund_order", order="1042", item="THE", extra="50 €")
    assert "Of order 000001042 16.55 EUR can be refunded, not 60.55; nothing was done." in message
    assert "Of «Thé vert» only 1 can be refunded." in await problem(
        "refund_order", order="1042", item="THE", quantity=2
    )
    assert len(shop.writes) == 1


async def test_refund_by_hand(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    shop.invoices[0]["transaction_id"] = None
    message = await problem("refund_order", order="1042", item="THE")
    assert "was not paid by a service that can pay back by itself; nothing was done." in message
    assert shop.writes == []
    done = await tool("refund_order", order="1042", item="THE", by_hand=True)
    assert shop.writes[-1].path.endswith("/order/42/refund")
    assert "isOnline" not in sent(shop)
    assert done["paid_back"] is False
    assert "It is only recorded; the money is paid back by hand" in asked[-1]


# -- what else is done with an order ----------------------------------------------------------------------------------


async def test_create_invoice(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    done = await tool("create_invoice", order="1043", capture=True)
    assert asked == [
        "Invoice 25.00 EUR of order 000001043 to Marie Curie (marie@exemple.fr)? "
        "The money is taken at once, and the customer gets it by mail."
    ]
    assert done["done"] == "invoiced 25.00 EUR"
    assert "is invoiced already; nothing was done." in await problem("create_invoice", order="1043")


async def test_create_shipment(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert "Pass the carrier too." in await problem("create_shipment", order="1042", tracking="6A124")
    parcel: dict[str, Any] = {"tracking": "6A124", "carrier": "Colissimo"}
    await tool("create_shipment", order="1042", items=[{"item": "TASSE-BLEUE", "quantity": 1}], **parcel)
    assert asked == [
        "Mark 1 × TASSE-BLEUE of order 000001042 of Jean Dupont (jean.dupont@exemple.fr) as sent, Colissimo 6A124? "
        "The customer gets a mail."
    ]
    assert sent(shop) == {
        "items": [{"order_item_id": 421, "qty": 1}],
        "notify": True,
        "tracks": [{"track_number": "6A124", "title": "Colissimo", "carrier_code": "custom"}],
    }
    parent = shop.orders[42]["items"][0]  # of the simple product inside, Magento counts nothing as sent
    shop.orders[42]["items"].append({**parent, "item_id": 999, "parent_item_id": 421, "qty_shipped": 0})
    shop.orders[42]["items"][0]["qty_shipped"] = 2
    shop.orders[42]["items"][1]["qty_shipped"] = 1
    assert "is sent already; nothing was done." in await problem("create_shipment", order="1042")


async def test_add_order_comment(shop: FakeMagento, tool: Tool, asked: list[str]) -> None:
    await tool("add_order_comment", order="1042", comment="Cadeau")
    assert asked == []
    await tool("add_order_comment", order="1042", comment="Retard", to_customer=True)
    assert asked == ["Mail to Jean Dupont (jean.dupont@exemple.fr) about order 000001042: «Retard»?"]
    assert [one["is_customer_notified"] for one in shop.orders[42]["status_histories"][2:]] == [0, 1]


async def test_cancel_order(shop: FakeMagento, tool: Tool, problem: Tool, asked: list[str]) -> None:
    await tool("cancel_order", order="1043")
    assert asked == ["Cancel order 000001043 of Marie Curie (marie@exemple.fr), 25.00 EUR?"]
    assert shop.orders[43]["state"] == "canceled"
    assert "Where it was paid, refund it" in await problem("cancel_order", order="1042")
    assert len(shop.writes) == 1


async def test_cancel_order_that_magento_refuses_in_a_success(shop: FakeMagento, problem: Tool) -> None:
    """Magento answers 200 with false."""
    shop._handlers.insert(0, ("POST", re.compile(r".*/cancel"), lambda request: Response.of(False)))
    assert "Magento could not cancel order 000001043." in await problem("cancel_order", order="1043")


async def test_core_tier_alone_finds_and_refunds_an_order(shop: FakeMagento, tmp_path: Path, asked: list[str]) -> None:
    """A caller's number, then one piece of one line refunded: with the core tools alone."""
    more = {**PARIS, "FLOTILLA_TIER": "core", "FLOTILLA_STATE": str(tmp_path / "story")}
    with environment(server, **shop.settings, **more), impatient(server):
        async with client(server, answer="accept", asked=asked) as one:
            answer = await call(one, "magento_check_order_status", caller="0612345678")
            [order] = answer.structured_content["items"]  # type: ignore[index]
            assert order["tracking"][0]["number"] == "6A123"
            arguments = {"order": order["number"], "item": "Tasse bleue", "quantity": 1}
            refund = await call(one, "magento_refund_order", **arguments)
            assert refund.structured_content["amount"] == "24.90", text_of(refund)  # type: ignore[index]
    assert len(asked) == 1
    assert asked[0].startswith("Refund 24.90 EUR to Jean Dupont (jean.dupont@exemple.fr) for order 000001042 (")

"""Orders against a shop that keeps state: found, told, created, changed, refunded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.woocommerce.server import server
from flotilla_servers.woocommerce.tests.conftest import PARIS, Tool
from flotilla_servers.woocommerce.tests.fake import FakeWooCommerce
from flotilla_testing import Response, call, client, environment, impatient, text_of

JEAN: dict[str, Any] = {"name": "Jean Dupont", "email": "jean.dupont@exemple.fr"}


def sent(shop: FakeWooCommerce) -> Any:
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
    shop: FakeWooCommerce, tool: Tool, problem: Tool, contact: str, matches: bool
) -> None:
    assert (await tool("check_order_status", caller="1042", contact=contact))["caller_matches"] is matches
    assert "caller_matches" not in await tool("check_order_status", caller="1042")
    assert "is not a phone number" in await problem("check_order_status", caller="1042", contact="Jean")


async def test_check_order_status_by_phone_mail_or_number(shop: FakeWooCommerce, tool: Tool) -> None:
    for caller in [
        "06 12 34 56 78",
        "+33612345678",
        "Jean.Dupont@exemple.fr",
        "1042",
        "#1042",
        "commande n° 1042",
        "33612345678",
    ]:
        [order] = (await tool("check_order_status", caller=caller))["items"]
        assert (order["number"], order["status"], order["total"]) == ("1042", "processing", "66.35")
        assert order["explanation"] == "It is paid and being prepared; it is not marked as sent."
        assert order["tracking"] == [{"carrier": "colissimo", "number": "6A123"}]
        assert order["messages"] == ["Votre colis part demain."]
        assert order["items"] == ["2 × Tasse bleue", "1 × Thé vert"]
        assert order["created"] == "2026-07-02T10:00:00+02:00"


async def test_check_order_status_finds_a_phone_however_it_is_written(shop: FakeWooCommerce, tool: Tool) -> None:
    for written in ["0612345678", "06.12.34.56.78", "+33 6 12 34 56 78", "0033612345678", "+33612345678"]:
        shop.orders[1042]["billing"]["phone"] = written
        [order] = (await tool("check_order_status", caller="06 12 34 56 78"))["items"]
        assert order["number"] == "1042"


async def test_check_order_status_leaves_out_another_persons_phone(shop: FakeWooCommerce, problem: Tool) -> None:
    """The search finds parts of numbers; an order counts only where the whole number is the caller's."""
    shop.orders[1042]["billing"]["phone"] = "+32 6 12 34 56 78"
    assert "No order belongs to `06 12 34 56 78`." in await problem("check_order_status", caller="06 12 34 56 78")


async def test_check_order_status_of_a_plugins_status(shop: FakeWooCommerce, tool: Tool) -> None:
    shop.orders[1042]["status"] = "picking"
    [order] = (await tool("check_order_status", caller="1042"))["items"]
    assert order["explanation"] == "Its status is En préparation."


async def test_get_order_by_a_number_of_its_own(shop: FakeWooCommerce, tool: Tool) -> None:
    """Where a plugin numbers the orders, what people say is the number, also where it is another order's id."""
    shop.renumber(1042, "WEB-77")
    shop.renumber(1043, "1042")
    assert (await tool("get_order", order="web-77"))["id"] == "1042"
    assert (await tool("get_order", order="1042"))["id"] == "1043"


async def test_get_order_details(shop: FakeWooCommerce, tool: Tool) -> None:
    order = await tool("get_order", order="1042")
    assert order["lines"][0] == {
        "line": "10421",
        "name": "Tasse bleue",
        "sku": "TASSE-BLEUE",
        "quantity": 2,
        "total": "49.80",
    }
    assert order["shipping"] == "Colissimo, Jean Dupont, 12 rue de l’Œuvre, 69001 Lyon, FR"
    assert order["link"] == f"{shop.vendor.url}/wp-admin/post.php?post=1042&action=edit"
    assert [note["text"] for note in order["notes"]] == ["Votre colis part demain.", "Paiement reçu"]


async def test_get_order_unknown(shop: FakeWooCommerce, problem: Tool) -> None:
    assert "There is no order `9999`." in await problem("get_order", order="9999")


async def test_search_orders_by_status_label_and_days(shop: FakeWooCommerce, tool: Tool) -> None:
    matches = await tool("search_orders", status="en cours", after="2026-07-02", before="2026-07-02")
    assert [row["number"] for row in matches["items"]] == ["1042"]
    assert dict(shop.vendor.requests[-1].query)["after"] == "2026-07-01T22:00:00Z"
    matches = await tool("search_orders", query="06 12 34 56 78", status="completed")
    assert matches["items"] == []
    matches = await tool("search_orders", query="Lyon", limit=1)
    assert [row["number"] for row in matches["items"]] == ["1042"]
    matches = await tool("search_orders", query="Lyon", limit=1, cursor=matches["next_cursor"])
    assert [row["number"] for row in matches["items"]] == ["1043"]


# -- refunds ----------------------------------------------------------------------------------------------------------


async def test_refund_one_piece_of_a_line(shop: FakeWooCommerce, tool: Tool, asked: list[str]) -> None:
    done = await tool("refund_order", order="1042", item="tasse bleue", quantity=1, reason="Ébréchée")
    assert asked == [
        "Refund 24.90 EUR to Jean Dupont (jean.dupont@exemple.fr) for order 1042 (1 × Tasse bleue: 20.75 + 4.15 tax = "
        "24.90 EUR)? Carte bancaire sends the money back at once; what was bought goes back into stock."
    ]
    assert sent(shop) == {
        "amount": "24.90",
        "reason": "Ébréchée",
        "line_items": [
            {"id": 10421, "quantity": 1, "refund_total": 20.75, "refund_tax": [{"id": 1, "refund_total": 4.15}]}
        ],
        "api_refund": True,
        "api_restock": True,
    }
    assert (done["amount"], done["paid_back"]) == ("24.90", True)
    assert shop.products[12]["stock_quantity"] == 6


async def test_refund_what_is_left_of_a_line_and_not_twice(shop: FakeWooCommerce, tool: Tool, problem: Tool) -> None:
    await tool("refund_order", order="1042", item="10421", quantity=1)
    assert (await tool("refund_order", order="1042", item="TASSE-BLEUE"))["amount"] == "24.90"
    message = await problem("refund_order", order="1042", item="TASSE-BLEUE")
    assert "«Tasse bleue» was refunded already; nothing was done." in message
    assert len(shop.writes) == 2


async def test_refund_a_third_leaves_no_cent_behind(shop: FakeWooCommerce, tool: Tool) -> None:
    """10.00 for three pieces: 3.33 for one, and what is left for the others."""
    line = shop.orders[1042]["line_items"][1]
    line |= {"quantity": 3}
    first = await tool("refund_order", order="1042", item="Thé vert", quantity=1)
    rest = await tool("refund_order", order="1042", item="Thé vert")
    assert (first["amount"], rest["amount"]) == ("3.51", "7.04")


async def test_refund_everything(shop: FakeWooCommerce, tool: Tool) -> None:
    assert (await tool("refund_order", order="1042"))["amount"] == "66.35"
    assert [row["id"] for row in sent(shop)["line_items"]] == [10421, 10422, 10429]
    assert shop.orders[1042]["status"] == "refunded"


async def test_refund_an_amount(shop: FakeWooCommerce, tool: Tool, problem: Tool) -> None:
    assert (await tool("refund_order", order="1042", amount="12,50 €"))["amount"] == "12.50"
    assert "line_items" not in sent(shop)
    message = await problem("refund_order", order="1042", amount="60")
    assert "Of order 1042 only 53.85 EUR can be refunded, not 60.00; nothing was done." in message


async def test_refund_by_a_service_that_cannot(
    shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]
) -> None:
    message = await problem("refund_order", order="1043")
    assert "The order was paid by Virement, which cannot pay back by itself (these can: Stripe); nothing" in message
    assert shop.writes == []
    done = await tool("refund_order", order="1043", by_hand=True, restock=False)
    assert done["paid_back"] is False
    assert asked[-1].endswith("It is only recorded; the money is paid back by hand.")
    assert (sent(shop)["api_refund"], sent(shop)["api_restock"]) == (False, False)


async def test_refund_more_pieces_than_bought(shop: FakeWooCommerce, problem: Tool) -> None:
    message = await problem("refund_order", order="1042", item="Tasse bleue", quantity=3)
    assert "Of «Tasse bleue» only 2 can be refunded." in message
    assert "Pass item, or amount." in await problem("refund_order", order="1042", item="Tasse bleue", amount="1")
    assert "There is no line of the order `Théière`." in await problem("refund_order", order="1042", item="Théière")
    assert shop.writes == []


# -- created and changed ----------------------------------------------------------------------------------------------


async def test_create_order_waits_for_payment(shop: FakeWooCommerce, tool: Tool, asked: list[str]) -> None:
    made = await tool(
        "create_order",
        items=[{"product": "Tasse bleue", "quantity": 2}, {"product": "T-shirt rayé", "variation": "M"}],
        customer={**JEAN, "phone": "06 12 34 56 78", "city": "Lyon"},
        shipping="4,50 €",
    )
    assert asked == []
    body = sent(shop)
    assert body["line_items"] == [
        {"product_id": 12, "quantity": 2},
        {"product_id": 20, "variation_id": 21, "quantity": 1},
    ]
    assert body["billing"]["phone"] == "+33612345678"
    assert (body["status"], body["shipping_lines"][0]["total"]) == ("pending", "4.50")
    assert made["payment_url"].startswith("https://boutique.example/paiement/")


async def test_create_order_paid_asks_and_is_the_accounts(shop: FakeWooCommerce, tool: Tool, asked: list[str]) -> None:
    await tool(
        "create_order",
        items=[{"product": "TS-M"}],
        customer={"name": "Marie Curie", "email": "marie@exemple.fr"},
        paid=True,
    )
    assert asked == [
        "Create a paid order of 1 × T-shirt rayé for Marie Curie (marie@exemple.fr): 19.00 EUR by the shop's prices? "
        "The stock goes down and a confirmation is mailed."
    ]
    assert (sent(shop)["customer_id"], sent(shop)["set_paid"]) == (7, True)
    assert sent(shop)["line_items"] == [{"product_id": 20, "variation_id": 21, "quantity": 1}]


async def test_create_order_twice_is_refused(shop: FakeWooCommerce, tool: Tool, problem: Tool) -> None:
    shop.add_order(
        1050, "2099-01-01", "Jean Dupont", JEAN["email"], "", [(12, "Tasse bleue", "TASSE-BLEUE", 1, "1", "0")]
    )
    arguments: dict[str, Any] = {"items": [{"product": "TASSE-BLEUE"}], "customer": JEAN}
    message = await problem("create_order", **arguments)
    assert "jean.dupont@exemple.fr ordered the same within the last hour: order 1050; nothing was done." in message
    await tool("create_order", **arguments, again=True)
    assert len(shop.writes) == 1


async def test_create_order_needs_a_variation(shop: FakeWooCommerce, problem: Tool) -> None:
    message = await problem("create_order", items=[{"product": "TS"}], customer=JEAN)
    assert "«T-shirt rayé» is sold in variations. Pass one as variation: M, L." in message


async def test_update_order_status(shop: FakeWooCommerce, tool: Tool, problem: Tool, asked: list[str]) -> None:
    assert (await tool("update_order_status", order="1042", status="Terminée"))["status"] == "completed"
    assert asked == [
        "Set order 1042 of Jean Dupont (jean.dupont@exemple.fr), 66.35 EUR, from processing to completed? "
        "WooCommerce may write to the customer and move stock."
    ]
    assert "Order 1042 is completed already" in await problem("update_order_status", order="1042", status="completed")
    assert "woo_refund_order" in await problem("update_order_status", order="1042", status="refunded")
    assert "There is no order status `perdue`." in await problem("update_order_status", order="1042", status="perdue")
    assert len(shop.writes) == 1


async def test_add_order_note(shop: FakeWooCommerce, tool: Tool, asked: list[str]) -> None:
    await tool("add_order_note", order="1042", note="Cadeau")
    assert asked == []
    await tool("add_order_note", order="1042", note="Suivi : 6A123", to_customer=True)
    assert asked == ["Mail to Jean Dupont (jean.dupont@exemple.fr) about order 1042: «Suivi : 6A123»?"]
    assert [note["customer_note"] for note in shop.notes[1042][2:]] == [False, True]


async def test_update_order(shop: FakeWooCommerce, tool: Tool, asked: list[str]) -> None:
    customer = {"name": "Jean Dupont", "street": "3 place Bellecour"}
    await tool("update_order", order="1042", customer=customer, only_delivery=True)
    assert asked == ["Change order 1042 of Jean Dupont (jean.dupont@exemple.fr) to: Jean, Dupont, 3 place Bellecour?"]
    assert shop.orders[1042]["shipping"]["address_1"] == "3 place Bellecour"
    assert shop.orders[1042]["billing"]["address_1"] == "12 rue de l’Œuvre"


async def test_a_key_in_the_address_where_the_host_strips_headers(
    shop: FakeWooCommerce, tool: Tool, problem: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.strips_headers = True
    assert "WOOCOMMERCE_KEY_IN_ADDRESS=yes" in await problem("get_order", order="1042")


async def test_an_address_without_the_api(shop: FakeWooCommerce, problem: Tool) -> None:
    page = Response(404, b"<html><body>Page introuvable</body></html>", {"content-type": "text/html"})
    shop.to = lambda request: page  # type: ignore[method-assign]
    message = await problem("get_order", order="1042")
    assert "no WooCommerce REST API at this address" in message
    assert "permalinks" in message


async def test_core_tier_alone_finds_and_refunds_an_order(
    shop: FakeWooCommerce, tmp_path: Path, asked: list[str]
) -> None:
    """A caller's number, then one piece of one line refunded: with the core tools alone."""
    more = {**PARIS, "FLOTILLA_TIER": "core", "FLOTILLA_STATE": str(tmp_path / "story")}
    with environment(server, **shop.settings, **more), impatient(server):
        async with client(server, answer="accept", asked=asked) as one:
            answer = await call(one, "woo_check_order_status", caller="0612345678")
            [order] = answer.structured_content["items"]  # type: ignore[index]
            assert order["tracking"][0]["number"] == "6A123"
            arguments = {"order": order["number"], "item": "Tasse bleue", "quantity": 1}
            refund = await call(one, "woo_refund_order", **arguments)
            assert refund.structured_content["amount"] == "24.90", text_of(refund)  # type: ignore[index]
    assert len(asked) == 1
    assert asked[0].startswith("Refund 24.90 EUR to Jean Dupont (jean.dupont@exemple.fr) for order 1042 (")

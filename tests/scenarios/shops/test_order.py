"""Where is my order? By a caller's number, in three shops: status, tracking, and a line refunded after a question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.magento.tests.fake import FakeMagento
from flotilla_servers.shopify.tests.fake import FakeShopify
from flotilla_servers.woocommerce.tests.fake import FakeWooCommerce
from flotilla_testing import faults
from tests.scenarios.harness import KINDS, Gateway, call_error, call_ok
from tests.scenarios.vendors import Fake, connected

pytestmark = pytest.mark.timeout(180)
CALLER = "06 12 34 56 78"
MARIE, JEAN = "Marie Dupont (marie@exemple.fr)", "Jean Dupont (jean.dupont@exemple.fr)"

IN_SHOPIFY: dict[str, Any] = {"order": "1001", "items": [{"item": "Foulard en soie"}]}  # the line to refund
ELSEWHERE: dict[str, Any] = {"order": "1042", "item": "Thé vert"}


@dataclass
class Shops:
    """A gateway to three shops that remember."""

    gateway: Gateway
    shopify: FakeShopify
    woo: FakeWooCommerce
    magento: FakeMagento


@dataclass
class OrderStatus:
    """What a caller learns of an order, whatever the shop calls its parts."""

    number: str
    status: str
    customer: str
    tracking: list[str] = field(default_factory=list)


@pytest.fixture(params=KINDS)
def shops(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shops]:
    """Three shops: Marie is a customer of one, Jean of the other two, and the caller's number is theirs."""
    shopify, woo, magento = FakeShopify(), FakeWooCommerce(), FakeMagento()
    fakes: dict[str, Fake] = {"shopify": shopify, "woocommerce": woo, "magento": magento}
    with connected(request.param, tmp_path, "shops", fakes) as gateway:
        yield Shops(gateway, shopify, woo, magento)


async def in_shopify(client: Client[Any]) -> OrderStatus:
    """Ask Shopify for the caller's orders, and return the oldest one."""
    order = (await call_ok(client, "shopify_get_order_status", phone=CALLER))["orders"][-1]
    numbers = [one["number"] for parcel in order["parcels"] for one in parcel["tracking"]]
    return OrderStatus(order["number"], order["delivery"], order["customer_name"], numbers)


async def in_another(client: Client[Any], prefix: str) -> OrderStatus:
    """Ask WooCommerce or Magento for the caller's only order."""
    (order,) = (await call_ok(client, f"{prefix}_check_order_status", caller=CALLER))["items"]
    return OrderStatus(
        order["number"], order["status"], order["customer"], [one["number"] for one in order["tracking"]]
    )


async def test_order_scenario(shops: Shops) -> None:
    """The number finds the order, its status and its parcel in one call; a line is refunded once somebody agreed."""
    gateway = shops.gateway
    async with gateway.client(answer=True) as client:
        parcel = {"tracking_number": "8R1", "carrier": "Colissimo", "items": [{"item": "Chemise en lin - M"}]}
        await call_ok(client, "shopify_create_fulfillment", order="1001", **parcel)
        assert gateway.asked == []  # the customer gets no mail

        order = await in_shopify(client)
        assert order == OrderStatus("#1001", "PARTIALLY_FULFILLED", "Marie Dupont", ["8R1"])
        items = [{"item": "Foulard en soie"}]
        refund = await call_ok(client, "shopify_refund_order", order=order.number, items=items)
        assert (refund["amount"], refund["payment"]) == ("35.00 EUR", "PARTIALLY_REFUNDED")

        order = await in_another(client, "woo")
        assert order == OrderStatus("1042", "processing", "Jean Dupont", ["6A123"])
        refund = await call_ok(client, "woo_refund_order", order=order.number, item="Thé vert")
        assert (refund["amount"], refund["paid_back"]) == ("10.55", True)

        order = await in_another(client, "magento")
        assert order == OrderStatus("000001042", "processing", "Jean Dupont", ["6A123"])
        refund = await call_ok(client, "magento_refund_order", order=order.number, item="Thé vert")
        assert (refund["amount"], refund["paid_back"]) == ("10.55", True)

    of_shopify, of_woo, of_magento = gateway.asked
    assert of_shopify.startswith(f"Refund 35.00 EUR of order #1001 to {MARIE}? Calculation: 1 × Foulard en soie: ")
    assert of_woo.startswith(f"Refund 10.55 EUR to {JEAN} for order 1042 (1 × Thé vert: ")
    assert of_magento.startswith(f"Refund 10.55 EUR to {JEAN} for order 000001042 (1 × Thé vert: 10.55 EUR)?")
    assert [order["refunded"] for order in shops.shopify.orders] == [Decimal("35.00"), Decimal(0)]
    assert [line["refunded"] for line in shops.shopify.orders[0]["lines"]] == [0, 1]
    (refunded,) = shops.woo.refunds[1042]
    assert Decimal(refunded["amount"]) == Decimal("10.55")
    assert shops.woo.orders[1042]["status"] == "processing"
    assert [one["total"] for one in shops.magento.refunds] == [Decimal("10.55")]
    assert [line["qty_refunded"] for line in shops.magento.orders[42]["items"]] == [0, 1]


async def test_order_scenario_declined_refunds_nothing(shops: Shops) -> None:
    async with shops.gateway.client(answer=False) as client:
        for tool, arguments in (
            ("shopify_refund_order", IN_SHOPIFY),
            ("woo_refund_order", ELSEWHERE),
            ("magento_refund_order", ELSEWHERE),
        ):
            assert "did not agree" in await call_error(client, tool, **arguments)
    assert [question.split(" EUR")[0] for question in shops.gateway.asked] == [
        "Refund 35.00", "Refund 10.55", "Refund 10.55",
    ]  # fmt: skip
    assert [order["refunded"] for order in shops.shopify.orders] == [0, 0]
    assert shops.woo.writes == []
    assert shops.magento.writes == []


async def test_order_scenario_number_in_any_notation(shops: Shops) -> None:
    """However the number is written down, and whatever notation the shop keeps, one call finds the orders."""
    async with shops.gateway.client() as client:
        for spoken in ("0612345678", "06.12.34.56.78", "+33 6 12 34 56 78", "0033612345678", "+33 (0)6 12 34 56 78"):
            answer = await call_ok(client, "shopify_get_order_status", phone=spoken)
            assert [order["number"] for order in answer["orders"]] == ["#1002", "#1001"], spoken
            for prefix, number in (("woo", "1042"), ("magento", "000001042")):
                answer = await call_ok(client, f"{prefix}_check_order_status", caller=spoken)
                assert [order["number"] for order in answer["items"]] == [number], spoken


async def test_order_scenario_lost_answer_is_not_refunded_twice(shops: Shops) -> None:
    """The shop did it and its answer was lost: the error says so, and a second call finds that nothing is left."""
    async with shops.gateway.client(answer=True) as client:
        for shop, tool, arguments in (
            (shops.shopify, "shopify_refund_order", IN_SHOPIFY),
            (shops.woo, "woo_refund_order", ELSEWHERE),
            (shops.magento, "magento_refund_order", ELSEWHERE),
        ):
            shop.vendor.fails(faults.cut(), times=1, method="write")
            assert "It may or may not have been done" in await call_error(client, tool, **arguments)
            assert "refunded" in await call_error(client, tool, **arguments)
    assert len(shops.gateway.asked) == 3  # the second time there was nothing to ask
    assert {tool: len(amounts) for tool, amounts in refunds(shops).items()} == dict.fromkeys(refunds(shops), 1)
    assert shops.shopify.orders[0]["refunded"] == Decimal("35.00")


async def test_order_scenario_without_a_person_to_ask_is_previewed(shops: Shops) -> None:
    """The phone's agent reads the question out itself: nothing is refunded before, and one yes is good for once."""
    async with shops.gateway.client() as client:
        for tool, arguments, question in (
            ("shopify_refund_order", IN_SHOPIFY, f"Refund 35.00 EUR of order #1001 to {MARIE}?"),
            ("woo_refund_order", ELSEWHERE, f"Refund 10.55 EUR to {JEAN} for order 1042 ("),
            ("magento_refund_order", ELSEWHERE, f"Refund 10.55 EUR to {JEAN} for order 000001042 ("),
        ):
            preview = (await call_ok(client, tool, **arguments))["preview"]
            assert preview["question"].startswith(question)
            assert refunds(shops)[tool] == []
            yes = {**arguments, "confirm_token": preview["confirm_token"]}
            await call_ok(client, tool, **yes)
            await call_error(client, tool, **yes)
    assert refunds(shops) == {
        "shopify_refund_order": [Decimal("35.00")],
        "woo_refund_order": [Decimal("10.55")],
        "magento_refund_order": [Decimal("10.55")],
    }


def refunds(shops: Shops) -> dict[str, list[Decimal]]:
    """Return the amounts that each shop has paid back, by the tool that does it."""
    return {
        "shopify_refund_order": [order["refunded"] for order in shops.shopify.orders if order["refunded"]],
        "woo_refund_order": [Decimal(one["amount"]) for one in shops.woo.refunds.get(1042, [])],
        "magento_refund_order": [one["total"] for one in shops.magento.refunds],
    }


async def test_order_scenario_number_of_a_stranger(shops: Shops) -> None:
    """A number that is nobody's finds no order, and does not match the order of somebody else."""
    unknown = "01 99 00 00 00"
    async with shops.gateway.client(answer=True) as client:
        assert "No order of" in await call_error(client, "shopify_get_order_status", phone=unknown)
        for prefix in ("woo", "magento"):
            error = await call_error(client, f"{prefix}_check_order_status", caller=unknown)
            assert f"No order belongs to `{unknown}`." in error
        both = await call_ok(client, "shopify_get_order_status", order_number="1001", phone=unknown)
        assert both["caller_matches"] is False
    assert shops.gateway.asked == []

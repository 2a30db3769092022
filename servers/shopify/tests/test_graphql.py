"""What GraphQL adds to HTTP: errors inside of a success, query costs, the directive @idempotent, the shop's host."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import replace

import pytest

from flotilla_servers.shopify import graphql, lookup, tools
from flotilla_servers.shopify.client import Settings, shop_host
from flotilla_servers.shopify.server import server
from flotilla_servers.shopify.tests.conftest import FOLDER
from flotilla_servers.shopify.tests.fake import FakeShopify
from flotilla_testing import Response, Tool
from flotilla_testing.contract import contract_of, specs
from flotilla_testing.graphql_schema import GraphQLDocument

MODULES = [importlib.import_module(f"{tools.__name__}.{one.name}") for one in pkgutil.iter_modules(tools.__path__)]
DOCUMENTS = {
    text
    for module in [graphql, lookup, *MODULES]
    for text in vars(module).values()
    if isinstance(text, str) and graphql.OPERATION.match(text)
}


def test_every_document_is_valid_by_the_schema() -> None:
    schema = contract_of(FOLDER)
    if not isinstance(schema, GraphQLDocument):
        pytest.skip("the schema is not here: set FLOTILLA_SPECS")
    assert len(DOCUMENTS) > 50
    wrong = [f"{text[:60]}: {problem}" for text in DOCUMENTS for problem in schema.document_problems(text)]
    assert not wrong, "\n".join(wrong)


def test_mutations_that_need_it_have_an_idempotency_key() -> None:
    """The schema cannot say so: the list of root fields does."""
    path = specs() / "shopify" / "admin-2026-04-access.json"
    if not path.is_file():
        pytest.skip("the list of root fields is not here: set FLOTILLA_SPECS")
    needing = {name for name, about in json.loads(path.read_text())["Mutation"].items() if about.get("idempotent")}
    for text in DOCUMENTS:
        for name in needing:
            if f" {name}(" in text:
                assert "@idempotent(key: $idempotencyKey) {" in text.split(f" {name}(")[1].split("\n")[0], name
    assert sum("@idempotent" in text for text in DOCUMENTS) == 3


def test_operation_names_are_unique() -> None:
    names = [match[2] for text in DOCUMENTS if (match := graphql.OPERATION.match(text))]
    assert len(names) == len(set(names))


async def test_user_error_is_an_error_and_the_key_is_free_again(fake: FakeShopify, tool: Tool, problem: Tool) -> None:
    fake.refuse = [{"field": ["input", "email"], "message": "Email is invalid"}]
    arguments = {"first_name": "Zoé", "email": "zoe@exemple.fr", "idempotency_key": "k1"}
    message = await problem("create_customer", **arguments)
    assert message == "Error: Shopify refuses: email: Email is invalid. Correct this and try again."
    assert (await tool("create_customer", **arguments))["name"] == "Zoé"


async def test_user_error_of_one_of_two_mutations_says_that_a_part_was_done(fake: FakeShopify, problem: Tool) -> None:
    fake.refuse = [{"field": ["tags"], "message": "Tag is too long"}]
    message = await problem("update_order", order="1001", add_tags=["x"], note="Bonjour")
    assert "Shopify refuses: tags: Tag is too long. A part of it was done already" in message
    assert fake.orders[0]["note"] == "Bonjour"


async def test_throttled_request_waits_for_the_points(
    fake: FakeShopify, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    network = server.connection.network
    monkeypatch.setattr(server.connection, "network", replace(network, retry=replace(network.retry, sleep=sleep)))
    fake.throttled = 1
    assert (await tool("get_shop"))["name"] == "Atelier Lyon"
    assert waits == [1.0]  # refused once; 1,000 points are there again


async def test_request_that_costs_more_than_what_is_left_is_not_sent(
    fake: FakeShopify, tool: Tool, problem: Tool
) -> None:
    await tool("get_shop")
    fake.points, fake.rate = 4, 0.05  # of the 10 points that it asks for, 6 are missing for two minutes
    await tool("get_shop")
    sent = len(fake.operations)
    assert "The shop's query points are used up for now. Wait " in await problem("get_shop")
    assert len(fake.operations) == sent


async def test_throttled_for_good_is_a_rate_limit_and_nothing_was_done(fake: FakeShopify, problem: Tool) -> None:
    await problem("get_order", order="4711")  # so that the shop is known
    fake.throttled = 10
    message = await problem("update_variant", variant="LIN-M", sku="LIN-M2")
    assert message.startswith(
        "Error: Shopify refuses more requests for now: the shop's query points are used up. Wait "
    )
    assert "may or may not" not in message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            {"message": "Access denied for orders field.", "extensions": {"code": "ACCESS_DENIED"}},
            'The app may not do this: "Access denied for orders field". Ask the user to give the app this access scope',
        ),
        ({"message": "Query cost is 2000", "extensions": {"code": "MAX_COST_EXCEEDED"}}, "Pass a smaller limit."),
        ({"message": "Oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, 'Shopify failed: "Oops".'),
        ({"message": "Parse error"}, 'Shopify refuses the request: "Parse error".'),
    ],
)
async def test_top_level_error(fake: FakeShopify, problem: Tool, error: dict[str, object], message: str) -> None:
    fake.failure = error
    assert message in await problem("get_shop")


async def test_field_that_the_app_may_not_read_is_left_out_and_said(fake: FakeShopify, tool: Tool) -> None:
    fake.denied = [["orders", "nodes", "customer"]]
    order = (await tool("search_orders"))["items"][0]
    assert "customer_name" not in order
    assert "orders.nodes.customer" in server.connection.warnings["access"]


async def test_stale_stock_changes_nothing(fake: FakeShopify, problem: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.refuse = [{"field": ["changeFromQuantity"], "message": "The change from quantity is stale"}]
    assert "stale" in await problem("modify_stock", variant="LIN-M", change=1, location="Lyon")
    assert fake.variant("LIN-M")["stock"][fake.locations[0]["id"]] == 5


@pytest.mark.parametrize(
    "text", ["atelier-lyon", "Atelier-Lyon.myshopify.com", "https://atelier-lyon.myshopify.com/admin/orders"]
)
def test_shop_host_as_people_copy_it(text: str) -> None:
    assert shop_host(text) == "atelier-lyon.myshopify.com"
    assert (
        Settings.model_construct(shop=shop_host(text), base_url=Settings.model_fields["base_url"].default).endpoint
        == "https://atelier-lyon.myshopify.com/admin/api/2026-04"
    )


@pytest.mark.parametrize("text", ["atelier.example", "x.myshopify.com.evil.example", "a@b.myshopify.com", "évil"])
def test_shop_host_of_another_company_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be the shop's name"):
        shop_host(text)


async def test_answer_without_its_object_says_that_it_was_done(fake: FakeShopify, problem: Tool) -> None:
    await problem("get_order", order="4711")  # so that the shop is known
    fake._handlers.clear()
    fake.on("POST", ".*", lambda request: Response.of({"data": {"customers": {"nodes": []}, "customerCreate": None}}))
    message = await problem("create_customer", first_name="Zoé", email="zoe@exemple.fr")
    assert "Shopify answered without `customer`. It was done" in message

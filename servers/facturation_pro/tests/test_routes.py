"""Every tool, its routes in the vendor's documentation, and how its answer reads: 69 operations and the download."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yaml

from flotilla_servers.facturation_pro.tests import test_acceptance
from flotilla_testing.arguments import example_of
from flotilla_testing.client import text_of
from flotilla_testing.contract import specs
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject

pytestmark = pytest.mark.slow
SPEC = specs() / "facturation-pro" / "openapi.yaml"
ROUTES = {
    "get_account": "GET /account.json",
    "list_orders": "GET /orders.json",
    "list_collaborators": "GET /collaborators.json",
    "list_categories": "GET /categories.json",
    "create_category": "POST /categories.json",
    "get_category": "GET /categories/ID.json",
    "update_category": "PATCH /categories/ID.json",
    "delete_category": "DELETE /categories/ID.json",
    "list_customers": "GET /customers.json",
    "create_customer": "POST /customers.json",
    "get_customer": "GET /customers/ID.json",
    "update_customer": "PATCH /customers/ID.json",
    "delete_customer": "DELETE /customers/ID.json",
    "archive_customer": "POST /customers/ID/archive.json",
    "restore_customer": "POST /customers/ID/unarchive.json",
    "upload_customer_file": "POST /customers/ID/upload.json",
    "list_quotes": "GET /quotes.json",
    "create_quote": "POST /quotes.json",
    "get_quote": "GET /quotes/ID.json",
    "update_quote": "PATCH /quotes/ID.json",
    "delete_quote": "DELETE /quotes/ID.json",
    "upload_quote_file": "POST /quotes/ID/upload.json",
    "create_invoice_from_quote": "POST /quotes/ID/invoice.json",
    "list_invoices": "GET /invoices.json",
    "create_invoice": "POST /invoices.json",
    "get_invoice": "GET /invoices/ID.json",
    "update_invoice": "PATCH /invoices/ID.json",
    "delete_invoice": "DELETE /invoices/ID.json",
    "download_document": "GET /invoices/ID.pdf",
    "upload_invoice_file": "POST /invoices/ID/upload.json",
    "send_email": "POST /emails.json",
    "refund_invoice": "POST /invoices/ID/refund.json",
    "list_recurring_invoices": "GET /recurring_invoices.json",
    "get_recurring_invoice": "GET /recurring_invoices/ID.json",
    "list_settlements": "GET /invoices/ID/settlements.json",
    "create_settlement": "POST /invoices/ID/settlements.json",
    "get_settlement": "GET /invoices/ID/settlements/ID.json",
    "delete_settlement": "DELETE /invoices/ID/settlements/ID.json",
    "list_purchases": "GET /purchases.json",
    "create_purchase": "POST /purchases.json",
    "get_purchase": "GET /purchases/ID.json",
    "update_purchase": "PATCH /purchases/ID.json",
    "delete_purchase": "DELETE /purchases/ID.json",
    "upload_purchase_file": "POST /purchases/ID/upload.json",
    "list_recurring_purchases": "GET /recurring_purchases.json",
    "get_recurring_purchase": "GET /recurring_purchases/ID.json",
    "list_suppliers": "GET /suppliers.json",
    "create_supplier": "POST /suppliers.json",
    "get_supplier": "GET /suppliers/ID.json",
    "update_supplier": "PATCH /suppliers/ID.json",
    "delete_supplier": "DELETE /suppliers/ID.json",
    "list_products": "GET /products.json",
    "create_product": "POST /products.json",
    "get_product": "GET /products/ID.json",
    "update_product": "PATCH /products/ID.json",
    "delete_product": "DELETE /products/ID.json",
    "list_followups": "GET /followups.json",
    "create_followup": "POST /followups.json",
    "get_followup": "GET /followups/ID.json",
    "update_followup": "PATCH /followups/ID.json",
    "delete_followup": "DELETE /followups/ID.json",
    "list_files": "GET /assets/invoices.json",
    "delete_file": "DELETE /assets/ID.json",
    "download_file": "GET /assets/ID/download",
}
FURTHER: list[tuple[str, dict[str, Any], str]] = [  # of a tool that serves several routes: arguments, and the route
    ("list_invoices", {"other_filters": {"customer_id": 180366}}, "GET /customers/ID/invoices.json"),
    ("list_quotes", {"other_filters": {"customer_id": 180366}}, "GET /customers/ID/quotes.json"),
    ("download_document", {"kind": "quote"}, "GET /quotes/ID.pdf"),
    ("list_files", {"attached_to": "customer", "owner_id": 1}, "GET /assets/customers.json"),
    ("list_files", {"attached_to": "purchase", "owner_id": 1}, "GET /assets/purchases.json"),
    ("list_files", {"attached_to": "quote", "owner_id": 1}, "GET /assets/quotes.json"),
]
NEEDED = {  # where no argument is required by itself
    "create_customer": {"company_name": "Boulangerie Morel"},
    "update_customer": {"changes": {"email": "compta@exemple.fr"}},
    "update_supplier": {"changes": {"phone": "01 23 45 67 89"}},
    "update_product": {"changes": {"unit_price": "210.00", "vat": "20"}},
    "update_purchase": {"changes": {"paid_on": "2025-06-30", "payment_mode": "bank transfer"}},
    "update_category": {"title": "Formation"},
    "update_followup": {"title": "À facturer"},
    "update_quote": {"quote_status": "accepted"},
    "update_invoice": {"finalize": True},
}


@pytest.fixture(scope="module")
def case() -> Iterator[Subject]:
    with test_acceptance.TestAcceptance.opened() as case:
        yield case


@asynccontextmanager
async def called(case: Subject, name: str, **arguments: Any) -> AsyncIterator[Any]:
    """Call a tool with its examples and `arguments`; gives the structured content and the requests."""
    tool = next(tool for tool in await case.tools() if tool["name"] == f"facturation_{name}")
    async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
        result = await session.call(tool["name"], **example_of(tool, {**NEEDED.get(name, {}), **arguments}))
        assert not result.is_error, text_of(result)
        yield result.structured_content, session.requests


def route(request: Any) -> str:
    """Return a request's route as the documentation writes it."""
    path = request.path.removeprefix("/firms/7")
    return f"{request.method} " + "/".join(
        "ID" + part[part.index(".") :]
        if part.split(".")[0].isdigit() and "." in part
        else "ID"
        if part.isdigit()
        else part
        for part in path.split("/")
    )


@pytest.mark.parametrize(
    ("name", "arguments", "documented"), [*((name, {}, documented) for name, documented in ROUTES.items()), *FURTHER]
)
async def test_routes_as_documented_for_each_tool(
    case: Subject, name: str, arguments: dict[str, Any], documented: str
) -> None:
    async with called(case, name, **arguments) as (_, requests):
        routes = [route(request) for request in requests]
        assert documented in (routes[-1], *routes[1:2])  # the last but for a redirect; the first asks for the firm
        if not documented.startswith("GET"):
            assert [r for r in routes if not r.startswith("GET")] == [documented]


async def test_routes_cover_all_documented_operations_and_no_other(case: Subject) -> None:
    computed = {"facturation_get_revenue"}  # out of the list of invoices
    assert {tool["name"] for tool in await case.tools()} == computed | {f"facturation_{name}" for name in ROUTES}
    served = [*ROUTES.values(), *(documented for _, _, documented in FURTHER)]
    assert len(served) == len(set(served)) == 70
    if not SPEC.is_file():
        pytest.skip("the vendor's contract is not here; see FLOTILLA_SPECS")
    paths = yaml.load(SPEC.read_text(encoding="utf-8"), yaml.CSafeLoader)["paths"]
    documented = {
        f"{method.upper()} " + path.removeprefix("/firms/{firm_id}").replace("{invoice_id}", "ID").replace("{id}", "ID")
        for path, item in paths.items()
        for method in item
        if method != "parameters"
    }
    assert documented == set(served)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("get_account", {"id": 1, "firm_id": 7, "requests_left": 599, "requests_allowed": 600}),
        ("get_invoice", {"id": 411588, "number": "FA202506-4", "total": "1000.00", "balance": "1200.00"}),
        ("get_quote", {"number": "2", "quote_status": "waiting", "total_with_vat": "1080.00"}),
        ("get_settlement", {"total": "1000.00", "payment_mode": "bank transfer", "paid_on": "2025-06-30"}),
        ("refund_invoice", {"total": "-1000.00", "number": "FA202506-5"}),
        ("get_product", {"unit_price": "200.00", "vat": "20"}),
        ("get_purchase", {"supplier": "Office Depot", "vat_amount": "10.00", "currency": "EUR"}),
        ("get_category", {"id": 4866, "title": "Affranchissement", "status": "purchases"}),
        ("get_followup", {"status": "both"}),
        ("delete_quote", {"id": 411583, "done": "deleted"}),
        ("upload_quote_file", {"id": 31, "name": "justificatif.pdf", "bytes": 310, "owner_id": 1}),
        ("get_recurring_invoice", {"id": 77, "details": {"total": "10.00"}}),
    ],
)
async def test_results_of_each_tool(case: Subject, name: str, message: dict[str, Any]) -> None:
    async with called(case, name) as (data, _):
        assert {key: data.get(key) for key in message} == message
        assert "\u202e" not in json.dumps(data, ensure_ascii=False)


async def test_tool_list_within_size_budget(case: Subject) -> None:
    """Below 110,000 characters on the wire with every tool, below 24,000 with the core ones."""
    for tier, count, most in (("all", 65, 110_000), ("core", 13, 24_000)):
        tools = await case.tools(FLOTILLA_TIER=tier)
        assert len(tools) == count
        assert len(json.dumps({"tools": tools}, ensure_ascii=False, separators=(",", ":"))) < most
    groups = await case.tools(FLOTILLA_GROUPS="invoices,quotes", FLOTILLA_TIER="core")
    assert {tool["name"].rsplit("_", 1)[-1].rstrip("s") for tool in groups} <= {
        "quote",
        "invoice",
        "document",
        "file",
        "email",
        "purchase",
        "revenue",
    }

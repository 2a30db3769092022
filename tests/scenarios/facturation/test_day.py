"""From a quote to what is unpaid, on the core tier alone, with the questions that Zoé answers."""

from __future__ import annotations

from typing import Any

import pytest

from flotilla_servers.facturation_pro.tests.fake import Accounts
from tests.scenarios.harness import Gateway, call_ok

pytestmark = pytest.mark.timeout(180)


async def test_invoice_scenario(office: tuple[Gateway, Accounts]) -> None:
    """Find the quote by the customer's name, make its invoice once, send it; list what is unpaid as a workbook."""
    gateway, accounts = office
    async with gateway.client(answer=True) as client:

        async def ask(tool: str, /, **arguments: Any) -> dict[str, Any]:
            return await call_ok(client, f"facturation_{tool}", **arguments)

        company = {"company_name": "Boulangerie Lefèvre", "fields": {"email": "compta@lefevre.example"}}
        bakery = await ask("create_customer", **company)
        line = {"title": "Refonte du site", "quantity": "2", "unit_price": "1250.50", "vat": "20"}
        await ask("create_quote", customer_id=bakery["id"], items=[line], title="Site d’été")

        (quote,) = (await ask("list_quotes", customer="lefèvre"))["items"]
        invoice = await ask("create_invoice_from_quote", quote_id=quote["id"], idempotency_key="once")
        again = await ask("create_invoice_from_quote", quote_id=quote["id"], idempotency_key="once")
        assert again["id"] == invoice["id"]
        if invoice["draft"]:
            await ask("update_invoice", invoice_id=invoice["id"], finalize=True)
        sent = await ask("send_email", bill_id=invoice["id"])
        assert sent["to"] == "compta@lefevre.example"

        unpaid = (await ask("list_invoices", bill_type="unpaid"))["items"]
        assert [(row["customer"], row["email"]) for row in unpaid] == [
            ("Boulangerie Lefèvre", "compta@lefevre.example")
        ]
        saved = await call_ok(
            client,
            "export_create_xlsx",
            path="Impayés.xlsx",
            columns=["Facture", "Client", "Reste dû"],
            rows=[[row["number"], row["customer"], row["balance"]] for row in unpaid],
            types=["text", "text", "money EUR"],
            totals=["Reste dû"],
            language="fr",
        )
        assert saved["rows"] == 1
        read = await call_ok(client, "fs_read_document", path=saved["path"])
        assert "3001.2" in str(read["parts"])
    assert len(accounts.emails) == 1
    assert any("compta@lefevre.example" in question for question in gateway.asked)
    assert [bill["id"] for bill in accounts.rows["bills"].values()] == [int(quote["id"]), int(invoice["id"])]

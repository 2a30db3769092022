"""The day of an accountant, from the customer to the credit note, with every number checked."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any


async def test_an_accountants_day(firm: Any) -> None:
    customer = await firm.ask("create_customer", company_name="Atelier Lefèvre", fields={"country": "fr"})
    assert "SIRET" in customer["warning"]
    fixed = await firm.ask("update_customer", customer_id=customer["id"], changes={"siret": "53165179200016"})
    assert "warning" not in fixed

    lines = [
        {"title": "Conseil", "quantity": "2", "unit_price": "450.00", "vat": "20"},
        {"title": "Livret", "quantity": 10, "unit_price": "12,50", "vat": 5.5},
    ]
    quote = await firm.ask("create_quote", customer_id=customer["id"], items=lines, fields={"title": "Audit"})
    assert (quote["number"], quote["total"], quote["total_with_vat"]) == ("1", "1025.00", "1211.88")
    accepted = await firm.ask("update_quote", quote_id=quote["id"], quote_status="accepté")
    assert accepted["id"] == quote["id"]
    seen = await firm.ask("get_quote", quote_id=quote["id"])
    assert seen["quote_status"] == "accepted"
    assert [line["vat"] for line in seen["items"]] == ["20", "5.5"]

    draft = await firm.ask("create_invoice_from_quote", quote_id=quote["id"])
    assert draft["draft"] is True
    assert draft["total_with_vat"] == "1211.88"
    invoice = draft["id"]
    first, second = (await firm.ask("get_invoice", invoice_id=invoice))["items"]
    changed = await firm.ask(
        "update_invoice",
        invoice_id=invoice,
        items=[
            {"id": first["id"], "quantity": "3"},
            {"title": "Port", "quantity": "1", "unit_price": "10", "vat": "20"},
        ],
    )
    assert (changed["total"], changed["total_with_vat"], changed["draft"]) == ("1485.00", "1763.88", True)
    kept = (await firm.ask("get_invoice", invoice_id=invoice))["items"]
    assert [line["id"] for line in kept[:2]] == [first["id"], second["id"]]
    final = await firm.ask("update_invoice", invoice_id=invoice, finalize=True, changes={"title": "Juin"})
    assert (final["draft"], final["number"]) == (False, "FA202506-1")

    document = await firm.ask("download_invoice", invoice_id=invoice)
    written = (firm.data / document["path"]).read_bytes()
    assert document["path"] == f"facturation-pro/invoice-{invoice}.pdf"
    assert b"FA202506-1" in written
    assert (len(written), hashlib.sha256(written).hexdigest()) == (document["bytes"], document["sha256"])

    (firm.data / "bon.pdf").write_bytes(b"%PDF-1.4 bon de commande")
    stored = await firm.ask("upload_invoice_file", invoice_id=invoice, path="bon.pdf", visible=True)
    back = await firm.ask("download_file", file_id=stored["id"])
    assert (firm.data / back["path"]).read_bytes() == b"%PDF-1.4 bon de commande"

    await firm.ask("send_email", bill_id=invoice, to="zoe@exemple.fr", subject="Votre facture")
    assert firm.books.emails == [{"to": "zoe@exemple.fr", "subject": "Votre facture", "bill_id": invoice}]

    one = await firm.ask(
        "create_settlement", invoice_id=invoice, total="1000.00", payment_mode="virement", paid_on="2025-06-30"
    )
    half = await firm.ask("get_invoice", invoice_id=invoice)
    assert (half["balance"], "paid_on" in half) == ("763.88", False)
    await firm.ask("create_settlement", invoice_id=invoice, total="763,88", payment_mode=4, paid_on="2025-07-02")
    paid = await firm.ask("get_invoice", invoice_id=invoice)
    assert (paid["balance"], paid["paid_on"]) == ("0.00", "2025-07-02")
    payments = (await firm.ask("list_settlements", invoice_id=invoice))["items"]
    assert [(p["total"], p["payment_mode"]) for p in payments] == [("1000.00", "bank transfer"), ("763.88", "check")]
    assert sum(Decimal(p["total"]) for p in payments) == Decimal(paid["total_with_vat"])
    await firm.ask("delete_settlement", invoice_id=invoice, settlement_id=one["id"])
    assert (await firm.ask("get_invoice", invoice_id=invoice))["balance"] == "1000.00"

    note = await firm.ask("refund_invoice", invoice_id=invoice, api_custom="erreur")
    assert (note["number"], note["total"], note["total_with_vat"]) == ("FA202506-2", "-1485.00", "-1763.88")
    refunds = await firm.ask("list_invoices", bill_type="refund")
    assert [row["id"] for row in refunds["items"]] == [note["id"]]


async def test_pages_of_a_list(firm: Any, customer: int) -> None:
    line = [{"title": "Conseil", "quantity": "1", "unit_price": "100", "vat": "20"}]
    made = [(await firm.ask("create_invoice", customer_id=customer, items=line, final=True))["id"] for _ in range(5)]
    for tool, more in (("list_invoices", {}), ("list_customer_invoices", {"customer_id": customer})):
        for limit in (1, 2, 50):
            seen, cursor = list[int](), {}
            while True:
                page = await firm.ask(tool, limit=limit, **more, **cursor)
                seen += [row["id"] for row in page["items"]]
                if "next_cursor" not in page:
                    break
                cursor = {"cursor": page["next_cursor"]}
            assert seen == made
    assert "cursor" in await firm.no("list_invoices", cursor="second")


async def test_a_429_is_waited_for(firm: Any) -> None:
    firm.books.refuse = 2
    assert (await firm.ask("list_customers"))["items"] == []
    firm.books.refuse, firm.books.retry_after = 9, 3600
    told = await firm.no("list_customers")
    assert "Retry later" in told
    assert "3600 seconds" in told

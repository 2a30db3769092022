"""The day of an accountant, from customer to credit note, with every number checked: for any way to the server."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Protocol

Ask = Callable[..., Awaitable[dict[str, Any]]]


class Disk(Protocol):
    """The data folder, seen from outside of the server."""

    async def read(self, path: str) -> bytes: ...

    async def write(self, path: str, data: bytes) -> None: ...


async def day(ask: Ask, disk: Disk, books: Any) -> None:
    """Work through it. `ask` calls a tool that is to work, `books` is the pretended vendor."""
    customer = await ask("create_customer", company_name="Atelier Lefèvre", fields={"country": "fr"})
    assert "SIRET" in customer["warning"]
    fixed = await ask("update_customer", customer_id=customer["id"], changes={"siret": "53165179200016"})
    assert "warning" not in fixed

    lines = [
        {"title": "Conseil", "quantity": "2", "unit_price": "450.00", "vat": "20"},
        {"title": "Livret", "quantity": 10, "unit_price": "12,50", "vat": 5.5},
    ]
    quote = await ask("create_quote", customer_id=customer["id"], items=lines, title="Audit")
    assert (quote["number"], quote["total"], quote["total_with_vat"]) == ("1", "1025.00", "1211.88")
    accepted = await ask("update_quote", quote_id=quote["id"], quote_status="accepté")
    assert accepted["id"] == quote["id"]
    seen = await ask("get_quote", quote_id=quote["id"])
    assert seen["quote_status"] == "accepted"
    assert [line["vat"] for line in seen["items"]] == ["20", "5.5"]

    draft = await ask("create_invoice_from_quote", quote_id=quote["id"])
    assert draft["draft"] is True
    assert draft["total_with_vat"] == "1211.88"
    invoice = draft["id"]
    first, second = (await ask("get_invoice", invoice_id=invoice))["items"]
    changed = await ask(
        "update_invoice",
        invoice_id=invoice,
        items=[
            {"id": first["id"], "quantity": "3"},
            {"title": "Port", "quantity": "1", "unit_price": "10", "vat": "20"},
        ],
    )
    assert (changed["total"], changed["total_with_vat"], changed["draft"]) == ("1485.00", "1763.88", True)
    saved = (await ask("get_invoice", invoice_id=invoice))["items"]
    assert [line["id"] for line in saved[:2]] == [first["id"], second["id"]]
    final = await ask("update_invoice", invoice_id=invoice, finalize=True, title="Juin")
    assert (final["draft"], final["number"]) == (False, "FA202506-1")

    document = await ask("download_document", document_id=invoice)
    written = await disk.read(document["path"])
    assert document["path"] == f"facturation-pro/invoice-{invoice}.pdf"
    assert b"FA202506-1" in written
    assert (len(written), hashlib.sha256(written).hexdigest()) == (document["bytes"], document["sha256"])

    await disk.write("bon.pdf", b"%PDF-1.4 bon de commande")
    stored = await ask("upload_invoice_file", invoice_id=invoice, path="bon.pdf", visible=True)
    back = await ask("download_file", file_id=stored["id"])
    assert await disk.read(back["path"]) == b"%PDF-1.4 bon de commande"

    await ask("send_email", bill_id=invoice, to="zoe@exemple.fr", subject="Votre facture")
    assert books.emails == [{"to": "zoe@exemple.fr", "subject": "Votre facture", "bill_id": invoice}]

    one = await ask(
        "create_settlement", invoice_id=invoice, total="1000.00", payment_mode="virement", paid_on="2025-06-30"
    )
    half = await ask("get_invoice", invoice_id=invoice)
    assert (half["balance"], "paid_on" in half) == ("763.88", False)
    await ask("create_settlement", invoice_id=invoice, total="763,88", payment_mode=4, paid_on="2025-07-02")
    paid = await ask("get_invoice", invoice_id=invoice)
    assert (paid["balance"], paid["paid_on"]) == ("0.00", "2025-07-02")
    payments = (await ask("list_settlements", invoice_id=invoice))["items"]
    assert [(p["total"], p["payment_mode"]) for p in payments] == [("1000.00", "bank transfer"), ("763.88", "check")]
    assert sum(Decimal(p["total"]) for p in payments) == Decimal(paid["total_with_vat"])
    await ask("delete_settlement", invoice_id=invoice, settlement_id=one["id"])
    assert (await ask("get_invoice", invoice_id=invoice))["balance"] == "1000.00"

    note = await ask("refund_invoice", invoice_id=invoice, other_fields={"api_custom": "erreur"})
    assert (note["number"], note["total"], note["total_with_vat"]) == ("FA202506-2", "-1485.00", "-1763.88")
    refunds = await ask("list_invoices", bill_type="refund")
    assert [row["id"] for row in refunds["items"]] == [note["id"]]

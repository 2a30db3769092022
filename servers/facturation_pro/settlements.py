"""Settlements: the payments of an invoice. https://www.facturation.dev/api/settlements/"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Money, Page, Toolset, confirm, sliced

from .arguments import InvoiceId, SettlementId, read
from .bill_models import Settlement
from .bills import described
from .client import api
from .enums import Mode
from .fields import WORD, SettlementFields, body
from .models import Done

tools = Toolset("settlements")


@tools.reads(core=False)
async def list_settlements(invoice_id: InvoiceId, limit: Limit = 20, cursor: Cursor = None) -> Page[Settlement]:
    """List the payments (règlements) of an invoice."""
    rows = await api.rows(f"/invoices/{invoice_id}/settlements.json")
    return sliced([Settlement.model_validate(row) for row in rows], limit, cursor)


@tools.writes(creates=True)
async def create_settlement(
    invoice_id: InvoiceId,
    total: Annotated[Money, Field(description="TTC", examples=["100.00"])],
    payment_mode: Annotated[
        Annotated[Mode, WORD],
        Field(description="card, check, cash, direct debit …", examples=["bank transfer"]),
    ],
    paid_on: Annotated[Annotated[date, WORD], Field(description="Day", examples=["2025-06-30"])],
    payment_ref: Annotated[str | None, Field(description="Reference")] = None,
) -> Settlement:
    """Record a payment (règlement), whole or partial; the last marks the invoice paid."""
    record = body(SettlementFields, total=total, payment_mode=payment_mode, paid_on=paid_on, payment_ref=payment_ref)
    return read(Settlement, await api.post(f"/invoices/{invoice_id}/settlements.json", json=record))


@tools.reads(core=False)
async def get_settlement(invoice_id: InvoiceId, settlement_id: SettlementId) -> Settlement:
    """Get one payment of an invoice."""
    return read(Settlement, await api.get(f"/invoices/{invoice_id}/settlements/{settlement_id}.json"))


@tools.destroys(core=False, asks=True)
async def delete_settlement(invoice_id: InvoiceId, settlement_id: SettlementId) -> Done:
    """Delete a payment; a paid invoice becomes unpaid. There is no change of a payment: delete it, make another."""
    payment = await get_settlement(invoice_id, settlement_id)
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    await confirm(
        f"Delete the payment of {payment.total} by {payment.payment_mode} on {payment.paid_on} of the "
        f"{described(invoice, 'invoice')}?"
    )
    await api.send("DELETE", f"/invoices/{invoice_id}/settlements/{settlement_id}.json")
    return Done(id=settlement_id, done="deleted")

"""Settlements: the payments of an invoice. https://www.facturation.dev/api/settlements/"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, readable, sliced

from ..arguments import InvoiceId, SettlementId
from ..bills import described
from ..client import api
from ..enums import Mode
from ..fields import SettlementFields, about, body
from ..models import Done, Settlement, shaped
from ..records import read
from ..values import Amount, Day

tools = Toolset("settlements")


@tools.reads(core=False, search="règlements paiements d'une facture")
async def list_settlements(invoice_id: InvoiceId, limit: Limit = 20, cursor: Cursor = None) -> Page[Settlement]:
    """List the payments that were recorded for an invoice, with amount, day and mode of payment.

    Returns the ids that facturation_delete_settlement takes. What is still due is the balance of
    facturation_get_invoice.
    """
    rows = await api.rows(f"/invoices/{invoice_id}/settlements.json")
    return sliced(readable(Settlement, [shaped(Settlement, row) for row in rows]), limit, cursor)


@tools.writes(creates=True, search="enregistrer règlement paiement encaissement payé virement chèque")
async def create_settlement(
    invoice_id: InvoiceId,
    total: Annotated[Amount, Field(description="Amount paid, including VAT.", examples=["100.00"])],
    payment_mode: Annotated[
        Mode,
        Field(
            description="How it was paid, as bank transfer, card, check, cash.",
            examples=["bank transfer"],
        ),
    ],
    paid_on: Annotated[Day, Field(description="Day of the payment.", examples=["2025-06-30"])],
    payment_ref: Annotated[str | None, about("Reference, as a check number.")] = None,
) -> Settlement:
    """Record a payment of a final invoice, whole or in part; the last payment marks that invoice as fully paid."""
    record = body(SettlementFields, total=total, payment_mode=payment_mode, paid_on=paid_on, payment_ref=payment_ref)
    return read(Settlement, await api.post(f"/invoices/{invoice_id}/settlements.json", json=record))


@tools.reads(core=False, search="détail règlement")
async def get_settlement(invoice_id: InvoiceId, settlement_id: SettlementId) -> Settlement:
    """Get one payment of an invoice: amount, day, mode of payment and reference.

    Take the id from facturation_list_settlements, which shows the same fields.
    """
    return read(Settlement, await api.get(f"/invoices/{invoice_id}/settlements/{settlement_id}.json"))


@tools.destroys(core=False, asks=True, search="supprimer règlement annuler paiement")
async def delete_settlement(invoice_id: InvoiceId, settlement_id: SettlementId) -> Done:
    """Delete a payment of an invoice, after the user agreed; an invoice that was paid becomes unpaid.

    A payment cannot be changed: delete it and record another one with facturation_create_settlement.
    """
    payment = await get_settlement(invoice_id, settlement_id)
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    await confirm(
        f"Delete the payment of {payment.total} by {payment.payment_mode} on {payment.paid_on} of the "
        f"{described(invoice, 'invoice')}?"
    )
    await api.send("DELETE", f"/invoices/{invoice_id}/settlements/{settlement_id}.json")
    return Done(id=settlement_id, done="deleted")

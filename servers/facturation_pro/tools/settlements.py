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


@tools.reads(
    core=False,
    search=(
        "règlements paiements d'une facture règlement paiement encaissements versements reçus acomptes payé "
        "quand comment payments received instalments deposits paid when history encaissement versement "
        "virement chèque payment instalment transfer check liste lister quels quelles combien montre list "
        "which what find show have all how did pay"
    ),
    examples=[
        "quels paiements a-t-on reçus pour cette facture",
        "quand cette facture a-t-elle été payée",
        "liste les règlements de la facture",
        "combien de versements a-t-il faits",
        "y a-t-il eu un acompte",
        "which payments came in for this invoice",
        "when was that invoice paid",
        "list the instalments",
        "how did the client pay",
        "was there a deposit",
    ],
)
async def list_settlements(invoice_id: InvoiceId, limit: Limit = 20, cursor: Cursor = None) -> Page[Settlement]:
    """List the payments that were recorded for an invoice, with amount, day and mode of payment.

    Returns the ids that facturation_delete_settlement takes. What is still due is the balance of
    facturation_get_invoice.
    """
    rows = await api.rows(f"/invoices/{invoice_id}/settlements.json")
    return sliced(readable(Settlement, [shaped(Settlement, row) for row in rows]), limit, cursor)


@tools.writes(
    creates=True,
    search=(
        "enregistrer règlement paiement encaissement payé virement chèque payée réglé réglée reçu encaisse "
        "espèces carte acompte versement argent arrivé solde marquer marque comme partiel paid received cash "
        "check transfer deposit instalment money came mark as record payment settle note-le"
    ),
    examples=[
        "le client a payé, note-le",
        "j'ai reçu un virement pour la facture 42",
        "marque la facture comme payée",
        "encaisse le chèque de 300 euros",
        "il a versé un acompte de la moitié",
        "c'est réglé en espèces",
        "the client paid, record it",
        "the money for invoice 42 came in",
        "mark the invoice as paid",
        "he paid half by check",
        "they settled it in cash",
    ],
)
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


@tools.reads(
    core=False,
    search=(
        "détail règlement paiement versement référence montant infos date that payment reference amount "
        "details one encaissement virement chèque instalment transfer check paid ouvre affiche montre open "
        "show this number numéro"
    ),
    examples=[
        "montre le détail de ce paiement",
        "quelle référence avait ce virement",
        "à quelle date tombe ce règlement",
        "quel montant pour le versement numéro 5",
        "comment ce règlement a-t-il été fait",
        "show the details of that payment",
        "what reference did the transfer have",
        "what day was this payment made",
        "how much was payment number 5",
        "by what means was that one paid",
    ],
)
async def get_settlement(invoice_id: InvoiceId, settlement_id: SettlementId) -> Settlement:
    """Get one payment of an invoice: amount, day, mode of payment and reference.

    Take the id from facturation_list_settlements, which shows the same fields.
    """
    return read(Settlement, await api.get(f"/invoices/{invoice_id}/settlements/{settlement_id}.json"))


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer règlement annuler paiement supprime efface enlève annule chèque rejeté erreur retire "
        "delete remove undo payment bounced wrong cancel erase unpaid again encaissement versement virement "
        "instalment transfer check paid effacer vire jette débarrasse drop discard throw away get rid take "
        "out off bin mistake doublon duplicate impayée saisi deux fois twice entered"
    ),
    examples=[
        "supprime ce paiement, je me suis trompé",
        "le chèque a été rejeté, enlève le règlement",
        "efface l'encaissement saisi deux fois",
        "annule le paiement de cette facture",
        "remets la facture en impayée",
        "delete that payment, it was a mistake",
        "the check bounced, remove the payment",
        "erase the payment entered twice",
        "undo the payment of this invoice",
        "make the invoice unpaid again",
    ],
)
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

"""Invoices. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from typing import Annotated, Literal

from flotilla import Cursor, Limit, Page, errors
from pydantic import Field

from .app import api, server
from .arguments import (
    Changes,
    CustomerId,
    Detailed,
    DraftId,
    From,
    InvoiceId,
    Name,
    Until,
    Upload,
    Visible,
    changed,
    listed,
    read,
)
from .bills import InvoiceFilters, LineChanges, Lines, label, merged, told
from .documents import download, upload
from .fields import InvoiceFields, body, names
from .models import Attachment, Document, Done, Invoice, Saved, WholeInvoice

AMOUNTS = ("currency", "rebate_percentage", "tax_percent", "vat_country", "vat_exemption", "customer_id")
OWN = ("bill_type", "customer_id", "period_start", "period_end", "with_details", "with_settlements", "period_type")


@server.reads(group="invoices")
async def list_invoices(
    bill_type: Annotated[
        Literal["paid", "unpaid", "term", "invoice", "external", "refund", "down_payment", "draft", "notes", "nova"]
        | None,
        Field(description="term: overdue; refund: avoirs"),
    ] = None,
    customer_id: Annotated[int | None, Field(description="Of one customer")] = None,
    period_start: From = None,
    period_end: Until = None,
    filters: Annotated[
        Changes | None,
        Field(
            description="period_type: billed (default) or paid; "
            + names(InvoiceFilters, *OWN, "api_id", "api_custom", "accounting_entry", "user_id", "followup_id"),
        ),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Invoice]:
    """List invoices (factures)."""
    more = dict(filters or {})
    by = more.pop("period_type", "billed")
    if by not in ("billed", "paid"):
        raise errors.Input("period_type is billed or paid.", "Leave it out for the date of the invoice.")
    given = {
        "bill_type": bill_type,
        "customer_id": customer_id,
        "period_start": period_start,
        "period_end": period_end,
        "period_type": "billed" if by == "billed" and (period_start or period_end) else None,
        "with_details": details or None,
        "with_settlements": details or None,
    }
    return await listed("/invoices.json", Invoice, InvoiceFilters, limit, cursor, more=more, details=details, **given)


@server.writes(group="invoices", creates=True)
async def create_invoice(
    customer_id: CustomerId,
    items: Lines,
    title: Annotated[str | None, Field(max_length=255, description="Objet")] = None,
    final: Annotated[bool, Field(description="Not a draft (brouillon): numbered, no longer to be changed")] = False,
    external: Annotated[bool, Field(description="Import one issued elsewhere; with fields.external_ref")] = False,
    fields: Annotated[
        Changes | None,
        Field(
            description="invoiced_on, term_on, pay_before, information, purchase_number …",
            examples=[{"invoiced_on": "2025-06-02", "pay_before": "30fm"}],
        ),
    ] = None,
) -> Saved:
    """Make a draft invoice (facture), or a final one. Totals are computed."""
    record = body(InvoiceFields, fields, customer_id=customer_id, title=title)
    if external and not record.get("external_ref"):
        raise errors.Input("An external invoice needs fields.external_ref.", "Give the number it was issued with.")
    params = {"type_doc": None if final or external else "draft", "external": external or None}
    return read(Saved, await api.post("/invoices.json", params=params, json={**record, "items": told(items)}))


@server.reads(group="invoices")
async def get_invoice(id: InvoiceId) -> WholeInvoice:
    """Get one invoice with its lines."""
    return read(WholeInvoice, await api.get(f"/invoices/{id}.json"))


@server.writes(group="invoices")
async def update_invoice(
    id: DraftId,
    finalize: Annotated[bool, Field(description="Make the draft final")] = False,
    changes: Annotated[
        Changes | None,
        Field(
            description="Fields as in facturation_create_invoice; also paid_on, payment_mode; null clears",
            examples=[{"title": "Juin"}],
        ),
    ] = None,
    items: LineChanges = None,
) -> Saved:
    """Change a draft, make it final, or mark an invoice paid; what is not given stays. A final one keeps its amounts."""
    record = changed(InvoiceFields, changes) if changes or not (items or finalize) else {}
    invoice = await api.get(f"/invoices/{id}.json")
    draft = invoice.get("draft")
    if draft is False:
        what = next((name for name in AMOUNTS if name in record), "items" if items else "finalize" if finalize else "")
        if what:
            raise errors.Input(
                f"{label(invoice, 'Invoice')} is final, so {what} cannot be changed.",
                "Cancel it with facturation_refund_invoice and make another one.",
            )
    if items:
        record["items"] = merged(invoice, items)
    params = {"type_doc": "final" if finalize else "draft" if draft else None}
    return read(Saved, await api.patch(f"/invoices/{id}.json", params=params, json=record, nulls=True), id=id)


@server.destroys(core=False, group="invoices", confirm="Delete the draft invoice {id}?")
async def delete_invoice(id: DraftId) -> Done:
    """Delete a draft invoice. A final one can only be cancelled: facturation_refund_invoice."""
    invoice = await api.get(f"/invoices/{id}.json")
    if invoice.get("draft") is False:
        raise errors.Input(
            f"{label(invoice, 'Invoice')} is final, so it cannot be deleted.",
            "Cancel it with facturation_refund_invoice.",
        )
    await api.delete(f"/invoices/{id}.json")
    return Done(id=id, done="deleted")


@server.reads(group="invoices", deadline=55)
async def download_invoice(
    id: InvoiceId, original: Annotated[bool, Field(description="Without payment data")] = False
) -> Document:
    """Save an invoice's PDF to the data folder; returns its path."""
    name = f"invoice-{id}{'-original' if original else ''}.pdf"
    return await download(f"/invoices/{id}.pdf", name, "application/pdf", original=original or None)


@server.writes(core=False, group="invoices", creates=True)
async def upload_invoice_file(
    id: InvoiceId, path: Upload, filename: Name = None, visible: Visible = False
) -> Attachment:
    """Attach a document of the data folder to an invoice: PDF, image, office document or text."""
    return await upload(f"/invoices/{id}/upload.json", path, filename, visible)


@server.writes(group="invoices", creates=True)
async def send_email(
    bill_id: Annotated[int, Field(description="Invoice or quote", examples=[411588])],
    kind: Annotated[Literal["invoice", "quote"], Field(description="Which")] = "invoice",
    to: Annotated[str | None, Field(description="The customer when left out")] = None,
    cc: Annotated[str | None, Field(description="Copy")] = None,
    bcc: Annotated[str | None, Field(description="Blind copy")] = None,
    subject: Annotated[str | None, Field(description="As in the account when left out")] = None,
    message: Annotated[str | None, Field(description="As in the account when left out")] = None,
) -> Done:
    """E-mail a final invoice or a quote. The account needs its own SMTP settings."""
    bill = await api.get(f"/{kind}s/{bill_id}.json")
    if bill.get("draft") or bill.get("external"):
        which = "a draft" if bill.get("draft") else "external"
        raise errors.Input(f"{label(bill, kind.capitalize())} is {which}, so it cannot be sent.", "Make it final first.")
    mail = {"to": to, "cc": cc, "bcc": bcc, "subject": subject, "message": message}
    await api.post("/emails.json", params={"bill_id": bill_id}, json=mail)
    return Done(id=bill_id, done="sent")


@server.destroys(core=False, group="invoices", confirm="Cancel invoice {id} with a credit note?", creates=True)
async def refund_invoice(
    id: InvoiceId,
    api_id: Annotated[int | None, Field(description="Your number on the credit note")] = None,
    api_custom: Annotated[str | None, Field(max_length=255, description="Your text on it")] = None,
) -> Saved:
    """Cancel a final invoice with a credit note (avoir) of its whole amount: the vendor takes no part of it."""
    invoice = await api.get(f"/invoices/{id}.json")
    if invoice.get("draft"):
        raise errors.Input(f"{label(invoice, 'Invoice')} is a draft.", "Delete it with facturation_delete_invoice.")
    params = {"api_id": api_id, "api_custom": api_custom}
    return read(Saved, await api.post(f"/invoices/{id}/refund.json", params=params))

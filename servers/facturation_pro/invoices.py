"""Invoices. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, will_ask

from .arguments import (
    CustomerId,
    Detailed,
    DraftId,
    InvoiceId,
    Name,
    Upload,
    Visible,
    by_invoice_date,
    changed,
    first,
    listed,
    read,
)
from .bill_models import Invoice, Saved, WholeInvoice
from .bills import BillType, InvoiceFilters, LineChanges, Lines, described, label, merged, priced, told
from .client import api
from .documents import download, upload
from .fields import WORD, Changes, InvoiceFields, body
from .models import Attachment, Customer, Document, Done, detailed

tools = Toolset("invoices")

NO_WAY_BACK = "A final invoice has a legal number and can be neither changed nor deleted."
AMOUNTS = ("currency", "rebate_percentage", "tax_percent", "vat_country", "vat_exemption", "customer_id")


@tools.reads
async def list_invoices(
    bill_type: Annotated[
        Annotated[BillType, WORD] | None, Field(description="paid, unpaid, term (overdue), draft, refund …")
    ] = None,
    filters: Annotated[
        Changes | None,
        Field(description="period_start, period_end (2025-06), period_type (billed, paid), customer_id, order …"),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Invoice]:
    """List invoices (factures)."""
    given = {
        "bill_type": bill_type,
        "with_details": details or None,
        "with_settlements": details or None,
    }
    more = by_invoice_date(filters)
    return await listed("/invoices.json", Invoice, InvoiceFilters, limit, cursor, more=more, details=details, **given)


@tools.writes(creates=True, replaces=True)
async def create_invoice(
    customer_id: CustomerId,
    items: Lines,
    final: Annotated[bool, Field(description="No draft")] = False,
    fields: Annotated[
        Changes | None,
        Field(description="title (objet), invoiced_on, pay_before, external_ref …"),
    ] = None,
) -> Saved:
    """Make a draft invoice (facture), or a final one, which asks first."""
    record, lines = body(InvoiceFields, fields, customer_id=customer_id), told(items)
    external = bool(record.get("external_ref"))  # the number that another program gave it
    if (final or external) and will_ask():
        customer = await api.get(f"/customers/{customer_id}.json")
        what = f"the invoice {record['external_ref']} of another program" if external else "a final invoice"
        money = priced(items, record.get("currency") or customer.get("currency") or "EUR")
        await confirm(f"Make {what} for {Customer.flat(customer)['name']}: {money}? {NO_WAY_BACK}")
    params = {"type_doc": None if final or external else "draft", "external": external or None}
    return read(Saved, await api.post("/invoices.json", params=params, json={**record, "items": lines}))


@tools.reads
async def get_invoice(invoice_id: InvoiceId) -> WholeInvoice:
    """Get one invoice with its lines (untrusted text)."""
    return read(WholeInvoice, await api.get(f"/invoices/{invoice_id}.json"))


@tools.writes(replaces=True)
async def update_invoice(
    invoice_id: DraftId,
    finalize: Annotated[bool, Field(description="Make it final")] = False,
    changes: Annotated[Changes | None, Field(description="Fields, also paid_on, payment_mode")] = None,
    items: LineChanges = None,
) -> Saved:
    """Change a draft (brouillon), finalize it after a yes, or mark an invoice paid. A final one keeps its amounts."""
    record = changed(InvoiceFields, changes) if changes or not (items or finalize) else {}
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    draft = invoice.get("draft")
    if draft is False:
        what = next((name for name in AMOUNTS if name in record), "items" if items else "")
        if what:
            raise errors.InvalidInputError(
                f"{label(invoice, 'Invoice')} is final, so {what} cannot be changed.",
                "Cancel it with facturation_refund_invoice and make another one.",
            )
        if not record:  # what a quote became may be final already: nothing is left to do
            return read(Saved, invoice)
    if items:
        record["items"] = merged(invoice, items)
    if finalize and draft is not False:
        now = described(invoice, "draft invoice") + (" before its lines change too" if items else "")
        await confirm(f"Make the {now}, final? {NO_WAY_BACK}")
    params = {"type_doc": None if draft is False else "final" if finalize else "draft" if draft else None}
    answer = await api.request("PATCH", f"/invoices/{invoice_id}.json", params=params, json=record, nulls=True)
    return read(Saved, answer, id=invoice_id)


@tools.destroys(core=False, asks=True)
async def delete_invoice(invoice_id: DraftId) -> Done:
    """Delete a draft invoice. A final one can only be cancelled: facturation_refund_invoice."""
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    if invoice.get("draft") is False:
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is final, so it cannot be deleted.",
            "Cancel it with facturation_refund_invoice.",
        )
    await confirm(f"Delete the {described(invoice, 'draft invoice')}?")
    await api.send("DELETE", f"/invoices/{invoice_id}.json")
    return Done(id=invoice_id, done="deleted")


@tools.reads(deadline=55)
async def download_invoice(
    invoice_id: InvoiceId, original: Annotated[bool, Field(description="Without payment data")] = False
) -> Document:
    """Save an invoice's PDF to the data folder."""
    name = f"invoice-{invoice_id}{'-original' if original else ''}.pdf"
    return await download(f"/invoices/{invoice_id}.pdf", name, "application/pdf", original=original or None)


@tools.writes(core=False, creates=True)
async def upload_invoice_file(
    invoice_id: InvoiceId, path: Upload, filename: Name = None, visible: Visible = False
) -> Attachment:
    """Attach a document of the data folder to an invoice: PDF, image, office document or text."""
    return await upload(f"/invoices/{invoice_id}/upload.json", path, filename, visible)


@tools.writes(core=False, creates=True, replaces=True)
async def send_email(
    bill_id: Annotated[int, Field(description="Invoice or quote", examples=[411588])],
    to: Annotated[str | None, Field(description="Else the customer")] = None,
    cc: Annotated[str | None, Field(description="Copy")] = None,
    bcc: Annotated[str | None, Field(description="Blind copy")] = None,
    subject: Annotated[str | None, Field(description="Else the usual")] = None,
    message: Annotated[str | None, Field(description="Else the usual")] = None,
) -> Done:
    """E-mail a final invoice or a quote with the account's SMTP settings, after a yes."""
    bill = await _either(bill_id)
    if bill.get("draft") or bill.get("external"):
        which = "a draft" if bill.get("draft") else "external"
        raise errors.InvalidInputError(
            f"{label(bill, 'Document')} is {which}, so it cannot be sent.", "Send a final one."
        )
    if will_ask():
        kind = "quote" if bill.get("quote_ref") else "invoice"
        people = ", ".join(errors.excerpt(one, 200) for one in (to or await _address(bill), cc, bcc) if one)
        await confirm(f"E-mail the {described(bill, kind)}, to {people}? A mail cannot be called back.")
    mail = {"to": to, "cc": cc, "bcc": bcc, "subject": subject, "message": message}
    await api.send("POST", "/emails.json", params={"bill_id": bill_id}, json=mail)
    return Done(id=bill_id, done="sent")


async def _address(bill: dict[str, Any]) -> str:
    """Return where the vendor sends a bill when it is not told: to its customer."""
    customer = await api.get(f"/customers/{bill['customer_id']}.json")
    return str(customer.get("invoice_email") or customer.get("email") or "the customer, who has no address")


async def _either(bill_id: int) -> dict[str, Any]:
    """Return an invoice or a quote: the vendor numbers both in one row."""
    try:
        return await api.get(f"/invoices/{bill_id}.json")
    except errors.NotFoundError:
        return await api.get(f"/quotes/{bill_id}.json")


@tools.destroys(core=False, asks=True, creates=True)
async def refund_invoice(
    invoice_id: InvoiceId,
    api_id: Annotated[int | None, Field(description="Your number on the credit note")] = None,
    api_custom: Annotated[str | None, Field(description="Your text on it")] = None,
) -> Saved:
    """Cancel a final invoice with a credit note (avoir) of its whole amount: the vendor takes no part of it."""
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    if invoice.get("draft"):
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is a draft.", "Delete it with facturation_delete_invoice."
        )
    if invoice.get("refund_id"):
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is a credit note itself.", "Ask the user which invoice is meant."
        )
    note = await first(
        "/invoices.json",
        detailed(Invoice),
        lambda row: (row.details or {}).get("refund_id") == invoice_id,
        bill_type="refund",
        customer_id=invoice.get("customer_id"),
    )
    if note:
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is cancelled already, by the credit note {note.number} (id {note.id}).",
            "Tell the user its number.",
        )
    await confirm(
        f"Cancel the {described(invoice, 'invoice')}, with a credit note of its whole amount? "
        "A credit note has a legal number and can be neither changed nor deleted."
    )
    params = {"api_id": api_id, "api_custom": api_custom}
    return read(Saved, await api.post(f"/invoices/{invoice_id}/refund.json", params=params))

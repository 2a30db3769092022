"""Purchases. https://www.facturation.dev/api/purchases/"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from ..arguments import (
    Details,
    FileName,
    PeriodEnd,
    PeriodStart,
    PurchaseId,
    SupplierId,
    Upload,
    documented_fields,
    other_filters,
)
from ..client import api
from ..documents import upload
from ..fields import (
    AllPurchaseFields,
    OtherFields,
    PurchaseChanges,
    PurchaseFields,
    about,
    body,
    changes_of,
    names,
)
from ..models import Attachment, Done, Purchase
from ..records import Period, PeriodType, RareFilters, by_invoice_date, listed, read
from ..values import Amount, Day

tools = Toolset("purchases")

PurchaseType = Literal["pending", "draft", "unpaid", "paid", "prepaid", "excluded", "forecast"]


class PurchaseFilters(RareFilters):
    """Query of the list."""

    company: str | None = None
    title: str | None = None
    purchase_type: PurchaseType | None = None
    invoice_ref: str | None = None
    payment_ref: str | None = None
    serial_number: int | None = None
    accounting_entry: str | None = None
    period_start: Period | None = None
    period_end: Period | None = None
    period_type: PeriodType = "billed"
    order: Literal["paid", "total", "term", "created", "updated"] | None = None
    with_details: bool | None = None


@tools.reads(core=False, search="achats dépenses factures fournisseurs")
async def list_purchases(
    purchase_type: Annotated[
        PurchaseType | None, about("Only purchases in this state; excluded: left out of exports.")
    ] = None,
    company: Annotated[str | None, about("Part of the supplier's name.")] = None,
    period_start: PeriodStart = None,
    period_end: PeriodEnd = None,
    other_filters: Annotated[
        OtherFields,
        other_filters(f"period_type (billed, paid), title, invoice_ref, payment_ref, order, {names(RareFilters)}"),
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Purchase]:
    """List purchases (the bills of suppliers) by state, supplier or period, with total, VAT and payment date.

    Returns the ids that facturation_get_purchase and facturation_update_purchase take.
    """
    return await listed(
        "/purchases.json",
        Purchase,
        PurchaseFilters,
        limit,
        cursor,
        other=other_filters,
        details=details,
        purchase_type=purchase_type,
        company=company,
        with_details=details or None,
        period_start=period_start,
        period_end=period_end,
        period_type=by_invoice_date(other_filters, period_start, period_end),
    )


@tools.writes(core=False, creates=True, search="enregistrer achat dépense facture fournisseur")
async def create_purchase(
    supplier_id: SupplierId,
    title: Annotated[str, Field(description="What was bought.", examples=["Restaurant"])],
    invoiced_on: Annotated[Day, Field(description="Date of the supplier's invoice.", examples=["2025-06-12"])],
    total_with_vat: Annotated[Amount, Field(description="Total including VAT.", examples=["110.00"])],
    vat_amount: Annotated[Amount, Field(description="VAT as an amount, not a rate.", examples=["10.00"])],
    fields: Annotated[PurchaseFields | None, about("Payment, category and notes.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("purchases")] = None,
) -> Purchase:
    """Record a purchase from a supplier. Returns its id.

    Take the supplier from facturation_list_suppliers, or create it with facturation_create_supplier. Attach the receipt
    with facturation_upload_purchase_file.
    """
    record = body(
        AllPurchaseFields,
        other_fields,
        fields,
        supplier_id=supplier_id,
        title=title,
        invoiced_on=invoiced_on,
        total_with_vat=total_with_vat,
        vat_amount=vat_amount,
    )
    return read(Purchase, await api.post("/purchases.json", json=record))


@tools.reads(core=False, search="détail achat")
async def get_purchase(purchase_id: PurchaseId) -> Purchase:
    """Get one purchase with all its fields, as payment mode, category and accounting data.

    Take the id from facturation_list_purchases. Its receipts are in facturation_list_files.
    """
    return read(Purchase, await api.get(f"/purchases/{purchase_id}.json"), details=True)


@tools.writes(core=False, additive=False, search="modifier achat payé")
async def update_purchase(
    purchase_id: PurchaseId,
    changes: Annotated[
        PurchaseChanges | None,
        Field(description="Fields to change.", examples=[{"paid_on": "2025-06-30", "payment_mode": "bank transfer"}]),
    ] = None,
    other_fields: Annotated[OtherFields, documented_fields("purchases")] = None,
) -> Purchase:
    """Change fields of a purchase, such as its payment; the fields that are not given stay as they are.

    Take the id from facturation_list_purchases.
    """
    record = changes_of(AllPurchaseFields, other_fields, changes)
    answer = await api.request("PATCH", f"/purchases/{purchase_id}.json", json=record, nulls=True)
    return read(Purchase, answer, id=purchase_id)


@tools.destroys(core=False, asks=True, search="supprimer achat")
async def delete_purchase(purchase_id: PurchaseId) -> Done:
    """Delete a purchase, after the user agreed. It cannot be undone.

    Take the id from facturation_list_purchases.
    """
    await confirm(f"Delete the purchase «{(await get_purchase(purchase_id)).title}»?")
    await api.send("DELETE", f"/purchases/{purchase_id}.json")
    return Done(id=purchase_id, done="deleted")


@tools.writes(core=False, creates=True, search="joindre justificatif reçu achat")
async def upload_purchase_file(purchase_id: PurchaseId, path: Upload, filename: FileName = None) -> Attachment:
    """Attach a receipt of the data folder to a purchase: a PDF, an image, an office document or text, up to 20 MB.

    Returns the id of the stored file, which facturation_download_file and facturation_delete_file take.
    """
    return await upload(f"/purchases/{purchase_id}/upload.json", path, filename)

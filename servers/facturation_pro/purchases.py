"""Purchases. https://www.facturation.dev/api/purchases/"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Money, Page, Toolset, confirm

from .arguments import (
    Detailed,
    Labels,
    Name,
    Period,
    PeriodType,
    PurchaseId,
    Upload,
    by_invoice_date,
    changed,
    listed,
    read,
)
from .client import api
from .documents import upload
from .fields import Changes, PurchaseFields, body, names
from .models import Attachment, Done, Purchase, WholePurchase

tools = Toolset("purchases")

Kind = Literal["pending", "draft", "unpaid", "paid", "prepaid", "excluded", "forecast"]


class PurchaseFilters(Labels):
    """Query of the list."""

    company: str | None = None
    title: str | None = None
    invoice_ref: str | None = None
    payment_ref: str | None = None
    serial_number: int | None = None
    purchase_type: Kind | None = None
    accounting_entry: str | None = None
    period_start: Period | None = None
    period_end: Period | None = None
    period_type: PeriodType = "billed"
    order: Literal["paid", "total", "term", "created", "updated"] | None = None
    with_details: bool | None = None


@tools.reads(core=False)
async def list_purchases(
    purchase_type: Annotated[Kind | None, Field(description="pending: en attente; excluded: from exports")] = None,
    company: Annotated[str | None, Field(description="Part of the supplier's name")] = None,
    filters: Annotated[
        Changes | None,
        Field(description="period_start, period_end (2025-06), period_type (billed, paid), title, ids, order …"),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Purchase]:
    """List purchases (achats)."""
    given = {
        "purchase_type": purchase_type,
        "company": company,
        "with_details": details or None,
    }
    return await listed(
        "/purchases.json",
        Purchase,
        PurchaseFilters,
        limit,
        cursor,
        more=by_invoice_date(filters),
        details=details,
        **given,
    )


@tools.writes(core=False, creates=True)
async def create_purchase(
    supplier_id: Annotated[int, Field(description="Supplier", examples=[49091])],
    title: Annotated[str, Field(description="Libellé", examples=["Restaurant"])],
    invoiced_on: Annotated[date, Field(description="Date of the invoice", examples=["2025-06-12"])],
    total_with_vat: Annotated[Money, Field(description="TTC", examples=["110.00"])],
    vat_amount: Annotated[Money, Field(description="TVA, an amount", examples=["10.00"])],
    fields: Annotated[
        Changes | None,
        Field(description="As in facturation_update_purchase"),
    ] = None,
) -> Purchase:
    """Record a purchase (achat); attach its receipt with facturation_upload_purchase_file."""
    given = {"supplier_id": supplier_id, "title": title, "invoiced_on": invoiced_on}
    record = body(PurchaseFields, fields, total_with_vat=total_with_vat, vat_amount=vat_amount, **given)
    return read(Purchase, await api.post("/purchases.json", json=record))


@tools.reads(core=False)
async def get_purchase(purchase_id: PurchaseId) -> WholePurchase:
    """Get one purchase with all that is known of it."""
    return read(WholePurchase, await api.get(f"/purchases/{purchase_id}.json"))


@tools.writes(core=False, additive=False)
async def update_purchase(
    purchase_id: PurchaseId,
    changes: Annotated[
        Changes,
        Field(
            description="null clears. "
            + names(PurchaseFields)
            + ". payment_mode: unpaid, card, bank transfer, check, cash, partner account, direct debit …; "
            "nature: goods, service, mixed, other",
            examples=[{"paid_on": "2025-06-30", "payment_mode": "bank transfer"}],
        ),
    ],
) -> Purchase:
    """Change fields of a purchase, such as its payment; the others stay."""
    record = changed(PurchaseFields, changes)
    return read(
        Purchase, await api.request("PATCH", f"/purchases/{purchase_id}.json", json=record, nulls=True), id=purchase_id
    )


@tools.destroys(core=False, asks=True)
async def delete_purchase(purchase_id: PurchaseId) -> Done:
    """Delete a purchase."""
    await confirm(f"Delete the purchase «{(await get_purchase(purchase_id)).title}»?")
    await api.send("DELETE", f"/purchases/{purchase_id}.json")
    return Done(id=purchase_id, done="deleted")


@tools.writes(core=False, creates=True)
async def upload_purchase_file(purchase_id: PurchaseId, path: Upload, filename: Name = None) -> Attachment:
    """Attach a receipt (justificatif) of the data folder to a purchase: PDF, image, office document or text."""
    return await upload(f"/purchases/{purchase_id}/upload.json", path, filename)

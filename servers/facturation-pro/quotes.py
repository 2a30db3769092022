"""Quotes. https://www.facturation.dev/api/quotes/"""

from __future__ import annotations

from typing import Annotated, Literal

from flotilla import Cursor, Limit, Page
from pydantic import BeforeValidator, Field

from .app import api, server
from .arguments import (
    Changes,
    CustomerId,
    Detailed,
    From,
    Name,
    QuoteId,
    Until,
    Upload,
    Visible,
    changed,
    listed,
    read,
)
from .bills import LineChanges, Lines, QuoteFilters, merged, told
from .documents import download, upload
from .enums import QUOTE_STATUS, QuoteStatus
from .fields import QuoteFields, body, names
from .models import Attachment, Document, Done, Quote, Saved, WholeQuote


@server.reads(core=False, group="quotes")
async def list_quotes(
    status: Annotated[
        Literal["pending", "to_invoice", "invoiced", "waiting", "accepted", "refused"] | None,
        BeforeValidator(QUOTE_STATUS.read),
        Field(description="pending: en cours; to_invoice: à facturer; invoiced: soldé"),
    ] = None,
    customer_id: Annotated[int | None, Field(description="Of one customer")] = None,
    period_start: From = None,
    period_end: Until = None,
    filters: Annotated[
        Changes | None,
        Field(description=names(QuoteFilters, "status", "customer_id", "period_start", "period_end", "with_details")),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Quote]:
    """List quotes (devis)."""
    given = {
        "status": str(QUOTE_STATUS.number(status)) if status in QUOTE_STATUS.words.values() else status,
        "customer_id": customer_id,
        "period_start": period_start,
        "period_end": period_end,
        "with_details": details or None,
    }
    return await listed("/quotes.json", Quote, QuoteFilters, limit, cursor, more=filters, details=details, **given)


@server.writes(group="quotes", creates=True)
async def create_quote(
    customer_id: CustomerId,
    items: Lines,
    title: Annotated[str | None, Field(max_length=255, description="Objet")] = None,
    fields: Annotated[
        Changes | None,
        Field(
            description="invoiced_on, term_on, currency, rebate_percentage, information, language (fr en es nl) …",
            examples=[{"invoiced_on": "2025-06-02", "term_on": "2025-07-02"}],
        ),
    ] = None,
) -> Saved:
    """Make a quote (devis). Totals are computed. Accept it with facturation_update_quote."""
    record = body(QuoteFields, fields, customer_id=customer_id, title=title)
    return read(Saved, await api.post("/quotes.json", json={**record, "items": told(items)}))


@server.reads(core=False, group="quotes")
async def get_quote(id: QuoteId) -> WholeQuote:
    """Get one quote with its lines."""
    return read(WholeQuote, await api.get(f"/quotes/{id}.json"))


@server.writes(group="quotes")
async def update_quote(
    id: QuoteId,
    quote_status: Annotated[QuoteStatus | None, Field(description="accepté, refusé", examples=["accepted"])] = None,
    changes: Annotated[
        Changes | None,
        Field(description="Fields as in facturation_create_quote; null clears", examples=[{"title": "Audit"}]),
    ] = None,
    items: LineChanges = None,
) -> Saved:
    """Accept or refuse a quote, or change its fields and lines; what is not given stays."""
    record = changed(QuoteFields, changes, quote_status=quote_status) if changes or quote_status or not items else {}
    if items:
        record["items"] = merged(await api.get(f"/quotes/{id}.json"), items)
    return read(Saved, await api.patch(f"/quotes/{id}.json", json=record, nulls=True), id=id)


@server.destroys(core=False, group="quotes", confirm="Delete quote {id}?")
async def delete_quote(id: QuoteId) -> Done:
    """Delete a quote."""
    await api.delete(f"/quotes/{id}.json")
    return Done(id=id, done="deleted")


@server.reads(core=False, group="quotes", deadline=55)
async def download_quote(
    id: QuoteId, proforma: Annotated[bool, Field(description="As a pro-forma invoice")] = False
) -> Document:
    """Save a quote's PDF to the data folder, below facturation-pro/; returns its path."""
    name = f"{'proforma' if proforma else 'quote'}-{id}.pdf"
    return await download(f"/quotes/{id}.pdf", name, "application/pdf", proforma=proforma or None)


@server.writes(core=False, group="quotes", creates=True)
async def upload_quote_file(
    id: QuoteId, path: Upload, filename: Name = None, visible: Visible = False
) -> Attachment:
    """Attach a document of the data folder to a quote: PDF, image, office document or text."""
    return await upload(f"/quotes/{id}/upload.json", path, filename, visible)


@server.writes(group="quotes", creates=True)
async def create_invoice_from_quote(id: QuoteId) -> Saved:
    """Turn a quote into an invoice (facturer le devis)."""
    return read(Saved, await api.post(f"/quotes/{id}/invoice.json"))

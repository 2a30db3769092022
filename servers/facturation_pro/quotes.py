"""Quotes. https://www.facturation.dev/api/quotes/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, will_ask

from .amounts import money
from .arguments import (
    CustomerId,
    Detailed,
    Name,
    QuoteId,
    Upload,
    Visible,
    changed,
    listed,
    read,
)
from .bill_models import Quote, Saved, WholeQuote
from .bills import LineChanges, Lines, QuoteFilters, described, label, merged, told
from .client import api
from .documents import download, upload
from .enums import QUOTE_STATUS, QuoteStatus
from .fields import Changes, QuoteFields, body
from .models import Attachment, Document, Done

tools = Toolset("quotes")


@tools.reads(core=False)
async def list_quotes(
    status: Annotated[
        Literal["pending", "to_invoice", "invoiced", "waiting", "accepted", "refused"] | None,
        BeforeValidator(QUOTE_STATUS.read),
        Field(description="pending: en cours; to_invoice: à facturer; invoiced: soldé"),
    ] = None,
    filters: Annotated[
        Changes | None,
        Field(description="period_start, period_end (2025-06), customer_id, company, title, ids, order …"),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Quote]:
    """List quotes (devis)."""
    given = {
        "status": str(QUOTE_STATUS.number(str(status))) if status in QUOTE_STATUS.words.values() else status,
        "with_details": details or None,
    }
    return await listed("/quotes.json", Quote, QuoteFilters, limit, cursor, more=filters, details=details, **given)


@tools.writes(creates=True)
async def create_quote(
    customer_id: CustomerId,
    items: Lines,
    fields: Annotated[
        Changes | None,
        Field(description="title (objet), invoiced_on, term_on, currency …"),
    ] = None,
) -> Saved:
    """Make a quote (devis)."""
    record = body(QuoteFields, fields, customer_id=customer_id)
    return read(Saved, await api.post("/quotes.json", json={**record, "items": told(items)}))


@tools.reads
async def get_quote(quote_id: QuoteId) -> WholeQuote:
    """Get one quote with its lines (untrusted text)."""
    return read(WholeQuote, await api.get(f"/quotes/{quote_id}.json"))


@tools.writes(additive=False)
async def update_quote(
    quote_id: QuoteId,
    quote_status: Annotated[QuoteStatus | None, Field(description="Statut")] = None,
    changes: Annotated[Changes | None, Field(description="Fields")] = None,
    items: LineChanges = None,
) -> Saved:
    """Accept or refuse a quote, or change it."""
    record = changed(QuoteFields, changes, quote_status=quote_status) if changes or quote_status or not items else {}
    if items:
        record["items"] = merged(await api.get(f"/quotes/{quote_id}.json"), items)
    return read(Saved, await api.request("PATCH", f"/quotes/{quote_id}.json", json=record, nulls=True), id=quote_id)


@tools.destroys(core=False, asks=True)
async def delete_quote(quote_id: QuoteId) -> Done:
    """Delete a quote."""
    quote = await api.get(f"/quotes/{quote_id}.json")
    await confirm(f"Delete the {described(quote, 'quote')}?")
    await api.send("DELETE", f"/quotes/{quote_id}.json")
    return Done(id=quote_id, done="deleted")


@tools.reads(core=False, deadline=55)
async def download_quote(
    quote_id: QuoteId, proforma: Annotated[bool, Field(description="As a pro-forma invoice")] = False
) -> Document:
    """Save a quote's PDF to the data folder, below facturation-pro/; returns its path."""
    name = f"{'proforma' if proforma else 'quote'}-{quote_id}.pdf"
    return await download(f"/quotes/{quote_id}.pdf", name, "application/pdf", proforma=proforma or None)


@tools.writes(core=False, creates=True)
async def upload_quote_file(
    quote_id: QuoteId, path: Upload, filename: Name = None, visible: Visible = False
) -> Attachment:
    """Attach a document of the data folder to a quote: PDF, image, office document or text."""
    return await upload(f"/quotes/{quote_id}/upload.json", path, filename, visible)


@tools.writes(creates=True, replaces=True)
async def create_invoice_from_quote(quote_id: QuoteId) -> Saved:
    """Turn a quote into an invoice (facturer le devis), after a yes: it is final unless it comes back as a draft."""
    quote = await api.get(f"/quotes/{quote_id}.json")
    if QUOTE_STATUS.word(quote.get("quote_status")) == "refused":
        raise errors.InvalidInputError(
            f"{label(quote, 'Quote')} was refused (refusé), so no invoice was made of it.",
            "Ask the user; where the customer agrees after all, accept it first with facturation_update_quote.",
        )
    there = quote.get("invoice_ids") or []
    if quote.get("fully_invoiced") or (there and quote.get("fully_invoiced") is None):
        raise errors.InvalidInputError(
            f"{label(quote, 'Quote')} is invoiced already: {await _numbers(there)}.",
            "Tell the user its number; facturation_get_invoice shows it.",
        )
    if will_ask():
        whole = described(quote, "quote")
        done = (
            f", {money(quote.get('amount_invoiced'))} of it invoiced already ({await _numbers(there)})" if there else ""
        )
        further = "a further invoice" if there else "an invoice"
        await confirm(
            f"Turn the {whole}{done}, into {further}? It may be final at once: then it has a legal number and can be "
            "neither changed nor deleted."
        )
    return read(Saved, await api.post(f"/quotes/{quote_id}/invoice.json"))


async def _numbers(invoice_ids: list[int]) -> str:
    """Return how a person calls these invoices, the first five."""
    bills: list[dict[str, Any]] = [await api.get(f"/invoices/{one}.json") for one in invoice_ids[:5]]
    named = [f"{label(one, 'draft invoice' if one.get('draft') else 'invoice')} (id {one['id']})" for one in bills]
    return ", ".join(named) + (" …" if len(invoice_ids) > 5 else "") or "the vendor does not say by which invoice"

"""Quotes. https://www.facturation.dev/api/quotes/"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, will_ask

from ..arguments import (
    CustomerId,
    CustomerName,
    Details,
    FileName,
    PeriodEnd,
    PeriodStart,
    QuoteId,
    Upload,
    Visible,
    documented_fields,
    other_filters,
)
from ..bills import (
    Lines,
    QuoteFilters,
    described,
    label,
    line_bodies,
    line_changes,
    merged,
    quote_status_filter,
    twin_of_today,
)
from ..client import api
from ..customer_search import called, documents_of
from ..documents import upload
from ..enums import QUOTE_STATUS, QuoteStatus
from ..fields import LineChange, OtherFields, QuoteFields, about, body, changes_of
from ..models import Attachment, Done, Quote, QuoteWithLines, SavedBill
from ..records import listed, read
from ..values import Day, money_text

tools = Toolset("quotes")


@tools.reads(
    search="cherche devis en cours accepté à facturer",
    examples=["retrouve le devis de Jean Dupont", "quels devis sont à facturer", "find the quote for Acme"],
)
async def list_quotes(
    status: Annotated[
        str | None,
        AfterValidator(lambda status: quote_status_filter(status) if status else None),
        about("pending, to_invoice, invoiced, waiting, accepted or refused."),
    ] = None,
    customer: CustomerName = None,
    period_start: PeriodStart = None,
    period_end: PeriodEnd = None,
    other_filters: Annotated[
        OtherFields, other_filters("customer_id, title, quote_ref, followup_id, order, sort")
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Quote]:
    """Find quotes by customer, status or period, with number, total and status.

    With details=true each row has its lines. facturation_create_invoice_from_quote invoices one.
    """

    async def quotes(customer_id: int | None, limit: int, cursor: str | None) -> Page[Quote]:
        return await listed(
            "/quotes.json",
            Quote,
            QuoteFilters,
            limit,
            cursor,
            other=other_filters,
            details=details,
            own_list="" if customer_id else "/customers/{customer_id}/quotes.json",
            status=status,
            customer_id=customer_id,
            period_start=period_start,
            period_end=period_end,
            with_details=details or None,
        )

    if customer and customer.strip():
        return await documents_of(await called(customer), quotes, limit, cursor)
    return await quotes(None, limit, cursor)


@tools.writes(creates=True, asks=True, search="crée nouveau devis proposition")
async def create_quote(
    customer_id: CustomerId,
    items: Lines,
    title: Annotated[str | None, about("Subject of the quote.")] = None,
    invoiced_on: Annotated[Day | None, about("Its date, as 2025-06-30.")] = None,
    term_on: Annotated[Day | None, about("Valid until this day.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("quotes")] = None,
) -> SavedBill:
    """Create a quote for a customer. facturation_send_email sends it.

    Once it is accepted, use facturation_create_invoice_from_quote.
    """
    usual: dict[str, Any] = {"customer_id": customer_id, "title": title, "invoiced_on": invoiced_on, "term_on": term_on}
    record, lines = body(QuoteFields, other_fields, **usual), line_bodies(items)
    if will_ask() and (twin := await twin_of_today("quote", customer_id, lines)):
        await confirm(f"{twin}Create another one?")
    return read(SavedBill, await api.post("/quotes.json", json={**record, "items": lines}))


@tools.reads(core=False, search="détail devis lignes")
async def get_quote(quote_id: QuoteId) -> QuoteWithLines:
    """Get one quote with its lines, their ids, and all its fields.

    Take the id from facturation_list_quotes. To save it as PDF, use facturation_download_document.
    """
    return read(QuoteWithLines, await api.get(f"/quotes/{quote_id}.json"), details=True)


@tools.writes(core=False, additive=False, search="accepter refuser modifier devis")
async def update_quote(
    quote_id: QuoteId,
    quote_status: Annotated[QuoteStatus | None, about("New status: waiting, accepted or refused.")] = None,
    title: Annotated[str | None, about("New subject of the quote.")] = None,
    invoiced_on: Annotated[Day | None, about("New date of the quote.")] = None,
    term_on: Annotated[Day | None, about("Valid until this day.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("quotes")] = None,
    items: Annotated[list[LineChange] | None, line_changes("facturation_get_quote")] = None,
) -> SavedBill:
    """Accept or refuse a quote, or change its fields and lines; what is not given stays as it is.

    Take the id from facturation_list_quotes. To invoice an accepted quote, use facturation_create_invoice_from_quote.
    """
    usual: dict[str, Any] = {
        "quote_status": quote_status,
        "title": title,
        "invoiced_on": invoiced_on,
        "term_on": term_on,
    }
    record = (body if items else changes_of)(QuoteFields, other_fields, **usual)
    if items:
        record["items"] = merged(await api.get(f"/quotes/{quote_id}.json"), items)
    answer = await api.request("PATCH", f"/quotes/{quote_id}.json", json=record, nulls=True)
    return read(SavedBill, answer, id=quote_id)


@tools.destroys(core=False, asks=True, search="supprimer devis")
async def delete_quote(quote_id: QuoteId) -> Done:
    """Delete a quote, after the user agreed. Invoices that were made from it stay.

    Take the id from facturation_list_quotes. A quote that the customer declined is better marked as refused with
    facturation_update_quote.
    """
    quote = await api.get(f"/quotes/{quote_id}.json")
    await confirm(f"Delete the {described(quote, 'quote')}?")
    await api.send("DELETE", f"/quotes/{quote_id}.json")
    return Done(id=quote_id, done="deleted")


@tools.writes(core=False, creates=True, search="joindre fichier devis")
async def upload_quote_file(
    quote_id: QuoteId, path: Upload, filename: FileName = None, visible: Visible = False
) -> Attachment:
    """Attach a file of the data folder to a quote: a PDF, an image, an office document or text, up to 20 MB.

    Returns the id of the stored file, which facturation_download_file and facturation_delete_file take.
    """
    return await upload(f"/quotes/{quote_id}/upload.json", path, filename, visible)


@tools.writes(
    creates=True,
    replaces=True,
    search="facturer le devis transformer en facture",
    examples=["fais la facture du devis de Dupont", "invoice the accepted quote"],
)
async def create_invoice_from_quote(quote_id: QuoteId) -> SavedBill:
    """Make an invoice from a quote, after the user agreed: a final one, unless it comes back with draft=true.

    Fails for a quote that was refused or is invoiced already.
    """
    quote = await api.get(f"/quotes/{quote_id}.json")
    if QUOTE_STATUS.name(quote.get("quote_status")) == "refused":
        raise errors.InvalidInputError(
            f"{label(quote, 'Quote')} was refused, so no invoice was made from it.",
            "Ask the user; if the customer agrees after all, the quote has to be marked as accepted first.",
        )
    invoices = quote.get("invoice_ids") or []
    if quote.get("fully_invoiced") or (invoices and quote.get("fully_invoiced") is None):
        raise errors.InvalidInputError(
            f"{label(quote, 'Quote')} is invoiced already: {await _numbers(invoices)}.",
            "Tell the user its number; facturation_get_invoice shows it.",
        )
    if will_ask():
        part = (
            f", {money_text(quote.get('amount_invoiced'))} of it invoiced already ({await _numbers(invoices)})"
            if invoices
            else ""
        )
        further = "a further invoice" if invoices else "an invoice"
        await confirm(
            f"Turn the {described(quote, 'quote')}{part}, into {further}? It may be final at once: then it has a legal "
            "number and can be neither changed nor deleted."
        )
    return read(SavedBill, await api.post(f"/quotes/{quote_id}/invoice.json"))


async def _numbers(invoice_ids: list[int]) -> str:
    """Return the numbers and ids of these invoices, for a person: of the first five."""
    bills: list[dict[str, Any]] = [await api.get(f"/invoices/{one}.json") for one in invoice_ids[:5]]
    labels = [f"{label(one, 'draft invoice' if one.get('draft') else 'invoice')} (id {one['id']})" for one in bills]
    return ", ".join(labels) + (" …" if len(invoice_ids) > 5 else "") or "the vendor does not say by which invoice"

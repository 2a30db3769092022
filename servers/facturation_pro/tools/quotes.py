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
    search=(
        "cherche devis en cours accepté à facturer propositions estimations attente signés acceptés refusés "
        "liste montre quels retrouve combien sans réponse estimates proposals offers pending accepted refused "
        "signed list find which waiting proposition estimation offre chiffrage quote estimate proposal offer "
        "lister quelles what show have all"
    ),
    examples=[
        "retrouve le devis de Jean Dupont",
        "quels devis sont à facturer",
        "find the quote for Acme",
        "quels devis attendent une réponse",
        "montre les devis signés ce mois-ci",
        "quelles propositions ont été refusées",
        "liste mes devis en cours",
        "which quotes are still waiting for an answer",
        "show the estimates signed this month",
        "which proposals were refused",
        "list my open quotes",
        "what offers did we make to this client",
    ],
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


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "crée nouveau devis proposition fais établis rédige prépare chiffre chiffrage estimation offre créer "
        "faire quote estimate proposal offer make write draw up prepare new price ajoute ajouter enregistre "
        "rentre nouvelle il faut add create register enter set need"
    ),
    examples=[
        "fais un devis de 2 000 euros",
        "prépare une proposition pour la refonte du site",
        "chiffre-lui trois jours de formation",
        "établis une estimation pour ce client",
        "il veut une offre de prix",
        "make a quote for 2,000 euros",
        "draw up an estimate for the new website",
        "prepare a proposal for three days of training",
        "write an offer for this client",
        "they want a price, do an estimate",
    ],
)
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


@tools.reads(
    core=False,
    search=(
        "détail devis lignes numéro ouvre contenu montant quoi dessus affiche estimate open show number lines "
        "amount what proposal proposition estimation offre chiffrage quote offer montre infos details one "
        "this that monte contient come"
    ),
    examples=[
        "ouvre le devis numéro 118",
        "qu'est-ce qu'il y a dans ce devis",
        "quelles lignes contient la proposition",
        "à combien se monte ce devis",
        "affiche le détail de ce devis",
        "open quote number 118",
        "what is in that estimate",
        "which lines does the proposal have",
        "how much does this quote come to",
        "show the quote in detail",
    ],
)
async def get_quote(quote_id: QuoteId) -> QuoteWithLines:
    """Get one quote with its lines, their ids, and all its fields.

    Take the id from facturation_list_quotes. To save it as PDF, use facturation_download_document.
    """
    return read(QuoteWithLines, await api.get(f"/quotes/{quote_id}.json"), details=True)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "accepter refuser modifier devis accepte accepté signé refuse refusé décline modifie corrige ligne "
        "remise validité change accept accepted signed refused declined edit correct line discount valid "
        "until proposal estimate proposition estimation offre chiffrage quote offer changer corriger mets "
        "mise jour met passe rectifie update set fix"
    ),
    examples=[
        "le client a signé, passe le devis en accepté",
        "il a refusé la proposition",
        "ajoute une remise sur le devis",
        "corrige une ligne du devis",
        "prolonge la validité jusqu'à fin juin",
        "the client signed, mark the quote as accepted",
        "they declined our proposal",
        "put a discount on the estimate",
        "correct a line of the quote",
        "extend it until the end of June",
    ],
)
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


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer devis supprime efface jette enlève vire estimation proposition delete discard remove throw "
        "away estimate proposal bin offre chiffrage quote offer effacer retire débarrasse erase drop get rid "
        "take out off mistake wrong erreur doublon duplicate"
    ),
    examples=[
        "supprime ce devis",
        "jette la proposition, elle ne sert plus",
        "efface le devis en double",
        "vire cette estimation",
        "enlève le devis que j'ai fait par erreur",
        "delete that quote",
        "throw the proposal away",
        "discard the duplicate estimate",
        "bin this quote",
        "remove the estimate I made by mistake",
    ],
)
async def delete_quote(quote_id: QuoteId) -> Done:
    """Delete a quote, after the user agreed. Invoices that were made from it stay.

    Take the id from facturation_list_quotes. A quote that the customer declined is better marked as refused with
    facturation_update_quote.
    """
    quote = await api.get(f"/quotes/{quote_id}.json")
    await confirm(f"Delete the {described(quote, 'quote')}?")
    await api.send("DELETE", f"/quotes/{quote_id}.json")
    return Done(id=quote_id, done="deleted")


@tools.writes(
    core=False,
    creates=True,
    search=(
        "joindre fichier devis joins attache ajoute pièce jointe annexe plan cahier charges dépose signé "
        "attach upload add attachment annex specification quote proposition estimation offre chiffrage "
        "estimate proposal offer mets range PDF scan photo document put store file"
    ),
    examples=[
        "joins le cahier des charges au devis",
        "attache le plan à cette proposition",
        "ajoute le devis signé en pièce jointe du devis",
        "dépose une annexe sur le devis",
        "mets ce PDF avec le devis",
        "attach the specification to the quote",
        "upload the plan to this estimate",
        "add the signed copy to the quote",
        "put an annex on the proposal",
        "store this PDF with the quote",
    ],
)
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
    search=(
        "facturer le devis transformer en facture accepté signé convertis convertir passe transforme "
        "facturation convert turn into invoice bill quote estimate accepted signed proposition estimation "
        "offre chiffrage proposal offer"
    ),
    examples=[
        "fais la facture du devis de Dupont",
        "invoice the accepted quote",
        "transforme le devis en facture",
        "le devis est signé, tu peux facturer",
        "convertis cette proposition en facture",
        "passe le devis 118 en facture",
        "facture ce qu'il a accepté",
        "turn the quote into an invoice",
        "they signed the estimate, bill it",
        "convert that proposal to an invoice",
        "invoice what was quoted",
        "make quote 118 a bill",
    ],
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

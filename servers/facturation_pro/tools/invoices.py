"""Invoices. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, will_ask

from ..arguments import (
    CustomerId,
    CustomerName,
    Details,
    DocumentId,
    DraftId,
    FileName,
    InvoiceId,
    PeriodEnd,
    PeriodStart,
    Upload,
    Visible,
    documented_fields,
    other_filters,
)
from ..bills import (
    BillType,
    InvoiceFilters,
    Lines,
    described,
    label,
    line_bodies,
    line_changes,
    merged,
    priced,
    twin_of_today,
)
from ..client import api
from ..customer_search import address_of, addresses, called, documents_of
from ..documents import download, upload
from ..fields import (
    InvoiceFields,
    Labelled,
    LineChange,
    OtherFields,
    about,
    body,
    changes_of,
)
from ..models import Attachment, Customer, Document, Done, Invoice, InvoiceWithLines, SavedBill, Sent
from ..records import by_invoice_date, first, listed, read
from ..values import Day

tools = Toolset("invoices")

FORMS: dict[str, tuple[str, str, dict[str, bool]]] = {  # of a PDF: path, name of the file, parameters
    "invoice": ("/invoices/{}.pdf", "invoice-{}.pdf", {}),
    "original": ("/invoices/{}.pdf", "invoice-{}-original.pdf", {"original": True}),
    "quote": ("/quotes/{}.pdf", "quote-{}.pdf", {}),
    "proforma": ("/quotes/{}.pdf", "proforma-{}.pdf", {"proforma": True}),
}
FINAL = "A final invoice has a legal number and can be neither changed nor deleted."
FIXED_FIELDS = ("currency", "rebate_percentage", "tax_percent", "vat_country", "vat_exemption", "customer_id")


@tools.reads(
    search=(
        "cherche factures impayées en retard payées brouillons avoirs chiffre d'affaires facture impayé "
        "impayés relance retards réglées dues doit argent dehors échues créances liste montre quelles combien "
        "dernières mois retrouve unpaid overdue owed owes money outstanding late paid drafts credit notes "
        "bills find list latest receivables note invoice bill lister quels which what show have all pas "
        "encore payé month not yet"
    ),
    examples=[
        "qui ne m'a pas encore payé",
        "les factures en retard de Dupont",
        "which invoices are overdue",
        "relance ceux qui n'ont pas payé",
        "qui me doit de l'argent",
        "montre les impayés",
        "combien il y a dehors en ce moment",
        "retrouve les factures de mars",
        "who still owes me money",
        "show the unpaid bills",
        "what is outstanding right now",
        "find the invoices from March",
    ],
)
async def list_invoices(
    bill_type: Annotated[BillType | None, about("State or kind; refund: credit notes.")] = None,
    customer: CustomerName = None,
    period_start: PeriodStart = None,
    period_end: PeriodEnd = None,
    other_filters: Annotated[
        OtherFields,
        other_filters("customer_id, period_type (billed, paid), title, full_invoice_ref, followup_id, order, sort"),
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Invoice]:
    """Find invoices and credit notes by customer, state or date, with number, total, balance and days late.

    Unpaid and overdue ones have the e-mail address too. With details=true each row has its lines and payments.
    """

    async def invoices(customer_id: int | None, limit: int, cursor: str | None) -> Page[Invoice]:
        return await listed(
            "/invoices.json",
            Invoice,
            InvoiceFilters,
            limit,
            cursor,
            other=other_filters,
            details=details,
            own_list="" if customer_id else "/customers/{customer_id}/invoices.json",
            bill_type=bill_type,
            customer_id=customer_id,
            with_details=details or None,
            with_settlements=details or None,
            period_start=period_start,
            period_end=period_end,
            period_type=by_invoice_date(other_filters, period_start, period_end),
        )

    if customer and customer.strip():
        customers = await called(customer)
        page = await documents_of(customers, invoices, limit, cursor)
        emails = {one.id: address_of(one) for one in customers}
    else:
        page = await invoices(None, limit, cursor)
        due = bill_type in ("unpaid", "overdue")
        emails = await addresses(row.customer_id for row in page.items) if due else {}
    for row in page.items:
        row.days_late, row.email = row.late(), emails.get(row.customer_id or 0) or None
    return page


@tools.writes(
    creates=True,
    replaces=True,
    search=(
        "crée nouvelle facture brouillon facturer factures fais fais-moi établis émets rédige prépare "
        "facture-le note d'honoraires créer faire bill billing charge invoice new make issue write draft "
        "raise ajoute ajouter enregistre rentre nouveau il faut add create register enter set up need jours "
        "conseil formation days consulting training job travail work"
    ),
    examples=[
        "fais une facture de 500 euros",
        "facture deux jours de conseil à ce client",
        "prépare un brouillon pour cette prestation",
        "établis la note d'honoraires",
        "émets une facture d'acompte",
        "bill the client 500 euros",
        "make an invoice for two days of consulting",
        "raise an invoice",
        "charge them for the training",
        "draft a bill for this job",
        "write a new invoice",
    ],
)
async def create_invoice(
    customer_id: CustomerId,
    items: Lines,
    final: Annotated[bool, about("Issue it instead of a draft.")] = False,
    title: Annotated[str | None, about("Subject of the invoice.")] = None,
    invoiced_on: Annotated[Day | None, about("Its date, as 2025-06-30.")] = None,
    term_on: Annotated[Day | None, about("Due on this day.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("invoices")] = None,
) -> SavedBill:
    """Create an invoice: a draft, or with final=true a final one, which cannot be changed.

    For a quote, use facturation_create_invoice_from_quote.
    """
    usual: dict[str, Any] = {"customer_id": customer_id, "title": title, "invoiced_on": invoiced_on, "term_on": term_on}
    record, lines = body(InvoiceFields, other_fields, **usual), line_bodies(items)
    external = bool(record.get("external_ref"))  # the number that another program gave it
    if will_ask():
        twin = await twin_of_today("invoice", customer_id, lines)
        if final or external:
            customer = await api.get(f"/customers/{customer_id}.json")
            document = f"the invoice {record['external_ref']} of another program" if external else "a final invoice"
            total = priced(items, record.get("currency") or customer.get("currency") or "EUR")
            await confirm(f"{twin}Create {document} for {read(Customer, customer).name}: {total}? {FINAL}")
        elif twin:
            await confirm(f"{twin}Create another draft?")
    params = {"type_doc": None if final or external else "draft", "external": external or None}
    return read(SavedBill, await api.post("/invoices.json", params=params, json={**record, "items": lines}))


@tools.reads(
    search=(
        "détail facture lignes solde restant dû cette numéro ouvre contenu montant détaillé reste payer "
        "combien quoi dessus affiche invoice number open show lines amount remaining due left what factures "
        "note bill montre infos details one this that qu'y a-t-il contient"
    ),
    examples=[
        "ouvre la facture numéro 2025-042",
        "qu'est-ce qu'il y a sur cette facture",
        "combien reste à payer sur celle-ci",
        "quelles lignes contient la facture",
        "affiche le détail de cette facture",
        "open invoice number 2025-042",
        "what is on that invoice",
        "how much is left to pay on this one",
        "which lines does the invoice have",
        "show that bill in detail",
    ],
)
async def get_invoice(invoice_id: InvoiceId) -> InvoiceWithLines:
    """Get one invoice with its lines, their ids, the balance that is still due, and all of its other fields."""
    return read(InvoiceWithLines, await api.get(f"/invoices/{invoice_id}.json"), details=True)


@tools.writes(
    replaces=True,
    search=(
        "modifier brouillon finaliser valider modifie corrige change ligne rajoute quantité prix remise "
        "définitive finalise valide échéance objet edit draft correct line add quantity discount finalize "
        "validate issue make final due date facture factures note invoice bill changer corriger mets mise "
        "jour met passe rectifie update set fix"
    ),
    examples=[
        "corrige le brouillon, c'est trois jours et pas deux",
        "valide la facture, elle est bonne",
        "rends ce brouillon définitif",
        "rajoute une ligne au brouillon",
        "change l'échéance de la facture",
        "finalise-la",
        "correct the draft, three days instead of two",
        "finalize the invoice",
        "make that draft final",
        "add a line to the draft",
        "change the subject of the invoice",
    ],
)
async def update_invoice(
    invoice_id: DraftId,
    finalize: Annotated[bool, about("Make the draft final.")] = False,
    title: Annotated[str | None, about("New subject of the invoice.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("invoices")] = None,
    items: Annotated[list[LineChange] | None, line_changes("facturation_get_invoice")] = None,
) -> SavedBill:
    """Change a draft, or make it final; what is not given stays. A final invoice keeps its lines.

    facturation_create_settlement records that it was paid, facturation_refund_invoice cancels it.
    """
    record = (body if items or finalize else changes_of)(InvoiceFields, other_fields, title=title)
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    draft = invoice.get("draft")
    if draft is False:
        fixed = next((name for name in FIXED_FIELDS if name in record), "items" if items else "")
        if fixed:
            raise errors.InvalidInputError(
                f"{label(invoice, 'Invoice')} is final, so {fixed} cannot be changed.",
                "It can only be cancelled by a credit note, with facturation_refund_invoice, and another one created: "
                "ask the user.",
            )
        if not record:  # an invoice made from a quote may be final already: nothing is left to do
            return read(SavedBill, invoice)
    if items:
        record["items"] = merged(invoice, items)
    if finalize and draft is not False:
        draft_text = described(invoice, "draft invoice") + (" before its lines change too" if items else "")
        await confirm(f"Make the {draft_text}, final? {FINAL}")
    params = {"type_doc": None if draft is False else "final" if finalize else "draft" if draft else None}
    answer = await api.request("PATCH", f"/invoices/{invoice_id}.json", params=params, json=record, nulls=True)
    return read(SavedBill, answer, id=invoice_id)


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer brouillon facture supprime efface jette vire inutile erreur delete discard throw away "
        "draft remove bin scrap factures note invoice bill effacer enlève retire débarrasse erase drop get "
        "rid take out off mistake wrong doublon duplicate"
    ),
    examples=[
        "supprime le brouillon",
        "jette cette facture pas encore validée",
        "efface ce brouillon, je me suis trompé",
        "vire la facture en préparation",
        "on n'en a plus besoin, supprime ce brouillon de facture",
        "delete the draft invoice",
        "discard that draft, I made a mistake",
        "throw the unfinished invoice away",
        "bin the draft bill",
        "remove the invoice that is not final yet",
    ],
)
async def delete_invoice(invoice_id: DraftId) -> Done:
    """Delete a draft invoice, after the user agreed. It cannot be undone.

    A final invoice cannot be deleted, only cancelled by a credit note: use facturation_refund_invoice.
    """
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    if invoice.get("draft") is False:
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is final, so it cannot be deleted.",
            "Cancel it with facturation_refund_invoice.",
        )
    await confirm(f"Delete the {described(invoice, 'draft invoice')}?")
    await api.send("DELETE", f"/invoices/{invoice_id}.json")
    return Done(id=invoice_id, done="deleted")


@tools.reads(
    deadline=55,
    search=(
        "télécharger facture devis proforma pdf enregistrer télécharge récupère imprime imprimer sors exporte "
        "version pro forma copie original download print export copy get save file invoice quote"
    ),
    examples=[
        "télécharge la facture en PDF",
        "save the quote as PDF",
        "récupère-moi le PDF du devis",
        "imprime cette facture",
        "sors la pro forma de ce devis",
        "il me faut une copie PDF de la facture",
        "exporte le devis en PDF",
        "download the invoice",
        "print this bill",
        "get me the pro forma",
        "I need a PDF copy of the invoice",
        "export that quote as a PDF",
    ],
)
async def download_document(
    document_id: DocumentId,
    kind: Annotated[
        Literal["invoice", "original", "quote", "proforma"],
        about("original: invoice without payments; proforma: of a quote."),
    ] = "invoice",
) -> Document:
    """Save the PDF of an invoice or quote to the data folder. Returns path, size and checksum.

    fs_read_document of the filesystem server reads it; facturation_send_email mails it.
    """
    path, name, params = FORMS[kind]
    return await download(path.format(document_id), name.format(document_id), "application/pdf", **params)


@tools.writes(
    core=False,
    creates=True,
    search=(
        "joindre fichier facture joins attache ajoute pièce jointe bon commande feuille temps dépose attach "
        "upload add attachment order timesheet invoice factures note bill mets range annexe PDF scan photo "
        "document put store file annex"
    ),
    examples=[
        "joins le bon de commande à la facture",
        "attache ma feuille de temps à cette facture",
        "ajoute ce PDF en annexe de la facture",
        "dépose un document sur la facture",
        "mets le rapport en pièce jointe de la facture",
        "attach the purchase order to the invoice",
        "upload my timesheet to that invoice",
        "add this PDF as an annex to the invoice",
        "put the report on the bill as an attachment",
        "store a document with this invoice",
    ],
)
async def upload_invoice_file(
    invoice_id: InvoiceId, path: Upload, filename: FileName = None, visible: Visible = False
) -> Attachment:
    """Attach a file of the data folder to an invoice: a PDF, an image, an office document or text, up to 20 MB.

    Returns the id of the stored file, which facturation_download_file and facturation_delete_file take.
    """
    return await upload(f"/invoices/{invoice_id}/upload.json", path, filename, visible)


@tools.writes(
    creates=True,
    replaces=True,
    search=(
        "envoyer facture devis par mail relancer relance envoie expédie transmets e-mail courriel client "
        "relances rappel paiement mailer send forward deliver reminder chase dun payment customer"
    ),
    examples=[
        "envoie la facture à Dupont",
        "relance le client par mail",
        "send the quote to the customer",
        "envoie-lui le devis par mail",
        "transmets la facture au client",
        "mets-lui un rappel de paiement",
        "relance-le pour la facture en retard",
        "expédie la facture avec ma compta en copie",
        "e-mail the invoice to the client",
        "mail them the quote",
        "chase the client for the late payment",
        "send a payment reminder",
        "forward the bill with my accountant in copy",
    ],
)
async def send_email(
    bill_id: DocumentId,
    to: Annotated[str | None, about("Address, if not the customer's.")] = None,
    cc: Annotated[str | None, about("Address for a copy.")] = None,
    bcc: Annotated[str | None, about("Address for a hidden copy.")] = None,
    subject: Annotated[str | None, about("Subject, if not the usual.")] = None,
    message: Annotated[str | None, about("Text, if not the usual.")] = None,
) -> Sent:
    """E-mail a final invoice or a quote to its customer, after the user agreed. A draft invoice cannot be sent."""
    bill = await _either(bill_id)
    if bill.get("draft") or bill.get("external"):
        state = "a draft" if bill.get("draft") else "external"
        raise errors.InvalidInputError(
            f"{label(bill, 'Document')} is {state}, so it cannot be sent.",
            "Only a final invoice or a quote can be sent.",
        )
    recipient = to or (await addresses([bill.get("customer_id")])).get(bill.get("customer_id") or 0)
    if not recipient:
        raise errors.InvalidInputError(
            f"The customer of {label(bill, 'document')} has no e-mail address, so nothing was sent.",
            "Ask the user for the address and pass it as `to`.",
        )
    people = ", ".join(errors.excerpt(one, 200) for one in (recipient, cc, bcc) if one)
    kind = "quote" if bill.get("quote_ref") else "invoice"
    await confirm(f"E-mail the {described(bill, kind)}, to {people}? A mail cannot be called back.")
    mail = {"to": to, "cc": cc, "bcc": bcc, "subject": subject, "message": message}
    await api.send("POST", "/emails.json", params={"bill_id": bill_id}, json=mail)
    return Sent(id=bill_id, done="sent", to=people)


async def _either(bill_id: int) -> dict[str, Any]:
    """Return an invoice or a quote: the vendor numbers both in one sequence."""
    try:
        return await api.get(f"/invoices/{bill_id}.json")
    except errors.NotFoundError:
        return await api.get(f"/quotes/{bill_id}.json")


@tools.destroys(
    asks=True,
    creates=True,
    search=(
        "avoir annuler facture rembourser annule avoirs remboursement rembourse note crédit erreur définitive "
        "émise contre-passe cancel credit void refund reverse wrong final factures invoice bill"
    ),
    examples=[
        "annule la facture de Dupont",
        "fais un avoir",
        "refund the invoice",
        "annule cette facture, elle est fausse",
        "établis un avoir pour la facture 42",
        "rembourse le client en totalité",
        "la facture est déjà validée mais il y a une erreur",
        "il faut une note de crédit",
        "cancel that invoice, it is wrong",
        "issue a credit note",
        "void the invoice I sent",
        "reverse the whole bill",
        "the final one has a mistake, credit it",
    ],
)
async def refund_invoice(
    invoice_id: InvoiceId,
    other_fields: Annotated[OtherFields, about("Your references: api_id, api_custom.")] = None,
) -> SavedBill:
    """Cancel a final invoice with a credit note of its whole amount, after the user agreed. It cannot be undone.

    The vendor's API has no partial credit note: refund the whole, then invoice what remains.
    """
    references = body(Labelled, other_fields)
    invoice = await api.get(f"/invoices/{invoice_id}.json")
    if invoice.get("draft"):
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is a draft, which needs no credit note.",
            "Change it with facturation_update_invoice, or tell the user that drafts can be deleted.",
        )
    if invoice.get("refund_id"):
        raise errors.InvalidInputError(
            f"{label(invoice, 'Invoice')} is a credit note itself.", "Ask the user which invoice is meant."
        )
    note = await first(
        "/invoices.json",
        Invoice,
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
    return read(SavedBill, await api.post(f"/invoices/{invoice_id}/refund.json", params=references))

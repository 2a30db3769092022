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


@tools.reads(
    core=False,
    search=(
        "achats dépenses factures fournisseurs achat dépense facture fournisseur payer frais charges dépensé "
        "combien notes retrouve quelles liste expenses spending costs bills supplier vendor spent pay which "
        "purchases note reçue expense cost bought bill purchase lister quels montre list what find show have "
        "all chez month spend mois"
    ),
    examples=[
        "combien j'ai dépensé ce mois-ci",
        "quelles factures fournisseurs dois-je payer",
        "montre mes dépenses de mars",
        "retrouve l'achat chez ce fournisseur",
        "liste les frais du trimestre",
        "how much did I spend this month",
        "which supplier bills do I have to pay",
        "show my expenses for March",
        "find what we bought from that vendor",
        "list the costs of this quarter",
    ],
)
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


@tools.writes(
    core=False,
    creates=True,
    search=(
        "enregistrer achat dépense facture fournisseur note frais enregistre saisis ajoute rentre ticket "
        "restaurant essence acheté reçu reçue nouvelle saisir record enter log expense bill bought paid "
        "received new purchase achats dépenses expenses cost costs spent supplier ajouter crée créer nouveau "
        "il faut add create register set up need make"
    ),
    examples=[
        "enregistre une dépense de 110 euros au restaurant",
        "saisis la facture reçue de ce fournisseur",
        "ajoute une note de frais pour l'essence",
        "j'ai acheté un ordinateur, rentre-le en compta",
        "nouvelle facture d'achat",
        "log an expense of 110 for a restaurant",
        "enter the bill we received from the supplier",
        "I bought a computer, record it",
        "add the fuel costs",
        "book a new supplier bill",
    ],
)
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


@tools.reads(
    core=False,
    search=(
        "détail achat cette dépense infos montre ouvre payé comment catégorie TVA facture fournisseur expense "
        "details show open that one paid how achats dépenses frais note reçue expenses cost costs spent "
        "bought supplier bill purchase affiche this number numéro"
    ),
    examples=[
        "ouvre cet achat",
        "montre le détail de cette dépense",
        "comment cette dépense a-t-elle été payée",
        "quelle TVA sur cet achat",
        "à quelle catégorie appartient la dépense 77",
        "open that purchase",
        "show the details of this expense",
        "how was that expense paid",
        "what VAT was on this purchase",
        "which category is expense 77 in",
    ],
)
async def get_purchase(purchase_id: PurchaseId) -> Purchase:
    """Get one purchase with all its fields, as payment mode, category and accounting data.

    Take the id from facturation_list_purchases. Its receipts are in facturation_list_files.
    """
    return read(Purchase, await api.get(f"/purchases/{purchase_id}.json"), details=True)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "modifier achat payé modifie corrige dépense réglée marque payée payer fournisseur virement change "
        "catégorie edit correct expense mark paid settled supplier bill category achats dépenses frais note "
        "facture reçue expenses cost costs spent bought purchase changer corriger mets mise jour met passe "
        "rectifie update set fix réglé"
    ),
    examples=[
        "j'ai payé ce fournisseur, note-le",
        "marque la dépense comme réglée",
        "corrige le montant de cet achat",
        "change la catégorie de la dépense",
        "la facture du fournisseur a été réglée par virement",
        "I paid that supplier, mark the bill as settled",
        "mark the expense as paid",
        "correct the amount of this purchase",
        "change the category of that expense",
        "the supplier bill was paid by bank transfer",
    ],
)
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


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer achat supprime efface enlève dépense retire doublon vire erreur delete remove erase "
        "expense drop mistake duplicate achats dépenses frais note facture reçue fournisseur expenses cost "
        "costs spent bought supplier bill purchase effacer jette débarrasse discard throw away get rid take "
        "out off bin wrong saisi deux fois double twice entered"
    ),
    examples=[
        "supprime cette dépense",
        "efface l'achat saisi deux fois",
        "enlève la facture fournisseur en double",
        "vire cette note de frais",
        "retire cet achat, c'est une erreur",
        "delete this expense",
        "erase the purchase entered twice",
        "remove the duplicate supplier bill",
        "drop that expense, it was a mistake",
        "get rid of this purchase",
    ],
)
async def delete_purchase(purchase_id: PurchaseId) -> Done:
    """Delete a purchase, after the user agreed. It cannot be undone.

    Take the id from facturation_list_purchases.
    """
    await confirm(f"Delete the purchase «{(await get_purchase(purchase_id)).title}»?")
    await api.send("DELETE", f"/purchases/{purchase_id}.json")
    return Done(id=purchase_id, done="deleted")


@tools.writes(
    core=False,
    creates=True,
    search=(
        "joindre justificatif reçu achat joins attache ajoute ticket caisse scan photo preuve dépense pièce "
        "dépose attach upload add receipt proof expense till slip achats dépenses frais note facture reçue "
        "fournisseur expenses cost costs spent bought supplier bill purchase mets range annexe fichier PDF "
        "document put store file attachment annex"
    ),
    examples=[
        "joins le reçu à cette dépense",
        "ajoute le ticket de caisse à l'achat",
        "attache le scan de la facture fournisseur",
        "dépose la photo du justificatif",
        "mets la preuve d'achat avec la dépense",
        "attach the receipt to this expense",
        "add the till slip to the purchase",
        "upload the scan of the supplier's bill",
        "put the photo of the receipt with it",
        "store proof of purchase",
    ],
)
async def upload_purchase_file(purchase_id: PurchaseId, path: Upload, filename: FileName = None) -> Attachment:
    """Attach a receipt of the data folder to a purchase: a PDF, an image, an office document or text, up to 20 MB.

    Returns the id of the stored file, which facturation_download_file and facturation_delete_file take.
    """
    return await upload(f"/purchases/{purchase_id}/upload.json", path, filename)

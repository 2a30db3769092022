"""Attached files. https://www.facturation.dev/api/assets/"""

from __future__ import annotations

from typing import Annotated, Literal

from flotilla import Cursor, Limit, Page, Toolset

from ..arguments import FileId
from ..client import api
from ..documents import download
from ..fields import Fields, about
from ..models import Attachment, Document, Done
from ..records import Sort, listed

tools = Toolset("files")

OrderBy = Literal["title", "size", "updated", "created"]
Order = Annotated[OrderBy | None, about("What to sort by.")]
Direction = Annotated[Sort | None, about("Direction of the order.")]


class FileFilters(Fields):
    """Query of the four lists."""

    customer_id: int | None = None
    invoice_id: int | None = None
    quote_id: int | None = None
    purchase_id: int | None = None

    order: OrderBy | None = None
    sort: Sort | None = None


@tools.reads(core=False, search="fichiers joints documents client")
async def list_customer_files(
    customer_id: Annotated[
        int | None, about("Only of this customer, by its id from facturation_list_customers.")
    ] = None,
    order: Order = None,
    sort: Direction = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Attachment]:
    """List the files that are attached to customers, of one customer or of all, with name and size.

    Returns the ids that facturation_download_file and facturation_delete_file take.
    """
    path = "/assets/customers.json"
    return await listed(path, Attachment, FileFilters, limit, cursor, order=order, sort=sort, customer_id=customer_id)


@tools.reads(core=False, search="fichiers joints facture")
async def list_invoice_files(
    invoice_id: Annotated[int | None, about("Only of this invoice, by its id from facturation_list_invoices.")] = None,
    order: Order = None,
    sort: Direction = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Attachment]:
    """List the files that are attached to invoices, of one invoice or of all, with name and size.

    Returns the ids that facturation_download_file and facturation_delete_file take. The invoice's own PDF comes from
    facturation_download_invoice.
    """
    path = "/assets/invoices.json"
    return await listed(path, Attachment, FileFilters, limit, cursor, order=order, sort=sort, invoice_id=invoice_id)


@tools.reads(core=False, search="justificatifs reçus achats")
async def list_purchase_files(
    purchase_id: Annotated[
        int | None, about("Only of this purchase, by its id from facturation_list_purchases.")
    ] = None,
    order: Order = None,
    sort: Direction = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Attachment]:
    """List the receipts that are attached to purchases, of one purchase or of all, with name and size.

    Returns the ids that facturation_download_file and facturation_delete_file take.
    """
    path = "/assets/purchases.json"
    return await listed(path, Attachment, FileFilters, limit, cursor, order=order, sort=sort, purchase_id=purchase_id)


@tools.reads(core=False, search="fichiers joints devis")
async def list_quote_files(
    quote_id: Annotated[int | None, about("Only of this quote, by its id from facturation_list_quotes.")] = None,
    order: Order = None,
    sort: Direction = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Attachment]:
    """List the files that are attached to quotes, of one quote or of all, with name and size.

    Returns the ids that facturation_download_file and facturation_delete_file take. The quote's own PDF comes from
    facturation_download_quote.
    """
    return await listed(
        "/assets/quotes.json", Attachment, FileFilters, limit, cursor, order=order, sort=sort, quote_id=quote_id
    )


@tools.destroys(core=False, confirm="Delete the attached file {file_id} permanently?", search="supprimer fichier joint")
async def delete_file(file_id: FileId) -> Done:
    """Delete a file that is attached to a customer, quote, invoice or purchase, after the user agreed.

    The document that it was attached to stays. It cannot be undone.
    """
    await api.send("DELETE", f"/assets/{file_id}.json")
    return Done(id=file_id, done="deleted")


@tools.reads(core=False, deadline=55, search="télécharger pièce jointe")
async def download_file(file_id: FileId) -> Document:
    """Save an attached file to the data folder, below facturation-pro/, replacing an older copy. Returns its path.

    The PDFs of quotes and invoices themselves come from facturation_download_quote and facturation_download_invoice.
    """
    return await download(f"/assets/{file_id}/download", f"file-{file_id}")

"""Attached files. https://www.facturation.dev/api/assets/"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..arguments import FileId
from ..client import api
from ..documents import download
from ..fields import Fields, about
from ..models import Attachment, Document, Done
from ..records import Sort, listed

tools = Toolset("files")

Owner = Literal["customer", "quote", "invoice", "purchase"]
OrderBy = Literal["title", "size", "updated", "created"]


class FileFilters(Fields):
    """Query of the four lists."""

    customer_id: int | None = None
    invoice_id: int | None = None
    quote_id: int | None = None
    purchase_id: int | None = None
    order: OrderBy | None = None
    sort: Sort | None = None


@tools.reads(
    core=False,
    search=(
        "fichiers joints pièces jointes documents justificatifs reçus client devis facture achat liste "
        "quelles jointe attaché attachés document scans contrats fichier attachments attached which uploaded "
        "list lister quels combien montre what find show have all a-t-il there receipt reçu any"
    ),
    examples=[
        "quels fichiers sont joints à cette facture",
        "list the receipts of purchases",
        "quelles pièces jointes a ce client",
        "liste les justificatifs des achats",
        "y a-t-il un reçu pour cette dépense",
        "montre les documents attachés au devis",
        "which attachments does this client have",
        "is there a receipt for that expense",
        "show the documents attached to the quote",
        "what files were uploaded recently",
    ],
)
async def list_files(
    attached_to: Annotated[Owner, Field(description="What the files are attached to.", examples=["invoice"])],
    owner_id: Annotated[
        int | None,
        about(
            "Only those of this one, by its id from facturation_list_customers, facturation_list_quotes, "
            "facturation_list_invoices or facturation_list_purchases."
        ),
    ] = None,
    order: Annotated[OrderBy | None, about("What to sort by.")] = None,
    sort: Annotated[Sort | None, about("Direction of the order.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Attachment]:
    """List the files that are attached to customers, quotes, invoices or purchases, with name, size and owner.

    Returns the ids that facturation_download_file and facturation_delete_file take. The PDFs of quotes and invoices
    themselves come from facturation_download_document.
    """
    path = f"/assets/{attached_to}s.json"
    owner: dict[str, Any] = {f"{attached_to}_id": owner_id}
    return await listed(path, Attachment, FileFilters, limit, cursor, order=order, sort=sort, **owner)


@tools.destroys(
    core=False,
    confirm="Delete the attached file {file_id} permanently?",
    search=(
        "supprimer fichier joint supprime enlève retire pièce jointe efface détache document attaché delete "
        "remove detach attachment attached erase effacer vire jette débarrasse drop discard throw away get "
        "rid take out off bin mistake wrong erreur doublon duplicate"
    ),
    examples=[
        "supprime la pièce jointe",
        "enlève ce fichier de la facture",
        "retire le justificatif, c'est le mauvais",
        "efface le document attaché au client",
        "détache ce PDF du devis",
        "delete the attachment",
        "remove that file from the invoice",
        "detach the receipt, it is the wrong one",
        "erase the document attached to the client",
        "take this PDF off the quote",
    ],
)
async def delete_file(file_id: FileId) -> Done:
    """Delete a file that is attached to a customer, quote, invoice or purchase, after the user agreed.

    The document that it was attached to stays. It cannot be undone.
    """
    await api.send("DELETE", f"/assets/{file_id}.json")
    return Done(id=file_id, done="deleted")


@tools.reads(
    core=False,
    deadline=55,
    search=(
        "télécharger pièce jointe justificatif télécharge récupère enregistre ouvre reçu scan fichier joint "
        "contrat attaché download save fetch get attachment receipt attached"
    ),
    examples=[
        "télécharge la pièce jointe",
        "récupère le reçu de cet achat",
        "enregistre le contrat attaché au client",
        "sors-moi le scan du justificatif",
        "ouvre le fichier joint à la facture",
        "download the attachment",
        "fetch the receipt of that purchase",
        "save the contract attached to the client",
        "get me the scan that was uploaded",
        "open the file attached to the invoice",
    ],
)
async def download_file(file_id: FileId) -> Document:
    """Save an attached file to the data folder, below facturation-pro/, replacing an older copy.

    Returns path, size and checksum; fs_read_document of the filesystem server reads it. The PDFs of quotes and invoices
    themselves come from facturation_download_document.
    """
    return await download(f"/assets/{file_id}/download", f"file-{file_id}")

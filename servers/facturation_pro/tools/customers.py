"""Customers. https://www.facturation.dev/api/customers/"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors

from ..arguments import CustomerId, Details, FileName, Upload, documented_fields, other_fields, other_filters
from ..client import api
from ..documents import upload
from ..fields import (
    AllCustomerFields,
    CustomerChanges,
    CustomerFields,
    OtherFields,
    about,
    body,
    changes_of,
    names,
)
from ..models import Attachment, Bill, Customer, Done, Invoice, Quote, SavedCustomer, shaped
from ..records import RareFilters, first, listed, read

tools = Toolset("customers")

B = TypeVar("B", bound=Bill)
Mode = Literal["all", "company", "individual", "missing_siret", "archived"]


class CustomerFilters(RareFilters):
    """Query of the list."""

    company: str | None = None
    last_name: str | None = None
    email: str | None = None
    mode: Mode | None = None
    category_id: int | None = None
    with_sepa: bool | None = None
    account_code: str | None = None
    accounting_entry: str | None = None
    order: Literal["last_invoice", "last_paid", "created", "updated"] | None = None


@tools.reads(search="cherche trouve client clients entreprise particulier coordonnées")
async def list_customers(
    company: Annotated[str | None, about("Part of the company's name.")] = None,
    last_name: Annotated[str | None, about("Part of a person's last name.")] = None,
    email: Annotated[str | None, about("Part of the e-mail address.")] = None,
    mode: Annotated[Mode | None, about("Only customers of this kind.")] = None,
    other_filters: Annotated[
        OtherFields, other_filters("category_id, api_id, api_custom, account_code, order, sort")
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """Find customers by name, e-mail address or kind, and get the ids that quotes and invoices need.

    With details=true each row has its address and phone number.
    """
    return await listed(
        "/customers.json",
        Customer,
        CustomerFilters,
        limit,
        cursor,
        other=other_filters,
        details=details,
        company=company,
        last_name=last_name,
        email=email,
        mode=mode,
    )


@tools.writes(creates=True, search="crée nouveau client société particulier")
async def create_customer(
    company_name: Annotated[str | None, about("Name of a company.")] = None,
    last_name: Annotated[str | None, about("Last name of a person.")] = None,
    siret: Annotated[str | None, about("SIRET of a French company.")] = None,
    fields: Annotated[CustomerFields | None, about("Address and contact.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("customers")] = None,
) -> SavedCustomer:
    """Create a company or a person as a customer. Search with facturation_list_customers first.

    A customer with this SIRET is returned unchanged, with created=false.
    """
    if not (company_name or last_name):
        raise errors.InvalidInputError("A customer needs a name.", "Give company_name, or last_name of a person.")
    values = body(AllCustomerFields, other_fields, fields, company_name=company_name, last_name=last_name, siret=siret)
    record = {"individual": False, **values}
    if existing := await _with_siret(record.get("siret")):
        note = "Not created and not changed: this customer has the SIRET already. Use its id."
        return existing.model_copy(update={"created": False, "note": note, "details": None})
    return read(SavedCustomer, await api.post("/customers.json", json=record))


async def _with_siret(siret: str | None) -> SavedCustomer | None:
    """Return the customer of this SIRET, an archived one too: the vendor's list has no such filter."""
    wanted = re.sub(r"\W", "", siret or "")
    if not wanted:
        return None
    return await first(
        "/customers.json", SavedCustomer, lambda one: re.sub(r"\W", "", one.siret or "") == wanted, mode="all"
    )


@tools.reads(core=False, search="fiche client adresse téléphone")
async def get_customer(
    customer_id: CustomerId,
    with_sepa: Annotated[bool, about("Also the IBAN; needs the key of the firm's administrator.")] = False,
) -> Customer:
    """Get one customer with all its fields: address, contact, terms of payment, the firm's own fields.

    Take the id from facturation_list_customers. For its documents use facturation_list_customer_invoices.
    """
    params = {"with_sepa": with_sepa or None}
    return read(Customer, await api.get(f"/customers/{customer_id}.json", params=params), details=True)


@tools.writes(core=False, additive=False, search="modifier client adresse changer")
async def update_customer(
    customer_id: CustomerId,
    changes: Annotated[
        CustomerChanges | None,
        Field(description="Fields to change.", examples=[{"email": "compta@exemple.fr", "siret": "53165179200016"}]),
    ] = None,
    other_fields: Annotated[OtherFields, other_fields(names(AllCustomerFields, CustomerChanges))] = None,
) -> SavedCustomer:
    """Change fields of a customer; the fields that are not given stay as they are.

    Take the id from facturation_list_customers. Documents that exist keep the old address.
    """
    record = changes_of(AllCustomerFields, other_fields, changes)
    answer = await api.request("PATCH", f"/customers/{customer_id}.json", json=record, nulls=True)
    return read(SavedCustomer, answer, id=customer_id)


@tools.destroys(core=False, asks=True, search="supprimer client")
async def delete_customer(customer_id: CustomerId) -> Done:
    """Delete a customer who was never invoiced, and with it all its quotes, after the user agreed.

    A customer who was invoiced cannot be deleted: use facturation_archive_customer.
    """
    customer = await api.get(f"/customers/{customer_id}.json")
    if customer.get("last_invoiced_on"):
        raise errors.InvalidInputError(
            f"Customer {customer_id} was invoiced on {customer['last_invoiced_on']}, so it cannot be deleted.",
            "Archive it with facturation_archive_customer.",
        )
    await confirm(f"Delete the customer {read(Customer, customer).name} with its quotes?")
    await api.send("DELETE", f"/customers/{customer_id}.json")
    return Done(id=customer_id, done="deleted")


@tools.destroys(core=False, asks=True, idempotent=True, search="archiver client")
async def archive_customer(customer_id: CustomerId) -> Done:
    """Archive a customer, after the user agreed: lists leave it out from then on, its documents stay.

    To undo it, use facturation_restore_customer.
    """
    await confirm(f"Archive the customer {(await get_customer(customer_id)).name}?")
    await api.send("POST", f"/customers/{customer_id}/archive.json")
    return Done(id=customer_id, done="archived")


@tools.writes(core=False, idempotent=True, search="désarchiver client")
async def restore_customer(customer_id: CustomerId) -> Done:
    """Bring an archived customer back into the lists.

    Find archived customers with facturation_list_customers and the filter mode=archived.
    """
    await api.send("POST", f"/customers/{customer_id}/unarchive.json")
    return Done(id=customer_id, done="restored")


@tools.reads(core=False, search="factures d'un client")
async def list_customer_invoices(
    customer_id: CustomerId, details: Details = False, limit: Limit = 20, cursor: Cursor = None
) -> Page[Invoice]:
    """List the invoices and credit notes of one customer, with number, total and balance.

    To filter them by period or state too, use facturation_list_invoices with customer_id.
    """
    return await _bills(customer_id, "invoices", Invoice, details, limit, cursor)


@tools.reads(core=False, search="devis d'un client")
async def list_customer_quotes(
    customer_id: CustomerId, details: Details = False, limit: Limit = 20, cursor: Cursor = None
) -> Page[Quote]:
    """List the quotes of one customer, with number, total and status.

    To filter them by period or status too, use facturation_list_quotes with customer_id.
    """
    return await _bills(customer_id, "quotes", Quote, details, limit, cursor)


async def _bills(customer_id: int, kind: str, bill: type[B], details: bool, limit: int, cursor: str | None) -> Page[B]:
    """Ask the customer's route, which redirects to the filtered list; that one has the further pages."""
    params: dict[str, Any] = {"customer_id": customer_id}
    return await api.listed(
        f"/{kind}.json",
        bill,
        shape=partial(shaped, bill, details=details),
        params=params,
        limit=limit,
        cursor=cursor,
        first_path=f"/customers/{customer_id}/{kind}.json",
    )


@tools.writes(core=False, creates=True, search="joindre fichier document client")
async def upload_customer_file(customer_id: CustomerId, path: Upload, filename: FileName = None) -> Attachment:
    """Attach a file of the data folder to a customer: a PDF, an image, an office document or text, up to 20 MB.

    Returns the id of the stored file, which facturation_download_file and facturation_delete_file take.
    """
    return await upload(f"/customers/{customer_id}/upload.json", path, filename)

"""Customers. https://www.facturation.dev/api/customers/"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from flotilla import Cursor, Limit, Page, errors
from pydantic import Field

from .app import api, server
from .arguments import (
    Changes,
    CustomerId,
    Detailed,
    Labels,
    Name,
    Upload,
    changed,
    listed,
    read,
)
from .documents import upload
from .fields import CustomerFields, body, names
from .models import Attachment, Bill, Customer, Done, Invoice, Quote, detailed

B = TypeVar("B", bound=Bill)


class CustomerFilters(Labels):
    """Query of the list."""

    company: str | None = None
    last_name: str | None = None
    email: str | None = None
    mode: Literal["all", "company", "individual", "missing_siret", "archived"] | None = None
    category_id: int | None = None
    with_sepa: bool | None = None
    account_code: str | None = None
    accounting_entry: str | None = None
    order: Literal["last_invoice", "last_paid", "created", "updated"] | None = None


@server.reads(group="customers")
async def list_customers(
    company: Annotated[str | None, Field(description="Part of the company's name")] = None,
    last_name: Annotated[str | None, Field(description="Part of it")] = None,
    mode: Annotated[
        Literal["all", "company", "individual", "missing_siret", "archived"] | None,
        Field(description="Active ones when left out"),
    ] = None,
    filters: Annotated[
        Changes | None,
        Field(description=names(CustomerFilters, "company", "last_name", "mode", "api_id", "api_custom")),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """List customers (clients)."""
    given = {"company": company, "last_name": last_name, "mode": mode}
    return await listed(
        "/customers.json", Customer, CustomerFilters, limit, cursor, more=filters, details=details, **given
    )


@server.writes(group="customers", creates=True)
async def create_customer(
    company_name: Annotated[str | None, Field(max_length=255, description="Not for persons")] = None,
    first_name: Annotated[str | None, Field(max_length=255, description="Prénom")] = None,
    last_name: Annotated[str | None, Field(max_length=255, description="Nom")] = None,
    individual: Annotated[bool, Field(description="A private person (particulier)")] = False,
    siret: Annotated[str | None, Field(max_length=100, description="Of a French company")] = None,
    email: Annotated[str | None, Field(max_length=255, description="Address")] = None,
    fields: Annotated[
        Changes | None,
        Field(
            description="street, zip_code, city, country (FR), phone, vat_number, pay_before (30fm), language … as in "
            "facturation_update_customer",
            examples=[{"street": "171 avenue Charles de Gaulle", "zip_code": "92200", "country": "FR"}],
        ),
    ] = None,
) -> Customer:
    """Make a customer (client): a company, or a person with individual=true."""
    if not (company_name or last_name):
        raise errors.Input("A customer needs a name.", "Give company_name, or last_name of a person.")
    given = {"company_name": company_name, "first_name": first_name, "last_name": last_name, "siret": siret}
    record = body(CustomerFields, fields, individual=individual, email=email, **given)
    return read(Customer, await api.post("/customers.json", json=record))


@server.reads(core=False, group="customers")
async def get_customer(
    id: CustomerId,
    with_sepa: Annotated[bool, Field(description="IBAN too; needs the firm administrator's key")] = False,
) -> Customer:
    """Get one customer with all that is known of it."""
    params = {"with_sepa": with_sepa or None}
    return read(detailed(Customer), await api.get(f"/customers/{id}.json", params=params))


@server.writes(core=False, group="customers")
async def update_customer(
    id: CustomerId,
    changes: Annotated[
        Changes,
        Field(
            description="null clears. " + names(CustomerFields, "api_id", "api_custom"),
            examples=[{"email": "compta@exemple.fr", "siret": "53165179200016"}],
        ),
    ],
) -> Customer:
    """Change fields of a customer; the others stay."""
    record = changed(CustomerFields, changes)
    return read(Customer, await api.patch(f"/customers/{id}.json", json=record, nulls=True), id=id)


@server.destroys(core=False, group="customers", confirm="Delete customer {id} with its quotes?")
async def delete_customer(id: CustomerId) -> Done:
    """Delete a customer who was never invoiced, with its quotes. Others: facturation_archive_customer."""
    customer = await api.get(f"/customers/{id}.json")
    if customer.get("last_invoiced_on"):
        raise errors.Input(
            f"Customer {id} was invoiced on {customer['last_invoiced_on']}, so it cannot be deleted.",
            "Archive it with facturation_archive_customer.",
        )
    await api.delete(f"/customers/{id}.json")
    return Done(id=id, done="deleted")


@server.destroys(core=False, group="customers", confirm="Archive customer {id}?", idempotent=True)
async def archive_customer(id: CustomerId) -> Done:
    """Archive a customer: it is no longer listed. facturation_restore_customer undoes it."""
    await api.post(f"/customers/{id}/archive.json")
    return Done(id=id, done="archived")


@server.writes(core=False, group="customers", idempotent=True)
async def restore_customer(id: CustomerId) -> Done:
    """Bring an archived customer back (désarchiver)."""
    await api.post(f"/customers/{id}/unarchive.json")
    return Done(id=id, done="restored")


@server.reads(core=False, group="customers")
async def list_customer_invoices(
    id: CustomerId, details: Detailed = False, limit: Limit = 20, cursor: Cursor = None
) -> Page[Invoice]:
    """List the invoices of one customer. To filter them too: facturation_list_invoices."""
    return await _bills(id, "invoices", detailed(Invoice) if details else Invoice, limit, cursor)


@server.reads(core=False, group="customers")
async def list_customer_quotes(
    id: CustomerId, details: Detailed = False, limit: Limit = 20, cursor: Cursor = None
) -> Page[Quote]:
    """List the quotes of one customer. To filter them too: facturation_list_quotes."""
    return await _bills(id, "quotes", detailed(Quote) if details else Quote, limit, cursor)


async def _bills(id: int, kind: str, bill: type[B], limit: int, cursor: str | None) -> Page[B]:
    """Ask the customer's route, which redirects to the filtered list; that one has the further pages."""
    first, params = f"/customers/{id}/{kind}.json", {"customer_id": id}
    return await api.listed(f"/{kind}.json", bill, params=params, limit=limit, cursor=cursor, first=first)


@server.writes(core=False, group="customers", creates=True)
async def upload_customer_file(id: CustomerId, path: Upload, filename: Name = None) -> Attachment:
    """Attach a document of the data folder to a customer: PDF, image, office document or text."""
    return await upload(f"/customers/{id}/upload.json", path, filename)

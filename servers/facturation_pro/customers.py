"""Customers. https://www.facturation.dev/api/customers/"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors

from .arguments import (
    CustomerId,
    Detailed,
    Labels,
    Name,
    Upload,
    changed,
    first,
    listed,
    read,
)
from .bill_models import Bill, Invoice, Quote
from .client import api
from .documents import upload
from .fields import Changes, CustomerFields, body, names
from .models import Attachment, Customer, Done, SavedCustomer, WholeCustomer, detailed

tools = Toolset("customers")

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


@tools.reads
async def list_customers(
    company: Annotated[str | None, Field(description="Part of its name")] = None,
    filters: Annotated[
        Changes | None,
        Field(description="last_name, email, mode (archived …), ids, order"),
    ] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """List customers (clients)."""
    return await listed(
        "/customers.json", Customer, CustomerFilters, limit, cursor, more=filters, details=details, company=company
    )


@tools.writes(creates=True)
async def create_customer(
    company_name: Annotated[str | None, Field(description="Société")] = None,
    last_name: Annotated[str | None, Field(description="Of a person")] = None,
    siret: Annotated[str | None, Field(description="Of a French company")] = None,
    fields: Annotated[
        Changes | None,
        Field(description="individual (particulier), email, street, zip_code, city, country …"),
    ] = None,
) -> SavedCustomer:
    """Make a customer (client). One with this SIRET is returned unchanged: `created` is false then."""
    if not (company_name or last_name):
        raise errors.InvalidInputError("A customer needs a name.", "Give company_name, or last_name of a person.")
    given = {"company_name": company_name, "last_name": last_name, "siret": siret}
    record = {"individual": False, **body(CustomerFields, fields, **given)}
    if there := await _with_siret(record.get("siret")):
        note = "Not created and not changed: this customer has the SIRET already. Use its id."
        return there.model_copy(update={"created": False, "note": note})
    return read(SavedCustomer, await api.post("/customers.json", json=record))


async def _with_siret(siret: str | None) -> SavedCustomer | None:
    """Return the customer of this SIRET, an archived one too: the vendor's list has no such filter."""
    wanted = re.sub(r"\W", "", siret or "")
    if not wanted:
        return None
    return await first(
        "/customers.json", SavedCustomer, lambda one: re.sub(r"\W", "", one.siret or "") == wanted, mode="all"
    )


@tools.reads(core=False)
async def get_customer(
    customer_id: CustomerId,
    with_sepa: Annotated[bool, Field(description="IBAN too; needs the firm administrator's key")] = False,
) -> WholeCustomer:
    """Get one customer with all that is known of it."""
    params = {"with_sepa": with_sepa or None}
    return read(WholeCustomer, await api.get(f"/customers/{customer_id}.json", params=params))


@tools.writes(core=False, additive=False)
async def update_customer(
    customer_id: CustomerId,
    changes: Annotated[
        Changes,
        Field(
            description="null clears. " + names(CustomerFields, "api_id", "api_custom"),
            examples=[{"email": "compta@exemple.fr", "siret": "53165179200016"}],
        ),
    ],
) -> SavedCustomer:
    """Change fields of a customer; the others stay."""
    record = changed(CustomerFields, changes)
    return read(
        SavedCustomer,
        await api.request("PATCH", f"/customers/{customer_id}.json", json=record, nulls=True),
        id=customer_id,
    )


@tools.destroys(core=False, asks=True)
async def delete_customer(customer_id: CustomerId) -> Done:
    """Delete a customer who was never invoiced, with its quotes. Others: facturation_archive_customer."""
    customer = await api.get(f"/customers/{customer_id}.json")
    if customer.get("last_invoiced_on"):
        raise errors.InvalidInputError(
            f"Customer {customer_id} was invoiced on {customer['last_invoiced_on']}, so it cannot be deleted.",
            "Archive it with facturation_archive_customer.",
        )
    await confirm(f"Delete the customer {Customer.flat(customer)['name']} with its quotes?")
    await api.send("DELETE", f"/customers/{customer_id}.json")
    return Done(id=customer_id, done="deleted")


@tools.destroys(core=False, asks=True, idempotent=True)
async def archive_customer(customer_id: CustomerId) -> Done:
    """Archive a customer: it is no longer listed. facturation_restore_customer undoes it."""
    await confirm(f"Archive the customer {(await get_customer(customer_id)).name}?")
    await api.send("POST", f"/customers/{customer_id}/archive.json")
    return Done(id=customer_id, done="archived")


@tools.writes(core=False, idempotent=True)
async def restore_customer(customer_id: CustomerId) -> Done:
    """Bring an archived customer back (désarchiver)."""
    await api.send("POST", f"/customers/{customer_id}/unarchive.json")
    return Done(id=customer_id, done="restored")


@tools.reads(core=False)
async def list_customer_invoices(
    customer_id: CustomerId, details: Detailed = False, limit: Limit = 20, cursor: Cursor = None
) -> Page[Invoice]:
    """List the invoices of one customer. To filter them too: facturation_list_invoices."""
    return await _bills(customer_id, "invoices", detailed(Invoice) if details else Invoice, limit, cursor)


@tools.reads(core=False)
async def list_customer_quotes(
    customer_id: CustomerId, details: Detailed = False, limit: Limit = 20, cursor: Cursor = None
) -> Page[Quote]:
    """List the quotes of one customer. To filter them too: facturation_list_quotes."""
    return await _bills(customer_id, "quotes", detailed(Quote) if details else Quote, limit, cursor)


async def _bills(customer_id: int, kind: str, bill: type[B], limit: int, cursor: str | None) -> Page[B]:
    """Ask the customer's route, which redirects to the filtered list; that one has the further pages."""
    first, params = f"/customers/{customer_id}/{kind}.json", {"customer_id": customer_id}
    return await api.listed(f"/{kind}.json", bill, params=params, limit=limit, cursor=cursor, first=first)


@tools.writes(core=False, creates=True)
async def upload_customer_file(customer_id: CustomerId, path: Upload, filename: Name = None) -> Attachment:
    """Attach a document of the data folder to a customer: PDF, image, office document or text."""
    return await upload(f"/customers/{customer_id}/upload.json", path, filename)

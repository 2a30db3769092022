"""Suppliers. https://www.facturation.dev/api/suppliers/"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from ..arguments import Details, SupplierId, other_fields, other_filters
from ..client import api
from ..fields import (
    AllSupplierFields,
    OtherFields,
    SupplierChanges,
    SupplierFields,
    about,
    body,
    changes_of,
    names,
)
from ..models import Done, Supplier
from ..records import RareFilters, listed, read

tools = Toolset("suppliers")

OTHER_FIELDS = names(AllSupplierFields, SupplierChanges)


class SupplierFilters(RareFilters):
    """Query of the list."""

    company: str | None = None
    country: str | None = None
    category_id: int | None = None
    with_sepa: bool | None = None
    account_code: str | None = None
    accounting_entry: str | None = None
    order: Literal["created", "updated"] | None = None


@tools.reads(core=False, search="cherche fournisseurs")
async def list_suppliers(
    company: Annotated[str | None, about("Part of the supplier's name.")] = None,
    country: Annotated[str | None, about("Country code of two letters.")] = None,
    other_filters: Annotated[
        OtherFields,
        other_filters(f"{names(RareFilters)}, category_id, with_sepa, account_code, accounting_entry, order"),
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Supplier]:
    """Find suppliers by name, country or category.

    Returns the ids that facturation_create_purchase and facturation_update_supplier take.
    """
    return await listed(
        "/suppliers.json",
        Supplier,
        SupplierFilters,
        limit,
        cursor,
        other=other_filters,
        details=details,
        company=company,
        country=country,
    )


@tools.writes(core=False, creates=True, search="nouveau fournisseur")
async def create_supplier(
    company_name: Annotated[str, Field(max_length=255, description="Name of the supplier.", examples=["Office Depot"])],
    fields: Annotated[SupplierFields | None, about("Address and contact.")] = None,
    other_fields: Annotated[OtherFields, other_fields(OTHER_FIELDS)] = None,
) -> Supplier:
    """Create a supplier, of whom purchases can then be recorded with facturation_create_purchase.

    Search with facturation_list_suppliers first: a second one of the same name is not refused.
    """
    record = body(AllSupplierFields, other_fields, fields, company_name=company_name)
    return read(Supplier, await api.post("/suppliers.json", json=record))


@tools.reads(core=False, search="fiche fournisseur")
async def get_supplier(supplier_id: SupplierId) -> Supplier:
    """Get one supplier with all its fields: address, contact, accounting data.

    Take the id from facturation_list_suppliers.
    """
    return read(Supplier, await api.get(f"/suppliers/{supplier_id}.json"), details=True)


@tools.writes(core=False, additive=False, search="modifier fournisseur")
async def update_supplier(
    supplier_id: SupplierId,
    changes: Annotated[
        SupplierChanges | None, Field(description="Fields to change.", examples=[{"phone": "01 23 45 67 89"}])
    ] = None,
    other_fields: Annotated[OtherFields, other_fields(OTHER_FIELDS)] = None,
) -> Supplier:
    """Change fields of a supplier; the fields that are not given stay as they are.

    Take the id from facturation_list_suppliers.
    """
    record = changes_of(AllSupplierFields, other_fields, changes)
    answer = await api.request("PATCH", f"/suppliers/{supplier_id}.json", json=record, nulls=True)
    return read(Supplier, answer, id=supplier_id)


@tools.destroys(core=False, asks=True, search="supprimer fournisseur")
async def delete_supplier(supplier_id: SupplierId) -> Done:
    """Delete a supplier and with it all its purchases, after the user agreed. It cannot be undone.

    To see what would be lost, use facturation_list_purchases with the supplier's name.
    """
    await confirm(f"Delete the supplier {(await get_supplier(supplier_id)).name} and all its purchases?")
    await api.send("DELETE", f"/suppliers/{supplier_id}.json")
    return Done(id=supplier_id, done="deleted")

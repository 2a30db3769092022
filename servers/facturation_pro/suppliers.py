"""Suppliers. https://www.facturation.dev/api/suppliers/"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from .arguments import Detailed, Labels, SupplierId, changed, listed, read
from .client import api
from .fields import Changes, SupplierFields, body, names
from .models import Done, Supplier, WholeSupplier

tools = Toolset("suppliers")


class SupplierFilters(Labels):
    """Query of the list."""

    company: str | None = None
    category_id: int | None = None
    with_sepa: bool | None = None
    country: str | None = None
    account_code: str | None = None
    accounting_entry: str | None = None
    order: Literal["created", "updated"] | None = None


@tools.reads(core=False)
async def list_suppliers(
    company: Annotated[str | None, Field(description="Part of the name")] = None,
    filters: Annotated[Changes | None, Field(description=names(SupplierFilters, "company"))] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Supplier]:
    """List suppliers (fournisseurs)."""
    return await listed(
        "/suppliers.json", Supplier, SupplierFilters, limit, cursor, more=filters, details=details, company=company
    )


@tools.writes(core=False, creates=True)
async def create_supplier(
    company_name: Annotated[str, Field(max_length=255, description="Société", examples=["Office Depot"])],
    fields: Annotated[Changes | None, Field(description="As in facturation_update_supplier")] = None,
) -> Supplier:
    """Make a supplier (fournisseur)."""
    record = body(SupplierFields, fields, company_name=company_name)
    return read(Supplier, await api.post("/suppliers.json", json=record))


@tools.reads(core=False)
async def get_supplier(supplier_id: SupplierId) -> WholeSupplier:
    """Get one supplier with all that is known of it."""
    return read(WholeSupplier, await api.get(f"/suppliers/{supplier_id}.json"))


@tools.writes(core=False, additive=False)
async def update_supplier(
    supplier_id: SupplierId,
    changes: Annotated[
        Changes, Field(description="null clears. " + names(SupplierFields), examples=[{"phone": "01 23 45 67 89"}])
    ],
) -> Supplier:
    """Change fields of a supplier; the others stay."""
    record = changed(SupplierFields, changes)
    return read(
        Supplier, await api.request("PATCH", f"/suppliers/{supplier_id}.json", json=record, nulls=True), id=supplier_id
    )


@tools.destroys(core=False, asks=True)
async def delete_supplier(supplier_id: SupplierId) -> Done:
    """Delete a supplier, and with it all its purchases (achats)."""
    await confirm(f"Delete the supplier {(await get_supplier(supplier_id)).name} and all its purchases?")
    await api.send("DELETE", f"/suppliers/{supplier_id}.json")
    return Done(id=supplier_id, done="deleted")

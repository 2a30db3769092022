"""Products of the catalogue. https://www.facturation.dev/api/products/"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Money, Page, Percent, Toolset, confirm

from .arguments import Detailed, Filters, ProductId, Sort, changed, listed, read
from .client import api
from .fields import Changes, ProductFields, body, names
from .models import Done, Product, WholeProduct

tools = Toolset("products")


class ProductFilters(Filters):
    """Query of the list."""

    ref: str | None = None
    title: str | None = None
    api_id: int | None = None
    api_custom: str | None = None
    sort: Sort | None = None
    order: Literal["ref", "created", "updated"] | None = None


@tools.reads(core=False)
async def list_products(
    ref: Annotated[str | None, Field(description="Part of the reference")] = None,
    title: Annotated[str | None, Field(description="Part of it")] = None,
    filters: Annotated[Changes | None, Field(description=names(ProductFilters, "ref", "title"))] = None,
    details: Detailed = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Product]:
    """List the products and services that lines of quotes and invoices can refer to by product_id."""
    return await listed(
        "/products.json", Product, ProductFilters, limit, cursor, more=filters, details=details, ref=ref, title=title
    )


@tools.writes(core=False, creates=True)
async def create_product(
    title: Annotated[str, Field(description="Libellé", examples=["Développement"])],
    unit_price: Annotated[Money, Field(description="HT", examples=["200.00"])],
    vat: Annotated[Percent, Field(description="TVA in %", examples=["20"])],
    ref: Annotated[str | None, Field(max_length=255, description="Reference")] = None,
    fields: Annotated[Changes | None, Field(description="As in facturation_update_product")] = None,
) -> Product:
    """Add a product or service to the catalogue."""
    record = body(ProductFields, fields, title=title, unit_price=unit_price, vat=vat, ref=ref)
    return read(Product, await api.post("/products.json", json=record))


@tools.reads(core=False)
async def get_product(product_id: ProductId) -> WholeProduct:
    """Get one product."""
    return read(WholeProduct, await api.get(f"/products/{product_id}.json"))


@tools.writes(core=False, additive=False)
async def update_product(
    product_id: ProductId,
    changes: Annotated[
        Changes,
        Field(
            description="null clears. "
            + names(ProductFields)
            + ". nature: sale, commercial service, liberal service, disbursement, none",
            examples=[{"unit_price": "210.00", "vat": "20"}],
        ),
    ],
) -> Product:
    """Change fields of a product; invoices that are written stay as they are."""
    record = changed(ProductFields, changes)
    return read(
        Product, await api.request("PATCH", f"/products/{product_id}.json", json=record, nulls=True), id=product_id
    )


@tools.destroys(core=False, asks=True)
async def delete_product(product_id: ProductId) -> Done:
    """Delete a product from the catalogue."""
    await confirm(f"Delete the product «{(await get_product(product_id)).title}»?")
    await api.send("DELETE", f"/products/{product_id}.json")
    return Done(id=product_id, done="deleted")

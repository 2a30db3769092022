"""Products of the catalogue. https://www.facturation.dev/api/products/"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from ..arguments import Details, ProductId, other_fields, other_filters
from ..client import api
from ..fields import (
    AllProductFields,
    Labelled,
    OtherFields,
    ProductChanges,
    ProductFields,
    about,
    body,
    changes_of,
    names,
)
from ..models import Done, Product
from ..records import Sort, listed, read
from ..values import Amount, VatRate

tools = Toolset("products")

OTHER_FIELDS = names(AllProductFields, ProductChanges)


class ProductFilters(Labelled):
    """Query of the list."""

    ref: str | None = None
    title: str | None = None
    sort: Sort | None = None
    order: Literal["ref", "created", "updated"] | None = None


@tools.reads(core=False, search="catalogue articles produits prestations tarifs")
async def list_products(
    ref: Annotated[str | None, about("Part of the reference.")] = None,
    title: Annotated[str | None, about("Part of the name.")] = None,
    other_filters: Annotated[
        OtherFields, other_filters("api_id, api_custom, order (ref, created, updated), sort (asc, desc)")
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Product]:
    """List the products and services of the catalogue, with price before VAT and VAT rate in percent.

    Returns the ids that lines of quotes and invoices take as product_id.
    """
    return await listed(
        "/products.json",
        Product,
        ProductFilters,
        limit,
        cursor,
        other=other_filters,
        details=details,
        ref=ref,
        title=title,
    )


@tools.writes(core=False, creates=True, search="ajouter produit prestation catalogue")
async def create_product(
    title: Annotated[str, Field(description="Name of the product or service.", examples=["Développement"])],
    unit_price: Annotated[Amount, Field(description="Price of a unit before VAT.", examples=["200.00"])],
    vat: Annotated[VatRate, Field(description="VAT in percent, as 20.", examples=["20"])],
    ref: Annotated[str | None, Field(max_length=255, description="Reference in the catalogue.")] = None,
    fields: Annotated[ProductFields | None, about("Unit, nature, category and notes.")] = None,
    other_fields: Annotated[OtherFields, other_fields(OTHER_FIELDS)] = None,
) -> Product:
    """Add a product or service to the catalogue, so that lines of quotes and invoices can refer to it.

    It is not needed for a document: a line may have its own title and price.
    """
    record = body(AllProductFields, other_fields, fields, title=title, unit_price=unit_price, vat=vat, ref=ref)
    return read(Product, await api.post("/products.json", json=record))


@tools.reads(core=False, search="détail produit prix")
async def get_product(product_id: ProductId) -> Product:
    """Get one product of the catalogue with all its fields, as nature, unit, category and notes.

    Take the id from facturation_list_products.
    """
    return read(Product, await api.get(f"/products/{product_id}.json"), details=True)


@tools.writes(core=False, additive=False, search="modifier prix produit")
async def update_product(
    product_id: ProductId,
    changes: Annotated[
        ProductChanges | None, Field(description="Fields to change.", examples=[{"unit_price": "210.00", "vat": "20"}])
    ] = None,
    other_fields: Annotated[OtherFields, other_fields(OTHER_FIELDS)] = None,
) -> Product:
    """Change fields of a product of the catalogue; the fields that are not given stay as they are.

    Quotes and invoices that exist keep their lines. Take the id from facturation_list_products.
    """
    record = changes_of(AllProductFields, other_fields, changes)
    answer = await api.request("PATCH", f"/products/{product_id}.json", json=record, nulls=True)
    return read(Product, answer, id=product_id)


@tools.destroys(core=False, asks=True, search="supprimer produit catalogue")
async def delete_product(product_id: ProductId) -> Done:
    """Delete a product from the catalogue, after the user agreed. Quotes and invoices that exist keep their lines.

    Take the id from facturation_list_products.
    """
    await confirm(f"Delete the product «{(await get_product(product_id)).title}»?")
    await api.send("DELETE", f"/products/{product_id}.json")
    return Done(id=product_id, done="deleted")

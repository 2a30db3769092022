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


@tools.reads(
    core=False,
    search=(
        "catalogue articles produits prestations tarifs produit article prestation service tarif grille prix "
        "liste référence combien coûte vends price list catalog items services rates how much sell which "
        "product item reference rate lister quels quelles montre what find show have all charge facture"
    ),
    examples=[
        "quels sont mes tarifs",
        "liste les prestations du catalogue",
        "à combien je vends la journée de conseil",
        "quels articles avons-nous",
        "retrouve la référence DEV-01",
        "what are my rates",
        "list the services in the catalog",
        "what do I charge for a day of consulting",
        "which items do we sell",
        "find the article with reference DEV-01",
    ],
)
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


@tools.writes(
    core=False,
    creates=True,
    search=(
        "ajouter produit prestation catalogue nouveau nouvel article service ajoute crée enregistre tarif "
        "créer new add item create register catalog référence prix product reference price rate rentre "
        "nouvelle il faut enter set up need make"
    ),
    examples=[
        "ajoute une prestation au catalogue à 200 euros",
        "crée un nouvel article",
        "enregistre la journée de formation comme produit",
        "nouveau service : audit à 900 euros hors taxes",
        "mets cette prestation dans mes tarifs",
        "add a service to the catalog at 200",
        "create a new article",
        "register the training day as a product",
        "new item: audit at 900 before tax",
        "put this service on my price list",
    ],
)
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


@tools.reads(
    core=False,
    search=(
        "détail produit prix article fiche unité TVA référence infos cette prestation item details price unit "
        "reference that one service tarif catalogue product rate catalog ouvre affiche montre open show this "
        "number numéro"
    ),
    examples=[
        "montre la fiche de ce produit",
        "quel est le prix de cette prestation",
        "quelle TVA s'applique à cet article",
        "quelle unité pour ce service",
        "détaille l'article numéro 8",
        "show this product in detail",
        "what is the price of that service",
        "what VAT applies to this item",
        "which unit does it have",
        "open article number 8",
    ],
)
async def get_product(product_id: ProductId) -> Product:
    """Get one product of the catalogue with all its fields, as nature, unit, category and notes.

    Take the id from facturation_list_products.
    """
    return read(Product, await api.get(f"/products/{product_id}.json"), details=True)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "modifier prix produit change augmente baisse tarif article prestation modifie renomme TVA raise "
        "lower price rate edit rename item service référence catalogue product reference catalog changer "
        "corrige corriger mets mise jour met passe rectifie update correct set fix"
    ),
    examples=[
        "augmente le prix de la journée à 650",
        "change le tarif de cette prestation",
        "baisse le prix de l'article",
        "renomme ce produit du catalogue",
        "passe la TVA du produit à 10 %",
        "raise the day rate to 650",
        "change the price of that service",
        "lower the price of the item",
        "rename this catalog product",
        "set the product's VAT to 10",
    ],
)
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


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer produit catalogue supprime enlève retire efface article prestation vire plus vendu delete "
        "remove drop item service catalog no longer sold référence tarif prix product reference price rate "
        "effacer jette débarrasse erase discard throw away get rid take out off bin mistake wrong erreur "
        "doublon duplicate"
    ),
    examples=[
        "supprime ce produit du catalogue",
        "enlève cette prestation de mes tarifs",
        "retire l'article, on ne le vend plus",
        "vire cette référence",
        "efface le service Maintenance",
        "delete this product",
        "remove that service from my price list",
        "drop the item, we no longer sell it",
        "get rid of this reference",
        "erase the maintenance service",
    ],
)
async def delete_product(product_id: ProductId) -> Done:
    """Delete a product from the catalogue, after the user agreed. Quotes and invoices that exist keep their lines.

    Take the id from facturation_list_products.
    """
    await confirm(f"Delete the product «{(await get_product(product_id)).title}»?")
    await api.send("DELETE", f"/products/{product_id}.json")
    return Done(id=product_id, done="deleted")

"""Products, and those on a deal. https://developers.pipedrive.com/docs/api/v1/Deals#getDealProducts"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from flotilla import Amount, Cursor, Limit, Number, Percent, Toolset, choose, confirm, errors, segment
from flotilla.parsing import read_number

from .. import records, values
from ..client import V2, api, record
from ..models import Deleted, Row, RowPage, Thing
from ..records import explicit_deal_checked, full

tools = Toolset("products")
READ = ["search:read products:read deals:read", "search:read products:full deals:full"]
WRITE = ["search:read products:full deals:full"]
DealRef = Annotated[
    Annotated[str, AfterValidator(explicit_deal_checked)],
    Field(description="deal:number or deal:title, from pipedrive_list_deals.", examples=["deal:77"]),
]
LineRef = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,16}$", description="Number of the line, from pipedrive_list_deal_products.", examples=["3"]
    ),
]


@tools.reads(
    core=False,
    scopes=["search:read products:read", "search:read products:full"],
    search=(
        "cherche produits catalogue articles prix tarif price list référence article coûte combien "
        "vend-on produit code SKU tarifs catalog item how much does it cost sell reference vendons "
        "proposons gamme offre services abonnement charge offering rate sells"
    ),
    examples=[
        "Combien coûte notre abonnement premium ?",
        "Est-ce qu'on vend des volets roulants ?",
        "Trouve la référence A-100 au catalogue",
        "Quel est le tarif de la maintenance ?",
        "Cherche le produit qui s'appelle pack sérénité",
        "What do we charge for installation?",
        "Is there a training package in the catalogue?",
        "Look up the item with code A-100",
        "How much is the premium plan?",
        "Find the product",
    ],
)
async def search_products(
    query: Annotated[str, Field(description="Words from name or code, two characters at least.", examples=["crayon"])],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> RowPage:
    """Search the product catalogue by name or code. Returns rows with the product's record, code and price.

    To put one on a deal, use pipedrive_add_deal_product; what is on a deal is in pipedrive_list_deal_products.
    """
    rows, following = await records.search_for("products", query, limit, cursor, include_fields="product.price")
    return RowPage(items=[_product(one) for one in rows], next_cursor=following)


def _product(thing: Thing) -> Row:
    return full(
        {
            "record": f"product:{thing.id}",
            "name": thing.text("name"),
            "code": thing.text("code"),
            "price": " ".join(part for part in (thing.text("price"), thing.text("currency")) if part),
        }
    )


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "produits lignes affaire devis contenu prix quantité articles vendus composition détail du "
        "panier qu'est-ce qu'il y a dedans commandé line items what's in included on comporte inclut "
        "proposons vendons compris selling contains breakdown composed ordered"
    ),
    examples=[
        "Qu'est-ce qu'il y a dans cette affaire ?",
        "Quels produits on lui propose dans le dossier ?",
        "Détaille les lignes du devis",
        "Combien d'unités sont prévues dans la vente ?",
        "Quelle remise on lui a faite sur chaque article ?",
        "What items are on this deal?",
        "Break down the lines of that sale",
        "What are we selling them exactly?",
        "Which discount is on each line?",
    ],
)
async def list_deal_products(deal: DealRef, limit: Limit = 20, cursor: Cursor = None) -> RowPage:
    """List the products on a deal with quantity, price, discount, tax and sum, each with the number of its line.

    pipedrive_update_deal_product and pipedrive_delete_deal_product take that number.
    """
    _, key = await records.resolved(deal)
    rows, following = await records.listed(f"{V2}/deals/{key}/products", limit, cursor)
    return RowPage(items=await records.product_rows(rows), next_cursor=following)


@tools.writes(
    creates=True,
    core=False,
    scopes=WRITE,
    search=(
        "ajoute produit ligne affaire devis quantité prix rajoute mets article inclus lignes "
        "supplémentaire unités include put add item line more"
    ),
    examples=[
        "Rajoute deux fenêtres à l'affaire",
        "Mets la formation dans le devis",
        "Il veut aussi la maintenance, ajoute-la",
        "Ajoute trois licences à 90 € avec 10 % de remise",
        "Inclus le transport dans le dossier",
        "Put two licences on the deal",
        "They want the training as well, add it",
        "Add another item to the sale",
        "Include maintenance at 90 euros",
    ],
)
async def add_deal_product(
    deal: DealRef,
    product: Annotated[
        str, Field(description="Name or number of the product, from pipedrive_search_products.", examples=["Crayon"])
    ],
    quantity: Annotated[Number | None, Field(gt=0, description="How many of it; one without it.")] = None,
    price: Annotated[Amount | None, Field(ge=0, description="Price of one; that of the catalogue without it.")] = None,
    discount: Annotated[Percent | None, Field(ge=0, le=100, description="Discount in percent.")] = None,
    tax: Annotated[Percent | None, Field(ge=0, description="Tax in percent.")] = None,
) -> RowPage:
    """Put a product on a deal, at the price of the catalogue in the deal's currency or at another one.

    Returns the new line with its sum. The value of the deal follows the sum of its products in Pipedrive.
    """
    _, key = await records.resolved(deal)
    name = product.strip().removeprefix("product:")
    if not records.is_id("product", name):
        rows, _ = await records.search_for("products", name, 50, fields="code,name")
        by_code = [one for one in rows if one.text("code") == name]
        name = (by_code[0] if len(by_code) == 1 else choose(name, rows, name=records.name_of, kind="product")).id
    body = {
        "product_id": int(name),
        "item_price": values.json_number(price if price is not None else await _catalogue_price(name, key)),
        "quantity": values.json_number(quantity) if quantity is not None else 1,
        "discount": values.json_number(discount) if discount is not None else None,
        "discount_type": "percentage" if discount is not None else None,
        "tax": values.json_number(tax) if tax is not None else None,
    }
    made = await record("POST", f"{V2}/deals/{key}/products", json=body)
    return RowPage(items=await records.product_rows([Thing.model_validate(made)]))


async def _catalogue_price(product: str, deal: str) -> Any:
    """Return a product's price in the deal's currency; raises errors.InvalidInputError where it has none."""
    thing, currency = (
        await record("GET", f"{V2}/products/{product}"),
        (await records.one("deal", deal)).text("currency"),
    )
    prices = thing.get("prices")
    for one in prices if isinstance(prices, list) else []:
        if isinstance(one, dict) and one.get("currency") == currency and one.get("price") is not None:
            return read_number(one["price"])
    raise errors.InvalidInputError(f"The product has no price in {currency or 'this currency'}.", "Pass a price.")


@tools.writes(
    additive=False,
    idempotent=True,
    core=False,
    scopes=WRITE,
    search=(
        "modifie produit ligne affaire quantité prix remise du devis unités moins plus rabais ristourne "
        "TVA taxe baisse quantity discount line item instead cheaper tax edit finalement changer ajuste "
        "lower raise adjust"
    ),
    examples=[
        "Passe à trois unités au lieu de deux",
        "Fais 10 % de remise sur cette ligne",
        "Baisse le prix de la pose dans l'affaire",
        "Change la TVA de l'article",
        "Finalement il en veut cinq",
        "Make it three instead of two",
        "Give ten percent off that line",
        "Lower the price of the training in this deal",
        "Change the tax on the item",
    ],
)
async def update_deal_product(
    deal: DealRef,
    line: LineRef,
    quantity: Annotated[Number | None, Field(gt=0, description="How many of it.")] = None,
    price: Annotated[Amount | None, Field(ge=0, description="Price of one of it.")] = None,
    discount: Annotated[Percent | None, Field(ge=0, le=100, description="Discount in percent.")] = None,
    tax: Annotated[Percent | None, Field(ge=0, description="Tax in percent.")] = None,
) -> RowPage:
    """Change quantity, price, discount or tax of a product on a deal; what is left out stays. Returns the line.

    The number of the line is in pipedrive_list_deal_products.
    """
    _, key = await records.resolved(deal)
    changes = {"quantity": quantity, "item_price": price, "discount": discount, "tax": tax}
    body: dict[str, Any] = {name: values.json_number(one) for name, one in changes.items() if one is not None}
    if not body:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    if discount is not None:
        body["discount_type"] = "percentage"
    result = await record("PATCH", f"{V2}/deals/{key}/products/{segment(line)}", json=body)
    return RowPage(items=await records.product_rows([Thing.model_validate({"id": line, **result})]))


@tools.destroys(
    asks=True,
    core=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "retire supprime produit ligne affaire remove enlève ôte plus dans le devis sans l'article take "
        "off drop no longer wants line item"
    ),
    examples=[
        "Enlève la maintenance de l'affaire",
        "Il ne veut plus de la formation, retire-la du devis",
        "Supprime cette ligne du dossier",
        "Sors les volets de la vente",
        "Sans la pose finalement",
        "Take the training off the deal",
        "Drop that line",
        "They no longer want maintenance, remove the item",
        "Remove the second product from the sale",
    ],
)
async def delete_deal_product(deal: DealRef, line: LineRef) -> Deleted:
    """Take a product off a deal; the product stays in the catalogue. It asks first, with name and sum of the line.

    The number of the line is in pipedrive_list_deal_products.
    """
    _, key = await records.resolved(deal)
    rows, _ = await records.listed(f"{V2}/deals/{key}/products", 500, None)
    same = [one for one in rows if one.id == line]
    if not same:
        raise errors.InvalidInputError(f"The deal has no line {line}.", "See pipedrive_list_deal_products.")
    total = " ".join(part for part in (same[0].text("sum"), same[0].text("currency")) if part)
    await confirm(f"Take «{errors.excerpt(same[0].text('name'), 80)}» ({total}) off the deal:{key}?")
    await api.delete(f"{V2}/deals/{key}/products/{segment(line)}")
    return Deleted(record=f"deal:{key} line {line}")

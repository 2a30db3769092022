"""Products: found, read, priced, created; their stock by source (multi-source inventory).

https://developer.adobe.com/commerce/webapi/rest/inventory/
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, choose, confirm, errors, readable, segment
from flotilla.parsing import html_to_text, listed

from ..client import Condition, api, like, search, search_page
from ..lookup import ProductRef, product_of, shop_zone, source_of, sources
from ..models import Category, Product, ProductDetails, SourceStock, Stock, attribute
from ..values import Price, number, plain, written
from ..values import amount as amount_of

tools = Toolset("products")
MOST = 100  # pieces of one answer


@tools.reads(
    search=(
        "cherche produit produits article référence prix catalogue vend vendez avez-vous nouveautés liste rayon "
        "modèle find products items do you have sell browse range SKU"
    ),
    examples=[
        "Avez-vous la tasse bleue ?",
        "Find the striped T-shirt.",
        "Vous vendez des théières ?",
        "Qu'est-ce qu'on a comme pulls ?",
        "Montre-moi les dernières nouveautés",
        "Tous les articles du rayon cuisine",
        "C'est quoi la référence de la lampe ?",
        "Do you sell lamps?",
        "What do we have in kitchenware?",
        "Show the newest items",
        "What's the SKU of the teapot?",
    ],
)
async def search_products(
    query: Annotated[str | None, Field(description="Words of the name, or a part of the SKU.")] = None,
    category: Annotated[str | None, Field(description="Name of a category.")] = None,
    enabled: Annotated[bool | None, Field(description="False: only hidden products.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Product]:
    """Search products by name, SKU or category, newest first; without arguments, list the newest.

    Returns the price and the SKU that other tools take. The stock stands in magento_get_product.
    """
    group: list[Condition] = [("name", "like", like(query)), ("sku", "like", like(query))] if query else []
    groups: list[list[Condition]] = [
        group,
        [("category_id", "eq", (await category_of(category)).id)] if category else [],
        [("status", "eq", 1 if enabled else 2)] if enabled is not None else [],
    ]
    return await search_page("/products", Product, *groups, limit=limit, cursor=cursor, sort="created_at")


async def category_of(category: str) -> Category:
    """Return a category by its name or id; raises what `choose` does."""
    rows = readable(Category, await search("/categories/list", [("name", "like", like(category))]))
    if category.strip().isdecimal():
        rows += readable(Category, await search("/categories/list", [("entity_id", "eq", category.strip())]))
    return choose(category, rows, kind="category", listed_by="magento_search_products")


@tools.reads(
    search=(
        "fiche produit article combien reste coûte quel prix tarif stock variantes tailles couleurs description "
        "entrepôt how many left much price cost does it come in sizes colours variants where is details of one "
        "product"
    ),
    examples=[
        "Combien reste-t-il de tasses bleues ?",
        "What does the mug cost?",
        "Elle coûte combien, la tasse bleue ?",
        "Il en reste en taille M ?",
        "Dans quel dépôt est-ce qu'on en a ?",
        "Ça existe en quelles couleurs ?",
        "C'est encore disponible ?",
        "How much is it?",
        "How many do we have left?",
        "Which warehouse has it?",
        "What sizes does the shirt come in?",
    ],
)
async def get_product(product: ProductRef) -> ProductDetails:
    """Get one product by SKU or name: prices, description, and how many pieces are at each source.

    Of a configurable product, the variants with their prices; look at one by its SKU for its stock. To find products,
    use magento_search_products; to change one, magento_update_product or magento_set_stock.
    """
    row = await product_of(product)
    stock = await search("/inventory/source-items", [("sku", "eq", row["sku"])], size=MOST)
    variants: list[Product] = []
    extension = row.get("extension_attributes")
    links = extension.get("configurable_product_links") if isinstance(extension, dict) else None
    if isinstance(links, list) and links:
        ids = ",".join(str(link) for link in links[:MOST] if isinstance(link, int | str))
        variants = readable(Product, await search("/products", [("entity_id", "in", ids)], size=MOST))
    text = attribute(row, "description") or attribute(row, "short_description")
    details = {
        **row,
        "description": html_to_text(text) if isinstance(text, str) else None,
        "stock": readable(SourceStock, stock),
        "variants": [f"{one.sku}: {one.price}" for one in variants],
    }
    return ProductDetails.model_validate(details)


@tools.writes(
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "modifier changer prix produit promotion promo solde soldes baisser augmenter nom renommer activer "
        "désactiver afficher mettre en ligne retirer de la vente cacher masquer change price raise lower special "
        "sale rename hide show enable disable"
    ),
    examples=[
        "Mets la tasse bleue à 9,90 €.",
        "Put the mug on sale for 8 euros until Sunday.",
        "Baisse la lampe de deux euros",
        "Solde la théière à 20 euros jusqu'au 31",
        "Retire cet article de la vente",
        "Mets le nouveau mug en ligne",
        "Le T-shirt passe à 25 euros",
        "Drop the price of the lamp",
        "Hide this product from the shop",
        "Rename the mug",
        "Make the new teapot visible",
        "Special price on the shirt until the end of the month",
    ],
)
async def update_product(
    product: ProductRef,
    price: Annotated[Price | None, Field(description="New price, as 12.50.")] = None,
    special_price: Annotated[Price | None, Field(description="Reduced price; 0 ends the sale.")] = None,
    special_until: Annotated[When | None, Field(description="Last day of the reduced price.")] = None,
    name: Annotated[str | None, Field(min_length=1, description="New name of the product.")] = None,
    enabled: Annotated[bool | None, Field(description="False hides it in the shop.")] = None,
) -> Product:
    """Change a product: its price, a reduced price, its name, or whether it is shown in the shop.

    A person is asked first, with the values before and after; what is left out stays. For stock, use
    magento_set_stock. Find products with magento_search_products.
    """
    row = await product_of(product)
    if special_price and special_price >= (price if price is not None else amount_of(row.get("price"))):
        raise errors.InvalidInputError("The reduced price is not below the price.", "Correct one of them.")
    special: list[dict[str, Any]] = []
    if special_price is not None:
        value = written(special_price) if special_price else ""
        special.append({"attribute_code": "special_price", "value": value})
    if special_until:
        day = special_until.day(await shop_zone()).isoformat()
        special.append({"attribute_code": "special_to_date", "value": f"{day} 00:00:00"})
    body = {
        "sku": row["sku"],
        "price": number(price) if price is not None else None,
        "name": name,
        "status": None if enabled is None else 1 if enabled else 2,
        "custom_attributes": special or None,
    }
    before = {"price": row.get("price"), "name": row.get("name"), "status": row.get("status")}
    changes = [f"{k} from {before[k]} to {v}" for k, v in body.items() if k in before and v is not None]
    changes += [f"{one['attribute_code'].replace('_', ' ')} to {one['value'] or 'none'}" for one in special]
    if not changes:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass a price, a name or enabled.")
    shown = listed(changes).replace("status", "status (1 shown, 2 hidden)")
    await confirm(f"Change «{row.get('name')}» ({row['sku']}): {shown}?", row.get("updated_at"))
    wanted = {name: value for name, value in body.items() if value is not None}
    if "/" in str(row["sku"]):  # most web servers refuse it in an address; a create with a known SKU changes
        return Product.model_validate(await api.post("/products", json={"product": wanted}))
    path = f"/products/{segment(str(row['sku']))}"
    return Product.model_validate(await api.put(path, json={"product": wanted}, idempotent=True))


@tools.writes(
    additive=False,
    asks=True,
    idempotent=False,
    search=(
        "stock quantité inventaire corriger ajouter retirer réassort entrepôt dépôt source arrivage reçu "
        "fournisseur rupture recompté pièces casse perdu set count counted quantity restock received add remove "
        "pieces inventory arrived broken warehouse"
    ),
    examples=[
        "Il y a 12 tasses bleues à l'entrepôt.",
        "Add 20 to the stock of the mug.",
        "On a reçu 30 mugs du fournisseur",
        "J'en ai cassé deux, enlève-les",
        "J'ai recompté, il y en a quinze au dépôt",
        "Plus une seule lampe, mets à zéro",
        "Réassort de 50 théières à Lyon",
        "We just received thirty mugs",
        "Two broke, take them off the count",
        "I counted fifteen in the warehouse",
        "Restock the teapot with fifty",
    ],
)
async def set_stock(
    product: ProductRef,
    quantity: Annotated[int | None, Field(ge=0, description="Pieces there, as counted.")] = None,
    change: Annotated[int | None, Field(description="Pieces that came in, or -3 went out.")] = None,
    source: Annotated[str | None, Field(description="Name or code of the source, where there are several.")] = None,
) -> Stock:
    """Set the stock of a product at a source to a counted quantity, or change it by what came in or went out.

    A person is asked first, with the stock before and after. To look at it, use magento_get_product.
    """
    if (quantity is None) == (change is None):
        raise errors.InvalidInputError("It is not clear what the stock is to be.", "Pass quantity or change, not both.")
    row = await product_of(product)
    if row.get("type_id") == "configurable":
        raise errors.InvalidInputError(
            f"«{errors.excerpt(row.get('name'), 60)}» is sold in variants.",
            "Pass the SKU of one; magento_get_product has them.",
        )
    rows = [
        one for one in await search("/inventory/source-items", [("sku", "eq", row["sku"])]) if one.get("source_code")
    ]
    code = await source_of(source) if source else await _only_source(rows)
    there = next((one for one in rows if one["source_code"] == code), None)
    before = amount_of(there.get("quantity")) if there else None
    if change is not None and before is None:
        raise errors.InvalidInputError(f"The product has no stock at {code} yet.", "Pass the counted quantity.")
    after = quantity if quantity is not None else int(before or 0) + int(change or 0)
    if after < 0:
        raise errors.InvalidInputError(f"The stock would be {after}.", "Pass a smaller change, or what was counted.")
    was = plain(before) if before is not None else "none"
    await confirm(f"Set the stock of «{row.get('name')}» ({row['sku']}) at {code} from {was} to {after}?", was)
    item = {"sku": row["sku"], "source_code": code, "quantity": after, "status": int(after > 0)}
    await api.send("POST", "/inventory/source-items", json={"sourceItems": [item]})
    return Stock(sku=str(row["sku"]), source=code, before=float(before) if before is not None else None, quantity=after)


async def _only_source(rows: list[dict[str, Any]]) -> str:
    """Return the source where a product is, or the shop's only one; raises errors.InvalidInputError for several."""
    codes = [str(row["source_code"]) for row in rows] or list(await sources())
    if len(codes) == 1:
        return codes[0]
    raise errors.InvalidInputError("The product is at several sources.", f"Pass one as source: {listed(codes)}.")


@tools.writes(
    core=False,
    creates=True,
    search=(
        "créer crée nouveau produit ajouter article référence catalogue mettre en vente nouveauté create add new "
        "product item to the start selling launch"
    ),
    examples=[
        "On va vendre une nouvelle lampe à 49 euros",
        "Ajoute une bougie au catalogue",
        "Nouvelle référence, sac en lin, 25 euros",
        "Crée la fiche du tablier",
        "Rentre un nouvel article dans la boutique",
        "Add a new candle to the shop",
        "We now sell aprons, put them in",
        "Start selling a linen bag at 25 euros",
        "Enter a new item with SKU BAG1",
    ],
)
async def create_product(
    sku: Annotated[str, Field(min_length=1, max_length=64, description="Its SKU, which is new.", examples=["THEIERE"])],
    name: Annotated[str, Field(min_length=1, description="Name of the product.", examples=["Théière"])],
    price: Annotated[Price, Field(description="Price, as 12.50.", examples=["39.00"])],
    weight: Annotated[Price | None, Field(description="Weight, in the shop's unit.")] = None,
    description: Annotated[str | None, Field(description="Description, text or HTML.")] = None,
    enabled: Annotated[bool, Field(description="True shows it in the shop at once.")] = False,
) -> Product:
    """Create a simple product, hidden unless enabled is true. Fails where a product has its SKU already.

    Its stock is set with magento_set_stock afterwards. Look for it with magento_search_products first.
    """
    known = await search("/products", [("sku", "eq", sku.strip())], size=5)
    if any(str(row.get("sku") or "").casefold() == sku.strip().casefold() for row in known):
        raise errors.InvalidInputError(
            f"There is a product with the SKU `{errors.excerpt(sku, 60)}` already; nothing was done.",
            "Change it with magento_update_product.",
        )
    body = {
        "sku": sku.strip(),
        "name": name,
        "price": number(price),
        "attribute_set_id": 4,  # Default, in every shop
        "type_id": "simple",
        "status": 1 if enabled else 2,
        "visibility": 4,
        "weight": number(weight) if weight is not None else None,
        "custom_attributes": [{"attribute_code": "description", "value": description}] if description else None,
    }
    wanted = {name: value for name, value in body.items() if value is not None}
    return Product.model_validate(await api.post("/products", json={"product": wanted}))


@tools.reads(
    core=False,
    search=(
        "catégories rayons familles gammes de produits arborescence quels types categories departments ranges "
        "tree kinds"
    ),
    examples=[
        "Quels rayons a la boutique ?",
        "Quelles familles d'articles avons-nous ?",
        "Comment le catalogue est-il rangé ?",
        "Donne la liste des gammes",
        "Which departments are there?",
        "What ranges do we sell?",
        "How is the catalogue organised?",
        "Show the category tree",
    ],
)
async def list_categories(
    query: Annotated[str | None, Field(description="Only categories with this in their name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Category]:
    """List the product categories of the shop, each with its id and the one above it.

    Use it to learn which categories magento_search_products takes by name.
    """
    group: list[Condition] = [("name", "like", like(query))] if query else []
    return await search_page("/categories/list", Category, group, limit=limit, cursor=cursor)

"""Products and their variations: found, read, created, priced, counted.

https://woocommerce.github.io/woocommerce-rest-api-docs/#products
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Toolset, confirm, errors, readable, segment
from flotilla.parsing import html_to_text, listed

from ..client import api
from ..lookup import (
    ProductRef,
    VariationRef,
    category_of,
    currency,
    product_of,
    sold_thing,
    variations_of,
)
from ..models import Changed, ChangedMany, Product, ProductDetails, Stock, Variation, options, texts
from ..values import Price as PriceAmount
from ..values import amount, written

tools = Toolset("products")
MANY = 100  # objects of one batch, which is WooCommerce's own limit
Price = Annotated[PriceAmount | None, Field(description="Regular price, as 12.50.")]
SalePrice = Annotated[PriceAmount | None, Field(description="Reduced price; 0 ends the sale.")]


@tools.reads(
    search=(
        "cherche produit produits article référence stock prix catalogue disponible dispo rupture épuisé vend "
        "vendez avez-vous nouveautés liste rayon find products items do you have sell in out of sold browse SKU"
    ),
    examples=[
        "Avez-vous encore la tasse bleue ?",
        "Which products are out of stock?",
        "Vous vendez des théières ?",
        "Qu'est-ce qui est en rupture ?",
        "Qu'est-ce qu'on a en rouge ?",
        "Montre-moi tout ce qu'il y a dans le rayon cuisine",
        "Quels articles sont épuisés ?",
        "Do you sell lamps?",
        "What is sold out?",
        "Show me everything in kitchenware",
        "Got anything in red?",
        "Find the product with this reference",
    ],
)
async def search_products(
    query: Annotated[str | None, Field(description="Words of the name, or the exact SKU.")] = None,
    category: Annotated[str | None, Field(description="Name of a category.")] = None,
    stock: Annotated[
        Literal["instock", "outofstock", "onbackorder"] | None, Field(description="Only this stock state.")
    ] = None,
    status: Annotated[
        Literal["publish", "draft", "pending", "private"] | None, Field(description="Only this status.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Product]:
    """Search products by words, exact SKU, category or stock state; without arguments, list the newest.

    Returns price, stock and the SKU or id that other tools take. Variations stand in woo_get_product.
    """
    params: dict[str, Any] = {
        "search": query,
        "category": (await category_of(category)).id if category else None,
        "stock_status": stock,
        "status": status,
    }
    page = await api.page("/products", Product, params=params, limit=limit, cursor=cursor)
    if not page.items and query and not cursor and "," not in query:
        params = {**params, "search": None, "sku": query.strip()}
        page = await api.page("/products", Product, params=params, limit=limit, cursor=cursor)
    return page


@tools.reads(
    search=(
        "fiche produit article combien reste coûte quel prix tarif stock variantes tailles couleurs pointures "
        "description how many left much price cost does it come in sizes colours variations details of one "
        "product"
    ),
    examples=[
        "Combien reste-t-il de tasses bleues ?",
        "What does the mug cost?",
        "C'est combien, la tasse bleue ?",
        "Il vous en reste en taille M ?",
        "Elle existe en quelles couleurs ?",
        "Décris-moi ce produit",
        "Combien on en a encore en réserve ?",
        "How much is the blue cup?",
        "How many mugs do we have left?",
        "Which sizes does it come in?",
        "Tell me about this product",
    ],
)
async def get_product(product: ProductRef) -> ProductDetails:
    """Get one product by SKU, name or id: prices, stock, description, and each variation with its own price and stock.

    To find products by words, category or stock state, use woo_search_products. To change it, use woo_update_product,
    for its stock woo_set_stock.
    """
    row = await product_of(product)
    attributes = [
        f"{one.get('name')}: {', '.join(str(o) for o in one.get('options') or [])}"
        for one in row.get("attributes") or []
        if isinstance(one, dict) and isinstance(one.get("options"), list)
    ]
    details = {
        **row,
        "description": html_to_text(str(row.get("description") or row.get("short_description") or "")) or None,
        "attributes": attributes,
        "variations": readable(Variation, await variations_of(row)),
    }
    return ProductDetails.model_validate(details)


@tools.writes(
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "modifier changer prix produit promotion solde soldes baisser augmenter nom renommer description publier "
        "dépublier mettre en ligne retirer de la vente cacher masquer change price raise lower sale rename hide "
        "show publish take offline"
    ),
    examples=[
        "Mets la tasse bleue à 9,90 €.",
        "Put the mug on sale for 8 euros.",
        "Baisse la lampe de dix pour cent",
        "Solde la théière à 20 euros",
        "Retire cet article de la vente",
        "Mets le nouveau mug en ligne",
        "Change le texte de la fiche produit",
        "Fin des soldes sur la tasse, remets le prix normal",
        "Drop the price of the lamp by two euros",
        "Hide this product from the shop",
        "Rename the mug",
        "Take the teapot offline",
    ],
)
async def update_product(
    product: ProductRef,
    variation: VariationRef = None,
    regular_price: Price = None,
    sale_price: SalePrice = None,
    name: Annotated[str | None, Field(min_length=1, description="New name of a product.")] = None,
    description: Annotated[str | None, Field(description="New text, plain or HTML.")] = None,
    status: Annotated[
        Literal["publish", "draft", "private"] | None,
        Field(description="publish shows it, draft hides it."),
    ] = None,
) -> Product:
    """Change a product or one variation: regular price, sale price, name, description, or whether it is shown.

    A person is asked first, with the price before and after; what is left out stays. For stock, use woo_set_stock.
    """
    path, row, label = (
        await sold_thing(product, variation)
        if variation or regular_price or sale_price is not None
        else (await _whole(product))
    )
    if "/variations/" in path and name:
        raise errors.InvalidInputError("A variation has no name of its own.", "Leave the name or the variation out.")
    body = {
        "regular_price": written(regular_price) if regular_price is not None else None,
        "sale_price": None if sale_price is None else written(sale_price) if sale_price else "",
        "name": name,
        "description": description,
        "status": status,
    }
    if not any(value is not None for value in body.values()):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass a price, a name, a description or a status.")
    regular = regular_price if regular_price is not None else amount(row.get("regular_price"))
    if sale_price and sale_price >= regular:
        raise errors.InvalidInputError(
            f"The sale price {written(sale_price)} is not below the regular price {written(regular)}.", "Correct one."
        )
    code = await currency() if regular_price is not None or sale_price is not None else ""
    changes = [
        f"{field.replace('_', ' ')} from {errors.excerpt(row.get(field) or 'none', 40)} to "
        f"{errors.excerpt(value or 'none', 60)}{f' {code}' if value and 'price' in field else ''}"
        for field, value in body.items()
        if value is not None
    ]
    await confirm(f"Change «{label}»: {', '.join(changes)}?", [row.get("regular_price"), row.get("sale_price")])
    return Product.model_validate({"name": label, **await api.put(path, json=body)})


async def _whole(product: str) -> tuple[str, dict[str, Any], str]:
    """Return a product as `sold_thing` does, its variations aside."""
    row = await product_of(product)
    if row.get("type") == "variation" and row.get("parent_id"):
        return f"/products/{row['parent_id']}/variations/{row['id']}", row, str(row.get("name") or product)
    return f"/products/{row['id']}", row, str(row.get("name") or product)


@tools.writes(
    additive=False,
    asks=True,
    idempotent=False,
    search=(
        "stock quantité inventaire corriger ajouter retirer réassort rupture compter recompté arrivage reçu "
        "livraison fournisseur pièces casse perdu set count counted quantity restock received add remove pieces "
        "inventory arrived broken"
    ),
    examples=[
        "Il y a 12 tasses bleues en stock.",
        "Add 20 to the stock of the mug.",
        "On a reçu 30 mugs du fournisseur",
        "J'en ai cassé deux, enlève-les du stock",
        "J'ai recompté, il y en a quinze",
        "Plus aucune lampe, mets à zéro",
        "Réassort de 50 théières",
        "We just received thirty mugs",
        "Two broke, take them off the inventory",
        "I counted fifteen lamps on the shelf",
        "Restock the teapot with fifty pieces",
    ],
)
async def set_stock(
    product: ProductRef,
    quantity: Annotated[int | None, Field(description="Pieces in stock, as counted.")] = None,
    change: Annotated[int | None, Field(description="Pieces that came in, or -3 went out.")] = None,
    variation: VariationRef = None,
) -> Stock:
    """Set the stock of a product or variation to a counted quantity, or change it by what came in or went out.

    A person is asked first, with the stock before and after. To look at it, use woo_get_product.
    """
    if (quantity is None) == (change is None):
        raise errors.InvalidInputError("It is not clear what the stock is to be.", "Pass quantity or change, not both.")
    path, row, label = await sold_thing(product, variation)
    before = amount(row.get("stock_quantity")) if row.get("stock_quantity") is not None else None
    if change is not None and before is None:
        raise errors.InvalidInputError(
            f"The stock of «{errors.excerpt(label, 60)}» is not counted yet.", "Pass the counted quantity."
        )
    after = quantity if quantity is not None else int(before or 0) + int(change or 0)
    shown = f"{before.normalize():f}" if before is not None else "not counted"
    await confirm(f"Set the stock of «{label}» from {shown} to {after}?", str(before))
    body = {"manage_stock": True, "stock_quantity": after}
    changed = await api.put(path, json=body)
    was = float(before) if before is not None else None
    return Stock.model_validate({**changed, "name": label, "before": was, "sku": changed.get("sku") or None})


@tools.writes(
    core=False,
    creates=True,
    search=(
        "créer crée nouveau produit ajouter article référence catalogue mettre en vente nouveauté create add new "
        "product item to the start selling launch"
    ),
    examples=[
        "On va vendre une nouvelle lampe à 49 euros",
        "Ajoute une théière au catalogue",
        "Crée une nouvelle fiche pour les bougies",
        "Mets en vente un tablier en trois tailles",
        "Nouvelle référence, sac en lin, 25 euros",
        "Add a new candle to the shop",
        "We now sell aprons, put them in the catalogue",
        "Create an article called linen bag",
        "Start selling a lamp for 49 euros",
    ],
)
async def create_product(
    name: Annotated[str, Field(min_length=1, max_length=200, description="Name of the product.", examples=["Tasse"])],
    regular_price: Price = None,
    sku: Annotated[str | None, Field(max_length=100, description="Its SKU, which no other product may have.")] = None,
    category: Annotated[str | None, Field(description="Name of the category, from woo_list_categories.")] = None,
    description: Annotated[str | None, Field(max_length=20_000, description="Description, text or HTML.")] = None,
    stock_quantity: Annotated[int | None, Field(description="Pieces in stock, where stock is counted.")] = None,
    variations: Annotated[
        dict[str, list[str]] | None, Field(description="Attributes of a variable product, as Taille: [S, M].")
    ] = None,
    publish: Annotated[bool, Field(description="True shows it in the shop at once; otherwise it is a draft.")] = False,
) -> Product:
    """Create a product, as a draft unless publish is true. Fails where another product has its SKU or, without one, its
    name.

    With variations it is a variable product, whose prices and stock woo_create_variation then sets. Look for it with
    woo_search_products first.
    """
    if not sku:
        rows = await api.rows("/products", params={"search": name, "per_page": 50})
        if same := next(
            (row for row in rows if str(row.get("name") or "").casefold() == name.strip().casefold()), None
        ):
            raise errors.InvalidInputError(
                f"There is a product «{errors.excerpt(name, 60)}» already (id {same.get('id')}); nothing was done.",
                "Change it with woo_update_product, or pass a SKU for another product of this name.",
            )
    attributes = [
        {"name": key, "options": values, "visible": True, "variation": True}
        for key, values in (variations or {}).items()
    ]
    body = {
        "name": name,
        "type": "variable" if attributes else "simple",
        "status": "publish" if publish else "draft",
        "regular_price": written(regular_price) if regular_price is not None and not attributes else None,
        "sku": sku,
        "description": description,
        "categories": [{"id": int((await category_of(category)).id)}] if category else None,
        "manage_stock": True if stock_quantity is not None else None,
        "stock_quantity": stock_quantity,
        "attributes": attributes or None,
    }
    return Product.model_validate(await api.post("/products", json=body))


@tools.writes(
    core=False,
    creates=True,
    search=(
        "créer ajouter variante variation déclinaison taille couleur modèle coloris pointure option existe aussi "
        "add variant size colour new of an existing product"
    ),
    examples=[
        "Ajoute le T-shirt en XL",
        "La tasse existe maintenant aussi en vert",
        "Crée une déclinaison rouge du sac",
        "Il manque la taille S sur ce produit",
        "Nouveau coloris pour la théière",
        "Add a green version of the mug",
        "The T-shirt now comes in XL too",
        "Create a new size for the apron",
        "We need a red option on the bag",
    ],
)
async def create_variation(
    product: ProductRef,
    choices: Annotated[
        dict[str, str],
        Field(min_length=1, description="Option by attribute, as Taille: M.", examples=[{"Couleur": "Rouge"}]),
    ],
    regular_price: Price = None,
    sku: Annotated[str | None, Field(max_length=100, description="Its SKU, which no other product may have.")] = None,
    stock_quantity: Annotated[int | None, Field(description="Pieces in stock, where stock is counted.")] = None,
) -> Variation:
    """Create a variation of a variable product, with its price and stock. Fails where the same options exist already.

    The attributes and the variations that exist stand in woo_get_product; find the product with woo_search_products.
    """
    row = await product_of(product)
    if row.get("type") != "variable":
        raise errors.InvalidInputError(
            f"«{errors.excerpt(row.get('name') or product, 60)}» is not sold in variations.",
            "Create a product with variations with woo_create_product.",
        )
    wanted = {key.casefold(): value.casefold() for key, value in choices.items()}
    for one in await variations_of(row):
        there = {
            str(a.get("name") or "").casefold(): str(a.get("option") or "").casefold()
            for a in one.get("attributes") or []
            if isinstance(a, dict)
        }
        if there == wanted:
            raise errors.InvalidInputError(
                f"This variation exists already ({options(one.get('attributes'))}, id {one['id']}); nothing was done.",
                "Change it with woo_update_product or woo_set_stock.",
            )
    body = {
        "attributes": [{"name": name, "option": option} for name, option in choices.items()],
        "regular_price": written(regular_price) if regular_price is not None else None,
        "sku": sku,
        "manage_stock": True if stock_quantity is not None else None,
        "stock_quantity": stock_quantity,
    }
    return Variation.model_validate(await api.post(f"/products/{segment(str(row['id']))}/variations", json=body))


class ProductChange(Model):
    """A change of one product of many, as an argument."""

    product: str = Field(description="SKU of the product or variation, from woo_search_products.", examples=["TASSE"])
    regular_price: PriceAmount | None = Field(None, description="New regular price, in the shop's currency.")
    sale_price: PriceAmount | None = Field(None, description="New reduced price; 0 ends the sale.")
    stock_quantity: int | None = Field(None, description="Pieces that are in stock now.")

    def fields(self) -> dict[str, Any]:
        """Return what is to be changed, as the API takes it."""
        raw = {
            "regular_price": written(self.regular_price) if self.regular_price is not None else None,
            "sale_price": None if self.sale_price is None else written(self.sale_price) if self.sale_price else "",
            "manage_stock": True if self.stock_quantity is not None else None,
            "stock_quantity": self.stock_quantity,
        }
        return {name: value for name, value in raw.items() if value is not None}


def _said(field: str, value: Any) -> str:
    return f"{field.replace('_', ' ')} {'none' if value == '' else value}"


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "en masse plusieurs produits d'un coup tous les prix tarifs stock inventaire lot liste complète bulk many "
        "products at once all prices take several items whole list"
    ),
    examples=[
        "Augmente tous les prix de 5 %",
        "Voici l'inventaire complet, mets tout à jour",
        "Change le prix de ces dix articles d'un coup",
        "Passe toute la vaisselle en solde",
        "Mets à zéro le stock de ces références",
        "Raise all prices by five percent",
        "Here are the counts for twenty items",
        "Update the stock of these products in one go",
        "Put the whole range on sale",
    ],
)
async def update_products(
    changes: Annotated[
        list[ProductChange],
        Field(
            min_length=1,
            max_length=MANY,
            description="Products with what changes, 100 at most.",
            examples=[[{"product": "TASSE-BLEUE", "stock_quantity": 12}]],
        ),
    ],
) -> ChangedMany:
    """Change prices and stock of up to 100 products or variations by SKU in one step, after a person was asked.

    Each that could not be changed comes back with its problem; the others are changed all the same. For one product,
    use woo_update_product or woo_set_stock. SKUs come from woo_search_products.
    """
    skus = [one.product.strip() for one in changes]
    if wrong := [sku for sku in skus if "," in sku or skus.count(sku) > 1]:
        raise errors.InvalidInputError(
            f"These SKUs are named twice, or hold a comma: {listed(dict.fromkeys(wrong))}.", "Name each product once."
        )
    if empty := [one.product for one in changes if not one.fields()]:
        raise errors.InvalidInputError(f"Nothing changes of {listed(empty)}.", "Pass a price or a stock for each.")
    rows = await api.rows("/products", params={"sku": ",".join(skus), "per_page": MANY})
    by_sku = {str(row.get("sku") or "").casefold(): row for row in rows if row.get("id")}
    if missing := [sku for sku in skus if sku.casefold() not in by_sku]:
        raise errors.NotFoundError(
            f"There is no product with the SKU {listed(missing)}; nothing was done.",
            "Look for it with woo_search_products.",
        )
    batches: dict[str, list[dict[str, Any]]] = {}
    for sku, change in zip(skus, changes, strict=True):
        row = by_sku[sku.casefold()]
        parent = row.get("parent_id") if row.get("type") == "variation" else None
        path = f"/products/{parent}/variations/batch" if parent else "/products/batch"
        batches.setdefault(path, []).append({"id": row["id"], **change.fields()})
    shown = [
        f"{sku} ({texts(_said(k, v) for k, v in change.fields().items() if k != 'manage_stock')})"
        for sku, change in zip(skus, changes, strict=True)
    ]
    await confirm(f"Change {len(changes)} products: {'; '.join(shown)}?")
    for path in list(batches)[1:]:
        api.follows("POST", path, json={"update": batches[path]})
    done: dict[str, Changed] = {}
    for path, update in batches.items():
        answer = await api.post(path, json={"update": update})
        for row in api.rows_in(answer, "update", missing=True):
            error = row.get("error")
            problem = str(error.get("message") or "It was refused.") if isinstance(error, dict) else None
            key = str(row.get("id"))
            done[key] = Changed(id=key, name=str(row.get("name") or "") or None, problem=problem)
    unknown = "The shop did not say whether it was changed."
    ids = [str(by_sku[sku.casefold()]["id"]) for sku in skus]
    items = [done.get(key) or Changed(id=key, problem=unknown) for key in ids]
    return ChangedMany(changed=sum(one.problem is None for one in items), items=items)

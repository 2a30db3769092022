"""Products, variants and collections. https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Product"""

from __future__ import annotations

import html
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Amount, Cursor, Limit, Model, Page, Record, Toolset, choose, confirm, errors
from flotilla.parsing import folded

from ..client import api
from ..documents import PAGE_INFO, PRODUCT, PRODUCT_ROW, USER_ERRORS
from ..graphql import every, last_of, mutate, page, query
from ..lookup import ProductRef, VariantRef, find_product, find_variant, terms_of
from ..models import Collection, Product, ProductRow, Variant, dig

tools = Toolset("products")
READ = ["read_products", "write_products"]
WRITE = ["write_products"]
ONLINE_STORE = "Online Store"

SEARCH = f"""
query SearchProducts($first: Int!, $after: String, $query: String) {{
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{ ...ProductRow }} {PAGE_INFO}
  }}
}}
{PRODUCT_ROW}"""
CREATE = f"""
mutation CreateProduct($input: ProductSetInput!) {{
  productSet(input: $input, synchronous: true) {{ product {{ ...ProductRow }} {USER_ERRORS} }}
}}
{PRODUCT_ROW}"""
UPDATE = f"""
mutation UpdateProduct($product: ProductUpdateInput!, $id: ID!, $add: [String!]!, $adds: Boolean!,
  $remove: [String!]!, $removes: Boolean!, $update: Boolean!) {{
  tagsAdd(id: $id, tags: $add) @include(if: $adds) {{ node {{ ...Product }} {USER_ERRORS} }}
  tagsRemove(id: $id, tags: $remove) @include(if: $removes) {{ node {{ ...Product }} {USER_ERRORS} }}
  productUpdate(product: $product) @include(if: $update) {{ product {{ ...Product }} {USER_ERRORS} }}
}}
{PRODUCT}"""
VARIANTS = f"""
mutation UpdateVariants($productId: ID!, $variants: [ProductVariantsBulkInput!]!) {{
  productVariantsBulkUpdate(productId: $productId, variants: $variants) {{
    productVariants {{ id title sku barcode price compareAtPrice inventoryQuantity }} {USER_ERRORS}
  }}
}}"""
PUBLICATIONS = """
query Publications { publications(first: 50, catalogType: APP) { nodes { id catalog { title } } } }"""
PUBLISH = f"""
mutation PublishProduct($id: ID!, $input: [PublicationInput!]!) {{
  publishablePublish(id: $id, input: $input) {{ {USER_ERRORS} }}
}}"""
UNPUBLISH = f"""
mutation UnpublishProduct($id: ID!, $input: [PublicationInput!]!) {{
  publishableUnpublish(id: $id, input: $input) {{ {USER_ERRORS} }}
}}"""
COLLECTIONS = f"""
query Collections($first: Int!, $after: String, $query: String) {{
  collections(first: $first, after: $after, query: $query, sortKey: TITLE) {{
    nodes {{ id title handle productsCount {{ count }} ruleSet {{ appliedDisjunctively }} }} {PAGE_INFO}
  }}
}}"""
ADD = f"""
mutation AddToCollection($id: ID!, $products: [ID!]!) {{
  collectionAddProducts(id: $id, productIds: $products) {{
    collection {{ id title handle productsCount {{ count }} ruleSet {{ appliedDisjunctively }} }} {USER_ERRORS}
  }}
}}"""
REMOVE = f"""
mutation RemoveFromCollection($id: ID!, $products: [ID!]!) {{
  collectionRemoveProducts(id: $id, productIds: $products) {{ job {{ id done }} {USER_ERRORS} }}
}}"""
Status = Literal["active", "draft", "archived"]
Description = Annotated[str | None, Field(max_length=20_000, description="Text of the product page, as plain text.")]
Vendor = Annotated[str | None, Field(max_length=255, description="Brand or maker of the product.")]
Kind = Annotated[str | None, Field(max_length=255, description="Kind of product, such as Chemise.")]
Tags = Annotated[list[str] | None, Field(description="Tags, each as one text.", max_length=50)]
CollectionRef = Annotated[
    str,
    Field(min_length=1, description="Name of the collection, or its id from shopify_list_collections.",
          examples=["Été"]),
]  # fmt: skip
Products = Annotated[
    list[str],
    Field(min_length=1, max_length=50, description="Names of the products, or ids from shopify_search_products.",
          examples=[["Chemise en lin"]]),
]  # fmt: skip


class Published(Model):
    """Where a product is to be bought now."""

    product_id: str
    title: str
    channels: list[str]
    published: bool
    status: str


@tools.reads(
    scopes=READ,
    search=(
        "produit article prix référence SKU code-barres catalogue combien coûte how much price in stock "
        "vend-on tarif on a ça quel retrouve marque modèle cherche do we sell cost carry look up item "
        "of brand drafts brouillon référencés stocked"
    ),
    examples=[
        "Combien coûte la chemise en lin ?",
        "Do we have SKU LIN-M?",
        "C'est combien, la bougie vanille ?",
        "Est-ce qu'on vend des écharpes ?",
        "Trouve la référence LIN-M",
        "Quels articles on a de cette marque ?",
        "Quel produit a ce code-barres ?",
        "How much is the vanilla candle?",
        "Do we sell scarves?",
        "Find the item with this barcode",
        "What do we carry from that brand?",
        "Which products are still drafts?",
    ],
)
async def search_products(
    text: Annotated[
        str | None, Field(description="Words from name, SKU, barcode or brand; tag:soldes for a tag.", examples=["lin"])
    ] = None,
    status: Annotated[Status | None, Field(description="Only products with this status.")] = None,
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum items per page.")] = 20,
    cursor: Cursor = None,
) -> Page[ProductRow]:
    """Find products by name, SKU, barcode, brand or tag, last changed first.

    Returns the first ten variants of each with id, price in the shop's currency, and stock at all locations together.
    For the stock by location use shopify_get_stock, which takes the SKU or the variant's id.
    """
    search = every(terms_of(text), f"status:{status}" if status else None)
    return await page(SEARCH, "products", ProductRow, limit=limit, cursor=cursor, query=search)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "détail produit description variantes collections page fiche article descriptif lien tailles "
        "couleurs matière texte lis link sizes colours material read details of"
    ),
    examples=[
        "Lis-moi la description de la chemise",
        "En quelles tailles elle existe ?",
        "C'est quoi le lien de l'article sur le site ?",
        "De quelle matière c'est ?",
        "Dans quelles collections est ce produit ?",
        "Read me the description of the shirt",
        "What sizes and colours does it come in?",
        "Give me the link to this product",
        "What's it made of?",
        "Which collections is it in?",
    ],
)
async def get_product(product: ProductRef) -> Product:
    """Get one product with its description, its page in the shop, its collections and all variants.

    Find products with shopify_search_products, which is enough for prices and stock.
    """
    return Product.model_validate(await find_product(product))


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search=(
        "créer ajouter nouveau produit article fiche rentrer référence nouveauté mettre en vente "
        "proposer new item add launch put up sell listing"
    ),
    examples=[
        "Crée le produit « Foulard en soie » à 45 €.",
        "Ajoute un nouvel article à 25 €",
        "On a une nouveauté, crée la fiche",
        "Rentre une bougie au jasmin dans le catalogue",
        "Nouvelle référence à mettre en vente",
        "Je veux vendre des savons, ajoute-les",
        "Add a new item at 25 euros",
        "Create a listing for our new scarf",
        "We've got something new, put it in the catalogue",
        "I want to sell soap, add it",
        "New product as a draft",
    ],
)
async def create_product(
    title: Annotated[
        str, Field(min_length=1, max_length=255, description="Name of the product.", examples=["Foulard"])
    ],
    price: Annotated[
        Amount, Field(description="Price in the shop's currency, taxes as the shop has them.", examples=["45.00"])
    ],
    description: Description = None,
    vendor: Vendor = None,
    kind: Kind = None,
    sku: Annotated[str | None, Field(max_length=255, description="Stock keeping unit of the product.")] = None,
    tags: Tags = None,
    status: Annotated[Status, Field(description="draft is not shown to customers.")] = "draft",
) -> ProductRow:
    """Create a product with one variant, its price and SKU; it is a draft unless the status says else.

    Fails where a product of this name exists: look with shopify_search_products. Afterwards set stock with
    shopify_set_stock and show it with shopify_publish_product. Options such as sizes are made in Shopify.
    """
    rows = (await page(SEARCH, "products", ProductRow, limit=20, cursor=None, query=terms_of(title))).items
    if same := next((row for row in rows if folded(row.title) == folded(title)), None):
        raise errors.InvalidInputError(
            f"There is a product «{same.title}» already ({same.id}); nothing was created.",
            "Change it with shopify_update_product, or pass another name.",
        )
    if price < 0:
        raise errors.InvalidInputError("The price is below 0.", "Pass 0 or more.")
    only = {"optionValues": [{"optionName": "Title", "name": "Default Title"}], "price": str(price)}
    values = {
        "title": title,
        "descriptionHtml": paragraphs(description),
        "vendor": vendor,
        "productType": kind,
        "tags": tags,
        "status": status.upper(),
        "productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}],
        "variants": [{**only, **({"sku": sku} if sku else {})}],
    }
    data = await mutate(CREATE, {"input": {name: value for name, value in values.items() if value is not None}})
    return ProductRow.model_validate(data["productSet"]["product"])


def paragraphs(text: str | None) -> str | None:
    """Return plain text as HTML: a paragraph for each one, None without text."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{html.escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts)


@tools.writes(
    core=False,
    additive=False,
    scopes=WRITE,
    search=(
        "modifier produit titre description statut tag archiver renommer change le texte réécris nom de "
        "l'article marque retire du catalogue archive réactive edit rewrite text name brand reactivate "
        "rename actif étiquette nouveauté tagging label"
    ),
    examples=[
        "Change la description de la chemise",
        "Renomme l'article",
        "Archive ce produit, on n'en vend plus",
        "Passe le foulard en actif",
        "Mets l'étiquette nouveauté sur ce produit",
        "Rewrite the text of the scarf",
        "Rename that item",
        "Archive it, we no longer sell it",
        "Make the product active",
        "Tag the shirt as new",
    ],
)
async def update_product(
    product: ProductRef,
    title: Annotated[str | None, Field(min_length=1, max_length=255, description="New name of the product.")] = None,
    description: Description = None,
    vendor: Vendor = None,
    kind: Kind = None,
    status: Annotated[Status | None, Field(description="New status; archived hides it everywhere.")] = None,
    add_tags: Tags = None,
    remove_tags: Tags = None,
) -> Product:
    """Change name, text, brand, kind, status or tags of a product; what is not passed stays.

    The text is put in place of the old one, which shopify_get_product shows. Prices and SKU are changed by
    shopify_update_variant, stock by shopify_set_stock.
    """
    target = await find_product(product)
    values = {
        "title": title,
        "descriptionHtml": paragraphs(description),
        "vendor": vendor,
        "productType": kind,
        "status": status.upper() if status else None,
    }
    changes: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if not (changes or add_tags or remove_tags):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass what is to be changed.")
    data = await mutate(
        UPDATE,
        {
            "id": target["id"],
            "product": {"id": target["id"], **changes},
            "update": bool(changes),
            "add": add_tags or [],
            "adds": bool(add_tags),
            "remove": remove_tags or [],
            "removes": bool(remove_tags),
        },
    )
    return Product.model_validate(last_of(data, "product"))


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    scopes=WRITE,
    search=(
        "changer prix tarif promotion prix barré SKU code-barres variante soldes augmente baisse le "
        "solder moins cher coûte désormais référence EAN raise lower price cheaper put on sale cost "
        "compare-at barcode mark down"
    ),
    examples=[
        "Passe la chemise en lin M à 39 €, prix barré 49 €.",
        "Augmente le prix de la bougie à 19 €",
        "Solde l'écharpe à 29 au lieu de 39",
        "Baisse le tarif de la taille M",
        "Elle coûte désormais 45 €",
        "Le code-barres est faux, corrige",
        "Raise the price to 19 euros",
        "Put the scarf on sale for 29",
        "Make the size M cheaper",
        "The SKU is wrong, change it",
        "Mark it down by five euros",
    ],
)
async def update_variant(
    variant: VariantRef,
    price: Annotated[Amount | None, Field(description="New price in the shop's currency.")] = None,
    compare_at_price: Annotated[
        Amount | None, Field(description="Crossed-out price, above the price; 0 takes it away.")
    ] = None,
    sku: Annotated[str | None, Field(min_length=1, max_length=255, description="New stock keeping unit.")] = None,
    barcode: Annotated[
        str | None, Field(min_length=1, max_length=255, description="New barcode, such as EAN-13.")
    ] = None,
) -> Variant:
    """Change price, crossed-out price, SKU or barcode of one variant. A person is asked before a price changes.

    Find the variant with shopify_search_products; it goes by SKU, name or id. Stock is set by shopify_set_stock.
    """
    target = await find_variant(variant)
    values: dict[str, Any] = {}
    if price is not None:
        values["price"] = str(price)
    if compare_at_price is not None:
        values["compareAtPrice"] = str(compare_at_price) if compare_at_price else None
    if sku:
        values["inventoryItem"] = {"sku": sku}
    if barcode:
        values["barcode"] = barcode
    if not values:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass a price, a SKU or a barcode.")
    if any(value is not None and value < 0 for value in (price, compare_at_price)):
        raise errors.InvalidInputError("The price is below 0.", "Pass 0 or more.")
    if price is not None and Decimal(str(target.get("price") or 0)) != price:
        await confirm(
            f"Change the price of «{target.get('displayName')}» from {target.get('price')} to {price}?",
            target.get("price"),
        )
    product = dig(target, "product", "id")
    data = await mutate(VARIANTS, {"productId": product, "variants": [{"id": target["id"], **values}]})
    return Variant.model_validate(data["productVariantsBulkUpdate"]["productVariants"][0])


async def _channels(names: list[str] | None) -> list[Record]:
    """Return the sales channels of these names, the online store without one."""
    rows = api.rows_in(await query(PUBLICATIONS), "publications.nodes")
    known = [Record({"id": row["id"], "name": dig(row, "catalog", "title") or ""}) for row in rows if row.get("id")]
    return [choose(name, known, kind="sales channel") for name in names or [ONLINE_STORE]]


@tools.writes(
    core=False,
    additive=False,
    scopes=["write_publications write_products"],
    search=(
        "publier mettre en ligne produit boutique dépublier retirer canal de vente online visible "
        "affiche cacher masquer sur le site vitrine rendre disponible show hide go live take down "
        "website storefront unpublish apparaître apparaît cache display appear"
    ),
    examples=[
        "Mets la chemise en ligne",
        "Rends ce produit visible sur le site",
        "Cache cet article pour le moment",
        "Retire la bougie de la boutique en ligne",
        "L'article n'apparaît pas sur le site, publie-le",
        "Put the scarf on the website",
        "Hide this item for now",
        "Make it visible in the store",
        "Take the candle down from the site",
        "Go live with the new shirt",
    ],
)
async def publish_product(
    product: ProductRef,
    channels: Annotated[
        list[str] | None, Field(max_length=20, description="Names of sales channels; Online Store without them.")
    ] = None,
    undo: Annotated[bool, Field(description="True takes the product off these channels.")] = False,
) -> Published:
    """Show a product on sales channels such as the online store, or take it off with undo.

    Customers see it only while its status is active: shopify_update_product changes that. Unknown channels are answered
    with those that exist.
    """
    target = await find_product(product)
    chosen = await _channels(channels)
    inputs = [{"publicationId": channel["id"]} for channel in chosen]
    await mutate(UNPUBLISH if undo else PUBLISH, {"id": target["id"], "input": inputs})
    return Published(
        product_id=str(target["id"]),
        title=str(target["title"]),
        channels=[str(channel["name"]) for channel in chosen],
        published=not undo,
        status=str(target["status"]),
    )


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "collections catégories rayons produits groupes quelles rubriques classement sélection gammes "
        "which categories ranges sections departments combien d'articles dedans how many products"
    ),
    examples=[
        "Quelles collections on a ?",
        "Combien d'articles dans la collection été ?",
        "Quels sont nos rayons ?",
        "Liste les catégories du site",
        "On a une sélection Noël ?",
        "What collections do we have?",
        "How many products are in the summer one?",
        "List the categories of the store",
        "Is there a Christmas collection?",
    ],
)
async def list_collections(
    text: Annotated[str | None, Field(description="Words from the collection's name.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Collection]:
    """List the collections of the shop by name, each with its number of products.

    Products are added to a manual collection with shopify_add_to_collection; an automatic one chooses by rules.
    """
    return await page(COLLECTIONS, "collections", Collection, limit=limit, cursor=cursor, query=terms_of(text))


async def _collection(text: str) -> Collection:
    """Return a manual collection by name or id."""
    target = await page(COLLECTIONS, "collections", Collection, limit=100, cursor=None)
    rows = {row.id: row for row in target.items}
    if target.next_cursor:  # a shop with more of them
        more = await page(COLLECTIONS, "collections", Collection, limit=100, cursor=None, query=terms_of(text))
        rows |= {row.id: row for row in more.items}
    chosen = choose(
        text, rows.values(), name=lambda row: row.title, kind="collection", listed_by="shopify_list_collections"
    )
    if chosen.automatic:
        raise errors.InvalidInputError(
            f"«{chosen.title}» is automatic: its rules choose the products.", "Change the rules in Shopify."
        )
    return chosen


@tools.writes(
    core=False,
    creates=True,
    idempotent=True,
    scopes=WRITE,
    search=(
        "ajouter produit collection catégorie rayon range mets dans sélection classe soldes d'été put "
        "into category include sort"
    ),
    examples=[
        "Mets la chemise dans les soldes d'été",
        "Range ces bougies au rayon maison",
        "Ajoute l'écharpe à la sélection Noël",
        "Ces trois articles vont dans nouveautés",
        "Classe ce produit avec les cadeaux",
        "Put the shirt in the summer sale",
        "Add these candles to the home category",
        "The scarf belongs in the Christmas collection",
        "Include it in new arrivals",
    ],
)
async def add_to_collection(collection: CollectionRef, products: Products) -> Collection:
    """Add products to a manual collection, such as the summer sale; those that are in it stay.

    Collections stand in shopify_list_collections, products in shopify_search_products. Automatic collections are
    refused.
    """
    chosen = await _collection(collection)
    ids = [str((await find_product(product))["id"]) for product in products]
    data = await mutate(ADD, {"id": chosen.id, "products": ids})
    return Collection.model_validate(data["collectionAddProducts"]["collection"])


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "retirer enlever produit collection ôte sors de la sélection rayon catégorie plus dans take out "
        "of category drop"
    ),
    examples=[
        "Enlève la chemise des soldes d'été",
        "Sors l'écharpe de la sélection Noël",
        "Ce produit n'est plus une nouveauté, retire-le du rayon",
        "Ôte ces bougies de la catégorie maison",
        "Plus de foulards dans la collection",
        "Take the shirt out of the summer sale",
        "Remove the scarf from the Christmas category",
        "It's no longer a new arrival, drop it from there",
        "Those candles don't belong in that collection",
    ],
)
async def remove_from_collection(collection: CollectionRef, products: Products) -> Collection:
    """Take products out of a manual collection; the products themselves stay, and Shopify does it a moment later.

    Collections stand in shopify_list_collections, products in shopify_search_products.
    """
    chosen = await _collection(collection)
    ids = [str((await find_product(product))["id"]) for product in products]
    await mutate(REMOVE, {"id": chosen.id, "products": ids})
    return chosen

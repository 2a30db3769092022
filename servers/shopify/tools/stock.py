"""Stock by location. https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Record, Toolset, confirm, errors

from ..documents import USER_ERRORS
from ..graphql import idempotency_key, mutate
from ..lookup import LocationRef, VariantRef, find_location, find_variant
from ..models import Stock, StockChange, dig, nodes

tools = Toolset("stock")
READ = ["read_inventory read_products read_locations"]
WRITE = ["write_inventory read_products read_locations"]
Reason = Annotated[
    Literal["correction", "damaged", "received", "restock", "shrinkage"],
    Field(description="Why the stock changes."),
]

ADJUST = f"""
mutation AdjustStock($input: InventoryAdjustQuantitiesInput!, $idempotencyKey: String!) {{
  inventoryAdjustQuantities(input: $input) @idempotent(key: $idempotencyKey) {{
    inventoryAdjustmentGroup {{ id }} {USER_ERRORS}
  }}
}}"""
SET = f"""
mutation SetStock($input: InventorySetQuantitiesInput!, $idempotencyKey: String!) {{
  inventorySetQuantities(input: $input) @idempotent(key: $idempotencyKey) {{
    inventoryAdjustmentGroup {{ id }} {USER_ERRORS}
  }}
}}"""


@tools.reads(
    scopes=READ,
    search=(
        "stock quantité disponible inventaire reste-t-il en magasin emplacement entrepôt how many left "
        "combien il reste encore rupture dispo épuisé any out of available on hand remaining do we "
        "still have"
    ),
    examples=[
        "Combien de chemises en lin M reste-t-il à Lyon ?",
        "Stock of SKU LIN-M?",
        "Il en reste combien ?",
        "On est en rupture sur la bougie ?",
        "La taille M est encore dispo ?",
        "Combien on en a à l'entrepôt ?",
        "Est-ce qu'il y en a à Lyon ?",
        "How many are left?",
        "Is the scarf out of stock?",
        "Do we still have it in medium?",
        "How many have we got in the warehouse?",
        "Any left in the Lyon store?",
    ],
)
async def get_stock(variant: VariantRef) -> Stock:
    """Get the stock of one variant at each location: available, on hand, committed to orders and on the way.

    It goes by SKU, barcode or name; where several variants fit, the answer lists them. Change it with
    shopify_modify_stock. For prices use shopify_search_products.
    """
    return Stock.model_validate(await find_variant(variant))


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    scopes=WRITE,
    search=(
        "ajuster stock ajouter retirer reçu livraison casse perte inventaire plus moins adjust rajoute "
        "enlève réception arrivage cassé volé perdu abîmées réassort delivery came in received broken "
        "lost stolen damaged restock take off add arrivés livrés cassés verres pièces broke glasses "
        "pieces arrived"
    ),
    examples=[
        "Ajoute 10 chemises LIN-M au stock de Lyon.",
        "Two of SKU LIN-M are broken.",
        "On a reçu 20 bougies",
        "Enlève deux chemises du stock, elles sont abîmées",
        "Rajoute une pièce à Lyon",
        "Il y a eu de la casse : trois verres",
        "Arrivage de 50 écharpes à l'entrepôt",
        "Twenty candles came in",
        "Take two shirts off, they're damaged",
        "One was stolen in the store",
        "Add fifty scarves to the warehouse",
        "Three glasses broke",
    ],
)
async def modify_stock(
    variant: VariantRef,
    change: Annotated[
        int, Field(ge=-100_000, le=100_000, description="Pieces to add; below 0 to take away.", examples=[10])
    ],
    location: LocationRef = None,
    reason: Reason = "correction",
) -> StockChange:
    """Add pieces to the available stock of a variant at one location, or take them away. A person is asked first.

    Look with shopify_get_stock. If a sale changes the stock meanwhile, nothing is done.
    """
    target, place, before = await _place(variant, location)
    if not change:
        raise errors.InvalidInputError("The change is 0.", "Pass the number of pieces.")
    name = str(target.get("displayName"))
    await confirm(
        f"Change the stock of «{name}» at {place['name']} by {change:+d}: from {before} to {before + change}?", before
    )
    row = {
        "inventoryItemId": dig(target, "inventoryItem", "id"),
        "locationId": place["id"],
        "delta": change,
        "changeFromQuantity": before,
    }
    await mutate(
        ADJUST,
        {"input": {"reason": reason, "name": "available", "changes": [row]}, "idempotencyKey": idempotency_key()},
    )
    return StockChange(name=name, location=str(place["name"]), before=before, available=before + change)


@tools.writes(
    core=False,
    replaces=True,
    asks=True,
    idempotent=True,
    scopes=WRITE,
    search=(
        "fixer régler stock inventaire compté quantité exacte count j'ai il y en a exactement recompté "
        "mets à zéro corrige la counted exactly recount stocktaking zero correct number pas mais not "
        "but"
    ),
    examples=[
        "J'ai compté, il y en a exactement 34",
        "Mets le stock de la bougie à zéro",
        "Après inventaire, c'est 12 et pas 15",
        "Corrige la quantité à 8",
        "Fixe le stock de Lyon à 40",
        "I counted 34 of them",
        "Set the stock to zero",
        "Stocktaking says twelve, not fifteen",
        "The real number is eight, correct it",
        "There are exactly forty in Lyon",
    ],
)
async def set_stock(
    variant: VariantRef,
    quantity: Annotated[int, Field(ge=0, le=1_000_000, description="Pieces that are available now.", examples=[12])],
    location: LocationRef = None,
    reason: Reason = "correction",
) -> StockChange:
    """Set the available stock of a variant at one location to a counted number. A person is asked first.

    To add or take away pieces use shopify_modify_stock. If a sale changes the stock meanwhile, nothing is done.
    """
    target, place, before = await _place(variant, location)
    name = str(target.get("displayName"))
    await confirm(f"Set the stock of «{name}» at {place['name']} from {before} to {quantity}?", before)
    row = {
        "inventoryItemId": dig(target, "inventoryItem", "id"),
        "locationId": place["id"],
        "quantity": quantity,
        "changeFromQuantity": before,
    }
    await mutate(
        SET,
        {"input": {"reason": reason, "name": "available", "quantities": [row]}, "idempotencyKey": idempotency_key()},
    )
    return StockChange(name=name, location=str(place["name"]), before=before, available=quantity)


async def _place(variant: str, location: str | None) -> tuple[Record, Record, int]:
    """Return the variant, the location, and what is available there; raises errors.InvalidInputError without stock."""
    target = await find_variant(variant)
    place = await find_location(location)
    for level in nodes(dig(target, "inventoryItem", "inventoryLevels")):
        if dig(level, "location", "id") == place["id"]:
            counts = {row.get("name"): row.get("quantity") for row in nodes(level.get("quantities"))}
            return target, place, int(counts.get("available") or 0)
    raise errors.InvalidInputError(
        f"«{target.get('displayName')}» is not stocked at {place['name']}.",
        "Pass another location, or let the user stock it there in Shopify.",
    )

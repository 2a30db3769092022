"""The shop and its locations. https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Shop"""

from __future__ import annotations

from flotilla import Cursor, Limit, Page, Toolset

from ..graphql import one, page, query
from ..lookup import LOCATIONS
from ..models import Location, Shop

tools = Toolset("shop")

ABOUT = """
query AboutShop {
  shop {
    name myshopifyDomain url contactEmail currencyCode ianaTimezone taxesIncluded
    plan { publicDisplayName }
    shopAddress { countryCodeV2 }
  }
}"""


@tools.reads(
    core=False,
    search=(
        "boutique informations devise fuseau horaire formule connexion which shop magasin site adresse "
        "web monnaie abonnement TTC branché connecté store website currency plan connected timezone"
    ),
    examples=[
        "Quelle boutique est branchée ?",
        "C'est quoi l'adresse du site ?",
        "Les prix sont TTC ou hors taxes ?",
        "Quelle est notre formule d'abonnement ?",
        "La connexion au magasin marche ?",
        "Which store is connected?",
        "What currency do we sell in?",
        "What's our website address?",
        "Do our prices include tax?",
        "Which plan are we on?",
    ],
)
async def get_shop() -> Shop:
    """Get the connected shop: name, address on the web, currency, time zone, plan, and whether prices include taxes.

    It takes no arguments and also shows that the connection works. Its locations stand in shopify_list_locations.
    """
    return Shop.model_validate(one(await query(ABOUT), "shop", "shop", "Ask the user to check SHOPIFY_SHOP."))


@tools.reads(
    core=False,
    scopes=["read_locations"],
    search=(
        "emplacements magasins entrepôts lieux de stock quels dépôts boutiques adresses où garde-t-on "
        "warehouses stores depots where do we keep"
    ),
    examples=[
        "Quels entrepôts on a ?",
        "Où est-ce qu'on garde la marchandise ?",
        "Liste nos magasins",
        "Combien de lieux de stockage ?",
        "Comment s'appelle le dépôt ?",
        "Which warehouses do we have?",
        "Where do we keep our goods?",
        "List the stores",
        "What's the depot called?",
    ],
)
async def list_locations(limit: Limit = 20, cursor: Cursor = None) -> Page[Location]:
    """List the locations that have stock, such as shops and warehouses, by name.

    Other tools take the name: shopify_get_stock shows the stock at each, shopify_modify_stock changes it.
    """
    return await page(LOCATIONS, "locations", Location, limit=limit, cursor=cursor)

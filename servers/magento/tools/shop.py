"""Coupons, the shop's configuration, and the storefront as customers see it (GraphQL).

https://developer.adobe.com/commerce/webapi/rest/quick-reference/
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, confirm, cursor_number, errors, follows, readable, sliced
from flotilla.parsing import listed

from ..client import Condition, api, like, search, search_page, storefront
from ..lookup import shop_zone
from ..models import Coupon, Done, Offer, ShopSetting, dicts
from ..values import PositiveAmount, number, written

tools = Toolset("shop")
KINDS = {"percent": "by_percent", "fixed_cart": "cart_fixed", "fixed_product": "by_fixed"}
SAID = {"percent": "%", "fixed_cart": "off the cart", "fixed_product": "off each product"}
PLACES = {
    "store_views": ("/store/storeViews", "code", "name", ("is_active", "website_id")),
    "websites": ("/store/websites", "code", "name", ()),
    "store_config": ("/store/storeConfigs", "code", "base_url", ("locale", "base_currency_code", "timezone")),
}
OFFERS = """query ($search: String, $size: Int, $page: Int) {
  products(search: $search, pageSize: $size, currentPage: $page) {
    total_count
    items {
      sku name url_key url_suffix stock_status
      price_range { minimum_price { final_price { value currency } } }
    }
  }
}"""


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "créer crée code promo coupon bon de réduction remise rabais ristourne geste commercial offre d'achat "
        "chèque cadeau discount voucher gift make new percent off money goodwill price rule"
    ),
    examples=[
        "Crée un code ETE10 de 10 % jusqu'à fin août.",
        "Make a 5 euro coupon.",
        "Fais un geste commercial, 15 % sur la prochaine commande",
        "Offre dix euros de remise pour nous excuser",
        "Prépare un bon de réduction à usage unique",
        "Une promo de bienvenue à moins 20 pour cent",
        "On lance une ristourne pour Noël",
        "Give him a discount for the trouble",
        "Set up a voucher, twenty percent off until Friday",
        "I need a code for Black Friday",
        "A one-time gift code worth 25 euros",
    ],
)
async def create_coupon(
    code: Annotated[str, Field(min_length=1, max_length=100, description="What customers type.", examples=["MERCI5"])],
    amount: Annotated[PositiveAmount, Field(description="Percent, or an amount of money.", examples=["10"])],
    kind: Annotated[
        Literal["percent", "fixed_cart", "fixed_product"], Field(description="Percent, or off cart or product.")
    ] = "percent",
    expires: Annotated[When | None, Field(description="Last day on which it works.")] = None,
    uses: Annotated[int | None, Field(ge=1, description="Number of uses in all.")] = None,
) -> Coupon:
    """Create a coupon code that works at once, with the cart price rule behind it: percent, or an amount off the cart
    or off each product.

    It is for all customer groups of all websites. A person is asked first. Fails where the code exists already.
    """
    if kind == "percent" and amount > 100:
        raise errors.InvalidInputError("A coupon takes 100 percent at most.", "Pass a smaller amount, or another kind.")
    text = code.strip()
    if any(str(row.get("code") or "").casefold() == text.casefold() for row in await _coupons(text)):
        raise errors.InvalidInputError(
            f"There is a coupon `{errors.excerpt(text, 60)}` already; nothing was done.", "Choose another code."
        )
    day = expires.day(await shop_zone()).isoformat() if expires else None
    sites = [row["id"] for row in await api.rows("/store/websites") if isinstance(row.get("id"), int) and row["id"] > 0]
    groups = await search("/customerGroups/search", size=100)
    limits = [f"{uses} times" if uses else "any number of times", f"until {day}" if day else "without an end"]
    await confirm(f"Create the coupon {text}: {written(amount)} {SAID[kind]} for everybody, {', '.join(limits)}?")
    rule = {
        "name": f"Coupon {text}",
        "website_ids": sites or [1],
        "customer_group_ids": [row["id"] for row in groups if isinstance(row.get("id"), int)] or [0, 1],
        "to_date": day,
        "uses_per_customer": 0,
        "is_active": True,
        "stop_rules_processing": False,
        "is_advanced": True,
        "sort_order": 0,
        "simple_action": KINDS[kind],
        "discount_amount": number(amount),
        "discount_step": 0,
        "apply_to_shipping": False,
        "times_used": 0,
        "is_rss": False,
        "coupon_type": "SPECIFIC_COUPON",
        "use_auto_generation": False,
        "uses_per_coupon": uses or 0,
    }
    wanted = {name: value for name, value in rule.items() if value is not None}
    coupon = {"code": text, "usage_limit": uses, "times_used": 0, "is_primary": True}
    filled = {name: value for name, value in coupon.items() if value is not None}
    follows(action="Create the coupon of this rule", code=text)
    made = await api.post("/salesRules", json={"rule": wanted})
    return Coupon.model_validate(await api.post("/coupons", json={"coupon": {**filled, "rule_id": made["rule_id"]}}))


async def _coupons(code: str) -> list[dict[str, Any]]:
    return await search("/coupons/search", [("code", "eq", code)], size=5)


@tools.reads(
    core=False,
    search=(
        "liste voir quels codes promo coupons bons de réduction actifs utilisés combien fois servi remises "
        "existantes which vouchers discounts active running used list show how often"
    ),
    examples=[
        "Quelles promos avons-nous ?",
        "Combien de fois ETE10 a-t-il servi ?",
        "Quels codes de réduction existent ?",
        "Est-ce que quelqu'un a utilisé le bon ?",
        "Which discount codes are there?",
        "How many people used the summer code?",
        "Show all vouchers",
        "Has anyone used that promo?",
    ],
)
async def list_coupons(
    query: Annotated[str | None, Field(description="Only coupons with this in their code.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Coupon]:
    """List the coupons of the shop, each with how often it was used and its limit.

    To make one, use magento_create_coupon; to end one, magento_delete_coupon with its code.
    """
    group: list[Condition] = [("code", "like", like(query))] if query else []
    return await search_page("/coupons/search", Coupon, group, limit=limit, cursor=cursor)


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer supprime code promo coupon bon de réduction arrêter désactiver enlever retirer fini terminé "
        "annuler delete remove end stop kill voucher discount no longer valid"
    ),
    examples=[
        "Arrête la promo de Noël",
        "Le code ETE10 ne doit plus marcher",
        "Enlève ce bon de réduction",
        "C'est fini la ristourne, supprime le code",
        "Get rid of the summer code",
        "End the Christmas promo",
        "That voucher must no longer work",
        "Kill the discount code",
    ],
)
async def delete_coupon(
    coupon: Annotated[str, Field(min_length=1, description="Its code, from magento_list_coupons.", examples=["ETE10"])],
) -> Done:
    """Delete a coupon for good, so that its code works no more; its price rule stays. A person is asked first.

    The codes stand in magento_list_coupons.
    """
    rows = [row for row in await _coupons(coupon.strip()) if row.get("coupon_id")]
    row = next((one for one in rows if str(one.get("code") or "").casefold() == coupon.strip().casefold()), None)
    if row is None:
        raise errors.InvalidInputError(
            f"There is no coupon `{errors.excerpt(coupon, 60)}`.", "Look for it with magento_list_coupons."
        )
    await confirm(f"Delete the coupon {row['code']} for good? It was used {row.get('times_used') or 0} times.")
    await api.request("DELETE", f"/coupons/{row['coupon_id']}")
    return Done(id=str(row["coupon_id"]), done=f"deleted {row['code']}")


@tools.reads(
    core=False,
    search=(
        "réglages configuration paramètres magasins vues sites langues sources entrepôts dépôts devise fuseau "
        "groupes de clients settings stores store views websites languages warehouses of stock currency time zone "
        "customer groups"
    ),
    examples=[
        "Quels entrepôts avons-nous ?",
        "La boutique existe en quelles langues ?",
        "Combien de sites avons-nous ?",
        "Quelle est la devise de la boutique ?",
        "Quels groupes de clients existent ?",
        "Which warehouses do we stock in?",
        "What languages is the shop in?",
        "Which currency does the shop use?",
        "What customer groups are set up?",
    ],
)
async def list_shop_settings(
    kind: Annotated[
        Literal["store_views", "websites", "store_config", "sources", "customer_groups"],
        Field(description="sources are the places where stock is.", examples=["store_views"]),
    ],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ShopSetting]:
    """List one part of the shop's configuration: store views, websites, their language, currency and time zone, the
    sources of stock, or the customer groups.

    Use it to learn what the source of a stock is called. No tool changes these: that is done in the administration.
    """
    if kind in ("sources", "customer_groups"):
        path, key, name, field = (
            ("/inventory/sources", "source_code", "name", "city")
            if kind == "sources"
            else ("/customerGroups/search", "id", "code", "tax_class_name")
        )
        rows = await search(path, size=100)
        matches = [{"id": row.get(key), "name": row.get(name), "details": row.get(field) or None} for row in rows]
        return sliced(readable(ShopSetting, matches), limit, cursor)
    path, key, name, fields = PLACES[kind]
    matches = [
        {
            "id": row.get(key),
            "name": row.get(name),
            "details": listed(f"{field}: {row[field]}" for field in fields if row.get(field) is not None) or None,
        }
        for row in await api.rows(path)
    ]
    return sliced(readable(ShopSetting, matches), limit, cursor)


@tools.reads(
    core=False,
    search=(
        "vitrine boutique en ligne site produits vus par les clients public lien page internet acheter recherche "
        "storefront website shop as customers see it link URL online visible send a"
    ),
    examples=[
        "Envoie-moi le lien de la tasse bleue",
        "Qu'est-ce que les clients voient quand ils tapent lampe ?",
        "Est-ce qu'on trouve la théière sur le site ?",
        "Donne-moi la page du mug pour un client",
        "À quel prix la lampe s'affiche-t-elle en ligne ?",
        "Send me the link to the blue mug",
        "What do shoppers find when they type lamp?",
        "Is the teapot visible on our website?",
        "What price does the site show for it?",
    ],
)
async def search_storefront(
    query: Annotated[str, Field(min_length=1, description="Words that a customer would type.", examples=["tasse"])],
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Page[Offer]:
    """Search the shop as its customers see it: only what is on sale there, best matches first, with final prices and
    links.

    Use it to send somebody a link. For hidden products, stock and prices to change, use magento_search_products.
    """
    page = max(cursor_number(cursor, 1), 1)
    body = {"query": OFFERS, "variables": {"search": query, "size": limit, "page": page}}
    answer = await storefront.post("/graphql", json=body, reads=True)
    if problems := dicts(answer.get("errors")):
        raise errors.InvalidInputError(
            f"The storefront refuses the search: {errors.quoted(problems[0].get('message'))}.", "Use other words."
        )
    rows = storefront.rows_in(answer, "data.products.items", missing=True)
    shop = api.connection.settings.shop
    total = (answer.get("data") or {}).get("products", {}).get("total_count")
    more = isinstance(total, int) and page * limit < total and rows
    offers = readable(Offer, [_offer(row, shop) for row in rows])
    return Page(items=offers, next_cursor=str(page + 1) if more else None)


def _offer(row: dict[str, Any], shop: str) -> dict[str, Any]:
    price: Any = row
    for step in ("price_range", "minimum_price", "final_price"):
        price = price.get(step) if isinstance(price, dict) else None
    known = price if isinstance(price, dict) else {}
    link = f"{shop}/{row['url_key']}{row.get('url_suffix') or ''}" if row.get("url_key") else None
    return {
        **row,
        "price": written(known["value"]) if isinstance(known.get("value"), int | float) else None,
        "currency": known.get("currency"),
        "in_stock": row["stock_status"] == "IN_STOCK" if row.get("stock_status") else None,
        "link": link,
    }

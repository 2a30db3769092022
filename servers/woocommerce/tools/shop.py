"""The shop itself: sales, categories, configuration and webhooks.

https://woocommerce.github.io/woocommerce-rest-api-docs/#reports
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl

from flotilla import Cursor, Limit, Page, SecretStr, Toolset, When, confirm, errors, readable, sliced
from flotilla.parsing import check_order

from ..client import api
from ..lookup import currency
from ..models import Category, Deleted, SalesReport, ShopSetting, TopSeller, Webhook, texts

tools = Toolset("shop")
PLACES = {
    "general": ("/settings/general", "id", "label", ("value",)),
    "shipping_zones": ("/shipping/zones", "id", "name", ()),
    "shipping_methods": ("/shipping_methods", "id", "title", ("description",)),
    "tax_rates": ("/taxes", "id", "name", ("rate", "country", "class")),
    "payment_gateways": ("/payment_gateways", "id", "title", ("enabled", "method_title", "method_supports")),
    "order_statuses": ("/reports/orders/totals", "slug", "name", ("total",)),
    "webhooks": ("/webhooks", "id", "topic", ("delivery_url", "status")),
}
Kind = Literal[
    "general", "shipping_zones", "shipping_methods", "tax_rates", "payment_gateways", "order_statuses", "webhooks"
]


@tools.reads(
    search=(
        "chiffre d'affaires CA ventes vendu recette recettes encaissé jour semaine mois année rapport bilan "
        "statistiques meilleures panier moyen revenue turnover sales figures how much did we make best sellers "
        "report stats earned"
    ),
    examples=[
        "Combien avons-nous vendu ce mois-ci ?",
        "What sold best last month?",
        "On a fait combien cette semaine ?",
        "Quel est le CA du mois ?",
        "C'est quoi nos meilleures ventes ?",
        "Le bilan de l'année, ça donne quoi ?",
        "On a encaissé combien hier ?",
        "How much did we make this week?",
        "What's our turnover this month?",
        "What are the best sellers?",
        "How is business compared to last month?",
        "Sales figures for June please",
    ],
)
async def get_sales_report(
    period: Annotated[
        Literal["week", "month", "last_month", "year"],
        Field(description="Period up to today, where no days are given."),
    ] = "month",
    start: Annotated[When | None, Field(description="First day of the report, in place of the period.")] = None,
    end: Annotated[When | None, Field(description="Last day of the report; today without it.")] = None,
) -> SalesReport:
    """Get the sales of the shop in a period: gross and net sales, number of orders and things, tax, shipping, refunds,
    and the products that sold best.

    Cancelled and failed orders do not count. For single orders, use woo_search_orders.
    """
    if end and not start:
        raise errors.InvalidInputError("A report needs its first day.", "Pass start too, or a period.")
    params: dict[str, Any] = {"period": period}
    if start:
        first = start.day(api.zone)
        params = {"date_min": first.isoformat()}
        if end:
            check_order(first, end.day(api.zone))
            params["date_max"] = end.day(api.zone).isoformat()
    code = await currency()
    sellers = readable(TopSeller, await api.rows("/reports/top_sellers", params=params))
    reports = readable(SalesReport, await api.rows("/reports/sales", params=params))
    if not reports:
        raise errors.UpstreamError(
            "WooCommerce gave no report for this period.", "Try another period, or tell the user."
        )
    return reports[0].model_copy(update={"currency": code, "top_sellers": sellers})


@tools.reads(
    core=False,
    search=(
        "catégories rayons familles gammes de produits arborescence quels types categories departments ranges "
        "list of kinds"
    ),
    examples=[
        "Quels rayons a la boutique ?",
        "Quelles familles de produits avons-nous ?",
        "Combien d'articles par catégorie ?",
        "Donne-moi la liste des gammes",
        "Which departments are there in the shop?",
        "What product ranges do we have?",
        "How many items are in each category?",
        "Show the category tree",
    ],
)
async def list_categories(
    query: Annotated[str | None, Field(description="Only categories with this in their name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Category]:
    """List the product categories of the shop, each with its parent and the number of its products.

    Use it to learn which categories woo_search_products and woo_create_product take by name.
    """
    return await api.page("/products/categories", Category, params={"search": query}, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    search=(
        "réglages configuration paramètres livraison zones frais de port taxes TVA moyens paiement devise statuts "
        "webhooks settings shipping delivery methods countries VAT rates payment currency statuses configured "
        "accept PayPal"
    ),
    examples=[
        "Livrez-vous en Belgique ?",
        "On peut payer par PayPal ?",
        "Quels moyens de paiement acceptez-vous ?",
        "Quel taux de TVA est réglé ?",
        "Combien de commandes par statut ?",
        "Quels modes de livraison proposons-nous ?",
        "Do you ship to Germany?",
        "Which payment methods do we accept?",
        "What VAT rates are set up?",
        "Which webhooks are active?",
    ],
)
async def list_shop_settings(
    kind: Annotated[
        Kind, Field(description="general is the address and currency of the shop.", examples=["payment_gateways"])
    ],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ShopSetting]:
    """List one part of the shop's configuration: general settings, shipping zones and methods, tax rates, payment
    gateways and whether they can refund, order statuses with their counts, or webhooks.

    Use it to explain what the shop offers. Webhooks are made with woo_create_webhook; no tool changes the rest.
    """
    path, key, name, more = PLACES[kind]
    rows = [
        {
            "id": row.get(key),
            "name": row.get(name) or row.get(key),
            "details": texts(
                f"{field}: {_shown(row.get(field))}" for field in more if row.get(field) not in (None, "", [])
            ),
        }
        for row in await api.rows(path, params={"per_page": 100} if kind in ("tax_rates", "webhooks") else None)
    ]
    return sliced(readable(ShopSetting, rows), limit, cursor)


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    search=(
        "créer webhook notifier notification automatique adresse URL événement brancher connecter prévenir un "
        "système create notify endpoint event hook push automatically integration"
    ),
    examples=[
        "Envoie chaque nouvelle commande à cette URL",
        "Branche un webhook sur les commandes",
        "Notifie notre serveur quand un produit change",
        "Connecte la boutique à notre automatisation",
        "Push every new order to this endpoint",
        "Set up a hook when a product changes",
        "Notify our server on each order update",
        "Call this URL automatically on every sale",
    ],
)
async def create_webhook(
    topic: Annotated[
        str,
        Field(
            pattern=r"^[a-z_]+\.[a-z_]+$",
            description="Event, such as order.created, order.updated or product.updated.",
            examples=["order.created"],
        ),
    ],
    delivery_url: Annotated[
        HttpUrl, Field(description="Address that the events are sent to.", examples=["https://hooks.example/woo"])
    ],
    secret: Annotated[
        SecretStr | None, Field(description="Secret with which the deliveries are signed; the shop's own without it.")
    ] = None,
) -> Webhook:
    """Create a webhook: from then on the shop sends each such event, with the customers' data in it, to an address.

    A person is asked first. Fails where the address gets this event already. Those that exist stand in
    woo_list_shop_settings.
    """
    address = str(delivery_url)
    rows = await api.rows("/webhooks", params={"per_page": 100})
    for row in rows:
        if (row.get("topic"), str(row.get("delivery_url") or "").rstrip("/")) == (topic, address.rstrip("/")):
            raise errors.InvalidInputError(
                f"This address gets {topic} already (id {row.get('id')}); nothing was done.",
                "Use woo_list_shop_settings.",
            )
    await confirm(f"Send every {topic}, with the customers' data, to {address} from now on?")
    body = {
        "name": f"Flotilla {topic}",
        "topic": topic,
        "delivery_url": address,
        "secret": secret.get_secret_value() if secret else None,
    }
    return Webhook.model_validate(await api.post("/webhooks", json=body))


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer supprime enlever webhook arrêter couper notifications débrancher déconnecter URL delete remove "
        "stop hook disconnect endpoint unplug"
    ),
    examples=[
        "Débranche le webhook 7",
        "N'envoie plus rien à cette URL",
        "Arrête de notifier l'ancien serveur",
        "Enlève le hook des commandes",
        "Stop sending events to that endpoint",
        "Remove the order hook",
        "Disconnect the old server from the shop",
        "Drop webhook number 7",
    ],
)
async def delete_webhook(
    webhook: Annotated[int, Field(ge=1, description="Id of the webhook, from woo_list_shop_settings.", examples=[7])],
) -> Deleted:
    """Delete a webhook for good, so that its address gets no more events; a person is asked first.

    The id comes from woo_list_shop_settings.
    """
    row = await api.get(f"/webhooks/{webhook}")
    await confirm(f"Delete the webhook that sends {row.get('topic')} to {row.get('delivery_url')}?")
    await api.delete(f"/webhooks/{webhook}", params={"force": "true"})
    return Deleted(id=str(webhook), name=str(row.get("topic") or webhook))

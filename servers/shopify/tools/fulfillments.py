"""What is sent: fulfilments with their tracking.

https://shopify.dev/docs/api/admin-graphql/2026-04/mutations/fulfillmentCreate
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, HttpUrl

from flotilla import Model, Record, Toolset, choose, confirm, errors
from flotilla.parsing import folded, listed

from ..documents import PARCEL, USER_ERRORS
from ..graphql import mutate, one, query
from ..lookup import LineRef, OrderRef, find_order
from ..models import Order, OrderRow, Parcel, dig, nodes
from .orders import person

tools = Toolset("orders")
READY = ("OPEN", "IN_PROGRESS")  # states of a fulfillment order from which something can be sent
WRITE = ["write_orders read_customers write_merchant_managed_fulfillment_orders"]

TO_SEND = """
query FulfillmentOrders($id: ID!) {
  order(id: $id) { fulfillmentOrders(first: 20) { nodes {
    id status
    assignedLocation { name }
    lineItems(first: 100) { nodes { id remainingQuantity productTitle variantTitle sku lineItem { id name } } }
  } } }
}"""
CREATE = f"""
mutation CreateFulfillment($fulfillment: FulfillmentInput!) {{
  fulfillmentCreate(fulfillment: $fulfillment) {{ fulfillment {{ ...Parcel }} {USER_ERRORS} }}
}}
{PARCEL}"""
TRACK = f"""
mutation UpdateTracking($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean!) {{
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {{
    fulfillment {{ ...Parcel }} {USER_ERRORS}
  }}
}}
{PARCEL}"""
Number = Annotated[str | None, Field(max_length=100, description="Tracking number of the parcel.")]
Carrier = Annotated[str | None, Field(max_length=100, description="Carrier as Shopify calls it: Colissimo, UPS.")]
Address = Annotated[HttpUrl | None, Field(description="Tracking page of an unknown carrier.")]
Notify = Annotated[bool, Field(description="Whether the customer gets an e-mail.")]


class SentLine(Model):
    """An item that is sent, as an argument."""

    item: LineRef
    quantity: int | None = Field(None, ge=1, description="Number of pieces; all without it.")


class Sent(Parcel):
    """A parcel, and of which order it is."""

    order_number: str
    items: list[str] = Field(default_factory=list)
    customer_notified: bool = False


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    scopes=WRITE,
    search=(
        "expédier expédie envoyer traiter commande suivi colis fulfil ship tracking number parti posté "
        "déposé remis au transporteur livré expédition marque comme expédiée traitement Mondial Relay "
        "sent out posted shipped dispatched handed mark as package left"
    ),
    examples=[
        "La commande 1001 est partie par Colissimo, suivi 8R123.",
        "Fulfil order 1001 with UPS 1Z999.",
        "Le colis est parti ce matin",
        "J'ai posté la commande, voici le numéro de suivi",
        "Marque la 1042 comme expédiée",
        "C'est déposé en point relais",
        "On a envoyé la moitié de la commande",
        "I shipped this order today",
        "Mark it as dispatched",
        "The parcel went out with DHL",
        "Handed to the carrier, let the customer know",
        "We've posted two of the three items",
    ],
)
async def create_fulfillment(
    order: OrderRef,
    tracking_number: Number = None,
    carrier: Carrier = None,
    tracking_url: Address = None,
    items: Annotated[
        list[SentLine] | None, Field(description="What is sent; all that is left without it.", max_length=50)
    ] = None,
    notify: Notify = False,
) -> Sent:
    """Record that items of an order were sent, with tracking number and carrier, and tell the customer if wanted.

    Without items, all that is left goes out; shopify_get_order shows what that is. A person is asked before the
    customer gets an e-mail. It buys no label and calls no carrier.
    """
    target = await find_order(order)
    shown = OrderRow.model_validate(target)
    groups = await _ready(str(target["id"]), shown.number, items)
    wanted, names = _lines(groups, items)
    if notify:
        await confirm(
            f"Record as sent of order {shown.number}: {', '.join(names)}, and send {person(shown)} an e-mail"
            f"{f' with the tracking number {tracking_number}' if tracking_number else ''}?",
            wanted,
        )
    data = await mutate(
        CREATE,
        {
            "fulfillment": {
                "lineItemsByFulfillmentOrder": wanted,
                "notifyCustomer": notify,
                **_tracking(tracking_number, carrier, tracking_url, "trackingInfo"),
            }
        },
    )
    return _sent(data["fulfillmentCreate"], shown, names, notify)


async def _ready(order: str, number: str, items: list[SentLine] | None) -> list[Record]:
    """Return the fulfillment orders that have something left to send; Shopify takes those of one location at a time."""
    data = one(await query(TO_SEND, {"id": order}), "order", "order", "Find it with shopify_search_orders.")
    rows = [
        Record(row)
        for row in nodes(data["fulfillmentOrders"])
        if row.get("status") in READY and any(line.get("remainingQuantity") for line in nodes(row.get("lineItems")))
    ]
    if not rows:
        raise errors.InvalidInputError(
            f"Nothing of order {number} is left to send from here.", "Look at it with shopify_get_order."
        )
    if not items and len({dig(row, "assignedLocation", "name") for row in rows}) > 1:
        there = [
            f"{dig(line, 'lineItem', 'name')} at {dig(row, 'assignedLocation', 'name')}"
            for row in rows
            for line in nodes(row.get("lineItems"))
            if line.get("remainingQuantity")
        ]
        raise errors.InvalidInputError(
            "The items are sent from several locations.", f"Pass those of one as items: {listed(there)}."
        )
    return rows


def _lines(groups: list[Record], items: list[SentLine] | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the input for what is sent, and its names."""
    lines = [
        Record({**line, "group": group["id"], "name": dig(line, "lineItem", "name") or line.get("productTitle")})
        for group in groups
        for line in nodes(group["lineItems"])
        if line.get("remainingQuantity")
    ]
    chosen: list[tuple[Record, int]] = [(line, int(line["remainingQuantity"])) for line in lines]
    if items:
        chosen = []
        for item in items:
            of_sku = [line for line in lines if line.get("sku") and folded(str(line["sku"])) == folded(item.item)]
            line = choose(
                item.item, of_sku or lines, name=lambda row: str(row["name"]), kind="item that is left to send"
            ) if len(of_sku) != 1 else of_sku[0]  # fmt: skip
            left = int(line["remainingQuantity"])
            if (item.quantity or left) > left:
                raise errors.InvalidInputError(
                    f"Of «{line['name']}» {left} pieces are left to send.", "Pass a smaller quantity."
                )
            chosen.append((line, item.quantity or left))
    by_group: dict[str, list[dict[str, Any]]] = {}
    for line, count in chosen:
        by_group.setdefault(str(line["group"]), []).append({"id": line["id"], "quantity": count})
    wanted = [{"fulfillmentOrderId": group, "fulfillmentOrderLineItems": parts} for group, parts in by_group.items()]
    return wanted, [f"{count} × {line['name']}" for line, count in chosen]


def _tracking(number: str | None, carrier: str | None, url: HttpUrl | None, field: str) -> dict[str, Any]:
    info = {"number": number, "company": carrier, "url": str(url) if url else None}
    info = {name: value for name, value in info.items() if value}
    return {field: info} if info else {}


def _sent(payload: Record, order: OrderRow, names: list[str], notify: bool) -> Sent:
    parcel = one(payload, "fulfillment", "parcel", "Look at the order with shopify_get_order.")
    return Sent.model_validate({**parcel, "order_number": order.number, "items": names, "customer_notified": notify})


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    scopes=WRITE,
    search=(
        "modifier numéro de suivi transporteur colis corriger tracking faux erreur rectifie mauvais "
        "code wrong fix typo carrier change corrected number Chronopost DHL UPS Colissimo pas mais "
        "instead rather"
    ),
    examples=[
        "Le numéro de suivi est faux, corrige-le",
        "Ce n'est pas Colissimo, c'est Chronopost",
        "Je me suis trompé de transporteur",
        "Change le code de suivi du colis",
        "Mets le bon numéro de suivi",
        "The tracking number is wrong",
        "Fix the tracking, there's a typo",
        "It went with DHL and not UPS",
        "Change the carrier of that parcel",
    ],
)
async def update_tracking(
    order: OrderRef,
    tracking_number: Annotated[
        str, Field(min_length=1, max_length=100, description="Tracking number of the parcel.", examples=["8R123456"])
    ],
    carrier: Carrier = None,
    tracking_url: Address = None,
    parcel: Annotated[
        str | None, Field(description="Id of the parcel from shopify_get_order, where there are several.")
    ] = None,
    notify: Notify = False,
) -> Sent:
    """Correct the tracking number or the carrier of a parcel that was recorded as sent.

    A person is asked before the customer gets an e-mail. For a new parcel use shopify_create_fulfillment.
    """
    target = await find_order(order)
    shown = Order.model_validate(target)
    if not shown.parcels:
        raise errors.InvalidInputError(
            f"Nothing of order {shown.number} was sent yet.", "Record it with shopify_create_fulfillment."
        )
    if not parcel and len(shown.parcels) > 1:
        raise errors.InvalidInputError(
            "The order has several parcels.", f"Pass one as parcel: {listed(one.id for one in shown.parcels)}."
        )
    chosen = choose(parcel, shown.parcels, name=lambda row: row.id, kind="parcel") if parcel else shown.parcels[0]
    if notify:
        await confirm(
            f"Set the tracking number of order {shown.number} to {tracking_number} and send {person(shown)} an e-mail?"
        )
    tracking = _tracking(tracking_number, carrier, tracking_url, "tracking")
    data = await mutate(TRACK, {"id": chosen.id, "notify": notify, **tracking})
    return _sent(data["fulfillmentTrackingInfoUpdate"], shown, [], notify)

"""Orders: found, told to callers, edited, cancelled. https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Order"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import (
    Address,
    Cursor,
    Limit,
    Model,
    Page,
    Phone,
    Toolset,
    When,
    confirm,
    errors,
    readable,
)
from flotilla.parsing import period, to_utc, zone_or

from ..client import api
from ..documents import MONEY, ORDER, ORDER_ROW, ORDER_STATUS, PAGE_INFO, USER_ERRORS
from ..graphql import every, last_of, mutate, page, query, quoted, shop
from ..lookup import OrderRef, by_number, find_order, number_of, of_number, region, same_phone, terms_of
from ..models import Order, OrderRow, OrderStatus, dig, money, nodes

tools = Toolset("orders")
READ = ["read_orders read_customers", "write_orders read_customers"]
WRITE = ["write_orders read_customers"]

STATUS = f"""
query OrderStatus($orders: String!, $customers: String!, $withCustomers: Boolean!) {{
  orders(first: 4, query: $orders, sortKey: PROCESSED_AT, reverse: true) {{ nodes {{ ...OrderStatus }} }}
  customers(first: 2, query: $customers) @include(if: $withCustomers) {{ nodes {{
    id
    defaultPhoneNumber {{ phoneNumber }}
    orders(first: 3, sortKey: PROCESSED_AT, reverse: true) {{ nodes {{ ...OrderStatus }} }}
  }} }}
}}
{ORDER_STATUS}"""
SEARCH = f"""
query SearchOrders($first: Int!, $after: String, $query: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: PROCESSED_AT, reverse: true) {{
    nodes {{ ...OrderRow }} {PAGE_INFO}
  }}
}}
{ORDER_ROW} {MONEY}"""
UPDATE = f"""
mutation UpdateOrder(
  $id: ID!, $input: OrderInput!, $update: Boolean!, $add: [String!]!, $adds: Boolean!,
  $remove: [String!]!, $removes: Boolean!
) {{
  tagsAdd(id: $id, tags: $add) @include(if: $adds) {{ node {{ ...Order }} {USER_ERRORS} }}
  tagsRemove(id: $id, tags: $remove) @include(if: $removes) {{ node {{ ...Order }} {USER_ERRORS} }}
  orderUpdate(input: $input) @include(if: $update) {{ order {{ ...Order }} {USER_ERRORS} }}
}}
{ORDER}"""
CANCEL = """
mutation CancelOrder(
  $orderId: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $notify: Boolean!,
  $refund: OrderCancelRefundMethodInput
) {
  orderCancel(
    orderId: $orderId, reason: $reason, restock: $restock, notifyCustomer: $notify,
    refundMethod: $refund
  ) { job { id done } orderCancelUserErrors { field message } }
}"""
MARK_PAID = f"""
mutation MarkOrderPaid($input: OrderMarkAsPaidInput!) {{
  orderMarkAsPaid(input: $input) {{ order {{ ...Order }} {USER_ERRORS} }}
}}
{ORDER}"""
Tags = Annotated[list[str] | None, Field(description="Tags, each as one text.", max_length=50)]


class Told(Model):
    """What a caller may be told: the last orders, newest first."""

    orders: list[OrderStatus]
    caller_matches: bool | None = Field(
        None, description="Whether the phone number or e-mail address belongs to the order of that number"
    )


class Cancelled(Model):
    """A cancellation, which Shopify carries out a moment later."""

    order_id: str
    number: str
    refund: str | None = None
    restocked: bool
    customer_notified: bool
    finished: bool = False


@tools.reads(
    scopes=READ,
    search=(
        "où est ma commande suivi colis livraison statut appelant téléphone numéro where is my parcel "
        "tracking pas reçu arrive quand en retard livré est-ce parti paquet client attend not arrived "
        "yet when late delivered package has it shipped attendre still waiting delay"
    ),
    examples=[
        "Où est ma commande ? Mon numéro est le 06 12 34 56 78.",
        "Where is order 1001?",
        "Une cliente n'a pas reçu son colis",
        "Quand est-ce que ma commande arrive ?",
        "Est-ce que c'est déjà parti ?",
        "Il attend toujours son paquet",
        "Où en est la livraison de la 1042 ?",
        "Her package hasn't arrived",
        "When will it be delivered?",
        "Has order 1042 shipped yet?",
        "He's still waiting for his order",
        "Track the parcel for this caller",
    ],
)
async def get_order_status(
    order_number: Annotated[str | None, Field(description="Number of the order as the caller says it: 1001.")] = None,
    phone: Annotated[Phone | None, Field(description="Phone number of the caller, in any notation.")] = None,
    email: Annotated[Address | None, Field(description="E-mail address of the caller.")] = None,
) -> Told:
    """Answer "where is my order" in one call, by order number, phone number or e-mail address.

    Returns up to five orders, newest first: payment, delivery, parcels with tracking, what was not sent yet. With a
    number and a phone number or address, caller_matches says whether they belong together: if not, tell nothing. For
    lines use shopify_get_order.
    """
    number = number_of(order_number or "")
    contact = email.address if email else phone.e164(region()) if phone else ""
    if not number and not contact:
        raise errors.InvalidInputError(
            "Nothing says whose order is meant.", "Pass order_number, phone or email: ask the caller for one."
        )
    by_phone = not number and not email
    searches = by_number(number) if number else (f"email:{quoted(contact)}",)
    if by_phone and phone:  # there is no search field for it
        searches = (" OR ".join(quoted(text) for text in phone.spellings(region())[:6]),)
    target: dict[Any, Any] = {}
    for search in searches:
        by_customer = f"phone:{quoted(contact)}" if by_phone else ""
        data = await query(STATUS, {"orders": search, "customers": by_customer, "withCustomers": by_phone})
        rows = api.rows_in(data, "orders.nodes")
        rows = list(of_number(rows, number)) if number else [row for row in rows if belongs(row, contact)]
        for customer in nodes(data.get("customers")):
            if same_phone(dig(customer, "defaultPhoneNumber", "phoneNumber"), contact):
                rows += nodes(customer.get("orders"))
        if target := {row.get("id"): row for row in rows}:
            break
    orders = readable(OrderStatus, list(target.values()))
    if not orders:
        raise errors.NotFoundError(
            f"No order of {errors.excerpt(number or contact, 60)} is known; orders of the last minutes may be missing.",
            "Ask the caller for the order number, or for the e-mail address or phone number given with the order.",
        )
    orders.sort(key=lambda order: str(order.placed_at), reverse=True)
    matches = all(belongs(row, contact) for row in target.values()) if number and contact else None
    return Told(orders=orders[:5], caller_matches=matches)


def belongs(order: Any, contact: str) -> bool:
    """Tell whether an order was placed with an e-mail address or a phone number."""
    if "@" in contact:
        return str(order.get("email")).casefold() == contact.casefold()
    return same_phone(order.get("phone"), contact) or same_phone(dig(order, "shippingAddress", "phone"), contact)


@tools.reads(
    scopes=READ,
    search=(
        "commandes recherche liste à expédier impayées remboursées du jour ventes sales today unshipped "
        "aujourd'hui hier cette semaine préparer emballer pas encore payées en attente dernières vendu "
        "qui a commandé combien to pack unpaid yesterday latest pending this week who ordered open how "
        "many refunded remboursés month mois"
    ),
    examples=[
        "Quelles commandes restent à expédier ?",
        "Which orders came in today?",
        "Qu'est-ce qu'on a vendu aujourd'hui ?",
        "Qu'est-ce que je dois emballer ce matin ?",
        "Qui n'a pas encore payé sa commande ?",
        "Combien de commandes hier ?",
        "Les dernières commandes de cette cliente",
        "What do I have to pack today?",
        "Which orders haven't been paid?",
        "How many sales did we get this week?",
        "Who ordered candles?",
        "Show the refunded ones of last month",
    ],
)
async def search_orders(
    text: Annotated[
        str | None,
        Field(description="Words from name, e-mail or product; tag:vip for a tag.", examples=["Dupont"]),
    ] = None,
    status: Annotated[
        Literal["open", "closed", "cancelled"] | None, Field(description="Only orders in this state.")
    ] = None,
    payment: Annotated[
        Literal["pending", "authorized", "paid", "partially_paid", "partially_refunded", "refunded", "voided"] | None,
        Field(description="Only orders with this payment status."),
    ] = None,
    delivery: Annotated[
        Literal["unfulfilled", "partial", "fulfilled", "on_hold"] | None,
        Field(description="Only orders with this delivery status."),
    ] = None,
    after: Annotated[When | None, Field(description="Only orders of this day or time, or later.")] = None,
    before: Annotated[When | None, Field(description="Only orders before this time; a day is included.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[OrderRow]:
    """Search orders, newest first, by words, payment, delivery and date in the shop's time zone.

    Returns short rows with number, customer, status and total; lines and tracking come from shopify_get_order. Orders
    of the last seconds, and without the scope read_all_orders those of over 60 days, are missing.
    """
    zone = zone_or((await shop()).get("ianaTimezone"), api.zone)
    begin, end = period(after, before, zone, "after", "before")
    search = every(
        terms_of(text),
        f"status:{status}" if status else None,
        f"financial_status:{payment}" if payment else None,
        f"fulfillment_status:{delivery}" if delivery else None,
        f"created_at:>='{to_utc(begin)}'" if begin else None,
        f"created_at:<'{to_utc(end)}'" if end else None,
    )
    return await page(SEARCH, "orders", OrderRow, limit=limit, cursor=cursor, query=search)


@tools.reads(
    scopes=READ,
    search=(
        "détail commande lignes articles montant adresse note client contenu qu'est-ce qu'il y a dedans "
        "acheté lesquels frais de port total à quelle ouvre contents what's in it items bought shipping "
        "address open paid pris took"
    ),
    examples=[
        "Qu'est-ce qu'il y a dans la commande 1042 ?",
        "Ouvre la 1042",
        "À quelle adresse elle part ?",
        "Combien elle a payé de frais de port ?",
        "Quels articles elle a pris ?",
        "What's in order 1042?",
        "Open that order",
        "Which items did she buy?",
        "What's the shipping address on it?",
        "Did the customer leave a remark on the order?",
    ],
)
async def get_order(order: OrderRef) -> Order:
    """Get one order with its lines, amounts, address, note, tags, parcels and tracking.

    Take the number from shopify_search_orders. Each line says how many pieces can still be refunded or sent, which is
    what shopify_refund_order and shopify_create_fulfillment take.
    """
    return Order.model_validate(await find_order(order))


@tools.writes(
    additive=False,
    scopes=WRITE,
    search=(
        "modifier commande note étiquette tag adresse e-mail téléphone changer ajouter consigne "
        "remarque mémo marque urgent précise emballage cadeau remark memo instruction flag gift wrap "
        "label"
    ),
    examples=[
        "Ajoute à la commande 1001 la note « livrer après 18 h ».",
        "Note sur la commande que c'est un cadeau",
        "Marque la 1042 comme urgente",
        "Mets une consigne : sonner chez le voisin",
        "L'adresse mail de la commande est fausse, change-la",
        "Enlève l'étiquette fragile de la commande",
        "Write on the order that it's a gift",
        "Flag order 1042 as urgent",
        "Put a remark on that order",
        "Change the e-mail on the order",
        "Tag it for pick-up",
    ],
)
async def update_order(
    order: OrderRef,
    note: Annotated[str | None, Field(description="Text that is added below the order's note.")] = None,
    add_tags: Tags = None,
    remove_tags: Tags = None,
    email: Annotated[Address | None, Field(description="New e-mail address for the order's mails.")] = None,
) -> Order:
    """Add a note to an order, add or remove tags, or change its e-mail address; nothing else of it changes.

    Items and prices cannot be edited: use shopify_cancel_order or shopify_refund_order, and shopify_create_draft_order
    for what is ordered anew.
    """
    target = await find_order(order)
    changes: dict[str, Any] = {
        "note": note if not target.get("note") or note is None else f"{target['note']}\n{note}",
        "email": email.address if email else None,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    if not (changes or add_tags or remove_tags):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass note, add_tags, remove_tags or email.")
    data = await mutate(
        UPDATE,
        {
            "id": target["id"],
            "input": {"id": target["id"], **changes},
            "update": bool(changes),
            "add": add_tags or [],
            "adds": bool(add_tags),
            "remove": remove_tags or [],
            "removes": bool(remove_tags),
        },
    )
    return Order.model_validate(last_of(data, "order"))


@tools.destroys(
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search=(
        "annuler annule commande annulation rembourser remettre en stock elle ne veut plus changé "
        "d'avis fraude stoppe double stop call off no longer wants changed her mind fraud duplicate "
        "deux fois twice second"
    ),
    examples=[
        "Annule la commande 1001 et rembourse la cliente.",
        "Cancel order 1001, the item is out of stock.",
        "Elle ne veut plus sa commande",
        "Le client a changé d'avis, annule tout",
        "C'est une commande frauduleuse, annule",
        "Il a commandé deux fois, supprime la deuxième",
        "Stoppe la 1042, rupture de stock",
        "She changed her mind, cancel it",
        "He no longer wants the order",
        "That one is fraud, call it off",
        "They ordered twice by mistake, cancel one",
        "Cancel and put everything back in stock",
    ],
)
async def cancel_order(
    order: OrderRef,
    reason: Annotated[
        Literal["customer", "declined", "fraud", "inventory", "staff", "other"],
        Field(description="Why it is cancelled; inventory: it is sold out.", examples=["customer"]),
    ],
    refund: Annotated[bool, Field(description="Whether what was paid goes back to the original payment.")] = True,
    restock: Annotated[bool, Field(description="Whether the items go back into stock.")] = True,
    notify: Annotated[bool, Field(description="Whether Shopify sends the customer an e-mail.")] = False,
) -> Cancelled:
    """Cancel a whole order for good, with refund and restocking as chosen. A person is asked first.

    Shopify carries it out some seconds later; look at the order with shopify_get_order. Orders that were sent cannot be
    cancelled: for those, and for single items, use shopify_refund_order.
    """
    target = await find_order(order)
    if target.get("cancelledAt"):
        raise errors.InvalidInputError(
            f"Order {target['name']} is cancelled already; nothing was done.", "Tell the user."
        )
    shown = Order.model_validate(target)
    back = f"refund what was paid of {shown.total}" if refund else "refund nothing"
    await confirm(
        f"Cancel order {shown.number} of {person(shown)} ({', '.join(shown.items) or 'no items'}; {shown.payment}), "
        f"{back} and {'put the items back into stock' if restock else 'leave the stock as it is'}? "
        f"{'The customer gets an e-mail' if notify else 'The customer gets no e-mail'}. It cannot be undone.",
        [target.get("displayFinancialStatus"), target.get("displayFulfillmentStatus")],
    )
    data = await mutate(
        CANCEL,
        {
            "orderId": target["id"],
            "reason": reason.upper(),
            "restock": restock,
            "notify": notify,
            "refund": {"originalPaymentMethodsRefund": refund},
        },
    )
    return Cancelled(
        order_id=str(target["id"]),
        number=shown.number,
        refund=shown.total if refund else None,
        restocked=restock,
        customer_notified=notify,
        finished=dig(data["orderCancel"], "job", "done") is True,
    )


def person(order: OrderRow) -> str:
    """Return whose order it is, for a question."""
    contact = order.email or order.phone
    return f"{order.customer_name or 'a customer without a name'}{f' ({contact})' if contact else ''}"


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    scopes=WRITE,
    search=(
        "marquer payée commande réglée virement chèque espèces encaissé paid manually reçu l'argent a "
        "réglé payé en liquide paiement encaisser received the money cash bank transfer came in settled "
        "cheque"
    ),
    examples=[
        "Le virement de la 1042 est arrivé",
        "Elle a payé en liquide",
        "J'ai reçu le chèque pour cette commande",
        "Marque la commande comme payée",
        "C'est réglé, note le paiement",
        "The bank transfer came in",
        "He paid cash for order 1042",
        "Mark it as paid",
        "I got the cheque for that order",
        "The order is settled",
    ],
)
async def mark_order_paid(order: OrderRef) -> Order:
    """Record that an order was paid outside of Shopify, by bank transfer, cheque or cash. A person is asked first.

    What is outstanding counts as paid in full; no card is charged. See the amount in shopify_get_order.
    """
    target = await find_order(order)
    shown = Order.model_validate(target)
    if target.get("canMarkAsPaid") is False:
        raise errors.InvalidInputError(
            f"Order {shown.number} cannot be marked as paid: it is {shown.payment}.",
            "Look at it with shopify_get_order.",
        )
    outstanding = money(target.get("totalOutstandingSet"))
    await confirm(f"Mark order {shown.number} of {person(shown)} as paid: {outstanding}?", outstanding)
    data = await mutate(MARK_PAID, {"input": {"id": target["id"]}})
    return Order.model_validate(data["orderMarkAsPaid"]["order"])

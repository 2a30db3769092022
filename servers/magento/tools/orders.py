"""Orders: where they are, what is in them, comments, invoices, shipments, refunds.

https://developer.adobe.com/commerce/webapi/rest/tutorials/orders/
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Cursor, Limit, Model, Page, Phone, Toolset, When, confirm, errors, readable, sliced
from flotilla.parsing import listed, period

from ..client import Condition, api, like, search, search_page
from ..lookup import (
    OrderRef,
    belongs,
    explanation_of,
    is_phone,
    number_of,
    order_of,
    orders_by_phone,
    orders_of,
    person_of,
    shop_zone,
    spoken_number,
)
from ..models import Comment, Done, Order, OrderDetails, OrderStatus, Refund, Statuses, Tracking, dicts, lines_of
from ..refunds import captured, chosen, invoices_of, line_of, parts_of, shipping_left
from ..values import PositiveAmount, amount, number, utc, written

tools = Toolset("orders")
NEWEST = 3  # orders of a caller that are shown


async def parcels_of(*orders: dict[str, Any]) -> dict[str, list[Tracking]]:
    """Return the parcels of orders, by the orders' ids, with one request."""
    ids = [str(order["entity_id"]) for order in orders]
    matches: dict[str, list[Tracking]] = {}
    for row in await search("/shipments", [("order_id", "in", ",".join(ids))]):
        matches.setdefault(str(row.get("order_id")), []).extend(readable(Tracking, row.get("tracks") or []))
    return matches


@tools.reads(
    search=(
        "où en est ma commande suivi colis paquet livraison livré livrée expédiée partie arrivée arrive retard "
        "reçu rien numéro téléphone statut quand where is my order tracking parcel package delivery late shipped "
        "status when"
    ),
    examples=[
        "Où est ma commande ? Mon numéro est le 06 12 34 56 78.",
        "Where is order 1042?",
        "Mon paquet arrive quand ?",
        "J'attends toujours mon colis",
        "Est-ce que ma commande est déjà partie ?",
        "Une cliente veut savoir où est sa livraison",
        "Je n'ai rien reçu, c'est normal ?",
        "Quel est le suivi de mon colis ?",
        "When is my delivery coming?",
        "My package never arrived",
        "Did my order ship yet?",
        "Customer on the line, wants to know where his parcel is",
    ],
)
async def check_order_status(
    caller: Annotated[
        str,
        Field(
            min_length=1,
            description="Phone number, e-mail address or order number of who asks.",
            examples=["1042", "06 12 34 56 78", "jean.dupont@exemple.fr"],
        ),
    ],
    contact: Annotated[
        str | None,
        Field(max_length=200, description="With an order number: the caller's phone number or mail address, to check."),
    ] = None,
) -> Statuses:
    """Tell where an order is, for somebody who asks "where is my order", from a phone number, a mail address or an
    order number alone.

    Returns the three newest orders at most: status and what it means, things ordered, parcels with their tracking, and
    what the shop wrote to the customer. Where caller_matches is false, tell the caller nothing. For payment and
    addresses, use magento_get_order.
    """
    rows = (await orders_of(caller))[:NEWEST]
    matches = all(belongs(row, contact) for row in rows) if contact else None
    zone, parcels = await shop_zone(), await parcels_of(*rows)
    more = []
    for row in rows:
        tracking = parcels.get(str(row["entity_id"]), [])
        comments = readable(Comment, [one for one in dicts(row.get("status_histories")) if one.get("comment")])
        messages = [one.text for one in comments if one.to_customer]
        more.append(
            {**row, "explanation": explanation_of(row, bool(tracking)), "tracking": tracking, "messages": messages}
        )
    items = [one.within(zone) for one in readable(OrderStatus, more)]
    return Statuses(items=items, caller_matches=matches)  # type: ignore[arg-type]


@tools.reads(
    search=(
        "jour client cherche liste commandes lesquelles combien ventes reçues aujourd'hui hier à préparer "
        "expédier envoyer en attente impayées pas payées annulées dernières récentes find list orders which today "
        "yesterday to ship pack unpaid pending latest recent came in"
    ),
    examples=[
        "Quelles commandes sont à expédier ?",
        "Show me today's orders.",
        "Qu'est-ce qu'il faut expédier ce matin ?",
        "Quelles commandes ne sont pas payées ?",
        "Les ventes d'hier, c'est quoi ?",
        "Montre les dix dernières commandes",
        "Qu'a acheté Monsieur Petit chez nous ?",
        "Qu'est-ce qui est rentré ce week-end ?",
        "What do we have to ship?",
        "Which orders came in yesterday?",
        "Who still has to pay?",
        "Everything she ever ordered",
        "Show the latest sales",
    ],
)
async def search_orders(
    query: Annotated[str | None, Field(description="Phone number, mail, last name or order number.")] = None,
    status: Annotated[str | None, Field(description="Status code, such as pending, processing, complete.")] = None,
    after: Annotated[When | None, Field(description="Made since this day or time.")] = None,
    before: Annotated[When | None, Field(description="Made until this day or time.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Order]:
    """Search orders by customer, status and date, newest first; without arguments, list the newest.

    What is to be sent has the status processing. For a caller who asks where an order is, use
    magento_check_order_status; for all of one order, magento_get_order.
    """
    zone = await shop_zone()
    begin, end = period(after, before, zone, "after", "before")
    code = status.strip().lower() if status else None
    if query and is_phone(query):
        matches = [one.within(zone) for one in readable(Order, await orders_by_phone(Phone.read(query)))]
        fitting = [
            one
            for one in matches
            if code in (None, one.status)
            and (begin is None or (one.created and one.created >= begin))
            and (end is None or (one.created and one.created < end))
        ]
        return sliced(fitting, limit, cursor)
    groups: list[list[Condition]] = [
        _said(query) if query else [],
        [("status", "eq", code)] if code else [],
        [("created_at", "gteq", utc(begin))] if begin else [],
        [("created_at", "lt", utc(end))] if end else [],
    ]
    page = await search_page("/orders", Order, *groups, limit=limit, cursor=cursor, sort="created_at")
    return page.model_copy(update={"items": [one.within(zone) for one in page.items]})


def _said(query: str) -> list[Condition]:
    """Return the alternatives that a query may mean."""
    if "@" in query:
        return [("customer_email", "eq", Address.read(query).address)]
    number, last = spoken_number(query), query.strip().split()[-1] if query.strip() else query
    return [("increment_id", "like", like(number)), ("customer_lastname", "like", like(last))]


@tools.reads(
    search=(
        "détail détails commande articles contenu lignes ce qu'il y a dedans adresse paiement payé commentaires "
        "factures fiche montant total récapitulatif order details items lines what is in it paid how address "
        "invoices summary open"
    ),
    examples=[
        "Qu'y a-t-il dans la commande 1042 ?",
        "Ouvre la fiche de la 1042",
        "Elle a payé comment, la 1042 ?",
        "Cette commande est-elle déjà facturée ?",
        "Où doit être livrée la 1042 ?",
        "What's in order 1042?",
        "How did he pay for it?",
        "Has 1042 been invoiced already?",
        "Give me the full details of that order",
        "What address does 1042 go to?",
    ],
)
async def get_order(order: OrderRef) -> OrderDetails:
    """Get one order with its lines, addresses, payment, invoices, parcels and comments, and a link to the
    administration.

    To find an order by phone number, mail address or name, use magento_search_orders.
    """
    row = await order_of(order)
    zone, parcels = await shop_zone(), await parcels_of(row)
    invoices = [f"{one.get('increment_id')}: {written(one.get('grand_total'))}" for one in await invoices_of(row)]
    details = OrderDetails.model_validate(row).within(zone)
    link = f"{api.connection.settings.shop}/admin/sales/order/view/order_id/{row['entity_id']}/"
    more = {"tracking": parcels.get(str(row["entity_id"]), []), "invoices": invoices, "link": link}
    return details.model_copy(update=more)  # type: ignore[return-value]


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "ajoute commentaire note remarque annotation commande message client préviens prévenir écris informer "
        "retard comment remark on order write tell the customer let know delay internal"
    ),
    examples=[
        "Écris au client de la commande 1042 que son colis part demain.",
        "Note on order 1042: gift wrap.",
        "Préviens-la que sa commande aura du retard",
        "Mets une remarque sur la 1042, emballage cadeau",
        "Dis à l'acheteur que ça part lundi",
        "Marque sur la commande de rappeler le client",
        "Laisse un mot sur la 1042 pour le dépôt",
        "Let the buyer know order 1042 is late",
        "Tell her it leaves on Monday",
        "Put a remark on the order for the warehouse",
        "Write on 1042 that he called back",
    ],
)
async def add_order_comment(
    order: OrderRef,
    comment: Annotated[str, Field(min_length=1, description="Text of the comment.", examples=["Cadeau"])],
    to_customer: Annotated[bool, Field(description="True mails it to the customer.")] = False,
) -> Done:
    """Add a comment to an order: for the shop alone, or mailed to the customer, such as a delay.

    A person is asked before the customer is written to. Comments stand in magento_get_order. For a tracking number, use
    magento_create_shipment.
    """
    row = await order_of(order)
    if to_customer:
        await confirm(f"Mail to {person_of(row)} about order {number_of(row)}: «{errors.excerpt(comment, 300)}»?")
    history = {
        "comment": comment,
        "is_customer_notified": int(to_customer),
        "is_visible_on_front": int(to_customer),
        "parent_id": row["entity_id"],
        "status": row.get("status"),
    }
    answer = await api.request("POST", f"/orders/{row['entity_id']}/comments", json={"statusHistory": history})
    _accepted(answer, f"did not keep the comment of order {number_of(row)}")
    return Done(order=number_of(row), id=None, done="mailed to the customer" if to_customer else "kept for the shop")


def _accepted(answer: Any, problem: str) -> None:
    """Raise errors.InvalidInputError where Magento says no in a success; errors.UpstreamError for another answer."""
    if answer is True:
        return
    if answer is False:
        raise errors.InvalidInputError(f"Magento {problem}.", "Look at its status with magento_get_order.")
    raise errors.UpstreamError(
        "Magento answered without saying what became of it; something was done, or not.",
        "Look at it with magento_get_order.",
    )


def _id_of(answer: Any) -> str:
    """Return the id in an answer that is nothing but an id; raises errors.UpstreamError for another answer."""
    if isinstance(answer, int | str) and not isinstance(answer, bool) and str(answer).isdecimal():
        return str(answer)
    raise errors.UpstreamError(
        "Magento answered without the id of what was done.", "Look at the order with magento_get_order."
    )


class Pieces(Model):
    """So many pieces of one line, as an argument."""

    item: str = Field(description="SKU or name of the line.")
    quantity: int = Field(ge=1, description="Number of pieces.")


def _items(row: dict[str, Any], items: list[Pieces] | None) -> list[dict[str, Any]] | None:
    """Return the lines that are meant as the API takes them; None for all of them."""
    if not items:
        return None
    parts = parts_of(row)
    return [{"order_item_id": line_of(parts, one.item).item, "qty": one.quantity} for one in items]


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "facturer facture établir émettre commande encaisser encaissement prélever débiter paiement reçu capture "
        "capturer invoice bill charge collect take the payment"
    ),
    examples=[
        "Facture la commande 1042.",
        "Invoice order 1042.",
        "Encaisse la 1042",
        "Établis la facture de cette commande",
        "Débite la carte du client pour sa commande",
        "Le virement est arrivé, facture la 1042",
        "Il lui faut sa facture",
        "Bill this order",
        "Charge the customer for 1042",
        "Capture the payment of order 1042",
        "Take the money for that order",
    ],
)
async def create_invoice(
    order: OrderRef,
    capture: Annotated[bool, Field(description="True takes the money by the payment service.")] = False,
    notify: Annotated[bool, Field(description="True mails it to the customer.")] = True,
) -> Done:
    """Invoice all of an order that is not invoiced yet; with capture, the payment service takes the money at once.

    A person is asked first, with amount, customer and order. Invoices stand in magento_get_order.
    """
    row = await order_of(order)
    due = amount(row.get("grand_total")) - amount(row.get("total_invoiced"))
    if due <= 0:
        raise errors.InvalidInputError(
            f"Order {number_of(row)} is invoiced already; nothing was done.", "Look at it with magento_get_order."
        )
    taken = "The money is taken at once" if capture else "No money is taken"
    mailed = ", and the customer gets it by mail" if notify else ""
    await confirm(f"Invoice {_money(due, row)} of order {number_of(row)} to {person_of(row)}? {taken}{mailed}.")
    body = {"capture": capture, "notify": notify}
    made = _id_of(await api.request("POST", f"/order/{row['entity_id']}/invoice", json=body))
    return Done(order=number_of(row), id=made, done=f"invoiced {_money(due, row)}")


def _money(value: Decimal, row: dict[str, Any]) -> str:
    return f"{written(value)} {row.get('order_currency_code') or ''}".strip()


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "expédier expédie envoyer envoyé parti partie colis paquet numéro de suivi transporteur Colissimo "
        "Chronopost UPS DHL livraison expédition remis au ship shipped sent dispatch parcel carrier tracking "
        "number handed over"
    ),
    examples=[
        "La commande 1042 est partie avec Colissimo, suivi 6A123.",
        "Ship order 1042, tracking 1Z999.",
        "Le colis est parti ce matin, voilà le suivi",
        "Marque la 1042 comme expédiée",
        "J'ai déposé le paquet à la poste",
        "Envoie le numéro de suivi DHL au client",
        "On n'a envoyé que deux tasses sur trois",
        "The parcel left this morning with UPS",
        "Mark 1042 as dispatched",
        "I dropped the package at the post office",
        "Only half of the order was sent",
    ],
)
async def create_shipment(
    order: OrderRef,
    tracking: Annotated[str | None, Field(description="Tracking number of the parcel.")] = None,
    carrier: Annotated[str | None, Field(description="Name of the carrier, such as Colissimo.")] = None,
    items: Annotated[list[Pieces] | None, Field(description="What is in the parcel; all without it.")] = None,
    notify: Annotated[bool, Field(description="True mails the tracking to the customer.")] = True,
) -> Done:
    """Mark an order, or some pieces of it, as sent, with the tracking number; the customer gets it by mail.

    A person is asked first. Parcels stand in magento_get_order; they cannot be taken back.
    """
    row = await order_of(order)
    wanted = _items(row, items)
    if tracking and not carrier:
        raise errors.InvalidInputError("A tracking number needs its carrier.", "Pass the carrier too.")
    goods = [one for one in lines_of(row) if not one.get("is_virtual")]
    left = sum(amount(one.get("qty_ordered")) - amount(one.get("qty_shipped")) for one in goods)
    if left <= 0:
        raise errors.InvalidInputError(
            f"Order {number_of(row)} is sent already; nothing was done.", "Look at it with magento_get_order."
        )
    pieces = listed(f"{one.quantity} × {one.item}" for one in items) if items else "all that is left"
    parcel = f", {carrier} {tracking}" if tracking else ""
    mailed = " The customer gets a mail." if notify else ""
    await confirm(f"Mark {pieces} of order {number_of(row)} of {person_of(row)} as sent{parcel}?{mailed}")
    code = (carrier or "").strip().lower()
    known = code if code in ("dhl", "fedex", "ups", "usps") else "custom"
    tracks = [{"track_number": tracking, "title": carrier, "carrier_code": known}] if tracking else None
    body = {"items": wanted, "notify": notify, "tracks": tracks}
    made = _id_of(await api.request("POST", f"/order/{row['entity_id']}/ship", json=body))
    return Done(order=number_of(row), id=made, done=f"marked as sent: {pieces}")


@tools.destroys(
    creates=True,
    asks=True,
    idempotent=False,
    search=(
        "rembourser rembourse remboursement rendre argent récupérer reverser avoir retour article cassé abîmé "
        "défectueux refund money back give pay return broken damaged partial credit memo"
    ),
    examples=[
        "Rembourse la tasse bleue de la commande 1042.",
        "Refund one mug of order 1042.",
        "Rends l'argent au client",
        "Elle a renvoyé le pull, rembourse-la",
        "La lampe est arrivée cassée, je veux être remboursé",
        "Fais un avoir sur la commande 1042",
        "Rembourse aussi les frais de port",
        "Give her the money back",
        "The mug arrived broken, I want a refund",
        "Make a credit memo for 1042",
        "Pay back the shipping too",
        "He returned the shirt, reimburse him",
    ],
)
async def refund_order(
    order: OrderRef,
    item: Annotated[str | None, Field(description="Line: its SKU, name or number; without it, all of them.")] = None,
    quantity: Annotated[int | None, Field(ge=1, description="Pieces of that line; all without it.")] = None,
    extra: Annotated[PositiveAmount | None, Field(description="Amount to pay back beside the lines.")] = None,
    shipping: Annotated[bool, Field(description="True pays the shipping fee back too.")] = False,
    restock: Annotated[bool, Field(description="False: nothing goes back into stock.")] = True,
    by_hand: Annotated[bool, Field(description="True only records it: the money is paid back elsewhere.")] = False,
    notify: Annotated[bool, Field(description="True mails it to the customer.")] = False,
) -> Refund:
    """Refund one line of an order, some pieces of it, or all that is left, with a credit memo. The payment service
    sends the money back at once, and it cannot be taken back.

    The amount is calculated first, with tax and discount, less what was refunded before; then a person is asked, with
    amount, customer and order. Lines stand in magento_get_order.
    """
    if quantity and not item:
        raise errors.InvalidInputError("It is not said of which line.", "Pass item with the quantity.")
    row = await order_of(order)
    code, order_number = str(row.get("order_currency_code") or ""), number_of(row)
    parts = [chosen(parts_of(row), item, quantity)] if item else [p for p in parts_of(row) if p.quantity > 0]
    fee, fee_with_tax = shipping_left(row) if shipping else (Decimal(0), Decimal(0))
    total = sum((part.total for part in parts), fee_with_tax) + (extra or 0)
    left = amount(row.get("total_paid")) - amount(row.get("total_refunded"))
    if not parts or total <= 0 or total > left:
        raise errors.InvalidInputError(
            f"Of order {order_number} {written(left)} {code} can be refunded, not {written(total)}; nothing was done.",
            "Refund less, or look at the order with magento_get_order.",
        )
    invoice = None if by_hand else captured(await invoices_of(row))
    shown = [part.shown(code) for part in parts]
    shown += [f"shipping: {written(fee_with_tax)} {code}"] if fee_with_tax else []
    shown += [f"extra: {written(extra)} {code}"] if extra else []
    how = "It is only recorded; the money is paid back by hand" if by_hand else "The money is sent back at once"
    stock = "; the pieces go back into stock" if restock else ""
    mailed = "; the customer gets a mail" if notify else ""
    await confirm(
        f"Refund {written(total)} {code} to {person_of(row)} for order {order_number} ({listed(shown)})? "
        f"{how}{stock}{mailed}.",
        [row.get("total_refunded"), row.get("updated_at")],
    )
    arguments: dict[str, Any] = {
        "shipping_amount": number(fee),  # without it Magento pays the whole fee back
        "adjustment_positive": number(extra or Decimal(0)),
        "adjustment_negative": 0,
    }
    if restock:
        arguments["extension_attributes"] = {"return_to_stock_items": [part.item for part in parts]}
    body = {
        "items": [part.request() for part in parts],
        "isOnline": True if invoice else None,
        "notify": notify,
        "arguments": arguments,
    }
    path = f"/invoice/{invoice['entity_id']}/refund" if invoice else f"/order/{row['entity_id']}/refund"
    made = _id_of(await api.request("POST", path, json=body))
    return Refund(
        id=made,
        order=order_number,
        amount=written(total),
        currency=code or None,
        paid_back=not by_hand,
        calculation=shown,
    )


@tools.destroys(
    asks=True,
    search=(
        "annuler annule annulation commande stop stopper arrêter changé d'avis veut plus erreur cancel call off "
        "changed mind no longer wants do not send"
    ),
    examples=[
        "Annule la commande 1042.",
        "Cancel order 1042.",
        "Je ne veux plus de ma commande",
        "Il a changé d'avis, arrête tout",
        "Elle s'est trompée, stoppe la 1042",
        "N'envoie pas la 1042, le client n'en veut plus",
        "Commande passée par erreur, laisse tomber",
        "I don't want it anymore",
        "He changed his mind about order 1042",
        "Call off my order",
        "Stop that order before it goes out",
    ],
)
async def cancel_order(order: OrderRef) -> Done:
    """Cancel an order that is not invoiced or sent; its pieces are free again. It cannot be taken back, so a person is
    asked first.

    What was paid is paid back with magento_refund_order. Find orders with magento_search_orders.
    """
    row = await order_of(order)
    if row.get("state") in ("canceled", "closed", "complete") or amount(row.get("total_invoiced")) > 0:
        raise errors.InvalidInputError(
            f"Order {number_of(row)} is {row.get('status')} and cannot be cancelled; nothing was done.",
            "Where it was paid, refund it with magento_refund_order.",
        )
    await confirm(f"Cancel order {number_of(row)} of {person_of(row)}, {_money(amount(row.get('grand_total')), row)}?")
    answer = await api.request("POST", f"/orders/{row['entity_id']}/cancel")
    _accepted(answer, f"could not cancel order {number_of(row)}")
    return Done(order=number_of(row), id=None, done="cancelled")

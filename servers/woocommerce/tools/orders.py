"""Orders: where they are, what is in them, their status, notes and refunds.

https://woocommerce.github.io/woocommerce-rest-api-docs/#orders
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

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
    segment,
    sliced,
)
from flotilla.parsing import listed, period, to_utc

from ..client import api
from ..lookup import (
    MEANINGS,
    OrderRef,
    belongs,
    currency,
    is_phone,
    order_link,
    order_of,
    orders_by_phone,
    orders_of,
    person_of,
    sold_thing,
    status_of,
    statuses,
)
from ..models import Note, Order, OrderDetails, OrderStatus, Refund, Statuses
from ..refunds import check_gateway, chosen, left_of, parts_of, refunds_of
from ..values import PositiveAmount, written
from ..values import Price as PriceAmount
from ..values import amount as amount_of

tools = Toolset("orders")
NEWEST = 3  # orders of a caller that are shown
RECENT = timedelta(hours=1)  # in which an order of the same things is taken for the same order
DONE = ("cancelled", "failed", "refunded", "trash")
MAILED = ("completed", "processing", "on-hold", "cancelled")  # of whose change WooCommerce writes to somebody


class Item(Model):
    """One thing that is ordered, as an argument."""

    product: str = Field(description="SKU, name or id, from woo_search_products.")
    quantity: int = Field(1, ge=1, description="Number of pieces.")
    variation: str | None = Field(None, description="Its options, as: Bleu, L.")


class Buyer(Model):
    """Who orders, as an argument."""

    name: str = Field(description="First and last name.")
    email: Address | None = Field(None, description="E-mail address, bare.")
    phone: Phone | None = Field(None, description="Phone number, any form.")
    street: str | None = Field(None, description="Street and number.")
    postcode: str | None = Field(None, description="Postal code only.")
    city: str | None = Field(None, description="Town of delivery.")
    country: str | None = Field(None, description="Two letters, as FR.")

    def fields(self) -> dict[str, str]:
        """Return the fields of an address as the API takes them."""
        first, _, last = self.name.strip().partition(" ")
        raw = {
            "first_name": first,
            "last_name": last,
            "address_1": self.street,
            "postcode": self.postcode,
            "city": self.city,
            "country": self.country,
            "email": self.email.address if self.email else None,
            "phone": self.phone.e164(api.connection.fleet.country) if self.phone else None,
        }
        return {name: value for name, value in raw.items() if value}


@tools.reads(
    search=(
        "où en est ma commande suivi colis paquet livraison livré livrée expédiée partie arrivée arrive retard "
        "reçu rien numéro téléphone statut quand where is my order tracking parcel package delivery late shipped "
        "status when"
    ),
    examples=[
        "Où est ma commande ? Mon numéro est le 06 12 34 56 78.",
        "Where is order 1042?",
        "Où est mon colis ?",
        "J'ai toujours rien reçu, ça arrive quand ?",
        "Ma commande est partie ?",
        "Je voudrais savoir où en est ma livraison",
        "Un client demande où en est son paquet",
        "C'est quoi le numéro de suivi de mon colis ?",
        "When will my package arrive?",
        "I still haven't received anything",
        "Has my parcel been shipped yet?",
        "A caller wants to know when her delivery comes",
    ],
)
async def check_order_status(
    caller: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
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
    addresses, use woo_get_order.
    """
    rows = (await orders_of(caller))[:NEWEST]
    matches = all(belongs(row, contact) for row in rows) if contact else None
    more = []
    for row in rows:
        notes = await api.rows(f"/orders/{segment(str(row['id']))}/notes", params={"type": "customer"})
        status = str(row.get("status"))
        explanation = MEANINGS.get(status) or f"Its status is {(await statuses()).get(status) or status}."
        more.append(
            {**row, "explanation": explanation, "messages": [n.text for n in readable(Note, notes) if n.to_customer]}
        )
    return Statuses(items=readable(OrderStatus, more), caller_matches=matches)


@tools.reads(
    search=(
        "jour client cherche liste commandes lesquelles combien ventes reçues aujourd'hui hier à préparer "
        "expédier envoyer en attente impayées pas payées annulées dernières récentes find list orders which today "
        "yesterday to ship pack unpaid pending on hold latest recent came in"
    ),
    examples=[
        "Quelles commandes sont à préparer ?",
        "Show me today's orders.",
        "Qu'est-ce que j'ai à envoyer aujourd'hui ?",
        "Qui n'a pas encore payé sa commande ?",
        "Montre-moi les dernières commandes",
        "Qu'est-ce qui est tombé cette nuit ?",
        "Qu'est-ce que Marie a déjà acheté chez nous ?",
        "Quelles commandes ont été annulées cette semaine ?",
        "What came in overnight?",
        "Which orders still need to go out?",
        "Who hasn't paid yet?",
        "Everything this customer bought from us",
        "List the orders on hold",
    ],
)
async def search_orders(
    query: Annotated[str | None, Field(description="Phone number, mail, name, town or order number.")] = None,
    status: Annotated[
        str | None,
        Field(description="Status or its label, such as processing."),
    ] = None,
    after: Annotated[When | None, Field(description="Made since this day or time.")] = None,
    before: Annotated[When | None, Field(description="Made until this day or time.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Order]:
    """Search orders by customer, status and date, newest first; without arguments, list the newest.

    What is to be sent has the status processing. For a caller who asks where an order is, use woo_check_order_status;
    for all of one order, woo_get_order.
    """
    begin, end = period(after, before, api.zone, "after", "before")
    slug = await status_of(status) if status else None
    if query and is_phone(query):
        rows = [row for row in await orders_by_phone(Phone.read(query)) if slug in (None, row.get("status"))]
        matches = [
            one
            for one in readable(Order, rows)
            if (begin is None or (one.created and one.created >= begin))
            and (end is None or (one.created and one.created < end))
        ]
        return sliced(matches, limit, cursor)
    params = {
        "search": query,
        "status": slug,
        "after": to_utc(begin) if begin else None,
        "before": to_utc(end) if end else None,
        "dates_are_gmt": "true" if begin or end else None,
    }
    return await api.page("/orders", Order, params=params, limit=limit, cursor=cursor)


@tools.reads(
    search=(
        "détail détails commande articles contenu lignes ce qu'il y a dedans adresse paiement payé notes "
        "remboursements fiche montant total récapitulatif order details items lines what is in it paid how "
        "address summary open"
    ),
    examples=[
        "Qu'est-ce qu'il y a dans la commande 1042 ?",
        "Ouvre-moi la 1042",
        "Comment a-t-il payé la commande 1042 ?",
        "À quelle adresse part la commande 1042 ?",
        "Lis-moi les notes de la commande",
        "Donne-moi le récapitulatif de la 1042",
        "What did she buy in order 1042?",
        "How was order 1042 paid?",
        "Read me the notes on 1042",
        "Give me all the details of that order",
    ],
)
async def get_order(order: OrderRef) -> OrderDetails:
    """Get one order with its lines, addresses, payment, tracking and notes, and a link to the shop's administration.

    The lines have the numbers that woo_refund_order takes. To find an order by phone number, mail address or name, use
    woo_search_orders.
    """
    row = await order_of(order)
    notes = readable(Note, await api.rows(f"/orders/{row['id']}/notes"))
    details = OrderDetails.model_validate(row)
    return details.model_copy(update={"notes": notes, "link": order_link(row)})


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "crée commande prise par téléphone vente nouvelle passer prendre enregistrer commander achète lien de "
        "paiement place take phone order new buy sale purchase payment link"
    ),
    examples=[
        "Passe une commande de deux tasses bleues pour Jean Dupont.",
        "Create a phone order for Marie.",
        "Prends une commande, deux théières pour Madame Leroy",
        "Elle veut trois mugs, enregistre la vente",
        "Je voudrais acheter une lampe",
        "Envoie-lui un lien pour payer une tasse",
        "Note une nouvelle vente au comptoir",
        "Remets-lui la même chose que la dernière fois",
        "Take an order for three mugs",
        "I'd like to buy a teapot",
        "She wants two blue cups, put it through",
        "Ring up a new sale for this customer",
    ],
)
async def create_order(
    items: Annotated[
        list[Item],
        Field(
            min_length=1,
            description="Products and quantities.",
            examples=[[{"product": "TASSE-BLEUE"}]],
        ),
    ],
    customer: Annotated[
        Buyer,
        Field(
            description="Who orders it.",
            examples=[{"name": "Jean Dupont"}],
        ),
    ],
    note: Annotated[str | None, Field(description="What the customer wishes.")] = None,
    shipping: Annotated[PriceAmount | None, Field(description="Shipping fee before tax.")] = None,
    paid: Annotated[bool, Field(description="True: it is paid already.")] = False,
    again: Annotated[bool, Field(description="True orders the same things again.")] = False,
) -> OrderDetails:
    """Create an order for a customer; prices and tax are the shop's.

    The result holds the link where the customer pays; nobody is written to. With paid=true stock moves and a mail goes
    out, so a person is asked.
    """
    lines, names, total = [], [], Decimal(0)
    for item in items:
        path, thing, label = await sold_thing(item.product, item.variation)
        lines.append(_line(path, item.quantity))
        names.append(f"{item.quantity} × {label}")
        total += amount_of(thing.get("price")) * item.quantity
    person = customer.fields()
    mail = person.get("email")
    accounts = await api.rows("/customers", params={"email": mail}) if mail else []
    if mail and not again:
        await _check_new(mail, lines)
    body = {
        "status": None if paid else "pending",
        "set_paid": True if paid else None,
        "customer_id": next(
            (
                one["id"]
                for one in accounts
                if one.get("id") and str(one.get("email")).casefold() == (mail or "").casefold()
            ),
            None,
        ),
        "billing": person,
        "shipping": {name: value for name, value in person.items() if name not in ("email", "phone")},
        "line_items": lines,
        "customer_note": note,
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "Shipping", "total": written(shipping)}]
        if shipping
        else None,
    }
    if paid:
        code = await currency()
        fee = f" and {written(shipping)} {code} for shipping" if shipping else ""
        await confirm(
            f"Create a paid order of {listed(names)} for {customer.name}{f' ({mail})' if mail else ''}: "
            f"{written(total)} {code} by the shop's prices{fee}? The stock goes down and a confirmation is mailed."
        )
    created = await api.post("/orders", json=body)
    return OrderDetails.model_validate(created).model_copy(update={"link": order_link(created)})


def _line(path: str, quantity: int) -> dict[str, Any]:
    """Return a line of an order: the path of a thing, `/products/20/variations/21`, holds its ids."""
    ids = [int(part) for part in path.split("/") if part.isdecimal()]
    return {**dict(zip(("product_id", "variation_id"), ids, strict=False)), "quantity": quantity}


async def _check_new(mail: str, lines: list[dict[str, Any]]) -> None:
    """Raise errors.InvalidInputError where this customer has just ordered the same: WooCommerce would take it twice."""
    since = to_utc(datetime.now(UTC) - RECENT)
    rows = await api.rows("/orders", params={"search": mail, "after": since, "dates_are_gmt": "true", "per_page": 20})
    wanted = sorted((one["product_id"], one.get("variation_id", 0), one["quantity"]) for one in lines)
    for row in rows:
        same = sorted(
            (one.get("product_id") or 0, one.get("variation_id") or 0, one.get("quantity") or 0)
            for one in row.get("line_items") or []
            if isinstance(one, dict) and one.get("product_id")
        )
        if same == wanted and row.get("status") not in DONE:
            raise errors.InvalidInputError(
                f"{mail} ordered the same within the last hour: order {row.get('number')}; nothing was done.",
                "Look at it with woo_get_order, or pass again=true for another order.",
            )


@tools.writes(
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "changer passer mettre marquer statut commande expédiée envoyée terminée annuler annule annulation en "
        "attente cours payée traiter mark set as completed done shipped cancel paid processing on hold order "
        "status"
    ),
    examples=[
        "Passe la commande 1042 en terminée.",
        "Cancel order 1042.",
        "Annule ma commande",
        "Le colis est parti, marque la commande comme expédiée",
        "Mets la 1042 en attente",
        "Il a payé par virement, passe la commande en cours",
        "La 1042, c'est bon, elle est livrée, clôture-la",
        "Elle ne veut plus rien, stoppe sa commande",
        "I want to cancel my order",
        "Mark 1042 as done",
        "Put that order on hold",
        "The transfer came in, set the order to processing",
        "It shipped this morning, complete the order",
    ],
)
async def update_order_status(
    order: OrderRef,
    status: Annotated[
        str,
        Field(
            min_length=1,
            description="Status or label: pending, processing, completed, cancelled.",
            examples=["completed"],
        ),
    ],
) -> Order:
    """Set the status of an order, such as completed when it is sent, or cancelled. WooCommerce may mail the customer
    and move stock, so a person is asked first.

    A tracking number goes to the customer with woo_add_order_note. It pays nothing back: for that, use
    woo_refund_order.
    """
    slug = await status_of(status)
    if slug == "refunded":
        raise errors.InvalidInputError("A status pays nothing back.", "Refund the order with woo_refund_order.")
    row = await order_of(order)
    if row.get("status") == slug:
        raise errors.InvalidInputError(
            f"Order {row.get('number') or row['id']} is {slug} already; nothing was done.", "Tell the user."
        )
    mailed = " WooCommerce may write to the customer and move stock." if slug in MAILED else ""
    await confirm(
        f"Set order {row.get('number') or row['id']} of {person_of(row)}, {row.get('total')} {row.get('currency')}, "
        f"from {row.get('status')} to {slug}?{mailed}",
        row.get("status"),
    )
    return Order.model_validate(await api.put(f"/orders/{row['id']}", json={"status": slug}))


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "ajoute note annotation remarque commande message client préviens prévenir écris informer retard numéro "
        "de colis suivi on order comment remark write tell the customer let know delay tracking number gift"
    ),
    examples=[
        "Écris au client de la commande 1042 que son colis part demain.",
        "Note on order 1042: gift wrap.",
        "Préviens l'acheteur de la 1042 qu'il y aura deux jours de retard",
        "Envoie-lui le numéro de suivi de sa commande",
        "Mets une remarque sur la commande : paquet cadeau",
        "Dis-lui que sa commande part lundi",
        "Marque dans la 1042 de rappeler avant de livrer",
        "Tell the buyer that order 1042 is delayed",
        "Send her the tracking number for 1042",
        "Let him know his order leaves Monday",
        "Put a remark on the order, ring before delivery",
    ],
)
async def add_order_note(
    order: OrderRef,
    note: Annotated[str, Field(min_length=1, description="Text of the note.", examples=["Cadeau"])],
    to_customer: Annotated[bool, Field(description="True mails it to the customer.")] = False,
) -> Note:
    """Add a note to an order: for the shop alone, or mailed to the customer, such as a tracking number or a delay.

    A person is asked before the customer is written to. Notes stand in woo_get_order. To change the status, use
    woo_update_order_status.
    """
    row = await order_of(order)
    if to_customer:
        await confirm(
            f"Mail to {person_of(row)} about order {row.get('number') or row['id']}: «{errors.excerpt(note, 300)}»?"
        )
    body = {"note": note, "customer_note": to_customer}
    return Note.model_validate(await api.post(f"/orders/{row['id']}/notes", json=body))


@tools.destroys(
    creates=True,
    asks=True,
    idempotent=False,
    search=(
        "rembourser rembourse remboursement rendre argent récupérer reverser avoir retour article cassé abîmé "
        "défectueux refund money back give pay return broken damaged partial"
    ),
    examples=[
        "Rembourse la tasse bleue de la commande 1042.",
        "Refund one mug of order 1042.",
        "Rends-lui son argent",
        "Elle a renvoyé la lampe, rembourse-la",
        "Le mug est arrivé cassé, je veux être remboursé",
        "Recrédite dix euros à ce client",
        "Rembourse tout, frais de port compris",
        "Give him his money back",
        "The cup arrived broken, pay it back",
        "I returned it and I want a refund",
        "Pay back ten euros on 1042",
        "Refund the whole order",
    ],
)
async def refund_order(
    order: OrderRef,
    item: Annotated[
        str | None, Field(description="Line: its name, SKU or number of woo_get_order; without it, all.")
    ] = None,
    quantity: Annotated[int | None, Field(ge=1, description="Pieces of that line; all without it.")] = None,
    amount: Annotated[PositiveAmount | None, Field(description="Only this amount with tax, for no line.")] = None,
    reason: Annotated[str | None, Field(description="Why it is refunded, for the order.")] = None,
    restock: Annotated[bool, Field(description="False: nothing goes back into stock.")] = True,
    by_hand: Annotated[bool, Field(description="True only records it: the money is paid back elsewhere.")] = False,
) -> Refund:
    """Refund one line of an order, some pieces of it, an amount, or all that is left. The payment service sends the
    money back at once, and it cannot be taken back.

    The amount is calculated first, with tax and less what was refunded before; then a person is asked, with amount,
    customer and order.
    """
    if amount is not None and (item or quantity):
        raise errors.InvalidInputError("A line and an amount exclude each other.", "Pass item, or amount.")
    if quantity and not item:
        raise errors.InvalidInputError("It is not said of which line.", "Pass item with the quantity.")
    row = await order_of(order)
    code, number, left = str(row.get("currency") or ""), str(row.get("number") or row["id"]), left_of(row)
    parts = parts_of(row, await refunds_of(row))
    wanted = (
        [] if amount is not None else [chosen(parts, item, quantity)] if item else [p for p in parts if p.with_tax > 0]
    )
    total = amount if amount is not None else sum((p.with_tax for p in wanted), Decimal(0)) if item else left
    if total <= 0 or total > left:
        raise errors.InvalidInputError(
            f"Of order {number} only {written(left)} {code} can be refunded, not {written(total)}; nothing was done.",
            "Pass a smaller amount or another line.",
        )
    if not by_hand:
        await check_gateway(row)
    if not item and sum((p.with_tax for p in wanted), Decimal(0)) != total:
        wanted = []  # an amount without lines, or earlier refunds without lines
    shown = [part.shown(code) for part in wanted]
    how = "It is only recorded; the money is paid back by hand" if by_hand else _sent_back(row)
    stock = "; what was bought goes back into stock" if restock and any(p.quantity for p in wanted) else ""
    await confirm(
        f"Refund {written(total)} {code} to {person_of(row)} for order {number}"
        f"{f' ({listed(shown)})' if shown else ''}? {how}{stock}.",
        [str(left), row.get("refunds")],
    )
    body = {
        "amount": written(total),
        "reason": reason,
        "line_items": [part.request() for part in wanted] or None,
        "api_refund": not by_hand,
        "api_restock": restock,
    }
    done = await api.post(f"/orders/{row['id']}/refunds", json=body)
    return Refund(
        id=str(done["id"]),
        order=number,
        amount=str(done.get("amount") or written(total)),
        currency=code or None,
        paid_back=bool(done.get("refunded_payment", not by_hand)),
        calculation=shown,
    )


def _sent_back(order: dict[str, Any]) -> str:
    method = errors.excerpt(
        order.get("payment_method_title") or order.get("payment_method") or "the payment service", 60
    )
    return f"{method} sends the money back at once"


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "note client modifier corriger commande adresse de livraison mauvaise erreur trompé facturation téléphone "
        "nom du destinataire change correct delivery address wrong shipping billing recipient on an order fix"
    ),
    examples=[
        "Je me suis trompé d'adresse de livraison",
        "Livre la 1042 plutôt à son bureau",
        "Corrige le numéro de rue sur la commande",
        "Mets un autre destinataire pour le colis 1042",
        "Le code postal de la commande est faux",
        "Change the delivery address of order 1042",
        "She gave the wrong street for her order",
        "Ship that one to his office instead",
        "Fix the recipient name on 1042",
    ],
)
async def update_order(
    order: OrderRef,
    customer: Annotated[
        Buyer | None, Field(description="Name, address, mail and phone; what is left out stays as it is.")
    ] = None,
    note: Annotated[str | None, Field(max_length=2_000, description="What the customer wishes, for the shop.")] = None,
    only_delivery: Annotated[bool, Field(description="True leaves the address of the invoice as it is.")] = False,
) -> OrderDetails:
    """Correct the customer's details or the note of an order, such as a wrong delivery address; a person is asked
    first.

    Lines and prices stay. Find orders with woo_search_orders; to change the status, use woo_update_order_status; to
    write to the customer, use woo_add_order_note.
    """
    person = customer.fields() if customer else {}
    if not person and note is None:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass customer or note.")
    row = await order_of(order)
    body = {
        "billing": None if only_delivery or not person else person,
        "shipping": {name: value for name, value in person.items() if name not in ("email", "phone")} or None,
        "customer_note": note,
    }
    changes = listed([*person.values(), *([f"note «{note}»"] if note else [])])
    await confirm(f"Change order {row.get('number') or row['id']} of {person_of(row)} to: {changes}?")
    changed = await api.put(f"/orders/{row['id']}", json=body)
    return OrderDetails.model_validate(changed).model_copy(update={"link": order_link(changed)})

"""Draft orders: offers that the customer pays by a link. https://shopify.dev/docs/api/admin-graphql/2026-04/objects/DraftOrder"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Amount, Cursor, Limit, Model, Page, Percent, Record, Toolset, confirm, errors
from flotilla.parsing import folded, listed

from ..client import api
from ..documents import DRAFT_ORDER, PAGE_INFO, USER_ERRORS
from ..graphql import every, gid, mutate, one, page, query, quoted, shop
from ..lookup import VARIANTS_BY, find_customer, find_customers, find_variant, is_id, terms_of
from ..models import DraftOrder, dig

tools = Toolset("draft_orders")
READ = ["read_draft_orders read_customers", "write_draft_orders read_customers"]
WRITE = ["write_draft_orders read_customers read_products"]

LIST = f"""
query ListDraftOrders($first: Int!, $after: String, $query: String) {{
  draftOrders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{ ...DraftOrder }} {PAGE_INFO}
  }}
}}
{DRAFT_ORDER}"""
BY_ID = f"query DraftOrderById($id: ID!) {{ draftOrder(id: $id) {{ ...DraftOrder }} }} {DRAFT_ORDER}"
CREATE = f"""
mutation CreateDraftOrder($input: DraftOrderInput!) {{
  draftOrderCreate(input: $input) {{ draftOrder {{ ...DraftOrder }} {USER_ERRORS} }}
}}
{DRAFT_ORDER}"""
SEND = f"""
mutation SendDraftOrderInvoice($id: ID!, $email: EmailInput) {{
  draftOrderInvoiceSend(id: $id, email: $email) {{ draftOrder {{ ...DraftOrder }} {USER_ERRORS} }}
}}
{DRAFT_ORDER}"""
COMPLETE = f"""
mutation CompleteDraftOrder($id: ID!) {{
  draftOrderComplete(id: $id) {{ draftOrder {{ ...DraftOrder }} {USER_ERRORS} }}
}}
{DRAFT_ORDER}"""
DELETE = f"""
mutation DeleteDraftOrder($input: DraftOrderDeleteInput!) {{
  draftOrderDelete(input: $input) {{ deletedId {USER_ERRORS} }}
}}"""
DraftRef = Annotated[
    str,
    Field(
        min_length=1,
        description="Name of the draft order (D12), or the id that shopify_create_draft_order returned.",
        examples=["D12"],
    ),
]


class DraftItem(Model):
    """An item of a draft order, as an argument."""

    item: str = Field(min_length=1, description="SKU or name of a variant, or a text with a price.")
    quantity: int = Field(1, ge=1, le=10_000, description="Number of pieces.")
    price: Amount | None = Field(None, description="Price of a piece, if not the usual one.")


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "devis brouillon de commande offre proposition panier créer commande par téléphone order by "
        "phone quote provisoire prends veut commander bon pour le prix take an wants to buy estimate "
        "pro forma basket prendre acheter composer"
    ),
    examples=[
        "Prépare une commande de 2 chemises LIN-M pour marie@exemple.fr, avec 10 % de remise.",
        "Un client veut commander par téléphone",
        "Prends une commande de trois bougies",
        "Fais-lui un devis pour dix tee-shirts",
        "Prépare un panier avec la livraison à 5 €",
        "Commande provisoire pour cette dame, sans débiter",
        "Take an order over the phone",
        "She wants to buy two candles, put it together",
        "Make a quote for ten T-shirts",
        "Prepare a basket for this customer",
        "Write up an estimate with shipping",
    ],
)
async def create_draft_order(
    items: Annotated[
        list[DraftItem],
        Field(
            min_length=1, max_length=100, description="What is ordered.", examples=[[{"item": "LIN-M", "quantity": 2}]]
        ),
    ],
    customer: Annotated[
        str | None, Field(description="E-mail address, phone number, or id of shopify_search_customers.")
    ] = None,
    discount: Annotated[Percent | None, Field(ge=0, le=100, description="Discount on everything, in percent.")] = None,
    shipping: Annotated[Amount | None, Field(ge=0, description="Shipping costs in the shop's currency.")] = None,
    note: Annotated[str | None, Field(max_length=5000, description="Note for the staff.")] = None,
) -> DraftOrder:
    """Create a draft order for somebody, as on the phone: items, discount, shipping. Nothing is charged or sent.

    Returns the total and invoice_url, where the customer pays. To mail it use shopify_send_draft_order_invoice. Items
    come from shopify_search_products; what is not a product needs a price.
    """
    currency = str((await shop()).get("currencyCode") or "")
    whom = await _buyer(customer) if customer else {}
    values: dict[str, Any] = {
        **whom,
        "lineItems": [await _line(item, currency) for item in items],
        "note": note,
        "appliedDiscount": {"value": float(discount), "valueType": "PERCENTAGE"} if discount else None,
        "shippingLine": {"title": "Shipping", "priceWithCurrency": _money(shipping, currency)}
        if shipping is not None
        else None,
        "useCustomerDefaultAddress": True if whom.get("purchasingEntity") else None,
    }
    data = await mutate(CREATE, {"input": {name: value for name, value in values.items() if value is not None}})
    return DraftOrder.model_validate(data["draftOrderCreate"]["draftOrder"])


def _money(amount: Any, currency: str) -> dict[str, str]:
    return {"amount": str(amount), "currencyCode": currency}


async def _buyer(customer: str) -> dict[str, Any]:
    """Return who buys: a known customer, else the e-mail address alone."""
    if "@" in customer and not await find_customers(customer):
        return {"email": Address.read(customer).address}
    target = await find_customer(customer)
    email = dig(target, "defaultEmailAddress", "emailAddress")
    return {"purchasingEntity": {"customerId": target["id"]}, **({"email": email} if email else {})}


async def _line(item: DraftItem, currency: str) -> dict[str, Any]:
    """Return the input of an item; what is not a product is an item of its own where a price is given."""
    if item.price is not None and not await _is_product(item.item):
        return {
            "title": item.item,
            "quantity": item.quantity,
            "originalUnitPriceWithCurrency": _money(item.price, currency),
        }
    target = await find_variant(item.item)
    special = {"priceOverride": _money(item.price, currency)} if item.price is not None else {}
    return {"variantId": target["id"], "quantity": item.quantity, **special}


async def _is_product(text: str) -> bool:
    """Tell whether a variant has this SKU, barcode, id, or this name in part."""
    if "gid:" in text:
        return True
    search = f"sku:{quoted(text)} OR barcode:{quoted(text)} OR {quoted(text)}"
    rows = api.rows_in(await query(VARIANTS_BY, {"query": search}), "productVariants.nodes")
    wanted = folded(text)
    return any(
        wanted
        in (
            folded(str(row.get("sku"))),
            folded(str(row.get("barcode"))),
            folded(str(row.get("displayName"))),
            folded(str(dig(row, "product", "title"))),
        )
        for row in rows
    )


async def _find(draft_order: str) -> Record:
    """Return a draft order by name or id; raises errors.NotFoundError."""
    hint = "Ask the user for its name, such as D12, or create one with shopify_create_draft_order."
    if is_id(draft_order, "DraftOrder") or "gid:" in draft_order:
        data = await query(BY_ID, {"id": gid("DraftOrder", draft_order, "shopify_create_draft_order")})
        return one(data, "draftOrder", "draft order", hint)
    name = draft_order.strip().removeprefix("#")
    rows = api.rows_in(await query(LIST, {"first": 20, "query": terms_of(name)}), "draftOrders.nodes")
    target = [row for row in rows if folded(str(row.get("name")).removeprefix("#")) == folded(name)]
    if len(target) > 1:
        raise errors.InvalidInputError(
            f"Several draft orders are called so: {listed(row.get('id') for row in target)}.", "Pass the id of one."
        )
    if not target:
        raise errors.NotFoundError(f"There is no draft order `{errors.excerpt(name, 40)}`.", hint)
    return Record(target[0])


@tools.writes(
    creates=True,
    additive=False,
    asks=True,
    scopes=WRITE,
    search=(
        "envoyer facture lien de paiement devis brouillon commande mail client invoice payment link "
        "faire payer règle en ligne provisoire transmets envoie-lui le to pay online the quote bill"
    ),
    examples=[
        "Envoie à Marie le lien de paiement de la commande D12.",
        "Envoie-lui le lien pour payer",
        "Transmets le devis par mail",
        "Elle veut régler en ligne, envoie la facture",
        "Mail avec le paiement du panier préparé",
        "Fais partir la facture du brouillon",
        "Send her the payment link",
        "Mail him the quote",
        "Send the bill so they can pay online",
        "E-mail the invoice of that draft",
    ],
)
async def send_draft_order_invoice(
    draft_order: DraftRef,
    to: Annotated[Address | None, Field(description="Recipient; the draft order's own address without it.")] = None,
    message: Annotated[str | None, Field(max_length=5000, description="Text of the e-mail, above the link.")] = None,
) -> DraftOrder:
    """Send the invoice of a draft order by e-mail: the customer pays by the link in it. A person is asked first.

    Create the draft order with shopify_create_draft_order, which also gives the link itself.
    """
    target = await _find(draft_order)
    shown = DraftOrder.model_validate(target)
    recipient = to.address if to else shown.email
    if not recipient:
        raise errors.InvalidInputError("The draft order has no e-mail address.", "Pass one as to.")
    if shown.status == "COMPLETED":
        raise errors.InvalidInputError(
            f"{shown.name} is order {shown.order_number} already.", "Look at it with shopify_get_order."
        )
    await confirm(
        f"Send the invoice of draft order {shown.name} ({', '.join(shown.items)}; {shown.total}) to {recipient}?",
        shown.total,
    )
    email = {"to": recipient, **({"customMessage": message} if message else {})}
    data = await mutate(SEND, {"id": target["id"], "email": email})
    return DraftOrder.model_validate(data["draftOrderInvoiceSend"]["draftOrder"])


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "devis brouillons commandes ouverts envoyés liste drafts quotes provisoires paniers préparés "
        "propositions en attente de paiement pas encore payés relancer pending estimates unpaid waiting "
        "draft which montre payé paid already"
    ),
    examples=[
        "Quels devis attendent encore un paiement ?",
        "Montre les commandes provisoires",
        "Est-ce que le devis de la cliente a été payé ?",
        "Quels brouillons sont ouverts ?",
        "Quelles propositions j'ai envoyées ?",
        "Which quotes are still unpaid?",
        "Show the open drafts",
        "Did she pay her estimate?",
        "Which estimates did we send?",
    ],
)
async def list_draft_orders(
    text: Annotated[str | None, Field(description="Words from name, customer or e-mail address.")] = None,
    status: Annotated[
        Literal["open", "invoice_sent", "completed"] | None, Field(description="Only draft orders with this status.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[DraftOrder]:
    """List draft orders, last changed first, with items, total, link to pay and whether the invoice was sent.

    A completed one names its order, which shopify_get_order takes. To make one use shopify_create_draft_order.
    """
    search = every(terms_of(text), f"status:{status}" if status else None)
    return await page(LIST, "draftOrders", DraftOrder, limit=limit, cursor=cursor, query=search)


@tools.writes(
    core=False,
    replaces=True,
    asks=True,
    scopes=WRITE,
    search=(
        "valider brouillon devis transformer en commande payée terminer encaissé espèces virement reçu "
        "confirme conclure convertir payé boutique finalise paid cash bank transfer turn into real "
        "order confirm"
    ),
    examples=[
        "Il a payé en espèces, valide le devis",
        "Le virement est arrivé, passe le brouillon en commande",
        "Finalise la commande provisoire",
        "Transforme le devis en vraie commande",
        "Confirme le brouillon, c'est réglé",
        "He paid cash, turn the draft into an order",
        "The transfer came in, complete the quote",
        "Finalise the draft",
        "Make it a real order, it's been paid",
    ],
)
async def complete_draft_order(draft_order: DraftRef) -> DraftOrder:
    """Turn a draft order into an order that counts as paid, as for cash or a bank transfer. A person is asked first.

    Stock is taken at once. Where the customer is to pay online, use shopify_send_draft_order_invoice in its place.
    """
    target = await _find(draft_order)
    shown = DraftOrder.model_validate(target)
    if shown.status == "COMPLETED":
        raise errors.InvalidInputError(
            f"{shown.name} is order {shown.order_number} already.", "Look at it with shopify_get_order."
        )
    await confirm(
        f"Turn draft order {shown.name} of {shown.customer_name or shown.email or 'nobody'} into an order that counts "
        f"as paid: {', '.join(shown.items)}; {shown.total}?",
        shown.total,
    )
    data = await mutate(COMPLETE, {"id": target["id"]})
    return DraftOrder.model_validate(data["draftOrderComplete"]["draftOrder"])


@tools.destroys(
    core=False,
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search=(
        "supprimer brouillon devis effacer jette enlève abandonne commande provisoire panier plus "
        "besoin proposition bin trash discard remove drop quote estimate"
    ),
    examples=[
        "Supprime ce devis",
        "Jette le brouillon, elle ne veut plus",
        "Efface la commande provisoire",
        "Enlève cette proposition, c'était un essai",
        "Le devis est abandonné, vire-le",
        "Delete that quote",
        "Discard the draft, she changed her mind",
        "Bin the estimate",
        "Remove the draft, it was a test",
    ],
)
async def delete_draft_order(draft_order: DraftRef) -> DraftOrder:
    """Delete a draft order for good; its link to pay ends. A person is asked first, and what it was is returned.

    The order that a completed one became stays. Names stand in shopify_list_draft_orders.
    """
    target = await _find(draft_order)
    shown = DraftOrder.model_validate(target)
    await confirm(f"Delete draft order {shown.name} ({', '.join(shown.items)}; {shown.total}) for good?", shown.status)
    await mutate(DELETE, {"input": {"id": target["id"]}})
    return shown

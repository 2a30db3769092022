"""Discount codes and gift cards. https://shopify.dev/docs/api/admin-graphql/2026-04/mutations/discountCodeBasicCreate"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Amount, Cursor, Limit, Page, Percent, Toolset, When, confirm, errors
from flotilla.parsing import period, to_utc, zone_or

from ..client import api
from ..documents import PAGE_INFO, USER_ERRORS
from ..graphql import every, gid, mutate, one, page, query, quoted, shop
from ..lookup import find_customer, terms_of
from ..models import Discount, GiftCard

tools = Toolset("discounts")
READ = ["read_discounts", "write_discounts"]
WRITE = ["write_discounts"]

FIELDS = "title status startsAt endsAt asyncUsageCount usageLimit codes(first: 1) { nodes { code } }"
LIST = f"""
query ListDiscounts($first: Int!, $after: String, $query: String) {{
  discountNodes(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: true) {{
    nodes {{ id discount {{
      ... on DiscountCodeBasic {{ {FIELDS} summary }}
      ... on DiscountCodeBxgy {{ {FIELDS} summary }}
      ... on DiscountCodeFreeShipping {{ {FIELDS} summary }}
      ... on DiscountCodeApp {{ {FIELDS} }}
    }} }}
    {PAGE_INFO}
  }}
}}"""
CREATE = f"""
mutation CreateDiscount($discount: DiscountCodeBasicInput!) {{
  discountCodeBasicCreate(basicCodeDiscount: $discount) {{
    codeDiscountNode {{ id codeDiscount {{ ... on DiscountCodeBasic {{ {FIELDS} summary }} }} }} {USER_ERRORS}
  }}
}}"""
BY_CODE = f"""
query DiscountByCode($code: String!) {{
  codeDiscountNodeByCode(code: $code) {{ id codeDiscount {{
    ... on DiscountCodeBasic {{ {FIELDS} summary }}
    ... on DiscountCodeBxgy {{ {FIELDS} summary }}
    ... on DiscountCodeFreeShipping {{ {FIELDS} summary }}
    ... on DiscountCodeApp {{ {FIELDS} }}
  }} }}
}}"""
DEACTIVATE = f"""
mutation DeactivateDiscount($id: ID!) {{
  discountCodeDeactivate(id: $id) {{ codeDiscountNode {{ id }} {USER_ERRORS} }}
}}"""
CARD = """
fragment GiftCard on GiftCard {
  id lastCharacters enabled expiresOn note
  balance { amount currencyCode }
  initialValue { amount currencyCode }
  customer { displayName }
}"""
CARDS = f"""
query ListGiftCards($first: Int!, $after: String, $query: String) {{
  giftCards(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: true) {{
    nodes {{ ...GiftCard }} {PAGE_INFO}
  }}
}}
{CARD}"""
CARD_BY_ID = f"query GiftCardById($id: ID!) {{ giftCard(id: $id) {{ ...GiftCard }} }} {CARD}"
CREATE_CARD = f"""
mutation CreateGiftCard($input: GiftCardCreateInput!) {{
  giftCardCreate(input: $input) {{ giftCard {{ ...GiftCard }} giftCardCode {USER_ERRORS} }}
}}
{CARD}"""
DEACTIVATE_CARD = f"""
mutation DeactivateGiftCard($id: ID!) {{
  giftCardDeactivate(id: $id) {{ giftCard {{ ...GiftCard }} {USER_ERRORS} }}
}}
{CARD}"""
Code = Annotated[
    str, Field(min_length=1, max_length=255, description="Code as customers type it: ETE10.", examples=["ETE10"])
]


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "codes promo réductions remises liste actifs coupons vouchers bons de réduction offres "
        "promotions en cours valables utilisés combien fois existants running valid offers used how "
        "often which marche encore marchent still works show"
    ),
    examples=[
        "Quels codes promo sont valables en ce moment ?",
        "Combien de fois le code a été utilisé ?",
        "On a quelles promotions en cours ?",
        "Le code rentrée marche encore ?",
        "Montre les bons de réduction",
        "Which promo codes are running?",
        "How often was the voucher used?",
        "Is the summer code still valid?",
        "Show our coupons",
        "When does that discount end?",
    ],
)
async def list_discounts(
    text: Annotated[str | None, Field(description="Words from the discount's name or code.")] = None,
    status: Annotated[
        Literal["active", "expired", "scheduled"] | None, Field(description="Only discounts with this status.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Discount]:
    """List discount codes, newest first, with what they give, from when to when and how often they were used.

    A code with many spellings shows the first. To make one use shopify_create_discount; automatic discounts, which
    have no code, are not listed.
    """
    search = every("method:code", terms_of(text), f"status:{status}" if status else None)
    return await page(LIST, "discountNodes", Discount, limit=limit, cursor=cursor, query=search)


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    scopes=WRITE,
    search=(
        "créer code promo réduction remise pourcentage coupon bon voucher faire un moins pour cent "
        "offre nouvelle promotion Black Friday soldes rabais make set up percent off sale new"
    ),
    examples=[
        "Crée le code ETE10 : 10 % jusqu'au 31 août, une fois par client.",
        "Fais un code de 20 % pour le Black Friday",
        "J'ai besoin d'un bon de réduction de 5 € pour ce week-end",
        "Nouveau code promo, moins 15 à partir de 50 €",
        "Lance une promo valable jusqu'à dimanche",
        "Crée une remise de bienvenue",
        "Make a code for twenty percent off",
        "Set up a five euro coupon for the weekend",
        "New promo code, minimum fifty euros",
        "I want a welcome discount",
        "Black Friday code, one use per customer",
    ],
)
async def create_discount(
    code: Code,
    percent: Annotated[Percent | None, Field(gt=0, le=100, description="Percentage that is taken off.")] = None,
    amount: Annotated[
        Amount | None, Field(gt=0, description="Amount that is taken off, in the shop's currency.")
    ] = None,
    starts: Annotated[When | None, Field(description="First day or time; now without it.")] = None,
    ends: Annotated[When | None, Field(description="Last day, included, or time; no end without it.")] = None,
    minimum: Annotated[Amount | None, Field(gt=0, description="Smallest order value, in the shop's currency.")] = None,
    usage_limit: Annotated[int | None, Field(ge=1, description="How often it can be used in all.")] = None,
    once_per_customer: Annotated[bool, Field(description="Whether each customer can use it once.")] = False,
) -> Discount:
    """Create a discount code on everything in the shop, in percent or as an amount. A person is asked first.

    Fails where the code exists, see shopify_list_discounts. End it with shopify_deactivate_discount. Free shipping and
    discounts on some products are made in Shopify.
    """
    if (percent is None) == (amount is None):
        raise errors.InvalidInputError("A discount is either a percentage or an amount.", "Pass percent or amount.")
    known = await shop()
    zone = zone_or(known.get("ianaTimezone"), api.zone)
    begin, end = period(starts, ends, zone, "starts", "ends")
    value: dict[str, Any] = (
        {"percentage": float(percent / 100)}
        if percent is not None
        else {"discountAmount": {"amount": str(amount), "appliesOnEachItem": False}}
    )
    discount = {
        "title": code,
        "code": code,
        "startsAt": to_utc(begin or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)),
        "endsAt": to_utc(end) if end else None,
        "usageLimit": usage_limit,
        "appliesOncePerCustomer": once_per_customer,
        "context": {"all": "ALL"},
        "customerGets": {"value": value, "items": {"all": True}},
        "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": str(minimum)}} if minimum else None,
    }
    off = f"{percent} %" if percent is not None else f"{amount} {known.get('currencyCode')}"
    await confirm(
        f"Create the code {code}: {off} off everything, "
        f"{f'for orders from {minimum}' if minimum else 'for every order'}, until {ends or 'it is ended'}"
        f"{', once per customer' if once_per_customer else ''}?"
    )
    data = await mutate(CREATE, {"discount": {name: part for name, part in discount.items() if part is not None}})
    return Discount.model_validate(data["discountCodeBasicCreate"]["codeDiscountNode"])


@tools.writes(
    core=False,
    additive=False,
    scopes=WRITE,
    search=(
        "désactiver arrêter terminer code promo réduction coupe stoppe annule ferme retire expirer plus "
        "valable fin stop end disable turn off kill expire switch coupon désactive leak fuite invalid"
    ),
    examples=[
        "Arrête le code promo",
        "Coupe la réduction de Noël",
        "Ce code ne doit plus marcher",
        "Désactive le bon ETE10",
        "La promo est finie, ferme-la",
        "Stop the summer code",
        "Turn that coupon off",
        "Kill the promo, it leaked",
        "End the discount now",
        "That voucher should no longer work",
    ],
)
async def deactivate_discount(code: Code) -> Discount:
    """End a discount code at once: nobody can use it any more. Its uses so far stay.

    Codes stand in shopify_list_discounts. It can be activated again in Shopify.
    """
    data = await query(BY_CODE, {"code": code.strip()})
    target = one(data, "codeDiscountNodeByCode", "discount code", "Codes stand in shopify_list_discounts.")
    await mutate(DEACTIVATE, {"id": target["id"]})
    return Discount.model_validate(target).model_copy(update={"status": "EXPIRED"})


@tools.reads(
    core=False,
    group="gift_cards",
    scopes=["read_gift_cards"],
    search=(
        "cartes cadeaux solde bons chèque cadeau reste dessus montant restant carte expire gift card "
        "balance left remaining whose"
    ),
    examples=[
        "Combien il reste sur sa carte cadeau ?",
        "Quelles cartes cadeaux sont encore valables ?",
        "Elle a un chèque cadeau qui finit par 4 F 2 X, retrouve-le",
        "À qui est cette carte cadeau ?",
        "Quand expire son bon cadeau ?",
        "How much is left on her gift card?",
        "Which gift cards are still active?",
        "Find the gift card ending in 4F2X",
        "When does this gift card run out?",
        "List the gift cards",
    ],
)
async def list_gift_cards(
    last_characters: Annotated[str | None, Field(max_length=4, description="Last four characters of the code.")] = None,
    status: Annotated[
        Literal["enabled", "disabled", "expired"] | None, Field(description="Only gift cards in this state.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[GiftCard]:
    """List gift cards, newest first, with what is left on them, whose they are and when they end.

    Shopify never shows a whole code again. Not every shop lets an app read gift cards: the error says so then. To make
    one use shopify_create_gift_card.
    """
    states = {"enabled": "status:enabled", "disabled": "status:disabled", "expired": "status:expired"}
    search = every(
        f"last_characters:{quoted(last_characters)}" if last_characters else None, states[status] if status else None
    )
    return await page(CARDS, "giftCards", GiftCard, limit=limit, cursor=cursor, query=search)


@tools.writes(
    core=False,
    group="gift_cards",
    creates=True,
    asks=True,
    scopes=["write_gift_cards read_customers"],
    search=(
        "créer carte cadeau bon d'achat avoir geste commercial offrir chèque crédit dédommager donne "
        "offre gift card store credit make issue present goodwill"
    ),
    examples=[
        "Offre-lui une carte cadeau de 20 €",
        "Fais un bon d'achat de 50 euros pour cette cliente",
        "Dédommage-la avec un chèque cadeau",
        "Je veux une carte cadeau pour un anniversaire",
        "Crée un avoir utilisable en boutique",
        "Make a gift card of fifty euros",
        "Give her store credit for the trouble",
        "Issue a gift card valid for a year",
        "I need a present card for a customer",
        "Send him twenty euros as a gift card",
    ],
)
async def create_gift_card(
    amount: Annotated[Amount, Field(gt=0, description="Value in the shop's currency.", examples=["25.00"])],
    customer: Annotated[
        str | None, Field(description="E-mail address or phone number, or an id of shopify_search_customers.")
    ] = None,
    expires: Annotated[When | None, Field(description="Last day; no end without it.")] = None,
    note: Annotated[str | None, Field(max_length=1000, description="Note for the staff.")] = None,
) -> GiftCard:
    """Create a gift card and return its code, which is shown this once. A person is asked first, with the amount.

    With a customer Shopify may mail the card to them. It is money: treat the code as such. What exists stands in
    shopify_list_gift_cards.
    """
    known = await shop()
    zone = zone_or(known.get("ianaTimezone"), api.zone)
    target = await find_customer(customer) if customer else None
    whom = f" for {target.get('displayName')}" if target else ""
    await confirm(f"Create a gift card of {amount} {known.get('currencyCode')}{whom}, until {expires or 'no end'}?")
    values = {
        "initialValue": str(amount),
        "customerId": target["id"] if target else None,
        "expiresOn": expires.day(zone).isoformat() if expires else None,
        "note": note,
    }
    data = await mutate(CREATE_CARD, {"input": {name: value for name, value in values.items() if value is not None}})
    made = data["giftCardCreate"]
    return GiftCard.model_validate({**made["giftCard"], "gift_card_code": made.get("giftCardCode")})


@tools.destroys(
    core=False,
    group="gift_cards",
    asks=True,
    idempotent=False,
    scopes=["write_gift_cards"],
    search=(
        "désactiver bloquer carte cadeau perdue volée annule invalide chèque fraude plus utilisable "
        "lost stolen block cancel void disable gift card fraud"
    ),
    examples=[
        "Sa carte cadeau a été volée, bloque-la",
        "Désactive ce bon cadeau",
        "Annule la carte cadeau",
        "Elle a perdu sa carte cadeau, rends-la inutilisable",
        "Invalide le chèque cadeau, c'est une fraude",
        "Block this gift card, it was stolen",
        "Void the gift card",
        "Disable the lost gift card",
        "Cancel that card for good, it's fraud",
    ],
)
async def deactivate_gift_card(
    gift_card: Annotated[
        str,
        Field(
            description="Id of the gift card, from shopify_list_gift_cards.",
            examples=["gid://shopify/GiftCard/411106674"],
        ),
    ],
) -> GiftCard:
    """Deactivate a gift card for good, with what is left on it. A person is asked first; it cannot be undone.

    The id comes from shopify_list_gift_cards.
    """
    key = gid("GiftCard", gift_card, "shopify_list_gift_cards")
    target = one(await query(CARD_BY_ID, {"id": key}), "giftCard", "gift card", "Use shopify_list_gift_cards.")
    shown = GiftCard.model_validate(target)
    await confirm(
        f"Deactivate the gift card …{shown.last_characters} of {shown.customer_name or 'nobody'} with {shown.balance} "
        "left on it? It cannot be undone.",
        shown.balance,
    )
    data = await mutate(DEACTIVATE_CARD, {"id": key})
    return GiftCard.model_validate(data["giftCardDeactivate"]["giftCard"])

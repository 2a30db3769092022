"""Coupons: codes that lower a price. https://woocommerce.github.io/woocommerce-rest-api-docs/#coupons"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Addresses, Cursor, Limit, Page, Toolset, When, confirm, errors
from flotilla.parsing import listed

from ..client import api
from ..models import Coupon
from ..values import PositiveAmount, written

tools = Toolset("coupons")
KINDS = {"percent": "%", "fixed_cart": "off the cart", "fixed_product": "off each product"}
Code = Annotated[str, Field(min_length=1, description="What customers type.", examples=["MERCI5"])]
CouponRef = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        description="Its code, as in woo_list_coupons.",
        examples=["ete10"],
    ),
]
Expires = Annotated[When | None, Field(description="Last day on which it works.")]
Uses = Annotated[int | None, Field(ge=1, description="Number of uses in all.")]


def _day(expires: When | None) -> str | None:
    """Return a last day as the API takes it: a coupon ends as the day of its date begins."""
    return f"{(expires.day(api.zone) + timedelta(days=1)).isoformat()}T00:00:00" if expires else None


@tools.writes(
    creates=True,
    asks=True,
    search=(
        "créer crée code promo coupon bon de réduction remise rabais ristourne geste commercial offre d'achat "
        "chèque cadeau discount voucher gift make new percent off money goodwill"
    ),
    examples=[
        "Crée un code ETE10 de 10 % jusqu'à fin août.",
        "Make a 5 euro coupon for Marie.",
        "Fais un geste commercial à ce client, 15 % sur sa prochaine commande",
        "Offre-lui une remise de 10 euros pour s'excuser du retard",
        "Prépare un bon de réduction valable une seule fois",
        "Il me faut une promo de bienvenue à moins 20 pour cent",
        "On lance une ristourne pour Noël, dès 50 euros d'achat",
        "Give her a discount for the inconvenience",
        "Set up a voucher, twenty percent off until Friday",
        "I want a promo code for Black Friday",
        "Make a one-time gift code worth 25 euros",
    ],
)
async def create_coupon(
    code: Code,
    amount: Annotated[PositiveAmount, Field(description="Percent, or an amount of money.", examples=["10"])],
    kind: Annotated[
        Literal["percent", "fixed_cart", "fixed_product"],
        Field(description="Percent, or off cart or product."),
    ] = "percent",
    expires: Expires = None,
    minimum: Annotated[PositiveAmount | None, Field(description="Least total of the cart.")] = None,
    uses: Uses = None,
    emails: Annotated[Addresses | None, Field(description="Only these customers may use it.")] = None,
    single: Annotated[bool, Field(description="True: with no other coupon.")] = True,
) -> Coupon:
    """Create a coupon code that works at once: percent, or an amount off the cart or off each product.

    A person is asked first. Fails where the code exists already. For one customer, pass their mail address and uses=1;
    nobody is written to.
    """
    if kind == "percent" and amount > 100:
        raise errors.InvalidInputError("A coupon takes 100 percent at most.", "Pass a smaller amount, or another kind.")
    rows = await api.rows("/coupons", params={"code": code.strip()})
    if any(str(row.get("code") or "").casefold() == code.strip().casefold() for row in rows):
        raise errors.InvalidInputError(
            f"There is a coupon `{errors.excerpt(code, 60)}` already; nothing was done.", "Choose another code."
        )
    for_whom = f" for {listed(one.address for one in emails)}" if emails else " for everybody"
    limits = [
        *([f"{uses} times"] if uses else ["any number of times"]),
        *([f"until {expires.day(api.zone)}"] if expires else ["without an end"]),
    ]
    await confirm(f"Create the coupon {code.strip()}: {written(amount)} {KINDS[kind]}{for_whom}, {', '.join(limits)}?")
    body = {
        "code": code.strip(),
        "discount_type": kind,
        "amount": written(amount),
        "individual_use": single,
        "date_expires": _day(expires),
        "minimum_amount": written(minimum) if minimum else None,
        "usage_limit": uses,
        "email_restrictions": [one.address for one in emails] if emails else None,
    }
    return Coupon.model_validate(await api.post("/coupons", json=body))


@tools.reads(
    core=False,
    search=(
        "liste voir quels codes promo coupons bons de réduction actifs en cours utilisés combien fois remises "
        "existantes which vouchers discounts active running used list show how often"
    ),
    examples=[
        "Quelles promos sont en cours ?",
        "Quels codes de réduction avons-nous ?",
        "Combien de fois le code ETE10 a-t-il servi ?",
        "Est-ce que ce code est encore valable ?",
        "Montre-moi les bons de réduction actifs",
        "Which discount codes are running right now?",
        "How many times was the summer code used?",
        "Is this voucher still valid?",
        "What promo codes do we have?",
    ],
)
async def list_coupons(
    query: Annotated[str | None, Field(description="Only coupons with this in their code.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Coupon]:
    """List the coupons of the shop, newest first, with their amount, end and how often each was used.

    To change one, use woo_update_coupon with its code; to make one, use woo_create_coupon.
    """
    return await api.page("/coupons", Coupon, params={"search": query}, limit=limit, cursor=cursor)


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    idempotent=True,
    search=(
        "prolonger prolonge repousser raccourcir arrêter stopper fin date d'expiration modifier changer code "
        "promo coupon montant limite utilisations extend expire end sooner stop change amount raise lower voucher "
        "usage limit"
    ),
    examples=[
        "Prolonge le code ETE10 jusqu'à fin septembre",
        "Arrête la promo de Noël dès aujourd'hui",
        "Passe le coupon de bienvenue de 10 à 15 %",
        "Limite le code à 100 utilisations",
        "Le bon de réduction ne doit plus marcher",
        "Extend the voucher by two weeks",
        "Stop the promo code today",
        "Raise the discount code to 20 percent",
        "Let people use that code only fifty times",
    ],
)
async def update_coupon(
    coupon: CouponRef,
    amount: Annotated[PositiveAmount | None, Field(description="New percent or amount.")] = None,
    expires: Expires = None,
    uses: Uses = None,
) -> Coupon:
    """Change the amount, the last day or the number of uses of a coupon; what is left out stays. A person is asked
    first.

    The codes stand in woo_list_coupons. To end a coupon, pass yesterday as the last day.
    """
    row = await _coupon_of(coupon)
    body = {"amount": written(amount) if amount else None, "date_expires": _day(expires), "usage_limit": uses}
    changes = [
        f"{name.replace('_', ' ')} from {errors.excerpt(row.get(name) or 'none', 40)} to {value}"
        for name, value in body.items()
        if value is not None
    ]
    if not changes:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass an amount, a day or a number of uses.")
    await confirm(f"Change the coupon {row.get('code')}: {', '.join(changes)}?")
    return Coupon.model_validate(await api.put(f"/coupons/{row['id']}", json=body))


async def _coupon_of(code: str) -> dict[str, Any]:
    """Return a coupon by its code, which has no case; raises errors.NotFoundError."""
    rows: list[dict[str, Any]] = await api.rows("/coupons", params={"code": code.strip()})
    for row in rows:
        if row.get("id") and str(row.get("code") or "").casefold() == code.strip().casefold():
            return row
    raise errors.NotFoundError(f"There is no coupon `{errors.excerpt(code, 60)}`.", "woo_list_coupons lists them.")

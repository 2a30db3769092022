"""Refunds, calculated by Shopify before anybody is asked.

https://shopify.dev/docs/api/admin-graphql/2026-04/mutations/refundCreate
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from flotilla import Model, Money, Record, Toolset, confirm, errors

from ..documents import MONEY, USER_ERRORS
from ..graphql import idempotency_key, mutate, one, query
from ..lookup import LineRef, OrderRef, find_location, find_order, line_rows, pick_line
from ..models import Order, dig, money, nodes
from .orders import WRITE, person

tools = Toolset("orders")

CALCULATE = f"""
query CalculateRefund($id: ID!, $lines: [RefundLineItemInput!], $shipping: Money, $full: Boolean!) {{
  order(id: $id) {{
    suggestedRefund(refundLineItems: $lines, shippingAmount: $shipping, suggestFullRefund: $full) {{
      amountSet {{ ...Money }}
      subtotalSet {{ ...Money }}
      totalTaxSet {{ ...Money }}
      maximumRefundableSet {{ ...Money }}
      shipping {{ amountSet {{ ...Money }} }}
      suggestedTransactions {{
        gateway formattedGateway
        amountSet {{ ...Money }}
        maximumRefundableSet {{ ...Money }}
        parentTransaction {{ id }}
      }}
    }}
  }}
}}
{MONEY}"""
REFUND = f"""
mutation RefundOrder($input: RefundInput!, $idempotencyKey: String!) {{
  refundCreate(input: $input) @idempotent(key: $idempotencyKey) {{
    refund {{ id totalRefundedSet {{ ...Money }} }}
    order {{ displayFinancialStatus totalRefundedSet {{ ...Money }} }}
    {USER_ERRORS}
  }}
}}
{MONEY}"""


class RefundLine(Model):
    """An item to refund, as an argument."""

    item: LineRef
    quantity: int | None = Field(None, ge=1, description="Number of pieces; all without it.")


class Refunded(Model):
    """A refund, and how it was calculated."""

    refund_id: str
    number: str
    amount: str
    items: list[str] = Field(default_factory=list)
    shipping: str | None = None
    restocked_at: str | None = None
    payment: str | None = Field(None, description="Payment status of the order afterwards")
    refunded_in_all: str | None = None
    customer_notified: bool


@tools.destroys(
    creates=True,
    asks=True,
    idempotent=False,
    scopes=WRITE,
    search=(
        "rembourser rembourse remboursement article avoir geste commercial rendre argent money back "
        "rends-lui l'argent dédommage partiel frais de port cassé arrivé abîmé give reimburse partial "
        "damaged compensate shipping costs renvoyé returned"
    ),
    examples=[
        "Rembourse la chemise de la commande 1001.",
        "Refund 10 euros of order 1001 as a gesture.",
        "Rends-lui son argent",
        "L'article est arrivé cassé, rembourse-le",
        "Rembourse-lui les frais de port",
        "Fais-lui un geste de 10 € sur sa commande",
        "Elle a renvoyé la chemise, on la rembourse",
        "Give her the money back",
        "It arrived damaged, reimburse the item",
        "Refund the shipping costs",
        "Partial refund of ten euros",
        "He sent the shirt back, pay him back",
    ],
)
async def refund_order(
    order: OrderRef,
    items: Annotated[
        list[RefundLine] | None, Field(description="Items to refund; none for an amount alone.", max_length=50)
    ] = None,
    shipping: Annotated[Money | None, Field(description="Shipping costs to refund.")] = None,
    amount: Annotated[Money | None, Field(description="Amount in place of the calculated one, at most that.")] = None,
    restock_at: Annotated[str | None, Field(description="Location where the items go back into stock.")] = None,
    note: Annotated[str | None, Field(max_length=1000, description="Why, for the staff.")] = None,
    notify: Annotated[bool, Field(description="Whether Shopify sends the customer an e-mail.")] = False,
) -> Refunded:
    """Refund items, shipping or an amount of an order to the original payment. It cannot be undone.

    Shopify calculates first, with taxes and discounts, and a person is asked with the calculation. Items stand in
    shopify_get_order. To refund and cancel everything, use shopify_cancel_order.
    """
    target = await find_order(order)
    shown = Order.model_validate(target)
    currency = str(target.get("presentmentCurrencyCode") or "")
    if not items and shipping is None and amount is None:
        raise errors.InvalidInputError("Nothing says what to refund.", "Pass items, shipping or an amount.")
    wanted, postage = _amount(amount, currency), _amount(shipping, currency)
    place = await find_location(restock_at) if restock_at else None
    chosen = [_chosen(one_item, line_rows(target)) for one_item in items or ()]
    lines = [_line(line, count, place) for line, count in chosen]
    calculated = one(
        one(
            await query(
                CALCULATE,
                {
                    "id": target["id"],
                    "lines": lines or None,
                    "shipping": None if postage is None else str(postage),
                    "full": not lines and postage is None,
                },
            ),
            "order",
            "order",
            "Find it with shopify_search_orders.",
        ),
        "suggestedRefund",
        "refund",
        "The order cannot be refunded: look at it with shopify_get_order.",
    )
    most = _decimal(calculated["amountSet"])
    total = most if wanted is None else wanted
    if not most:
        raise errors.InvalidInputError(
            f"Nothing is left to refund of order {shown.number}: it is {shown.payment}.",
            "Look at it with shopify_get_order.",
        )
    if total > most:
        raise errors.InvalidInputError(
            f"At most {most} {currency} can be refunded for this.", "Pass a smaller amount, or more items."
        )
    transactions = _transactions(calculated, total, str(target["id"]))
    names = [f"{count} × {line.get('name')}" for line, count in chosen]
    await confirm(
        f"Refund {total} {currency} of order {shown.number} to {person(shown)}? "
        + _calculation(calculated, names, postage, wanted)
        + (f" The items go back into stock at {place['name']}." if place else " The stock stays as it is.")
        + (" The customer gets an e-mail." if notify else " The customer gets no e-mail.")
        + " It cannot be undone.",
        [total, currency, target.get("totalRefundedSet")],
    )
    data = await mutate(
        REFUND,
        {
            "input": {
                "orderId": target["id"],
                "currency": currency or None,
                "note": note,
                "notify": notify,
                "refundLineItems": lines,
                "shipping": {"amount": str(postage)} if postage else None,
                "transactions": transactions,
            },
            "idempotencyKey": idempotency_key(),
        },
    )
    made = data["refundCreate"]
    return Refunded(
        refund_id=str(one(made, "refund", "refund", "Look at the order with shopify_get_order.")["id"]),
        number=shown.number,
        amount=f"{total} {currency}",
        items=names,
        shipping=None if postage is None else f"{postage} {currency}",
        restocked_at=str(place["name"]) if place else None,
        payment=dig(made, "order", "displayFinancialStatus"),
        refunded_in_all=money(dig(made, "order", "totalRefundedSet")),
        customer_notified=notify,
    )


def _amount(money_given: Money | None, currency: str) -> Decimal | None:
    """Return an amount above 0 in the order's currency; raises errors.InvalidInputError for another one."""
    if money_given is None:
        return None
    if money_given.currency not in (None, currency):
        raise errors.InvalidInputError(
            f"The order is in {currency}, not in {money_given.currency}.", f"Pass the amount in {currency}."
        )
    if money_given.amount <= 0:
        raise errors.InvalidInputError("The amount is not positive.", "Pass an amount above 0.")
    return money_given.amount


def _chosen(item: RefundLine, lines: list[Record]) -> tuple[Record, int]:
    """Return the line that is meant, and how many pieces; raises errors.InvalidInputError for too many."""
    line = pick_line(item.item, lines)
    left = int(line.get("refundableQuantity") or 0)
    count = item.quantity or left
    if not left or count > left:
        raise errors.InvalidInputError(
            f"Of «{line.get('name')}» {left} pieces can still be refunded.", "Look at it with shopify_get_order."
        )
    return line, count


def _line(line: Record, count: int, place: Record | None) -> dict[str, Any]:
    """Return the input of a line: what was sent comes back as a return, what was not as a cancellation."""
    if not place:
        return {"lineItemId": line["id"], "quantity": count, "restockType": "NO_RESTOCK"}
    kind = "CANCEL" if int(line.get("unfulfilledQuantity") or 0) >= count else "RETURN"
    return {"lineItemId": line["id"], "quantity": count, "restockType": kind, "locationId": place["id"]}


def _decimal(bag: Any) -> Decimal:
    return Decimal(str(Record(dig(bag, "presentmentMoney") or {})["amount"]))


def _transactions(calculated: Record, total: Decimal, order: str) -> list[dict[str, Any]]:
    """Share an amount between the payments that it came from; raises errors.InvalidInputError where it is too big."""
    left, result = total, []
    for suggested in nodes(calculated.get("suggestedTransactions")):
        most = _decimal(suggested.get("maximumRefundableSet") or suggested.get("amountSet"))
        part = min(left, most)
        if part <= 0:
            continue
        left -= part
        parent = dig(suggested, "parentTransaction", "id")
        result.append(
            {
                "orderId": order,
                "kind": "REFUND",
                "gateway": str(suggested.get("gateway") or ""),
                "amount": str(part),
                **({"parentId": parent} if parent else {}),
            }
        )
    if left > 0:
        raise errors.InvalidInputError(
            f"Shopify finds only {total - left} in payments that can be refunded, not {total}.",
            "Pass a smaller amount, or refund the rest outside of Shopify.",
        )
    return result


def _calculation(calculated: Record, names: list[str], shipping: Decimal | None, amount: Decimal | None) -> str:
    """Return the calculation as a sentence."""
    parts = [f"{', '.join(names)}: {money(calculated.get('subtotalSet'))}"] if names else []
    parts += [f"taxes {money(calculated.get('totalTaxSet'))}"] if names else []
    parts += [f"shipping {money(dig(calculated, 'shipping', 'amountSet'))}"] if shipping else []
    payments = {
        str(row.get("formattedGateway") or row.get("gateway")) for row in nodes(calculated["suggestedTransactions"])
    }
    parts.append(f"calculated in all {money(calculated['amountSet'])}")
    parts += ["less by choice"] if amount is not None and amount < _decimal(calculated["amountSet"]) else []
    return f"Calculation: {'; '.join(parts)}; back to {', '.join(sorted(payments)) or 'the original payment'}."

"""What a refund pays back. Magento calculates a credit memo itself; here is what it will come to, for the question.

https://developer.adobe.com/commerce/webapi/rest/tutorials/orders/order-issue-refund/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flotilla import choose, errors

from .client import search
from .models import lines_of
from .values import amount, cents, number, plain


@dataclass(frozen=True)
class Part:
    """So many pieces of one line of an order, and what they cost with tax, less the discount."""

    item: int
    name: str
    sku: str
    quantity: Decimal
    total: Decimal

    def request(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        return {"order_item_id": self.item, "qty": number(self.quantity)}

    def shown(self, currency: str) -> str:
        """Return it for a person: `1 × Tasse bleue: 24.90 EUR`."""
        return f"{plain(self.quantity)} × {errors.excerpt(self.name, 60)}: {self.total:f} {currency}"


def parts_of(order: dict[str, Any]) -> list[Part]:
    """Return what of each line was invoiced and not refunded yet."""
    parts = []
    for row in lines_of(order):
        ordered, left = (
            amount(row.get("qty_ordered")),
            amount(row.get("qty_invoiced")) - amount(row.get("qty_refunded")),
        )
        whole = amount(row.get("row_total_incl_tax")) - amount(row.get("discount_amount"))
        total = cents(whole * left / ordered) if ordered else Decimal(0)
        parts.append(Part(int(row["item_id"]), str(row.get("name") or row["sku"]), str(row["sku"]), left, total))
    return parts


def line_of(parts: Sequence[Part], item: str) -> Part:
    """Return a line by its SKU, name or number; raises what `choose` does."""
    of_sku = [one for one in parts if one.sku.casefold() == item.strip().casefold()]
    return (
        of_sku[0] if len(of_sku) == 1 else choose(item, parts, id=lambda one: str(one.item), kind="line of the order")
    )


def chosen(parts: Sequence[Part], item: str, quantity: int | None) -> Part:
    """Return so many pieces of a line, by its SKU, name or number; all that are left without a quantity.

    Raises errors.InvalidInputError for more than is left, and what `choose` does.
    """
    part = line_of(parts, item)
    name = errors.excerpt(part.name, 60)
    if part.quantity <= 0:
        raise errors.InvalidInputError(
            f"Nothing of «{name}» can be refunded: it is not invoiced, or refunded already; nothing was done.",
            "Look at the order with magento_get_order.",
        )
    if quantity is None or quantity == part.quantity:
        return part
    if quantity > part.quantity:
        raise errors.InvalidInputError(
            f"Of «{name}» only {plain(part.quantity)} can be refunded.", "Pass a smaller quantity."
        )
    share = Decimal(quantity)
    return Part(part.item, part.name, part.sku, share, cents(part.total * share / part.quantity))


def shipping_left(order: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """Return what of the shipping fee can be paid back: before tax, and with its tax."""
    fee, back = amount(order.get("shipping_amount")), amount(order.get("shipping_refunded"))
    tax = amount(order.get("shipping_tax_amount")) - amount(order.get("shipping_tax_refunded"))
    return fee - back, fee - back + tax


async def invoices_of(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the invoices of an order."""
    rows = await search("/invoices", [("order_id", "eq", order["entity_id"])])
    return [row for row in rows if isinstance(row.get("entity_id"), int)]


def captured(invoices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the invoice whose payment service can pay back; raises errors.InvalidInputError without exactly one."""
    able = [one for one in invoices if one.get("transaction_id")]
    if len(able) == 1:
        return able[0]
    problem = "was paid by several transactions" if able else "was not paid by a service that can pay back by itself"
    raise errors.InvalidInputError(
        f"The order {problem}; nothing was done.",
        "Ask the user whether they pay it back by hand; then pass by_hand=true, which only records it.",
    )

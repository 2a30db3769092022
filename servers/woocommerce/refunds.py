"""What a refund pays back: lines with their tax, less what was paid back before. Calculated before anybody is asked.

https://woocommerce.github.io/woocommerce-rest-api-docs/#order-refunds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flotilla import choose, errors
from flotilla.parsing import listed

from .client import api
from .values import amount, cents, written

KINDS = ("line_items", "shipping_lines", "fee_lines")
BEFORE = "_refunded_item_id"  # meta data of a refund's line: the order's line that it pays back


@dataclass
class Part:
    """What is left of one line of an order: not yet paid back."""

    id: int
    name: str
    sku: str
    quantity: Decimal  # 0 for shipping and fees
    total: Decimal
    taxes: dict[int, Decimal] = field(default_factory=dict)

    @property
    def with_tax(self) -> Decimal:
        """What is left with its tax."""
        return self.total + sum(self.taxes.values(), Decimal(0))

    def share(self, quantity: Decimal) -> Part:
        """Return so much of it; all of it is exactly what is left, so that nothing is lost by rounding."""
        if quantity == self.quantity:
            return self
        ratio = quantity / self.quantity
        taxes = {tax: cents(total * ratio) for tax, total in self.taxes.items()}
        return Part(self.id, self.name, self.sku, quantity, cents(self.total * ratio), taxes)

    def request(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        taxes = [{"id": tax, "refund_total": float(total)} for tax, total in self.taxes.items() if total]
        return {
            "id": self.id,
            "quantity": int(self.quantity),
            "refund_total": float(self.total),
            **({"refund_tax": taxes} if taxes else {}),
        }

    def shown(self, currency: str) -> str:
        """Return the calculation for a person: `1 × Tasse bleue: 20.75 + 4.15 tax = 24.90 EUR`."""
        count = f"{self.quantity.normalize():f} × " if self.quantity else ""
        tax = self.with_tax - self.total
        total = f"{written(self.total)} + {written(tax)} tax = {written(self.with_tax)}" if tax else written(self.total)
        return f"{count}{errors.excerpt(self.name, 60)}: {total} {currency}"


def parts_of(order: dict[str, Any], refunds: Sequence[dict[str, Any]]) -> list[Part]:
    """Return what is left of each line of an order after its refunds."""
    parts: dict[int, Part] = {}
    for kind in KINDS:
        for row in _dicts(order.get(kind)):
            if isinstance(row.get("id"), int):
                name = str(row.get("name") or row.get("method_title") or "Shipping")
                quantity = amount(row.get("quantity")) if kind == "line_items" else Decimal(0)
                total = amount(row.get("total"))
                part = Part(row["id"], name, str(row.get("sku") or ""), quantity, total, _taxes(row))
                parts[part.id] = part
    for refund in refunds:
        for kind in KINDS:
            for row in _dicts(refund.get(kind)):
                _subtract(parts, row)
    return list(parts.values())


def _subtract(parts: dict[int, Part], row: dict[str, Any]) -> None:
    """Take the line of an earlier refund, whose numbers are negative, from what is left."""
    meta = {one.get("key"): one.get("value") for one in _dicts(row.get("meta_data"))}
    part = parts.get(int(text)) if (text := str(meta.get(BEFORE) or "")).isdecimal() else None
    if part is None:
        return
    part.quantity -= abs(amount(row.get("quantity"))) if part.quantity else Decimal(0)
    part.total -= abs(amount(row.get("total")))
    for tax, total in _taxes(row).items():
        part.taxes[tax] = part.taxes.get(tax, Decimal(0)) - abs(total)


def _taxes(row: dict[str, Any]) -> dict[int, Decimal]:
    taxes = {one["id"]: amount(one.get("total")) for one in _dicts(row.get("taxes")) if isinstance(one.get("id"), int)}
    return {tax: total for tax, total in taxes.items() if total}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def left_of(order: dict[str, Any]) -> Decimal:
    """Return what of an order was not paid back yet."""
    back = sum((abs(amount(one.get("total"))) for one in _dicts(order.get("refunds"))), Decimal(0))
    return amount(order.get("total")) - back


def chosen(parts: list[Part], item: str, quantity: int | None) -> Part:
    """Return the part that is to be paid back: a line by its number, SKU or name, all of it or so many pieces.

    Raises errors.InvalidInputError for more than is left, and what `choose` does.
    """
    of_sku = [one for one in parts if one.sku and one.sku.casefold() == item.strip().casefold()]
    part = of_sku[0] if len(of_sku) == 1 else choose(item, parts, id=lambda one: str(one.id), kind="line of the order")
    if part.with_tax <= 0:
        raise errors.InvalidInputError(
            f"«{errors.excerpt(part.name, 60)}» was refunded already; nothing was done.", "Look at the order again."
        )
    if quantity is None or not part.quantity:
        return part
    if quantity > part.quantity:
        raise errors.InvalidInputError(
            f"Of «{errors.excerpt(part.name, 60)}» only {part.quantity.normalize():f} can be refunded.",
            "Pass a smaller quantity.",
        )
    return part.share(Decimal(quantity))


async def refunds_of(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the earlier refunds of an order, with their lines; without a request where it has none."""
    if not _dicts(order.get("refunds")):
        return []
    return await api.rows(f"/orders/{order['id']}/refunds", params={"per_page": 100})


async def check_gateway(order: dict[str, Any]) -> None:
    """Raise errors.InvalidInputError unless the order's payment service can pay money back by itself."""
    name = str(order.get("payment_method_title") or order.get("payment_method") or "no payment service")
    gateways = await api.rows("/payment_gateways")
    gateway = next((one for one in gateways if one.get("id") == order.get("payment_method")), None)
    supports = gateway.get("method_supports") if gateway else []
    if gateway is None or (isinstance(supports, list) and "refunds" not in supports):
        able = listed(one.get("method_title") or one.get("id") for one in gateways if _can(one))
        raise errors.InvalidInputError(
            f"The order was paid by {errors.excerpt(name, 60)}, which cannot pay back by itself"
            f"{f' (these can: {able})' if able else ''}; nothing was done.",
            "Ask the user whether they pay it back by hand; then pass by_hand=true, which only records it.",
        )


def _can(gateway: dict[str, Any]) -> bool:
    supports = gateway.get("method_supports")
    return isinstance(supports, list) and "refunds" in supports

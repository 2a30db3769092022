"""One table of amounts as people write them, for the tests of every server that takes one."""

from __future__ import annotations

from decimal import Decimal

READ: dict[str, Decimal] = {
    "1 250,50 €": Decimal("1250.50"),
    "1\u00a0250,50\u00a0€": Decimal("1250.50"),
    "1\u202f250,50\u202f€": Decimal("1250.50"),
    "1.250,50 €": Decimal("1250.50"),
    "1,250.50": Decimal("1250.50"),
    "12,500.50": Decimal("12500.50"),
    "1 250,50 EUR": Decimal("1250.50"),
    "1 250,50 euros": Decimal("1250.50"),
    "EUR 1250.50": Decimal("1250.50"),
    "12500,5": Decimal("12500.5"),
    "1250": Decimal(1250),
    "0,25": Decimal("0.25"),
}
"""What each text means to every server."""

TWO_WAYS = {
    "12.500": "12500 or 12.50",
    "1.250": "1250 or 1.25",
    "12.500 €": "12500 or 12.50",
    "1,234": "1234 or 1.2340",
}
"""What every server refuses, with the two ways to write it."""

NUMBERS: list[int | float] = [1250, 12.5, 1.234, 0]
"""JSON numbers: they have one reading."""

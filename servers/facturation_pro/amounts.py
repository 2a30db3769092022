"""Money, rates and quantities: decimals as text on both sides, never floats."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from flotilla.parsing.money import read_money, read_number

CENT = Decimal("0.01")
_MOST, _PLACES = Decimal(10) ** 12, 6  # of a number, as far as the vendor goes


def decimal(given: Any) -> str:
    """Return an amount as the vendor takes it; raises ValueError for one of another currency than the euro.

    A document's currency stands in its own field, so that an amount says nothing, or what is the vendor's default.
    """
    amount, currency = read_money(given)
    if currency not in (None, "EUR"):
        raise ValueError(f"an amount is in the document's currency: set `currency`, and leave {currency} out here")
    return _sent(amount)


def decimal_number(given: Any) -> str:
    """Return a quantity as the vendor takes it; raises ValueError."""
    return _sent(read_number(given))


def decimal_percent(given: Any) -> str:
    """Return a percentage as the vendor takes it; raises ValueError."""
    return _sent(read_number(given, percent=True))


def _sent(number: Decimal) -> str:
    if abs(number) >= _MOST or -int(number.as_tuple().exponent) > _PLACES:
        raise ValueError("give a number such as 1234.50, with 12 digits before the point and 6 behind it at most")
    return f"{number:f}"


def percentage(given: Any) -> str:
    """Return a VAT rate in percent; raises ValueError for one that looks like a fraction: no rate is below 0.9 %."""
    rate = Decimal(decimal_percent(given))
    if not (rate == 0 or Decimal("0.5") <= rate <= 100):
        raise ValueError("a VAT rate is a percentage: 20, not 0.2")
    return shown(rate)


def fraction(percent: str) -> str:
    """Return a VAT rate as the vendor takes it: 20 is 0.200."""
    rate = (Decimal(percent) / 100).normalize()
    return f"{rate:.{max(3, -int(rate.as_tuple().exponent))}f}"


def number(told: Any) -> Decimal | None:
    """Return a decimal that the vendor sent, None for none."""
    try:
        found = Decimal(str(told))
    except InvalidOperation:
        return None
    return found if told is not None and found.is_finite() else None


def money(told: Any) -> Any:
    """Return an amount of the vendor with two decimals, more where it has more."""
    amount = number(told)
    return told if amount is None else f"{max_places(amount):f}"


def max_places(amount: Decimal) -> Decimal:
    """Return an amount with two decimals at least."""
    amount = amount.normalize()
    return amount.quantize(CENT) if -int(amount.as_tuple().exponent) < 2 else amount


def percent(told: Any) -> Any:
    """Return a VAT rate of the vendor, a fraction, in percent: 0.200 is 20."""
    rate = number(told)
    return told if rate is None else shown(rate * 100)


def shown(amount: Decimal) -> str:
    """Return a decimal without idle zeros and exponents."""
    return f"{amount.normalize() + 0:f}"


Amount = Annotated[str, BeforeValidator(decimal)]
Quantity = Annotated[str, BeforeValidator(decimal_number)]
Percentage = Annotated[str, BeforeValidator(decimal_percent)]
Rate = Annotated[str, BeforeValidator(percentage), PlainSerializer(fraction)]
"""A VAT rate: percent for the model, fraction for the vendor."""

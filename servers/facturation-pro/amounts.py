"""Money, rates and quantities: decimals as text on both sides, never floats."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer

_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}", re.ASCII)
CENT = Decimal("0.01")


def decimal(given: str) -> str:
    """Return a decimal as the vendor takes it; a comma will do. Raises ValueError, also for 1,234: who knows which."""
    text = re.sub(r"[\s\u00a0\u202f€%]", "", given)
    if _THOUSANDS.fullmatch(text):
        raise ValueError(f"{text} may be {text.replace(',', '')} or {text.replace(',', '.')}: give it without a comma")
    text = text.replace(",", ".")
    if not _DECIMAL.fullmatch(text):
        raise ValueError("give a number such as 1234.50")
    return text


def percentage(given: str) -> str:
    """Return a VAT rate in percent; raises ValueError for one that looks like a fraction: no rate is below 0.9 %."""
    rate = Decimal(decimal(given))
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


Amount = Annotated[str, AfterValidator(decimal)]
Rate = Annotated[str, AfterValidator(percentage), PlainSerializer(fraction)]
"""A VAT rate: percent for the model, fraction for the vendor."""

"""Money, rates, quantities and days: exact decimals on both sides, never floats."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer

from flotilla import When
from flotilla.parsing import read_money, read_number

CENT = Decimal("0.01")
PARIS = ZoneInfo("Europe/Paris")
_MOST, _PLACES = Decimal(10) ** 12, 6  # of a number that the vendor takes


def amount(value: Any) -> Decimal:
    """Return an amount; raises ValueError for one of another currency than the euro.

    A document's currency stands in its own field, so that an amount names none, or the vendor's default.
    """
    number, currency = read_money(value)
    if currency not in (None, "EUR"):
        raise ValueError(f"an amount is in the document's currency: set `currency`, and leave {currency} out here")
    return _in_range(number)


def quantity(value: Any) -> Decimal:
    """Return a quantity; raises ValueError."""
    return _in_range(read_number(value))


def percentage(value: Any) -> Decimal:
    """Return a percentage; raises ValueError."""
    return _in_range(read_number(value, percent=True))


def vat_rate(value: Any) -> Decimal:
    """Return a VAT rate in percent; raises ValueError for one that looks like a fraction: no rate is below 0.9 %."""
    rate = percentage(value)
    if not (rate == 0 or Decimal("0.5") <= rate <= 100):
        raise ValueError("a VAT rate is a percentage: 20, not 0.2")
    return rate


def day(value: Any) -> date:
    """Return a day; raises ValueError, also for a time."""
    when = When.read(value)
    if not when.is_day:
        raise ValueError("write a day without a time, as 2025-06-30")
    return date.fromisoformat(str(when))


def today() -> date:
    """Return the date in France, whose law says when an invoice is late. A container's own zone is UTC."""
    return now().astimezone(PARIS).date()


def now() -> datetime:
    """Return the time, here so that tests can set it."""
    return datetime.now(UTC)


def days_since(day: str | None) -> int:
    """Return how many days ago a day of the vendor was; 0 for a day to come and for what is not a day."""
    with suppress(ValueError):
        return max((today() - date.fromisoformat(day or "")).days, 0)
    return 0


def _in_range(number: Decimal) -> Decimal:
    if abs(number) >= _MOST or -int(number.as_tuple().exponent) > _PLACES:
        raise ValueError("write a number such as 1234.50, with at most 12 digits before the point and 6 after it")
    return number


def decimal_text(number: Decimal) -> str:
    """Return a decimal as the vendor takes it."""
    return f"{number:f}"


def fraction(rate: Decimal) -> str:
    """Return a VAT rate as the vendor takes it: 20 percent is 0.200."""
    share = (rate / 100).normalize()
    return f"{share:.{max(3, -int(share.as_tuple().exponent))}f}"


def number(value: Any) -> Decimal | None:
    """Return a decimal that the vendor sent, None where it is none."""
    if not isinstance(value, str | int | float | Decimal) or isinstance(value, bool):
        return None
    text = str(value).strip()
    digits = text.lstrip("+-").replace(".", "", 1)
    return Decimal(text) if digits.isascii() and digits.isdecimal() else None


def money_text(value: Any) -> Any:
    """Return an amount of the vendor with two decimals, more where it has more; anything else as it is."""
    known = number(value)
    if known is None:
        return value
    known = known.normalize()
    return f"{known.quantize(CENT) if -int(known.as_tuple().exponent) < 2 else known:f}"


def percent_text(value: Any) -> Any:
    """Return a VAT rate of the vendor, a fraction, in percent: 0.200 is 20."""
    rate = number(value)
    return value if rate is None else short_text(rate * 100)


def short_text(value: Decimal) -> str:
    """Return a decimal without trailing zeros and exponents."""
    return f"{value.normalize() + 0:f}"


Amount = Annotated[Decimal, BeforeValidator(amount, json_schema_input_type=str), PlainSerializer(decimal_text)]
Quantity = Annotated[Decimal, BeforeValidator(quantity, json_schema_input_type=str), PlainSerializer(decimal_text)]
Percentage = Annotated[Decimal, BeforeValidator(percentage, json_schema_input_type=str), PlainSerializer(decimal_text)]
VatRate = Annotated[Decimal, BeforeValidator(vat_rate, json_schema_input_type=str), PlainSerializer(fraction)]
"""A VAT rate: percent for the model, a fraction for the vendor."""
Day = Annotated[date, BeforeValidator(day, json_schema_input_type=str)]

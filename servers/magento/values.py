"""Amounts and times as Magento writes them: money is a JSON number, times are UTC without saying so."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from flotilla import Amount
from flotilla.parsing import read_number

CENTS = Decimal("0.01")


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("it must not be negative")
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("it must be more than 0")
    return value


Price = Annotated[Amount, AfterValidator(_not_negative)]
PositiveAmount = Annotated[Amount, AfterValidator(_positive)]


def amount(value: Any) -> Decimal:
    """Return a number of the API, 0 for none; raises ValueError for what is not a number."""
    return read_number(value, decimal=".") if value not in (None, "") else Decimal(0)


def cents(value: Decimal) -> Decimal:
    """Return an amount with two decimals."""
    return value.quantize(CENTS, ROUND_HALF_UP)


def written(value: Any) -> str:
    """Return an amount of the API as text with two decimals: 24.9000 is 24.90."""
    return f"{cents(amount(value)):f}"


def plain(value: Decimal) -> str:
    """Return a quantity as people write it: 2.0000 is 2."""
    return f"{value.normalize():f}"


def number(value: Decimal) -> int | float:
    """Return a number for JSON."""
    return int(value) if value == value.to_integral_value() else float(value)


def moment(value: Any, zone: ZoneInfo | None = None) -> datetime | None:
    """Return a time, in a zone; None where there is none; raises ValueError for what is not a time."""
    if not isinstance(value, str) or not value:
        return None
    read = datetime.fromisoformat(value)
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return aware.astimezone(zone or UTC)


def utc(when: datetime) -> str:
    """Return an aware time as a search takes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

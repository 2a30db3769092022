"""Amounts and times as WooCommerce writes them: money is text, times are the site's with UTC beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

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
    """Return an amount of the API, 0 for none; raises ValueError for what is not a number."""
    return read_number(value, decimal=".") if value not in (None, "") else Decimal(0)


def cents(value: Decimal) -> Decimal:
    """Return an amount with two decimals."""
    return value.quantize(CENTS, ROUND_HALF_UP)


def written(value: Decimal) -> str:
    """Return an amount as the API takes it: at least two decimals, and no exponent."""
    exponent = value.as_tuple().exponent
    return f"{value:f}" if isinstance(exponent, int) and exponent < -2 else f"{value:.2f}"


def moment(raw: Mapping[str, Any], name: str) -> datetime | None:
    """Return a time with the site's offset, which is the difference between its own time and the one in UTC.

    None where there is none; raises ValueError for what is not a time.
    """
    local, utc = _read(raw.get(name)), _read(raw.get(f"{name}_gmt"))
    if utc is None:
        return None
    offset = (local or utc) - utc
    return utc.replace(tzinfo=UTC).astimezone(timezone(offset))


def _read(value: Any) -> datetime | None:
    if not isinstance(value, str) or not value:
        return None
    read = datetime.fromisoformat(value)
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def day(value: Any) -> date | None:
    """Return the day of a time, None where there is none; raises ValueError for what is not a time."""
    read = _read(value)
    return read.date() if read else None

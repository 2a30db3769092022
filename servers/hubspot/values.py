"""Values as people write them, made into what HubSpot takes: every value of a property is text there."""

from __future__ import annotations

import html
from contextlib import suppress
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from flotilla import Phone, connection_of, errors
from flotilla.parsing import PhoneError, from_milliseconds, looks_like_phone, read_money

from .client import account_zone, integration

_MOST = Decimal(10) ** 18  # of a number
NOON = time(12)  # of a day where HubSpot wants a time: the same day in every zone of Europe and America


def number(value: Any) -> str:
    """Return a number as HubSpot takes it: "12 500,50 €" is 12500.50. Raises errors.InvalidInputError."""
    amount = read_money(value).amount
    if abs(amount) >= _MOST:
        raise errors.InvalidInputError(f"{errors.excerpt(value, 60)} is too large.", "Write a number below 10^18.")
    return f"{amount:f}"


def phone(text: str) -> str:
    """Return an international number as E.164 ("+33 (0)6 12 34 56 78" is +33612345678), other texts as they are."""
    bare = text.strip()
    if bare.startswith(("+", "00")) and looks_like_phone(bare):
        with suppress(PhoneError):
            return Phone.read(bare).e164(_country())
    return bare


def phone_spellings(text: str) -> list[str]:
    """Return how a phone number may stand in HubSpot; a text that is not a number, as it is."""
    if looks_like_phone(text):
        with suppress(PhoneError):
            return Phone.read(text).spellings(_country())
    return [text.strip()]


def _country() -> str:
    return connection_of(integration).fleet.country


def this_minute() -> datetime:
    """Return the time without its seconds: a dry run and the real call then send the same."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def local(value: object) -> str | None:
    """Return a time of HubSpot's (ISO 8601, or milliseconds) in the account's zone, other texts as they are."""
    text = str(value or "")
    with suppress(ValueError, OverflowError):
        moment = (
            from_milliseconds(text, account_zone()) if text.lstrip("-").isdecimal() else datetime.fromisoformat(text)
        )
        return moment.astimezone(account_zone()).isoformat(timespec="seconds") if moment.tzinfo else text or None
    return text or None


def as_html(text: str) -> str:
    """Return plain text as the HTML that HubSpot shows notes in: its signs and line ends stay what they are."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>")

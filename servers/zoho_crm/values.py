"""Values as people write them, made into what Zoho takes, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import Phone, When, connection_of, errors
from flotilla.parsing import PhoneError, folded, looks_like_phone, read_money

from .client import integration
from .metadata import Field, label_of, option_of

NOON = time(12)  # of a day where Zoho wants a time
LONGEST = 32_000  # characters of a text field at most
_YES_NO = {"true": True, "yes": True, "oui": True, "1": True, "false": False, "no": False, "non": False, "0": False}
NUMBERS = ("integer", "bigint", "double", "currency", "percent", "decimal")


def country() -> str:
    """Return the country of phone numbers without a calling code."""
    return connection_of(integration).fleet.country


def phone(text: str) -> str:
    """Return an international number as E.164, other texts as they are."""
    bare = text.strip()
    if bare.startswith(("+", "00")) and looks_like_phone(bare):
        with suppress(PhoneError):
            return Phone.read(bare).e164(country())
    return bare


def spellings(text: str) -> list[str]:
    """Return how a phone number may stand in Zoho; a text that is not a number, as it is."""
    with suppress(PhoneError):
        return Phone.read(text).spellings(country())
    return [text.strip()]


def stamp(moment: datetime) -> str:
    """Return a time as Zoho takes it: with its offset, without fractions."""
    return moment.replace(microsecond=0).isoformat()


def this_minute() -> datetime:
    """Return the time without its seconds: a dry run and the real call then send the same."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def number(value: Any, whole: bool = False) -> int | float:
    """Return a number of "12 500,50 €"; raises errors.InvalidInputError, also for a part where a whole one is due."""
    amount = value if isinstance(value, Decimal) else read_money(value).amount
    if abs(amount) >= Decimal(10) ** 16 or (whole and amount != amount.to_integral_value()):
        raise errors.InvalidInputError(
            f"{errors.excerpt(value, 60)} does not fit this field.", "Write a whole number." if whole else "Shorten it."
        )
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def converted(field: Field, value: Any, zone: ZoneInfo) -> Any:
    """Return a value as Zoho takes it for a field that is no lookup; raises errors.InvalidInputError."""
    if isinstance(value, Mapping) or (isinstance(value, list) and field.type != "multiselectpicklist"):
        raise errors.InvalidInputError(
            f"`{field.name}` takes one {field.type}.", "Pass a text, a number or true/false."
        )
    if field.type == "multiselectpicklist":
        parts = value if isinstance(value, list) else str(value).split(";")
        return [option_of(field, str(part).strip()) for part in parts if str(part).strip()]
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if field.type == "picklist":
        return option_of(field, text)
    if field.type == "boolean":
        if folded(text) not in _YES_NO:
            raise errors.InvalidInputError(f"`{field.name}` takes yes or no.", "Pass true or false.")
        return _YES_NO[folded(text)]
    if field.type in NUMBERS:
        return number(value, whole=field.type in ("integer", "bigint"))
    if field.type == "date":
        return When.read(text).day(zone).isoformat()
    if field.type == "datetime":
        return stamp(When.read(text).at(zone, time_of_day=NOON))
    if field.type == "phone":
        return phone(text)
    if len(text) > LONGEST:
        raise errors.InvalidInputError(f"`{field.name}` is longer than {LONGEST:,} characters.", "Shorten it.")
    return text


def shown(field: Field | None, value: Any) -> str:
    """Return a value of Zoho's as one text: of a linked record its name, of several their names."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Mapping):
        name = value.get("name") or value.get("full_name") or value.get("email")
        return str(name or value.get("id") or "")
    if isinstance(value, list):
        return ", ".join(part for one in value if (part := shown(field, one)))
    return label_of(field, str(value))

"""Values as people write them, made into what HubSpot takes: every value of a property is text there."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flotilla import errors, settings_of
from flotilla.parsing.money import read_money

from .client import integration

_MOST = Decimal(10) ** 18  # of a number
NOON = time(12)


def folded(text: str) -> str:
    """Return a name for comparing: no accents, no case, one kind of space, apostrophes and dashes being spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[_\s'’‘ʼ-]+", " ", plain).split()) or text.casefold()


def zone() -> ZoneInfo:
    """Return the zone of times that come without an offset."""
    return ZoneInfo(settings_of(integration).timezone)


def number(value: Any) -> str:
    """Return a number as HubSpot takes it: "12 500,50 €" is 12500.50. Raises errors.InvalidInputError."""
    found = read_money(value).amount
    if abs(found) >= _MOST:
        raise errors.InvalidInputError(
            f"{errors.excerpt(str(value), 60)!r} is too large.", "Write a number below 10^18."
        )
    return f"{found:f}"


def phone(text: str) -> str:
    """Return an international number without spaces ("+33 (0)6 12 34 56 78" is +33612345678), others as they are."""
    bare = re.sub(r"[\s\u00a0\u202f./()-]", "", text.replace("(0)", ""))
    bare = "+" + bare[2:] if bare.startswith("00") else bare
    return bare if re.fullmatch(r"\+\d{8,15}", bare) else text.strip()


def spellings(text: str) -> list[str]:
    """Return how a phone number may stand in HubSpot: as here, and as the French write it."""
    found = phone(text)
    ways = [text.strip(), found]
    if french := re.fullmatch(r"(?:\+33|0)([1-9]\d{8})", re.sub(r"[\s.-]", "", found)):
        pairs = re.findall("..", "0" + french[1])
        ways += [f"+33{french[1]}", "".join(pairs), " ".join(pairs), f"+33 {french[1][0]} " + " ".join(pairs[1:])]
    return list(dict.fromkeys(ways))


def instant(text: str, at: time = NOON) -> datetime:
    """Return a moment; a bare date is `at` of that day, and without an offset it is in the settings' zone.

    Noon is the same day in every zone of Europe and America. Raises errors.InvalidInputError.
    """
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
            found = datetime.combine(date.fromisoformat(text.strip()), at)
        else:
            found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise errors.InvalidInputError(
            f"{errors.excerpt(text, 60)!r} is no date or time.", "Write 2030-06-30, or 2030-06-30T09:00:00+02:00."
        ) from None
    return checked(found if found.tzinfo else found.replace(tzinfo=zone()))


def checked(moment: datetime) -> datetime:
    """Return a moment that HubSpot can hold; raises errors.InvalidInputError for another one."""
    if not 1902 <= moment.year <= 2900:
        raise errors.InvalidInputError("The time is out of range.", "Give one near today.")
    return moment


def sent(moment: datetime) -> str:
    """Return a moment as HubSpot takes it."""
    return checked(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> datetime:
    """Return this minute: a rehearsal and the real call then say the same."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def told(value: object) -> str | None:
    """Return a time of HubSpot's (ISO 8601, or milliseconds) in the settings' zone; None for nothing."""
    text = str(value or "")
    try:
        if text.lstrip("-").isdecimal():
            found = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            found = datetime.fromisoformat(text)
        return found.astimezone(zone()).isoformat(timespec="seconds") if found.tzinfo else text or None
    except (ValueError, OverflowError, OSError):
        return text or None


def as_html(text: str) -> str:
    """Return plain text as the HTML that HubSpot shows notes in: its signs and line ends stay what they are."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>")


def as_text(body: str) -> str:
    """Return the text of a note's HTML."""
    lines = re.sub(r"(?i)<br\s*/?>|</(p|div|li|h\d)>", "\n", body)
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).strip()

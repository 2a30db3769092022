"""Phone numbers in E.164 (+33612345678), out of what people write: 06 12 34 56 78, +33 (0)6 12…, 0033 6 12…

The numbering plans: https://www.itu.int/oth/T0202.aspx?parent=T0202
"""

from __future__ import annotations

import re
from typing import NamedTuple

from flotilla import errors


class Plan(NamedTuple):
    """A country's calling code, the digit that stands before a number inside of it, and how long numbers are."""

    code: str
    trunk: str
    shortest: int
    longest: int


PLANS = {
    "AD": Plan("376", "", 6, 9), "AE": Plan("971", "0", 8, 9), "AT": Plan("43", "0", 4, 13),
    "AU": Plan("61", "0", 9, 9), "BE": Plan("32", "0", 8, 9), "BG": Plan("359", "0", 7, 9),
    "BR": Plan("55", "0", 10, 11), "CA": Plan("1", "1", 10, 10), "CH": Plan("41", "0", 9, 9),
    "CI": Plan("225", "", 10, 10), "CZ": Plan("420", "", 9, 9), "DE": Plan("49", "0", 6, 12),
    "DK": Plan("45", "", 8, 8), "DZ": Plan("213", "0", 8, 9), "ES": Plan("34", "", 9, 9),
    "FI": Plan("358", "0", 5, 12), "FR": Plan("33", "0", 9, 9), "GB": Plan("44", "0", 9, 10),
    "GF": Plan("594", "0", 9, 9), "GP": Plan("590", "0", 9, 9), "GR": Plan("30", "", 10, 10),
    "HR": Plan("385", "0", 8, 9), "HU": Plan("36", "06", 8, 9), "IE": Plan("353", "0", 7, 9),
    "IL": Plan("972", "0", 8, 9), "IN": Plan("91", "0", 10, 10), "IT": Plan("39", "", 6, 11),
    "LU": Plan("352", "", 4, 11), "MA": Plan("212", "0", 9, 9), "MC": Plan("377", "", 8, 9),
    "MQ": Plan("596", "0", 9, 9), "MX": Plan("52", "", 10, 10), "NL": Plan("31", "0", 9, 9),
    "NO": Plan("47", "", 8, 8), "NZ": Plan("64", "0", 8, 10), "PL": Plan("48", "", 9, 9),
    "PT": Plan("351", "", 9, 9), "RE": Plan("262", "0", 9, 9), "RO": Plan("40", "0", 9, 9),
    "SE": Plan("46", "0", 7, 9), "SK": Plan("421", "0", 9, 9), "SN": Plan("221", "", 9, 9),
    "TN": Plan("216", "", 8, 8), "US": Plan("1", "1", 10, 10), "ZA": Plan("27", "0", 9, 9),
}  # fmt: skip
ABROAD = {"US": "011", "CA": "011", "AU": "0011"}  # what is dialled in place of +; 00 elsewhere
_PHONE = re.compile(r"[+ ().\-/0-9\u00a0\u202f\u2011]+")


def looks_like_one(text: str) -> bool:
    """Tell whether a text can be meant as a phone number."""
    return bool(_PHONE.fullmatch(text.strip())) and sum(c.isdigit() for c in text) >= 6


def e164(text: str, country: str) -> str:
    """Return a number as +<country><number>; `country` (FR) is meant where it has no country code.

    Raises errors.InvalidInputError for what is no number there.
    """
    shown = errors.excerpt(text, 40)
    if not _PHONE.fullmatch(text.strip()) or "+" in text.strip()[1:]:
        raise errors.InvalidInputError(
            f"`{shown}` is no phone number.", "Pass digits, best with the country: +33 6 12 34 56 78."
        )
    plain = re.sub(r"\(0\)", "", text) if "+" in text else text  # +33 (0)6: the zero is for callers inside
    digits = re.sub("[^0-9]", "", plain)
    exit_code = ABROAD.get(country, "00")
    if "+" not in text and digits.startswith(exit_code):
        digits = digits.removeprefix(exit_code)
        return _abroad(digits, shown)
    if "+" in text:
        return _abroad(digits, shown)
    plan = PLANS.get(country)
    if plan is None:
        raise errors.InvalidInputError(
            f"`{shown}` has no country code.", "Pass it with one, such as +33 6 12 34 56 78."
        )
    return "+" + plan.code + _national(digits, plan, shown, country)


def _abroad(digits: str, shown: str) -> str:
    country = next((name for name, plan in PLANS.items() if digits.startswith(plan.code)), "")
    if country:  # no calling code begins with another one
        plan = PLANS[country]
        return "+" + plan.code + _national(digits.removeprefix(plan.code), plan, shown, country)
    if not 7 <= len(digits) <= 15 or digits.startswith("0"):
        raise errors.InvalidInputError(f"`{shown}` is no phone number of any country.", "Check its digits.")
    return "+" + digits


def _national(digits: str, plan: Plan, shown: str, country: str) -> str:
    if plan.trunk and digits.startswith(plan.trunk):
        digits = digits.removeprefix(plan.trunk)
    if not plan.shortest <= len(digits) <= plan.longest:
        long = f"{plan.shortest}" if plan.shortest == plan.longest else f"{plan.shortest} to {plan.longest}"
        raise errors.InvalidInputError(
            f"`{shown}` has {len(digits)} digits, and a number of {country} has {long}.",
            "Check it, or pass it with its country code.",
        )
    return digits

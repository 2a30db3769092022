"""Phone numbers as people write them, made into E.164 (+33612345678) by Google's table of the numbering plans.

`Phone` is the type of a tool's argument. A number without a calling code is read in a region (FR), which the caller
knows: the account's country, else the setting FLOTILLA_COUNTRY. A number counts when its length is one that its
region has; whether it is in service only its operator knows. `phonenumbers` is imported when it is first needed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flotilla import errors
from flotilla.parsing.text_value import TextValue

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

LONGEST = 40  # characters of a text that may be a phone number
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2212", "-----")
_WRITTEN = re.compile(r"\+?[ ().\-/0-9]+")
_EXAMPLE = "+33 6 12 34 56 78"


class PhoneError(errors.InvalidInputError, ValueError):
    """The text is not a phone number. A ValueError too, so that pydantic names the argument."""


def looks_like_phone(text: str) -> bool:
    """Tell whether a text can be meant as a phone number: six digits or more, and only what is written between them."""
    tidy = _tidy(text)
    return len(tidy) <= LONGEST and bool(_WRITTEN.fullmatch(tidy)) and sum(c.isdigit() for c in tidy) >= 6


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", text.translate(_DASHES)).strip().removeprefix("tel:")


@dataclass(frozen=True, slots=True)
class Phone(TextValue):
    """A phone number as it was written, as an argument of a tool; `e164` reads it in a region."""

    text: str

    @classmethod
    def read(cls, value: Any) -> Phone:
        """Return the number that a text, or a JSON number, writes; raises PhoneError for what cannot be one."""
        if isinstance(value, Phone):
            return value
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not looks_like_phone(text):
            raise PhoneError(
                f"`{errors.excerpt(value, 40)}` is not a phone number.",
                f"Write its digits, best with the calling code: {_EXAMPLE}.",
            )
        return cls(_tidy(text))

    def e164(self, region: str) -> str:
        """Return the number as + and digits; `region` (two letters, FR) is meant where it has no calling code.

        Raises PhoneError for what is not a number there.
        """
        import phonenumbers

        return phonenumbers.format_number(_parsed(self.text, region), phonenumbers.PhoneNumberFormat.E164)

    def international(self, region: str) -> str:
        """Return the number as people read it, +33 6 12 34 56 78; raises PhoneError as `e164` does."""
        import phonenumbers

        return phonenumbers.format_number(_parsed(self.text, region), phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    def spellings(self, region: str) -> list[str]:
        """Return the forms under which a CRM may hold the number, each once, E.164 first.

        These are E.164, the text itself, the national and the international form, each also with other separators,
        and the form with 00. Raises PhoneError as `e164` does.
        """
        import phonenumbers

        number = _parsed(self.text, region)
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        groups = re.findall(r"\d+", national)
        joined = [separator.join(groups) for separator in ("", " ", ".", "-")]
        spaced = " ".join(re.findall(r"\+?\d+", abroad))
        return list(dict.fromkeys([e164, self.text, national, *joined, abroad, spaced, "00" + e164[1:]]))

    def matches(self, written: Any, region: str) -> bool:
        """Tell whether what a vendor holds is the same number, however it is written. Anything else is not a match.

        Raises PhoneError as `e164` does, for this number.
        """
        number = self.e164(region)
        with suppress(PhoneError):
            return Phone.read(written).e164(region) == number
        return False

    def __str__(self) -> str:
        return self.text


def _parsed(text: str, region: str) -> PhoneNumber:
    """Return a number, read in a region; raises PhoneError."""
    import phonenumbers

    region = region.upper()
    if not text.startswith("+") and region not in phonenumbers.SUPPORTED_REGIONS:
        raise PhoneError(
            f"`{text}` has no calling code, and `{errors.excerpt(region, 20)}` is not a known country.",
            f"Write the number with its calling code, such as {_EXAMPLE}.",
        )
    try:
        number = phonenumbers.parse(text, region)
        reason = phonenumbers.is_possible_number_with_reason(number)
    except phonenumbers.NumberParseException:
        number, reason = phonenumbers.PhoneNumber(), phonenumbers.ValidationResult.INVALID_COUNTRY_CODE
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE:
        return number
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    if digits.startswith("00") and not text.startswith("+"):  # 00 where another code is dialled, as in the US
        return _parsed(f"+{digits[2:]}", region)
    raise PhoneError(
        f"`{text}` is not a phone number: {_wrong(reason, number.country_code)}.",
        f"Write it like {_example(region)}.",
    )


def _wrong(reason: int, code: int | None) -> str:
    """Return what is wrong with a number, by the reason of `is_possible_number_with_reason`."""
    from phonenumbers import ValidationResult

    return {
        ValidationResult.TOO_SHORT: f"numbers of +{code} have more digits",
        ValidationResult.TOO_LONG: f"numbers of +{code} have fewer digits",
        ValidationResult.INVALID_LENGTH: f"numbers of +{code} have another number of digits",
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
    }.get(reason, "it does not begin with the calling code of a country")


def _example(region: str) -> str:
    """Return a number of a region as it is written abroad."""
    import phonenumbers

    number = phonenumbers.example_number(region)
    if number is None:
        return _EXAMPLE
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)

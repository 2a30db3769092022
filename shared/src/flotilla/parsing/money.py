"""Numbers and amounts of money as people write them: "1 250,50 €", "12,500.50", "(12,50)", "1 250 dollars".

A text that can be read in two ways ("12.500": twelve and a half, or twelve thousand five hundred) is refused, with both
ways to write it. A JSON number has one reading and is taken as it is. Why this is own code: docs/decisions/0011.

    read_money(value)   the amount and its currency, None where none is named
    read_number(value)  a number alone

`Money`, `Amount`, `Number` and `Percent` are the same as types of a tool's argument: text in the JSON schema.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainValidator

from flotilla import errors

LONGEST = 100  # characters of a text that may be a number
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "PLN": "zł", "CZK": "Kč"}
"""The usual sign of a currency, by its ISO 4217 code."""

_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB "
    "RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)  # ISO 4217
_SPOKEN = {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "us$": "USD", "ca$": "CAD", "a$": "AUD"}
_NAMES = {code.lower(): code for code in _CODES.split()} | {sign.lower(): c for c, sign in SYMBOLS.items()} | _SPOKEN
_SPACES = re.compile(r"[ \t\u00a0\u2007\u2009\u202f]+")
_MINUS = str.maketrans("\u2212\u2010\u2011\u2012\u2013", "-----")
_BARE = re.compile(r"[\d.,'’+()-][\d.,'’+()\- eE]*[\d.,)]|\d")  # what is left of a text without its currency

_PLAIN = re.compile(r"\d+(\.\d+)?|\.\d+|(\d+(\.\d+)?|\.\d+)[eE][+-]?\d{1,3}")
_GROUPS = re.compile(r"\d{1,3}([ '’]\d{3})+([.,]\d+)?")
_COMMA = re.compile(r"\d*,\d+")
_POINT_GROUPS = re.compile(r"\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}")
_COMMA_GROUPS = re.compile(r"\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}")
_TWO_WAYS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


class NumberError(errors.InvalidInputError, ValueError):
    """The text is not a number, or two. A ValueError too, so that pydantic names the argument."""


class AmbiguousNumberError(NumberError):
    """The text is two numbers."""


class MoneyValue(NamedTuple):
    """An amount, and its currency as ISO 4217 code: None where the text names none."""

    amount: Decimal
    currency: str | None = None


def read_money(value: Any, *, decimal: str = "") -> MoneyValue:
    """Return the amount and the currency of a text or a JSON number; raises NumberError. `decimal`: as below."""
    if isinstance(value, MoneyValue):
        return value
    if not isinstance(value, str):
        return MoneyValue(_counted(value))
    text = _tidy(value)
    figure, currency = _parted(text)
    negative = figure.startswith("(") and figure.endswith(")")  # how accountants write what is owed
    if negative:
        figure, inner = _parted(figure[1:-1].strip())
        if inner and currency:
            raise _not_a_number(value)
        currency = currency or inner
    amount = _signed(figure, value, "" if negative else "+-", decimal)
    return MoneyValue(-amount if negative else amount, currency)


def read_number(value: Any, *, percent: bool = False, decimal: str = "") -> Decimal:
    """Return the number of a text or a JSON number; raises NumberError, also for an amount with a currency.

    `percent`: a % sign may follow, "20 %" is 20. `decimal`: the sign before decimals, where the place that the text
    comes from settles it: with "," the text "1,234" is 1.234.
    """
    if not isinstance(value, str):
        return _counted(value)
    text = _tidy(value)
    if percent and text.endswith("%"):
        text = text[:-1].rstrip()
    return _signed(text, value, decimal=decimal)


def _tidy(text: str) -> str:
    if len(text) > LONGEST:
        raise _not_a_number(text)
    return _SPACES.sub(" ", text.translate(_MINUS)).strip()


def _counted(value: Any) -> Decimal:
    """Return a JSON number as it is; a float by its shortest text, so that 0.1 stays 0.1."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _not_a_number(repr(value))
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise _not_a_number(str(value))
    return number


def _parted(text: str) -> tuple[str, str | None]:
    """Return the figure of a text and its currency, which may stand before it, behind it, or behind its sign."""
    match = _BARE.search(text)
    if not match or match[0] == text:
        return text, None
    before, figure, after = text[: match.start()].strip(), match[0], text[match.end() :].strip()
    sign = ""
    if inner := re.fullmatch(r"([+-]) ?(\D+)", before):  # -€12.50
        sign, before = inner[1], inner[2].strip()
    code = _NAMES.get((before or after).lower())
    if code is None or (before and after):
        return text, None  # which then is not a number
    return sign + figure.strip(), code


def _signed(figure: str, original: str, signs: str = "+-", decimal: str = "") -> Decimal:
    sign = figure[:1] if figure[:1] and figure[:1] in signs else ""
    number = _unsigned(figure.removeprefix(sign).lstrip(), original, decimal)
    return -number if sign == "-" else number


def _unsigned(text: str, original: str, decimal: str) -> Decimal:
    if not text.isascii() and "’" not in text:
        raise _not_a_number(original)
    if _TWO_WAYS.fullmatch(text) and text.strip("0123456789") != decimal:
        raise _two_ways(text, original)
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if _GROUPS.fullmatch(text):
        return Decimal(re.sub("[ '’]", "", text).replace(",", "."))
    if _COMMA.fullmatch(text):
        return Decimal(text.replace(",", "."))
    if _POINT_GROUPS.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    if _COMMA_GROUPS.fullmatch(text):
        return Decimal(text.replace(",", ""))
    raise _not_a_number(original)


def _not_a_number(original: str) -> NumberError:
    return NumberError(f"`{errors.excerpt(original, 60)}` is not a number.", "Write it as 1250.50.")


def _two_ways(text: str, original: str) -> AmbiguousNumberError:
    whole, _, part = text.replace(",", ".").partition(".")
    part = part.rstrip("0").ljust(2, "0")
    part += "0" if len(part) == 3 else ""  # four decimals cannot be thousands
    return AmbiguousNumberError(
        f"`{errors.excerpt(original, 60)}` can be read in two ways.",
        f"Write {re.sub('[.,]', '', text)} or {whole}.{part}, whichever is meant.",
    )


def _amount(value: Any) -> Decimal:
    return read_money(value).amount


def _percent(value: Any) -> Decimal:
    return read_number(value, percent=True)


Money = Annotated[MoneyValue, PlainValidator(read_money, json_schema_input_type=str)]
"""An amount with its currency, if it names one."""
Amount = Annotated[Decimal, BeforeValidator(_amount, json_schema_input_type=str)]
"""An amount in a place whose currency is fixed elsewhere: a currency that it names is not kept."""
Number = Annotated[Decimal, BeforeValidator(read_number, json_schema_input_type=str)]
"""A number without a currency."""
Percent = Annotated[Decimal, BeforeValidator(_percent, json_schema_input_type=str)]
"""A percentage: "5,5 %" is 5.5."""

"""Values as a person types them: what Google is to recognise, and what must stay the text that it is.

Google reads typed text by the spreadsheet's country: "12.5" is a date in France. What is a number for certain is
therefore sent as one, and what Google would damage (0612345678, 12E5) or carry out (=IMPORTDATA(…)) as text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from typing import Literal

from flotilla.parsing.money import NumberError, read_money

from .models import InputCell

Entry = Literal["typed", "formulas", "exact"]

_CODE = re.compile(r"0\d[\d ]*|\d{16,}|\d+[eE]\d+")  # phone numbers, card numbers, references: not quantities
_FORMULA = ("=", "+", "-", "@")


def option(entry: Entry) -> str:
    """Return the API's valueInputOption."""
    return "RAW" if entry == "exact" else "USER_ENTERED"


def entered(rows: Sequence[Sequence[InputCell]], entry: Entry) -> list[list[InputCell]]:
    """Return rows as they are sent: null and everything that is not text stays."""
    return [[_cell(value, entry) for value in row] for row in rows]


def _cell(value: InputCell, entry: Entry) -> InputCell:
    if not isinstance(value, str) or entry == "exact" or not value.strip():
        return value
    text = value.strip()
    if entry == "formulas" and text.startswith("="):
        return value
    if text.startswith("'") or _CODE.fullmatch(text):
        return f"'{value}"  # the apostrophe makes it text, and is not part of it
    number = _number(text)
    if number is not None:
        return number
    return f"'{value}" if text.startswith(_FORMULA) else value


def _number(text: str) -> float | int | None:
    """Return the number of a text such as "1 250,50 €" or "12.5"; None where it is none, or could be two."""
    if text.startswith("+"):  # a phone number
        return None
    with suppress(NumberError):
        number = float(read_money(text).amount)
        if isfinite(number):
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return None

"""Cells, and the types of columns that they are read by: values keep their type, one that does not fit stays as it is.

A cell is None, str, bool, int, Decimal, date or datetime. Floats become Decimals by their shortest text, so that 0.1
stays 0.1. Nothing is guessed: text becomes a number or a date only in a column that says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flotilla import errors
from flotilla.parsing.money import AmbiguousNumberError, NumberError, read_money, read_number

from .formulas import Formula, formula

Cell = str | bool | int | Decimal | date | datetime | None

KINDS = (
    "auto, text, integer, decimal, money EUR (or another currency), date, date dd/mm/yyyy, "
    "date mm/dd/yyyy, datetime, boolean"
)
_SYNONYMS = {"string": "text", "number": "decimal", "float": "decimal", "int": "integer", "bool": "boolean"}
_YES = {"true", "yes", "oui", "vrai", "1", "ja", "sí", "si", "sì", "x"}
_NO = {"false", "no", "non", "faux", "0", "nein"}
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.A)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.A)
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s?(Z|[+-]\d\d:?\d\d)?", re.A)


@dataclass(frozen=True)
class Column:
    """One column: its heading, its kind, and the currency of a money column (ISO 4217)."""

    name: str
    kind: str = "auto"
    detail: str = ""
    formula: Formula | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers by declaration."""
        return self.kind in ("integer", "decimal", "money")


def column(name: str, described: str, names: Sequence[str] = ()) -> Column:
    """Return a column from a heading and a type such as "money EUR", or a type and a formula of the columns `names`.

    Raises errors.InvalidInputError for an unknown type.
    """
    described, sign, text = described.partition("=")
    if sign:
        typed = column(name, described.strip() or "decimal")
        if not typed.numeric:
            raise errors.InvalidInputError(
                f"A formula makes numbers, not the type {typed.kind}.", "Write its type as: money EUR =[Qty]*[Price]."
            )
        digits = {"integer": 0, "money": 0 if typed.detail in ("JPY", "KRW") else 2}.get(typed.kind)
        return replace(typed, formula=formula(text, names, digits))
    word, _, detail = described.strip().partition(" ")
    word, detail = word.lower() or "auto", detail.strip()
    word = _SYNONYMS.get(word, word)
    fits = {
        "money": re.fullmatch(r"([A-Za-z]{3})?", detail),
        "date": detail.lower() in ("", "iso", "dd/mm/yyyy", "mm/dd/yyyy"),
    }.get(word, not detail and word in _READERS)
    if not fits:
        raise errors.InvalidInputError(
            f"`{errors.excerpt(described, 40)}` is not a valid column type.", f"Types: {KINDS}."
        )
    return Column(name, word, detail.upper() if word == "money" else detail.lower())


def read(value: Any, wanted: Column, decimal: str = "") -> tuple[Cell, bool]:
    """Return a value as the column's kind, and whether it fits; one that does not stays what it was.

    `decimal` is the source's sign before decimals where it is known, which decides what 1,234 or 1.234 means.
    """
    value = _cell(value)
    if value is None or (isinstance(value, str) and not value.strip() and wanted.kind not in ("auto", "text")):
        return None, True
    return _READERS[wanted.kind](value, wanted.detail, decimal)


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return Decimal(repr(value)) if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if value is None or isinstance(value, str | bool | int | Decimal | date):
        return value
    return str(value)


def _auto(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    return value, True


def _text(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    return value if isinstance(value, str) else plain(value), True


def _integer(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    got, fits = _decimal(value, detail, "")  # 12.000 is in doubt wherever it stands: an integer has no decimals
    if isinstance(got, Decimal) and got == got.to_integral_value():
        return int(got), fits
    return got if isinstance(value, Decimal) else value, type(got) is int


def _decimal(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    if isinstance(value, str):
        got = number(value, decimal)
        return (value, False) if got is None else (got, True)
    return value, isinstance(value, int | Decimal) and not isinstance(value, bool)


def _money(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    if not isinstance(value, str):
        return _decimal(value, detail, decimal)
    try:  # a point before three digits is in doubt in any file: few currencies have thousandths, many have thousands
        got = read_money(value, decimal=decimal if decimal == "," else "")
    except NumberError:
        return value, False
    return (got.amount, True) if got.currency in (None, detail) else (value, False)


def _date(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    if isinstance(value, datetime):
        return value, False
    if isinstance(value, date):
        return value, True
    text = value.strip() if isinstance(value, str) else ""
    parts = _DAY_FIRST.fullmatch(text) if "/" in detail else None
    try:
        if parts:
            first, second, year = map(int, parts.groups())
            return (date(year, second, first) if detail == "dd/mm/yyyy" else date(year, first, second)), True
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text), True
        moment = datetime.fromisoformat(text) if _ISO_TIME.fullmatch(text) else None
        if moment and not (moment.tzinfo or moment.hour or moment.minute or moment.second or moment.microsecond):
            return moment.date(), True
    except ValueError:  # the 31st of February
        pass
    return value, False


def _datetime(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    if isinstance(value, date):
        return value, True
    text = value.strip() if isinstance(value, str) else ""
    try:
        if _ISO_TIME.fullmatch(text):
            return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z")), True
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text), True
    except ValueError:
        pass
    return value, False


def _boolean(value: Cell, detail: str, decimal: str) -> tuple[Cell, bool]:
    word = str(value).strip().lower()
    return (word in _YES, True) if word in _YES | _NO else (value, False)


_READERS: dict[str, Callable[[Cell, str, str], tuple[Cell, bool]]] = {
    "auto": _auto,
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "money": _money,
    "date": _date,
    "datetime": _datetime,
    "boolean": _boolean,
}


def number(text: str, decimal: str = "") -> Decimal | None:
    """Read a number as people write it (1234.5, 1 234,50, 1.234,50, 1,234.50), or None, also where it is ambiguous."""
    try:
        return read_number(text, decimal=decimal)
    except NumberError:
        return None


def unsure(value: Any) -> bool:
    """Tell whether a cell was left as it is because it can be read as two numbers."""
    try:
        read_money(value if isinstance(value, str) else "")
    except NumberError as error:
        return isinstance(error, AmbiguousNumberError)
    return False


def plain(value: Cell) -> str:
    """Return a value as plain text that programs read back: 1234.50, true, 2026-03-01, 2026-03-01T09:30:00+01:00."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) <= 20 else str(value)
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    return str(value)

"""How the console writes times, numbers and arguments, in either language."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from decimal import Decimal
from typing import Any

MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
}
SEPARATORS = {"en": (",", "."), "fr": ("\u202f", ",")}  # of thousands, of decimals
LONGEST = 40  # characters of a number


def number(value: float, language: str, decimals: int = 0) -> str:
    """Return 1234.5 as `1,234.5` or `1 234,5`."""
    thousands, point = SEPARATORS[language]
    return f"{value:,.{decimals}f}".translate({ord(","): thousands, ord("."): point})


def read_number(text: str, language: str, *, whole: bool = False) -> float | None:
    """Return the number that people write as `1,234.5` or `1 234,5`, with any blanks; None for anything else.

    A `whole` one has no decimals, not even zeros: whoever writes 100,000 in French may mean a hundred thousand.
    """
    thousands, point = SEPARATORS[language]
    text = re.sub(r"\s", " ", text.strip())
    units = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d{{1,3}}(?: \d{{3}})+|\d+"
    decimals = "" if whole else rf"(?:{re.escape(point)}\d+)?"
    if len(text) > LONGEST or not re.fullmatch(rf"(?:{units}){decimals}", text, re.ASCII):
        return None
    return float(text.replace(thousands, "").replace(" ", "").replace(point, "."))


def plain_number(value: float, language: str) -> str:
    """Return a number for a field, where its thousands are not marked: `1234.5` or `1234,5`."""
    return format(Decimal(str(value)).normalize(), "f").replace(".", SEPARATORS[language][1])


def duration(milliseconds: float, language: str) -> str:
    """Return `85 ms`, `1.2 s` or `2 min 5 s`."""
    if milliseconds < 1000:
        return f"{number(milliseconds, language)} ms"
    if milliseconds < 60_000:
        return f"{number(milliseconds / 1000, language, 1)} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{number(minutes, language)} min {seconds} s"


def size(amount: float, language: str) -> str:
    """Return a number of bytes as kB or MB."""
    if amount < 1_000_000:
        return f"{number(amount / 1000, language)} {'ko' if language == 'fr' else 'kB'}"
    return f"{number(amount / 1_000_000, language, 1)} {'Mo' if language == 'fr' else 'MB'}"


def moment(seconds: float, language: str) -> str:
    """Return a Unix time as this machine's clock shows it, with the date where it is not today's."""
    when, today = datetime.fromtimestamp(seconds), datetime.now()
    clock = f"{when:%H:%M:%S}"
    if when.date() == today.date():
        return clock
    year = f" {when.year}" if when.year != today.year else ""
    return f"{when.day} {MONTHS[language][when.month - 1]}{year}, {clock}"


def day(text: str, language: str) -> str:
    """Return a time as ISO 8601 writes it as `moment` does; another text as it is."""
    try:
        return moment(datetime.fromisoformat(text).timestamp(), language)
    except ValueError:
        return text


def iso(seconds: float) -> str:
    """Return a Unix time as ISO 8601 with its offset."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def minutes_left(until: float) -> int:
    """Return how many minutes are left, begun ones counted."""
    return max(0, -int((time.time() - until) // 60))


def parsed(text: str) -> Any:
    """Return the value of a JSON text; the text itself where it is none, as in a log that cut it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def scalar(value: Any) -> str:
    """Return a JSON value that is neither list nor object as a person reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def indented(value: Any) -> str:
    """Return a JSON value on several lines, for comparing two of them."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)

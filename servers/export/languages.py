"""How numbers, dates, amounts and a few words are written in each language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flotilla.parsing.money import SYMBOLS

from .cells import Cell, Column

NO_BREAK = "\u00a0"


@dataclass(frozen=True)
class Language:
    """How numbers, dates and the word "page" are written."""

    tag: str
    decimal: str
    group: str
    day: str
    yes: str
    no: str
    page: str
    total: str

    @property
    def excel_day(self) -> str:
        """How Excel writes a date: its number format."""
        return self.day.format(y="yyyy", m="mm", d="dd")

    def number(self, value: int | Decimal, grouped: bool = True, places: int = 0) -> str:
        """Write a number with at least `places` decimals, never fewer than it has."""
        if isinstance(value, Decimal) and abs(value.adjusted()) > 20:
            return str(value).replace(".", self.decimal)
        has = max(0, -int(value.as_tuple().exponent)) if isinstance(value, Decimal) else 0
        places = max(places, has)
        text = f"{value:{',' if grouped else ''}{f'.{places}f' if places else ''}}"
        return text.translate({ord(","): self.group, ord("."): self.decimal})

    def text(self, cell: Cell, column: Column) -> str:
        """Write a cell as people read it."""
        if cell is None:
            return ""
        if isinstance(cell, bool):
            return self.yes if cell else self.no
        if isinstance(cell, int | Decimal):
            if column.kind == "money":
                return self.money(cell, column.detail)
            return self.number(cell, grouped=column.kind == "decimal")
        if isinstance(cell, datetime):
            offset = cell.isoformat()[-6:] if cell.tzinfo else ""
            clock = f"{cell:%H:%M:%S}" if cell.second or cell.microsecond else f"{cell:%H:%M}"
            return f"{self.date(cell)} {clock}{NO_BREAK if offset else ''}{offset}"
        return self.date(cell) if isinstance(cell, date) else str(cell)

    def date(self, day: date) -> str:
        """Write a date."""
        return self.day.format(y=f"{day.year:04}", m=f"{day.month:02}", d=f"{day.day:02}")

    def money(self, amount: int | Decimal, currency: str) -> str:
        """Write an amount with its currency."""
        text = self.number(amount, places=0 if currency in ("JPY", "KRW") else 2)
        symbol = SYMBOLS.get(currency, currency)
        if not symbol:
            return text
        if self.tag == "en" and currency in ("EUR", "USD", "GBP", "JPY", "INR", "KRW"):
            return f"-{symbol}{text[1:]}" if text.startswith("-") else symbol + text
        return f"{text}{NO_BREAK}{symbol}"


LANGUAGES = {
    "en": Language("en", ".", ",", "{y}-{m}-{d}", "yes", "no", "Page", "Total"),
    "fr": Language("fr-FR", ",", "\u202f", "{d}/{m}/{y}", "oui", "non", "Page", "Total"),
    "de": Language("de-DE", ",", ".", "{d}.{m}.{y}", "ja", "nein", "Seite", "Summe"),
    "es": Language("es-ES", ",", ".", "{d}/{m}/{y}", "sí", "no", "Página", "Total"),
    "it": Language("it-IT", ",", ".", "{d}/{m}/{y}", "sì", "no", "Pagina", "Totale"),
}

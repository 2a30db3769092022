"""Tables as Excel workbooks: true types, streamed row by row. The same table gives the same bytes."""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from flotilla import errors, files
from flotilla.parsing.money import SYMBOLS

from .cells import Cell, Column, plain
from .guard import risky
from .languages import Language
from .table import Table
from .work import Made

MOST_ROWS = 1_048_575  # under the heading
_LONGEST_TEXT = 32_767
_LONGEST_TITLE = 31
_DIGITS = 15  # Excel keeps no more of a number
_TOO_LONG = 10**15  # the first whole number of more digits
_LARGEST, _SMALLEST = Decimal("9.99999999999999E+307"), Decimal("2.2251E-308")
_OLDEST = date(1900, 1, 1)
_DAY_0 = date(1899, 12, 31).toordinal()
_SAMPLE = 500  # rows that decide the column widths
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DATED = datetime(1980, 1, 1)  # no clock shows in the bytes
_PADDING = 5 / 7  # of a character: what XlsxWriter adds to the width of a column


class _Sheet:
    """Writes cells: XlsxWriter keeps one row in memory, and the rest in a temporary file."""

    def __init__(self, book: Workbook, sheet: Any, table: Table, day: str) -> None:
        self.book, self.sheet, self.table, self.day = book, sheet, table, day
        self.formats: dict[str, Any] = {}
        self.offsets: set[str] = set()

    def format(self, form: str) -> Any:
        """Return the format of a number format; "guarded" is text that must stay text when it is edited."""
        if form not in self.formats:
            own = {"quote_prefix": True} if form == "guarded" else {"num_format": form}
            self.formats[form] = self.book.add_format({"valign": "top", **own})
        return self.formats[form]

    def row(self, values: list[Cell], count: int) -> None:
        """Write one row; empty cells are left out."""
        for at, (value, column) in enumerate(zip(values, self.table.columns, strict=True)):
            if value is None or value == "":
                continue
            content, form = self.stored(value, column, count)
            if isinstance(content, str):
                self.string(count, at, self.text(content, count))
            elif isinstance(content, bool):
                self.sheet.write_boolean(count, at, content, self.format(form))
            else:
                self.sheet.write_number(count, at, content, self.format(form))

    def string(self, row: int, at: int, text: str, form: Any = None) -> None:
        """Write a text as text, whatever it looks like."""
        if not text:
            return
        form = form or self.format("guarded" if risky(text) else "General")
        if text.startswith("<r>") and text.endswith(
            "</r>"
        ):  # XlsxWriter would take it for its own markup; in two pieces it is text
            self.sheet.write_rich_string(row, at, text[0], self.format("General"), text[1:], form)
        else:
            self.sheet.write_string(row, at, text, form)

    def stored(self, value: Cell, column: Column, count: int) -> tuple[Any, str]:
        """Return what Excel can hold of a value, and its number format."""
        if isinstance(value, datetime):
            return self.moment(value, count)
        if isinstance(value, date):
            if value < _OLDEST:
                self.table.notes.count("Dates before 1900, which Excel does not have, became text", count)
                return value.isoformat(), ""
            return _serial(value), self.day
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            if _is_plain(value):  # nearly all
                return (value if isinstance(value, int) else float(value)), _form(column, value)
            digits = Decimal(value).normalize().as_tuple()
            if len(digits.digits) > _DIGITS or (type(value) is int and abs(value) >= _TOO_LONG):
                self.table.notes.count("Numbers of more than 15 digits, which Excel would round, became text", count)
                return plain(value), ""
            if value and not _SMALLEST < abs(Decimal(value)) < _LARGEST:
                self.table.notes.count("Numbers too large or too small for Excel became text", count)
                return plain(value), ""
            return (value if isinstance(value, int) else float(value)), _form(column, value)
        return value, "General"

    def moment(self, value: datetime, count: int) -> tuple[Any, str]:
        """Return a date and time: Excel knows no offset, so the number format shows it."""
        if value.date() < _OLDEST:
            self.table.notes.count("Dates before 1900, which Excel does not have, became text", count)
            return value.isoformat(), ""
        if value.tzinfo is None:
            return _moment(value), f"{self.day} hh:mm:ss"
        offset = value.isoformat()[-6:]
        self.offsets.add(offset)
        return _moment(value), f'{self.day} hh:mm:ss "{offset}"'

    def formulas(self, values: list[Cell], count: int) -> None:
        """Write the formulas of a row over their values."""
        for at, column in enumerate(self.table.columns):
            value = values[at]
            if column.formula and isinstance(value, Decimal):
                content = column.formula.excel(count + 1, xl_col_to_name)
                self.sheet.write_formula(count, at, content, self.format(_form(column, value)), float(value))

    def totals(self, label: str, count: int) -> None:
        """Write the sums under `count` rows. They are of the rows that a filter leaves, as in a table of Excel."""
        for at, value in enumerate(self.table.total_row(label)):
            column = self.table.columns[at]
            look = {"bold": True, "top": 1, "top_color": "#1F4E79", "valign": "top"}
            if at in self.table.sums and isinstance(value, Decimal):
                form = self.book.add_format({**look, "num_format": _form(column, value)})
                letter = xl_col_to_name(at)
                self.sheet.write_formula(
                    count + 1, at, f"=SUBTOTAL(109,{letter}2:{letter}{max(2, count + 1)})", form, float(value)
                )
            else:
                self.sheet.write(count + 1, at, value, self.book.add_format(look))

    def text(self, value: str, count: int) -> str:
        """Return text as the format allows it. A line ends as in Excel, with LF."""
        value = value.replace("\r\n", "\n").replace("\r", "\n")
        if _ILLEGAL.search(value):
            self.table.notes.count("Control characters, which the format forbids, were left out", count)
            value = _ILLEGAL.sub("", value)
        if len(value) > _LONGEST_TEXT // 2 and len(value.encode("utf-16-le")) // 2 > _LONGEST_TEXT:
            self.table.notes.count(f"Texts longer than {_LONGEST_TEXT} characters, Excel's limit, were cut", count)
            value = _cut(value, _LONGEST_TEXT)
        return value


def _is_plain(value: int | Decimal) -> bool:
    """Tell whether a number surely has few digits and an ordinary size; False says nothing."""
    if isinstance(value, int):
        return -_TOO_LONG < value < _TOO_LONG
    return -_DIGITS <= value.adjusted() < _DIGITS and len(value.as_tuple().digits) <= _DIGITS


def _serial(day: date) -> int:
    """Return Excel's number of a day; Excel believes that there was a 29th of February 1900."""
    days = day.toordinal() - _DAY_0
    return days + (days > 59)


def _moment(value: datetime) -> float:
    """Return Excel's number of a local time, to the millisecond: Excel knows no less, and no time after year 9999."""
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return _serial(value.date()) + (seconds * 1000 + value.microsecond // 1000) / 86_400_000


def write_xlsx(out: BinaryIO, sheets: Sequence[tuple[str, Table]], language: Language) -> Made:
    """Write tables as a workbook, a sheet each by name: heading bold and frozen, filters, widths that fit, totals."""
    for _, table in sheets:
        _refuse_too_many(table)
    with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
        book = Workbook(out, {"constant_memory": True, "tmpdir": folder})
        try:
            count, titles = 0, set[str]()
            for name, table in sheets:
                title = _unique(_title(name, table), titles)
                count += _fill(book, book.add_worksheet(title), table, language)
            book.set_properties({"author": "Flotilla", "created": _DATED})
            book.close()
        finally:
            book.fileclosed = True  # or the workbook that failed is saved when Python drops it
    several = len(sheets) > 1
    notes = [(name, note) for name, table in sheets for note in table.notes.list()]
    return Made(rows=count, warnings=[f"{name}: {note}" if several else note for name, note in notes])


def _unique(title: str, titles: set[str]) -> str:
    """Return the title, or one with a number where another sheet has it: Excel does not tell case apart."""
    result, number = title, 1
    while result.casefold() in titles:
        number += 1
        result = f"{_cut(title, _LONGEST_TITLE - 3).rstrip()} {number}"
    titles.add(result.casefold())
    return result


def _refuse_too_many(table: Table) -> None:
    """Raise errors.InvalidInputError for more rows than a sheet holds, before the work.

    A row takes two bytes at least.
    """
    if table.source and (files.stat(table.source.path).bytes or 0) < 2 * MOST_ROWS:
        return
    most = MOST_ROWS - bool(table.totals)
    if (count := table.count()) > most:
        message = f"There are {count} rows, and a sheet holds {most} at most."
        raise errors.InvalidInputError(message, "Split the rows, or use export_create_csv.")


def _fill(book: Workbook, sheet: Any, table: Table, language: Language) -> int:
    """Write heading and rows, and return how many rows there are."""
    last = len(table.columns) - 1
    for at, width in enumerate(_widths(table)):
        sheet.set_column(at, at, width - _PADDING)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    maker = _Sheet(book, sheet, table, language.excel_day)
    for at, column in enumerate(table.columns):
        name = maker.text(column.name, 0)
        maker.string(0, at, name, _heading(book, name, column))
    count, computed = 0, any(column.formula for column in table.columns)
    for count, values in enumerate(table.rows(), 1):
        maker.row(values, count)
        if computed:
            maker.formulas(values, count)
    if table.totals:
        maker.totals(language.total, count)
    if len(maker.offsets) > 1:
        table.notes.add("Times have different offsets; Excel sorts them by the local time shown.")
    sheet.autofilter(0, 0, count, last)
    table.check()
    return count


def _form(column: Column, value: int | Decimal) -> str:
    if column.kind == "money":
        cents = "#,##0.00##" if column.detail not in ("JPY", "KRW") else "#,##0.##"
        cents = "#,##0" if cents == "#,##0.##" and value == int(value) else cents
        return f'{cents} "{SYMBOLS.get(column.detail, column.detail)}"' if column.detail else cents
    if column.kind == "decimal":
        return "#,##0.00####"
    return "0" if type(value) is int and column.kind == "integer" else "General"


def _heading(book: Workbook, name: str, column: Column) -> Any:
    return book.add_format(
        {
            "bold": True,
            "bg_color": "#E8EEF4",
            "bottom": 1,
            "bottom_color": "#1F4E79",
            "align": "right" if column.numeric else "left",
            "valign": "vcenter",
            "text_wrap": True,
            "quote_prefix": risky(name),
        }
    )


def _widths(table: Table) -> list[float]:
    widest = [_ems(column.name) + 3 for column in table.columns]  # room for the filter's arrow
    for values in itertools.islice(table.rows(noting=False), _SAMPLE):
        for index, value in enumerate(values):
            widest[index] = max(widest[index], _ems(value) + (5 if table.columns[index].kind == "money" else 2))
    return [min(max(width, 8), 60) for width in widest]


def _ems(value: Cell) -> int:
    if isinstance(value, Decimal):
        return len(f"{value:,.2f}") if abs(value) < 10**_DIGITS else len(plain(value))
    return max((len(line) for line in plain(value).splitlines()), default=0)


def _title(wanted: str, table: Table) -> str:
    title = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", _ILLEGAL.sub(" ", wanted)).split())
    title = _cut(title.strip("'"), _LONGEST_TITLE).rstrip("' ")
    title = f"{title}_" if title.casefold() == "history" else title or "Sheet1"  # Excel keeps that name for itself
    if title != wanted:
        table.notes.add(f"The sheet is called `{title}`: Excel allows 31 characters and no []:*?/\\.")
    return title


def _cut(text: str, most: int) -> str:
    """Return a text of at most so many characters as Excel counts them: an emoji is two."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")

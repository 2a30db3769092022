"""Tables as Excel workbooks: one sheet, true types, streamed row by row. The same table gives the same bytes."""

from __future__ import annotations

import itertools
import re
import zipfile
from contextlib import suppress
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from flotilla import errors
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from .cells import SYMBOLS, Cell, Column, plain
from .csv_file import risky
from .table import Table
from .work import Made

MOST_ROWS = 1_048_575  # under the heading
_LONGEST_TEXT = 32_767
_DIGITS = 15  # Excel keeps no more of a number
_OLDEST = date(1900, 1, 1)
_SAMPLE = 500  # rows that decide the column widths
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DATED = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip can say: no clock shows in the bytes


class _Archive(zipfile.ZipFile):
    """A zip whose parts carry one date, so that the time of writing is not in the bytes."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *rest: Any, **options: Any) -> None:
        """Write a part out of memory."""
        super().writestr(self._part(str(zinfo_or_arcname)), data)

    def write(self, filename: Any, arcname: Any = None, *rest: Any, **options: Any) -> None:
        """Write a part out of a file."""
        with open(filename, "rb") as part, self.open(self._part(str(arcname)), "w", force_zip64=True) as out:
            while chunk := part.read(2**18):
                out.write(chunk)

    @staticmethod
    def _part(name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, _DATED)
        info.compress_type = zipfile.ZIP_DEFLATED
        return info


class _Sheet:
    """Turns cells into openpyxl's. One cell object a column is used again and again: rows are written at once."""

    def __init__(self, sheet: Any, table: Table) -> None:
        self.table, self.sheet = table, sheet
        self.cells = [WriteOnlyCell(sheet) for _ in table.columns]
        self.styles: dict[str, Any] = {}
        self.offsets: set[str] = set()

    def style(self, form: str) -> Any:
        """Return the style of a number format; the format "guarded" is text that must stay text when it is edited."""
        if form not in self.styles:
            model: Any = WriteOnlyCell(self.sheet)
            model.alignment = Alignment(vertical="top")
            if form == "guarded":
                model.quotePrefix = True
            else:
                model.number_format = form
            self.styles[form] = copy(model._style)
        return self.styles[form]

    def row(self, values: list[Cell], count: int) -> list[Any]:
        """Return one row; empty cells stay None."""
        columns = self.table.columns
        return [
            None if value is None or value == "" else self.cell(cell, value, column, count)
            for cell, value, column in zip(self.cells, values, columns, strict=True)
        ]

    def cell(self, cell: Any, value: Any, column: Column, count: int) -> Any:
        """Return an openpyxl cell with a value in it."""
        kept, form = self.stored(value, column, count)
        if isinstance(kept, str):
            kept = self.text(kept, count)
            if not kept:
                return None
            form = "guarded" if risky(kept) else "General"
        cell._style = self.style(form)
        cell.value = kept
        if isinstance(kept, str):
            cell.data_type = "s"  # openpyxl would take "=…" for a formula and "#N/A" for an error
        return cell

    def stored(self, value: Cell, column: Column, count: int) -> tuple[Any, str]:
        """Return what Excel can hold of a value, and its number format."""
        if isinstance(value, datetime):
            return self.moment(value, count)
        if isinstance(value, date):
            if value < _OLDEST:
                self.table.notes.count("Dates before 1900, which Excel has not, became text", count)
                return value.isoformat(), ""
            return value, "yyyy-mm-dd"
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            digits = Decimal(value).normalize().as_tuple()
            if len(digits.digits) > _DIGITS or (type(value) is int and abs(value) >= 10**_DIGITS):
                self.table.notes.count("Numbers of more than 15 digits, which Excel would round, became text", count)
                return plain(value), ""
            return value, _form(column, value)
        return value, "General"

    def moment(self, value: datetime, count: int) -> tuple[Any, str]:
        """Return a date and time: Excel knows no offset, so the number format shows it."""
        if value.date() < _OLDEST:
            self.table.notes.count("Dates before 1900, which Excel has not, became text", count)
            return value.isoformat(), ""
        if value.tzinfo is None:
            return value, "yyyy-mm-dd hh:mm:ss"
        offset = value.isoformat()[-6:]
        self.offsets.add(offset)
        return value.replace(tzinfo=None), f'yyyy-mm-dd hh:mm:ss "{offset}"'

    def text(self, value: str, count: int) -> str:
        """Return text as the format allows it."""
        if _ILLEGAL.search(value):
            self.table.notes.count("Control characters, which the format forbids, were left out", count)
            value = _ILLEGAL.sub("", value)
        if len(value.encode("utf-16-le")) // 2 > _LONGEST_TEXT:
            self.table.notes.count(f"Texts longer than {_LONGEST_TEXT} characters, Excel's limit, were cut", count)
            value = value.encode("utf-16-le")[: 2 * _LONGEST_TEXT].decode("utf-16-le", "ignore")
        return value


def write_xlsx(out: BinaryIO, table: Table, sheet_name: str) -> Made:
    """Write a table as a workbook of one sheet: heading bold and frozen, filters, widths that fit."""
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = datetime(*_DATED)
    book.properties.creator = "Flotilla"
    sheet: Any = book.create_sheet(_title(sheet_name, table))
    for index, width in enumerate(_widths(table), 1):
        sheet.column_dimensions[get_column_letter(index)].width = width
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    try:
        count = _fill(sheet, table)
        with _Archive(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            ExcelWriter(book, archive).save()  # not book.save, which puts the time of day in
    except BaseException:
        _drop(sheet)
        raise
    return Made(rows=count, warnings=table.notes.list())


def _fill(sheet: Any, table: Table) -> int:
    """Write heading and rows, and return how many rows there are."""
    maker = _Sheet(sheet, table)
    sheet.append([_heading(sheet, maker.text(column.name, 0), column) for column in table.columns])
    count = 0
    for count, values in enumerate(table.rows(), 1):
        if count > MOST_ROWS:
            raise errors.Input(f"A sheet holds {MOST_ROWS} rows at most.", "Split the rows, or use export_create_csv.")
        sheet.append(maker.row(values, count))
    if len(maker.offsets) > 1:
        table.notes.say("Times have different offsets; Excel sorts them by the local time shown.")
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{count + 1}"
    table.check()
    return count


def _drop(sheet: Any) -> None:
    """Delete the temporary file that openpyxl keeps until the process ends when a book is not saved."""
    with suppress(Exception):
        if not sheet.closed:
            sheet.close()
        sheet._writer.cleanup()


def _form(column: Column, value: int | Decimal) -> str:
    if column.kind == "money":
        cents = "#,##0.00##" if column.detail not in ("JPY", "KRW") else "#,##0.##"
        cents = "#,##0" if cents == "#,##0.##" and value == int(value) else cents
        return f'{cents} "{SYMBOLS.get(column.detail, column.detail)}"' if column.detail else cents
    if column.kind == "decimal":
        return "#,##0.00####"
    return "0" if type(value) is int and column.kind == "integer" else "General"


def _heading(sheet: Any, name: str, column: Column) -> Any:
    cell = WriteOnlyCell(sheet, name)
    cell.data_type = "s"
    cell.quotePrefix = risky(name)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="E8EEF4")
    cell.border = Border(bottom=Side("thin", "1F4E79"))
    cell.alignment = Alignment("right" if column.numeric else "left", "center", wrap_text=True)
    return cell


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
    title = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", wanted).split()).strip("'")[:31].rstrip()
    if title != wanted:
        table.notes.say(f"The sheet is called `{title or 'Sheet1'}`: Excel allows 31 characters and no []:*?/\\.")
    return title or "Sheet1"

"""Tables: Excel workbooks by openpyxl, older ones by xlrd, CSV. Each sheet is a Markdown table with its addresses.

The heading of the table are the letters of the columns, and its first column is the number of the row, so that a cell
can be named as people name it, and a sheet that is read in parts has its columns named in each of them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

import openpyxl
import xlrd
from openpyxl.utils import get_column_letter

from .document import Document, Piece, UnreadableError, cell, contents, row
from .markup import decoded

AHEAD = 200  # rows that are looked at to see how wide a table is
Row = tuple[int, list[str]]  # number in the sheet, from 1, and its cells


class Tables(Document):
    """Sheets with rows; positions count rows."""

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the rows of a sheet, empty ones too."""
        raise NotImplementedError

    def pieces(self, number: int, position: int) -> Iterator[Piece]:
        """Yield a sheet as a table, row by row; empty rows are left out."""
        filled = ((n, cells) for n, cells in self.rows(number) if n > position and any(cells))
        first_rows = list(itertools.islice(filled, AHEAD))
        if not first_rows:
            yield "No cell is filled.\n", position + 1
            return
        letters = [get_column_letter(n + 1) for n in range(max(len(cells) for _, cells in first_rows))]
        yield row(["", *letters]) + row(["---"] * (len(letters) + 1)), position
        for n, cells in itertools.chain(first_rows, filled):
            yield row([str(n), *cells]), n


class Workbook(Tables):
    """An Excel workbook since 2007. It is read twice at once: for values, and for formulas that have none yet."""

    def __init__(self, values: Any, formulas: Any) -> None:
        self.values, self.formulas = values.worksheets, formulas.worksheets
        super().__init__("sheet", len(self.values), [sheet.title for sheet in self.values])
        hidden = [sheet.title for sheet in self.values if sheet.sheet_state != "visible"]
        if hidden:
            self.notes.append(f"Hidden in the workbook: {', '.join(hidden)}.")
        facts = {"title": values.properties.title, "author": values.properties.creator}
        self.facts = {name: value[:500] for name, value in facts.items() if value and value != "openpyxl"}

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the values of a sheet."""
        sheets = self.values[number - 1], self.formulas[number - 1]
        for sheet in sheets:
            sheet.reset_dimensions()  # some programs write wrong ones
        missing = False
        for n, (values, formulas) in enumerate(zip(*(sheet.iter_rows() for sheet in sheets), strict=False), 1):
            cells = []
            for one, formula in itertools.zip_longest(values, formulas):
                value = shown(getattr(one, "value", None), getattr(one, "number_format", ""))
                if not value and getattr(formula, "data_type", "") == "f":
                    value, missing = cell(str(formula.value)), True
                cells.append(value)
            yield n, trimmed(cells)
        if missing:
            self.notes.append(
                "Formulas without a stored value are shown themselves: open the file in Excel to have it."
            )


class OldWorkbook(Tables):
    """An Excel workbook before 2007."""

    def __init__(self, book: xlrd.Book) -> None:
        super().__init__("sheet", book.nsheets, book.sheet_names())
        self.book = book

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the values of a sheet."""
        sheet = self.book.sheet_by_index(number - 1)
        for n in range(sheet.nrows):
            yield n + 1, trimmed([self._shown(one) for one in sheet.row(n)])

    def _shown(self, one: Any) -> str:
        if one.ctype == xlrd.XL_CELL_DATE and 0 < one.value < 2958466:
            return shown(xlrd.xldate_as_datetime(one.value, self.book.datemode))
        if one.ctype == xlrd.XL_CELL_BOOLEAN:
            return shown(bool(one.value))
        if one.ctype == xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(one.value, "#ERROR"))
        return shown(one.value)


class Csv(Tables):
    """A CSV file, of any separator and encoding that spreadsheets write."""

    def __init__(self, text: str) -> None:
        super().__init__("sheet")
        self.text = text

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the rows."""
        first = self.text.partition("\n")[0]
        delimiter = max(";,\t|", key=first.count)
        named = first.strip().lower().removeprefix("sep=")
        if first.lower().startswith("sep=") and len(named) == 1:
            delimiter = named
        csv.field_size_limit(2**27)
        for n, cells in enumerate(csv.reader(io.StringIO(self.text), delimiter=delimiter), 1):
            yield n, trimmed([cell(one) for one in cells])


def open_xlsx(file: BinaryIO) -> Document:
    """Open an Excel workbook."""
    warnings.simplefilter("ignore")  # about parts that openpyxl does not know, such as pictures
    values, formulas = (openpyxl.load_workbook(file, read_only=True, data_only=only) for only in (True, False))
    if not values.worksheets:
        raise UnreadableError("The workbook has no sheet with cells.", "Charts alone cannot be read.")
    return Workbook(values, formulas)


def open_xls(file: BinaryIO) -> Document:
    """Open an older workbook."""
    try:
        return OldWorkbook(xlrd.open_workbook(file_contents=contents(file), on_demand=True, logfile=io.StringIO()))
    except xlrd.XLRDError as problem:
        if "encrypted" in str(problem):
            raise UnreadableError(
                "The workbook is encrypted: it opens only with a password.",
                "Ask the user for a copy without a password.",
            ) from None
        raise


def open_csv(file: BinaryIO) -> Document:
    """Open a CSV file."""
    return Csv(decoded(contents(file)))


def shown(value: Any, number_format: str = "") -> str:
    """Return the value of a cell as text: times in ISO 8601, numbers with a decimal point, percentages as such."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, int | float) and number_format.rstrip().endswith("%"):
        return f"{value * 100:.10g} %"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    return cell(str(value))


def trimmed(cells: list[str]) -> list[str]:
    """Return a row without its empty end."""
    while cells and not cells[-1]:
        cells.pop()
    return cells

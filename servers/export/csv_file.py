"""Tables as CSV, in the dialects that programs and spreadsheets open, with nothing in them that runs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from .cells import Cell, plain
from .guard import runs
from .table import Table
from .work import Made

_LONE = re.compile("[\ud800-\udfff]")  # surrogates: JSON can say them, UTF-8 cannot


@dataclass(frozen=True)
class Dialect:
    """What parts the cells, and what a decimal number is written with."""

    delimiter: str
    decimal: str
    bom: bool = False  # the mark without which Excel takes UTF-8 for something else


DIALECTS = {
    "comma": Dialect(",", "."),
    "semicolon": Dialect(";", ","),
    "tab": Dialect("\t", "."),
    "excel": Dialect(",", ".", bom=True),
    "excel_fr": Dialect(";", ",", bom=True),  # and Excel wherever decimals have a comma
}


def write_csv(out: BinaryIO, table: Table, dialect: Dialect, guard: bool = True) -> Made:
    """Write a table, lines ended by CR LF (RFC 4180), in UTF-8. Without `guard` every text stays as it is."""
    spare_words = not dialect.bom  # those with a BOM are made for Excel, which shows #NAME? for them

    def written(cell: Cell, row: int) -> str:
        if isinstance(cell, str):
            if _LONE.search(cell):
                table.notes.count("Halves of characters, which no file can hold, became question marks", row)
            if guard and runs(cell, spare_words):
                table.notes.count("Text that a spreadsheet would take for a formula got an apostrophe in front", row)
                return "'" + cell
            return cell
        text = plain(cell)
        return text.replace(".", dialect.decimal) if isinstance(cell, Decimal) else text

    text = io.TextIOWrapper(out, "utf-8-sig" if dialect.bom else "utf-8", errors="replace", newline="")
    lines = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\r\n")
    lines.writerow([written(column.name, 0) for column in table.columns])
    count = 0
    for count, cells in enumerate(table.rows(), 1):
        lines.writerow([written(cell, count) for cell in cells])
    text.flush()
    text.detach()
    return Made(rows=count, warnings=table.notes.list())

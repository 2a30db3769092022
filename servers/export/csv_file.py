"""Tables as CSV, in the dialects that programs and spreadsheets open, with nothing in them that runs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from .cells import Cell, plain
from .table import Table
from .work import Made

# What spreadsheets take for a formula, with the full-width forms that some of them read alike, behind blanks and
# characters that nobody sees and that an import may drop.
_UNSEEN = r"\s\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_RISKY = re.compile(rf"[{_UNSEEN}]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


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


def risky(text: str) -> bool:
    """Tell whether a spreadsheet would run a text: it starts like a formula and is no plain number."""
    return bool(_RISKY.match(text)) and not _NUMBER.fullmatch(text)


def write_csv(out: BinaryIO, table: Table, dialect: Dialect) -> Made:
    """Write a table, lines ended by CR LF (RFC 4180), in UTF-8."""

    def written(cell: Cell, row: int) -> str:
        if isinstance(cell, str):
            if risky(cell):
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

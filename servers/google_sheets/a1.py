"""A1 notation, checked before the call: `'Suivi 2030'!A2:D40`, `A:C`, `2:5`, `B2`, a sheet's or a range's name.

https://developers.google.com/workspace/sheets/api/guides/concepts#expandable-1
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from flotilla import errors

COLUMNS, ROWS = 18_278, 10_000_000  # ZZZ; a spreadsheet has at most ten million cells
_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9][0-9]{0,7})?")
_CELLS = re.compile(r"[$A-Za-z0-9]+(:[$A-Za-z0-9]+)?")
_BAD = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Area:
    """A range: columns and rows count from 1, both ends included; None where it is open.

    Without any of the four it is the whole of `name`, a sheet's name or a named range's. `bare` is the text of a name
    or a cell without quotes, sheet and dollar signs: only the spreadsheet decides which of them it is
    (`reading.identify`). `alias` is the named range that it was resolved from.
    """

    name: str = ""
    left: int | None = None
    top: int | None = None
    right: int | None = None
    bottom: int | None = None
    bare: str = field(default="", compare=False)
    alias: str = field(default="", compare=False)

    @property
    def whole(self) -> bool:
        """Whether it is a name alone."""
        return self == Area(self.name)

    @property
    def cell(self) -> bool:
        """Whether it is one cell."""
        return None not in (self.left, self.top) and (self.left, self.top) == (self.right, self.bottom)

    @property
    def width(self) -> int | None:
        """How many columns it has, None where it is open."""
        return None if self.right is None else self.right - (self.left or 1) + 1

    @property
    def height(self) -> int | None:
        """How many rows it has, None where it is open."""
        return None if self.bottom is None else self.bottom - (self.top or 1) + 1

    def sized(self, rows: int, columns: int) -> Area:
        """Return the range of this size that begins where this one does."""
        left, top = self.left or 1, self.top or 1
        return Area(self.name, left, top, left + columns - 1, top + rows - 1)

    def __str__(self) -> str:
        sheet = "'" + self.name.replace("'", "''") + "'" if self.name else ""
        if self.whole:
            return sheet
        first = column_letters(self.left) + str(self.top or "")
        last = column_letters(self.right) + str(self.bottom or "")
        cells = first if self.cell else f"{first}:{last}"
        return f"{sheet}!{cells}" if sheet else cells


def area(text: str) -> Area:
    """Return the range that a text writes; raises errors.InvalidInputError with what is wrong with it."""
    text = text.strip()
    sheet, bang, cells = text.rpartition("!")
    quoted = re.fullmatch(r"'((?:[^']|'')+)'", sheet if bang else text)
    if not bang and quoted:
        return Area(_sheet_name(quoted[1].replace("''", "'"), text))
    if bang:
        name = quoted[1].replace("''", "'") if quoted else sheet
        return replace(_cells(cells, text), name=_sheet_name(name, text))
    if _CELLS.fullmatch(text) and (":" in text or re.fullmatch(r"\$?[A-Za-z]{1,3}\$?[0-9]+", text)):
        return replace(_cells(text, text), bare="" if set(text) & set("$:") else text)
    return Area(_sheet_name(text, text), bare=text)


def _sheet_name(name: str, text: str) -> str:
    if name == "''" or not name.strip() or len(name) > 100 or _BAD.search(name) or (":" in name and name == text):
        raise _invalid(text, "no sheet can have this name")
    return name


def _cells(cells: str, text: str) -> Area:
    first, colon, last = cells.partition(":")
    ends = [_corner(first), _corner(last) if colon else _corner(first)]
    if ends[0] is None or ends[1] is None or (not colon and None in ends[0]):
        raise _invalid(text, "the cells are not like A1:C20")
    (left, top), (right, bottom) = ends[0], ends[1]
    if (left is None) != (right is None) or (top is None and bottom is not None and left is None):
        raise _invalid(text, "its two ends do not belong together")
    for number, most in ((left, COLUMNS), (right, COLUMNS), (top, ROWS), (bottom, ROWS)):
        if number and number > most:
            raise _invalid(text, "no sheet is that large")
    if left and right and left > right:
        left, right = right, left
    if top and bottom and top > bottom:
        top, bottom = bottom, top
    if top is None and bottom is not None and left is not None:  # A:C5 is A1:C5
        top = 1
    return Area("", left, top, right, bottom)


def _corner(text: str) -> tuple[int | None, int | None] | None:
    """Return column and row, None for one that is missing; None for a text that is neither."""
    match = _CORNER.fullmatch(text)
    if not match or not (match[1] or match[2]):
        return None
    return column_number(match[1] or "") or None, int(match[2]) if match[2] else None


def column_number(letters: str) -> int:
    """Return the number of a column by its letters: A is 1, AA is 27; 0 without any."""
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return column


def column_letters(column: int | None) -> str:
    """Return the letters of a column by its number, "" for None."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _invalid(text: str, why: str) -> errors.InvalidInputError:
    return errors.InvalidInputError(
        f"`{errors.excerpt(text, 80)}` is not a valid range: {why}.",
        "Write it like Sheet1!A2:D40, A:C or 'My sheet'!B5.",
    )

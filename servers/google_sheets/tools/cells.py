"""Cells: read, write, append, clear.

API: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Toolset, confirm, errors, segment, will_ask
from flotilla_servers._google import file_id

from .. import reading
from ..a1 import Area, area
from ..client import OWN, READ, WRITE, api
from ..models import Cells, ClearedCells, InputCell, WrittenCells
from .spreadsheets import SpreadsheetId

tools = Toolset("cells")

MOST_CELLS = 10_000  # of one call

Range = Annotated[
    str,
    Field(
        description="Range in A1 notation, title of a sheet, or a named range. Q1 is the sheet Q1 where there is one; "
        "'Q1' in quotes always is.",
        examples=["Suivi!A2:D40"],
    ),
]
Rows = Annotated[
    list[list[InputCell]],
    Field(
        min_length=1,
        description="Rows, each a list of cells from left to right.",
        examples=[[["2030-06-03", "Marie Dupont", 1250.5, True]]],
    ),
]
Entry = Annotated[
    Literal["RAW", "USER_ENTERED"],
    Field(
        description="RAW stores values as they are, even a text that begins with =. USER_ENTERED reads them as if "
        "typed: dates, currencies, formulas."
    ),
]


@tools.reads(scopes=READ, tolerated=OWN, search="lire cellules lignes tableau feuille de calcul")
async def read_range(
    spreadsheet: SpreadsheetId,
    cells: Range,
    values: Annotated[
        Literal["typed", "shown", "formulas"],
        Field(description="typed: numbers as numbers; shown: as displayed; formulas: the formulas themselves."),
    ] = "typed",
    cursor: Cursor = None,
) -> Cells:
    """Read cells row by row, at most 10,000 a page. Returns the range that was read and its rows.

    Dates come as text, empty cells as "", and trailing empty cells and rows are left out. Titles of sheets and named
    ranges come from gsheets_get_spreadsheet.
    """
    return await reading.page(file_id(spreadsheet), area(cells), values, cursor)


@tools.writes(
    idempotent=True, replaces=True, scopes=WRITE, tolerated=OWN, search="écrire remplir modifier cellules formule"
)
async def write_range(spreadsheet: SpreadsheetId, cells: Range, rows: Rows, entry: Entry = "RAW") -> WrittenCells:
    """Write cells from the first cell of the range on, and leave all others as they are.

    Asks the user first when filled cells would get another value. To add rows below a table, use gsheets_append_rows;
    to see what is there, use gsheets_read_range. Returns the range that was written.
    """
    columns, book = _width(rows), file_id(spreadsheet)
    target = await reading.resolved(book, area(cells), destructive=True)
    if target.cell:
        target = target.sized(len(rows), columns)
    if (target.height or MOST_CELLS) < len(rows) or (target.width or MOST_CELLS) < columns:
        raise errors.InvalidInputError(
            f"{len(rows)} rows of {columns} cells do not fit into {target}.",
            "Pass only the first cell, or a larger range.",
        )
    if will_ask():
        before, place = await reading.current_values(book, target.sized(len(rows), columns))
        if lost := _overwritten(before, rows):
            await confirm(f"Write over {_counted(lost)} in {place}?")
    answer = await api.put(_path(book, target), params={"valueInputOption": entry}, json={"values": rows})
    return WrittenCells.model_validate(answer)


@tools.writes(creates=True, scopes=WRITE, tolerated=OWN, search="ajouter une ligne au tableau suivi")
async def append_rows(spreadsheet: SpreadsheetId, cells: Range, rows: Rows, entry: Entry = "RAW") -> WrittenCells:
    """Add rows below the last row of the table in the range; the title of the sheet is enough. Nothing is overwritten.

    Returns the range of the new rows. After a lost answer, look with gsheets_read_range before appending again. To
    change rows that exist, use gsheets_write_range.
    """
    _width(rows)
    book = file_id(spreadsheet)
    params = {"valueInputOption": entry, "insertDataOption": "INSERT_ROWS"}  # what stands below moves down
    target = await reading.resolved(book, area(cells))
    answer = await api.post(f"{_path(book, target)}:append", params=params, json={"values": rows})
    return WrittenCells.model_validate(answer.get("updates") or {})


@tools.destroys(asks=True, idempotent=True, scopes=WRITE, tolerated=OWN, search="vider effacer cellules")
async def clear_range(spreadsheet: SpreadsheetId, cells: Range) -> ClearedCells:
    """Empty the cells of a range; their formats stay, and no row or column is removed.

    Asks the user first, with the number of filled cells. To write other values over cells, use gsheets_write_range.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    target = reading.identify(area(cells), shape, destructive=True)
    await confirm(await _question(book, target, shape))
    answer = await api.post(f"{_path(book, target)}:clear", json={})
    return ClearedCells(cleared=answer.get("clearedRange", str(target)))


def _path(book: str, target: Area) -> str:
    return f"/spreadsheets/{book}/values/{segment(target.alias or str(target))}"


def _overwritten(before: list[list[Any]], rows: list[list[InputCell]]) -> int:
    """Return how many filled cells get another value; null leaves one as it is."""
    pairs = [pair for old, new in zip(before, rows, strict=False) for pair in zip(old, new, strict=False)]
    return sum(old not in ("", None) and new is not None and old != new for old, new in pairs)


def _counted(cells: int) -> str:
    return f"{cells:,} filled {'cell' if cells == 1 else 'cells'}"


async def _question(book: str, target: Area, shape: dict[str, Any]) -> str:
    """Return the question before a range is emptied: which range it is, and how many of its cells are filled."""
    whole = reading.closed(target, shape)
    most = max(1, reading.COUNTED_CELLS // (whole.width or 1))
    rows, _ = await reading.current_values(book, whole.sized(min(whole.height or 1, most), whole.width or 1))
    count = _counted(sum(cell not in ("", None) for row in rows for cell in row))
    count = f"{count} or more" if (whole.height or 1) > most else count
    place = f"the whole sheet {target}" if target.whole else f"{target.alias}, {whole}" if target.alias else str(whole)
    title = (shape.get("properties") or {}).get("title", "")
    return f"Empty {place} of «{errors.excerpt(title, 100)}», {count}?"


def _width(rows: list[list[InputCell]]) -> int:
    """Return how many columns the rows have; raises errors.InvalidInputError for too many cells, or none."""
    columns = max(len(row) for row in rows)
    if not columns or len(rows) * columns > MOST_CELLS:
        raise errors.InvalidInputError(
            f"{len(rows)} rows of {columns} cells are not 1 to {MOST_CELLS:,} cells.", "Write them in parts."
        )
    return columns

"""Reading a range page by page: at most CELLS cells an answer, and a row number to go on with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pydantic_core
from flotilla import errors, segment

from .a1 import Area
from .app import api
from .models import Cells

CELLS = 10_000  # of one answer
BYTES = 200_000  # of one answer's cells, as JSON
FAR = 20  # pages that are looked through for more below an empty stretch
RENDER = {
    "typed": {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"},
    "shown": {"valueRenderOption": "FORMATTED_VALUE"},
    "formulas": {"valueRenderOption": "FORMULA", "dateTimeRenderOption": "FORMATTED_STRING"},
}
SHAPE = "sheets.properties(sheetId,title,gridProperties(rowCount,columnCount)),namedRanges(name,range)"


async def page(spreadsheet: str, wanted: Area, values: str, cursor: str | None) -> Cells:
    """Return the rows of a range from the cursor on."""
    where = await bounded(spreadsheet, wanted)
    start, bottom = where.top or 1, where.bottom or 1
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 9 and start <= int(cursor) <= bottom):
            raise errors.Input("The cursor is not one of this range.", "Leave it out to start at the first row.")
        start = int(cursor)
    count = max(1, CELLS // (where.width or 1))
    end = min(start + count - 1, bottom)
    here = replace(where, top=start, bottom=end)
    told = await _values(spreadsheet, here, values)
    rows = _fitting([["" if cell is None else cell for cell in row] for row in told.get("values", ())])
    following: int | None = end + 1 if end < bottom else None
    if len(rows) < len(told.get("values", ())):
        following = start + len(rows)
    elif following and len(rows) < end - start + 1:  # it ends with empty rows: is there more below them?
        following = await _next(spreadsheet, where, values, following, count)
    return Cells(range=told.get("range", str(here)), rows=rows, next_cursor=str(following) if following else None)


async def _next(spreadsheet: str, where: Area, values: str, start: int, count: int) -> int | None:
    """Return the first row from `start` on that is not empty, as far as it is worth looking."""
    bottom = where.bottom or start
    end = min(start + FAR * count - 1, bottom)
    told = await _values(spreadsheet, replace(where, top=start, bottom=end), values)
    for number, row in enumerate(told.get("values", ())):
        if row:
            return start + number
    return end + 1 if end < bottom else None


async def _values(spreadsheet: str, where: Area, values: str) -> dict[str, Any]:
    path = f"/spreadsheets/{spreadsheet}/values/{segment(str(where))}"
    found: dict[str, Any] = await api.get(path, params=RENDER[values])
    return found


def _fitting(rows: list[list[Any]]) -> list[list[Any]]:
    """Return as many rows as one answer can carry, at least one."""
    left = BYTES
    for number, row in enumerate(rows):
        left -= len(pydantic_core.to_json(row)) + 1
        if left < 0 and number:
            return rows[:number]
    return rows


async def bounded(spreadsheet: str, wanted: Area) -> Area:
    """Return a range with four ends: where one is open, the sheet's size or the named range's closes it."""
    if None not in (wanted.left, wanted.top, wanted.right, wanted.bottom):
        return wanted
    shape = await api.get(f"/spreadsheets/{spreadsheet}", params={"fields": SHAPE})
    sheets = [one["properties"] for one in api.rows_in(shape, "sheets", missing=True)]
    sheet = next((s for s in sheets if s["title"] == wanted.name or not wanted.name), None)
    if sheet is None:
        sheet = next((s for s in sheets if s["title"].casefold() == wanted.name.casefold()), None)
    if sheet is None and wanted.whole:
        for one in shape.get("namedRanges", ()):
            if one.get("name", "").casefold() == wanted.name.casefold():
                return _of(one.get("range") or {}, sheets)
    if sheet is None:
        there = ", ".join(errors.excerpt(s["title"], 40) for s in sheets[:10])
        raise errors.NotFound(f"There is no sheet `{errors.excerpt(wanted.name, 60)}`.", f"There is: {there}.")
    return _closed(replace(wanted, name=sheet["title"]), sheet)


def _of(grid: dict[str, Any], sheets: list[dict[str, Any]]) -> Area:
    """Return a GridRange, which counts from 0 and leaves its end out, as a range."""
    sheet = next((s for s in sheets if s.get("sheetId", 0) == grid.get("sheetId", 0)), sheets[0])
    found = Area(
        sheet["title"],
        grid.get("startColumnIndex", 0) + 1,
        grid.get("startRowIndex", 0) + 1,
        grid.get("endColumnIndex"),
        grid.get("endRowIndex"),
    )
    return _closed(found, sheet)


def _closed(where: Area, sheet: dict[str, Any]) -> Area:
    grid = sheet.get("gridProperties") or {}
    left, top = where.left or 1, where.top or 1
    right = where.right or max(grid.get("columnCount", 1), left)
    return Area(where.name, left, top, right, where.bottom or max(grid.get("rowCount", 1), top))


async def written_over(spreadsheet: str, where: Area, rows: list[list[Any]]) -> int:
    """Count the cells that hold something which writing these rows would replace by something else."""
    told = (await _values(spreadsheet, where, "formulas")).get("values", ())
    pairs = [pair for old, new in zip(told, rows, strict=False) for pair in zip(old, new, strict=False)]
    return sum(1 for old, new in pairs if old not in ("", None) and old != new)

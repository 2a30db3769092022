"""Reading a range page by page: at most CELLS cells an answer, and a row number to go on with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pydantic_core

from flotilla import errors, segment

from .a1 import Area
from .client import api
from .models import Cells

CELLS = 10_000  # of one answer
BYTES = 200_000  # of one answer's cells, as JSON
FAR = 20  # pages that are looked through for more below an empty stretch
RENDER = {
    "typed": {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"},
    "shown": {"valueRenderOption": "FORMATTED_VALUE"},
    "formulas": {"valueRenderOption": "FORMULA", "dateTimeRenderOption": "FORMATTED_STRING"},
}
FILLED = 50_000  # cells that are looked through before they are emptied
SHAPE = "sheets.properties(sheetId,title,gridProperties(rowCount,columnCount)),namedRanges(name,range)"


async def page(spreadsheet: str, wanted: Area, values: str, cursor: str | None) -> Cells:
    """Return the rows of a range from the cursor on."""
    where = await bounded(spreadsheet, wanted)
    start, bottom = where.top or 1, where.bottom or 1
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 9 and start <= int(cursor) <= bottom):
            raise errors.InvalidInputError(
                "The cursor is not one of this range.", "Leave it out to start at the first row."
            )
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


async def shape(spreadsheet: str) -> dict[str, Any]:
    """Return a spreadsheet's title, its sheets with their sizes, and its named ranges."""
    found: dict[str, Any] = await api.get(
        f"/spreadsheets/{spreadsheet}", params={"fields": f"properties.title,{SHAPE}"}
    )
    return found


async def resolved(spreadsheet: str, wanted: Area, *, destructive: bool = False) -> Area:
    """Return what a range means in this spreadsheet; looks only where its text alone does not tell. As `meant`."""
    return meant(wanted, await shape(spreadsheet), destructive=destructive) if wanted.bare else wanted


def meant(wanted: Area, book: dict[str, Any], *, destructive: bool = False) -> Area:
    """Return what a bare name or cell means: a sheet of this name before a cell of the first sheet or a named range.

    Raises errors.InvalidInputError where both are there and the act is destructive, errors.NotFoundError for the name
    of nothing.
    """
    if not wanted.bare:
        return wanted
    sheets, name = _sheets(book), wanted.bare
    sheet = _titled(sheets, name)
    named = next((n for n in book.get("namedRanges", ()) if n.get("name", "").casefold() == name.casefold()), None)
    other = ""
    if wanted.cell and (sheet is None or _inside(wanted, sheets[0])):
        other = str(replace(wanted, name=sheets[0]["title"])) if sheets else str(wanted)
    elif named:
        other = str(_of(named.get("range") or {}, sheets))
    if sheet and other and destructive:
        which, mine = "a cell" if wanted.cell else "a named range", Area(sheet["title"])
        raise errors.InvalidInputError(
            f"`{name}` is the name of a sheet here, and also {which}, {other}.",
            f"Pass {mine} or {mine}!A1 with the quotes for the sheet, or {other} for the other.",
        )
    if sheet:
        return Area(sheet["title"])
    if wanted.cell:
        return wanted
    if named:
        return replace(_of(named.get("range") or {}, sheets), alias=named["name"])
    raise _no_sheet(name, sheets)


async def bounded(spreadsheet: str, wanted: Area) -> Area:
    """Return a range with four ends: where one is open, the sheet's size or the named range's closes it."""
    if not wanted.bare and None not in (wanted.left, wanted.top, wanted.right, wanted.bottom):
        return wanted
    return closed(wanted, await shape(spreadsheet))


def closed(wanted: Area, book: dict[str, Any]) -> Area:
    """Return a range with four ends, by the sizes that `shape` tells.

    Raises errors.NotFoundError for an unknown sheet.
    """
    where, sheets = meant(wanted, book), _sheets(book)
    if None not in (where.left, where.top, where.right, where.bottom):
        return where
    sheet = _titled(sheets, where.name) if where.name else next(iter(sheets), None)
    if sheet is None:
        raise _no_sheet(where.name, sheets)
    return _closed(replace(where, name=sheet["title"]), sheet)


async def filled(spreadsheet: str, where: Area) -> tuple[list[list[Any]], str]:
    """Return the rows of a range, formulas as such, "" for empty cells, and how Google calls the range."""
    told = await _values(spreadsheet, where, "formulas")
    return list(told.get("values", ())), str(told.get("range", where))


def _sheets(book: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["properties"] for one in api.rows_in(book, "sheets", missing=True)]


def _titled(sheets: list[dict[str, Any]], title: str) -> dict[str, Any] | None:
    exact = next((s for s in sheets if s["title"] == title), None)
    return exact or next((s for s in sheets if s["title"].casefold() == title.casefold()), None)


def _inside(cell: Area, sheet: dict[str, Any]) -> bool:
    grid = sheet.get("gridProperties") or {}
    return bool((cell.left or 1) <= grid.get("columnCount", 0) and (cell.top or 1) <= grid.get("rowCount", 0))


def _no_sheet(name: str, sheets: list[dict[str, Any]]) -> errors.NotFoundError:
    there = ", ".join(errors.excerpt(s["title"], 40) for s in sheets[:10])
    return errors.NotFoundError(f"There is no sheet `{errors.excerpt(name, 60)}`.", f"There is: {there}.")


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

"""Ranges by the names that a spreadsheet gives them, and their cells page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pydantic_core

from flotilla import choose, errors, segment
from flotilla.parsing.names import folded

from .a1 import Area
from .client import api
from .models import Cells

PAGE_CELLS = 10_000
PAGE_BYTES = 200_000  # of a page's cells, as JSON
SEARCHED_CELLS = 200_000  # of one request, where rows are searched for a text
PAGES_AHEAD = 20  # that are searched for more rows below an empty stretch
COUNTED_CELLS = 50_000  # that are searched for values before a range is emptied
RENDER = {
    "typed": {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"},
    "shown": {"valueRenderOption": "FORMATTED_VALUE"},
    "formulas": {"valueRenderOption": "FORMULA", "dateTimeRenderOption": "FORMATTED_STRING"},
}
SHAPE = "sheets.properties(sheetId,title,gridProperties(rowCount,columnCount)),namedRanges(name,range)"
Json = dict[str, Any]


async def page(spreadsheet: str, wanted: Area, values: str, cursor: str | None) -> Cells:
    """Return the rows of a range from the cursor on, which is a row's number."""
    whole = await bounded(spreadsheet, wanted)
    start, bottom = _start(whole, cursor), whole.bottom or 1
    count = max(1, PAGE_CELLS // (whole.width or 1))
    end = min(start + count - 1, bottom)
    part = replace(whole, top=start, bottom=end)
    answer = await _values(spreadsheet, part, values)
    rows = [["" if cell is None else cell for cell in row] for row in answer.get("values", ())]
    fitting = _fitting(rows)
    following: int | None = end + 1 if end < bottom else None
    if len(fitting) < len(rows):
        following = start + len(fitting)
    elif following and len(rows) < end - start + 1:  # it ends with empty rows: is there more below them?
        following = await _next_row(spreadsheet, whole, values, following, count)
    return Cells(range=answer.get("range", str(part)), rows=fitting, next_cursor=str(following) if following else None)


async def _next_row(spreadsheet: str, whole: Area, values: str, start: int, count: int) -> int | None:
    """Return the first row from `start` on that is not empty, or the one at which to go on searching."""
    bottom = whole.bottom or start
    end = min(start + PAGES_AHEAD * count - 1, bottom)
    answer = await _values(spreadsheet, replace(whole, top=start, bottom=end), values)
    for number, row in enumerate(answer.get("values", ())):
        if row:
            return start + number
    return end + 1 if end < bottom else None


async def _values(spreadsheet: str, area: Area, values: str) -> Json:
    return await api.get(f"/spreadsheets/{spreadsheet}/values/{segment(str(area))}", params=RENDER[values])


def _fitting(rows: list[list[Any]]) -> list[list[Any]]:
    """Return as many rows as fit one page, at least one."""
    left = PAGE_BYTES
    for number, row in enumerate(rows):
        left -= len(pydantic_core.to_json(row)) + 1
        if left < 0 and number:
            return rows[:number]
    return rows


async def shape(spreadsheet: str) -> Json:
    """Return a spreadsheet's title, its sheets with their sizes, and its named ranges."""
    return await api.get(f"/spreadsheets/{spreadsheet}", params={"fields": f"properties.title,{SHAPE}"})


async def search(spreadsheet: str, wanted: Area, values: str, cursor: str | None, text: str) -> Cells:
    """Return the rows of a range with a cell that holds a text, whatever its case and accents, with their numbers."""
    whole = await bounded(spreadsheet, wanted)
    start, bottom, needle = _start(whole, cursor), whole.bottom or 1, folded(text)
    count = max(1, SEARCHED_CELLS // (whole.width or 1))
    end = min(start + count - 1, bottom)
    answer = await _values(spreadsheet, replace(whole, top=start, bottom=end), values)
    matches: dict[int, list[Any]] = {}
    for number, row in enumerate(answer.get("values", ()), start):
        if any(needle in folded(str(cell)) for cell in row if cell not in (None, "")):
            matches[number] = ["" if cell is None else cell for cell in row]
    rows = _fitting(list(matches.values()))
    numbers = list(matches)[: len(rows)]
    following = numbers[-1] + 1 if len(rows) < len(matches) else end + 1
    return Cells(
        range=str(whole), rows=rows, numbers=numbers, next_cursor=str(following) if following <= bottom else None
    )


def _start(whole: Area, cursor: str | None) -> int:
    """Return the row at which a page begins; raises errors.InvalidInputError for one outside of the range."""
    start, bottom = whole.top or 1, whole.bottom or 1
    if cursor is None:
        return start
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 9 and start <= int(cursor) <= bottom):
        raise errors.InvalidInputError(
            "The cursor does not belong to this range.", "Leave it out to start at the first row."
        )
    return int(cursor)


async def resolved(spreadsheet: str, wanted: Area, *, destructive: bool = False) -> Area:
    """Return what a range means in this spreadsheet, which is asked only where the text does not decide. See
    `identify`.
    """
    return identify(wanted, await shape(spreadsheet), destructive=destructive) if wanted.bare else wanted


def identify(wanted: Area, book: Json, *, destructive: bool = False) -> Area:
    """Return what a bare name or cell means: a sheet of this name before a cell of the first sheet or a named range.

    Raises errors.InvalidInputError where it means both and the call is destructive, errors.NotFoundError where it means
    nothing.
    """
    if not wanted.bare:
        return wanted
    sheets, name = sheets_of(book), wanted.bare
    sheet, named = _titled(sheets, name), _named_range(book, name)
    other = ""
    if wanted.cell and (sheet is None or _inside(wanted, sheets[0])):
        other = str(replace(wanted, name=sheets[0]["title"])) if sheets else str(wanted)
    elif named:
        other = str(_of_grid(named.get("range") or {}, sheets))
    if sheet and other and destructive:
        kind, quoted = "a cell" if wanted.cell else "a named range", Area(sheet["title"])
        raise errors.InvalidInputError(
            f"`{name}` is the name of a sheet here, and also {kind}, {other}.",
            f"Pass {quoted} or {quoted}!A1 with the quotes for the sheet, or {other} for the other.",
        )
    if sheet:
        return Area(sheet["title"])
    if wanted.cell:
        return wanted
    if named:
        return replace(_of_grid(named.get("range") or {}, sheets), alias=named["name"])
    return Area(_sheet(sheets, name)["title"])


async def bounded(spreadsheet: str, wanted: Area) -> Area:
    """Return a range with four ends: where one is open, the sheet's size or the named range's closes it."""
    if not wanted.bare and None not in (wanted.left, wanted.top, wanted.right, wanted.bottom):
        return wanted
    return closed(wanted, await shape(spreadsheet))


def closed(wanted: Area, book: Json) -> Area:
    """Return a range with four ends, by the sizes in what `shape` returns.

    Raises errors.NotFoundError for an unknown sheet.
    """
    area, sheets = identify(wanted, book), sheets_of(book)
    if None not in (area.left, area.top, area.right, area.bottom):
        return area
    sheet = _sheet(sheets, area.name) if area.name or not sheets else sheets[0]
    return _closed(replace(area, name=sheet["title"]), sheet)


async def current_values(spreadsheet: str, area: Area) -> tuple[list[list[Any]], str]:
    """Return the rows of a range, formulas as such, "" for empty cells, and what Google calls the range."""
    answer = await _values(spreadsheet, area, "formulas")
    return list(answer.get("values", ())), str(answer.get("range", area))


def sheets_of(book: Json) -> list[Json]:
    """Return the SheetProperties of a spreadsheet, without sheets that have no title."""
    sheets = [sheet.get("properties") or {} for sheet in api.rows_in(book, "sheets", missing=True)]
    return [properties for properties in sheets if properties.get("title")]


def named_ranges(book: Json) -> list[Json]:
    """Return the named ranges of a spreadsheet, without those that have no name."""
    return [named for named in api.rows_in(book, "namedRanges", missing=True) if named.get("name")]


def sheet_titled(book: Json, title: str) -> Json:
    """Return the SheetProperties of the sheet of a title; raises errors.NotFoundError with the titles there are."""
    return _sheet(sheets_of(book), title)


def sheet_of(book: Json, area: Area) -> Json:
    """Return the SheetProperties of the sheet that an identified range is on: the first one where it names none."""
    sheets = sheets_of(book)
    return _sheet(sheets, area.name) if area.name or not sheets else sheets[0]


def grid_range(book: Json, area: Area) -> Json:
    """Return an identified range as the API's GridRange, which counts from 0 and excludes its end."""
    ends = {
        "startRowIndex": area.top and area.top - 1,
        "endRowIndex": area.bottom,
        "startColumnIndex": area.left and area.left - 1,
        "endColumnIndex": area.right,
    }
    ends = {name: end for name, end in ends.items() if end is not None}
    return {"sheetId": sheet_of(book, area).get("sheetId", 0), **ends}


async def count_filled(spreadsheet: str, whole: Area) -> str:
    """Return how many cells of a closed range are filled, as words; only its first COUNTED_CELLS are read."""
    most = max(1, COUNTED_CELLS // (whole.width or 1))
    rows, _ = await current_values(spreadsheet, whole.sized(min(whole.height or 1, most), whole.width or 1))
    count = counted(sum(cell not in ("", None) for row in rows for cell in row))
    return f"{count} or more" if (whole.height or 1) > most else count


def counted(cells: int) -> str:
    """Return a number of filled cells as words."""
    return f"{cells:,} filled {'cell' if cells == 1 else 'cells'}"


def title_of(book: Json) -> str:
    """Return a spreadsheet's title as a question shows it."""
    return errors.excerpt((book.get("properties") or {}).get("title", ""), 100)


def _titled(sheets: list[Json], title: str) -> Json | None:
    exact = next((s for s in sheets if s["title"] == title), None)
    return exact or next((s for s in sheets if s["title"].casefold() == title.casefold()), None)


def _named_range(book: Json, name: str) -> Json | None:
    return next((named for named in named_ranges(book) if named["name"].casefold() == name.casefold()), None)


def _sheet(sheets: list[Json], title: str) -> Json:
    return _titled(sheets, title) or choose(
        title,
        sheets,
        id=lambda sheet: f"'{sheet['title']}'",
        name=lambda sheet: str(sheet["title"]),
        kind="sheet",
        listed_by="gsheets_get_spreadsheet",
    )


def _inside(cell: Area, sheet: Json) -> bool:
    grid = sheet.get("gridProperties") or {}
    return bool((cell.left or 1) <= grid.get("columnCount", 0) and (cell.top or 1) <= grid.get("rowCount", 0))


def _of_grid(grid: Json, sheets: list[Json]) -> Area:
    """Return a GridRange, which counts from 0 and excludes its end, as a range."""
    sheet = next((s for s in sheets if s.get("sheetId", 0) == grid.get("sheetId", 0)), sheets[0])
    area = Area(
        sheet["title"],
        grid.get("startColumnIndex", 0) + 1,
        grid.get("startRowIndex", 0) + 1,
        grid.get("endColumnIndex"),
        grid.get("endRowIndex"),
    )
    return _closed(area, sheet)


def _closed(area: Area, sheet: Json) -> Area:
    grid = sheet.get("gridProperties") or {}
    left, top = area.left or 1, area.top or 1
    right = area.right or max(grid.get("columnCount", 1), left)
    return Area(area.name, left, top, right, area.bottom or max(grid.get("rowCount", 1), top))

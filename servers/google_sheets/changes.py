"""Changes of a spreadsheet's structure, each one request that is carried out whole or not at all.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from __future__ import annotations

from typing import Any

from flotilla import errors

from . import reading
from .a1 import Area, area
from .client import api

Json = dict[str, Any]


async def change(book: str, request: Json) -> Json:
    """Carry out one request of a batch, and return its reply, which is empty for most kinds."""
    answer = await api.post(f"/spreadsheets/{book}:batchUpdate", json={"requests": [request]})
    replies = api.rows_in(answer, "replies", missing=True)
    reply = replies[0] if replies and isinstance(replies[0], dict) else {}
    return next((value for value in reply.values() if isinstance(value, dict)), {})


def sheet_url(book: str, sheet: int) -> str:
    """Return the address of a sheet in the browser."""
    return f"https://docs.google.com/spreadsheets/d/{book}/edit#gid={sheet}"


def lines(text: str, book: Json) -> tuple[Area, Json]:
    """Return a range of whole rows or columns, on its sheet, and that as the API's DimensionRange.

    Raises errors.InvalidInputError for a range of cells, and for one that is not on the sheet.
    """
    target = area(text)
    by_row = (target.left, target.right) == (None, None) and None not in (target.top, target.bottom)
    by_column = (target.top, target.bottom) == (None, None) and None not in (target.left, target.right)
    if not (by_row or by_column):
        raise _not_lines(text)
    sheet = reading.sheet_of(book, target)
    kind, first, last = ("ROWS", target.top, target.bottom) if by_row else ("COLUMNS", target.left, target.right)
    assert first
    assert last
    grid = sheet.get("gridProperties") or {}
    size = grid.get("rowCount" if kind == "ROWS" else "columnCount", 0)
    if last > size:
        raise errors.InvalidInputError(
            f"The sheet «{sheet['title']}» has {size:,} {kind.lower()}, so {errors.excerpt(text, 60)} is not on it.",
            "Choose rows or columns that are there; gsheets_append_rows adds rows at the end.",
        )
    on_sheet = Area(sheet["title"], target.left, target.top, target.right, target.bottom)
    return on_sheet, {
        "sheetId": sheet.get("sheetId", 0), "dimension": kind, "startIndex": first - 1, "endIndex": last,
    }  # fmt: skip


def _not_lines(text: str) -> errors.InvalidInputError:
    return errors.InvalidInputError(
        f"`{errors.excerpt(text, 60)}` is not a range of whole rows or columns.",
        "Write rows like Suivi!12:14, columns like Suivi!B:C.",
    )

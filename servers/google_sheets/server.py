"""Google Sheets: read, write and append cells, make spreadsheets and sheets.

API: https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Server, Toolset, confirm, errors, segment, will_ask
from flotilla.http.responses import Record
from flotilla_servers._google import file_id, scope

from . import reading
from .a1 import Area, area
from .client import api, integration
from .models import Cells, Cleared, Created, Given, Sheet, Spreadsheet, Written

tools = Toolset()

# drive.file comes last though it is narrow: it sees no spreadsheet that somebody made by hand
READ = [scope(s) for s in ("spreadsheets.readonly", "spreadsheets", "drive.file", "drive.readonly", "drive")]
WRITE = [scope(s) for s in ("spreadsheets", "drive.file", "drive")]
MOST = 10_000  # cells of one call

SpreadsheetId = Annotated[str, Field(description="Id or address", examples=["1BxiMVs0XRA5nFM"])]
Range = Annotated[
    str,
    Field(
        description="A1 range, a sheet's name or a named range. Q1 is the sheet Q1 where there is one",
        examples=["Suivi!A2:D40"],
    ),
]
Rows = Annotated[
    list[list[Given]],
    Field(min_length=1, description="Rows of cells", examples=[[["2030-06-03", "Marie Dupont", 1250.5, True]]]),
]
Entry = Annotated[
    Literal["RAW", "USER_ENTERED"],
    Field(description="RAW: as it is; USER_ENTERED: as if typed, dates and =formulas are read"),
]
Title = Annotated[str, Field(min_length=1, max_length=100, description="Title", examples=["Juin"])]


@tools.writes(creates=True, scopes=WRITE)
async def create_spreadsheet(
    title: Annotated[str, Field(description="Title", examples=["Suivi des devis"])],
    sheets: Annotated[list[str] | None, Field(description="Titles of its sheets")] = None,
) -> Created:
    """Make a spreadsheet. Then write its header with gsheets_write_range."""
    body: dict[str, Any] = {"properties": {"title": title}}
    if sheets:
        body["sheets"] = [{"properties": {"title": name}} for name in sheets]
    made = await api.post("/spreadsheets", json=body)
    return Created(id=made["spreadsheetId"], title=title, url=made.get("spreadsheetUrl", ""))


@tools.reads(scopes=READ)
async def get_spreadsheet(spreadsheet: SpreadsheetId) -> Spreadsheet:
    """Get a spreadsheet's sheets with sizes, and named ranges."""
    fields = f"spreadsheetId,properties(title,timeZone),{reading.SHAPE}"
    return Spreadsheet.of(await api.get(f"/spreadsheets/{file_id(spreadsheet)}", params={"fields": fields}))


@tools.reads(scopes=READ)
async def read_range(
    spreadsheet: SpreadsheetId,
    cells: Range,
    values: Annotated[
        Literal["typed", "shown", "formulas"], Field(description="Numbers as numbers, as displayed, or formulas")
    ] = "typed",
    cursor: Annotated[str | None, Field(description="next_cursor of the last page")] = None,
) -> Cells:
    """Read cells row by row, 10,000 a page. Dates come as text."""
    return await reading.page(file_id(spreadsheet), area(cells), values, cursor)


@tools.writes(idempotent=True, replaces=True, scopes=WRITE)
async def write_range(spreadsheet: SpreadsheetId, cells: Range, rows: Rows, entry: Entry = "RAW") -> Written:
    """Write cells from the range's first cell on. Asks where filled cells would be written over.

    New rows below a table: gsheets_append_rows.
    """
    columns, book = _checked(rows), file_id(spreadsheet)
    where = await reading.resolved(book, area(cells), destructive=True)
    if where.cell:
        where = where.sized(len(rows), columns)
    if (where.height or MOST) < len(rows) or (where.width or MOST) < columns:
        raise errors.InvalidInputError(
            f"{len(rows)} rows of {columns} cells do not fit {where}.", "Pass the first cell alone, or a larger range."
        )
    if will_ask():
        there, place = await reading.filled(book, where.sized(len(rows), columns))
        if lost := _lost(there, rows):
            await confirm(f"Write over {_counted(lost)} in {place}?")
    answer = await api.put(_path(spreadsheet, where), params={"valueInputOption": entry}, json={"values": rows})
    return Written.model_validate(answer)


@tools.writes(creates=True, scopes=WRITE)
async def append_rows(spreadsheet: SpreadsheetId, cells: Range, rows: Rows, entry: Entry = "RAW") -> Written:
    """Add rows below the table that stands in the range.

    The sheet's name will do. Returns where they side_effect_confirmed.
    """
    _checked(rows)
    params = {"valueInputOption": entry, "insertDataOption": "INSERT_ROWS"}  # nothing below is written over
    where = await reading.resolved(file_id(spreadsheet), area(cells))
    answer = await api.post(f"{_path(spreadsheet, where)}:append", params=params, json={"values": rows})
    return Written.model_validate(answer.get("updates") or {})


@tools.destroys(asks=True, idempotent=True, scopes=WRITE)
async def clear_range(spreadsheet: SpreadsheetId, cells: Range) -> Cleared:
    """Empty cells; their formats stay."""
    book = file_id(spreadsheet)
    about = await reading.shape(book)
    where = reading.meant(area(cells), about, destructive=True)
    await confirm(await _emptying(book, where, about))
    answer = await api.post(f"{_path(spreadsheet, where)}:clear", json={})
    return Cleared(cleared=answer.get("clearedRange", str(where)))


@tools.writes(creates=True, scopes=WRITE)
async def add_sheet(spreadsheet: SpreadsheetId, title: Title) -> Sheet:
    """Add a sheet to a spreadsheet."""
    body = {"requests": [{"addSheet": {"properties": {"title": title}}}]}
    answer = await api.post(f"/spreadsheets/{file_id(spreadsheet)}:batchUpdate", json=body)
    return Sheet.of([*api.rows_in(answer, "replies"), Record()][0]["addSheet"]["properties"])


def _path(spreadsheet: str, where: Area) -> str:
    return f"/spreadsheets/{file_id(spreadsheet)}/values/{segment(where.alias or str(where))}"


def _lost(there: list[list[Any]], rows: list[list[Given]]) -> int:
    """Return how many filled cells get another value; null leaves one as it is."""
    pairs = [pair for old, new in zip(there, rows, strict=False) for pair in zip(old, new, strict=False)]
    return sum(before not in ("", None) and after is not None and before != after for before, after in pairs)


def _counted(cells: int) -> str:
    return f"{cells:,} filled {'cell' if cells == 1 else 'cells'}"


async def _emptying(spreadsheet: str, where: Area, about: dict[str, Any]) -> str:
    """Return the question before a range is emptied: where it is, and how much stands in it."""
    whole = reading.closed(where, about)
    most = max(1, reading.FILLED // (whole.width or 1))
    rows, _ = await reading.filled(spreadsheet, whole.sized(min(whole.height or 1, most), whole.width or 1))
    count = _counted(sum(cell not in ("", None) for row in rows for cell in row))
    count = f"{count} or more" if (whole.height or 1) > most else count
    place = f"the whole sheet {where}" if where.whole else f"{where.alias}, {whole}" if where.alias else str(whole)
    return f"Empty {place} of «{errors.excerpt(about['properties']['title'], 100)}», {count}?"


def _checked(rows: list[list[Given]]) -> int:
    """Return how many columns the rows have."""
    columns = max(len(row) for row in rows)
    if not columns or len(rows) * columns > MOST:
        raise errors.InvalidInputError(
            f"{len(rows)} rows of {columns} cells are not 1 to {MOST:,} cells.", "Write them in parts."
        )
    return columns


server = Server(integration, toolsets=[tools])

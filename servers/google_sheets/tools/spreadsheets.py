"""Spreadsheets and their sheets.

API: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset
from flotilla_servers._google import file_id

from .. import reading
from ..client import OWN, READ, WRITE, api
from ..models import CreatedSpreadsheet, Sheet, Spreadsheet

tools = Toolset("spreadsheets")

SpreadsheetId = Annotated[
    str,
    Field(
        description="Id or address of the spreadsheet, from gsheets_create_spreadsheet or the user.",
        examples=["1BxiMVs0XRA5nFM"],
    ),
]


@tools.writes(creates=True, scopes=WRITE, tolerated=OWN, search="créer nouveau classeur tableur feuille de calcul")
async def create_spreadsheet(
    title: Annotated[str, Field(description="Title of the spreadsheet.", examples=["Suivi des devis"])],
    sheets: Annotated[
        list[str] | None, Field(description="Titles of its sheets, in their order; one sheet without it.")
    ] = None,
) -> CreatedSpreadsheet:
    """Create an empty spreadsheet in My Drive of the connected account.

    Returns its id and its address. Then write the header row with gsheets_write_range and add rows with
    gsheets_append_rows. To add a sheet to a spreadsheet that exists, use gsheets_add_sheet.
    """
    body: dict[str, Any] = {"properties": {"title": title}}
    if sheets:
        body["sheets"] = [{"properties": {"title": name}} for name in sheets]
    created = await api.post("/spreadsheets", json=body)
    return CreatedSpreadsheet(id=created["spreadsheetId"], title=title, url=created.get("spreadsheetUrl", ""))


@tools.reads(scopes=READ, tolerated=OWN, search="feuilles onglets plages nommées taille du classeur")
async def get_spreadsheet(spreadsheet: SpreadsheetId) -> Spreadsheet:
    """Get a spreadsheet's title, its sheets with their sizes, its named ranges and its time zone, without any cells.

    Use it to learn the names of sheets and ranges that gsheets_read_range and the writing tools take. No tool lists
    spreadsheets: take the address from the user, or the id from a search in Google Drive.
    """
    fields = f"spreadsheetId,properties(title,timeZone),{reading.SHAPE}"
    book = await api.get(f"/spreadsheets/{file_id(spreadsheet)}", params={"fields": fields})
    properties = book.get("properties") or {}
    return Spreadsheet(
        id=book["spreadsheetId"],
        title=properties.get("title", ""),
        timezone=properties.get("timeZone", ""),
        sheets=[Sheet.of(sheet) for sheet in reading.sheets_of(book)],
        named_ranges=[named["name"] for named in reading.named_ranges(book)],
    )


@tools.writes(creates=True, scopes=WRITE, tolerated=OWN, search="ajouter une feuille un onglet")
async def add_sheet(
    spreadsheet: SpreadsheetId,
    title: Annotated[
        str,
        Field(min_length=1, max_length=100, description="Title of the new sheet.", examples=["Juin"]),
    ],
) -> Sheet:
    """Add an empty sheet (a tab) of 1,000 rows and 26 columns at the end of a spreadsheet.

    Fails when a sheet already has this title. Then fill it with gsheets_write_range. For a spreadsheet of its own, use
    gsheets_create_spreadsheet.
    """
    body = {"requests": [{"addSheet": {"properties": {"title": title}}}]}
    answer = await api.post(f"/spreadsheets/{file_id(spreadsheet)}:batchUpdate", json=body)
    replies = [reply["addSheet"] for reply in api.rows_in(answer, "replies", missing=True) if "addSheet" in reply]
    return Sheet.of(replies[0]["properties"]) if replies else Sheet(title=title)

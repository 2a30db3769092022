"""Spreadsheets: find, create, get.

API: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Toolset
from flotilla_servers._google import FoundFiles, file_id, find_by_title

from .. import reading
from ..client import FIND, OWN, READ, WRITE, api, drive
from ..models import CreatedSpreadsheet, Sheet, Spreadsheet

tools = Toolset("spreadsheets")

TYPE = "application/vnd.google-apps.spreadsheet"
SpreadsheetId = Annotated[
    str,
    Field(
        description="Id or address, from gsheets_search_spreadsheets.",
        examples=["1BxiMVs0XRA5nFM"],
    ),
]


@tools.reads(
    scopes=FIND,
    tolerated=OWN,
    search=(
        "cherche trouve classeur tableur feuille de calcul par son nom retrouve où fichier tableau excel "
        "ligne gsheet tableaux liste classeurs find locate spreadsheet named workbooks list where nommé"
    ),
    examples=[
        "Trouve le tableau des devis",
        "Où est le suivi des ventes ?",
        "which spreadsheets do I have",
        "retrouve le budget 2026",
        "quels tableurs j'ai",
        "où j'ai mis le planning des vacances",
        "cherche le fichier des dépenses",
        "il y a un tableau pour les stocks ?",
        "where is the budget spreadsheet",
        "find the expenses file",
        "do we have a sheet for stock",
        "list my spreadsheets",
        "look for the holiday planner",
    ],
)
async def search_spreadsheets(
    title: Annotated[
        str, Field(description="Words of the title, each from its start; all spreadsheets without it.")
    ] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> FoundFiles:
    """Find spreadsheets by words of their title, own, shared and in shared drives; the last changed come first.

    Returns the id that the other tools take, the address, the owner and who changed it last. Excel files are
    not found. To find a row in a spreadsheet, use gsheets_read_range with `containing`.
    """
    return await find_by_title(drive, TYPE, title, limit, cursor)


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "créer nouveau classeur tableur feuille de calcul tableau vierge fichier suivi gsheet new spreadsheet "
        "blank workbook start tracker table crée scratch brand"
    ),
    examples=[
        "fais-moi un tableau pour suivre mes dépenses",
        "crée un fichier de suivi des heures",
        "ouvre un nouveau tableur vierge",
        "démarre un classeur Budget 2027",
        "j'ai besoin d'un tableau neuf pour l'inventaire",
        "make me a spreadsheet to track expenses",
        "start a new workbook for the budget",
        "create a blank sheet for hours",
        "I need a fresh table for the inventory",
        "new tracker for the project",
        "brand new spreadsheet please",
    ],
)
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


@tools.reads(
    scopes=READ,
    tolerated=OWN,
    search=(
        "feuilles onglets plages nommées taille du classeur combien lignes colonnes structure noms tabs how "
        "many rows named ranges layout liste list"
    ),
    examples=[
        "quels onglets il y a dans ce fichier",
        "combien de lignes fait le tableau",
        "comment il est organisé ce classeur",
        "donne-moi les noms des feuilles",
        "est-ce qu'il y a un onglet par mois",
        "which tabs does it have",
        "how many rows are in there",
        "how is this workbook organised",
        "list the sheet names",
        "is there a tab for each month",
        "combien d'onglets dans ce classeur",
        "how many tabs are there",
    ],
)
async def get_spreadsheet(spreadsheet: SpreadsheetId) -> Spreadsheet:
    """Get a spreadsheet's title, its sheets with their sizes, its named ranges and its time zone, without any cells.

    Use it to learn the names of sheets and ranges that gsheets_read_range and the writing tools take. To find a
    spreadsheet by its title, use gsheets_search_spreadsheets.
    """
    fields = f"spreadsheetId,spreadsheetUrl,properties(title,timeZone,locale),{reading.SHAPE}"
    book = await api.get(f"/spreadsheets/{file_id(spreadsheet)}", params={"fields": fields})
    properties = book.get("properties") or {}
    return Spreadsheet(
        id=book["spreadsheetId"],
        title=properties.get("title", ""),
        url=book.get("spreadsheetUrl", ""),
        timezone=properties.get("timeZone", ""),
        locale=properties.get("locale", ""),
        sheets=[Sheet.of(sheet) for sheet in reading.sheets_of(book)],
        named_ranges=[named["name"] for named in reading.named_ranges(book)],
    )

"""Sheets of a spreadsheet: add, copy, rename, delete.

API: https://developers.google.com/workspace/sheets/api/guides/batchupdate
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from flotilla import Toolset, confirm, errors, follows
from flotilla_servers._google import file_id

from .. import reading
from ..a1 import Area
from ..changes import change, sheet_url
from ..client import OWN, WRITE, api
from ..models import ChangedSheet, DeletedSheet, Sheet
from .spreadsheets import SpreadsheetId

tools = Toolset("sheets")

SheetTitle = Annotated[
    str, Field(min_length=1, description="Title of the sheet, from gsheets_get_spreadsheet.", examples=["Suivi"])
]


NewTitle = Annotated[str, Field(min_length=1, max_length=100, description="Title of the new sheet.", examples=["Juin"])]


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search="ajouter une feuille un onglet nouvel nouvelle vierge page new tab extra blank sheet add another crée",
    examples=[
        "crée un onglet Juillet",
        "ajoute une feuille vide dans le classeur",
        "il me faut une page de plus pour les dépenses",
        "fais un nouvel onglet à côté",
        "rajoute une feuille Archive à ce fichier",
        "add a tab called July",
        "new blank sheet in this workbook",
        "I need another page for expenses",
        "make an extra tab next to it",
        "put a sheet named Archive in there",
        "add another tab",
    ],
)
async def add_sheet(spreadsheet: SpreadsheetId, title: NewTitle) -> Sheet:
    """Add an empty sheet (a tab) at the end of a spreadsheet; fails when a sheet already has this title.

    Then fill it with gsheets_write_range. To begin with a copy, use gsheets_copy_sheet; for a spreadsheet of its own,
    gsheets_create_spreadsheet.
    """
    reply = await change(file_id(spreadsheet), {"addSheet": {"properties": {"title": title}}})
    return Sheet.of(reply.get("properties") or {"title": title})


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "copier dupliquer une feuille un onglet reprendre mois dernier recopie clone double duplicate tab "
        "copy same layout last month carry over"
    ),
    examples=[
        "Duplique la feuille de mai pour juin",
        "copy this tab into the other spreadsheet",
        "copie l'onglet du mois dernier",
        "reprends la même feuille pour juillet",
        "fais un double de cet onglet",
        "recopie la feuille Budget dans l'autre classeur",
        "clone la page de mai",
        "duplicate the May tab for June",
        "same tab as last month, please",
        "make a second copy of this sheet",
        "clone the budget page into the other workbook",
        "carry last week's tab over",
    ],
)
async def copy_sheet(
    spreadsheet: SpreadsheetId,
    sheet: SheetTitle,
    title: NewTitle,
    to: Annotated[
        str | None, Field(description="Address of another spreadsheet for the copy; the same without.")
    ] = None,
) -> Sheet:
    """Copy a sheet (a tab) with values and formats to the end of its spreadsheet or of another one.

    Fails when a sheet there already has this title. Then change the copy with gsheets_write_range.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    number = reading.sheet_titled(shape, sheet).get("sheetId", 0)
    if to and file_id(to) != book:
        return await _copied_to(file_id(to), title, book, number)
    place = len(reading.sheets_of(shape))  # without it, the copy would be the first sheet
    request = {"sourceSheetId": number, "newSheetName": title, "insertSheetIndex": place}
    reply = await change(book, {"duplicateSheet": request})
    return Sheet.of(reply.get("properties") or {"title": title})


async def _copied_to(book: str, title: str, source: str, number: int) -> Sheet:
    taken = [sheet["title"].casefold() for sheet in reading.sheets_of(await reading.shape(book))]
    if title.casefold() in taken:
        raise errors.InvalidInputError("A sheet of the spreadsheet has this title already.", "Choose another title.")
    follows(action="rename the copied sheet", title=title)
    path = f"/spreadsheets/{source}/sheets/{number}:copyTo"
    copied = await api.post(path, json={"destinationSpreadsheetId": book})
    with errors.hint(f"The sheet was copied, and is called «{copied.get('title', '')}»: rename it."):
        properties = {"sheetId": copied["sheetId"], "title": title}
        await change(book, {"updateSheetProperties": {"properties": properties, "fields": "title"}})
    return Sheet.of({**copied, "title": title})


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "renommer déplacer figer un onglet une feuille change nom premier avant après première ligne en-tête "
        "fixe rename tab reorder freeze header pin top row"
    ),
    examples=[
        "Renomme l'onglet Feuille 1 en Clients",
        "freeze the header row",
        "change le nom de l'onglet",
        "mets l'onglet Résumé en premier",
        "fige la première ligne",
        "l'en-tête doit rester visible quand je descends",
        "renomme la feuille en 2026",
        "rename the tab to 2026",
        "put the summary tab first",
        "keep the top row visible when I scroll",
        "pin the first two lines",
        "reorder the tabs",
    ],
)
async def update_sheet(
    spreadsheet: SpreadsheetId,
    sheet: SheetTitle,
    title: Annotated[str | None, Field(min_length=1, max_length=100, description="New title of the sheet.")] = None,
    position: Annotated[int | None, Field(ge=1, description="New place; 1 is the first.")] = None,
    frozen_rows: Annotated[int | None, Field(ge=0, description="Number of rows at the top that stay in view.")] = None,
) -> ChangedSheet:
    """Rename a sheet (a tab), move it among the others, or freeze its header rows; its cells stay.

    Formulas follow a new title.
    """
    book = file_id(spreadsheet)
    new: dict[str, Any] = {"title": title, "index": None if position is None else position - 1}
    new = {name: value for name, value in new.items() if value is not None}
    fields = list(new)
    if frozen_rows is not None:
        new["gridProperties"] = {"frozenRowCount": frozen_rows}
        fields.append("gridProperties.frozenRowCount")
    if not fields:
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass at least one new value.")
    old = reading.sheet_titled(await reading.shape(book), sheet)
    number = old.get("sheetId", 0)
    properties = {"sheetId": number, **new}
    await change(book, {"updateSheetProperties": {"properties": properties, "fields": ",".join(fields)}})
    return ChangedSheet(id=number, title=title or old["title"], url=sheet_url(book, number))


@tools.destroys(
    core=False,
    asks=True,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search="supprimer un onglet une feuille enlève vire page trop remove tab drop delete sheet rid",
    examples=[
        "Supprime l'onglet Brouillon",
        "enlève l'onglet de l'an dernier",
        "vire la feuille de test",
        "cette page ne sert plus, supprime-la du classeur",
        "je n'ai plus besoin de l'onglet Feuille 2",
        "retire l'onglet vide",
        "delete the draft tab",
        "remove last year's tab",
        "get rid of the test page",
        "drop the empty sheet",
        "we don't need that tab any more",
    ],
)
async def delete_sheet(spreadsheet: SpreadsheetId, sheet: SheetTitle) -> DeletedSheet:
    """Delete a sheet (a tab) with all that is on it, after the user's yes; the question counts the filled cells.

    The last sheet of a spreadsheet cannot be deleted. To empty cells and keep the sheet, use gsheets_clear_range.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    target = reading.sheet_titled(shape, sheet)
    if len(reading.sheets_of(shape)) < 2:
        raise errors.InvalidInputError(
            "It is the only sheet, and a spreadsheet has at least one.", "Add another one first, or empty this one."
        )
    whole = reading.closed(Area(target["title"]), shape)
    count = await reading.count_filled(book, whole) if target.get("gridProperties") else "a chart"
    await confirm(f"Delete the sheet «{target['title']}» of «{reading.title_of(shape)}», {count}?")
    await change(book, {"deleteSheet": {"sheetId": target.get("sheetId", 0)}})
    return DeletedSheet(deleted=target["title"])

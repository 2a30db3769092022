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
from ..entries import Entry, entered, option
from ..models import Cells, ClearedCells, InputCell, WrittenCells
from .spreadsheets import SpreadsheetId

tools = Toolset("cells")

MOST_CELLS = 10_000  # of one call

Range = Annotated[
    str,
    Field(
        description="A1 notation, title of a sheet, or a named range; 'Q1' in quotes is always the sheet.",
        examples=["Suivi!A2:D40"],
    ),
]
Rows = Annotated[
    list[list[InputCell]],
    Field(
        min_length=1,
        description="Rows of cells, left to right.",
        examples=[[["2030-06-03", "Marie Dupont", 1250.5, True]]],
    ),
]
EntryMode = Annotated[
    Entry,
    Field(
        description="typed: dates and amounts (1 250,50 €) are recognised, =A1 stays text; formulas: =A1 is a formula; "
        "exact: stored as it is."
    ),
]


@tools.reads(
    scopes=READ,
    tolerated=OWN,
    search=(
        "lire cellules lignes tableau feuille de calcul cherche trouve contient colonne valeur combien case "
        "onglet montre chiffres look value row column read cell lookup figures line premières first rows give "
        "show numbers client customer chiffre"
    ),
    examples=[
        "Que dit la feuille Suivi ?",
        "Trouve la ligne de Dupont dans le tableau",
        "read the sheet Q1",
        "il y a quoi dans la case B5",
        "donne-moi les chiffres de la colonne C",
        "combien on a vendu en mai d'après le tableau",
        "lis-moi les dix premières lignes",
        "le client est-il dans la liste du suivi",
        "look up the line for this customer",
        "give me the numbers in column C",
        "what did we sell in May according to the sheet",
        "combien ce client nous doit selon le tableau",
        "what number is in the last column",
    ],
)
async def read_range(
    spreadsheet: SpreadsheetId,
    cells: Range,
    containing: Annotated[
        str | None, Field(min_length=1, description="Only rows with a cell that holds this text, with their numbers.")
    ] = None,
    values: Annotated[
        Literal["typed", "shown", "formulas"],
        Field(description="Numbers as numbers, as displayed, or the formulas."),
    ] = "typed",
    cursor: Cursor = None,
) -> Cells:
    """Read cells row by row, at most 10,000 a page, or find the rows that contain a text.

    Returns the range that was read and its rows. Dates come as text, empty cells as "", and trailing empty cells and
    rows are left out. Titles of sheets and named ranges come from gsheets_get_spreadsheet.
    """
    book, wanted = file_id(spreadsheet), area(cells)
    if containing is not None:
        return await reading.search(book, wanted, values, cursor, containing)
    return await reading.page(book, wanted, values, cursor)


@tools.writes(
    idempotent=True,
    replaces=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "écrire remplir modifier cellules formule change remplace jour valeur note inscris case chiffre "
        "cellule colonne set update value fill enter type cell formula face next statut status total"
    ),
    examples=[
        "Mets 1 250,50 € dans la case B5",
        "Corrige la date de la ligne 12",
        "put the total in D20",
        "change le prix dans la case D8",
        "note payé en face de ce client",
        "mets à jour le stock dans le tableau",
        "remplis la colonne statut",
        "écris la somme de la colonne en bas",
        "set B5 to 300",
        "change the status of this row to paid",
        "fill in the missing dates",
        "type a sum formula under the column",
        "mets oui dans la colonne payé",
    ],
)
async def write_range(spreadsheet: SpreadsheetId, cells: Range, rows: Rows, entry: EntryMode = "typed") -> WrittenCells:
    """Write cells from the first cell of the range on, as a person would type them, and leave all others as they are.

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
    new = entered(rows, entry)
    if will_ask():
        before, place = await reading.current_values(book, target.sized(len(rows), columns))
        if lost := _overwritten(before, rows, new):
            await confirm(f"Write over {reading.counted(lost)} in {place}?")
    answer = await api.put(_path(book, target), params={"valueInputOption": option(entry)}, json={"values": new})
    return WrittenCells.model_validate(answer)


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "ajouter une ligne au tableau suivi ajoute suite fin nouvelle entrée enregistre consigne rajoute note "
        "log record add line new entry bottom inscris saisis save spreadsheet expense dépense vente order"
    ),
    examples=[
        "Ajoute une ligne au suivi : Dupont, 1 250 €",
        "add this order to the sheet",
        "note cette dépense dans le tableau",
        "rajoute ce contact à la liste",
        "enregistre la vente du jour dans le suivi",
        "ajoute une entrée en bas",
        "consigne mes heures d'aujourd'hui",
        "log this expense in the spreadsheet",
        "add a new entry at the bottom",
        "record today's sale",
        "put this contact on the list",
        "write down my hours for today in the tracker",
        "saisis cette dépense dans le tableau",
    ],
)
async def append_rows(spreadsheet: SpreadsheetId, cells: Range, rows: Rows, entry: EntryMode = "typed") -> WrittenCells:
    """Add rows below the last row of the table in the range; the title of the sheet is enough. Nothing is overwritten.

    Returns the range of the new rows. After a lost answer, look with gsheets_read_range before appending again. To
    change rows that exist, use gsheets_write_range.
    """
    _width(rows)
    book = file_id(spreadsheet)
    params = {"valueInputOption": option(entry), "insertDataOption": "INSERT_ROWS"}  # what stands below moves down
    target = await reading.resolved(book, area(cells))
    answer = await api.post(f"{_path(book, target)}:append", params=params, json={"values": entered(rows, entry)})
    return WrittenCells.model_validate(answer.get("updates") or {})


@tools.destroys(
    asks=True,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "vider effacer cellules enlève valeurs remets zéro nettoie contenu cases efface chiffres laisse blanc "
        "clear empty blank wipe erase contents reset cells vide vidage colonne column"
    ),
    examples=[
        "vide la colonne C",
        "efface ce qu'il y a de B2 à B20",
        "remets le tableau à blanc",
        "nettoie les cases mais garde la mise en forme",
        "enlève tous les montants de mai",
        "clear column C",
        "wipe the values from B2 to B20",
        "empty the sheet but keep the formatting",
        "blank out those cells",
        "erase the amounts for May",
    ],
)
async def clear_range(spreadsheet: SpreadsheetId, cells: Range) -> ClearedCells:
    """Empty the cells of a range; their formats stay, and no row or column is removed.

    Asks the user first, with the number of filled cells. To remove whole rows, use gsheets_delete_rows.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    target = reading.identify(area(cells), shape, destructive=True)
    whole = reading.closed(target, shape)
    place = f"the whole sheet {target}" if target.whole else f"{target.alias}, {whole}" if target.alias else str(whole)
    count = await reading.count_filled(book, whole)
    await confirm(f"Empty {place} of «{reading.title_of(shape)}», {count}?")
    answer = await api.post(f"{_path(book, target)}:clear", json={})
    return ClearedCells(cleared=answer.get("clearedRange", str(target)))


def _path(book: str, target: Area) -> str:
    return f"/spreadsheets/{book}/values/{segment(target.alias or str(target))}"


def _overwritten(before: list[list[Any]], rows: list[list[InputCell]], new: list[list[InputCell]]) -> int:
    """Return how many filled cells get another value, as it was passed or as it is sent; null leaves one as it is."""
    lost = 0
    for old_row, row, new_row in zip(before, rows, new, strict=False):
        for old, passed, sent in zip(old_row, row, new_row, strict=False):
            lost += old not in ("", None) and passed is not None and old not in (passed, sent)
    return lost


def _width(rows: list[list[InputCell]]) -> int:
    """Return how many columns the rows have; raises errors.InvalidInputError for too many cells, or none."""
    columns = max(len(row) for row in rows)
    if not columns or len(rows) * columns > MOST_CELLS:
        raise errors.InvalidInputError(
            f"{len(rows)} rows of {columns} cells are not 1 to {MOST_CELLS:,} cells.", "Write them in parts."
        )
    return columns

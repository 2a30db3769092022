"""Rows and columns: insert, delete, sort.

API: https://developers.google.com/workspace/sheets/api/guides/rows-cols
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from flotilla import Toolset, choose, confirm, errors
from flotilla_servers._google import file_id

from .. import reading
from ..a1 import Area, area, column_letters, column_number
from ..changes import change, lines
from ..client import OWN, WRITE
from ..models import ChangedRange
from .cells import Range
from .spreadsheets import SpreadsheetId

tools = Toolset("rows")

Lines = Annotated[
    str,
    Field(
        description="Whole rows (Suivi!12:14) or columns (Suivi!B:C).",
        examples=["Suivi!12:14"],
    ),
]


@tools.writes(
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "insérer lignes colonnes vides ajoute ligne vide milieu au-dessus entre colonne gauche droite décaler "
        "insert blank row column between above below room"
    ),
    examples=[
        "Insère une ligne au-dessus de la ligne 5",
        "insert two columns before C",
        "ajoute une colonne vide à gauche",
        "glisse une ligne entre la 3 et la 4",
        "j'ai besoin de deux lignes vides en dessous du titre",
        "fais de la place au milieu du tableau",
        "rajoute une colonne entre nom et prix",
        "put a blank row between 3 and 4",
        "make room for two lines under the title",
        "I need an empty column on the left",
        "add a column between name and price",
        "squeeze in a line above the total",
    ],
)
async def insert_rows(spreadsheet: SpreadsheetId, cells: Lines) -> ChangedRange:
    """Insert empty rows or columns where these are now; what stands there moves down or right.

    Suivi!5:6 inserts two rows above row 5. Then fill them with gsheets_write_range; to add rows at the end of a
    table, use gsheets_append_rows.
    """
    book = file_id(spreadsheet)
    target, dimension = lines(cells, await reading.shape(book))
    request = {"range": dimension, "inheritFromBefore": dimension["startIndex"] > 0}
    await change(book, {"insertDimension": request})
    return ChangedRange(range=str(target))


@tools.destroys(
    asks=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "supprimer lignes colonnes enlève retire vire ligne colonne entière remove row column line drop rid "
        "liste off list duplicate doublon"
    ),
    examples=[
        "Supprime la ligne 12 du suivi",
        "delete column C",
        "vire la colonne téléphone",
        "enlève les lignes vides",
        "retire ce client de la liste",
        "la ligne 8 est en double, supprime-la",
        "supprime les trois dernières lignes",
        "remove the empty lines",
        "get rid of the phone column",
        "row 8 is a duplicate, drop it",
        "take this customer off the list",
        "delete the last three rows",
    ],
)
async def delete_rows(spreadsheet: SpreadsheetId, cells: Lines) -> ChangedRange:
    """Delete whole rows or columns; what stands below moves up, what stands right moves left.

    Asks the user first, with the number of filled cells. Look with gsheets_read_range before each deletion, since the
    numbers of rows change. To keep the rows, use gsheets_clear_range.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    target, dimension = lines(cells, shape)
    count = await reading.count_filled(book, reading.closed(target, shape))
    await confirm(f"Delete {_named(target)} of the sheet «{target.name}» of «{reading.title_of(shape)}», {count}?")
    await change(book, {"deleteDimension": {"range": dimension}})
    return ChangedRange(range=str(target))


def _named(target: Area) -> str:
    """Return rows or columns as a question names them."""
    kind, first, last = "row", str(target.top), str(target.bottom)
    if target.top is None:
        kind, first, last = "column", column_letters(target.left), column_letters(target.right)
    return f"the {kind} {first}" if first == last else f"the {kind}s {first} to {last}"


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "trier classer lignes par date montant nom ordre alphabétique croissant décroissant grand petit "
        "ranger ordonner trie sort order alphabetical ascending descending biggest first rank classe récents "
        "haut newest oldest top mois"
    ),
    examples=[
        "Trie le tableau par date",
        "sort by total, largest first",
        "mets la liste par ordre alphabétique",
        "range du plus cher au moins cher",
        "classe les ventes par mois",
        "les plus récents en haut",
        "ordonne le tableau par ville puis par nom",
        "put the list in alphabetical order",
        "biggest amounts first",
        "newest at the top",
        "order the table by city then name",
        "rank customers by revenue",
        "trie les clients par montant dû",
    ],
)
async def sort_rows(
    spreadsheet: SpreadsheetId,
    cells: Range,
    by: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=10,
            description="Columns by letter or header, the first decides; Total desc for largest first.",
            examples=[["A"]],
        ),
    ],
    header: Annotated[
        bool | None,
        Field(description="Whether its first row is a header; without it, where it is row 1."),
    ] = None,
) -> ChangedRange:
    """Sort the rows of a range by one or several columns; each row stays together, cells beside the range stay.

    The title of a sheet sorts all of it below its header. Look first with gsheets_read_range where the table is.
    Returns the range that was sorted.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    whole = reading.closed(reading.identify(area(cells), shape, destructive=True), shape)
    has_header = whole.top == 1 if header is None else header
    titles: list[object] = []
    if has_header:
        first_row = Area(whole.name, whole.left, whole.top, whole.right, whole.top)
        (titles, *_), _ = await reading.current_values(book, first_row) if whole.top else ([[]], "")
    rows = Area(whole.name, whole.left, (whole.top or 1) + has_header, whole.right, whole.bottom)
    if (rows.height or 0) < 1:
        raise errors.InvalidInputError("There is no row below the header.", "Pass a range with rows, or header=false.")
    specs = [_sort_key(key, whole, [str(title) for title in titles]) for key in by]
    await change(book, {"sortRange": {"range": reading.grid_range(shape, rows), "sortSpecs": specs}})
    return ChangedRange(range=str(rows))


def _sort_key(text: str, whole: Area, titles: list[str]) -> dict[str, object]:
    """Return a sort key such as "C", "Total" or "Total desc" as the API's SortSpec.

    Raises errors.InvalidInputError where it is a letter and a header, errors.NotFoundError where it is none.
    """
    match = re.fullmatch(r"(.*?)(?:\s+(asc|desc)(?:ending)?)?", text.strip(), re.IGNORECASE | re.DOTALL)
    name, order = (match[1], match[2] or "") if match else (text, "")
    columns = [(number, title) for number, title in enumerate(titles, whole.left or 1) if title]
    letter = column_number(name) if re.fullmatch(r"[A-Za-z]{1,3}", name) else None
    inside = letter if letter and (whole.left or 1) <= letter <= (whole.right or letter) else None
    named = [number for number, title in columns if title.casefold() == name.casefold()]
    if inside and named and named != [inside]:
        raise errors.InvalidInputError(
            f"`{name}` is a column's letter, and the header of column {column_letters(named[0])}.",
            f"Pass the letter of the column that is meant, in a range without the other: {column_letters(named[0])}.",
        )
    number = inside or choose(
        name, columns, id=lambda one: column_letters(one[0]), name=lambda one: one[1], kind="column",
        listed_by="gsheets_read_range",
    )[0]  # fmt: skip
    return {
        "dimensionIndex": number - 1,
        "sortOrder": "DESCENDING" if order.lower() == "desc" else "ASCENDING",
    }

"""How cells look, and charts.

API: https://developers.google.com/workspace/sheets/api/guides/formats
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Toolset, errors
from flotilla_servers._google import file_id

from .. import reading
from ..a1 import Area, area
from ..changes import change
from ..charts import KINDS, chart_of
from ..client import OWN, WRITE
from ..formats import color_style, number_format
from ..models import AddedChart, ChangedRange
from .cells import Range
from .spreadsheets import SpreadsheetId

tools = Toolset("formats")

Color = Annotated[str | None, Field(description="#RRGGBB, an English name, or none.")]


@tools.writes(
    additive=False,
    idempotent=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "mettre en forme gras italique couleur format nombre monnaie date pourcentage aligner souligner "
        "colorier colore surligne fond jaune rouge centrer deux décimales euros joli mise remplissage bold "
        "italic highlight colour color currency percent decimals align centre"
    ),
    examples=[
        "Mets l'en-tête en gras",
        "Affiche la colonne C en euros",
        "colour the totals yellow",
        "colorie les retards en rouge",
        "surligne la ligne du total",
        "mets la colonne en pourcentage",
        "centre les titres",
        "affiche deux chiffres après la virgule",
        "make the header bold",
        "highlight overdue lines in red",
        "show these as euros",
        "two decimals in column D",
        "centre the titles",
    ],
)
async def set_format(
    spreadsheet: SpreadsheetId,
    cells: Range,
    bold: Annotated[bool | None, Field(description="True for bold text.")] = None,
    italic: Annotated[bool | None, Field(description="True for italic text.")] = None,
    number: Annotated[
        str | None,
        Field(
            description="How numbers show: number, integer, percent, date, time, text, a currency, or a pattern.",
            examples=["EUR"],
        ),
    ] = None,
    color: Color = None,
    background: Color = None,
    align: Annotated[Literal["left", "center", "right"] | None, Field(description="Where text stands.")] = None,
) -> ChangedRange:
    """Set how cells look: bold, italic, number format, colours, alignment. Values stay; pass only what changes.

    Works on cells, whole rows (Suivi!1:1), columns (Suivi!C:C) and sheets. Returns the range.
    """
    style: dict[str, Any] = {}
    fields = []
    for field, value in (
        ("textFormat.bold", bold),
        ("textFormat.italic", italic),
        ("textFormat.foregroundColorStyle", color and color_style(color)),
        ("backgroundColorStyle", background and color_style(background)),
        ("numberFormat", number and number_format(number)),
        ("horizontalAlignment", align and align.upper()),
    ):
        if value is None or value == "":
            continue
        fields.append(f"userEnteredFormat.{field}")
        part, _, leaf = field.rpartition(".")
        if value != {}:  # a field that is named and has no value goes back to the usual one
            (style.setdefault(part, {}) if part else style)[leaf] = value
    if not fields:
        raise errors.InvalidInputError("No format is given.", "Pass at least one of the formats.")
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    target = reading.identify(area(cells), shape, destructive=True)
    cell = {"userEnteredFormat": style}
    request = {"range": reading.grid_range(shape, target), "cell": cell, "fields": ",".join(fields)}
    await change(book, {"repeatCell": request})
    return ChangedRange(range=str(target))


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    tolerated=OWN,
    search=(
        "graphique courbe camembert histogramme diagramme graph évolution barres visualiser dessine schéma "
        "chart plot bar line visualise draw"
    ),
    examples=[
        "Fais un graphique des ventes par mois",
        "pie chart of the budget",
        "trace la courbe du chiffre d'affaires",
        "montre ça en camembert",
        "je veux un diagramme en barres par client",
        "visualise l'évolution des dépenses",
        "dessine un histogramme de la colonne B",
        "plot revenue by month",
        "draw a bar chart per customer",
        "turn this table into a graph",
        "visualise how spending went",
    ],
)
async def add_chart(
    spreadsheet: SpreadsheetId,
    cells: Range,
    kind: Annotated[
        Literal["column", "bar", "line", "area", "scatter", "pie"], Field(description="Kind of the chart to draw.")
    ] = "column",
    title: Annotated[str | None, Field(description="Title above the chart.")] = None,
    at: Annotated[
        str | None, Field(description="Cell of the same sheet where its corner is; right of the range without it.")
    ] = None,
) -> AddedChart:
    """Draw a chart of a range: its first column holds the labels, each further one is a series, named in the first row.

    A pie shows the second column. Look first with gsheets_read_range where the table is. The chart follows when
    values change. Returns its id; people change it in the browser.
    """
    book = file_id(spreadsheet)
    shape = await reading.shape(book)
    target = reading.identify(area(cells), shape)
    whole = reading.closed(target, shape)
    if target.whole or None in (target.right, target.bottom):
        rows, _ = await reading.current_values(book, whole)
        height, width = len(rows), max((len(row) for row in rows), default=0)
        whole = whole.sized(max(height, 1), max(width, 1))
    if (whole.width or 0) < 2 or (whole.height or 0) < 2:
        raise errors.InvalidInputError(
            f"{whole} has no labels and series.", "Pass a range of two columns or more, with its header row."
        )
    corner = area(at) if at else Area("", (whole.right or 1) + 2, whole.top or 1)
    if corner.left is None or corner.top is None or corner.name not in ("", whole.name):
        raise errors.InvalidInputError("`at` is not a cell of this sheet.", "Write it like F2.")
    sheet = reading.sheet_of(shape, whole)
    columns = (sheet.get("gridProperties") or {}).get("columnCount", 26)
    anchor = {
        "sheetId": sheet.get("sheetId", 0),
        "rowIndex": corner.top - 1,
        "columnIndex": min(corner.left, columns) - 1,
    }
    chart = {
        "spec": chart_of(KINDS[kind], title, reading.grid_range(shape, whole)),
        "position": {"overlayPosition": {"anchorCell": anchor}},
    }
    reply = await change(book, {"addChart": {"chart": chart}})
    return AddedChart(id=(reply.get("chart") or {}).get("chartId", 0), sheet=sheet["title"])

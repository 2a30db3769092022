"""Export: tables as CSV, Excel and PDF, Markdown reports as PDF, written into the shared data folder. No network."""

from __future__ import annotations

from typing import Annotated, Any, BinaryIO, Literal

from pydantic import Field, WithJsonSchema

from flotilla import (
    Integration,
    Model,
    Server,
    ServerSettings,
    Toolset,
    announce,
    confirm_replacing,
    errors,
    in_thread,
    settings_of,
)

from .csv_file import DIALECTS, write_csv
from .languages import LANGUAGES
from .table import table
from .text import report_text
from .work import Check, ExportedFile, Made, produce, target

Tag = Literal["en", "fr", "de", "es", "it"]


class Settings(ServerSettings):
    """Read from EXPORT_LANGUAGE."""

    # Not a preference: Docker refuses to add a server with one and no value for it, and this one needs no setting.
    language: Tag = Field(
        "en", description="Language of numbers, dates and totals where a call names none: en, fr, de, es or it"
    )


integration = Integration(
    "export",
    title="Export",
    description="Write tables as CSV, Excel (XLSX) and PDF, and Markdown reports as PDF, into the data folder.",
    category="productivity",
    settings=Settings,
    tags=["csv", "excel", "pdf", "reports", "documents"],
    hosts=[],
    files=True,
    instructions="Paths are in the data folder. Small tables come as rows, large ones from a file (source).",
)
tools = Toolset()

DEADLINE = 55  # seconds, for 100,000 rows on a slow machine: the gateway waits 60
LONG = 300  # for 100,000 rows, in a workbook with 40 columns; clients that wait so long are shown the progress

CsvPath = Annotated[
    str, Field(description="Path of the file to write in the data folder.", examples=["exports/clients.csv"])
]
XlsxPath = Annotated[
    str, Field(description="Path of the file to write in the data folder.", examples=["exports/clients.xlsx"])
]
PdfPath = Annotated[
    str, Field(description="Path of the file to write in the data folder.", examples=["reports/june.pdf"])
]
Columns = Annotated[
    list[str] | None, Field(description="Headings of the rows, or the columns to take from the source.")
]
Rows = Annotated[list[list[Any]] | None, Field(description="Rows of cells, one cell for each column.")]
Source = Annotated[
    str | None, Field(description="In place of rows: path of a CSV, JSON or JSONL file in the data folder.")
]
Types = Annotated[
    list[str] | None,
    Field(
        description="Type of each column: text, integer, decimal, money EUR, date, date dd/mm/yyyy, datetime, boolean, "
        "computed: money EUR =[Qty]*[Price]."
    ),
]
Totals = Annotated[list[str] | None, Field(description="Columns whose sum stands in a last row.")]
Title = Annotated[str | None, Field(description="Title at the top of the document.")]
Footer = Annotated[str | None, Field(description="Text at the foot of every page.")]
Landscape = Annotated[bool, Field(description="Wide pages, for many columns.")]
Language = Annotated[Tag | None, Field(description="Language of numbers and dates.")]
Overwrite = Annotated[bool, Field(description="Replace a file that exists there.")]


class Sheet(Model):
    """One more sheet of a workbook."""

    sheet: str
    columns: Columns = None
    rows: Rows = None
    source: Source = None
    types: Types = None
    totals: Totals = None


MoreSheets = Annotated[
    list[Annotated[Sheet, WithJsonSchema({"type": "object"})]] | None,
    Field(
        max_length=50,
        description="Further sheets: objects with sheet, columns, rows or source, types, totals.",
    ),
]


def tag(language: Tag | None) -> Tag:
    """Return the language of a document: that of the call, else the user's."""
    return language or settings_of(integration).language


@tools.writes(
    creates=True,
    replaces=True,
    deadline=DEADLINE,
    search=(
        "exporter tableau fichier csv sors données valeurs séparées virgules point-virgule extraction import "
        "logiciel comptable dump comma separated export data file raw tab liste list rows"
    ),
    examples=[
        "sors-moi ça en CSV",
        "fais un fichier CSV des clients",
        "extrais la liste pour l'importer ailleurs",
        "j'ai besoin des données séparées par des points-virgules",
        "exporte les écritures pour le logiciel de compta",
        "dump this as a CSV",
        "export the contacts in comma-separated form",
        "give me a data file I can import",
        "write the list out for the accounting software",
        "save those rows as plain csv",
    ],
)
async def create_csv(
    path: CsvPath,
    columns: Columns = None,
    rows: Rows = None,
    source: Source = None,
    types: Types = None,
    dialect: Annotated[
        Literal["comma", "semicolon", "tab", "excel", "excel_fr"],
        Field(description="Separator; semicolon and excel_fr write decimal commas, the two excel ones add a BOM."),
    ] = "comma",
    guard: Annotated[
        bool, Field(description="Make formulas harmless; false leaves them, for programs that read the file.")
    ] = True,
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write a table as a CSV file into the data folder, from columns and rows, or from a source file.

    A missing ending is added. Fails if the file exists, unless overwrite=true, which asks the user first. Returns path,
    number of rows and warnings on cells that did not fit their type. For Excel, better use export_create_xlsx.
    """
    if not guard and DIALECTS[dialect].bom:
        raise errors.InvalidInputError(
            "A CSV file for Excel is always guarded against formulas.", "Use another dialect, or guard."
        )
    path = await in_thread(target, path, (".csv", ".tsv", ".txt"), overwrite)
    data = await in_thread(table, columns, rows, source, types)
    await confirm_replacing(path, overwrite)
    announce(action="create_csv", path=path, **data.summary, dialect=dialect, guard=guard, overwrite=overwrite)

    def write(out: BinaryIO, check: Check) -> Made:
        return write_csv(out, data.checked(check), DIALECTS[dialect], guard)

    return await produce(path, overwrite, write, data.total)


@tools.writes(
    creates=True,
    replaces=True,
    deadline=LONG,
    search=(
        "exporter tableau classeur excel xls tableur feuille calcul formules totaux onglets spreadsheet "
        "workbook sheet file"
    ),
    examples=[
        "fais-moi un Excel avec les ventes",
        "mets ça dans un tableur",
        "sors le tableau avec les totaux en bas",
        "génère un classeur avec un onglet par mois",
        "je veux ces chiffres sous Excel",
        "make an Excel file out of this",
        "put the sales in a workbook with totals",
        "give me a spreadsheet file I can open",
        "one tab per month, please, as xlsx",
        "export the orders to Excel",
    ],
)
async def create_xlsx(
    path: XlsxPath,
    columns: Columns = None,
    rows: Rows = None,
    source: Source = None,
    types: Types = None,
    totals: Totals = None,
    sheet: Annotated[str, Field(description="Name of the sheet.")] = "Sheet1",
    more_sheets: MoreSheets = None,
    language: Language = None,
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write tables as an Excel workbook (XLSX), from rows or a source file.

    Cells are numbers, dates or text as the types of their columns say. Totals and computed columns are formulas. Fails
    if the file exists, unless overwrite=true, which asks the user first. Returns path, rows and warnings.
    """
    path = await in_thread(target, path, (".xlsx",), overwrite)
    sheets = [(sheet, await in_thread(table, columns, rows, source, types, totals))]
    for more in more_sheets or []:
        made = await in_thread(table, more.columns, more.rows, more.source, more.types, more.totals)
        sheets.append((more.sheet, made))
    await confirm_replacing(path, overwrite)
    shown = [{"sheet": name, **data.summary} for name, data in sheets]
    announce(action="create_xlsx", path=path, **shown[0], more_sheets=shown[1:], overwrite=overwrite)
    counts = [data.total for _, data in sheets]

    def write(out: BinaryIO, check: Check) -> Made:
        from .xlsx_file import write_xlsx  # on the first call: its import takes longer than to list tools

        return write_xlsx(out, [(name, data.checked(check)) for name, data in sheets], LANGUAGES[tag(language)])

    return await produce(path, overwrite, write, None if None in counts else sum(n or 0 for n in counts))


@tools.writes(
    creates=True,
    replaces=True,
    deadline=LONG,
    search=(
        "exporter tableau pdf imprimer liste imprimable sortir paysage a4 printable table list print "
        "landscape paper papier hard copy rows lignes"
    ),
    examples=[
        "fais un PDF de cette liste",
        "je veux imprimer le tableau des commandes",
        "sors les ventes en tableau PDF",
        "une liste imprimable des inscrits",
        "mets le tableau en PDF format paysage",
        "print this table as a PDF",
        "a printable list of attendees",
        "make a PDF of the order table",
        "give me these rows on paper",
        "put the price list in a landscape pdf",
        "je veux cette liste sur papier",
    ],
)
async def create_pdf(
    path: PdfPath,
    columns: Columns = None,
    rows: Rows = None,
    source: Source = None,
    types: Types = None,
    totals: Totals = None,
    title: Title = None,
    footer: Footer = None,
    landscape: Landscape = False,
    language: Language = None,
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write a table as a PDF file (A4), from columns and rows, or from a source file.

    Its heading is repeated on every page. Fails if the file exists, unless overwrite=true, which
    asks the user first. Returns path, number of pages and warnings. For text with headings, use
    export_create_report_pdf.
    """
    path = await in_thread(target, path, (".pdf",), overwrite)
    data = await in_thread(table, columns, rows, source, types, totals)
    await confirm_replacing(path, overwrite)
    look = {"title": title, "footer": footer, "landscape": landscape, "language": tag(language)}
    announce(action="create_pdf", path=path, **data.summary, **look, overwrite=overwrite)

    def write(out: BinaryIO, check: Check) -> Made:
        from .pdf_table import write_pdf
        from .style import page

        return write_pdf(out, data.checked(check), page(title, footer, landscape, tag(language)))

    return await produce(path, overwrite, write, data.total)


@tools.writes(
    creates=True,
    replaces=True,
    deadline=LONG,
    search=(
        "rapport compte rendu pdf markdown document rédige bilan synthèse note dossier mis page titres texte "
        "mise forme write-up summary report paper pages headings formatted brief monthly mensuel"
    ),
    examples=[
        "fais-moi un rapport PDF",
        "rédige le bilan du mois en PDF",
        "mets cette synthèse en page proprement",
        "transforme mes notes en document PDF avec des titres",
        "prépare un dossier à envoyer au client",
        "write a report as a PDF",
        "turn this summary into a nice document",
        "make a PDF of the meeting notes with headings",
        "put together a monthly write-up I can send",
        "format this text as a paper",
    ],
)
async def create_report_pdf(
    path: PdfPath,
    markdown: Annotated[str | None, Field(description="Text of the report in Markdown.")] = None,
    source: Annotated[
        str | None, Field(description="In place of markdown: path of a .md file in the data folder.")
    ] = None,
    title: Title = None,
    footer: Footer = None,
    landscape: Landscape = False,
    language: Language = None,
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write a report in Markdown as a PDF file (A4) into the data folder.

    Headings, lists, tables, code, quotes, links and images of the data folder are rendered; HTML is not. Fails if the
    file exists, unless overwrite=true, which asks the user first. Returns path, number of pages and warnings. For one
    large table, use export_create_pdf.
    """
    path = await in_thread(target, path, (".pdf",), overwrite)
    text, folder = await in_thread(report_text, markdown, source)
    await confirm_replacing(path, overwrite)
    look = {"title": title, "footer": footer, "landscape": landscape, "language": tag(language)}
    announce(
        action="create_report_pdf",
        path=path,
        source=source,
        text=text[:1000],
        characters=len(text),
        **look,
        overwrite=overwrite,
    )

    def write(out: BinaryIO, check: Check) -> Made:
        from .report import write_report
        from .style import page

        return write_report(out, text, page(title, footer, landscape, tag(language)), folder, check)

    return await produce(path, overwrite, write)


server = Server(integration, toolsets=[tools])

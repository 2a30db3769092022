"""Export: tables as CSV, Excel and PDF, Markdown reports as PDF, written into the shared data folder. No network."""

from __future__ import annotations

from typing import Annotated, Any, BinaryIO, Literal

from pydantic import Field

from flotilla import Integration, Server, ServerSettings, Toolset, announce, confirm_replacing, errors, in_thread

from .csv_file import DIALECTS, write_csv
from .table import table
from .text import report_text
from .work import Check, ExportedFile, Made, produce, target

tools = Toolset()

integration: Integration[ServerSettings] = Integration(
    "export",
    title="Export",
    description="Write tables as CSV, Excel (XLSX) and PDF, and Markdown reports as PDF, into the data folder.",
    category="productivity",
    tags=["csv", "excel", "pdf", "reports", "documents"],
    hosts=[],
    files=True,
    instructions="Paths are in the data folder. Small tables come as rows, large ones from a file (source).",
)
DEADLINE = 55  # seconds, for 100,000 rows on a slow machine: the gateway waits 60
LONG = 300  # for 100,000 rows, in a workbook with 40 columns; clients that wait so long are told how far it is

CsvPath = Annotated[str, Field(description="File to write", examples=["clients.csv"])]
XlsxPath = Annotated[str, Field(description="File to write", examples=["clients.xlsx"])]
PdfPath = Annotated[str, Field(description="File to write", examples=["report.pdf"])]
Columns = Annotated[list[str] | None, Field(description="Headings, or those to take of source")]
Rows = Annotated[list[list[Any]] | None, Field(description="Cells")]
Source = Annotated[str | None, Field(description="Or a CSV, JSON or JSONL file")]
Types = Annotated[
    list[str] | None,
    Field(description="By column: text, integer, decimal, money EUR, date, datetime, boolean"),
]
Title = Annotated[str | None, Field(description="Heading")]
Footer = Annotated[str | None, Field(description="At the foot")]
Landscape = Annotated[bool, Field(description="Wide pages")]
Language = Annotated[Literal["en", "fr", "de", "es", "it"], Field(description="Language")]
Overwrite = Annotated[bool, Field(description="Replace a file")]


@tools.writes(creates=True, replaces=True, deadline=DEADLINE)
async def create_csv(
    path: CsvPath,
    columns: Columns = None,
    rows: Rows = None,
    source: Source = None,
    types: Types = None,
    dialect: Annotated[
        Literal["comma", "semicolon", "tab", "excel", "excel_fr"],
        Field(description="semicolon: decimal commas; excel, excel_fr: the same for Excel, with BOM"),
    ] = "comma",
    guard: Annotated[
        bool, Field(description="false: leave formulas as they are, for programs that read the file")
    ] = True,
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write a table of columns and rows, or of source, as CSV. Formulas in it are made harmless."""
    if not guard and DIALECTS[dialect].bom:
        raise errors.InvalidInputError(
            "A CSV file for Excel is always guarded against formulas.", "Use another dialect, or guard."
        )
    path = await in_thread(target, path, (".csv", ".tsv", ".txt"), overwrite)
    made = await in_thread(table, columns, rows, source, types)
    await confirm_replacing(path, overwrite)
    announce(action="create_csv", path=path, **made.told, dialect=dialect, guard=guard, overwrite=overwrite)

    def write(out: BinaryIO, check: Check) -> Made:
        return write_csv(out, made.checked(check), DIALECTS[dialect], guard)

    return await produce(path, overwrite, write, made.total)


@tools.writes(creates=True, replaces=True, deadline=LONG)
async def create_xlsx(
    path: XlsxPath,
    columns: Columns = None,
    rows: Rows = None,
    source: Source = None,
    types: Types = None,
    sheet: Annotated[str, Field(description="Name of the sheet")] = "Sheet1",
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write a table of columns and rows, or of source, as an Excel workbook with typed cells."""
    path = await in_thread(target, path, (".xlsx",), overwrite)
    made = await in_thread(table, columns, rows, source, types)
    await confirm_replacing(path, overwrite)
    announce(action="create_xlsx", path=path, **made.told, sheet=sheet, overwrite=overwrite)

    def write(out: BinaryIO, check: Check) -> Made:
        from .xlsx_file import write_xlsx  # on the first call: its import takes longer than to list tools

        return write_xlsx(out, made.checked(check), sheet)

    return await produce(path, overwrite, write, made.total)


@tools.writes(creates=True, replaces=True, deadline=LONG)
async def create_pdf(
    path: PdfPath,
    columns: Columns = None,
    rows: Rows = None,
    source: Source = None,
    types: Types = None,
    title: Title = None,
    footer: Footer = None,
    landscape: Landscape = False,
    language: Language = "en",
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write a table of columns and rows, or of source, as PDF (A4)."""
    path = await in_thread(target, path, (".pdf",), overwrite)
    made = await in_thread(table, columns, rows, source, types)
    await confirm_replacing(path, overwrite)
    look = {"title": title, "footer": footer, "landscape": landscape, "language": language}
    announce(action="create_pdf", path=path, **made.told, **look, overwrite=overwrite)

    def write(out: BinaryIO, check: Check) -> Made:
        from .pdf_table import write_pdf
        from .style import page

        return write_pdf(out, made.checked(check), page(title, footer, landscape, language))

    return await produce(path, overwrite, write, made.total)


@tools.writes(creates=True, replaces=True, deadline=LONG)
async def create_report_pdf(
    path: PdfPath,
    markdown: Annotated[str | None, Field(description="The text")] = None,
    source: Annotated[str | None, Field(description="Or a .md file")] = None,
    title: Title = None,
    footer: Footer = None,
    landscape: Landscape = False,
    language: Language = "en",
    overwrite: Overwrite = False,
) -> ExportedFile:
    """Write Markdown as a PDF report (A4): headings, lists, tables, code, quotes, links, images of the data folder."""
    path = await in_thread(target, path, (".pdf",), overwrite)
    text, folder = await in_thread(report_text, markdown, source)
    await confirm_replacing(path, overwrite)
    look = {"title": title, "footer": footer, "landscape": landscape, "language": language}
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

        return write_report(out, text, page(title, footer, landscape, language), folder, check)

    return await produce(path, overwrite, write)


server = Server(integration, toolsets=[tools])

"""Result shapes of Google Sheets; text in cells and titles is marked as untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from flotilla import Model, UntrustedText

InputCell = Annotated[
    bool | int | float | str | None,  # described without a union: some clients refuse the whole list of tools for one
    WithJsonSchema({"description": "Text, number, true or false; null leaves the cell as it is."}),
]
"""A value to write into a cell."""
Cell = Annotated[
    bool | int | float | UntrustedText,
    WithJsonSchema({"description": "Untrusted text, number, true or false; an empty text for an empty cell."}),
]
"""A value of a cell; "" for an empty one."""


class Sheet(Model):
    """One sheet of a spreadsheet, with its size in rows and columns."""

    id: int = 0
    title: UntrustedText = ""
    rows: int = 0
    columns: int = 0

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Sheet:
        """Return the sheet that the API's SheetProperties describe."""
        grid = properties.get("gridProperties") or {}  # a sheet that is a chart has none
        return cls(
            id=properties.get("sheetId", 0),
            title=properties.get("title", ""),
            rows=grid.get("rowCount", 0),
            columns=grid.get("columnCount", 0),
        )


class ChangedSheet(Model):
    """A sheet after a change; `url` opens it in the browser."""

    id: int = 0
    title: UntrustedText = ""
    url: str = ""


class DeletedSheet(Model):
    """The title of the sheet that was deleted."""

    deleted: UntrustedText = ""


class ChangedRange(Model):
    """The range that was changed."""

    range: UntrustedText = ""


class AddedChart(Model):
    """The id of a new chart, and the sheet that it stands on."""

    id: int = 0
    sheet: UntrustedText = ""


class CreatedSpreadsheet(Model):
    """A new spreadsheet and its address in the browser."""

    id: str = ""
    title: UntrustedText = ""
    url: str = ""


class Spreadsheet(Model):
    """A spreadsheet and its sheets, without their cells."""

    id: str
    title: UntrustedText = ""
    url: str = ""
    timezone: str = ""
    locale: str = ""
    sheets: list[Sheet] = Field(default_factory=list)
    named_ranges: list[UntrustedText] = Field(default_factory=list)


class Cells(Model):
    """Rows of a range; trailing empty rows and cells are left out. Without next_cursor it is the last page.

    `numbers` are the numbers of the rows in the sheet, where rows were searched for.
    """

    range: str
    rows: list[list[Cell]]
    numbers: list[int] | None = None
    next_cursor: str | None = None


class WrittenCells(Model):
    """The range that was written, with the number of its rows and cells."""

    range: str = Field("", alias="updatedRange")
    rows: int = Field(0, alias="updatedRows")
    cells: int = Field(0, alias="updatedCells")


class ClearedCells(Model):
    """The range that was emptied."""

    cleared: str

"""What spreadsheets look like here; what stands in cells is marked as untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from flotilla import Model, UntrustedText

Given = Annotated[
    bool | int | float | str | None,  # said without a union, which some clients refuse with the whole list of tools
    WithJsonSchema({"description": "Text, number, true or false; null leaves the cell as it is"}),
]
"""A value for a cell."""
Cell = bool | int | float | UntrustedText
"""A value of a cell; "" for an empty one."""


class Sheet(Model):
    """One sheet of a spreadsheet."""

    id: int = 0
    title: UntrustedText = ""
    rows: int = 0
    columns: int = 0

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Sheet:
        """Make it of the properties of a sheet."""
        grid = raw.get("gridProperties") or {}  # a sheet that is a chart has none
        return cls(
            id=raw.get("sheetId", 0),
            title=raw.get("title", ""),
            rows=grid.get("rowCount", 0),
            columns=grid.get("columnCount", 0),
        )


class Created(Model):
    """A new spreadsheet."""

    id: str = ""
    title: UntrustedText = ""
    url: str = ""


class Spreadsheet(Model):
    """A spreadsheet and its sheets, without their cells."""

    id: str
    title: UntrustedText = ""
    timezone: str = ""
    sheets: list[Sheet] = Field(default_factory=list)
    named_ranges: list[UntrustedText] = Field(default_factory=list)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Spreadsheet:
        """Make it of a spreadsheet of the API."""
        about = raw.get("properties") or {}
        return cls(
            id=raw["spreadsheetId"],
            title=about.get("title", ""),
            timezone=about.get("timeZone", ""),
            sheets=[Sheet.of(one["properties"]) for one in raw.get("sheets", ())],
            named_ranges=[one.get("name", "") for one in raw.get("namedRanges", ())],
        )


class Cells(Model):
    """Rows of a range; trailing empty rows and cells are left out. Without next_cursor it is the end."""

    range: str
    rows: list[list[Cell]]
    next_cursor: str | None = None


class Written(Model):
    """Where values side_effect_confirmed."""

    range: str = Field("", alias="updatedRange")
    rows: int = Field(0, alias="updatedRows")
    cells: int = Field(0, alias="updatedCells")


class Cleared(Model):
    """What was emptied."""

    cleared: str

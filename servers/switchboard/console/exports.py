"""The log of calls as a file: JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..action_log import COLUMNS

LARGEST = 1_000_000  # rows
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet run the text of a cell

Export = Callable[[Iterable[dict[str, Any]]], Iterator[str]]


def as_json(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the parts of a JSON list of all columns, the newest row first."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a CSV of all columns. Texts that a spreadsheet would run get an apostrophe in front."""
    yield "\ufeff" + _line(COLUMNS)  # the mark, without which Excel misreads accents
    for row in rows:
        yield _line([_inert(value) for value in row.values()])


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _line(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()

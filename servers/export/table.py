"""A table on its way into a file: typed rows that can be gone through more than once, and warnings about them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from flotilla import errors

from . import sources
from .cells import Cell, Column, column, read, unsure
from .guard import bare
from .work import Check, never_stop

MOST_COLUMNS = 200
SHORT = "Rows with fewer cells than columns were filled with empty cells"
_EVERY = 256  # rows between two looks at whether the caller still waits


class Notes:
    """Warnings, each kind once: how often, and the first row."""

    def __init__(self) -> None:
        self._seen: dict[str, list[int]] = {}
        self._sentences: dict[str, None] = {}

    def count(self, event: str, row: int) -> None:
        """Note that something happened in a row (from 1)."""
        self._seen.setdefault(event, [0, row])[0] += 1

    def add(self, sentence: str) -> None:
        """Note a sentence once."""
        self._sentences[sentence] = None

    def list(self, most: int = 12) -> list[str]:
        """Return them as sentences."""
        sentences = []
        for event, (times, row) in self._seen.items():
            first = f"row {row}" if row else "the heading"
            sentences.append(f"{event} ({first})." if times == 1 else f"{event} ({times} times, first in {first}).")
        sentences += self._sentences
        left_out = len(sentences) - most
        return sentences if left_out <= 0 else [*sentences[:most], f"There are {left_out} more warnings."]


@dataclass
class Table:
    """Columns, and rows that come from the call or from a file. `check` is called often and raises to stop."""

    columns: list[Column]
    cells: list[list[Any]] = field(default_factory=list)
    source: sources.Source | None = None
    notes: Notes = field(default_factory=Notes)
    check: Check = never_stop
    totals: list[int] = field(default_factory=list)  # places of the columns that are added up
    sums: dict[int, Decimal] = field(default_factory=dict)  # by place, once the rows were gone through

    @property
    def summary(self) -> dict[str, Any]:
        """What a dry run shows of the table."""
        columns = [f"{c.name} ({' '.join(filter(None, (c.kind, c.detail)))})" for c in self.columns]
        if self.source:
            return {"columns": columns, "source": self.source.path}
        return {"columns": columns, "rows": len(self.cells), "first_rows": self.cells[:5]}

    @property
    def total(self) -> int | None:
        """Number of rows, None where the file would have to be read to know it."""
        return None if self.source else len(self.cells)

    def checked(self, check: Check) -> Table:
        """Return it with `check`."""
        return replace(self, check=check)

    def count(self) -> int:
        """Return how many rows there are, by going through all of them where they come from a file."""
        if not self.source:
            return len(self.cells)
        count = 0
        for count, _ in enumerate(self.source.rows(), 1):
            if count % _EVERY == 1:
                self.check()
        return count

    def rows(self, noting: bool = True) -> Iterator[list[Cell]]:
        """Go through the rows from the first one, each as long as `columns`; `noting`: with warnings."""
        notes = self.notes if noting else Notes()
        decimal = self.source.decimal if self.source else ""
        raw: Iterator[list[Any]] = self._from(self.source, notes) if self.source else iter(self.cells)
        computed = any(column.formula for column in self.columns)
        sums = dict.fromkeys(self.totals, Decimal(0))
        for count, cells in enumerate(raw, 1):
            if count % _EVERY == 1:
                self.check(count if noting else 0)
            row = (
                self._computed(cells, count, decimal, notes) if computed else self._typed(cells, count, decimal, notes)
            )
            for place in sums:
                self._add(sums, place, row[place], count, notes)
            yield row
        self.sums = sums

    def _computed(self, cells: list[Any], count: int, decimal: str, notes: Notes) -> list[Cell]:
        """Return a row with its formulas computed; what stands in their places, if anything, is left out."""
        places = [place for place, column in enumerate(self.columns) if column.formula]
        if len(cells) < len(self.columns):
            cells = list(cells)
            for place in places:
                cells.insert(place, None)
        row = self._typed([None if n in places else cell for n, cell in enumerate(cells)], count, decimal, notes)
        for place in places:
            made = self.columns[place].formula
            row[place] = made.value(row) if made else None
            if row[place] is None:
                name = errors.excerpt(self.columns[place].name, 40)
                notes.count(f"`{name}` could not be computed, since a cell is not a number or a divisor is 0", count)
        return row

    def _add(self, sums: dict[int, Decimal], place: int, cell: Cell, count: int, notes: Notes) -> None:
        if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
            sums[place] += cell
        elif cell not in (None, ""):
            name = errors.excerpt(self.columns[place].name, 40)
            notes.count(f"Cells of `{name}` that are not numbers are not in its total", count)

    def total_row(self, label: str) -> list[Cell]:
        """Return the row under the others: the sums, and a label in the first column that has none."""
        row: list[Cell] = [self.sums.get(place) for place in range(len(self.columns))]
        free = next((place for place in range(len(row)) if place not in self.sums), None)
        if free is not None:
            row[free] = label
        return row

    def _from(self, source: sources.Source, notes: Notes) -> Iterator[list[Any]]:
        names = [c.name for c in self.columns]
        at = _places(names, source.names)
        straight = not source.names or at == list(range(len(source.names)))
        read_names = {c.name for c in self.columns if not c.formula}
        missing = read_names - set(source.names) if source.names else set()
        wide = len(source.names) if source.delimiter else 0
        for count, row in enumerate(source.rows(), 1):
            if isinstance(row, dict):
                missing -= row.keys()
                yield [row.get(name) for name in names]
                continue
            if source.delimiter:
                row = [_unguarded(cell, count, notes) for cell in row]
            if straight:
                yield row
                continue
            if wide and len(row) > wide and any(row[wide:]):
                raise _too_wide(count, len(row), wide)
            if len(row) < wide:
                notes.count(SHORT, count)
            yield [row[i] if 0 <= i < len(row) else None for i in at]
        for name in sorted(missing):
            notes.add(f"No record of {source.path} has `{errors.excerpt(name, 40)}`: that column is empty.")

    def _typed(self, cells: list[Any], count: int, decimal: str, notes: Notes) -> list[Cell]:
        wanted = len(self.columns)
        if len(cells) > wanted:
            if any(cell not in (None, "") for cell in cells[wanted:]):
                raise _too_wide(count, len(cells), wanted)
            cells = cells[:wanted]
        elif len(cells) < wanted:
            notes.count(SHORT, count)
            cells = [*cells, *itertools.repeat(None, wanted - len(cells))]
        row: list[Cell] = []
        for value, kind in zip(cells, self.columns, strict=True):
            cell, fits = read(value, kind, decimal)
            if not fits:
                name = errors.excerpt(kind.name, 40)
                why = (
                    "can be read in two ways" if kind.numeric and unsure(value) else f"are not of the type {kind.kind}"
                )
                notes.count(f"Column `{name}` has cells that {why} and stay as they are", count)
            row.append(cell)
        return row


def _named(name: str, names: list[str]) -> int:
    wanted = name.strip().casefold()
    for place, one in enumerate(names):
        if one.strip().casefold() == wanted:
            return place
    message = f"There is no column '{errors.excerpt(name, 60)}' to add up."
    raise errors.InvalidInputError(message, f"Columns: {errors.excerpt(', '.join(names), 200)}.")


def _too_wide(row: int, cells: int, columns: int) -> errors.InvalidInputError:
    message = f"Row {row} has {cells} cells, but there are {columns} columns."
    return errors.InvalidInputError(message, "Give every row one cell for each column.")


def _places(wanted: list[str], names: list[str]) -> list[int]:
    """Return where each wanted column stands in a file, -1 for nowhere. Of columns with one name each is taken once."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    used: dict[str, int] = {}
    positions = []
    for name in wanted:
        candidates = places.get(name, [-1])
        positions.append(candidates[min(used.get(name, 0), len(candidates) - 1)])
        used[name] = used.get(name, 0) + 1
    return positions


def _unguarded(cell: str, row: int, notes: Notes) -> str:
    text = bare(cell)
    if text is not cell:
        notes.count("Text that a CSV export had made harmless lost the apostrophe in front of it", row)
    return text


def table(
    columns: list[str] | None,
    rows: list[list[Any]] | None,
    source: str | None,
    types: list[str] | None,
    totals: list[str] | None = None,
) -> Table:
    """Return a call's table, of `rows` or of the file `source`.

    Raises errors.InvalidInputError where columns, rows and types do not fit together.
    """
    columns, rows, types = columns or [], rows or [], types or []
    if rows and source:
        raise errors.InvalidInputError("Both rows and source are given.", "Give one of them.")
    origin = sources.opened(source) if source else None
    names = columns or (origin.names if origin else [])
    if not names:
        raise errors.InvalidInputError("There are no columns.", "Give `columns`, the headings from left to right.")
    if len(names) > MOST_COLUMNS:
        raise errors.InvalidInputError(
            f"There are {len(names)} columns, and at most {MOST_COLUMNS} are possible.", "Choose some with `columns`."
        )
    kinds = [*(types or []), *[""] * (len(names) - len(types))]
    if origin and origin.names:
        unknown = [n for n, kind in zip(names, kinds, strict=False) if n not in origin.names and "=" not in kind]
        if unknown and (origin.delimiter or len(unknown) == len(names)):
            message = f"{source} has no column '{errors.excerpt(unknown[0], 60)}'."
            raise errors.InvalidInputError(
                message, f"Available columns: {errors.excerpt(', '.join(origin.names), 200)}."
            )
    if len(types) > len(names):
        message = f"There are {len(types)} types for {len(names)} columns."
        raise errors.InvalidInputError(message, 'Give one for each column, in the same order; "" for none.')
    result = Table([column(n, t, names) for n, t in zip(names, kinds, strict=True)], rows, origin)
    result.totals = [_named(name, names) for name in totals or []]
    if origin and origin.titles:
        count, shown = len(origin.titles), errors.excerpt(" / ".join(origin.titles), 120)
        lines = "line" if count == 1 else f"{count} lines"
        result.notes.add(f"The first {lines} of {source}, above the column names, were left out: {shown}.")
    return result

"""A table on its way into a file: typed rows that can be gone through more than once, and what was odd about them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from flotilla import errors

from . import sources
from .cells import Cell, Column, column, read, unsure
from .guard import bare
from .work import Check, pause_deadline

MOST_COLUMNS = 200
SHORT = "Rows with fewer cells than columns were filled with empty cells"
_EVERY = 256  # rows between two looks at whether the caller still waits


class Notes:
    """Warnings, each kind once: how often, and the first row."""

    def __init__(self) -> None:
        self._seen: dict[str, list[int]] = {}
        self._said: dict[str, None] = {}

    def count(self, what: str, row: int) -> None:
        """Note that something happened in a row (from 1)."""
        self._seen.setdefault(what, [0, row])[0] += 1

    def say(self, sentence: str) -> None:
        """Note a sentence once."""
        self._said[sentence] = None

    def list(self, most: int = 12) -> list[str]:
        """Return them as sentences."""
        where = ((what, n, f"row {row}" if row else "the heading") for what, (n, row) in self._seen.items())
        found = [
            f"{what} ({first})." if n == 1 else f"{what} ({n} times, first in {first})." for what, n, first in where
        ]
        found += self._said
        return found if len(found) <= most else [*found[:most], f"There are {len(found) - most} more warnings."]


@dataclass
class Table:
    """Columns, and rows that come from the call or from a file. `check` is called often and raises to stop."""

    columns: list[Column]
    given: list[list[Any]] = field(default_factory=list)
    source: sources.Source | None = None
    notes: Notes = field(default_factory=Notes)
    check: Check = pause_deadline

    @property
    def told(self) -> dict[str, Any]:
        """What a dry run shows of it."""
        columns = [f"{c.name} ({' '.join(filter(None, (c.kind, c.detail)))})" for c in self.columns]
        if self.source:
            return {"columns": columns, "source": self.source.path}
        return {"columns": columns, "rows": len(self.given), "first_rows": self.given[:5]}

    @property
    def total(self) -> int | None:
        """How many rows there are, None where only reading the file would tell."""
        return None if self.source else len(self.given)

    def checked(self, check: Check) -> Table:
        """Return it with `check`."""
        return replace(self, check=check)

    def count(self) -> int:
        """Return how many rows there are, by going through all of them where they come from a file."""
        if not self.source:
            return len(self.given)
        count = 0
        for count, _ in enumerate(self.source.rows(), 1):
            if count % _EVERY == 1:
                self.check()
        return count

    def rows(self, noting: bool = True) -> Iterator[list[Cell]]:
        """Go through the rows from the first one, each as long as `columns`; notes what is odd unless told not to."""
        notes = self.notes if noting else Notes()
        decimal = self.source.decimal if self.source else ""
        raw: Iterator[list[Any]] = self._from(self.source, notes) if self.source else iter(self.given)
        for count, cells in enumerate(raw, 1):
            if count % _EVERY == 1:
                self.check(count if noting else 0)
            yield self._typed(cells, count, decimal, notes)

    def _from(self, source: sources.Source, notes: Notes) -> Iterator[list[Any]]:
        names = [c.name for c in self.columns]
        at = _places(names, source.names)
        straight = not source.names or at == list(range(len(source.names)))
        missing = set(names) - set(source.names) if source.names else set()
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
            notes.say(f"No record of {source.path} has `{errors.excerpt(name, 40)}`: that column is empty.")

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
                why = "can be read in two ways" if kind.numeric and unsure(value) else f"are no {kind.kind}"
                notes.count(f"Column `{name}` has cells that {why} and stay as they are", count)
            row.append(cell)
        return row


def _too_wide(row: int, cells: int, columns: int) -> errors.InvalidInputError:
    what = f"Row {row} has {cells} cells, but there are {columns} columns."
    return errors.InvalidInputError(what, "Give every row one cell a column.")


def _places(wanted: list[str], names: list[str]) -> list[int]:
    """Return where each wanted column stands in a file, -1 for nowhere. Of columns with one name each is taken once."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    used: dict[str, int] = {}
    found = []
    for name in wanted:
        there = places.get(name, [-1])
        found.append(there[min(used.get(name, 0), len(there) - 1)])
        used[name] = used.get(name, 0) + 1
    return found


def _unguarded(cell: str, row: int, notes: Notes) -> str:
    found = bare(cell)
    if found is not cell:
        notes.count("Text that a CSV export had made harmless lost the apostrophe in front of it", row)
    return found


def table(
    columns: list[str] | None, rows: list[list[Any]] | None, source: str | None, types: list[str] | None
) -> Table:
    """Return a call's table, of `rows` or of the file `source`.

    Raises errors.InvalidInputError when it does not add up.
    """
    columns, rows, types = columns or [], rows or [], types or []
    if rows and source:
        raise errors.InvalidInputError("Both rows and source are given.", "Give one of them.")
    origin = sources.opened(source) if source else None
    names = columns or (origin.names if origin else [])
    if not names:
        raise errors.InvalidInputError("There are no columns.", "Give columns, the headings from left to right.")
    if len(names) > MOST_COLUMNS:
        raise errors.InvalidInputError(
            f"There are {len(names)} columns; {MOST_COLUMNS} is the most.", "Choose some with columns."
        )
    if origin and origin.names:
        unknown = [name for name in names if name not in origin.names]
        if unknown and (origin.delimiter or len(unknown) == len(names)):
            what = f"{source} has no column `{errors.excerpt(unknown[0], 60)}`."
            raise errors.InvalidInputError(what, f"It has: {errors.excerpt(', '.join(origin.names), 200)}.")
    if len(types) > len(names):
        what = f"There are {len(types)} types for {len(names)} columns."
        raise errors.InvalidInputError(what, 'Give one a column, in the same order; "" where nothing is to be said.')
    kinds = [*types, *[""] * (len(names) - len(types))]
    made = Table([column(n, t) for n, t in zip(names, kinds, strict=True)], rows, origin)
    if origin and origin.titles:
        count, shown = len(origin.titles), errors.excerpt(" / ".join(origin.titles), 120)
        lines = "line" if count == 1 else f"{count} lines"
        made.notes.say(f"The first {lines} of {source}, above the column names, were left out: {shown}.")
    return made

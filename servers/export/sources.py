"""Rows out of a CSV, JSON or JSON Lines file of the data folder, one at a time: a file is never held whole."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any, BinaryIO, TextIO

from flotilla import errors, files

from .guard import bare

_CHUNK = 2**16
_BIGGEST_ITEM = 2**22  # characters of one JSON row, or of one CSV cell
_MOST_KEYS = 10_000
_GAP = re.compile(r"[ \t\r\n,]*").match
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=str)  # NaN is text: an empty cell would hide it
_SAMPLE = 30  # rows of a CSV file that tell how it is laid out
_SEP = re.compile(r"\s*sep=([,;\t|])\s*", re.I)  # what Excel understands as the first line of a CSV file
_ALONE = "\x1f"  # parts the cells of a file with one column, since nothing does
csv.field_size_limit(_BIGGEST_ITEM)  # of the whole process; the module's own limit is 131,072
Row = list[Any] | dict[str, Any]


@dataclass
class Source:
    """A file of rows. `names` are its own column names, empty when it has none.

    `skipped` rows stand before the column names: titles, or the line that tells Excel the delimiter.
    """

    path: str
    encoding: str = "utf-8-sig"
    delimiter: str = ""
    names: list[str] = field(default_factory=list)
    skipped: int = 0
    titles: list[str] = field(default_factory=list)

    @property
    def decimal(self) -> str:
        """What decimals are likely written with: the comma where `;` parts the cells, the point where a comma does."""
        return {";": ",", ",": "."}.get(self.delimiter, "")

    def rows(self) -> Iterator[Row]:
        """Read the file from its start: lists in the order of `names`, or objects."""
        with files.reader(self.path) as raw:
            yield from _rows(self, raw)


def opened(path: str) -> Source:
    """Look at a file: how it is encoded, how it is delimited, what its columns are called.

    Raises errors.InvalidInputError.
    """
    ending = path.rpartition(".")[2].lower()
    if ending not in _READERS:
        raise errors.InvalidInputError(
            f"{path} does not have the name of a CSV or JSON file.",
            "Give a file that ends in .csv, .tsv, .json or .jsonl.",
        )
    with files.reader(path) as raw:
        source = Source(path, _encoding(raw))
        raw.seek(0)
        if _READERS[ending] is _csv:
            _lay_out(source, io.TextIOWrapper(raw, source.encoding, newline=""))
    if not source.delimiter:
        source.names = _keys(source)
        return source
    first: Row = next(source.rows(), [])
    source.names = [bare(str(name).strip()) for name in first]
    if not any(source.names):
        raise errors.InvalidInputError(f"{path} has no header line.", "The first line must name the columns.")
    return source


def _keys(source: Source) -> list[str]:
    """Return the keys of all records in the order in which they first appear; none where rows are arrays."""
    names: dict[str, None] = {}
    for row in source.rows():
        if isinstance(row, dict):
            names |= dict.fromkeys(row)
        elif not names:
            return []
        if len(names) > _MOST_KEYS:
            message = f"The records of {source.path} have more than {_MOST_KEYS} different keys."
            raise errors.InvalidInputError(message, "Make it a list of records with the same keys.")
    return list(names)


def _rows(source: Source, raw: BinaryIO) -> Iterator[Row]:
    text = io.TextIOWrapper(raw, source.encoding, newline="")
    try:
        yield from _READERS[source.path.rpartition(".")[2].lower()](source, text)
    except (csv.Error, ValueError) as error:
        message = f"{source.path} cannot be read: {errors.excerpt(error, 120)}."
        raise errors.InvalidInputError(message, "Correct the file, or pass the rows in the call.") from None


def _csv(source: Source, text: TextIO) -> Iterator[Row]:
    ended = False

    def lines() -> Iterator[str]:
        nonlocal ended
        yield from text
        ended = True

    reader = csv.reader(lines(), delimiter=source.delimiter or ",")
    start = source.skipped + bool(source.names)
    count = 0
    for row in reader:
        if ended:  # the last line was asked for more: a quotation mark swallowed the rest
            raise ValueError(
                f"a quotation mark is opened and never closed, in a cell that ends at line {reader.line_num}"
            )
        if row:  # blank lines are no rows
            count += 1
            if count > start:
                yield row


def _json_lines(source: Source, text: TextIO) -> Iterator[Row]:
    for count, line in enumerate(text, 1):
        if line.strip():
            item = _DECODER.decode(line.strip())
            if not isinstance(item, list | dict):
                raise ValueError(f"line {count} is neither an array nor an object")
            yield item


def _json(source: Source, text: TextIO) -> Iterator[Row]:
    """Read the items of one big array as they come; the standard library reads only whole documents."""
    buffer = text.read(_CHUNK)
    start = _GAP(buffer).end()  # type: ignore[union-attr]
    if buffer[start : start + 1] != "[":
        raise ValueError("the file is not an array of rows")
    buffer, at, count = buffer[start + 1 :], 0, 0
    while True:
        at = _GAP(buffer, at).end()  # type: ignore[union-attr]
        if buffer[at : at + 1] == "]":
            return
        try:
            item, at = _DECODER.raw_decode(buffer, at)
        except ValueError:
            more = text.read(max(_CHUNK, len(buffer) - at))
            if not more or len(buffer) - at > _BIGGEST_ITEM:
                raise ValueError(f"row {count + 1} is broken, cut off or too big") from None
            buffer, at = buffer[at:] + more, 0
            continue
        if not isinstance(item, list | dict):
            raise ValueError(f"row {count + 1} is neither an array nor an object")
        yield item
        count += 1


_READERS: dict[str, Callable[[Source, TextIO], Iterator[Row]]] = {
    "csv": _csv,
    "tsv": _csv,
    "txt": _csv,
    "json": _json,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
}


def _encoding(raw: BinaryIO) -> str:
    """Return UTF-8 or UTF-16 where the file is that, else what Excel in Western Europe writes."""
    if raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    raw.seek(0)
    check = codecs.getincrementaldecoder("utf-8")()
    try:
        for part in chain(iter(lambda: raw.read(2**20), b""), [b""]):
            check.decode(part, final=not part)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _lay_out(source: Source, text: io.TextIOWrapper) -> None:
    """Find what parts the cells of a CSV file, and how many rows stand before the column names."""
    try:
        lines = [line for line in itertools.islice(iter(lambda: text.readline(_CHUNK), ""), _SAMPLE) if line.strip()]
    except ValueError:
        lines = []
    finally:
        text.detach()
    source.delimiter = ","
    if not lines:
        return
    if separator := _SEP.fullmatch(lines[0]):
        source.delimiter, source.skipped = separator[1], 1
        return
    outside = "".join(lines[0].split('"')[::2])
    likely = max(",;\t|", key=outside.count) if outside.strip() else ","
    rows = _sampled(lines, likely)
    if likely in outside and (len(rows) < 2 or len(rows[1]) == len(rows[0])):
        source.delimiter = likely
        return
    for delimiter in ";\t|,":
        rows = _sampled(lines, delimiter)
        for at in range(1, min(len(rows) - 1, 10)):
            if _is_heading(rows, at, 3 if delimiter == "," else 2):
                source.delimiter, source.skipped = delimiter, at
                source.titles = [" ".join(cell for cell in row if cell) for row in rows[:at]]
                return
    source.delimiter = likely if likely in outside else _ALONE


def _sampled(lines: list[str], delimiter: str) -> list[list[str]]:
    return [row for row in csv.reader(lines, delimiter=delimiter) if row]


def _is_heading(rows: list[list[str]], at: int, least: int) -> bool:
    """Tell whether a row names columns under rows of titles: words, as many as the next row has cells."""
    row, width = rows[at], len(rows[at])
    named = all(cell.strip() and not re.search(r"\d", cell) for cell in row)
    return named and width >= least and len(rows[at + 1]) == width and all(len(one) < width for one in rows[:at])

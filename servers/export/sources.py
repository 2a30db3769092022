"""Rows out of a CSV, JSON or JSON Lines file of the data folder, one at a time: a file is never held whole."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any, BinaryIO, TextIO

from flotilla import errors, files

_CHUNK = 2**16
_BIGGEST_ITEM = 2**22  # characters of one JSON row
_GAP = re.compile(r"[ \t\r\n,]*").match
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=lambda name: None)
Row = list[Any] | dict[str, Any]


@dataclass
class Source:
    """A file of rows. `names` are its own column names, empty when it has none; `comma`: decimals have a comma."""

    path: str
    encoding: str = "utf-8-sig"
    delimiter: str = ""
    names: list[str] = field(default_factory=list)

    @property
    def comma(self) -> bool:
        """Whether decimals are likely written with a comma: where `;` parts the cells, the comma was taken."""
        return self.delimiter == ";"

    def rows(self) -> Iterator[Row]:
        """Read the file from its start: lists in the order of `names`, or objects."""
        with files.reader(self.path) as raw:
            yield from _rows(self, raw)


def opened(path: str) -> Source:
    """Look at a file: how it is encoded, how it is delimited, what its columns are called. Raises errors.Input."""
    ending = path.rpartition(".")[2].lower()
    if ending not in _READERS:
        raise errors.Input(f"{path} is no CSV or JSON file by its name.", "Sources end in .csv, .tsv, .json or .jsonl.")
    with files.reader(path) as raw:
        source = Source(path, _encoding(raw))
        raw.seek(0)
        if _READERS[ending] is _csv:
            source.delimiter = _delimiter(io.TextIOWrapper(raw, source.encoding, newline=""))
    first: Row = next(source.rows(), [])
    if isinstance(first, dict):
        source.names = list(first)
    elif source.delimiter:
        source.names = [str(name).strip() for name in first]
        if not any(source.names):
            raise errors.Input(f"{path} has no header line.", "The first line must name the columns.")
    return source


def _rows(source: Source, raw: BinaryIO) -> Iterator[Row]:
    text = io.TextIOWrapper(raw, source.encoding, newline="")
    try:
        yield from _READERS[source.path.rpartition(".")[2].lower()](source, text)
    except (csv.Error, ValueError) as problem:
        what = f"{source.path} cannot be read: {errors.excerpt(problem, 120)}."
        raise errors.Input(what, "Correct the file, or pass the rows in the call.") from None


def _csv(source: Source, text: TextIO) -> Iterator[Row]:
    rows: Iterator[list[str]] = csv.reader(text, delimiter=source.delimiter or ",")
    rows = (row for row in rows if row)  # blank lines are no rows
    if source.names:
        next(rows, None)
    yield from rows


def _json_lines(source: Source, text: TextIO) -> Iterator[Row]:
    for count, line in enumerate(text, 1):
        if line.strip():
            item = _DECODER.decode(line.strip())
            if not isinstance(item, list | dict):
                raise ValueError(f"line {count} is neither an array nor an object")
            yield item


def _json(source: Source, text: TextIO) -> Iterator[Row]:
    """Read the items of one big array as they come; the standard library reads only whole documents."""
    kept = text.read(_CHUNK)
    start = _GAP(kept).end()  # type: ignore[union-attr]
    if kept[start : start + 1] != "[":
        raise ValueError("the file is no array of rows")
    kept, at, count = kept[start + 1 :], 0, 0
    while True:
        at = _GAP(kept, at).end()  # type: ignore[union-attr]
        if kept[at : at + 1] == "]":
            return
        try:
            item, at = _DECODER.raw_decode(kept, at)
        except ValueError:
            more = text.read(max(_CHUNK, len(kept) - at))
            if not more or len(kept) - at > _BIGGEST_ITEM:
                raise ValueError(f"row {count + 1} is broken, cut off or too big") from None
            kept, at = kept[at:] + more, 0
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


def _delimiter(text: io.TextIOWrapper) -> str:
    """Return what parts the names in the first line that is not empty."""
    try:
        line = next((line for line in iter(lambda: text.readline(_CHUNK), "") if line.strip()), "")
    except ValueError:
        return ","
    finally:
        text.detach()
    outside = "".join(line.split('"')[::2])
    return max(",;\t|", key=outside.count) if outside.strip() else ","

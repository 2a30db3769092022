"""Google Sheets: spreadsheets of sheets of cells, values in ranges, rows below a table."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flotilla_testing import Request

from .app import Google, Refusal, body

BASE = "/v4/spreadsheets"
READ = "spreadsheets spreadsheets.readonly drive drive.file drive.readonly"
WRITE = "spreadsheets drive drive.file"
WHOLE = {"spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly"}
ROWS, COLUMNS = 1000, 26


@dataclass
class Book:
    """A spreadsheet: rows of cells by the title of their sheet."""

    title: str
    sheets: dict[str, list[list[Any]]]
    named: dict[str, str] = field(default_factory=dict)  # ranges such as 'Ventes'!A1:C9
    made: bool = False  # by the app, which is all that drive.file sees
    looks: list[dict[str, Any]] = field(default_factory=list)  # the formats that were set


@dataclass
class Books:
    """All spreadsheets, by id."""

    books: dict[str, Book] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, title: str, sheets: dict[str, list[list[Any]]], *, made: bool = False) -> str:
        """Store a spreadsheet; returns its id."""
        result = f"1Book{next(self.ids)}"
        self.books[result] = Book(title, sheets, made=made)
        return result


def mount(google: Google) -> None:
    """Add the API."""
    mine = google.sheets = Books()

    def find(request: Request, book: str) -> Book:
        result = mine.books.get(book)
        if not result or not (result.made or google.scopes_of(request) & WHOLE):
            raise Refusal(404, "notFound", "Requested entity was not found.")
        return result

    def shown(book: str) -> dict[str, Any]:
        result = mine.books[book]
        size = {"gridProperties": {"rowCount": ROWS, "columnCount": COLUMNS}}
        sheets = [{"properties": {"sheetId": n, "title": t, **size}} for n, t in enumerate(result.sheets)]
        named = [{"name": name, "range": _grid(result, cells)} for name, cells in result.named.items()]
        about = {"title": result.title, "timeZone": "Europe/Paris"}
        url = f"https://docs.google.example/spreadsheets/d/{book}/edit"
        return {
            "spreadsheetId": book,
            "spreadsheetUrl": url,
            "properties": about,
            "sheets": sheets,
            "namedRanges": named,
        }

    def made(account: str, request: Request) -> dict[str, Any]:
        params = body(request)
        names = [one["properties"]["title"] for one in params.get("sheets", ())] or ["Sheet1"]
        return shown(mine.put(params["properties"]["title"], {name: [] for name in names}, made=True))

    def got(account: str, request: Request, book: str) -> dict[str, Any]:
        find(request, book)
        return shown(book)

    def read(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, right, bottom = _range(find(request, book), cells)
        rows = [row[left:right] for row in mine.books[book].sheets[name][top:bottom]]
        while rows and not any(value not in ("", None) for value in rows[-1]):
            rows.pop()
        return {"range": unquote(cells), "majorDimension": "ROWS", **({"values": rows} if rows else {})}

    def write(book: str, name: str, left: int, top: int, values: list[list[Any]]) -> dict[str, Any]:
        rows = mine.books[book].sheets[name]
        for n, row in enumerate(values, top):
            rows += [[] for _ in range(n + 1 - len(rows))]
            rows[n] += [""] * (left + len(row) - len(rows[n]))
            there = rows[n][left : left + len(row)]  # null leaves a cell as it is
            rows[n][left : left + len(row)] = [old if new is None else new for old, new in zip(there, row, strict=True)]
        width = max(len(row) for row in values)
        where = f"{name}!{chr(65 + left)}{top + 1}:{chr(64 + left + width)}{top + len(values)}"
        return {"updatedRange": where, "updatedRows": len(values), "updatedCells": sum(map(len, values))}

    def wrote(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, *_ = _range(find(request, book), cells)
        return {"spreadsheetId": book, **write(book, name, left, top, _entered(request))}

    def appended(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, right, bottom = _range(find(request, book), cells)
        column, row = _below_table(mine.books[book].sheets[name], left, top, right, bottom)
        values = _entered(request)
        rows = mine.books[book].sheets[name]
        if dict(request.query).get("insertDataOption") == "INSERT_ROWS" and row < len(rows):
            rows[row:row] = [[] for _ in values]
        return {"updates": write(book, name, column, row, values)}

    def cleared(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, right, bottom = _range(find(request, book), cells)
        for row in mine.books[book].sheets[name][top:bottom]:
            row[left:right] = [""] * len(row[left:right])
        return {"spreadsheetId": book, "clearedRange": unquote(cells)}

    def changed(account: str, request: Request, book: str) -> dict[str, Any]:
        target, before = find(request, book), copy.deepcopy(mine.books[book])
        replies = []
        for one in body(request)["requests"]:
            ((kind, params),) = one.items()
            if kind not in CHANGES:
                mine.books[book] = before  # all or nothing
                raise Refusal(400, "badRequest", f"A test's complaint: {kind} is unknown here")
            CHANGES[kind](target, params)
            made = shown(book)["sheets"][-1] if kind in ("addSheet", "duplicateSheet") else None
            replies.append({kind: made} if made else {})
        return {"spreadsheetId": book, "replies": replies}

    def copied(account: str, request: Request, book: str, sheet: str) -> dict[str, Any]:
        source, target = find(request, book), find(request, body(request)["destinationSpreadsheetId"])
        title = _sheet(source, int(sheet))
        target.sheets[f"Copy of {title}"] = copy.deepcopy(source.sheets[title])
        (key,) = [one for one, other in mine.books.items() if other is target]
        return dict(shown(key)["sheets"][-1]["properties"])

    one = rf"{BASE}/(?P<book>[^/:]+)"
    values = rf"{one}/values/(?P<cells>[^/:]+)"
    google.api("POST", BASE, WRITE, made)
    google.api("GET", one, READ, got)
    google.api("POST", f"{one}:batchUpdate", WRITE, changed)
    google.api("POST", rf"{one}/sheets/(?P<sheet>\d+):copyTo", WRITE, copied)
    google.api("GET", values, READ, read)
    google.api("PUT", values, WRITE, wrote)
    google.api("POST", f"{values}:append", WRITE, appended)
    google.api("POST", f"{values}:clear", WRITE, cleared)


def _entered(request: Request) -> list[list[Any]]:
    if dict(request.query).get("valueInputOption") not in ("RAW", "USER_ENTERED"):
        raise Refusal(400, "badRequest", "'valueInputOption' is required but not specified")
    values: list[list[Any]] = body(request)["values"]
    typed = dict(request.query)["valueInputOption"] == "USER_ENTERED"  # an apostrophe makes text of what follows
    return [
        [one[1:] if typed and isinstance(one, str) and one.startswith("'") else one for one in row] for row in values
    ]


def _sheet(book: Book, number: int) -> str:
    """Return the title of a sheet by its id, which here is its place."""
    if number >= len(book.sheets):
        raise Refusal(400, "badRequest", f"No grid with id: {number}")
    return list(book.sheets)[number]


def _free(book: Book, title: str) -> str:
    if title.casefold() in map(str.casefold, book.sheets):
        raise Refusal(400, "badRequest", f"A sheet with the name {title} already exists.")
    return title


def _add(book: Book, params: dict[str, Any]) -> None:
    book.sheets[_free(book, params["properties"]["title"])] = []


def _duplicate(book: Book, params: dict[str, Any]) -> None:
    if params.get("insertSheetIndex", 0) != len(book.sheets):
        raise Refusal(400, "badRequest", "A test's complaint: it would stand before other sheets")
    source = book.sheets[_sheet(book, params["sourceSheetId"])]
    book.sheets[_free(book, params["newSheetName"])] = copy.deepcopy(source)


def _rename(book: Book, params: dict[str, Any]) -> None:
    if params["fields"] != "title":
        return
    old, new = _sheet(book, params["properties"]["sheetId"]), params["properties"]["title"]
    if new != old:
        _free(book, new)
    book.sheets = {new if title == old else title: rows for title, rows in book.sheets.items()}


def _delete(book: Book, params: dict[str, Any]) -> None:
    title = _sheet(book, params["sheetId"])
    if len(book.sheets) == 1:
        raise Refusal(400, "badRequest", "You can't remove all the sheets in a document.")
    del book.sheets[title]


def _lines(book: Book, params: dict[str, Any], insert: bool) -> None:
    about = params["range"]
    rows, start, end = book.sheets[_sheet(book, about["sheetId"])], about["startIndex"], about["endIndex"]
    if insert and start == 0 and params.get("inheritFromBefore"):
        raise Refusal(400, "badRequest", "inheritFromBefore cannot be true when inserting at index 0")
    if about["dimension"] == "ROWS":
        rows[start:end] = [*([[] for _ in range(end - start)] if insert else []), *(rows[start:end] if insert else [])]
        return
    for row in rows:
        if len(row) > start:
            row[start:end] = [*([""] * (end - start)), *row[start:end]] if insert else []


def _sort(book: Book, params: dict[str, Any]) -> None:
    about = params["range"]
    rows = book.sheets[_sheet(book, about["sheetId"])]
    top, bottom = about.get("startRowIndex", 0), about.get("endRowIndex", ROWS)
    part = [row for row in rows[top:bottom] if row]
    for spec in reversed(params["sortSpecs"]):
        column, falling = spec["dimensionIndex"], spec["sortOrder"] == "DESCENDING"
        part.sort(key=lambda row: (isinstance(row[column], str), row[column]), reverse=falling)  # numbers first
    rows[top:bottom] = part


CHANGES: dict[str, Callable[[Book, dict[str, Any]], None]] = {
    "addSheet": _add,
    "duplicateSheet": _duplicate,
    "updateSheetProperties": _rename,
    "deleteSheet": _delete,
    "insertDimension": lambda book, params: _lines(book, params, insert=True),
    "deleteDimension": lambda book, params: _lines(book, params, insert=False),
    "sortRange": _sort,
    "repeatCell": lambda book, params: book.looks.append(params),
}


def _below_table(rows: list[list[Any]], left: int, top: int, right: int, bottom: int) -> tuple[int, int]:
    """Return the column and the row below the last table in a range; its first cell where there is none.

    A table is an area of filled cells without an empty row or column in it:
    https://developers.google.com/workspace/sheets/api/guides/values#append-values
    """
    filled = {(r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if value not in ("", None)}
    inside = [(r, c) for r, c in filled if top <= r < bottom and left <= c < right]
    if not inside:
        return left, top
    table, grown = {max(inside)}, True
    while grown:
        low_row, high_row = min(r for r, _ in table) - 1, max(r for r, _ in table) + 1
        low_column, high_column = min(c for _, c in table) - 1, max(c for _, c in table) + 1
        near = {(r, c) for r, c in filled if low_row <= r <= high_row and low_column <= c <= high_column}
        table, grown = table | near, bool(near - table)
    return min(c for _, c in table), max(r for r, _ in table) + 1


def _range(book: Book, encoded: str) -> tuple[str, int, int, int, int]:
    """Return a sheet's name and left, top, right, bottom, from 0, the ends left out.

    As Google reads it: in quotes it is a sheet; without, a cell of the first sheet or a named range before a sheet.
    """
    text = unquote(encoded)
    result = re.fullmatch(r"(?:'((?:[^']|'')+)'(?:!(.+))?|(?:([^'!]+)!)?([^!]+))", text)
    if not result:
        raise Refusal(400, "badRequest", f"Unable to parse range: {text}")
    quoted, inside, plain, cells = result.groups()
    sheet = quoted.replace("''", "'") if quoted else plain
    corners = re.fullmatch(r"([A-Z]*)(\d*)(?::([A-Z]*)(\d*))?", (inside if quoted else cells) or "")
    if cells and not plain and not (corners and (":" in cells or re.fullmatch(r"[A-Z]{1,3}\d+", cells))):
        if cells in book.named:
            return _range(book, book.named[cells])
        sheet, corners = cells, re.fullmatch("()()()()", "")
    name = next(iter(book.sheets)) if sheet is None else sheet
    if not corners or name not in book.sheets:
        raise Refusal(400, "badRequest", f"Unable to parse range: {text}")
    first, top, last, bottom = corners.groups()
    left, up = (_column(first) - 1 if first else 0), (int(top) - 1 if top else 0)
    single = last is None and bottom is None and first
    right = left + 1 if single else _column(last) if last else COLUMNS
    return name, left, up, right, up + 1 if single else int(bottom) if bottom else ROWS


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _grid(book: Book, cells: str) -> dict[str, int]:
    name, left, top, right, bottom = _range(book, cells)
    ends = {"startRowIndex": top, "endRowIndex": bottom, "startColumnIndex": left, "endColumnIndex": right}
    return {"sheetId": list(book.sheets).index(name), **ends}

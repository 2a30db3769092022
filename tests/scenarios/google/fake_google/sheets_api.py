"""Google Sheets: spreadsheets of sheets of cells, values in ranges, rows below a table."""

from __future__ import annotations

import itertools
import re
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
        replies, sheets = [], find(request, book).sheets
        for one in body(request)["requests"]:
            title = one["addSheet"]["properties"]["title"]
            if title.casefold() in map(str.casefold, sheets):
                raise Refusal(400, "badRequest", f"A sheet with the name {title} already exists.")
            sheets[title] = []
            replies.append({"addSheet": shown(book)["sheets"][-1]})
        return {"spreadsheetId": book, "replies": replies}

    one = rf"{BASE}/(?P<book>[^/:]+)"
    values = rf"{one}/values/(?P<cells>[^/:]+)"
    google.api("POST", BASE, WRITE, made)
    google.api("GET", one, READ, got)
    google.api("POST", f"{one}:batchUpdate", WRITE, changed)
    google.api("GET", values, READ, read)
    google.api("PUT", values, WRITE, wrote)
    google.api("POST", f"{values}:append", WRITE, appended)
    google.api("POST", f"{values}:clear", WRITE, cleared)


def _entered(request: Request) -> list[list[Any]]:
    if dict(request.query).get("valueInputOption") not in ("RAW", "USER_ENTERED"):
        raise Refusal(400, "badRequest", "'valueInputOption' is required but not specified")
    values: list[list[Any]] = body(request)["values"]
    return values


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

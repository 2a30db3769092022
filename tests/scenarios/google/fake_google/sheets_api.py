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
ROWS, COLUMNS = 1000, 26


@dataclass
class Book:
    """A spreadsheet: rows of cells by the title of their sheet."""

    title: str
    sheets: dict[str, list[list[Any]]]
    named: dict[str, str] = field(default_factory=dict)  # ranges such as 'Ventes'!A1:C9


@dataclass
class Books:
    """All spreadsheets, by id."""

    books: dict[str, Book] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, title: str, sheets: dict[str, list[list[Any]]]) -> str:
        """Store a spreadsheet; returns its id."""
        found = f"1Book{next(self.ids)}"
        self.books[found] = Book(title, sheets)
        return found


def mount(google: Google) -> None:
    """Add the API."""
    mine = google.sheets = Books()

    def find(book: str) -> Book:
        if book not in mine.books:
            raise Refusal(404, "notFound", "Requested entity was not found.")
        return mine.books[book]

    def told(book: str) -> dict[str, Any]:
        size = {"gridProperties": {"rowCount": ROWS, "columnCount": COLUMNS}}
        sheets = [{"properties": {"sheetId": n, "title": t, **size}} for n, t in enumerate(find(book).sheets)]
        named = [{"name": name, "range": _grid(find(book), cells)} for name, cells in find(book).named.items()]
        about = {"title": find(book).title, "timeZone": "Europe/Paris"}
        url = f"https://docs.google.example/spreadsheets/d/{book}/edit"
        return {
            "spreadsheetId": book,
            "spreadsheetUrl": url,
            "properties": about,
            "sheets": sheets,
            "namedRanges": named,
        }

    def made(account: str, request: Request) -> dict[str, Any]:
        given = body(request)
        names = [one["properties"]["title"] for one in given.get("sheets", ())] or ["Sheet1"]
        return told(mine.put(given["properties"]["title"], {name: [] for name in names}))

    def got(account: str, request: Request, book: str) -> dict[str, Any]:
        return told(book)

    def read(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, right, bottom = _range(find(book), cells)
        rows = [row[left:right] for row in find(book).sheets[name][top:bottom]]
        while rows and not any(value not in ("", None) for value in rows[-1]):
            rows.pop()
        return {"range": unquote(cells), "majorDimension": "ROWS", **({"values": rows} if rows else {})}

    def write(book: str, name: str, left: int, top: int, values: list[list[Any]]) -> dict[str, Any]:
        rows = find(book).sheets[name]
        for n, row in enumerate(values, top):
            rows += [[] for _ in range(n + 1 - len(rows))]
            rows[n] += [""] * (left + len(row) - len(rows[n]))
            there = rows[n][left : left + len(row)]  # null leaves a cell as it is
            rows[n][left : left + len(row)] = [old if new is None else new for old, new in zip(there, row, strict=True)]
        width = max(len(row) for row in values)
        where = f"{name}!{chr(65 + left)}{top + 1}:{chr(64 + left + width)}{top + len(values)}"
        return {"updatedRange": where, "updatedRows": len(values), "updatedCells": sum(map(len, values))}

    def wrote(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, *_ = _range(find(book), cells)
        return {"spreadsheetId": book, **write(book, name, left, top, _entered(request))}

    def appended(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, *_ = _range(find(book), cells)
        return {"updates": write(book, name, left, len(find(book).sheets[name]), _entered(request))}

    def cleared(account: str, request: Request, book: str, cells: str) -> dict[str, Any]:
        name, left, top, right, bottom = _range(find(book), cells)
        for row in find(book).sheets[name][top:bottom]:
            row[left:right] = [""] * len(row[left:right])
        return {"spreadsheetId": book, "clearedRange": unquote(cells)}

    def changed(account: str, request: Request, book: str) -> dict[str, Any]:
        replies = []
        for one in body(request)["requests"]:
            title = one["addSheet"]["properties"]["title"]
            if title in find(book).sheets:
                raise Refusal(400, "badRequest", f"A sheet with the name {title} already exists.")
            find(book).sheets[title] = []
            replies.append({"addSheet": told(book)["sheets"][-1]})
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


def _range(book: Book, encoded: str) -> tuple[str, int, int, int, int]:
    """Return a sheet's name and left, top, right, bottom, from 0, the ends left out.

    As Google reads it: in quotes it is a sheet; without, a cell of the first sheet or a named range before a sheet.
    """
    text = unquote(encoded)
    found = re.fullmatch(r"(?:'((?:[^']|'')+)'(?:!(.+))?|(?:([^'!]+)!)?([^!]+))", text)
    if not found:
        raise Refusal(400, "badRequest", f"Unable to parse range: {text}")
    quoted, inside, plain, cells = found.groups()
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

"""Tables as PDF, drawn line by line, so that 100,000 rows need little more memory than the finished file.

The rows are gone through three times: to measure, to count the pages (each says "page x / y"), and to draw.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from reportlab.lib.units import mm

from flotilla import errors

from . import fonts
from .style import ACCENT, BAND, FOOT, INK, LINE, SIDE, TOP, Page, needed, shared
from .table import Table
from .work import Made

# Font size, and points left and right of a cell's text: the first at which the columns fit, else the last one.
SIZES = ((9.0, 4.5), (8.5, 4.5), (8.0, 4.0), (7.5, 3.5), (7.0, 3.5))
_TIGHT = (6.5, 2.0)  # where words would be broken otherwise
_ABOVE = 3.2  # points over and under it
_NARROWEST = 20.0  # points a column needs to be legible
_WIDEST = 0.42  # of the page: longer texts are wrapped at every size
_LEADING = 1.3
_LINES = 400  # of one cell; the rest is cut, with a warning


class _Total(list[Any]):
    """The cells of the last row, which are the sums of the others and written in bold."""


@dataclass
class _Layout:
    """Where everything goes: font size, column widths and the lines of each row."""

    table: Table
    page: Page
    body: fonts.Widths
    bold: fonts.Widths
    size: float = 0
    pad: float = 0
    widths: list[float] = field(default_factory=list)
    measured: array[float] = field(default_factory=lambda: array("f"))  # text width of every cell at size 1000
    rows: int = 0
    right_to_left: bool = False
    cut: dict[int, None] = field(default_factory=dict)  # rows with a text that was too long

    def texts(self, noting: bool = False) -> Iterator[list[str]]:
        language, columns = self.page.language, self.table.columns
        for row in self.table.rows(noting):
            yield [fonts.drawable(language.text(c, column)) for c, column in zip(row, columns, strict=True)]
        if self.table.totals:
            row = self.table.total_row(language.total)
            yield _Total(fonts.drawable(language.text(c, column)) for c, column in zip(row, columns, strict=True))

    def measure(self) -> None:
        """Go through all cells once and choose size and widths."""
        columns = self.table.columns
        names = [fonts.drawable(column.name) for column in columns]
        widest = [max(map(self.bold.of, name.split("\n"))) for name in names]
        widest_words = [_longest_word(self.bold, name) for name in names]
        for texts in self.texts(noting=True):
            for i, text in enumerate(texts):
                chars = self.bold if isinstance(texts, _Total) else self.body
                width = chars.of(text) if "\n" not in text else max(map(chars.of, text.split("\n")))
                self.measured.append(width if "\n" not in text else math.inf)
                if width > widest[i]:
                    widest[i] = width
                    widest_words[i] = max(widest_words[i], _longest_word(self.body, text))
                self.right_to_left = self.right_to_left or fonts.turned(text)
            self.rows += not isinstance(texts, _Total)
        room = self.page.width
        if room / len(columns) < _NARROWEST:
            most = int(room // _NARROWEST)
            raise errors.InvalidInputError(f"{len(columns)} columns do not fit the page; {most} do.", _wider(self.page))
        for self.size, self.pad in (*SIZES, _TIGHT):
            natural = [width * self.size / 1000 + 2 * self.pad for width in widest]
            longest = [width * self.size / 1000 + 2 * self.pad for width in widest_words]
            if sum(min(width, room * _WIDEST) for width in natural) <= room:
                break
            if self.size == SIZES[-1][0] and sum(needed(room, natural, longest)) <= room:
                break
        else:
            if sum(needed(room, natural, longest)) > room:
                self.table.notes.add(f"Columns are narrow and words are broken. {_wider(self.page)}")
        self.widths = shared(room, natural, longest)

    def lines(self) -> Iterator[list[list[str]]]:
        """Return each row as lines a cell; only cells that are too wide are wrapped."""
        scale, at = self.size / 1000, 0
        rooms = [(width - 2 * self.pad) / scale + 0.5 for width in self.widths]
        for count, texts in enumerate(self.texts(), 1):
            row: list[list[str]] = _Total() if isinstance(texts, _Total) else []
            for i, text in enumerate(texts):
                if at >= len(self.measured):
                    raise errors.InvalidInputError(
                        "The source changed while it was read.", "Call again when it is at rest."
                    )
                lines = [text] if self.measured[at] <= rooms[i] else wrapped(text, rooms[i], self.body)
                if len(lines) > _LINES:
                    self.cut.setdefault(count)
                    lines = [*lines[: _LINES - 1], "…"]
                row.append(lines)
                at += 1
            yield row

    def heading(self) -> list[list[str]]:
        """Return the lines of the heading."""
        scale = self.size / 1000
        rooms = [(width - 2 * self.pad) / scale + 0.5 for width in self.widths]
        names = [fonts.drawable(column.name) for column in self.table.columns]
        return [wrapped(name, room, self.bold)[:6] for name, room in zip(names, rooms, strict=True)]

    def placed(self, first: float, other: float) -> Iterator[tuple[int, float, list[list[str]]]]:
        """Return each row as (page from 1, y of its top, its lines); `first` and `other` are where pages' rows begin.

        A row that takes more than a quarter of a page is parted where the page ends, a lower one goes over whole.
        """
        leading, bottom = self.size * _LEADING, FOOT + 1
        number, top, fresh = 1, first, True
        for row in self.lines():
            at, count = 0, max(map(len, row))
            high = count * leading > (other - bottom) / 4
            while at < count:
                fit = int((top - bottom - 2 * _ABOVE) // leading)
                if not fresh and fit < (min(3, count - at) if high else count - at):
                    number, top, fresh = number + 1, other, True
                    continue
                take = max(1, min(fit, count - at))
                yield number, top, [lines[at : at + take] for lines in row] if take < count else row
                at, fresh = at + take, False
                top -= take * leading + 2 * _ABOVE


def wrapped(text: str, room: float, chars: fonts.Widths) -> list[str]:
    """Break a text into lines of at most `room` (at size 1000), at spaces, or inside words that are too long."""
    lines = []
    for paragraph in text.split("\n"):
        line, used = "", 0.0
        for word in paragraph.split(" "):
            width = chars.of(word)
            if line and used + chars[" "] + width <= room:
                line, used = f"{line} {word}", used + chars[" "] + width
                continue
            if line:
                lines.append(line)
            while width > room and len(word) > 1:
                cut = _fitting(word, room, chars)
                lines.append(word[:cut])
                word = word[cut:]
                width = chars.of(word)
            line, used = word, width
        lines.append(line)
    return lines


def write_pdf(out: BinaryIO, table: Table, page: Page) -> Made:
    """Write a table as PDF (A4): title, repeated heading, numbers to the right, long texts wrapped."""
    fonts.ready()
    layout = _Layout(table, page, fonts.Widths(fonts.REGULAR), fonts.Widths(fonts.BOLD))
    layout.measure()
    canvas = page.canvas(out)
    heading = layout.heading()
    title = wrapped(page.title, page.width / 15 * 1000, layout.bold) if page.title else []
    height = max(map(len, heading)) * layout.size * _LEADING + 2 * _ABOVE + 1.5
    top = page.size[1] - TOP
    first = top - (len(title) * 19 + 5 * mm if title else 0)
    tops = first - height, top - height
    if tops[0] < FOOT + 40 * mm:
        raise errors.InvalidInputError("Title and heading fill the page.", "Shorten the title or the columns' names.")
    total = max((number for number, _, _ in layout.placed(*tops)), default=1)
    number, drawing = 1, _Drawing(canvas, layout)
    drawing.title(title, top)
    drawing.heading(heading, first, height)
    for on, y, row in layout.placed(*tops):
        if on > number:
            drawing.end()
            page.dress(canvas, number, total)
            canvas.showPage()
            number = on
            drawing = _Drawing(canvas, layout)
            drawing.heading(heading, top, height)
        drawing.row(row, y)
    drawing.end()
    page.dress(canvas, number, total)
    table.check()
    canvas.showPage()
    canvas.save()
    other = layout.bold.missing | set(page.title + page.footer)
    missing = layout.body.missing | {char for char in other if char not in layout.body}
    for row_number in layout.cut:
        table.notes.count(f"Texts of more than {_LINES} lines were cut", row_number)
    warnings = table.notes.list() + fonts.warnings(missing - {"\n"}, layout.right_to_left)
    return Made(rows=layout.rows, pages=number, warnings=warnings)


class _Drawing:
    """One page's worth of rows: one text object and one path for all of them."""

    def __init__(self, canvas: Any, layout: _Layout) -> None:
        self.canvas, self.layout = canvas, layout
        self.text = canvas.beginText()
        self.text.setFillColor(INK)
        self.rules: list[tuple[float, float, float, float]] = []
        self.right = SIDE + sum(layout.widths)
        self.face = ""

    def title(self, lines: list[str], top: float) -> None:
        self.canvas.setFillColor(ACCENT)
        for i, line in enumerate(lines):
            self.canvas.setFont(_face(line, self.layout.bold), 15)
            self.canvas.drawString(SIDE, top - 12 - 19 * i, line)

    def heading(self, cells: list[list[str]], top: float, height: float) -> None:
        canvas = self.canvas
        canvas.setFillColor(BAND)
        canvas.rect(SIDE, top - height + 1.5, self.right - SIDE, height - 1.5, stroke=0, fill=1)
        canvas.setStrokeColor(ACCENT)
        canvas.setLineWidth(0.9)
        canvas.line(SIDE, top - height + 1.5, self.right, top - height + 1.5)
        deepest = max(map(len, cells))
        padded = [[""] * (deepest - len(lines)) + lines for lines in cells]  # short names stand on the line
        self._cells(padded, top, self.layout.bold)

    def row(self, cells: list[list[str]], top: float) -> None:
        self._cells(cells, top, self.layout.bold if isinstance(cells, _Total) else self.layout.body)
        bottom = top - max(map(len, cells)) * self.layout.size * _LEADING - 2 * _ABOVE
        self.rules.append((SIDE, bottom, self.right, bottom))

    def _cells(self, cells: list[list[str]], top: float, chars: fonts.Widths) -> None:
        layout, text, x = self.layout, self.text, SIDE
        size, scale = layout.size, layout.size / 1000
        base = top - _ABOVE - size * 1.02
        for column, width, lines in zip(layout.table.columns, layout.widths, cells, strict=True):
            for i, line in enumerate(lines):
                if line:
                    face = fonts.REGULAR if chars is layout.body else _face(line, chars)
                    measure = layout.body if face == fonts.REGULAR else chars
                    left = x + width - layout.pad - measure.of(line) * scale if column.numeric else x + layout.pad
                    if face != self.face:
                        self.face = face
                        text.setFont(face, size)
                    text.setTextOrigin(left, base - i * size * _LEADING)
                    text.textOut(line)
            x += width

    def end(self) -> None:
        self.canvas.setStrokeColor(LINE)
        self.canvas.setLineWidth(0.4)
        self.canvas.lines(self.rules)
        self.canvas.drawText(self.text)


def _face(line: str, bold: fonts.Widths) -> str:
    return fonts.BOLD if bold.has(line) else fonts.REGULAR


def _fitting(word: str, room: float, chars: fonts.Widths) -> int:
    used = 0.0
    for count, char in enumerate(word):
        used += chars[char]
        if used > room:
            return max(1, count)
    return len(word)


def _longest_word(chars: fonts.Widths, text: str) -> float:
    return max(map(chars.of, text.split()), default=0.0)


def _wider(page: Page) -> str:
    if page.landscape:
        return "Leave columns out, or use export_create_xlsx."
    return "Pass landscape=true, or leave columns out."

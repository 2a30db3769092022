"""A table of paragraphs inside a report. ReportLab's own measures all rows again on every page, which takes minutes."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from reportlab.platypus import Flowable, Paragraph

from .style import ACCENT, BAND, LINE

Row = list[Paragraph]
_SIDE, _ABOVE, _BELOW = 5.0, 3.5, 4.5  # points around a cell's text
_TORN = 160.0  # points: a higher row may be parted where the page ends, a lower one goes over whole
_LEAST = 48.0  # points of a row that are worth beginning


class Grid(Flowable):
    """Rows under a heading that is repeated on every page. `widths` are the columns' in points."""

    def __init__(self, head: Row, rows: list[Row], widths: list[float], heights: list[float] | None = None) -> None:
        super().__init__()
        self.head, self.rows, self.widths = head, rows, widths
        self.heights = heights or []
        self.spaceBefore, self.spaceAfter = 4.0, 12.0

    def _high(self, row: Row) -> float:
        cells = zip(row, self.widths, strict=True)
        return float(max(cell.wrap(width - 2 * _SIDE, 1e6)[1] for cell, width in cells)) + _ABOVE + _BELOW

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Return the size of all rows."""
        if len(self.heights) != len(self.rows):
            self.heights = [self._high(row) for row in self.rows]
        self.top = self._high(self.head)
        self.width, self.height = sum(self.widths), self.top + sum(self.heights)
        return self.width, self.height

    def split(self, width: float, height: float) -> list[Flowable]:
        """Return what fits into `height`, and the rest; nothing when that is not worth a beginning."""
        self.wrap(width, height)
        room = height - self.top
        fit = sum(used <= room for used in accumulate(self.heights))
        if fit:
            return [self._part(self.rows[:fit], self.heights[:fit]), self._part(self.rows[fit:], self.heights[fit:])]
        if not self.rows or self.heights[0] < _TORN or room < _LEAST:
            return []
        upper, lower = self._torn(self.rows[0], room - _ABOVE - _BELOW)
        rest = self._part([lower, *self.rows[1:]], [self._high(lower), *self.heights[1:]])
        return [self._part([upper], [self._high(upper)]), rest]

    def _part(self, rows: list[Row], heights: list[float]) -> Grid:
        return Grid(self.head, rows, self.widths, heights)

    def _torn(self, row: Row, room: float) -> tuple[Row, Row]:
        upper, lower = [], []
        for cell, width in zip(row, self.widths, strict=True):
            parts: list[Any] = cell.split(width - 2 * _SIDE, room) or [Paragraph("", cell.style), cell]
            upper.append(parts[0])
            lower.append(parts[1] if len(parts) > 1 else Paragraph("", cell.style))
        return upper, lower

    def draw(self) -> None:
        """Draw band, lines and cells."""
        canvas, y = self.canv, self.height
        canvas.saveState()
        canvas.setFillColor(BAND)
        canvas.rect(0, y - self.top, self.width, self.top, stroke=0, fill=1)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.4)
        for bottom in accumulate(self.heights, initial=self.top):
            canvas.line(0, y - bottom, self.width, y - bottom)
        canvas.setStrokeColor(ACCENT)
        canvas.setLineWidth(0.9)
        canvas.line(0, y - self.top, self.width, y - self.top)
        canvas.restoreState()
        self._draw(self.head, y, self.top, low=True)
        y -= self.top
        for row, height in zip(self.rows, self.heights, strict=True):
            self._draw(row, y, height)
            y -= height

    def _draw(self, row: Row, top: float, height: float, low: bool = False) -> None:
        x = 0.0
        for cell, width in zip(row, self.widths, strict=True):
            own = cell.wrapOn(self.canv, width - 2 * _SIDE, height)[1]
            cell.drawOn(self.canv, x + _SIDE, top - height + _BELOW if low else top - _ABOVE - own)
            x += width

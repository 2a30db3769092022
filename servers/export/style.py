"""How the PDFs look: paper, colours, sizes, what stands at the top and at the foot of a page, and column widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from . import fonts
from .languages import LANGUAGES, Language

INK, MUTED, ACCENT = HexColor("#1f2933"), HexColor("#66727f"), HexColor("#1f4e79")
LINE, BAND, SHADE = HexColor("#d8dee6"), HexColor("#e9eff5"), HexColor("#f4f6f8")
SIDE, TOP, FOOT = 18 * mm, 20 * mm, 20 * mm


@dataclass(frozen=True)
class Page:
    """The paper and what is repeated on it: the title at the top of every page but the first, `footer` on all."""

    language: Language
    title: str = ""
    footer: str = ""
    landscape: bool = False

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points (A4)."""
        return (A4[1], A4[0]) if self.landscape else (A4[0], A4[1])

    @property
    def width(self) -> float:
        """The width between the margins in points."""
        return self.size[0] - 2 * SIDE

    def canvas(self, out: Any, **options: Any) -> Any:
        """Return what the PDF is drawn on. The same document gives the same bytes: no clock, no chance (invariant)."""
        made: Any = Canvas
        # Without a first font every PDF names Helvetica, which is not embedded.
        own = {"invariant": 1, "pageCompression": 1, "initialFontName": fonts.REGULAR, "lang": self.language.tag}
        canvas = made(out, **{**options, **own, "pagesize": self.size})
        canvas.setTitle(self.title or " ")
        canvas.setAuthor("")
        canvas.setSubject("")
        canvas.setCreator("Flotilla")
        return canvas

    def dress(self, canvas: Any, number: int, total: int) -> None:
        """Draw what stands at the top and at the foot of a page."""
        right = self.size[0] - SIDE
        canvas.saveState()
        canvas.setFillColor(MUTED)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.5)
        if number > 1 and self.title:
            canvas.setFont(fonts.REGULAR, 8)
            canvas.drawString(SIDE, self.size[1] - 12.5 * mm, shortened(self.title, 8, self.width))
            canvas.line(SIDE, self.size[1] - 14.5 * mm, right, self.size[1] - 14.5 * mm)
        canvas.line(SIDE, 15 * mm, right, 15 * mm)
        canvas.setFont(fonts.REGULAR, 8)
        count = f"{self.language.page} {number} / {total}"
        canvas.drawRightString(right, 10.8 * mm, count)
        canvas.drawString(SIDE, 10.8 * mm, shortened(self.footer, 8, self.width - 30 * mm))
        canvas.restoreState()


def page(title: str | None, footer: str | None, landscape: bool, language: str) -> Page:
    """Return the page of a call's arguments."""
    title, footer = (" ".join(fonts.drawable(text or "").split()) for text in (title, footer))
    return Page(LANGUAGES[language], title, footer, landscape)


def shortened(text: str, size: float, room: float) -> str:
    """Cut a line that is too long for its place."""
    if stringWidth(text, fonts.REGULAR, size) <= room:
        return text
    text = text[:400]
    while text and stringWidth(text + "…", fonts.REGULAR, size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def needed(room: float, natural: Sequence[float], widest_words: Sequence[float]) -> list[float]:
    """Return how wide columns must be for words to stay whole; longer ones than a fifth of the room may be broken."""
    return [min(n, w, room / 5) for n, w in zip(natural, widest_words, strict=True)]


def shared(room: float, natural: Sequence[float], widest_words: Sequence[float]) -> list[float]:
    """Return column widths that fill `room`.

    Columns that fit keep their natural width; wide ones share what is left, none narrower than its longest word while
    that can be had. Spare room goes to all in proportion, up to half as much again, so that small tables stay small.
    """
    total = sum(natural)
    if total <= room:
        spread = min(room / total, 1.5) if total else 1.0
        return [width * (spread if spread < 1.5 or total > room / 3 else 1.3) for width in natural]
    least = needed(room, natural, widest_words)
    if sum(least) > room:
        return [room * width / sum(least) for width in least]
    open_, left, got = set(range(len(natural))), room, list(natural)
    while open_:
        fair = left / len(open_)
        fits = {i for i in open_ if natural[i] <= fair} or {i for i in open_ if least[i] >= fair}
        if not fits:
            for i in open_:
                got[i] = fair
            break
        for i in fits:
            got[i] = natural[i] if natural[i] <= fair else least[i]
            left -= got[i]
        open_ -= fits
    return got

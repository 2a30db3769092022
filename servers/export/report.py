"""Markdown reports as PDF: headings with bookmarks, lists, tables, code, quotes, links and pictures, "page x / y"."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, BinaryIO, Literal

from markdown_it.tree import SyntaxTreeNode as Node
from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    HRFlowable,
    Image,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    XPreformatted,
)
from reportlab.platypus.doctemplate import LayoutError

from flotilla import errors

from . import fonts, markdown
from .grid import Grid
from .pictures import Prepared, prepared
from .style import ACCENT, FOOT, INK, LINE, MUTED, SHADE, SIDE, TOP, Page, shared
from .work import Check, Made

MOST_CHARACTERS = 1_000_000
_LONGEST_LINE = 50_000  # characters: the parser takes its time with what nobody wrote by hand
_DEEPEST = 6  # levels of lists and quotes that are still indented
_INDENT = 15.0
_BEGINNING = 75.0  # points of a text or table that must fit under its heading, else both go to the next page
_LONGEST_HEADING = 400  # characters; more is a paragraph, since headings are never parted
BAR = HexColor("#c3cedb")
_BULLETS = ("•", "–", "▪")
_HEADINGS = ((19, 6, 8), (14.5, 16, 5), (12, 13, 4), (10.5, 11, 3), (10, 10, 3), (10, 10, 3))  # size, above, below

BODY = ParagraphStyle(
    "body",
    fontName=fonts.REGULAR,
    fontSize=10,
    leading=14.6,
    textColor=INK,
    spaceAfter=7.5,
    allowWidows=0,
    allowOrphans=0,
)
CAPTION = ParagraphStyle("caption", BODY, fontName=fonts.ITALIC, fontSize=8.5, leading=12, textColor=MUTED)
CODE = ParagraphStyle("code", BODY, fontName=fonts.MONO, fontSize=8.2, leading=11.6, spaceBefore=2, spaceAfter=10)
CELL = ParagraphStyle("cell", BODY, fontSize=8.8, leading=12, spaceAfter=0)
_SIDES: dict[str, Literal[0, 1, 2]] = {"text-align:right": 2, "text-align:center": 1}
TITLE = ParagraphStyle("title", BODY, fontName=fonts.BOLD, fontSize=22, leading=27, textColor=ACCENT, spaceAfter=6)


class _Heading(Paragraph):
    """A heading that bookmarks itself, so that readers show an outline and links find it."""

    def __init__(self, text: str, style: ParagraphStyle, label: str, anchor: str, level: int) -> None:
        super().__init__(text, style)
        self.label, self.anchor, self.level = label, anchor, level

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(self.anchor, 0, self.height + 6)
        self.canv.addOutlineEntry(self.label, self.anchor, self.level, closed=self.level > 1)
        super().draw()

    def split(self, width: float, height: float) -> list[Flowable]:
        return []  # a bookmark more than once would be wrong, and a torn heading ugly


class _Set(Flowable):
    """A flowable set in from the left, with the bars of the quotes it is in, and a shade behind it if it is code."""

    def __init__(self, inner: Flowable, place: _Place, shaded: bool = False) -> None:
        super().__init__()
        self.inner, self.place, self.shaded = inner, place, shaded
        self.pad, self.ends = (7.0 if shaded else 0.0), set[float]()
        self.spaceBefore, self.spaceAfter = inner.getSpaceBefore(), inner.getSpaceAfter()
        self.keepWithNext = getattr(inner, "keepWithNext", 0) or getattr(
            getattr(inner, "style", None), "keepWithNext", 0
        )

    def room(self, width: float) -> float:
        """Return the width for the inner flowable."""
        return width - self.place.left - 2 * self.pad

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        inner = self.inner.wrapOn(self.canv, self.room(width), height - 2 * self.pad)
        self.width, self.height = width, inner[1] + 2 * self.pad
        return self.width, self.height

    def split(self, width: float, height: float) -> list[Flowable]:
        parts = self.inner.splitOn(self.canv, self.room(width), height - 2 * self.pad)
        made = [_Set(part, self.place, self.shaded) for part in parts]
        for part, following in pairwise(made):
            part.spaceAfter = following.spaceBefore = 0
            part.ends = set(self.place.bars)
        for part in made[-1:]:
            part.spaceAfter, part.ends = self.spaceAfter, self.ends
        return list(made)

    def draw(self) -> None:
        canvas, left = self.canv, self.place.left
        canvas.saveState()
        if self.shaded:
            canvas.setFillColor(SHADE)
            canvas.roundRect(left, 0, self.width - left, self.height, 3, stroke=0, fill=1)
        canvas.setFillColor(BAR)
        for bar in self.place.bars:
            below = 0 if bar in self.ends else self.spaceAfter
            canvas.rect(bar, -below, 2.5, self.height + below, stroke=0, fill=1)
        canvas.restoreState()
        self.inner.drawOn(canvas, left + self.pad, self.pad)


@dataclass(frozen=True)
class _Place:
    """Where blocks stand: how far in, beside which bars, how deep, in what style. Lengths in points."""

    width: float
    left: float = 0
    bars: tuple[float, ...] = ()
    depth: int = 0
    lists: int = 0
    style: ParagraphStyle = BODY

    @property
    def room(self) -> float:
        """The width that is left."""
        return self.width - self.left

    def set(self, flowable: Flowable, shaded: bool = False) -> Flowable:
        """Return the flowable set in its place."""
        return _Set(flowable, self, shaded) if self.left or self.bars or shaded else flowable

    def inside(self, by: float, style: ParagraphStyle, quote: bool = False) -> _Place:
        """Return the place of what is nested here: in a quote, or in a list."""
        by = by if self.depth < _DEEPEST else 0
        bars = (*self.bars, self.left + 1) if quote and by else self.bars
        return _Place(self.width, self.left + by, bars, self.depth + 1, self.lists + (not quote), style)


class Report:
    """One document on its way from Markdown to flowables."""

    def __init__(self, text: str, page: Page, folder: str, check: Check) -> None:
        fonts.ready()
        self.folder, self.check = folder, check
        self.tree = markdown.parsed(text)
        headings = [node for node in self.tree.walk() if node.type == "heading"]
        plain = markdown.Inline(set())
        self.names: dict[int, str] = {}
        for count, node in enumerate(headings):
            name = markdown.anchor(plain.text(node).plain)
            self.names[id(node)] = f"{name}-{count}" if not name or name in self.names.values() else name
        self.inline = markdown.Inline(set(self.names.values()))
        self.first = plain.text(headings[0]).plain.strip() if headings else ""
        title = page.title or self.first[:_LONGEST_HEADING]
        self.page = replace(page, title=title)
        self.warnings_shown: dict[str, None] = {}
        self.pictures: dict[tuple[str, float], Prepared] = {}  # since every document is built twice

    def flowables(self) -> list[Flowable]:
        """Return the document's flowables, made anew at every call: a build uses them up."""
        self.level = -1  # of the last bookmark: an outline must not skip levels
        out: list[Flowable] = []
        if self.page.title and self.page.title != self.first:
            title = self.inline.literal(self.page.title, fonts.BOLD)
            out += [Paragraph(title.markup, TITLE), HRFlowable("100%", 0.9, color=ACCENT, spaceBefore=0, spaceAfter=14)]
        out += self.blocks(self.tree.children, _Place(self.page.width))
        return out or [Spacer(1, 1)]

    def blocks(self, nodes: list[Node], place: _Place) -> list[Flowable]:
        """Return the flowables of a sequence of blocks."""
        out: list[Flowable] = []
        heads = 0.0  # the height of the headings that wait for what they head
        for node in nodes:
            self.check()
            made = self.block(node, place)
            if node.type == "heading":
                if not heads:
                    start = len(out)
                heads += _high(made[0], place.room)
            elif heads and made:
                first = made[0].inner if isinstance(made[0], _Set) else made[0]
                need = heads + (_high(first, place.room) + 20 if isinstance(first, Image) else _BEGINNING)
                out.insert(start, CondPageBreak(min(need, self.page.size[1] * 0.8)))
                heads = 0.0
            out += made
        return out

    def block(self, node: Node, place: _Place) -> list[Flowable]:
        """Return the flowables of one block."""
        kind = node.type
        if kind == "paragraph":
            return list(self.paragraph(node, place))
        if kind == "heading":
            return [place.set(self.heading(node))]
        if kind in ("bullet_list", "ordered_list"):
            return self.items(node, place)
        if kind == "blockquote":
            return self.quote(node, place)
        if kind in ("fence", "code_block"):
            return [self.code(node.content, place)]
        if kind == "table":
            return [place.set(self.table(node, place.room))]
        if kind == "hr":
            return [place.set(HRFlowable("100%", 0.7, color=LINE, spaceBefore=6, spaceAfter=12))]
        if markdown.is_page_break(node):
            return [PageBreak()]
        text = self.inline.html(node.content)
        return [place.set(Paragraph(text.markup, place.style))] if text.plain.strip() else []

    def paragraph(self, node: Node, place: _Place) -> Iterator[Flowable]:
        """Return a paragraph, or several with pictures between them."""
        return self.pieces(self.inline.pieces(node), place)

    def pieces(self, pieces: Iterable[markdown.Text | markdown.Picture], place: _Place) -> Iterator[Flowable]:
        """Return the texts and pictures of a paragraph."""
        for piece in pieces:
            if isinstance(piece, markdown.Text):
                yield place.set(Paragraph(piece.markup, place.style))
            else:
                yield from map(place.set, self.figure(piece, place.room))

    def figure(self, piece: markdown.Picture, width: float) -> list[Flowable]:
        """Return a picture with its caption, or the caption alone where it cannot be shown."""
        caption = self.inline.literal(piece.caption, fonts.ITALIC).markup
        try:
            key = piece.source, width
            ready = self.pictures.get(key) or prepared(piece.source, self.folder, width, self.page.size[1] * 0.6)
            self.pictures[key] = ready
        except errors.FlotillaError as problem:
            name = errors.excerpt(piece.source, 80)
            self.warnings_shown[f"The picture {name} was left out. {problem.message}"] = None
            return [Paragraph(caption or self.inline.literal(f"[{name}]", fonts.ITALIC).markup, CAPTION)]
        image: Any = Image(io.BytesIO(ready.data), ready.width, ready.height, hAlign="LEFT")
        image.spaceAfter = 4 if piece.caption else 8
        if not piece.caption:
            return [image]
        image.keepWithNext = 1
        return [image, Paragraph(caption, CAPTION)]

    def heading(self, node: Node) -> Flowable:
        """Return a heading, with its place in the outline."""
        depth = int(node.tag[1]) - 1
        size, above, below = _HEADINGS[depth]
        style = ParagraphStyle(
            f"h{depth}", BODY, fontName=fonts.BOLD, fontSize=size, leading=size * 1.25, spaceBefore=above,
            spaceAfter=below, textColor=ACCENT if depth < 2 else INK,
        )  # fmt: skip
        text = self.inline.text(node, fonts.BOLD)
        if len(text.plain) > _LONGEST_HEADING:
            return Paragraph(text.markup, ParagraphStyle("long", BODY, fontName=fonts.BOLD))
        self.level = min(depth, self.level + 1)
        return _Heading(text.markup or "&nbsp;", style, text.plain or "–", self.names[id(node)], self.level)

    def items(self, node: Node, place: _Place) -> list[Flowable]:
        """Return a list; an item's further blocks stand under its first one."""
        start = int(node.attrs.get("start", 1))
        ordered = node.type == "ordered_list"
        indent = _INDENT + (5.5 * (len(str(start + len(node.children))) - 1) if ordered else 0)
        loose = any(not child.hidden for item in node.children for child in item.children if child.type == "paragraph")
        style = ParagraphStyle("item", place.style, spaceAfter=BODY.spaceAfter if loose else 3)
        inner = place.inside(indent, style)
        out: list[Flowable] = []
        for count, item in enumerate(node.children):
            mark = f"{start + count}." if ordered else _BULLETS[min(place.lists, 2)]
            out += self.item(item.children, mark, inner, indent)
        if isinstance(out[-1], _Set) and not loose and style.spaceAfter < place.style.spaceAfter:
            out[-1].spaceAfter = place.style.spaceAfter
        return out

    def item(self, nodes: list[Node], mark: str, place: _Place, indent: float) -> list[Flowable]:
        """Return an item with its bullet or number, a task with its box."""
        first, rest = (nodes[0], nodes[1:]) if nodes and nodes[0].type == "paragraph" else (None, nodes)
        pieces = list(self.inline.pieces(first)) if first else []
        text = pieces[0] if pieces and isinstance(pieces[0], markdown.Text) else markdown.Text("&nbsp;", "")
        more = pieces[1:] if pieces[:1] == [text] else pieces
        for box, sign in (("[ ] ", "☐"), ("[x] ", "☑"), ("[X] ", "☑")):
            if text.plain.startswith(box):
                text, mark = text._replace(markup=text.markup.removeprefix(box)), sign
        hung = ParagraphStyle(
            "hung", place.style, bulletFontName=fonts.REGULAR, bulletFontSize=BODY.fontSize, bulletColor=ACCENT,
            bulletIndent=-indent + (0 if mark[0].isdigit() else 3),
        )  # fmt: skip
        out: list[Flowable] = [place.set(Paragraph(text.markup, hung, bulletText=mark))]
        return [*out, *self.pieces(more, place), *self.blocks(rest, place)]

    def quote(self, node: Node, place: _Place) -> list[Flowable]:
        """Return blocks with a bar beside them."""
        inner = place.inside(_INDENT, ParagraphStyle("quote", place.style, textColor=MUTED), quote=True)
        parts = self.blocks(node.children, inner)
        if parts and isinstance(parts[-1], _Set):
            parts[-1].ends.add(place.left + 1)
            parts[-1].spaceAfter = max(parts[-1].spaceAfter, 10)
        return parts

    def code(self, text: str, place: _Place) -> Flowable:
        """Return a code block; lines that are too long go on in the next one, indented."""
        most = max(10, int((place.room - 14) / stringWidth("0", CODE.fontName, CODE.fontSize)))
        lines = []
        for line in fonts.drawable(text.rstrip("\n")).split("\n"):
            lines.append(line[:most])
            lines += ["    " + line[i : i + most - 4] for i in range(most, len(line), most - 4)]
        markup = self.inline.literal("\n".join(lines), fonts.MONO).markup
        return place.set(XPreformatted(markup or " ", CODE), shaded=True)

    def table(self, node: Node, width: float) -> Flowable:
        """Return a table, its heading repeated on every page."""
        rows = [row.children for part in node.children for row in part.children]
        sides = [_SIDES.get(str(cell.attrs.get("style", "")), 0) for cell in rows[0]]
        body = [ParagraphStyle(f"cell{side}", CELL, alignment=side) for side in sides]
        head = [ParagraphStyle(f"head{side}", CELL, alignment=side, fontName=fonts.BOLD) for side in sides]
        plain: list[list[str]] = []
        cells = []
        for i, row in enumerate(rows):
            self.check()
            texts = [self.inline.text(cell, fonts.REGULAR if i else fonts.BOLD) for cell in row]
            plain.append([text.plain for text in texts])
            styles = body if i else head
            cells.append([Paragraph(text.markup, style) for text, style in zip(texts, styles, strict=True)])
        return Grid(cells[0], cells[1:], _widths(plain, width))

    def build(self, out: BinaryIO, total: int) -> int:
        """Build the PDF and return how many pages it has."""
        page = self.page
        title = page.title or " "
        document = BaseDocTemplate(out, pagesize=page.size, title=title, author="", subject="", creator="Flotilla")
        frame = Frame(SIDE, FOOT, page.width, page.size[1] - TOP - FOOT, 0, 0, 0, 0)
        last = 0

        def dress(canvas: Any, doc: Any) -> None:
            nonlocal last
            self.check()
            last = doc.page
            page.dress(canvas, last, total)

        try:
            document.addPageTemplates(PageTemplate("page", [frame], onPage=dress))
            document.build(self.flowables(), canvasmaker=page.canvas)
        except LayoutError as problem:
            message = f"A part of the report does not fit a page ({errors.excerpt(problem, 80)})."
            raise errors.InvalidInputError(message, "Shorten that part, or nest lists and quotes less.") from None
        return last


def _high(flowable: Any, width: float) -> float:
    """Return how high a flowable is with the space around it."""
    inner = flowable.inner if isinstance(flowable, _Set) else flowable
    return float(inner.wrap(width, 1e6)[1]) + inner.getSpaceBefore() + inner.getSpaceAfter()


def _widths(rows: list[list[str]], width: float) -> list[float]:
    """Return column widths for the plain texts of all rows."""
    chars, scale = fonts.Widths(fonts.BOLD), CELL.fontSize / 1000
    columns = list(zip(*rows, strict=True))
    natural = [max(max(map(chars.of, text.split("\n"))) for text in column) * scale + 11 for column in columns]
    widest_words = [
        max(max(map(chars.of, text.split()), default=0) for text in column) * scale + 11 for column in columns
    ]
    return shared(width, natural, widest_words)


def write_report(out: BinaryIO, text: str, page: Page, folder: str, check: Check) -> Made:
    """Write Markdown as PDF (A4). `folder` is what the paths of pictures are relative to.

    It is built twice, since the first page already says how many there are.
    """
    if len(text) > MOST_CHARACTERS:
        raise errors.InvalidInputError(
            f"The report has {len(text)} characters; {MOST_CHARACTERS} is the most.", "Split it."
        )
    if max(map(len, text.split("\n"))) > _LONGEST_LINE:
        raise errors.InvalidInputError(f"A line has more than {_LONGEST_LINE} characters.", "Break it into paragraphs.")
    report = Report(text, page, folder, check)
    total = report.build(io.BytesIO(), 0)
    pages = report.build(out, total)
    check()
    tags = ["HTML tags are not rendered: they stand as text. Use Markdown."] if report.inline.tags else []
    warnings = [*report.warnings_shown, *tags, *fonts.warnings(report.inline.missing, report.inline.right_to_left)]
    return Made(pages=pages, warnings=warnings)

"""Markdown to the blocks of a document: paragraphs with their style, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

from flotilla import errors

from .inline import BREAK, Run, clean, runs

LONGEST = 500_000  # characters of one text
_DEEPEST = 100  # of markdown-it: two levels a list
_parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


@dataclass
class Paragraph:
    """One paragraph. `style` is a named style of Docs; `list` is bullet, number or "", `level` its depth."""

    runs: list[Run]
    style: str = "NORMAL_TEXT"
    list: str = ""
    level: int = 0
    group: int = 0  # paragraphs of one list have the same
    indent: int = 0  # levels of quotes


@dataclass
class Table:
    """A table; its first row is its header."""

    rows: list[list[list[Run]]] = field(default_factory=list)


Block = Paragraph | Table


def blocks_of(markdown: str, lost: set[str]) -> list[Block]:
    """Return the blocks of a text; raises errors.InvalidInputError where it is too long or nested too deeply."""
    if len(markdown) > LONGEST:
        raise errors.InvalidInputError(
            f"The Markdown is longer than {LONGEST:,} characters.", "Write it in several calls."
        )
    tokens = _parser.parse(clean(markdown))
    if max((token.level for token in tokens), default=0) >= _DEEPEST - 2:  # the parser drops what is deeper
        raise errors.InvalidInputError("The Markdown is nested too deeply.", "Make its lists or quotes flatter.")
    return list(_Reader(lost).blocks(Node(tokens).children, Paragraph([])))


def table_of(rows: Sequence[Sequence[str]], lost: set[str]) -> Table:
    """Return a table of texts with inline Markdown; short rows get empty cells.

    Raises errors.InvalidInputError for a table without cells or with too many.
    """
    width = max((len(row) for row in rows), default=0)
    if not width or len(rows) * width > 2000:
        raise errors.InvalidInputError("A table has 1 to 2,000 cells.", "Pass rows of cells, or insert several tables.")
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    return Table([[_cell(text, lost) for text in row] for row in filled])


def _cell(text: str, lost: set[str]) -> list[Run]:
    if len(text) > 50_000:
        raise errors.InvalidInputError("A cell of a table is too long.", "Make it shorter.")
    return [run for token in _parser.parseInline(clean(text)) for run in runs(token.children or [], lost)]


class _Reader:
    def __init__(self, lost: set[str]) -> None:
        self.lost, self.lists = lost, 0

    def blocks(self, nodes: Sequence[Node], around: Paragraph) -> Iterator[Block]:
        """Yield the blocks of nodes; `around` is the list or quote that they stand in."""
        for node in nodes:
            if node.type in ("paragraph", "heading"):
                style = f"HEADING_{node.tag[1:]}" if node.type == "heading" else "NORMAL_TEXT"
                yield self._made(self._content(node), around, style)
            elif node.type in ("bullet_list", "ordered_list"):
                yield from self._list(node, around)
            elif node.type == "blockquote":
                self.lost.add("quotes are indented paragraphs")
                yield from self.blocks(node.children, self._made([], around, indent=around.indent + 1))
            elif node.type in ("fence", "code_block"):
                if (node.info or "").strip():
                    self.lost.add("languages of code blocks")
                text = node.content.removesuffix("\n").replace("\n", BREAK)
                yield self._made([Run(text or " ", frozenset({"code"}))], around)
            elif node.type == "table":
                rows = [row for part in node.children for row in part.children]
                if any("style" in cell.attrs for row in rows for cell in row.children):
                    self.lost.add("alignment of columns")
                yield Table([[self._content(cell) for cell in row.children] for row in rows])
            elif node.type == "hr":
                self.lost.add("horizontal rules")
            elif node.type == "html_block" and not node.content.lstrip().startswith("<!--"):
                self.lost.add("HTML tags are plain text")
                yield self._made([Run(node.content.strip().replace("\n", BREAK))], around)

    def _list(self, node: Node, around: Paragraph) -> Iterator[Block]:
        kind = "number" if node.type == "ordered_list" else "bullet"
        if around.list and around.list != kind:
            self.lost.add("a list inside a list of another kind becomes one of the outer kind")
            kind = around.list
        if not around.list:
            self.lists += 1
        if node.attrs.get("start", 1) != 1:
            self.lost.add("numbered lists begin at 1")
        level = around.level + 1 if around.list else 0
        if level > 8:
            self.lost.add("list levels below the ninth become the ninth")
        for item in node.children:
            inner = self._made([], around, list=kind, level=min(level, 8), group=self.lists)
            rest = list(item.children)
            lead = rest.pop(0) if rest and rest[0].type in ("paragraph", "heading") else None
            yield self._made(self._content(lead), inner) if lead else inner
            for child in rest:
                if child.type.endswith("_list"):
                    yield from self._list(child, inner)
                else:
                    self.lost.add("further paragraphs of list items become items")
                    yield from self.blocks([child], inner)

    def _content(self, node: Node) -> list[Run]:
        tokens = [token for child in node.children if child.token for token in child.token.children or []]
        return list(runs(tokens, self.lost))

    def _made(self, content: list[Run], around: Paragraph, style: str = "NORMAL_TEXT", **more: int | str) -> Paragraph:
        same = {"list": around.list, "level": around.level, "group": around.group, "indent": around.indent}
        return Paragraph(content, style, **{**same, **more})  # type: ignore[arg-type]

"""Markdown as a stream of blocks with ReportLab's inline markup: the parser's tree without its details.

CommonMark with tables and strikethrough, by markdown-it-py. HTML is not rendered: comments vanish, `<br>` breaks the
line, `<!-- pagebreak -->` the page, anything else stands as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from textwrap import wrap
from typing import ClassVar, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

from . import fonts

_SAFE_LINK = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)
_PAGE_BREAK = re.compile(r"<!--\s*page-?break\s*-->|<div style=[\"']page-break-after:\s*always;?[\"']>\s*</div>", re.I)
# Spaces that no line should break at: in 1 234, 12 €, « quoted » and before French punctuation.
_TIED = re.compile(r"(?<=\d) (?=\d{3}(?!\d))|(?<=\d) (?=[€$£%°])|(?<=«) | (?=[»;:!?](?:\s|$))")
_ENDLESS = re.compile(r"\S{2000,}")  # no word: ReportLab would take minutes to break it
_LINK = "#1f4e79"
_CODE = "#eef1f4"


class Text(NamedTuple):
    """Inline markup for a Paragraph, with the plain text beside it."""

    markup: str
    plain: str


class Picture(NamedTuple):
    """An image: where its file is, and what it shows."""

    source: str
    caption: str


def parsed(text: str) -> Node:
    """Return the tree of a document."""
    return Node(
        MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"]).parse(text)
    )


def is_page_break(node: Node) -> bool:
    """Tell whether an HTML block is a page break."""
    return bool(_PAGE_BREAK.search(node.content))


def anchor(heading: str) -> str:
    """Return the name that `[…](#name)` links to, made as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Inline:
    """Renders inline content; remembers the anchors that may be linked to and the characters that no face has."""

    def __init__(self, anchors: set[str]) -> None:
        self.anchors = anchors
        self.missing: set[str] = set()
        self.right_to_left = self.tags = False

    def pieces(self, node: Node) -> Iterator[Text | Picture]:
        """Return a paragraph's content: pictures stand by themselves between the texts."""
        markup, plain = "", ""
        for child in self._flat(node):
            if child.type == "image":
                if plain.strip():
                    yield Text(markup, plain)
                yield Picture(str(child.attrs.get("src", "")), child.content)
                markup, plain = "", ""
                continue
            part = self.one(child, fonts.REGULAR)
            markup, plain = markup + part.markup, plain + part.plain
        if plain.strip() or not markup == plain == "":
            yield Text(markup, plain)

    def text(self, node: Node, face: str = fonts.REGULAR) -> Text:
        """Return inline content as one text, pictures by their captions; `face` is what it is set in."""
        parts = [self.one(child, face) for child in self._flat(node)]
        return Text("".join(p.markup for p in parts), "".join(p.plain for p in parts))

    def literal(self, text: str, face: str = fonts.REGULAR) -> Text:
        """Return text as it is, every character in a face that has it."""
        shown = fonts.drawable(text).replace("\u202f", "\u00a0")  # ReportLab would break the line there
        if face not in (fonts.MONO, fonts.MONO_BOLD):
            shown = _ENDLESS.sub(lambda word: " ".join(wrap(word[0], 100)), _TIED.sub("\u00a0", shown))
        self.right_to_left = self.right_to_left or fonts.turned(shown)
        markup = ""
        for own, part in fonts.runs(shown, face):
            self.missing |= set(part) - fonts.characters(own) - {"\n"}
            part = escape(part)
            markup += f'<font face="{own}">{part}</font>' if own != face else part
        return Text(markup, shown)

    def one(self, node: Node, face: str) -> Text:
        """Return one node of inline content."""
        render = self._RENDERERS.get(node.type)
        return render(self, node, face) if render else self.literal(node.content, face)

    def _flat(self, node: Node) -> Iterator[Node]:
        """Return inline children; a link around a picture gives the picture."""
        for child in node.children:
            if child.type == "inline":
                yield from self._flat(child)
            elif child.type == "link" and [c.type for c in child.children] == ["image"]:
                yield from child.children
            else:
                yield child

    def _children(self, node: Node, face: str) -> Text:
        parts = [self.one(child, face) for child in node.children]
        return Text("".join(p.markup for p in parts), "".join(p.plain for p in parts))

    def _wrapped(self, node: Node, face: str) -> Text:
        tag = {"strong": "b", "em": "i", "s": "strike"}[node.type]
        inner = self._children(node, _styled(face, node.type))
        return Text(f"<{tag}>{inner.markup}</{tag}>", inner.plain)

    def _link(self, node: Node, face: str) -> Text:
        inner, target = self._children(node, face), str(node.attrs.get("href", ""))
        if not _SAFE_LINK.match(target) and target.removeprefix("#") not in self.anchors:
            return inner
        return Text(f'<a href={quoteattr(target)} color="{_LINK}"><u width="0.5">{inner.markup}</u></a>', inner.plain)

    def _code(self, node: Node, face: str) -> Text:
        text = self.literal(node.content, fonts.MONO)
        other = f'<font face="{fonts.REGULAR}"'
        inner = text.markup.replace(other, f'{other} backColor="{_CODE}"')
        return Text(f'<font face="{fonts.MONO}" size="-1" backColor="{_CODE}">{inner}</font>', text.plain)

    def html(self, text: str, face: str = fonts.REGULAR) -> Text:
        """Return HTML as text, comments left out."""
        if re.fullmatch(r"<br\s*/?>", text, re.I):
            return Text("<br/>", "\n")
        text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).strip()
        self.tags = self.tags or bool(text)
        return self.literal(text, face)

    _RENDERERS: ClassVar[dict[str, Callable[[Inline, Node, str], Text]]] = {
        "strong": _wrapped,
        "em": _wrapped,
        "s": _wrapped,
        "link": _link,
        "code_inline": _code,
        "html_inline": lambda self, node, face: self.html(node.content, face),
        "softbreak": lambda self, node, face: Text(" ", " "),
        "hardbreak": lambda self, node, face: Text("<br/>", "\n"),
        "image": lambda self, node, face: self.literal(f"[{node.content}]" if node.content else "", face),
        "inline": _children,
    }


def _styled(face: str, kind: str) -> str:
    """Return the face that bold or italic turns a face into."""
    turned = {
        ("strong", fonts.REGULAR): fonts.BOLD,
        ("strong", fonts.ITALIC): fonts.BOLD_ITALIC,
        ("em", fonts.REGULAR): fonts.ITALIC,
        ("em", fonts.BOLD): fonts.BOLD_ITALIC,
    }
    return turned.get((kind, face), face)

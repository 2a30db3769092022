"""Markdown to Block Kit: rich text, headings, dividers and a table; with mentions of people and channels, and emoji.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

from flotilla import errors

Element = dict[str, Any]
LONGEST = 12_000  # characters of a message, which Slack shows whole
MOST_BLOCKS = 50
LONGEST_HEADING = 150
ROWS, COLUMNS = 100, 20  # of a table
DEEPEST = 8  # levels of lists in each other
BROADCASTS = ("here", "channel", "everyone")
PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 60}).enable(["table", "strikethrough"])
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
_SIGN = re.compile(
    r"(?<![\w@/.])@(?P<person>[^\W_](?:[\w.'-]*\w)?)"
    r"|(?<![\w&/#])\#(?P<channel>[^\W_][\w-]*)"
    r"|(?<![\w:]):(?P<emoji>[a-z0-9_+'-]+):(?![\w:])"
    r"|(?P<link>https?://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)»\]])"
)


@dataclass
class Names:
    """Ids of the people and channels that a text may mention, by the names that stand in it."""

    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)


def mentioned(markdown: str) -> tuple[set[str], set[str]]:
    """Return the names that a text may mention: of people and of channels. Code mentions nobody."""
    people, channels = set[str](), set[str]()
    for node in Node(PARSER.parse(markdown)).walk():
        for sign in _SIGN.finditer(node.content) if node.type == "text" else ():
            if sign["person"]:
                people.add(sign["person"])
            if sign["channel"]:
                channels.add(sign["channel"])
    return people, channels


def to_blocks(markdown: str, names: Names) -> list[Element]:
    """Return a text as blocks; raises errors.InvalidInputError for one that is empty or needs too many."""
    blocks: list[Element] = []
    for node in Node(PARSER.parse(markdown)).children:
        blocks += _block(node, names, has_table=any(block["type"] == "table" for block in blocks))
    joined = _joined(blocks)
    if not joined:
        raise errors.InvalidInputError("The text is empty.", "Pass the text to send.")
    if len(joined) > MOST_BLOCKS:
        raise errors.InvalidInputError(
            f"The text has more than {MOST_BLOCKS} headings, rules and tables.", "Send it in parts."
        )
    return joined


def plain_text(blocks: Sequence[Element], longest: int = 3000) -> str:
    """Return blocks as the plain text that notifications show, escaped as Slack wants it."""
    lines = [line for block in blocks for line in _lines(block)]
    text = "\n".join(lines).strip()
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _block(node: Node, names: Names, *, has_table: bool) -> list[Element]:
    """Return the block or the rich text of one block of Markdown."""
    if node.type == "heading":
        return _heading(node, names)
    if node.type == "hr":
        return [{"type": "divider"}]
    if node.type == "table":
        rows = [[_bare(cell, names) for cell in row.children] for part in node.children for row in part.children]
        if not has_table and len(rows) <= ROWS and max(map(len, rows)) <= COLUMNS:
            cells = [[{"type": "raw_text", "text": cell or " "} for cell in row] for row in rows]
            return [{"type": "table", "rows": cells}]
        return _rich([_preformatted(_aligned(rows))])
    return _rich(list(_elements(node, names, 0)))


def _rich(elements: list[Element]) -> list[Element]:
    return [{"type": "rich_text", "elements": elements}] if elements else []


def _heading(node: Node, names: Names) -> list[Element]:
    text = _bare(node, names)
    if 0 < len(text) <= LONGEST_HEADING:
        return [{"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}]
    bold = [{"type": "text", "text": text, "style": {"bold": True}}] if text else []
    return _rich([{"type": "rich_text_section", "elements": bold}] if bold else [])


def _elements(node: Node, names: Names, depth: int) -> Iterator[Element]:
    """Yield the parts of rich text that a paragraph, list, quotation or piece of code is."""
    if node.type in ("bullet_list", "ordered_list"):
        yield from _list(node, names, min(depth, DEEPEST))
    elif node.type in ("fence", "code_block"):
        yield _preformatted(node.content.rstrip("\n"))
    elif node.type == "blockquote":
        if elements := _flat(node, names):
            yield {"type": "rich_text_quote", "elements": elements}
    elif elements := _inline(node, names):
        yield {"type": "rich_text_section", "elements": elements}


def _preformatted(text: str) -> Element:
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text or " "}]}


def _list(node: Node, names: Names, depth: int) -> Iterator[Element]:
    """Yield a list; one inside of another follows it with a deeper indent, as Slack wants it."""
    style = "ordered" if node.type == "ordered_list" else "bullet"
    sections: list[Element] = []
    for item in node.children:
        nested = [child for child in item.children if child.type in ("bullet_list", "ordered_list")]
        own = [child for child in item.children if child not in nested]
        elements = _parts(own, names) or [{"type": "text", "text": " "}]
        sections.append({"type": "rich_text_section", "elements": elements})
        if nested:
            yield {"type": "rich_text_list", "style": style, "indent": depth, "elements": sections}
            sections = []
            for child in nested:
                yield from _list(child, names, min(depth + 1, DEEPEST))
    if sections:
        yield {"type": "rich_text_list", "style": style, "indent": depth, "elements": sections}


def _flat(node: Node, names: Names) -> list[Element]:
    """Return all that a quotation holds as one run of elements, a line each."""
    parts: list[Element] = []
    for child in node.children:
        if child.type in ("bullet_list", "ordered_list"):
            rows = [[{"type": "text", "text": "• "}, *_flat(item, names)] for item in child.children]
        elif child.type == "blockquote":
            rows = [_flat(child, names)]
        elif child.type in ("fence", "code_block"):
            rows = [[{"type": "text", "text": child.content.rstrip("\n") or " ", "style": {"code": True}}]]
        else:
            rows = [_inline(child, names)]
        for row in filter(None, rows):
            parts += [*([{"type": "text", "text": "\n"}] if parts else []), *row]
    return parts


def _parts(nodes: Sequence[Node], names: Names) -> list[Element]:
    """Return the paragraphs of a list's item, on lines of their own."""
    elements: list[Element] = []
    for node in nodes:
        code = [{"type": "text", "text": node.content.rstrip("\n") or " ", "style": {"code": True}}]
        row = code if node.type in ("fence", "code_block") else _flat(node, names) or _inline(node, names)
        elements += [*([{"type": "text", "text": "\n"}] if elements and row else []), *row]
    return elements


def _inline(node: Node, names: Names, style: frozenset[str] = frozenset(), link: str = "") -> list[Element]:
    """Return the runs of text in a paragraph or a part of it."""
    elements: list[Element] = []
    for child in node.children:
        if child.type in _STYLES:
            elements += _inline(child, names, style | {_STYLES[child.type]}, link)
        elif child.type == "link":
            elements += _inline(child, names, style, str(child.attrs.get("href", "")))
        elif child.type == "image":
            url = str(child.attrs.get("src", ""))
            elements += _run(child.content or url, style, url)
        elif child.type in ("softbreak", "hardbreak"):
            elements += _run("\n", style, link)
        elif child.type == "code_inline":
            elements += _run(child.content, style | {"code"}, link)
        elif child.type == "text" and not link:
            elements += _signs(child.content, names, style)
        elif child.type in ("text", "html_inline", "text_special"):
            elements += _run(child.content, style, link)
        else:
            elements += _inline(child, names, style, link)
    return _merged(elements)


def _run(text: str, style: frozenset[str], link: str = "") -> list[Element]:
    if not text:
        return []
    styled = {"style": dict.fromkeys(sorted(style), True)} if style else {}
    if re.match(r"(?:https?|mailto|tel):", link, re.IGNORECASE):
        return [{"type": "link", "url": link, "text": text, **styled}]
    return [{"type": "text", "text": text, **styled}]


def _signs(text: str, names: Names, style: frozenset[str]) -> list[Element]:
    """Return text with its mentions, emoji and addresses as elements of their own."""
    elements: list[Element] = []
    end = 0
    styled = {"style": dict.fromkeys(sorted(style), True)} if style else {}
    for sign in _SIGN.finditer(text):
        element: Element | None = None
        if sign["person"] in BROADCASTS:
            element = {"type": "broadcast", "range": sign["person"]}
        elif sign["person"] in names.people:
            element = {"type": "user", "user_id": names.people[sign["person"]]}
        elif sign["channel"] in names.channels:
            element = {"type": "channel", "channel_id": names.channels[sign["channel"]]}
        elif sign["emoji"]:
            element = {"type": "emoji", "name": sign["emoji"]}
        elif sign["link"]:
            element = {"type": "link", "url": sign["link"], **styled}
        if element:
            elements += [*_run(text[end : sign.start()], style), element]
            end = sign.end()
    return [*elements, *_run(text[end:], style)]


def _merged(elements: list[Element]) -> list[Element]:
    """Return elements with neighbouring text of one style put together."""
    whole: list[Element] = []
    for one in elements:
        before = whole[-1] if whole else {}
        if one["type"] == before.get("type") == "text" and one.get("style") == before.get("style"):
            whole[-1] = {**before, "text": before["text"] + one["text"]}
        else:
            whole.append(one)
    return whole


def _joined(blocks: list[Element]) -> list[Element]:
    """Return blocks with neighbouring rich text put together, an empty line between its paragraphs."""
    whole: list[Element] = []
    for block in blocks:
        if not (whole and whole[-1]["type"] == block["type"] == "rich_text"):
            whole.append(block)
            continue
        last = whole[-1]["elements"][-1]
        if last["type"] == "rich_text_section":
            last = {**last, "elements": _merged([*last["elements"], {"type": "text", "text": "\n"}])}
        whole[-1] = {"type": "rich_text", "elements": [*whole[-1]["elements"][:-1], last, *block["elements"]]}
    return whole


def _bare(node: Node, names: Names) -> str:
    return " ".join(_words(_inline(node, names)).split())


def _words(elements: Sequence[Element]) -> str:
    """Return the words of elements; a mention stands for its person or channel."""
    parts = []
    for one in elements:
        kind = one["type"]
        if kind in ("text", "link"):
            parts.append(str(one.get("text") or one.get("url") or ""))
        elif kind == "emoji":
            parts.append(f":{one['name']}:")
        elif kind == "broadcast":
            parts.append(f"@{one['range']}")
        else:
            parts.append("@…" if kind == "user" else "#…")
    return "".join(parts)


def _lines(block: Element) -> Iterator[str]:
    if block["type"] == "header":
        yield block["text"]["text"]
    elif block["type"] == "table":
        yield from (" | ".join(cell["text"] for cell in row) for row in block["rows"])
    for part in block.get("elements", ()):
        if part["type"] == "rich_text_list":
            yield from (f"{'  ' * part['indent']}• {_words(item['elements'])}" for item in part["elements"])
        else:
            yield _words(part["elements"])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[n]) if n < len(row) else 0 for row in rows) for n in range(max(map(len, rows)))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows)

"""Blocks to Markdown, and what Markdown cannot express: https://developers.notion.com/reference/block"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .blocks import ICONS
from .richtext import marked

Block = dict[str, Any]  # as the API returns it; `children`, where they were read, stand beside `type`
_ALERTS = {emoji.rstrip("\ufe0f"): name.upper() for name, emoji in ICONS.items()}
_LISTS = {"bulleted_list_item", "numbered_list_item", "to_do", "toggle"}


def markdown_of(blocks: Sequence[Block], lost: set[str]) -> str:
    """Return blocks as Markdown; what it cannot express is added to `lost`."""
    out, before, number = "", "", 0
    for block in blocks:
        kind = block.get("type", "")
        number = number + 1 if kind == before == "numbered_list_item" else 1
        text = _one(block, number, lost)
        if text is None:
            continue
        tight = kind in _LISTS and before in _LISTS
        parted = tight and {kind, before} & {"numbered_list_item"} and kind != before  # two lists, not one
        out += ("" if not out else "\n\n" if parted or not tight else "\n") + text
        before = kind
    return out


def _one(block: Block, number: int, lost: set[str]) -> str | None:
    kind = block.get("type", "")
    make = _MAKERS.get(kind)
    if make is None:
        lost.add(f"blocks of the kind {kind}")
        return None
    body = block.get(kind) or {}
    colour = body.get("color") or "default"
    if colour != "default" and (kind, colour) != ("callout", "gray_background"):
        lost.add("colours")
    return make(block, body, number, lost)


def _below(block: Block, lost: set[str], indent: str) -> str:
    text = markdown_of(block.get("children", ()), lost)
    if block.get("has_children") and "children" not in block:
        lost.add("what is below some blocks: it is too much for one result")
    return ("\n" + _indented(text, indent)) if text else ""


def _indented(text: str, indent: str) -> str:
    return re.sub(r"^(?=.)", indent, text, flags=re.M)


def _paragraph(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    text, below = _lines(body, lost), _below(block, lost, "")
    if below:
        lost.add("the indent of blocks below a paragraph or a heading")
    return text + ("\n" + below if below else "")


def _lines(body: dict[str, Any], lost: set[str]) -> str:
    text = marked(body.get("rich_text", ()), lost).strip()
    return re.sub(r"\n[ \t]*(?=\n)", "<br>", text)  # an empty line would end the paragraph


def _heading(level: int) -> Callable[..., str]:
    def make(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
        below = _below(block, lost, "")
        return "#" * level + " " + _lines(body, lost).replace("\n", "<br>") + ("\n" + below if below else "")

    return make


def _item(sign: str) -> Callable[..., str]:
    def make(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
        start = sign.format(number=number)
        if block["type"] == "to_do":
            start += "[x] " if body.get("checked") else "[ ] "
        if block["type"] == "toggle":
            lost.add("toggles are list items")
        pad = " " * len(sign.format(number=number))
        first = (block.get("children") or [{"type": ""}])[0]["type"]
        gap = "" if first in _LISTS or first == "" else "\n"  # else its text would run into the item's own
        return start + _indented(_lines(body, lost), pad).lstrip() + gap + _below(block, lost, pad)

    return make


def _quote(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    text = _lines(body, lost)
    if block["type"] == "callout":
        icon = body.get("icon") or {}
        emoji = str(icon.get("emoji") or "")
        if icon and not emoji:
            lost.add("icons of callouts")
        name = _ALERTS.get(emoji.rstrip("\ufe0f"), emoji) or "CALLOUT"
        text = f"[!{name}]\n{text}".rstrip("\n")
    below = _below(block, lost, "")
    return re.sub(r"^", "> ", text + ("\n" + below if below else ""), flags=re.M).replace("> \n", ">\n")


def _code(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    text = marked(body.get("rich_text", ()), set(), bare=True)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    language = body.get("language", "")
    return f"{fence}{'' if language == 'plain text' else language.replace(' ', '-')}\n{text}\n{fence}"


def _equation(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    return f"$$\n{body.get('expression', '')}\n$$"


def _divider(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    return "---"


def _table(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    rows = [
        [_cell(cell, lost) for cell in row.get("table_row", {}).get("cells", ())] for row in block.get("children", ())
    ]
    if "children" not in block:
        lost.add("what is below some blocks: it is too much for one result")
    if not body.get("has_column_header"):
        lost.add("a table without a header row has its first row as one")
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines[:1], "|" + "---|" * int(body.get("table_width") or 1), *lines[1:]]) if rows else ""


def _cell(cell: Sequence[dict[str, Any]], lost: set[str]) -> str:
    return marked(cell, lost).replace("|", r"\|").replace("\n", "<br>").strip()


def _media(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    where = body.get(body.get("type", ""), {})
    url, caption = str(where.get("url") or body.get("url") or ""), marked(body.get("caption", ()), lost)
    if body.get("type") == "file":
        lost.add("addresses of uploaded files end after an hour")
    name = caption or str(body.get("name") or block["type"].replace("_", " "))
    return f"{'!' if block['type'] == 'image' else ''}[{name}]({re.sub(r'[ ()<>]', _quoted, url)})"


def _quoted(match: re.Match[str]) -> str:
    return f"%{ord(match.group()):02X}"


def _page(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str:
    target = str(next((body[key] for key in ("page_id", "database_id") if body.get(key)), block["id"]))
    title = re.sub(r"([\\\[\]])", r"\\\1", str(body.get("title") or "page"))
    return f"[{title}](https://www.notion.so/{target.replace('-', '')})"


def _passed(loss: str) -> Callable[..., str | None]:
    """Return a maker for blocks that only hold others: these come without it."""

    def make(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> str | None:
        lost.add(loss)
        return _below(block, lost, "").removeprefix("\n") or None

    return make


def _nothing(block: Block, body: dict[str, Any], number: int, lost: set[str]) -> None:
    return None


_MAKERS: dict[str, Callable[..., str | None]] = {
    "paragraph": _paragraph,
    **{f"heading_{level}": _heading(level) for level in (1, 2, 3, 4)},
    "bulleted_list_item": _item("- "),
    "numbered_list_item": _item("{number}. "),
    "to_do": _item("- "),
    "toggle": _item("- "),
    "quote": _quote,
    "callout": _quote,
    "code": _code,
    "equation": _equation,
    "divider": _divider,
    "table": _table,
    **dict.fromkeys(("image", "video", "file", "pdf", "audio", "bookmark", "embed", "link_preview"), _media),
    **dict.fromkeys(("child_page", "child_database", "link_to_page"), _page),
    "column_list": _passed("columns stand one below the other"),
    "column": _passed("columns stand one below the other"),
    "synced_block": _passed("synced blocks are plain ones"),
    "tab": _passed("tabs stand one below the other"),
    "table_of_contents": _nothing,
    "breadcrumb": _nothing,
}

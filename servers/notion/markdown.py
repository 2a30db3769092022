"""Blocks to Markdown, and what Markdown cannot say: https://developers.notion.com/reference/block"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .richtext import marked

Block = dict[str, Any]  # as the API returns it; `children`, where they were read, stand beside `type`
_LISTS = {"bulleted_list_item", "numbered_list_item", "to_do", "toggle"}


def markdown_of(blocks: Sequence[Block], lost: set[str]) -> str:
    """Return blocks as Markdown; what it cannot say is told in `lost`."""
    out, before, number = "", "", 0
    for block in blocks:
        kind = block["type"]
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
    kind = block["type"]
    make = _MAKERS.get(kind)
    if make is None:
        lost.add(f"blocks of the kind {kind}")
        return None
    return make(block, block.get(kind) or {}, number, lost)


def _below(block: Block, lost: set[str], indent: str) -> str:
    text = markdown_of(block.get("children", ()), lost)
    if block.get("has_children") and "children" not in block:
        lost.add("what stands below some blocks: there is too much of it for one answer")
    return ("\n" + _indented(text, indent)) if text else ""


def _indented(text: str, indent: str) -> str:
    return re.sub(r"^(?=.)", indent, text, flags=re.M)


def _paragraph(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    text, below = _lines(told, lost), _below(block, lost, "")
    if below:
        lost.add("the indent of blocks below a paragraph or a heading")
    return text + ("\n" + below if below else "")


def _lines(told: dict[str, Any], lost: set[str]) -> str:
    return marked(told.get("rich_text", ()), lost).strip()


def _heading(level: int) -> Callable[..., str]:
    def make(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
        below = _below(block, lost, "")
        return "#" * level + " " + _lines(told, lost).replace("\n", " ") + ("\n" + below if below else "")

    return make


def _item(sign: str) -> Callable[..., str]:
    def make(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
        start = sign.format(number=number)
        if block["type"] == "to_do":
            start += "[x] " if told.get("checked") else "[ ] "
        if block["type"] == "toggle":
            lost.add("toggles are list items")
        pad = " " * len(sign.format(number=number))
        first = (block.get("children") or [{"type": ""}])[0]["type"]
        gap = "" if first in _LISTS or first == "" else "\n"  # else its text would run into the item's own
        return start + _indented(_lines(told, lost), pad).lstrip() + gap + _below(block, lost, pad)

    return make


def _quote(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    text = _lines(told, lost)
    if block["type"] == "callout":
        icon = told.get("icon") or {}
        text = " ".join(filter(None, (str(icon.get("emoji", "")), text)))
        lost.add("callouts are quotes")
    below = _below(block, lost, "")
    return re.sub(r"^", "> ", text + ("\n" + below if below else ""), flags=re.M).replace("> \n", ">\n")


def _code(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    text = marked(told.get("rich_text", ()), set(), bare=True)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    language = told.get("language", "")
    return f"{fence}{'' if language == 'plain text' else language.replace(' ', '-')}\n{text}\n{fence}"


def _equation(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    return f"$$\n{told.get('expression', '')}\n$$"


def _divider(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    return "---"


def _table(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    rows = [[_cell(cell, lost) for cell in row["table_row"]["cells"]] for row in block.get("children", ())]
    if "children" not in block:
        lost.add("what stands below some blocks: there is too much of it for one answer")
    if not told.get("has_column_header"):
        lost.add("a table without a header row has its first row as one")
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines[:1], "|" + "---|" * int(told.get("table_width") or 1), *lines[1:]]) if rows else ""


def _cell(cell: Sequence[dict[str, Any]], lost: set[str]) -> str:
    return marked(cell, lost).replace("|", r"\|").replace("\n", "<br>").strip()


def _media(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    where = told.get(told.get("type", ""), {})
    url, caption = str(where.get("url") or told.get("url") or ""), marked(told.get("caption", ()), lost)
    if told.get("type") == "file":
        lost.add("addresses of uploaded files end after an hour")
    name = caption or str(told.get("name") or block["type"].replace("_", " "))
    return f"{'!' if block['type'] == 'image' else ''}[{name}]({re.sub(r'[ ()<>]', _quoted, url)})"


def _quoted(found: re.Match[str]) -> str:
    return f"%{ord(found.group()):02X}"


def _page(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str:
    target = str(next((told[key] for key in ("page_id", "database_id") if told.get(key)), block["id"]))
    title = re.sub(r"([\\\[\]])", r"\\\1", str(told.get("title") or "page"))
    return f"[{title}](https://www.notion.so/{target.replace('-', '')})"


def _passed(what: str) -> Callable[..., str | None]:
    """Return a maker for blocks that only hold others: these stand by themselves."""

    def make(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> str | None:
        lost.add(what)
        return _below(block, lost, "").removeprefix("\n") or None

    return make


def _nothing(block: Block, told: dict[str, Any], number: int, lost: set[str]) -> None:
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

"""Blocks that stand on a page already: found by their text, and changed without losing what is around it.

https://developers.notion.com/reference/update-a-block takes a whole text. What of it does not change is sent back as
it was: styles, links, colours, mentions, equations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flotilla import errors
from flotilla.calls.context import current
from flotilla.parsing import folded

from . import content
from .blocks import Block, inline
from .richtext import MOST, PIECE, pieces, plain_text, text_of

Text = list[dict[str, Any]]  # rich text
_OTHER_PAGES = ("child_page", "child_database")
_PAGES = 10  # of a hundred blocks with what stands below them
_RESERVE = 10.0  # seconds of a call that are left for the change
_BLOCK_SIGN = re.compile(r"^(?:(?:#{1,6}|[-*+>]|\d{1,9}[.)])\s+)?(?:\[[ xX]\]\s+)?")
_ALIKE = str.maketrans({"\u00a0": " ", "\u202f": " ", "’": "'", "‘": "'"})  # people and models type the second


@dataclass(frozen=True)
class Place:
    """A text on a page: of a block, or of one cell of a table's row."""

    block: Block
    items: Text
    cell: int | None = None

    @property
    def text(self) -> str:
        """The bare words, as many characters as they were, with plain spaces and apostrophes."""
        return plain_text(self.items).translate(_ALIKE)


async def places(page: str) -> list[Place]:
    """Return the texts of a page, or of what stands below a block, in their order; those of subpages are not read.

    Raises errors.InvalidInputError for a page that is too long for one call: a text could stand in what was not read.
    """
    known: list[Place] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        blocks, cursor = await content.tree(page, cursor)
        known += _inside(blocks)
        if not cursor:
            return known
        if current().left() < _RESERVE:
            break
    raise _too_long()


def _too_long() -> errors.InvalidInputError:
    return errors.InvalidInputError(
        "The page is too long to be searched in one call.",
        "Pass the address of the block above the text as the page: in Notion, ... > Copy link to block.",
    )


def _inside(blocks: Sequence[Block]) -> Iterator[Place]:
    for block in blocks:
        body = block.get(block["type"]) or {}
        if isinstance(body.get("rich_text"), list):
            yield Place(block, body["rich_text"])
        for number, cell in enumerate(body.get("cells") or ()):
            yield Place(block, cell, number)
        if block.get("has_children") and "children" not in block and block["type"] not in _OTHER_PAGES:
            raise _too_long()
        yield from _inside(block.get("children", ()))


def fitting(known: Sequence[Place], text: str) -> tuple[list[Place], str]:
    """Return the places that hold a text, and the text as it stands there.

    The text may be Markdown, as notion_get_page returns it. Raises errors.InvalidInputError for an empty one, and
    errors.NotFoundError where no place has it.
    """
    plain = text.strip().translate(_ALIKE)
    bare = text_of(inline(_BLOCK_SIGN.sub("", plain), set())).strip()
    for wanted in dict.fromkeys(filter(None, (plain, bare))):
        if hits := [place for place in known if wanted in place.text]:
            return hits, wanted
    if not plain:
        raise errors.InvalidInputError("The text to look for is empty.", "Pass words that stand on the page.")
    raise errors.NotFoundError(
        f"The page has no text `{errors.excerpt(plain, 80)}` within one block.",
        "Read the page with notion_get_page, and pass words of a single line of it.",
    )


def one_of(hits: list[Place], wanted: str, hint: str = "") -> Place:
    """Return the only place that is meant: the one whose whole text it is, else the only one that holds it.

    Raises errors.InvalidInputError, with `hint` as one more thing to do, where there are several.
    """
    whole = [place for place in hits if folded(place.text) == folded(wanted)]
    if len(whole or hits) == 1:
        return (whole or hits)[0]
    raise several(whole or hits, wanted, hint)


def several(hits: list[Place], wanted: str, hint: str = "") -> errors.InvalidInputError:
    """Return the refusal of a text that stands at several places."""
    shown = "; ".join(f"`{errors.excerpt(place.text, 80)}`" for place in hits[:5])
    return errors.InvalidInputError(
        f"`{errors.excerpt(wanted, 60)}` stands at {len(hits)} places: {shown}{'; …' if len(hits) > 5 else ''}.",
        f"Pass a longer text that stands at one place only{hint}.",
    )


def occurrences(place: Place, wanted: str) -> list[int]:
    """Return where a text begins in a place, without overlaps."""
    starts: list[int] = []
    at = place.text.find(wanted)
    while at >= 0:
        starts.append(at)
        at = place.text.find(wanted, at + len(wanted))
    return starts


def replaced(place: Place, wanted: str, markdown: str) -> Place:
    """Return a place with another text wherever `wanted` stood; the new words take the style of the first old one.

    Raises errors.InvalidInputError where it would cut a mention, or become longer than Notion allows.
    """
    items = place.items
    for start in reversed(occurrences(place, wanted)):
        items = _spliced(items, start, start + len(wanted), inline(markdown, set()) if markdown else [])
    items = [part for item in items for part in _parts(item)]
    if len(items) > MOST:
        raise errors.InvalidInputError("The block's text would become too long.", "Replace less, or append a block.")
    block = place.block
    if place.cell is not None:
        row = block["table_row"]
        cells = [items if number == place.cell else cell for number, cell in enumerate(row["cells"])]
        block = {**block, "table_row": {**row, "cells": cells}}
    return Place(block, items, place.cell)


def _spliced(items: Text, start: int, end: int, new: Text) -> Text:
    before: Text = []
    after: Text = []
    style: dict[str, Any] | None = None
    at = 0
    for item in items:
        terms = str(item.get("plain_text", ""))
        first, at = at, at + len(terms)
        if at <= start or first >= end:
            (before if at <= start else after).append(item)
            continue
        style = item if style is None else style
        if item["type"] != "text":
            if start > first or end < at:
                raise errors.InvalidInputError(
                    "The text is part of a mention or an equation.", "Pass a text with the whole of it, or around it."
                )
            continue
        if start > first:
            before.append(_cut(item, terms[: start - first]))
        if end < at:
            after.append(_cut(item, terms[end - first :]))
    return [*before, *(_styled(item, style or {}) for item in new), *after]


def _cut(item: dict[str, Any], terms: str) -> dict[str, Any]:
    return {**item, "text": {**item["text"], "content": terms}, "plain_text": terms}


def _styled(item: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """Return new rich text as Notion would return it, with the style of what it replaces where it has none itself."""
    looks = {**(like.get("annotations") or {}), **item.get("annotations", {})}
    item = {**item, "annotations": looks} if looks else item
    if item["type"] == "equation":
        return {**item, "plain_text": item["equation"]["expression"]}
    link = item["text"].get("link") or (like.get("text") or {}).get("link")
    terms = item["text"]["content"]
    return {**item, "text": {"content": terms, **({"link": link} if link else {})}, "plain_text": terms}


def _parts(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an item in pieces of a length that Notion takes."""
    if item["type"] != "text" or len(str(item.get("plain_text", ""))) <= PIECE // 2:
        yield item
        return
    yield from (_cut(item, terms) for terms in pieces(str(item["plain_text"])))


def sent(items: Text) -> Text:
    """Return rich text that Notion returned as it takes it back."""
    return [_sent(item) for item in items]


def _sent(item: dict[str, Any]) -> dict[str, Any]:
    looks = {"annotations": item["annotations"]} if item.get("annotations") else {}
    if item["type"] == "equation":
        return {"type": "equation", "equation": {"expression": item["equation"]["expression"]}, **looks}
    if item["type"] == "mention" and (mention := _mention(item["mention"])):
        return {"type": "mention", "mention": mention, **looks}
    terms = str(item.get("plain_text", ""))
    link = (item.get("text") or {}).get("link") or ({"url": item["href"]} if item.get("href") else None)
    if link and link["url"].startswith("/"):  # to a page of the workspace
        link = {"url": f"https://www.notion.so{link['url']}"}
    return {"type": "text", "text": {"content": terms, **({"link": link} if link else {})}, **looks}


def _mention(mention: dict[str, Any]) -> dict[str, Any] | None:
    """Return a mention as Notion takes it; None for previews of links, which only people can make."""
    kind = mention["type"]
    inner = mention.get(kind) or {}
    if kind in ("user", "page", "database"):
        return {"type": kind, kind: {"id": inner["id"]}}
    if kind in ("date", "template_mention", "custom_emoji"):
        return {"type": kind, kind: inner}
    return None


def update(place: Place, checked: bool | None) -> dict[str, Any]:
    """Return the request body that writes a place's text, and ticks a to-do where `checked` says so."""
    kind = place.block["type"]
    if place.cell is None:
        body: dict[str, Any] = {"rich_text": sent(place.items)}
    else:
        body = {"cells": [sent(cell) for cell in place.block[kind]["cells"]]}
    return {kind: body if checked is None else {**body, "checked": checked}}

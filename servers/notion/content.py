"""A page's content: read as a tree, written in parts; an error says how far writing came.

https://developers.notion.com/reference/patch-block-children
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict

from flotilla import Model, errors, follows, readable
from flotilla.calls.context import current

from .blocks import Block, children, chunks, count, fits, parted
from .client import api
from .richtext import plain_text, text_of

Seek = Callable[[], Awaitable[dict[str, Any] | None]]  # looks for a page that may have been created
READS = 50  # requests that reading one page may take: three a second go through
MOST = 3000  # blocks in one call
_RESERVE = 5.0  # seconds of a call that are left for its result


class AnyBlock(Model):
    """A block as Notion returns it: whatever it holds, it has an id and a type."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str


# -- reading


async def tree(page: str, cursor: str | None) -> tuple[list[Block], str | None]:
    """Return a hundred blocks of a page with everything below them, and the cursor of the next ones.

    Blocks whose children were too many to be read have no `children`.
    """
    first = await _children(page, cursor)
    waiting, left = list(first["results"]), READS
    while waiting:
        block = waiting.pop(0)
        if not block.get("has_children") or block["type"] in ("child_page", "child_database"):
            continue
        below: list[Block] = []
        following: str | None = None
        while left and current().left() > _RESERVE:
            left -= 1
            answer = await _children(block["id"], following)
            below += answer["results"]
            following = answer.get("next_cursor")
            if not following:
                block["children"] = below
                waiting += below
                break
    return first["results"], first.get("next_cursor")


async def _children(block: str, cursor: str | None) -> dict[str, Any]:
    params = {"page_size": 100, "start_cursor": cursor}
    answer = await api.get(f"/blocks/{block}/children", params=params)
    rows = readable(AnyBlock, api.rows_in(answer, "results"))
    return {**answer, "results": [row.model_dump() for row in rows]}


async def terms_of(page: str) -> str:
    """Return the words of a page's first hundred blocks with what stands below them, without spaces."""
    blocks, _ = await tree(page, None)

    def inside(blocks_read: list[Block]) -> Iterator[str]:
        for block in blocks_read:
            yield plain_text(block.get(block["type"], {}).get("rich_text") or ())
            yield from inside(block.get("children", []))

    return "".join("".join(inside(blocks)).split())


def terms(blocks: list[Block]) -> str:
    """Return the words of blocks that are to be written, without spaces."""

    def inside(made: list[Block]) -> Iterator[str]:
        for block in made:
            yield text_of(block[block["type"]].get("rich_text", ()))
            yield from inside(children(block))

    return "".join("".join(inside(blocks)).split())


# -- writing


@dataclass
class Progress:
    """How far writing came: `before` is a sentence on what was created before the blocks."""

    total: int
    page: str
    before: str = ""
    done: int = 0
    last: str = ""

    def wrote(self, blocks: list[Block]) -> None:
        """Count blocks that were certainly written."""
        self.done += count(blocks)
        self.last = next((text for block in reversed(blocks) if (text := _text(block))), self.last)


def checked(blocks: list[Block]) -> list[Block]:
    """Return the blocks; raises errors.InvalidInputError for more than one call can write."""
    if (total := count(blocks)) > MOST:
        raise errors.InvalidInputError(
            f"The Markdown makes {total} blocks, more than {MOST}.", "Write it in several calls."
        )
    return blocks


def leading(blocks: list[Block]) -> list[Block]:
    """Return the blocks that can go along with a new page: its response names no blocks, so they must be complete."""
    part = next(chunks(blocks), [])
    whole = next((n for n, block in enumerate(part) if not fits(block)), len(part))
    return part[:whole]


def announced(blocks: list[Block]) -> None:
    """Show a dry run what `append` writes in further requests, since one cannot carry everything."""
    parts = list(chunks(blocks))
    left = [rest for _, rest in map(parted, parts[0] if parts else []) if rest] + parts[1:]
    if left:
        follows(action="append what one request cannot carry", blocks=left)


def after(block: str) -> dict[str, Any]:
    """Return the position behind a block. https://developers.notion.com/reference/patch-block-children"""
    return {"type": "after_block", "after_block": {"id": block}}


async def append(parent: str, blocks: list[Block], progress: Progress, position: dict[str, Any] | None = None) -> None:
    """Write blocks into a page or block, in as few requests as Notion's limits allow: at the end without a `position`.

    A block that is too deep or too long for one request goes without its children, which follow below its id.
    """
    for part in chunks(blocks):
        if current().left() < _RESERVE:
            raise errors.UpstreamError("The time of one call is over.", "")
        carried = [parted(block) for block in part]
        sent = [block for block, _ in carried]
        answer = await api.patch(f"/blocks/{parent}/children", json={"children": sent, "position": position})
        progress.wrote(sent)
        made = api.rows_in(answer, "results")[: len(sent)]
        if position and made:  # what follows goes behind it
            position = after(made[-1]["id"])
        for (_, rest), block in zip(carried, made, strict=False):
            if rest:
                await append(block["id"], rest, progress)


@contextmanager
def reporting(progress: Progress) -> Iterator[None]:
    """Add to an error what was written and what was not."""
    try:
        yield
    except errors.FlotillaError as error:
        if not (progress.done or progress.before):
            raise
        upto = f", up to `{errors.excerpt(progress.last, 60)}`" if progress.last else ""
        state = f"{progress.before}{progress.done} of {progress.total} blocks are written{upto}; the rest is not."
        raise type(error)(
            f"{error.message} {state}",
            f"Look with notion_get_page at {progress.page}, then add only what is missing with notion_append_block.",
        ) from None


@contextmanager
def counting(changed: list[str], total: int) -> Iterator[None]:
    """Add to an error how many of the blocks were changed."""
    try:
        yield
    except errors.FlotillaError as error:
        if not changed:
            raise
        raise type(error)(
            f"{error.message} {len(changed)} of {total} blocks are changed; the rest are not.",
            "Look with notion_get_page, then call again for the rest.",
        ) from None


async def created(body: dict[str, Any], blocks: list[Block], seek: Seek | None) -> dict[str, Any]:
    """Create a page with what one request can carry, then write the rest; returns the page.

    When the answer is lost, `seek` looks whether the page is there; it must have been certain before that it was not.
    """
    lead = leading(blocks)
    rest = blocks[len(lead) :]
    if rest:
        follows(action="append what one request cannot carry", blocks=rest)
    page = await _made({**body, "children": lead or None}, seek)
    if rest:
        progress = Progress(count(blocks), page["id"], f"The page was created ({page['id']}). ")
        progress.wrote(lead)
        with reporting(progress):
            await append(page["id"], rest, progress)
    return page


async def _made(body: dict[str, Any], seek: Seek | None) -> dict[str, Any]:
    try:
        return await api.post("/pages", json=body)
    except errors.UpstreamError:
        page = None
        if seek and current().may_have_side_effects and current().left() > 2 * _RESERVE:
            with suppress(errors.FlotillaError):  # the first error is the one to report
                page = await seek()
        if page is None:
            raise
        return page


def _text(block: Block) -> str:
    inner = block[block["type"]]
    text = text_of(inner.get("rich_text", ()))
    below = inner.get("children", ())
    return next((inside for child in reversed(below) if (inside := _text(child))), "") or text.strip()

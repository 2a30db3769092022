"""Markdown to blocks: CommonMark with tables, strikethrough, task lists, equations and callouts, by markdown-it-py.

https://developers.notion.com/reference/block
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from markdown_it.tree import SyntaxTreeNode as Node
from pydantic_core import to_json

from flotilla import errors

from .equations import LONGEST as LONGEST_EQUATION
from .richtext import DEEPEST, MOST, PARSER, Picture, Run, rich, runs

Block = dict[str, Any]
_LANGUAGES = """abap abc agda arduino assembly bash basic bnf c c# c++ clojure coffeescript coq css dart dhall diff
docker ebnf elixir elm erlang f# flow fortran gherkin glsl go graphql groovy haskell hcl html idris java javascript json
julia kotlin latex less lisp livescript lua makefile markdown markup matlab mathematica mermaid nix objective-c ocaml
pascal perl php powershell prolog protobuf purescript python r racket reason ruby rust sass scala scheme scss shell
smalltalk solidity sql swift toml typescript vb.net verilog vhdl webassembly xml yaml"""
LANGUAGES = frozenset(_LANGUAGES.split())
_SHORT = {
    "js": "javascript", "jsx": "javascript", "ts": "typescript", "tsx": "typescript", "py": "python", "rb": "ruby",
    "rs": "rust", "kt": "kotlin", "cs": "c#", "csharp": "c#", "cpp": "c++", "golang": "go", "sh": "shell",
    "zsh": "shell", "console": "shell", "yml": "yaml", "md": "markdown", "dockerfile": "docker", "tex": "latex",
    "objc": "objective-c", "make": "makefile", "ps1": "powershell", "proto": "protobuf", "wasm": "webassembly",
}  # fmt: skip
_TASK = re.compile(r"\[([ xX])\](?:\s|$)")
LONGEST = 500_000  # characters of one text
# GitHub's alerts, as callouts; any other emoji stands as itself: [!🔥]
ICONS = {"note": "ℹ️", "tip": "💡", "important": "❗", "warning": "⚠️", "caution": "🛑"}
_CALLOUT = re.compile(r"\[!([^\]\s]{1,20})\]\s*")


def blocks_of(markdown: str) -> tuple[list[Block], list[str]]:
    """Return the blocks of a text, and what could not be kept.

    Raises errors.InvalidInputError for too deep a nesting.
    """
    if len(markdown) > LONGEST:
        raise errors.InvalidInputError(
            f"The Markdown is longer than {LONGEST:,} characters.", "Write it in several calls."
        )
    tokens, lost = PARSER.parse(markdown), set[str]()
    if max((token.level for token in tokens), default=0) >= DEEPEST - 2:  # the parser drops what is deeper
        raise errors.InvalidInputError("The Markdown is nested too deeply.", "Nest its lists or quotes less deeply.")
    return list(_blocks(Node(tokens), lost)), sorted(lost)


def inline(text: str, lost: set[str]) -> list[dict[str, Any]]:
    """Return one text with Markdown's emphasis, code and links as rich text.

    Raises errors.InvalidInputError where too long.
    """
    if len(text) > LONGEST:
        raise errors.InvalidInputError(f"The text is longer than {LONGEST:,} characters.", "Shorten it.")
    text_runs = [_flat(run) for token in PARSER.parseInline(text) for run in runs(token.children or [], lost)]
    elements = rich(text_runs)
    if len(elements) > MOST:
        elements = rich([Run("".join(run.text for run in text_runs))])
        lost.add("emphasis and links in a very long text")
    if len(elements) > MOST:
        raise errors.InvalidInputError(
            "A text is longer than 200,000 characters.", "Shorten it, or write it on the page."
        )
    return elements


def _flat(run: Run | Picture) -> Run:
    """Return a picture as a link, where no block is possible."""
    if isinstance(run, Run):
        return run
    whole = run.url.startswith(("https://", "http://"))
    return Run(run.caption or run.url, link=run.url if whole else "")


def _blocks(node: Node, lost: set[str]) -> Iterator[Block]:
    for child in node.children:
        yield from _MAKERS.get(child.type, _text)(child, lost)


def _block(kind: str, text: list[Any], children: list[Block] | None = None, **more: Any) -> Block:
    return {"type": kind, kind: {"rich_text": text, **more, **({"children": children} if children else {})}}


def _split(kind: str, content: list[Run], rest: str, **more: Any) -> tuple[Block, list[Block]]:
    """Return a block, and blocks of the kind `rest` for the elements that it cannot hold."""
    text, most = rich(content), MOST // 2  # pieces; a hundred of them could weigh more than a request may
    over = [_block(rest, text[n : n + most], **(more if rest == kind else {})) for n in range(most, len(text), most)]
    return _block(kind, text[:most], **more), over


def _content(node: Node, lost: set[str]) -> list[Run | Picture]:
    """Return the inline content of a paragraph, a heading or a cell."""
    return [
        run
        for child in node.children
        if child.type == "inline" and child.children
        for run in runs(child.token.children or [] if child.token else [], lost)
    ]


def _paragraph(node: Node, lost: set[str]) -> Iterator[Block]:
    """Yield a paragraph; pictures become blocks of their own between its parts."""
    yield from _mixed("paragraph", _content(node, lost), lost)


def _mixed(kind: str, content: list[Run | Picture], lost: set[str]) -> Iterator[Block]:
    part: list[Run] = []
    for piece in [*content, None]:
        if isinstance(piece, Run):
            part.append(piece)
            continue
        if piece and not piece.url.startswith(("https://", "http://")):
            lost.add("pictures without a web address")
            part.append(Run(piece.caption))
            continue
        if "".join(run.text for run in part).strip():
            first, over = _split(kind, _trimmed(part), "paragraph")
            yield first
            yield from over
            kind = "paragraph"
        part = []
        if piece:
            caption = {"caption": rich([Run(piece.caption)])[:MOST]} if piece.caption else {}
            yield {"type": "image", "image": {"type": "external", "external": {"url": piece.url}, **caption}}


def _trimmed(part: list[Run]) -> list[Run]:
    """Return the runs without the line ends beside a picture."""
    part = [*part]
    part[0] = part[0]._replace(text=part[0].text.lstrip("\n"))
    part[-1] = part[-1]._replace(text=part[-1].text.rstrip("\n"))
    return part


def _heading(node: Node, lost: set[str]) -> Iterator[Block]:
    level = int(node.tag[1:])
    if level > 4:
        lost.add("headings below the fourth level are of the fourth")
    yield from _mixed(f"heading_{min(level, 4)}", _content(node, lost), lost)


def _items(kind: str) -> Callable[[Node, set[str]], Iterator[Block]]:
    def make(node: Node, lost: set[str]) -> Iterator[Block]:
        if node.attrs.get("start", 1) != 1:
            lost.add("numbered lists begin at 1")
        for item in node.children:
            yield _headed(kind, item, lost)

    return make


def _headed(kind: str, node: Node, lost: set[str]) -> Block:
    """Return a list item or a quote: its first paragraph is its text, the rest its children."""
    rest = list(node.children)
    first = rest.pop(0) if rest and rest[0].type == "paragraph" else None
    content: list[Run | Picture] = []
    more: dict[str, Any] = {}
    if first is not None:
        content = _content(first, lost)
        lead_run = content[0] if content and isinstance(content[0], Run) else Run("")
        task = _TASK.match(lead_run.text)
        callout = _CALLOUT.match(lead_run.text) if kind == "quote" else None
        if task and kind in ("bulleted_list_item", "numbered_list_item"):
            if kind == "numbered_list_item":
                lost.add("numbers of tasks")
            kind, more = "to_do", {"checked": task[1] != " "}
            content[0] = lead_run._replace(text=lead_run.text[task.end() :])
        elif callout and (icon := _icon(callout[1])) is not None:
            kind, more = "callout", ({"icon": {"type": "emoji", "emoji": icon}} if icon else {})
            content[0] = lead_run._replace(text=lead_run.text[callout.end() :])
            while content and isinstance(content[0], Run) and not content[0].text.strip():
                content.pop(0)
    lead = [run for run in content if isinstance(run, Run)]
    under: list[Block] = []
    if len(lead) != len(content):  # its pictures go below it
        lead, after = _before_picture(content)
        under = list(_mixed("paragraph", after, lost))
    block, over = _split(kind, lead, "paragraph", **more)
    below = [*over, *under, *(b for child in rest for b in _MAKERS.get(child.type, _text)(child, lost))]
    if below:
        block[kind]["children"] = below
    return block


def _icon(word: str) -> str | None:
    """Return the emoji of a callout, "" for none; None where the word does not make a callout."""
    if word.lower() == "callout":
        return ""
    emoji = "" if word.isascii() or any(letter.isalpha() for letter in word) else word
    return ICONS.get(word.lower(), emoji or None)


def _before_picture(content: list[Run | Picture]) -> tuple[list[Run], list[Run | Picture]]:
    at = next(n for n, run in enumerate(content) if isinstance(run, Picture))
    return [run for run in content[:at] if isinstance(run, Run)], content[at:]


def _quote(node: Node, lost: set[str]) -> Iterator[Block]:
    yield _headed("quote", node, lost)


def _code(node: Node, lost: set[str]) -> Iterator[Block]:
    named = (node.info or "").split()[:1] if node.type == "fence" else []
    name = _SHORT.get(named[0].lower(), named[0].lower()) if named else "plain text"
    if name not in LANGUAGES and name != "plain text":
        if name not in ("text", "txt", "plain", "plaintext"):
            lost.add(f"the language {errors.excerpt(name, 30)} of a code block")
        name = "plain text"
    block, over = _split("code", [Run(node.content.removesuffix("\n"))], "code", language=name)
    yield from (block, *over)


def _divider(node: Node, lost: set[str]) -> Iterator[Block]:
    yield {"type": "divider", "divider": {}}


def _equation(node: Node, lost: set[str]) -> Iterator[Block]:
    if len(node.content) <= LONGEST_EQUATION:
        yield {"type": "equation", "equation": {"expression": node.content}}
        return
    lost.add("equations of more than 1,000 characters are code")
    block, over = _split("code", [Run(node.content)], "code", language="latex")
    yield from (block, *over)


def _table(node: Node, lost: set[str]) -> Iterator[Block]:
    rows = [row for part in node.children for row in part.children]
    if any(cell.attrs.get("style") for cell in rows[0].children):
        lost.add("alignment of columns")
    width = max(len(row.children) for row in rows)
    table_rows: list[Block] = []
    for row in rows:
        cells = [_cell(cell, lost) for cell in row.children]
        cells += [[] for _ in range(width - len(cells))]
        table_rows.append({"type": "table_row", "table_row": {"cells": cells}})
    table = {"table_width": width, "has_column_header": True, "has_row_header": False, "children": table_rows}
    yield {"type": "table", "table": table}


def _cell(node: Node, lost: set[str]) -> list[dict[str, Any]]:
    text = rich([_flat(run) for run in _content(node, lost)])
    if len(text) > MOST:
        raise errors.InvalidInputError("A cell of a table is too long.", "Shorten it, or write it below the table.")
    return text


def _text(node: Node, lost: set[str]) -> Iterator[Block]:
    """Yield as source text what Notion has no block for; comments are dropped."""
    text = re.sub(r"<!--.*?-->", "", node.content, flags=re.DOTALL).strip() if node.type == "html_block" else ""
    if text:
        lost.add("HTML tags stand as text")
        first, over = _split("paragraph", [Run(text)], "paragraph")
        yield from (first, *over)


_MAKERS: dict[str, Callable[[Node, set[str]], Iterator[Block]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "bullet_list": _items("bulleted_list_item"),
    "ordered_list": _items("numbered_list_item"),
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "hr": _divider,
    "math_block": _equation,
    "table": _table,
}


# -- what fits one request


def children(block: Block) -> list[Block]:
    """Return the blocks directly below a block."""
    return list(block[block["type"]].get("children", ()))


def count(blocks: list[Block]) -> int:
    """Return how many blocks there are, those below them counted in."""
    return sum(1 + count(children(block)) for block in blocks)


def depth(block: Block) -> int:
    """Return how many levels there are below a block."""
    return max((1 + depth(child) for child in children(block)), default=0)


def fits(block: Block) -> bool:
    """Tell whether one request can carry a block with everything below it: two levels, 100 blocks each."""
    below = children(block)
    return depth(block) <= 2 and len(below) <= MOST and all(map(fits, below)) and size([block]) <= HEAVIEST


def parted(block: Block) -> tuple[Block, list[Block]]:
    """Return a block as one request can carry it, and the blocks that must be written below it afterwards.

    A table cannot be without rows, so its first hundred stay.
    """
    if fits(block):
        return block, []
    kind, below = block["type"], children(block)
    keep = MOST if kind == "table" else 0
    bare = {k: v for k, v in block[kind].items() if k != "children"}
    return {"type": kind, kind: {**bare, **({"children": below[:keep]} if keep else {})}}, below[keep:]


HEAVIEST = 400_000  # bytes of one request; Notion takes 500 KB
BLOCKS = 1000  # in one request


def size(blocks: list[Block]) -> int:
    """Return the bytes of blocks in a request."""
    return len(to_json(blocks))


def chunks(blocks: list[Block]) -> Iterator[list[Block]]:
    """Yield the blocks in parts that one request can carry each."""
    part: list[Block] = []
    blocks_so_far = bytes_so_far = 0
    for block in blocks:
        carried, _ = parted(block)
        more, weight = count([carried]), size([carried])
        full = len(part) == MOST or blocks_so_far + more > BLOCKS or bytes_so_far + weight > HEAVIEST
        if part and full:
            yield part
            part, blocks_so_far, bytes_so_far = [], 0, 0
        part.append(block)
        blocks_so_far, bytes_so_far = blocks_so_far + more, bytes_so_far + weight
    if part:
        yield part

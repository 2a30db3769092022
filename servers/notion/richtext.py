"""Inline text, both ways: Markdown's inline tokens to Notion's rich text, and rich text to Markdown.

https://developers.notion.com/reference/rich-text: 2,000 characters a piece, 100 pieces a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markdown_it.token import Token

from flotilla.parsing import code_span, escape_markdown, link_target

PIECE = 2000  # characters of one text, in UTF-16 units, as Notion counts
MOST = 100  # elements of one array
_URL = re.compile(r"(https?://|mailto:|tel:)\S+", re.I)
_BARE = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]»]", re.I)
_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_SIGNS = {"bold": "**", "italic": "*", "strikethrough": "~~"}
_BREAK = re.compile(r"<br\s*/?>", re.I)


class Run(NamedTuple):
    """Text in one style: `marks` are bold, italic, strikethrough, code."""

    text: str
    marks: frozenset[str] = frozenset()
    link: str = ""


class Picture(NamedTuple):
    """An image among text."""

    url: str
    caption: str


def runs(tokens: Sequence[Token], lost: set[str]) -> Iterator[Run | Picture]:
    """Yield what Markdown's inline tokens hold; what cannot be kept is added to `lost`."""
    marks: list[str] = []
    links: list[str] = []
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        link, style = (links[-1] if links else ""), frozenset(marks)
        if kind in _MARKS and edge == "open":
            marks.append(_MARKS[kind])
        elif kind in _MARKS:
            marks.remove(_MARKS[kind])
        elif token.type == "link_open":
            links.append(_kept(str(token.attrs.get("href", "")), lost))
        elif token.type == "link_close":
            links.pop()
        elif token.type in ("softbreak", "hardbreak"):
            yield Run("\n", style, link)
        elif token.type == "code_inline":
            yield Run(token.content, style | {"code"}, link)
        elif token.type == "image":
            yield Picture(str(token.attrs.get("src", "")), token.content)
        elif token.type == "html_inline":
            if not _BREAK.fullmatch(token.content):
                lost.add("HTML tags stand as text")
            yield Run("\n" if _BREAK.fullmatch(token.content) else token.content, style, link)
        elif token.type == "text" and not link:
            yield from _linked(token.content, style)
        else:
            yield Run(token.content, style, link)


def _kept(url: str, lost: set[str]) -> str:
    if _URL.fullmatch(url) and _units(url) <= PIECE:
        return url
    lost.add("links without a whole address are plain text")
    return ""


def _linked(text: str, style: frozenset[str]) -> Iterator[Run]:
    """Yield text, with bare addresses as links: Notion makes none by itself."""
    end = 0
    for match in _BARE.finditer(text):
        if _units(match.group()) <= PIECE:
            yield Run(text[end : match.start()], style)
            yield Run(match.group(), style, match.group())
            end = match.end()
    yield Run(text[end:], style)


def rich(text_runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return rich text as Notion takes it, in pieces."""
    return [_element(part, run) for run in _joined(text_runs) for part in pieces(run.text)]


def _joined(text_runs: Sequence[Run]) -> list[Run]:
    """Return the runs with neighbours of one style put together, and no empty ones."""
    whole: list[Run] = []
    for run in text_runs:
        if whole and whole[-1][1:] == run[1:]:
            whole[-1] = run._replace(text=whole[-1].text + run.text)
        elif run.text:
            whole.append(run)
    return whole


def _element(text: str, run: Run) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": {"content": text}}
    if run.link:
        element["text"]["link"] = {"url": run.link}
    if run.marks:
        element["annotations"] = dict.fromkeys(sorted(run.marks), True)
    return element


def _units(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


def pieces(text: str) -> Iterator[str]:
    """Yield the text in parts of PIECE units at most, at spaces where there are some."""
    while _units(text) > PIECE:
        end, units = 0, 0
        while (units := units + 1 + (text[end] > "\uffff")) <= PIECE:
            end += 1
        space = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end)) + 1
        end = space if space > end // 2 else end
        yield text[:end]
        text = text[end:]
    if text:
        yield text


def plain_text(items: Sequence[dict[str, Any]]) -> str:
    """Return the bare words of rich text."""
    return "".join(str(item.get("plain_text", "")) for item in items if isinstance(item, dict))


# -- rich text to Markdown


def marked(items: Sequence[dict[str, Any]], lost: set[str], *, bare: bool = False) -> str:
    """Return rich text as Markdown; `bare` leaves out signs and escapes, for code."""
    text_runs = _joined([run for item in items if isinstance(item, dict) for run in _read(item, lost)])
    if bare:
        return "".join(run.text for run in text_runs)
    out, open_marks, link = "", list[str](), ""
    for run in [*_loosened(text_runs), Run("")]:
        wanted = [mark for mark in _SIGNS if mark in run.marks]
        if run.link != link:
            out, open_marks = out + _closing(open_marks) + (f"]({link_target(link)})" if link else ""), []
            out, link = out + ("[" if run.link else ""), run.link
        keep = next((n for n, mark in enumerate(open_marks) if mark not in wanted), len(open_marks))
        out, open_marks = out + _closing(open_marks[keep:]), open_marks[:keep]
        new = [mark for mark in wanted if mark not in open_marks]
        out, open_marks = out + "".join(_SIGNS[mark] for mark in new), open_marks + new
        out += (
            code_span(run.text)
            if "code" in run.marks
            else run.text
            if "raw" in run.marks
            else escape_markdown(run.text)
        )
    return out


def _loosened(text_runs: list[Run]) -> list[Run]:
    """Return the runs with spaces at their edges apart: beside a space, a sign would be no sign.

    Such spaces have the style that the words on both sides share.
    """
    parts = [
        Run(part, run.marks, run.link) for run in text_runs for part in re.split(r"^(\s+)|(\s+)$", run.text) if part
    ]
    neighbours = [None if part.text.isspace() else part for part in parts]
    for n, part in enumerate(parts):
        if neighbours[n] is None:
            before = next((word for word in reversed(neighbours[:n]) if word), Run(""))
            after = next((word for word in neighbours[n:] if word), Run(""))
            shared = (before.marks & after.marks) - {"code", "raw"}
            parts[n] = Run(part.text, shared, before.link if before.link == after.link else "")
    return parts


def _read(item: dict[str, Any], lost: set[str]) -> Iterator[Run]:
    annotations = item.get("annotations") or {}
    if annotations.get("underline"):
        lost.add("underlining")
    if annotations.get("color", "default") != "default":
        lost.add("colours")
    marks = frozenset(mark for mark in (*_SIGNS, "code") if annotations.get(mark))
    text = str(item.get("plain_text", ""))
    if item.get("type") == "equation":
        yield Run(f"${item['equation']['expression']}$", marks | {"raw"})
        return
    yield Run(text, marks, str(item.get("href") or ""))


def _closing(marks: list[str]) -> str:
    return "".join(_SIGNS[mark] for mark in reversed(marks))

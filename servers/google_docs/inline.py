"""Runs of text with the same style: Markdown's inline tokens to runs, and runs to Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from markdown_it.token import Token

from flotilla.parsing import code_span, link_target

_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_SIGNS = {"bold": "**", "italic": "*", "strikethrough": "~~"}
_URL = re.compile(r"(https?://|mailto:|tel:)\S+", re.IGNORECASE)
_STRIPPED = re.compile(
    "[\x00-\x08\x0c-\x1f\ue000-\uf8ff\ud800-\udfff]"
)  # the API drops these, and then counts otherwise
BREAK = "\v"  # a line break within a paragraph
MONO = "Roboto Mono"
_MONOS = ("mono", "courier", "consolas", "code", "menlo")


class Run(NamedTuple):
    """Text with one style: `marks` are bold, italic, strikethrough, code."""

    text: str
    marks: frozenset[str] = frozenset()
    link: str = ""


def units(text: str) -> int:
    """Return the length of a text as the API counts it, in UTF-16 units."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def clean(text: str) -> str:
    """Return a text without what the API drops."""
    return _STRIPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def runs(tokens: Sequence[Token], lost: set[str]) -> Iterator[Run]:
    """Yield the runs of Markdown's inline tokens; what cannot be kept is added to `lost`."""
    marks: list[str] = []
    link = ""
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        if kind in _MARKS and edge == "open":
            marks.append(_MARKS[kind])
        elif kind in _MARKS:
            marks.remove(_MARKS[kind])
        elif kind == "link":
            link = _target(str(token.attrs.get("href", "")), lost) if edge == "open" else ""
        elif token.type in ("softbreak", "hardbreak") or _line_break(token):  # a line stays one, as in an address
            yield Run(BREAK, frozenset(marks), link)
        elif token.type == "code_inline":
            yield Run(clean(token.content), frozenset(marks) | {"code"}, link)
        elif token.type == "image":
            lost.add("pictures are links")
            source = _target(str(token.attrs.get("src", "")), lost)
            yield Run(clean(token.content) or source, frozenset(marks), source)
        else:
            if token.type == "html_inline":
                lost.add("HTML tags are plain text")
            yield Run(clean(token.content), frozenset(marks), link)


def _line_break(token: Token) -> bool:
    return token.type == "html_inline" and token.content.startswith("<br")


def _target(url: str, lost: set[str]) -> str:
    if _URL.fullmatch(url):
        return url
    lost.add("links without a complete address are plain text")
    return ""


def mono(font: str) -> bool:
    """Tell whether a font is one for code."""
    return any(word in font.lower() for word in _MONOS)


def marked(styled: Iterable[Run]) -> str:
    """Return runs as Markdown."""
    out, current, link = "", list[str](), ""
    for run in [*_loose(styled), Run("")]:
        wanted = [mark for mark in _SIGNS if mark in run.marks]
        if run.link != link:
            out, current = out + _ends(current) + (f"]({link_target(link)})" if link else ""), []
            out, link = out + ("[" if run.link else ""), run.link
        keep = next((n for n, mark in enumerate(current) if mark not in wanted), len(current))
        out, current = out + _ends(current[keep:]), current[:keep]
        new = [mark for mark in wanted if mark not in current]
        out, current = out + "".join(_SIGNS[mark] for mark in new), current + new
        out += code_span(run.text) if "code" in run.marks else escaped(run.text)
    return out


def _loose(styled: Iterable[Run]) -> list[Run]:
    """Return the runs, joined where neighbours have one style, with the spaces at their edges as runs of their own."""
    whole: list[Run] = []
    for run in styled:
        if whole and whole[-1][1:] == run[1:]:
            whole[-1] = run._replace(text=whole[-1].text + run.text)
        elif run.text:
            whole.append(run)
    parts = [Run(part, run.marks, run.link) for run in whole for part in re.split(r"^(\s+)|(\s+)$", run.text) if part]
    for n, part in enumerate(parts):
        if (
            part.text.isspace()
        ):  # a sign beside a space has no effect in Markdown: a space takes what both neighbours share
            before = next((one for one in reversed(parts[:n]) if not one.text.isspace()), Run(""))
            after = next((one for one in parts[n:] if not one.text.isspace()), Run(""))
            shared = (before.marks & after.marks) - {"code"}
            parts[n] = Run(part.text, shared, before.link if before.link == after.link else "")
    return parts


def _ends(marks: list[str]) -> str:
    return "".join(_SIGNS[mark] for mark in reversed(marks))


def escaped(text: str) -> str:
    """Return text with the signs of Markdown escaped."""
    return re.sub(r"([\\`*_\[\]<>~|])", r"\\\1", text).replace(BREAK, "  \n")

"""Inline text, both ways: Markdown's inline tokens to Notion's rich text, and rich text to Markdown.

https://developers.notion.com/reference/rich-text: 2,000 characters a piece, 100 pieces a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from flotilla.parsing import code_span, escape_markdown, link_target

from .equations import LONGEST, with_equations, writable

PIECE = 2000  # characters of one text, in UTF-16 units, as Notion counts
MOST = 100  # elements of one array
_URL = re.compile(r"(https?://|mailto:|tel:)\S+", re.I)
_BARE = re.compile(r"https?://[^\s<>\"'`]+", re.I)
_HIGHLIGHT = re.compile(r"(?<![=\w])==(?=\S)[^=]+(?<=\S)==(?![=\w])")
_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "s": "strikethrough", "del": "strikethrough",
    "strike": "strikethrough", "u": "underline",
}  # fmt: skip
_TAG = re.compile(rf"<(/?)({'|'.join(_TAGS)})>", re.I)
# How a style begins and ends. Where the signs would not be read as signs, as between «:» and a letter, tags stand.
_SIGNS = {"bold": ("**", "**"), "italic": ("*", "*"), "strikethrough": ("~~", "~~"), "underline": ("<u>", "</u>")}
_TAG_SIGNS = {**_SIGNS, "bold": ("<b>", "</b>"), "italic": ("<i>", "</i>"), "strikethrough": ("<s>", "</s>")}
_BREAK = re.compile(r"<br\s*/?>", re.I)
DEEPEST = 100  # levels of markdown-it: two a list, so 50 lists in each other
PARSER = with_equations(
    MarkdownIt("commonmark", {"html": True, "maxNesting": DEEPEST}).enable(["table", "strikethrough"])
)


class Run(NamedTuple):
    """Text in one style: `marks` are bold, italic, strikethrough, underline, code; equation for LaTeX."""

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
    tags = _paired(tokens)
    for number, token in enumerate(tokens):
        kind, _, edge = token.type.rpartition("_")
        link, style = (links[-1] if links else ""), frozenset(marks)
        if kind in _MARKS and edge == "open":
            marks.append(_MARKS[kind])
        elif kind in _MARKS:
            marks.remove(_MARKS[kind])
        elif tag := tags.get(number):
            if token.content.startswith("</"):
                marks.remove(tag)
            else:
                marks.append(tag)
        elif token.type == "link_open":
            if token.attrs.get("title"):
                lost.add("titles of links")
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
        elif token.type == "math_inline" and _units(token.content) <= LONGEST:
            yield Run(token.content, style | {"equation"})
        elif token.type == "math_inline":
            lost.add("equations of more than 1,000 characters are text")
            yield Run(f"${token.content}$", style)
        elif token.type == "text" and not link:
            if _HIGHLIGHT.search(token.content):
                lost.add("highlighting with == stands as text")
            yield from _linked(token.content, style)
        else:
            yield Run(token.content, style, link)


def _paired(tokens: Sequence[Token]) -> dict[int, str]:
    """Return the HTML tags that begin or end a style, by their place: those that have a counterpart."""
    begun: list[tuple[int, str]] = []
    paired: dict[int, str] = {}
    for number, token in enumerate(tokens):
        tag = _TAG.fullmatch(token.content) if token.type == "html_inline" else None
        if tag is None:
            continue
        mark = _TAGS[tag[2].lower()]
        if not tag[1]:
            begun.append((number, mark))
        elif any(mark == one for _, one in begun):
            while begun[-1][1] != mark:
                begun.pop()
            paired[begun.pop()[0]] = paired[number] = mark
    return paired


def _kept(url: str, lost: set[str]) -> str:
    if _URL.fullmatch(url) and _units(url) <= PIECE:
        return url
    lost.add("links without a whole address are plain text")
    return ""


def _linked(text: str, style: frozenset[str]) -> Iterator[Run]:
    """Yield text, with bare addresses as links: Notion makes none by itself."""
    end = 0
    for match in _BARE.finditer(text):
        address = _without_punctuation(match.group())
        if _units(address) <= PIECE and not address.endswith("//"):
            yield Run(text[end : match.start()], style)
            yield Run(address, style, address)
            end = match.start() + len(address)
    yield Run(text[end:], style)


def _without_punctuation(address: str) -> str:
    """Return an address without what belongs to the sentence around it; brackets in pairs are its own."""
    while address:
        last = address[-1]
        unpaired = last in ")]" and address.count(last) > address.count({")": "(", "]": "["}[last])
        if last not in ".,;:!?»*_~" and not unpaired:
            break
        address = address[:-1]
    return address


def rich(text_runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return rich text as Notion takes it, in pieces."""
    return [
        _element(part, run)
        for run in _joined(text_runs)
        for part in ([run.text] if "equation" in run.marks else pieces(run.text))
    ]


def _joined(text_runs: Sequence[Run]) -> list[Run]:
    """Return the runs with neighbours of one style put together, and no empty ones."""
    whole: list[Run] = []
    for run in text_runs:
        if whole and whole[-1][1:] == run[1:] and "equation" not in run.marks:
            whole[-1] = run._replace(text=whole[-1].text + run.text)
        elif run.text:
            whole.append(run)
    return whole


def _element(text: str, run: Run) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": {"content": text}}
    if "equation" in run.marks:
        element = {"type": "equation", "equation": {"expression": text}}
    elif run.link:
        element["text"]["link"] = {"url": run.link}
    if looks := run.marks - {"equation"}:
        element["annotations"] = dict.fromkeys(sorted(looks), True)
    return element


def text_of(items: Sequence[dict[str, Any]]) -> str:
    """Return the bare words of rich text as `rich` makes it."""
    return "".join(
        item["text"]["content"] if item["type"] == "text" else item["equation"]["expression"] for item in items
    )


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
    loose = _loosened(text_runs)
    text = _signed(loose, _SIGNS, lost)
    if any(run.marks & _SIGNS.keys() for run in loose) and _styles(_parsed(text)) != _styles(loose):
        text = _signed(loose, _TAG_SIGNS, lost)
    return text


def _signed(text_runs: list[Run], signs: dict[str, tuple[str, str]], lost: set[str]) -> str:
    """Return runs as Markdown, with these signs around each style."""
    dollars = sum(run.text.count("$") + ("equation" in run.marks) for run in text_runs) > 1
    out, open_marks, link = "", list[str](), ""
    for run in [*text_runs, Run("")]:
        wanted = [mark for mark in signs if mark in run.marks]
        if run.link != link:
            out, open_marks = out + _closing(open_marks, signs) + (f"]({link_target(link)})" if link else ""), []
            out, link = out + ("[" if run.link else ""), run.link
        keep = next((n for n, mark in enumerate(open_marks) if mark not in wanted), len(open_marks))
        out, open_marks = out + _closing(open_marks[keep:], signs), open_marks[:keep]
        new = [mark for mark in wanted if mark not in open_marks]
        out, open_marks = out + "".join(signs[mark][0] for mark in new), open_marks + new
        out += _escaped(run, dollars, lost)
    return out


def _escaped(run: Run, dollars: bool, lost: set[str]) -> str:
    """Return a run's text as Markdown; `dollars`: two dollar signs could be read as an equation."""
    if "equation" in run.marks and writable(run.text):
        return f"${run.text}$"
    if "equation" in run.marks:
        lost.add("some equations stand as code")
        return code_span(run.text)
    if "code" in run.marks:
        return code_span(run.text)
    text = escape_markdown(run.text)
    return text.replace("$", r"\$") if dollars else text


def _parsed(markdown: str) -> list[Run]:
    pieces = [piece for token in PARSER.parseInline(markdown) for piece in runs(token.children or [], set())]
    return [piece for piece in pieces if isinstance(piece, Run)]


def _styles(text_runs: Sequence[Run]) -> list[tuple[str, frozenset[str]]]:
    """Return each letter with its style; spaces have none that could be seen."""
    return [(letter, run.marks) for run in text_runs for letter in run.text if not letter.isspace()]


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
            shared = (before.marks & after.marks) - {"code", "equation"}
            parts[n] = Run(part.text, shared, before.link if before.link == after.link else "")
    return parts


def _read(item: dict[str, Any], lost: set[str]) -> Iterator[Run]:
    annotations = item.get("annotations") or {}
    if annotations.get("color", "default") != "default":
        lost.add("colours")
    marks = frozenset(mark for mark in (*_SIGNS, "code") if annotations.get(mark))
    text = str(item.get("plain_text", ""))
    if item.get("type") == "equation":
        yield Run(str(item["equation"]["expression"]).strip(), (marks - {"code"}) | {"equation"})
        return
    if item.get("type") == "mention" and (item.get("mention") or {}).get("type") in ("user", "date"):
        lost.add("mentions of people and dates are plain text")
    yield Run(text, marks, str(item.get("href") or ""))


def _closing(marks: list[str], signs: dict[str, tuple[str, str]]) -> str:
    return "".join(signs[mark][1] for mark in reversed(marks))

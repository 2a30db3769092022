"""Where in a document something stands: its paragraphs with their indexes, the sections of its headings, a text.

Indexes count UTF-16 units and belong to a document that was read with its suggestions inline.
https://developers.google.com/workspace/docs/api/concepts/structure
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flotilla import choose, errors

from .inline import units
from .reading import tabs

_OBJECT = "\ufffc"  # stands for what is not text, such as a picture
_LEVELS = {"TITLE": 0, "SUBTITLE": 0, **{f"HEADING_{n}": n for n in range(1, 7)}}


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: `end` is the index behind its newline; `level` is 0 to 6 for a title or heading, None for others.

    `tab` is the id of its tab, "" in the first one. `inner`: it stands in a table.
    """

    start: int
    end: int
    text: str  # without the newline
    level: int | None = None
    tab: str = ""
    inner: bool = False
    before_table: bool = False
    last: bool = False  # of the body or of the cell that it stands in


@dataclass(frozen=True)
class Place:
    """Where blocks are written: in the empty paragraph at `index`, which a newline at `newline` makes where it is set.

    Without a newline the paragraph is there already.
    """

    index: int
    newline: int | None = None
    tab: str = ""


def paragraphs(document: Mapping[str, Any]) -> list[Paragraph]:
    """Return the paragraphs of all tabs, those of tables too, in their order."""
    result: list[Paragraph] = []
    for number, tab in enumerate(tabs(document)):
        name = str((tab.get("tabProperties") or {}).get("tabId", "")) if number else ""
        content = (tab["documentTab"].get("body") or {}).get("content", ())
        result += _paragraphs(content, name, inner=False)
    return result


def _paragraphs(content: Sequence[Mapping[str, Any]], tab: str, inner: bool) -> Iterator[Paragraph]:
    for number, element in enumerate(content):
        if "paragraph" in element:
            following = content[number + 1] if number + 1 < len(content) else None
            style = (element["paragraph"].get("paragraphStyle") or {}).get("namedStyleType", "")
            yield Paragraph(
                start=int(element.get("startIndex", 0)),
                end=int(element.get("endIndex", 0)),
                text=_text(element["paragraph"]).removesuffix("\n"),
                level=_LEVELS.get(style),
                tab=tab,
                inner=inner,
                before_table=following is not None and "table" in following,
                last=following is None,
            )
        for row in (element.get("table") or {}).get("tableRows", ()):
            for cell in row.get("tableCells", ()):
                yield from _paragraphs(cell.get("content", ()), tab, inner=True)


def _text(paragraph: Mapping[str, Any]) -> str:
    text = ""
    for element in paragraph.get("elements", ()):
        if "textRun" in element:
            text += element["textRun"].get("content", "")
        else:
            text += _OBJECT * max(0, int(element.get("endIndex", 0)) - int(element.get("startIndex", 0)))
    return text


def word_count(document: Mapping[str, Any]) -> int:
    """Return how many words the bodies of a document's tabs have."""
    candidates = (word for paragraph in paragraphs(document) for word in paragraph.text.split())
    return sum(any(letter.isalnum() for letter in word) for word in candidates)


def section(document: Mapping[str, Any], heading: str) -> list[Paragraph]:
    """Return the paragraphs of a section: its heading, and what stands below up to the next one of its level or above.

    Paragraphs in tables are left out. Raises errors.NotFoundError with the headings that there are, and
    errors.InvalidInputError where several are meant.
    """
    body = [paragraph for paragraph in paragraphs(document) if not paragraph.inner]
    headings = [one for one in body if one.level is not None and one.text.strip()]
    chosen = choose(
        heading.lstrip("# "),
        headings,
        id=lambda one: f"{one.tab}:{one.start}",
        name=lambda one: one.text.strip(),
        kind="heading",
        listed_by="gdocs_get_document",
    )
    rest = body[body.index(chosen) + 1 :]
    inside = [chosen]
    for paragraph in rest:
        if paragraph.tab != chosen.tab or (paragraph.level is not None and paragraph.level <= (chosen.level or 0)):
            break
        inside.append(paragraph)
    return inside


def section_end(document: Mapping[str, Any], inside: Sequence[Paragraph]) -> int:
    """Return the index behind a section, its tables included; the newline at the end of a tab stays."""
    last = inside[-1]
    body = [one for one in paragraphs(document) if not one.inner and one.tab == last.tab]
    return next((one.start for one in body if one.start > last.start), last.end - 1)


def find_text(document: Mapping[str, Any], text: str) -> tuple[Paragraph, int]:
    """Return the paragraph that holds a text, and the index at which the text begins.

    Raises errors.NotFoundError where it stands nowhere, errors.InvalidInputError where it stands in several places.
    """
    wanted = text.strip("\n")
    hits = [
        (paragraph, at)
        for paragraph in paragraphs(document)
        for at in range(len(paragraph.text))
        if paragraph.text.startswith(wanted, at)
    ]
    shown = errors.excerpt(text, 80)
    if not wanted or not hits:
        raise errors.NotFoundError(
            f"`{shown}` stands nowhere in a paragraph of the document.",
            "Pass plain text of one paragraph as gdocs_get_document shows it, without signs of Markdown.",
        )
    if len(hits) > 1:
        raise errors.InvalidInputError(
            f"`{shown}` stands in {len(hits)} places.", "Pass more of the text around it, so that one place is meant."
        )
    paragraph, at = hits[0]
    return paragraph, paragraph.start + units(paragraph.text[:at])


def place_for(document: Mapping[str, Any], heading: str | None, after: str | None) -> Place:
    """Return the place at the end of a heading's section, behind the paragraph with a text, or at the document's end.

    Raises errors.InvalidInputError where both are given, and what `section` and `find_text` raise.
    """
    if heading and after:
        raise errors.InvalidInputError("Two places are named.", "Pass either `heading` or `after`.")
    if heading:
        inside = section(document, heading)
        filled = [n for n, one in enumerate(inside) if one.text.strip() or one.before_table]
        number = filled[-1]
        last = inside[number]
        if last.before_table:  # a table ends the section: behind it stands a paragraph, of this section or the next
            return _behind_table(document, last)
        return Place(last.end, last.end - 1, last.tab)
    if after:
        paragraph, _ = find_text(document, after)
        return Place(paragraph.end, paragraph.end - 1, paragraph.tab)
    first = next(iter(tabs(document)), {})
    content = (first.get("documentTab", {}).get("body") or {}).get("content") or [{"endIndex": 2}]
    end = int(content[-1].get("endIndex", 2))
    elements = (content[-1].get("paragraph") or {}).get("elements", ())
    has_text = any("textRun" not in one or one["textRun"].get("content", "") != "\n" for one in elements)
    return Place(end, end - 1) if has_text else Place(end - 1)


def _behind_table(document: Mapping[str, Any], before: Paragraph) -> Place:
    body = [one for one in paragraphs(document) if not one.inner and one.tab == before.tab]
    following = next((one for one in body if one.start > before.start), before)
    if not following.text.strip() and following.level is None:
        return Place(following.start, None, following.tab)
    return Place(following.start, following.start, following.tab)  # the new paragraph stands before it


def in_tab(requests: list[dict[str, Any]], tab: str) -> list[dict[str, Any]]:
    """Return requests with the tab that their locations and ranges are in; "" is the first tab, which needs none."""
    return [_with_tab(request, tab) for request in requests] if tab else requests


def _with_tab(part: Any, tab: str) -> Any:
    if not isinstance(part, dict):
        return part
    inner = {name: _with_tab(value, tab) for name, value in part.items()}
    return {**inner, "tabId": tab} if "index" in part or "startIndex" in part else inner

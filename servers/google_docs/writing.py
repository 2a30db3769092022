"""Blocks to the requests that write them: https://developers.google.com/workspace/docs/api/reference/rest/v1/documents/request

All is inserted at one place, the last block first: so nothing has to be known about the size of what comes behind it.
The place is the start of an empty paragraph, which the last block fills.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from .inline import MONO, Run, units
from .parsing import Block, Paragraph, Table

Request = dict[str, Any]
PRESETS = {"bullet": "BULLET_DISC_CIRCLE_SQUARE", "number": "NUMBERED_DECIMAL_NESTED"}
INDENT = 36  # points a level of quotes


def requests_of(blocks: Sequence[Block], at: int) -> list[Request]:
    """Return the requests that write blocks into the empty paragraph at an index."""
    told: list[Request] = []
    parts = [(kind, list(group)) for kind, group in groupby(blocks, key=type)]
    for number, (kind, group) in reversed(list(enumerate(parts))):
        if kind is Table:
            for n, table in reversed(list(enumerate(group))):
                alone = n > 0 or number == 0  # else the text before it fills the paragraph that comes with a table
                told += _table(table, at, alone)  # type: ignore[arg-type]
        else:
            told += _text(group, at)  # type: ignore[arg-type]
    return told


def _text(paragraphs: Sequence[Paragraph], at: int) -> Iterator[Request]:
    lines = ["\t" * p.level + _plain(p) for p in paragraphs]
    text = "\n".join(lines)
    if text:
        yield {"insertText": {"location": {"index": at}, "text": text}}
    yield from _bare(at, at + units(text) + 1)
    begun, groups = at, list[tuple[int, int, Paragraph]]()
    for paragraph, line in zip(paragraphs, lines, strict=True):
        end = begun + units(line) + 1
        style: Request = {"namedStyleType": paragraph.style}
        if paragraph.indent:
            style |= {"indentStart": {"magnitude": INDENT * paragraph.indent, "unit": "PT"}}
            style |= {"indentFirstLine": style["indentStart"]}
        if style != {"namedStyleType": "NORMAL_TEXT"}:
            told = {"range": _range(begun, end), "paragraphStyle": style, "fields": ",".join(style)}
            yield {"updateParagraphStyle": told}
        yield from _looks(_stripped(paragraph), begun + paragraph.level)
        if paragraph.list:
            if groups and groups[-1][2].group == paragraph.group and groups[-1][1] == begun:
                groups[-1] = (groups[-1][0], end, paragraph)
            else:
                groups.append((begun, end, paragraph))
        begun = end
    for start, end, paragraph in reversed(groups):  # this takes the tabs away, so what is behind it moves
        yield {"createParagraphBullets": {"range": _range(start, end), "bulletPreset": PRESETS[paragraph.list]}}


def _stripped(paragraph: Paragraph) -> list[Run]:
    """Return the runs on one line; tabs at the start of a list item would be levels."""
    told = [run._replace(text=run.text.replace("\n", " ")) for run in paragraph.runs]
    while paragraph.list and told and told[0].text.startswith("\t"):
        told[0] = told[0]._replace(text=told[0].text.lstrip("\t"))
        told = told if told[0].text else told[1:]
    return told


def _plain(paragraph: Paragraph) -> str:
    return "".join(run.text for run in _stripped(paragraph))


def _bare(start: int, end: int) -> Iterator[Request]:
    """Yield what takes away the look that new text has from its neighbours."""
    where = _range(start, end)
    yield {"deleteParagraphBullets": {"range": where}}
    plain = {"namedStyleType": "NORMAL_TEXT"}
    told = {"range": where, "paragraphStyle": plain, "fields": "namedStyleType,indentStart,indentFirstLine"}
    yield {"updateParagraphStyle": told}
    yield {"updateTextStyle": {"range": where, "textStyle": {}, "fields": "*"}}


def _looks(told: Sequence[Run], at: int) -> Iterator[Request]:
    for run in told:
        end = at + units(run.text)
        style: Request = dict.fromkeys(sorted(run.marks - {"code"}), True)
        if "code" in run.marks:
            style["weightedFontFamily"] = {"fontFamily": MONO}
        if run.link:
            style["link"] = {"url": run.link}
        if style and run.text:
            yield {"updateTextStyle": {"range": _range(at, end), "textStyle": style, "fields": ",".join(style)}}
        at = end


def _table(table: Table, at: int, alone: bool) -> Iterator[Request]:
    rows, columns = len(table.rows), max(len(row) for row in table.rows)
    yield {"insertTable": {"location": {"index": at}, "rows": rows, "columns": columns}}
    if alone:
        yield from _bare(at, at + 1)
    for r, row in reversed(list(enumerate(table.rows))):
        for c, cell in reversed(list(enumerate(row))):
            # behind the newline that comes with a table: a table opens, a row, a cell; a cell holds its line's end
            place = at + 4 + r * (2 * columns + 1) + 2 * c
            told = [run._replace(text=re.sub(r"\n", " ", run.text)) for run in cell]
            if r == 0:
                told = [run._replace(marks=run.marks | {"bold"}) for run in told]
            text = "".join(run.text for run in told)
            if text:
                yield {"insertText": {"location": {"index": place}, "text": text}}
                yield from _bare(place, place + units(text))
                yield from _looks(told, place)


def _range(start: int, end: int) -> Request:
    return {"startIndex": start, "endIndex": end}

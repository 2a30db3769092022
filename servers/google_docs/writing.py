"""Blocks to the requests that write them: https://developers.google.com/workspace/docs/api/reference/rest/v1/documents/request

Everything is inserted at one index, the last block first, so that the sizes of the blocks behind it need not be known.
The index is the start of an empty paragraph, which the last block fills.
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
    requests: list[Request] = []
    parts = [(kind, list(group)) for kind, group in groupby(blocks, key=type)]
    for number, (kind, group) in reversed(list(enumerate(parts))):
        if kind is Table:
            for n, table in reversed(list(enumerate(group))):
                alone = n > 0 or number == 0  # else the text before it fills the paragraph that Google adds
                requests += _table(table, at, alone)  # type: ignore[arg-type]
        else:
            requests += _text(group, at)  # type: ignore[arg-type]
    return requests


def _text(paragraphs: Sequence[Paragraph], at: int) -> Iterator[Request]:
    lines = ["\t" * p.level + _plain(p) for p in paragraphs]
    text = "\n".join(lines)
    if text:
        yield {"insertText": {"location": {"index": at}, "text": text}}
    yield from _plain_style(at, at + units(text) + 1)
    start, groups = at, list[tuple[int, int, Paragraph]]()
    for paragraph, line in zip(paragraphs, lines, strict=True):
        end = start + units(line) + 1
        style: Request = {"namedStyleType": paragraph.style}
        if paragraph.indent:
            style |= {"indentStart": {"magnitude": INDENT * paragraph.indent, "unit": "PT"}}
            style |= {"indentFirstLine": style["indentStart"]}
        if style != {"namedStyleType": "NORMAL_TEXT"}:
            update = {"range": _range(start, end), "paragraphStyle": style, "fields": ",".join(style)}
            yield {"updateParagraphStyle": update}
        yield from _styles(_stripped(paragraph), start + paragraph.level)
        if paragraph.list:
            if groups and groups[-1][2].group == paragraph.group and groups[-1][1] == start:
                groups[-1] = (groups[-1][0], end, paragraph)
            else:
                groups.append((start, end, paragraph))
        start = end
    for first, last, paragraph in reversed(groups):  # this removes the tabs, so what is behind it moves
        yield {"createParagraphBullets": {"range": _range(first, last), "bulletPreset": PRESETS[paragraph.list]}}


def _stripped(paragraph: Paragraph) -> list[Run]:
    """Return the runs in one line, in a list without the tabs at their start, which would be levels."""
    line = [run._replace(text=run.text.replace("\n", " ")) for run in paragraph.runs]
    while paragraph.list and line and line[0].text.startswith("\t"):
        line[0] = line[0]._replace(text=line[0].text.lstrip("\t"))
        line = line if line[0].text else line[1:]
    return line


def _plain(paragraph: Paragraph) -> str:
    return "".join(run.text for run in _stripped(paragraph))


def _plain_style(start: int, end: int) -> Iterator[Request]:
    """Yield what removes the style that new text takes over from its neighbours."""
    new = _range(start, end)
    yield {"deleteParagraphBullets": {"range": new}}
    normal = {"namedStyleType": "NORMAL_TEXT"}
    update = {"range": new, "paragraphStyle": normal, "fields": "namedStyleType,indentStart,indentFirstLine"}
    yield {"updateParagraphStyle": update}
    yield {"updateTextStyle": {"range": new, "textStyle": {}, "fields": "*"}}


def _styles(runs: Sequence[Run], at: int) -> Iterator[Request]:
    for run in runs:
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
        yield from _plain_style(at, at + 1)
    for r, row in reversed(list(enumerate(table.rows))):
        for c, cell in reversed(list(enumerate(row))):
            # a table begins with a newline, then a mark for the table, each row, each cell; a cell ends with a newline
            place = at + 4 + r * (2 * columns + 1) + 2 * c
            runs = [run._replace(text=re.sub(r"\n", " ", run.text)) for run in cell]
            if r == 0:
                runs = [run._replace(marks=run.marks | {"bold"}) for run in runs]
            text = "".join(run.text for run in runs)
            if text:
                yield {"insertText": {"location": {"index": place}, "text": text}}
                yield from _plain_style(place, place + units(text))
                yield from _styles(runs, place)


def _range(start: int, end: int) -> Request:
    return {"startIndex": start, "endIndex": end}

"""A document to Markdown, and what Markdown cannot express: https://developers.google.com/workspace/docs/api/concepts/structure"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .inline import BREAK, Run, marked, mono

_PLAIN = ("NONE", "GLYPH_TYPE_UNSPECIFIED")
_NAMED = {"TITLE": "# ", "SUBTITLE": "## ", **{f"HEADING_{n}": "#" * n + " " for n in range(1, 7)}}
_LOST = {
    "inlineObjectElement": "pictures",
    "footnoteReference": "footnotes",
    "equation": "equations",
    "autoText": "page numbers",
    "pageBreak": "page breaks",
    "columnBreak": "column breaks",
}
_PLACEHOLDER = re.compile(r"\{\{[^{}\n]{1,60}\}\}")
_START = re.compile(r"^(\s*)([#+=-]|\d+[.)])(?=\s|$|[-=])", re.MULTILINE)


def tabs(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the tabs of a document that have content, each before the tabs below it."""

    def below(some: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for tab in some:
            if isinstance(tab, Mapping):
                if "documentTab" in tab:
                    yield tab
                yield from below(tab.get("childTabs", ()))

    return list(below(document.get("tabs", ())))


def markdown_of(document: Mapping[str, Any], lost: set[str]) -> str:
    """Return a document, read with the content of its tabs, as Markdown; what is lost is added to `lost`."""
    all_tabs = tabs(document)
    if len(all_tabs) < 2:
        return "\n".join(_Tab(tab["documentTab"], lost).markdown() for tab in all_tabs)
    lost.add("tabs stand one below the other; writing goes to the first")
    titles = (str((tab.get("tabProperties") or {}).get("title", "")) for tab in all_tabs)
    texts = (_Tab(tab["documentTab"], lost).markdown() for tab in all_tabs)
    return "\n\n".join(f"# {marked([Run(name)])}\n\n{text}".strip() for name, text in zip(titles, texts, strict=True))


class _Tab:
    def __init__(self, tab: Mapping[str, Any], lost: set[str]) -> None:
        self.content, self.lists = (tab.get("body") or {}).get("content", ()), tab.get("lists") or {}
        self.lost = lost
        self.counts: dict[tuple[str, int], int] = {}
        lost |= {part for part in ("headers", "footers") if tab.get(part)}

    def markdown(self) -> str:
        """Return the body."""
        out, before = "", ""
        for kind, text in self._blocks(self.content):
            if kind == "code" and before == "code":  # its lines were paragraphs
                out = out.removesuffix("\n```") + "\n" + text.removeprefix("```\n")
            elif text:
                out += ("\n" if kind == before == "item" else "\n\n") * bool(out) + text
            before = kind
        return out

    def _blocks(self, content: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        for element in content:
            if "paragraph" in element:
                yield self._paragraph(element["paragraph"])
            elif "table" in element:
                yield "table", self._table(element["table"])
            elif "tableOfContents" in element:
                self.lost.add("tables of contents")

    def _paragraph(self, paragraph: Mapping[str, Any]) -> tuple[str, str]:
        if any("horizontalRule" in one for one in paragraph.get("elements", ())):
            return "rule", "---"
        runs = [run for one in paragraph.get("elements", ()) for run in self._runs(one)]
        if runs:
            runs[-1] = runs[-1]._replace(text=runs[-1].text.removesuffix("\n"))
        text = "".join(run.text for run in runs)
        if not text.strip(f" {BREAK}"):
            return "empty", ""
        layout = paragraph.get("paragraphStyle") or {}
        style = layout.get("namedStyleType", "")
        if "bullet" not in paragraph and (layout.get("indentStart") or {}).get("magnitude"):
            self.lost.add("indents")
        if layout.get("alignment") in ("CENTER", "END", "JUSTIFIED"):
            self.lost.add("alignment")
        if paragraph.get("positionedObjectIds"):
            self.lost.add("pictures")
        if "bullet" in paragraph:
            return "item", self._item(paragraph["bullet"], runs)
        if all("code" in run.marks for run in runs if run.text) and style not in _NAMED:
            return "code", f"```\n{text.replace(BREAK, chr(10))}\n```"
        if style in _NAMED:
            if style.endswith("TITLE"):
                self.lost.add("titles and subtitles are headings")
            return "heading", _NAMED[style] + marked(runs).replace("  \n", " ").strip()
        return "paragraph", _START.sub(_escaped_sign, marked(runs).strip())

    def _item(self, bullet: Mapping[str, Any], runs: list[Run]) -> str:
        key, level = str(bullet.get("listId", "")), int(bullet.get("nestingLevel", 0))
        levels = ((self.lists.get(key) or {}).get("listProperties") or {}).get("nestingLevels", ())
        glyph = levels[level].get("glyphType", "NONE") if level < len(levels) else "NONE"
        self.counts = {k: n for k, n in self.counts.items() if k[0] != key or k[1] <= level}
        number = self.counts[key, level] = self.counts.get((key, level), 0) + 1
        sign = "-" if glyph in _PLAIN else f"{number}."
        text = marked(runs).strip().replace("\n", "\n" + "    " * (level + 1))
        return f"{'    ' * level}{sign} {text}"

    def _runs(self, element: Mapping[str, Any]) -> Iterator[Run]:
        if "textRun" in element:
            style = element["textRun"].get("textStyle") or {}
            marks = {mark for mark in ("bold", "italic", "strikethrough") if style.get(mark)}
            font = (style.get("weightedFontFamily") or {}).get("fontFamily", "")
            if mono(font):
                marks.add("code")
            elif font or style.get("fontSize"):
                self.lost.add("fonts and sizes")
            link = style.get("link") or {}
            if style.get("underline") and not link:
                self.lost.add("underlining")
            if style.get("backgroundColor") or (style.get("foregroundColor") and not link):
                self.lost.add("colours")
            if style.get("baselineOffset") in ("SUPERSCRIPT", "SUBSCRIPT"):
                self.lost.add("super- and subscript")
            if link and "url" not in link:
                self.lost.add("links within the document")
            yield Run(element["textRun"].get("content", ""), frozenset(marks), link.get("url", ""))
        elif "person" in element:
            who = element["person"].get("personProperties") or {}
            address = f"mailto:{who['email']}" if who.get("email") else ""
            yield Run(who.get("name") or who.get("email", ""), link=address)
        elif "richLink" in element:
            about = element["richLink"].get("richLinkProperties") or {}
            yield Run(about.get("title") or about.get("uri", ""), link=about.get("uri", ""))
        elif "dateElement" in element:
            yield Run((element["dateElement"].get("dateElementProperties") or {}).get("displayText", ""))
        else:
            self.lost |= {name for kind, name in _LOST.items() if kind in element}

    def _table(self, table: Mapping[str, Any]) -> str:
        rows = [[self._cell(cell) for cell in row.get("tableCells", ())] for row in table.get("tableRows", ())]
        if not rows or not rows[0]:
            return ""
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])

    def _cell(self, cell: Mapping[str, Any]) -> str:
        style = cell.get("tableCellStyle") or {}
        if style.get("columnSpan", 1) > 1 or style.get("rowSpan", 1) > 1:
            self.lost.add("merged cells")
        if any("table" in one for one in cell.get("content", ())):
            self.lost.add("tables in tables")
        paragraphs = (one["paragraph"] for one in cell.get("content", ()) if "paragraph" in one)
        lines = [marked([run for e in p.get("elements", ()) for run in self._runs(e)]).strip() for p in paragraphs]
        return "<br>".join(line.replace("  \n", "<br>").replace("\n", " ") for line in lines if line)


def _escaped_sign(match: re.Match[str]) -> str:
    sign = match[2]
    return f"{match[1]}{sign[:-1]}\\{sign[-1]}"


def occurrences(document: Any, text: str, match_case: bool) -> int:
    """Count how often a text stands in a document, in all its tabs, tables, headers and footnotes."""
    if match_case:
        return sum(line.count(text) for line in _lines(document))
    return sum(line.casefold().count(text.casefold()) for line in _lines(document))


def placeholders(document: Any, filled: Collection[str]) -> list[str]:
    """Return the texts like {{date}} of a document, each once, without those that are filled."""
    matches = (match for line in _lines(document) for match in _PLACEHOLDER.findall(line))
    return [one for one in dict.fromkeys(matches) if not any(text in one for text in filled)]


def _lines(part: Any) -> Iterator[str]:
    """Yield the text of every paragraph, wherever it stands."""
    if isinstance(part, list):
        for one in part:
            yield from _lines(one)
    elif isinstance(part, dict):
        runs = part.get("elements")
        if isinstance(runs, list):
            yield "".join((run.get("textRun") or {}).get("content", "") for run in runs)
        else:
            for one in part.values():
                yield from _lines(one)

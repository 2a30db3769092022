"""A document that requests change as Google's do: text with a style for each UTF-16 unit, tables as marks in it.

It is a flat list of units. `\n` ends a paragraph and has its style; a table is stored as marks that count one unit each
where the table, its rows and its cells begin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Style = dict[str, Any]
TABLE, ROW, CELL, END = "<table>", "<row>", "<cell>", "<end>"
IMAGE = "<image>"


@dataclass
class Unit:
    """One UTF-16 unit, or one mark."""

    text: str
    look: Style = field(default_factory=dict)
    style: Style = field(default_factory=dict)  # of the paragraph that it ends
    bullet: tuple[str, int] | None = None


class FakeDocument:
    """A new document: index 0 is the section's, 1 its only paragraph's end."""

    def __init__(self) -> None:
        self.units = [Unit("<section>"), Unit("\n", style={"namedStyleType": "NORMAL_TEXT"})]
        self.lists: dict[str, str] = {}

    def run(self, requests: list[Any]) -> list[dict[str, Any]]:
        """Carry out requests in their order; return their replies, of which most are empty."""
        replies = []
        for request in requests:
            ((name, arguments),) = request.items()
            reply = getattr(self, name)(**arguments)
            replies.append({name: reply} if reply else {})
        return replies

    def replaceAllText(self, replaceText: str, containsText: dict[str, Any]) -> dict[str, Any]:  # noqa: N802, N803
        """Replace within paragraphs; the new text takes the style of the first unit. None is an empty reply."""
        old, count, at = containsText["text"], 0, 1
        while at + len(old) <= len(self.units):
            folder = "".join(unit.text if len(unit.text) == 1 else "\0" for unit in self.units[at : at + len(old)])
            same = folder == old if containsText.get("matchCase") else folder.casefold() == old.casefold()
            if same:
                first = self.units[at]
                self.units[at : at + len(old)] = [Unit(letter, dict(first.look)) for letter in replaceText]
                count += 1
            at += len(replaceText) if same else 1
        return {"occurrencesChanged": count} if count else {}

    def _place(self, location: Any) -> int:
        index = int(location["index"])
        assert 1 <= index < len(self.units), f"index {index} of {len(self.units)}"
        assert self.units[index].text not in (TABLE, ROW, CELL, END), f"{index} is not a place in a paragraph"
        return index

    def _end(self, index: int) -> Unit:
        return next(unit for unit in self.units[index:] if unit.text == "\n")

    def insertText(self, location: Any, text: str) -> None:  # noqa: N802
        """New text looks like what is before it; new paragraphs like the one that is split."""
        index, end = self._place(location), self._end(location["index"])
        before = self.units[index - 1].look if self.units[index - 1].text != "\n" else {}
        raw = text.encode("utf-16-le")
        letters = [raw[n : n + 2].decode("utf-16-le", "surrogatepass") for n in range(0, len(raw), 2)]
        self.units[index:index] = [
            Unit(t, dict(before), dict(end.style) if t == "\n" else {}, end.bullet if t == "\n" else None)
            for t in letters
        ]

    def insertTable(self, location: Any, rows: int, columns: int) -> None:  # noqa: N802
        """A newline, and then the table."""
        index = self._place(location)
        self.insertText(location, "\n")
        new = [Unit(TABLE)]
        for _ in range(rows):
            new.append(Unit(ROW))
            for _ in range(columns):
                new += [Unit(CELL), Unit("\n", style={"namedStyleType": "NORMAL_TEXT"})]
        self.units[index + 1 : index + 1] = [*new, Unit(END)]

    def insertInlineImage(self, location: Any, uri: str, objectSize: Any = None) -> dict[str, Any]:  # noqa: N802, N803
        """A picture counts one unit."""
        assert uri.startswith("https://")
        self.units.insert(self._place(location), Unit(IMAGE))
        return {"objectId": "kix.image"}

    def deleteContentRange(self, range: Any) -> None:  # noqa: A002, N802
        """The last newline of a body or a cell stays, and so does that before a table; a table goes whole or not."""
        start, end = range["startIndex"], range["endIndex"]
        assert 1 <= start < end < len(self.units), f"{range} of {len(self.units)}: the last newline cannot go"
        depth = 0
        for unit in self.units[start:end]:
            assert depth > 0 or unit.text not in (ROW, CELL, END), "part of a table"
            depth += {TABLE: 1, END: -1}.get(unit.text, 0)
        assert depth == 0, "part of a table"
        following = self.units[end].text
        assert self.units[end - 1].text != "\n" or following not in (TABLE, ROW, CELL, END), "the newline must stay"
        del self.units[start:end]

    def _ends(self, range: Any) -> list[Unit]:  # noqa: A002
        """The ends of the paragraphs that a range touches."""
        start, end = range["startIndex"], range["endIndex"]
        assert 1 <= start < end <= len(self.units), range
        inside = [unit for unit in self.units[start:end] if unit.text == "\n"]
        if self.units[end - 1].text != "\n":
            inside.append(self._end(end))
        return inside

    def deleteParagraphBullets(self, range: Any) -> None:  # noqa: A002, N802
        """Lists end."""
        for unit in self._ends(range):
            unit.bullet = None

    def updateParagraphStyle(self, range: Any, paragraphStyle: Style, fields: str) -> None:  # noqa: A002, N802, N803
        """A field that is named and not given goes back to its default."""
        for unit in self._ends(range):
            for name in fields.split(","):
                unit.style.pop(name, None)
                if name in paragraphStyle:
                    unit.style[name] = paragraphStyle[name]

    def updateTextStyle(self, range: Any, textStyle: Style, fields: str) -> None:  # noqa: A002, N802, N803
        """As for paragraphs; * is all."""
        assert 1 <= range["startIndex"] < range["endIndex"] <= len(self.units), range
        for unit in self.units[range["startIndex"] : range["endIndex"]]:
            saved = {} if fields == "*" else {k: v for k, v in unit.look.items() if k not in fields.split(",")}
            unit.look = {**saved, **textStyle}

    def createParagraphBullets(self, range: Any, bulletPreset: str) -> None:  # noqa: A002, N802, N803
        """Leading tabs are levels, and go."""
        result = f"kix.{len(self.lists)}"
        self.lists[result] = bulletPreset
        for end in self._ends(range):
            last = next(n for n, unit in enumerate(self.units) if unit is end)
            first = last
            while first > 1 and self.units[first - 1].text not in ("\n", CELL, END):
                first -= 1
            level = 0
            while self.units[first].text == "\t":
                del self.units[first]
                level += 1
            end.bullet = (result, level)

    def document(self) -> dict[str, Any]:
        """Return it as the API does."""
        levels = {
            result: [{"glyphType": "DECIMAL"} if preset.startswith("NUMBERED") else {"glyphSymbol": "●"}] * 9
            for result, preset in self.lists.items()
        }
        self.at = 1
        message = {"body": {"content": self._content()}}
        message["lists"] = {result: {"listProperties": {"nestingLevels": some}} for result, some in levels.items()}  # type: ignore[dict-item]
        tab = {"tabProperties": {"tabId": "t.0", "title": "Tab 1"}, "documentTab": message}
        return {"documentId": "1Fake", "title": "Fake", "revisionId": "r", "tabs": [tab]}

    def _content(self) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = []
        while self.at < len(self.units) and self.units[self.at].text not in (ROW, CELL, END):
            start = self.at
            element = self._table() if self.units[self.at].text == TABLE else self._paragraph()
            content.append({"startIndex": start, **element})
        return content

    def _table(self) -> dict[str, Any]:
        self.at += 1
        rows: list[Any] = []
        while self.units[self.at].text == ROW:
            self.at, cells = self.at + 1, []
            while self.units[self.at].text == CELL:
                self.at += 1
                cells.append({"content": self._content()})
            rows.append({"tableCells": cells})
        self.at += 1
        return {"table": {"tableRows": rows}, "endIndex": self.at}

    def _paragraph(self) -> dict[str, Any]:
        elements: list[dict[str, Any]] = []
        while True:
            unit = self.units[self.at]
            self.at += 1
            if unit.text == IMAGE:
                image = {"inlineObjectId": "kix.image"}
                elements.append({"startIndex": self.at - 1, "endIndex": self.at, "inlineObjectElement": image})
                continue
            if elements and elements[-1].get("textRun", {}).get("textStyle") == unit.look:
                elements[-1]["textRun"]["content"] += unit.text
            else:
                elements.append({"textRun": {"content": unit.text, "textStyle": unit.look}})
            if unit.text == "\n":
                break
        for one in (element for element in elements if "textRun" in element):
            text = one["textRun"]["content"].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
            one["textRun"]["content"] = text
        bullet = {"bullet": {"listId": unit.bullet[0], "nestingLevel": unit.bullet[1]}} if unit.bullet else {}
        return {"paragraph": {"elements": elements, "paragraphStyle": unit.style, **bullet}, "endIndex": self.at}

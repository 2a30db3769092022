"""PowerPoint presentations: the text of each slide, its tables, and the speaker's notes.

python-pptx would need lxml and Pillow, which are ten times the size of all other readers together; the format itself is
XML in an archive (ECMA-376).
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from .document import Document, Piece, UnreadableError, cell, lines, row
from .texts import facts

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = ("title", "ctrTitle")
_ASIDE = ("sldNum", "dt", "ftr", "hdr", "sldImg")  # what stands on every slide


class Presentation(Document):
    """A presentation that is open."""

    def __init__(self, archive: zipfile.ZipFile, paths: list[str]) -> None:
        super().__init__("slide", len(paths), facts=facts(archive))
        self.archive, self.paths = archive, paths

    def pieces(self, number: int, position: int) -> Iterator[Piece]:
        """Yield the text of a slide, then the notes."""
        path = self.paths[number - 1]
        root = ElementTree.fromstring(self.archive.read(path))
        if root.get("show") == "0":
            self.notes.append(f"Slide {number} is hidden in the presentation.")
        text = "".join(blocks(root))
        for kind, target in relations(self.archive, path).values():
            if kind == "notesSlide" and target in self.archive.namelist():
                spoken = "".join(blocks(ElementTree.fromstring(self.archive.read(target))))
                text += f"\nSpeaker's notes:\n\n{spoken}" if spoken.strip() else ""
            elif kind == "chart":
                self.notes.append(f"Slide {number} has a chart, whose numbers are not read.")
        if not text.strip():
            self.notes.append(f"Slide {number} has no text.")
        yield from lines(text, position)


def open_pptx(file: BinaryIO) -> Document:
    """Open a presentation."""
    archive = zipfile.ZipFile(file)
    main = "ppt/presentation.xml"
    if main not in archive.namelist():
        raise UnreadableError("The presentation is damaged: its list of slides is missing.", "Ask for another copy.")
    root = ElementTree.fromstring(archive.read(main))
    targets = relations(archive, main)
    ids = [slide.get(f"{_R}id", "") for slide in root.iter(f"{_P}sldId")]
    return Presentation(archive, [targets[one][1] for one in ids if one in targets])


def relations(archive: zipfile.ZipFile, path: str) -> dict[str, tuple[str, str]]:
    """Return the parts that a part refers to, by id: kind and path."""
    folder, name = posixpath.split(path)
    listed = f"{folder}/_rels/{name}.rels"
    if listed not in archive.namelist():
        return {}
    result = {}
    for one in ElementTree.fromstring(archive.read(listed)):
        if one.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/")
            result[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], target)
    return result


def blocks(root: Element) -> Iterator[str]:
    """Yield the texts and tables of a slide as Markdown, in its own order."""
    for element in root.iter():
        if element.tag == f"{_P}sp":
            place = element.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
            kind = "" if place is None else place.get("type", "body")
            body = element.find(f"{_P}txBody")
            if body is None or kind in _ASIDE:
                continue
            if kind in _TITLES:
                title = " ".join(paragraph_text(one) for one in body.iter(f"{_A}p")).strip()
                yield f"## {title}\n\n" if title else ""
            else:
                yield "".join(paragraphs(body)) + "\n"
        elif element.tag == f"{_A}tbl":
            yield from table(element)


def paragraphs(body: Element) -> Iterator[str]:
    """Yield the paragraphs of a text frame, those of lower levels as lists."""
    for one in body.iter(f"{_A}p"):
        properties = one.find(f"{_A}pPr")
        level = int(properties.get("lvl", "0")) if properties is not None else 0
        if text := paragraph_text(one).strip():
            yield f"{'  ' * level}- {text}\n"


def paragraph_text(paragraph: Element) -> str:
    """Return a paragraph's text; fields such as dates too."""
    return "".join(" " if one.tag == f"{_A}br" else one.text or "" for one in paragraph.iter() if one.tag in _RUNS)


_RUNS = (f"{_A}t", f"{_A}br")


def table(element: Element) -> Iterator[str]:
    """Yield the rows of a table."""
    for number, one in enumerate(element.iter(f"{_A}tr")):
        cells = [cell(" ".join(map(paragraph_text, column.iter(f"{_A}p")))) for column in one.iter(f"{_A}tc")]
        yield row(cells)
        if not number:
            yield row(["---"] * len(cells))
    yield "\n"

"""Word documents, by mammoth: headings, lists, tables, links, footnotes and comments, as Markdown."""

from __future__ import annotations

import zipfile
from typing import Any, BinaryIO
from xml.etree import ElementTree

import mammoth

from .document import Document, TextDocument
from .markup import markdown

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_STYLES = "comment-reference => sup"  # comments are part of what a reader of a contract wants to see


def open_docx(file: BinaryIO) -> Document:
    """Open a Word document. Insertions that were tracked are read, deletions are not."""
    html = mammoth.convert_to_html(file, style_map=_STYLES, convert_image=mammoth.images.img_element(_no_picture))
    text = markdown(html.value)
    with zipfile.ZipFile(file) as archive:
        margins = page_margins(archive)
        known = facts(archive)
    return TextDocument("\n".join([*margins, text]) if margins else text, facts=known)


def _no_picture(image: Any) -> dict[str, str]:
    return {"src": ""}


def page_margins(archive: zipfile.ZipFile) -> list[str]:
    """Return what stands at the head and foot of the pages, such as a letterhead: mammoth leaves it out."""
    result = []
    for name in sorted(archive.namelist()):
        for kind in ("header", "footer"):
            if name.startswith(f"word/{kind}") and name.endswith(".xml"):
                root = ElementTree.fromstring(archive.read(name))
                rows = ["".join(t.text or "" for t in p.iter(f"{_W}t")).strip() for p in root.iter(f"{_W}p")]
                if text := " / ".join(row for row in rows if row):
                    result.append(f"Page {kind}: {text}\n")
    return list(dict.fromkeys(result))


def facts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return title and author of an Office document."""
    if "docProps/core.xml" not in archive.namelist():
        return {}
    root = ElementTree.fromstring(archive.read("docProps/core.xml"))
    known = {"title": root.findtext(f"{_DC}title"), "author": root.findtext(f"{_DC}creator")}
    return {name: value[:500] for name, value in known.items() if value}

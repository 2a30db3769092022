"""Web pages, by markdownify and Beautiful Soup; RTF, by striprtf; plain text. What is not seen is left out."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from bs4 import BeautifulSoup, Comment, Tag
from markdownify import MarkdownConverter
from striprtf.striprtf import rtf_to_text

from .document import Document, TextDocument, contents

_UNSEEN = ["script", "style", "noscript", "template", "head", "svg", "iframe", "object"]
_CELLS = ["thead", "tbody", "tfoot", "caption", "tr", "td", "th"]
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(font-size|max-height)\s*:\s*0(px|pt)?\s*(;|$)", re.IGNORECASE
)


def open_html(file: BinaryIO) -> Document:
    """Open a web page."""
    soup = BeautifulSoup(contents(file), "html.parser")
    title = soup.title.get_text(" ", strip=True)[:500] if soup.title else ""
    return TextDocument(markdown(soup), facts={"title": title} if title else {})


def open_rtf(file: BinaryIO) -> Document:
    """Open a text in Rich Text Format."""
    text: str = rtf_to_text(contents(file).decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    return TextDocument(text.strip() + "\n")


def open_text(file: BinaryIO) -> Document:
    """Open a plain text."""
    return TextDocument(decoded(contents(file)))


def decoded(data: bytes) -> str:
    """Return text of unknown encoding."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").replace("\r\n", "\n")
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            return data.decode(encoding).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    return ""  # latin-1 has every byte


def markdown(page: str | BeautifulSoup) -> str:
    """Return a web page, or the HTML of a mail, as Markdown."""
    soup = BeautifulSoup(page, "html.parser") if isinstance(page, str) else page
    for unseen in soup(_UNSEEN):
        unseen.decompose()
    for unseen in soup.find_all(style=_HIDDEN):
        unseen.decompose()
    for unseen in soup.find_all(hidden=True):
        unseen.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for picture in soup("img"):
        picture.replace_with(str(picture.get("alt") or ""))  # its address says nothing, and may count who reads it
    for table in soup("table"):
        if arranges(table):
            for tag in [table, *(one for one in table(_CELLS) if one.find_parent("table") is table)]:
                tag.name = "div"
    text: str = MarkdownConverter(heading_style="ATX", bullets="-", table_infer_header=True).convert_soup(soup)
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def arranges(table: Tag) -> bool:
    """Tell whether a table is there for the look of a page: it has tables in it, or a single column."""
    widths = (len(one(["td", "th"], recursive=False)) for one in table("tr"))
    return table.find("table") is not None or max(widths, default=0) < 2

"""HTML as plain text: of a mail for readers and filters that want one, of a note for whoever reads it in a chat.

The markup may be broken. What a browser does not show is left out: hidden elements, scripts, styles, comments.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

# An empty line before and after; a new line before and after; nothing to be seen; without an end tag.
_SPACED = frozenset(("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"))
_LINES = ("address", "article", "aside", "center", "dd", "div", "dl", "dt", "figure", "footer", "form", "header", "hr")
_BLOCKS = _SPACED.union(_LINES, ("li", "main", "nav", "section", "tbody", "tfoot", "thead", "tr"))
_UNSEEN = frozenset(("head", "iframe", "script", "style", "template", "title"))
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_ITEMS = {  # an item that begins ends the one before it, whose end tag may be left out, up to the list around it
    "dd": (("dd", "dt"), ("dl",)),
    "dt": (("dd", "dt"), ("dl",)),
    "li": (("li",), ("ol", "ul")),
    "td": (("td", "th"), ("table", "tr")),
    "th": (("td", "th"), ("table", "tr")),
    "tr": (("tr",), ("table",)),
}
_DEEPEST = (
    256  # open elements: a deeper one takes the place of the one before it, as in browsers, and time stays linear
)
_CELLS = ("td", "th", "caption")  # an end tag within a cell ends nothing that began outside of it
_TABLE = frozenset((*_CELLS, "table", "tbody", "tfoot", "thead", "tr"))
_HIDDEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|opacity\s*:\s*(?:0+(?:\.0*)?|\.0+)\s*(?:!|;|$)|font-size\s*:\s*(?:0+(?:\.0*)?|\.0+)(?:[a-z]+|%)?\s*(?:!|;|$))",
    re.IGNORECASE,
)


class _Open(NamedTuple):
    """An element that is open."""

    tag: str
    hidden: bool  # itself, or what it stands in


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[_Open] = []
        self.link: tuple[str, int] | None = None  # the target of the open link, and where its text begins

    @property
    def hidden(self) -> bool:
        return bool(self.open) and self.open[-1].hidden

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "body":
            self.open.clear()  # a head that nobody closed ends here
        self._end_implied(tag)
        if len(self.open) >= _DEEPEST:
            self.open.pop()
        unseen = tag in _UNSEEN or "hidden" in values or bool(_HIDDEN.search(values.get("style") or ""))
        hidden = self.hidden or unseen
        if tag not in _VOID:
            self.open.append(_Open(tag, hidden))
        if hidden:
            return
        if tag == "br":
            self.out.append("\n")
        elif tag in _BLOCKS:
            self._break(tag)
            self.out.append({"li": "- ", "hr": "----\n"}.get(tag, ""))
        elif tag in ("td", "th") and "".join(self.out[-1:]).strip():
            self.out.append(" | ")
        elif tag == "img":
            self.out.append(values.get("alt") or "")
        elif tag == "a":
            self.end_link()  # links do not nest
            self.link = values.get("href") or "", len(self.out)

    def handle_endtag(self, tag: str) -> None:
        at = self._opened(tag, () if tag in _TABLE else _CELLS)
        if at is None:
            if tag in _BLOCKS and not self.hidden:
                self._break(tag)
            return
        hidden = self.open[at].hidden
        del self.open[at:]
        if hidden:
            return
        if tag in _BLOCKS:
            self._break(tag)
        elif tag == "a":
            self.end_link()

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            verbatim = any(element.tag == "pre" for element in self.open)
            self.out.append(data if verbatim else re.sub(r"[ \t\r\n\f]+", " ", data))

    def _opened(self, tag: str, barriers: tuple[str, ...]) -> int | None:
        """Return where the innermost open element of this tag stands, within the innermost barrier."""
        for at in range(len(self.open) - 1, -1, -1):
            if self.open[at].tag == tag:
                return at
            if self.open[at].tag in barriers:
                return None
        return None

    def _end_implied(self, tag: str) -> None:
        """End what the start of an element ends without an end tag: the item before it, or a paragraph."""
        tags, barriers = _ITEMS.get(tag, ((), ()))
        if tag in _BLOCKS and not tags:
            tags, barriers = ("p",), (*_CELLS, "table", "li", "div")
        places = [at for at in (self._opened(one, barriers) for one in tags) if at is not None]
        if places:
            del self.open[max(places) :]

    def end_link(self) -> None:
        """Write the target of the open link behind its text, unless the text is the target."""
        href, start = self.link or ("", 0)
        self.link = None
        if not href:
            return
        shown = "".join(self.out[start:]).strip()
        target = href.strip().removeprefix("mailto:")
        if re.match(r"(https?://|mailto:)", href.strip(), re.IGNORECASE) and target not in (shown, ""):
            self.out.append(f" ({target})" if shown else target)

    def _break(self, tag: str) -> None:
        tail = "".join(self.out[-6:]).rstrip(" ")
        self.out.append("\n" * ((2 if tag in _SPACED else 1) - (len(tail) - len(tail.rstrip("\n")))))


def html_to_text(html: str) -> str:
    """Return HTML as text: paragraphs, lists, table rows, links with their targets; "" for HTML without text."""
    reader = _Reader()
    reader.feed(html)
    if not re.match("<[a-zA-Z/!?]", reader.rawdata):  # a tag or comment that does not end is not shown
        reader.close()
    reader.end_link()
    lines = [" ".join(re.split(r"[ \t]+", raw)).strip() for raw in "".join(reader.out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

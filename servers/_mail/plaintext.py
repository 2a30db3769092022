"""The plain-text twin of an HTML mail, for readers and filters that want one."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# An empty line before and after, a new line before and after, and nothing of it to be seen.
_SPACED = frozenset(("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"))
_LINES = ("address", "article", "aside", "center", "dd", "div", "dl", "dt", "figure", "footer", "form", "header", "hr")
_BLOCKS = _SPACED.union(_LINES, ("li", "main", "nav", "section", "tbody", "tfoot", "thead", "tr"))
_UNSEEN = frozenset(("head", "script", "style", "template", "title"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.unseen = self.verbatim = 0
        self.links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _UNSEEN:
            self.unseen += 1
        elif tag == "body":
            self.unseen = 0  # a head that nobody closed ends here
        elif tag == "br":
            self.out.append("\n")
        elif tag in _BLOCKS:
            self._break(tag)
            self.out.append({"li": "- ", "hr": "----\n"}.get(tag, ""))
        elif tag in ("td", "th") and "".join(self.out[-1:]).strip():
            self.out.append(" | ")
        elif tag == "img" and not self.unseen:
            self.out.append(given.get("alt") or "")
        if tag == "a":
            self.links.append((given.get("href") or "", len(self.out)))
        if tag == "pre":
            self.verbatim += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        elif tag in _BLOCKS:
            self._break(tag)
        if tag == "pre":
            self.verbatim = max(0, self.verbatim - 1)
        if tag == "a" and self.links:
            href, start = self.links.pop()
            shown = "".join(self.out[start:]).strip()
            target = href.strip().removeprefix("mailto:")
            if re.match(r"(https?://|mailto:)", href.strip()) and target not in (shown, ""):
                self.out.append(f" ({target})" if shown else target)

    def _break(self, tag: str) -> None:
        tail = "".join(self.out[-6:]).rstrip(" ")
        self.out.append("\n" * ((2 if tag in _SPACED else 1) - (len(tail) - len(tail.rstrip("\n")))))

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.out.append(data if self.verbatim else re.sub(r"[ \t\r\n\f]+", " ", data))


def text_of(html: str) -> str:
    """Return HTML as text: paragraphs, lists, table rows, links with their targets; "" for no HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [" ".join(re.split(r"[ \t]+", raw)).strip() for raw in "".join(reader.out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

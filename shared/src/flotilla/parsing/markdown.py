"""Text that is put into Markdown: what must be escaped so that it reads as it is."""

from __future__ import annotations

import re

_SIGN = re.compile(r"([\\`*\[\]]|~~|(?<!\w)_|_(?!\w)|<(?=[/!?a-zA-Z])|&(?=#?\w+;))")
_LINE = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|>|[-+](?=\s|$)|=+(?=\s*$)|[|:-][|: -]*-[|: -]*$)", re.M)  # begins a block
_NUMBER = re.compile(r"^(\s*\d{1,9})([.)])(?=\s|$)", re.M)


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, at the start of a line too."""
    text = _SIGN.sub(r"\\\1", text)
    text = _LINE.sub(r"\1\\\2", text)
    return _NUMBER.sub(r"\1\\\2", text)


def code_span(text: str) -> str:
    """Return text as inline code, between more backticks than it holds in a row."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def link_target(url: str) -> str:
    """Return an address as it can stand in the parentheses of a Markdown link."""
    return re.sub(r"[\s()<>]", lambda result: f"%{ord(result.group()):02X}", url)

"""Slack's own markup as people read it: <@U1> is a name, <https://…|label> a label with its address.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

_MARK = re.compile(r"<([^<>\n]+)>")


def readable_text(text: str, people: Mapping[str, str]) -> str:
    """Return a text with names in place of ids. `people` are names by id."""

    def shown(mark: re.Match[str]) -> str:
        target, _, label = mark[1].partition("|")
        if target.startswith("@"):
            return f"@{people.get(target[1:]) or label or target[1:]}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label if label else f"@{target[1:].split('^')[0]}"
        address = target.removeprefix("mailto:")
        return f"{label} ({address})" if label and label not in (address, target) else address

    return html.unescape(_MARK.sub(shown, text))


def ids_in(text: str) -> set[str]:
    """Return the ids of the people whom a text mentions."""
    return set(re.findall(r"<@([UW][A-Z0-9]+)", text))


def text_of(message: Mapping[str, Any]) -> str:
    """Return what a message says, in Slack's markup: of apps often only its blocks and attachments do."""
    text = str(message.get("text") or "")
    attachments = message.get("attachments")
    parts = [part for part in attachments if isinstance(part, Mapping)] if isinstance(attachments, list) else []
    more = [str(part.get("text") or part.get("fallback") or part.get("title") or "") for part in parts]
    if not text:
        blocks = message.get("blocks")
        text = "".join(_texts(blocks)) if isinstance(blocks, list) else ""
    return "\n".join(part for part in [text, *dict.fromkeys(more)] if part and part != "[no preview available]")


def _texts(node: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts of blocks, whatever their kinds."""
    if isinstance(node, list):
        for part in node:
            yield from _texts(part, depth)
    elif isinstance(node, Mapping) and depth < 12:
        text = node.get("text")
        if isinstance(text, str):
            yield text
        for name in ("text", "fields", "elements", "rows"):
            if isinstance(node.get(name), list | Mapping):
                yield from _texts(node[name], depth + 1)
        if node.get("type") in ("section", "header", "rich_text_section", "rich_text_preformatted", "rich_text_quote"):
            yield "\n"

"""An item that is in a database already, so that it is not created again."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from . import content, lookup, properties
from .blocks import Block
from .richtext import text_of

_DISTINCTIVE = ("date", "relation")  # a task of the same name for another day or client is another task
_MOST = 3  # pages of one title whose text is compared


async def duplicate(source: lookup.Source, prepared: dict[str, Any], blocks: list[Block]) -> dict[str, Any] | None:
    """Return a page with the same title, the same dates and relations where they are set, and the same text; else None.

    A page without text counts as the same, since the text can be added to it. One whose status is a finished one does
    not, unless the new one's is too.
    """
    title = text_of(prepared[properties.title_name(source.properties)]["title"])
    alike = [
        page
        for page in await lookup.titled(source.id, title)
        if all(_same(page["properties"].get(name) or {}, value) for name, value in prepared.items())
        and (not _finished(source, page["properties"]) or _finished(source, prepared))
    ]
    wanted = content.terms(blocks)
    for page in alike[:_MOST]:
        if not wanted or wanted.startswith(await content.terms_of(page["id"])):
            return page
    return None


def _finished(source: lookup.Source, values: dict[str, Any]) -> bool:
    """Tell whether a status is one of the group that Notion calls Complete."""
    for name, prop in source.properties.items():
        value = (values.get(name) or {}).get("status") if prop["type"] == "status" else None
        if isinstance(value, dict) and value.get("name") in properties.finished(prop):
            return True
    return False


def _same(existing: dict[str, Any], wanted: dict[str, Any]) -> bool:
    for kind in _DISTINCTIVE:
        if wanted.get(kind):
            return bool(_key(existing.get(kind)) == _key(wanted[kind]))
    return True


def _key(value: Any) -> Any:
    if isinstance(value, dict):
        return _moment(value.get("start")), _moment(value.get("end"))
    return sorted(one["id"].replace("-", "") for one in value or ())


def _moment(text: str | None) -> Any:
    with suppress(ValueError):
        return datetime.fromisoformat(text or "").timestamp() if text and "T" in text else text
    return text

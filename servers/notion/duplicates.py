"""An item that is in a database already, so that it is not created again."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from . import lookup, properties

_DISTINCTIVE = ("date", "relation")  # a task of the same name for another day or client is another task


async def duplicate(source: lookup.Source, prepared: dict[str, Any]) -> dict[str, Any] | None:
    """Return a page with the same title, and the same dates and relations where they are set; None for none."""
    title = "".join(part["text"]["content"] for part in prepared[properties.title_name(source.properties)]["title"])
    for page in await lookup.titled(source.id, title):
        if all(_same(page["properties"].get(name) or {}, value) for name, value in prepared.items()):
            return page
    return None


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

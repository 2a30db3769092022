"""What is in a database already, so that it is told and not made again."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from . import lookup, properties

_TELLING = ("date", "relation")  # a task of the same name for another day or client is another task


async def already(source: lookup.Source, made: dict[str, Any]) -> dict[str, Any] | None:
    """Return a page with the same title, and the same dates and relations where they are given; None for none."""
    title = "".join(part["text"]["content"] for part in made[properties.title_name(source.properties)]["title"])
    for page in await lookup.titled(source.id, title):
        if all(_same(page["properties"].get(name, {}), told) for name, told in made.items()):
            return page
    return None


def _same(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    for kind in _TELLING:
        if wanted.get(kind):
            return bool(_key(there.get(kind)) == _key(wanted[kind]))
    return True


def _key(value: Any) -> Any:
    if isinstance(value, dict):
        return _moment(value.get("start")), _moment(value.get("end"))
    return sorted(one["id"].replace("-", "") for one in value or ())


def _moment(text: str | None) -> Any:
    with suppress(ValueError):
        return datetime.fromisoformat(text or "").timestamp() if text and "T" in text else text
    return text

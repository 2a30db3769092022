"""Property values as Notion returns them, made plain: https://developers.notion.com/reference/page-property-values"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flotilla.text import plain

from .richtext import plain_text


def title_of(thing: dict[str, Any]) -> str:
    """Return the title of a page, a database or a data source."""
    if isinstance(thing.get("title"), list):
        return plain(plain_text(thing["title"]))
    for told in (thing.get("properties") or {}).values():
        if told.get("type") == "title":
            return plain(plain_text(told["title"]))
    return ""


def plain_properties(page: dict[str, Any]) -> dict[str, Any]:
    """Return a page's properties by name as texts, numbers, yes or no, and lists; empty ones are left out."""
    found = {plain(name): _plain(told) for name, told in (page.get("properties") or {}).items()}
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _plain(told: dict[str, Any]) -> Any:
    kind = told.get("type", "")
    value = told.get(kind)
    if value is None:
        return None
    if kind in ("title", "rich_text"):
        return plain(plain_text(value))
    if kind in ("select", "status"):
        return plain(value["name"])
    if kind == "multi_select":
        return [plain(option["name"]) for option in value]
    if kind == "date":
        return when(value)
    if kind in ("people", "created_by", "last_edited_by"):
        named = [plain(who.get("name") or who.get("id", "")) for who in (value if kind == "people" else [value])]
        return named if kind == "people" else named[0]
    if kind == "files":
        return [_file(told) for told in value]
    if kind == "relation":
        return [page["id"] for page in value] + (["…"] if told.get("has_more") else [])  # 25 are told at most
    if kind == "rollup" and value.get("type") == "array":
        return [part for part in (_plain(item) for item in value["array"]) if part is not None]
    if kind in ("formula", "rollup"):
        inner = value.get(value.get("type", ""))
        return when(inner) if isinstance(inner, dict) and "start" in inner else _clean(inner)
    if kind == "unique_id":
        return "-".join(str(part) for part in (value.get("prefix"), value.get("number")) if part is not None)
    if kind == "verification":
        return value.get("state")
    return _clean(value)


def _clean(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value if isinstance(value, int | float) else None


def _file(told: dict[str, Any]) -> str:
    return plain(str((told.get(told.get("type", "")) or {}).get("url") or told.get("name", "")))


def when(told: dict[str, Any]) -> str:
    """Return a date, a time with its offset, or two of them with a slash between."""
    zone = told.get("time_zone")
    return "/".join(_moment(told[edge], zone) for edge in ("start", "end") if told.get(edge))


def _moment(text: str, zone: str | None) -> str:
    if zone and "T" in text:
        with suppress(ValueError, KeyError):  # a zone that this machine does not know
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).isoformat()
    return text

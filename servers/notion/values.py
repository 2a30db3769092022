"""Property values as Notion returns them, made plain: https://developers.notion.com/reference/page-property-values"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flotilla.text import plain

from .client import api
from .richtext import plain_text


def title_of(thing: dict[str, Any]) -> str:
    """Return the title of a page, a database or a data source."""
    if isinstance(thing.get("title"), list):
        return plain(plain_text(thing["title"]))
    for prop in (thing.get("properties") or {}).values():
        if isinstance(prop, dict) and prop.get("type") == "title":
            return plain(plain_text(prop.get("title") or []))
    return ""


def plain_properties(page: dict[str, Any]) -> dict[str, Any]:
    """Return a page's properties by name as texts, numbers, yes or no, and lists; empty ones are left out."""
    values = {
        plain(name): _plain(prop) for name, prop in (page.get("properties") or {}).items() if isinstance(prop, dict)
    }
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _plain(prop: dict[str, Any]) -> Any:
    kind = prop.get("type", "")
    value = prop.get(kind)
    if value is None:
        return None
    if kind in ("title", "rich_text"):
        return plain(plain_text(value))
    if kind in ("select", "status"):
        return plain(value.get("name") or "")
    if kind == "multi_select":
        return [plain(option["name"]) for option in _whole(value) if option.get("name")]
    if kind == "date":
        return when(value)
    if kind in ("people", "created_by", "last_edited_by"):
        named = [
            plain(who.get("name") or who.get("id") or "") for who in _whole(value if kind == "people" else [value])
        ]
        return [name for name in named if name] if kind == "people" else "".join(named)
    if kind == "files":
        return [file for file in map(_file, _whole(value)) if file]
    if kind == "relation":
        return [page["id"] for page in _whole(value) if page.get("id")] + (
            ["…"] if prop.get("has_more") else []
        )  # 25 at most
    if kind == "rollup" and value.get("type") == "array":
        return [part for part in (_plain(item) for item in _whole(value.get("array") or [])) if part is not None]
    if kind in ("formula", "rollup"):
        inner = value.get(value.get("type", ""))
        return when(inner) if isinstance(inner, dict) and "start" in inner else _clean(inner)
    if kind == "unique_id":
        return "-".join(str(part) for part in (value.get("prefix"), value.get("number")) if part is not None)
    if kind in ("created_time", "last_edited_time"):
        return moment(str(value))
    if kind == "verification":
        return value.get("state")
    return _clean(value)


def _whole(items: Any) -> list[dict[str, Any]]:
    """Return the items of a list that are objects."""
    return [item for item in items if isinstance(item, dict)]


def _clean(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value if isinstance(value, int | float) else None


def _file(prop: dict[str, Any]) -> str:
    return plain(str((prop.get(prop.get("type", "")) or {}).get("url") or prop.get("name", "")))


def when(prop: dict[str, Any]) -> str:
    """Return a date, a time with its offset, or two of them with a slash between."""
    zone = prop.get("time_zone")
    return "/".join(moment(prop[edge], zone) for edge in ("start", "end") if prop.get(edge))


def moment(text: str, zone: str | None = None) -> str:
    """Return a day as it is, and a time with its offset; one that Notion keeps in UTC in FLOTILLA_TIMEZONE."""
    if "T" in text:
        with suppress(ValueError, KeyError):  # a zone that this machine does not know
            time = datetime.fromisoformat(text)
            if text.endswith("Z"):
                return time.astimezone(api.zone).isoformat()
            return (time.replace(tzinfo=ZoneInfo(zone)) if zone and not time.tzinfo else time).isoformat()
    return text

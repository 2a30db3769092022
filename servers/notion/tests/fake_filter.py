"""The filters and sorts of the fake Notion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Thing = dict[str, Any]
OPEN = ("past_week", "past_month", "past_year", "this_week", "next_week", "next_month", "next_year")


def passes(page: Thing, condition: Thing | None, schema: Mapping[str, Thing]) -> bool:
    """Tell whether a page fits a filter, as the API takes it."""
    if not condition:
        return True
    if "and" in condition:
        return all(passes(page, one, schema) for one in condition["and"])
    if "or" in condition:
        return any(passes(page, one, schema) for one in condition["or"])
    if "timestamp" in condition:
        kind, value = condition["timestamp"], page[condition["timestamp"]]
        return all(_holds(how, value, wanted) for how, wanted in condition[kind].items())
    name = next(n for n, message in schema.items() if condition["property"] in (n, message["id"]))
    message, kind = page["properties"][name], schema[name]["type"]
    return all(_holds(how, _value(message, kind), wanted) for how, wanted in condition[kind].items())


def _value(message: Thing, kind: str) -> Any:
    value = message[kind]
    if kind in ("title", "rich_text"):
        return "".join(part["plain_text"] for part in value)
    if kind in ("select", "status"):
        return value and value["name"]
    if kind == "multi_select":
        return [one["name"] for one in value]
    if kind in ("people", "relation"):
        return [one["id"] for one in value]
    if kind == "date":
        return value and value["start"]
    if kind == "unique_id":
        return value["number"]
    return value


def _holds(how: str, value: Any, wanted: Any) -> bool:
    if how in OPEN:
        return value is not None
    if how in ("is_empty", "is_not_empty"):
        return (value in (None, "", [])) == (how == "is_empty")
    if how in ("does_not_equal", "does_not_contain"):
        return not _holds(how.replace("does_not_", "") + "s", value, wanted)
    if value is None:
        return False
    if how == "equals":
        return bool(_key(value) == _key(wanted))
    if how == "contains":
        return wanted.casefold() in value.casefold() if isinstance(value, str) else wanted in value
    if how in ("starts_with", "ends_with"):
        return bool(getattr(value.casefold(), how.replace("s_", "s"))(wanted.casefold()))
    left, right = _key(value), _key(wanted)
    return {
        "before": left < right, "less_than": left < right, "after": left > right, "greater_than": left > right,
        "on_or_before": left <= right, "less_than_or_equal_to": left <= right,
        "on_or_after": left >= right, "greater_than_or_equal_to": left >= right,
    }[how]  # fmt: skip


def _key(value: Any) -> Any:
    """Return what is compared: texts in lower case, times as moments."""
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == value[7:8] == "-":
        return datetime.fromisoformat(value.replace("Z", "+00:00") if "T" in value else f"{value}T00:00:00+00:00")
    return value.casefold() if isinstance(value, str) else value


def order(pages: list[Thing], sorts: Sequence[Thing]) -> list[Thing]:
    """Return pages in the order that is asked for, empty values last."""
    for sort in reversed(sorts):
        name, down = sort.get("property"), sort["direction"] == "descending"

        def key(page: Thing, name: Any = name, sort: Thing = sort) -> Any:
            message = page["properties"].get(name)
            return _key(_value(message, message["type"]) if message else page[sort.get("timestamp", "created_time")])

        empty = [page for page in pages if key(page) is None]
        pages = sorted((page for page in pages if key(page) is not None), key=key, reverse=down) + empty
    return pages

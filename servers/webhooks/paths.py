"""Where a value stands in a webhook, as a short text, and what a time means as vendors write it.

`@X-Topic` is a header, `event.type` a path in the body, `value.0.id` an item of a list, `value.*.id` each item.
`^meta.id` is a path in the whole body where the events are its parts. `a|b` is the first of both that is there, `a+b`
joins both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

LONGEST_TIME = 40  # characters: nanoseconds and a zone need 35
END = datetime(9999, 12, 31, tzinfo=UTC).timestamp()  # a day before the last, so that every time zone can show it


def read(place: str, headers: Mapping[str, str], item: Any, whole: Any, join: str) -> str:
    """Return the value at a place as text, empty where there is none."""
    for alternative in place.split("|") if place else ():
        values = [next(read_all(one, headers, item, whole), "") for one in alternative.split("+")]
        if any(values):
            return join.join(str(value) for value in values if value not in ("", None))
    return ""


def read_all(place: str, headers: Mapping[str, str], item: Any, whole: Any = None) -> Iterator[Any]:
    """Yield the values at a place, such as those of each item of a list."""
    if place.startswith("@"):
        value = headers.get(place[1:].lower(), "")
        yield from [value] if value else []
    elif place.startswith("^"):
        yield from _values(whole, place[1:].split("."))
    else:
        yield from _values(item, place.split("."))


def _values(data: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield from [data] if data is not None and not isinstance(data, bool) else []
        return
    first, rest = steps[0], steps[1:]
    if isinstance(data, list) and first == "*":
        for one in data:
            yield from _values(one, rest) if rest else [one]
    elif isinstance(data, list) and first.isdecimal() and int(first) < len(data):
        yield from _values(data[int(first)], rest)
    elif isinstance(data, Mapping) and first in data:
        yield from _values(data[first], rest)


def moment(text: str) -> float | None:
    """Return Unix seconds of a time as vendors write it: ISO 8601, or seconds, milliseconds, micro- or nanoseconds.

    None for a text that is not a time, and for years before 1970 or after 9999, which no time zone could show.
    """
    seconds = _seconds(text) if len(text) <= LONGEST_TIME else None
    return seconds if seconds is not None and 0 <= seconds < END else None


def _seconds(text: str) -> float | None:
    with suppress(ValueError, OverflowError):
        if text.isascii() and text.replace(".", "", 1).isdecimal():
            number = float(text)
            return next((number / unit for unit in (1, 1e3, 1e6, 1e9) if number / unit <= 1e11), None)
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return None

"""JSON as editors keep it, with comments and trailing commas: read it, and set one value without touching the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_SKIP = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/|\ufeff)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"[^\s,\]}/]+")


class Broken(ValueError):  # noqa: N818 - a sentence for the user
    """The text is not JSON even with comments and trailing commas allowed; says in which line."""


class _Reader:
    """Walks through the text once; keeps where the members of every object stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects: dict[tuple[str, ...], _Object] = {}

    def broken(self, at: int, what: str) -> Broken:
        return Broken(f"line {self.text.count(chr(10), 0, at) + 1}: {what}")

    def skip(self, at: int) -> int:
        found = _SKIP.match(self.text, at)
        return found.end() if found else at

    def string(self, at: int) -> tuple[str, int]:
        found = _STRING.match(self.text, at)
        if not found:
            raise self.broken(at, "a text in double quotes is expected")
        try:
            return json.loads(found[0], strict=False), found.end()
        except ValueError:
            raise self.broken(at, "the text in quotes is broken") from None

    def value(self, at: int, path: tuple[str, ...]) -> tuple[Any, int]:
        """Return the value that begins here, and where it ends."""
        sign = self.text[at : at + 1]
        if sign == "{":
            return self.object(at, path)
        if sign == "[":
            return self.array(at)
        if sign == '"':
            return self.string(at)
        found = _WORD.match(self.text, at)
        if not found:
            raise self.broken(at, "a value is missing")
        try:
            return json.loads(found[0]), found.end()
        except ValueError:
            raise self.broken(at, f"{found[0][:20]!r} is no value") from None

    def object(self, at: int, path: tuple[str, ...]) -> tuple[dict[str, Any], int]:
        where = _Object(at)
        result: dict[str, Any] = {}
        end = at + 1
        while True:
            here = self.skip(end)
            if self.text[here : here + 1] == "}":
                where.close = here
                if path is not _ELSEWHERE:
                    self.objects[path] = where
                return result, here + 1
            if result and not where.comma:
                raise self.broken(here, "a comma or } is expected")
            name, colon = self.string(here)
            colon = self.skip(colon)
            if self.text[colon : colon + 1] != ":":
                raise self.broken(colon, "a colon is expected")
            begin = self.skip(colon + 1)
            inner = _ELSEWHERE if path is _ELSEWHERE else (*path, name)
            result[name], end = self.value(begin, inner)
            where.members[name], where.names[name], where.end = (begin, end), here, end
            comma = self.skip(end)
            where.comma = self.text[comma : comma + 1] == ","
            end = comma + 1 if where.comma else end

    def array(self, at: int) -> tuple[list[Any], int]:
        result: list[Any] = []
        end, comma = at + 1, True
        while True:
            here = self.skip(end)
            if self.text[here : here + 1] == "]":
                return result, here + 1
            if not comma:
                raise self.broken(here, "a comma or ] is expected")
            item, end = self.value(here, _ELSEWHERE)
            result.append(item)
            after = self.skip(end)
            comma = self.text[after : after + 1] == ","
            end = after + 1 if comma else end


class _Object:
    """Where an object and its members stand in the text."""

    def __init__(self, begin: int) -> None:
        self.open, self.close, self.end, self.comma = begin, begin, begin + 1, False
        self.members: dict[str, tuple[int, int]] = {}
        self.names: dict[str, int] = {}


_ELSEWHERE = ("\0",)  # inside arrays nothing is ever set


def _read(text: str) -> tuple[Any, _Reader]:
    reader = _Reader(text)
    begin = reader.skip(0)
    if begin == len(text):
        return {}, reader
    try:
        value, end = reader.value(begin, ())
    except RecursionError:
        raise reader.broken(begin, "it is nested too deeply") from None
    if reader.skip(end) != len(text):
        raise reader.broken(end, "something follows the end")
    return value, reader


def loads(text: str) -> Any:
    """Return what the text holds, {} for an empty one. Raises Broken."""
    return _read(text)[0]


def put(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with `value` at `path`; comments, order and spacing of all else stay. Raises Broken."""
    held, reader = _read(text)
    if not reader.objects and held == {}:  # nothing but blanks and comments, perhaps
        inner = value
        for name in reversed(path):
            inner = {name: inner}
        return text.rstrip() + ("\n" if text.strip() else "") + json.dumps(inner, ensure_ascii=False, indent=2) + "\n"
    depth = 0
    while depth < len(path) - 1 and tuple(path[: depth + 1]) in reader.objects:
        depth += 1
    place = reader.objects.get(tuple(path[:depth]))
    if place is None:
        raise Broken("the outermost value is no object")
    name, inner = path[depth], value
    for outer in reversed(path[depth + 1 :]):
        inner = {outer: inner}
    if name in place.members and depth < len(path) - 1:
        raise Broken(f"{name!r} is there, but is no object")
    unit = _unit(text)
    indent = _indent(text, place, unit)
    written = json.dumps(inner, ensure_ascii=False, indent=unit)
    newline = "\r\n" if "\r\n" in text else "\n"
    written = written.replace("\n", newline + indent)
    if name in place.members:
        begin, end = place.members[name]
        return text[:begin] + written + text[end:]
    member = f"{newline}{indent}{json.dumps(name, ensure_ascii=False)}: {written}"
    last = len(text[: place.close].rstrip())  # after the comments that belong to what is there
    member += "," if place.comma and place.members else ""
    if "\n" not in text[last : place.close]:
        member += newline + indent.removesuffix(unit)
    middle = text[place.end : last]
    if place.members and not place.comma:
        middle = f",{middle}"
    return text[: place.end] + middle + member + text[last:]


def _unit(text: str) -> str:
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found[1] if found and len(found[1]) <= 8 else "  "


def _indent(text: str, place: _Object, unit: str) -> str:
    """Return what members of an object are indented by: as its others are, else one step more than its own line."""
    for at in (*place.names.values(), None):
        anchor = place.open if at is None else at
        line = text[text.rfind("\n", 0, anchor) + 1 : anchor]
        if at is None:
            return re.match(r"[ \t]*", line)[0] + unit  # type: ignore[index]
        if not line.strip():
            return line
    return unit

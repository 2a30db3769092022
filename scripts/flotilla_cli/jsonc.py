"""JSON as editors keep it, with comments and trailing commas: read it, and set one value without touching the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_SKIP = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/|\ufeff)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"[^\s,\]}/]+")


class JsoncError(ValueError):
    """The text is not JSON, even with comments and trailing commas allowed. The message names the line."""


class _Reader:
    """Reads the text once, and records where the members of each object are."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects: dict[tuple[str, ...], _Object] = {}

    def broken(self, at: int, message: str) -> JsoncError:
        return JsoncError(f"line {self.text.count(chr(10), 0, at) + 1}: {message}")

    def skip(self, at: int) -> int:
        match = _SKIP.match(self.text, at)
        return match.end() if match else at

    def string(self, at: int) -> tuple[str, int]:
        match = _STRING.match(self.text, at)
        if not match:
            raise self.broken(at, "a text in double quotes is expected")
        try:
            return json.loads(match[0], strict=False), match.end()
        except ValueError:
            raise self.broken(at, "the text in quotes is not valid") from None

    def value(self, at: int, path: tuple[str, ...]) -> tuple[Any, int]:
        """Return the value that begins at a position, and where it ends."""
        sign = self.text[at : at + 1]
        if sign == "{":
            return self.object(at, path)
        if sign == "[":
            return self.array(at)
        if sign == '"':
            return self.string(at)
        match = _WORD.match(self.text, at)
        if not match:
            raise self.broken(at, "a value is missing")
        try:
            return json.loads(match[0]), match.end()
        except ValueError:
            raise self.broken(at, f"{match[0][:20]!r} is not a valid value") from None

    def object(self, at: int, path: tuple[str, ...]) -> tuple[dict[str, Any], int]:
        where = _Object(at)
        result: dict[str, Any] = {}
        end = at + 1
        while True:
            start = self.skip(end)
            if self.text[start : start + 1] == "}":
                where.close = start
                if path is not _ELSEWHERE:
                    self.objects[path] = where
                return result, start + 1
            if result and not where.comma:
                raise self.broken(start, "a comma or } is expected")
            name, colon = self.string(start)
            colon = self.skip(colon)
            if self.text[colon : colon + 1] != ":":
                raise self.broken(colon, "a colon is expected")
            begin = self.skip(colon + 1)
            inner = _ELSEWHERE if path is _ELSEWHERE else (*path, name)
            result[name], end = self.value(begin, inner)
            where.members[name], where.names[name], where.end = (begin, end), start, end
            comma = self.skip(end)
            where.comma = self.text[comma : comma + 1] == ","
            end = comma + 1 if where.comma else end

    def array(self, at: int) -> tuple[list[Any], int]:
        result: list[Any] = []
        end, comma = at + 1, True
        while True:
            start = self.skip(end)
            if self.text[start : start + 1] == "]":
                return result, start + 1
            if not comma:
                raise self.broken(start, "a comma or ] is expected")
            item, end = self.value(start, _ELSEWHERE)
            result.append(item)
            after = self.skip(end)
            comma = self.text[after : after + 1] == ","
            end = after + 1 if comma else end


class _Object:
    """Where an object and its members are in the text."""

    def __init__(self, begin: int) -> None:
        self.open, self.close, self.end, self.comma = begin, begin, begin + 1, False
        self.members: dict[str, tuple[int, int]] = {}
        self.names: dict[str, int] = {}


_ELSEWHERE = ("\0",)  # nothing is ever set inside an array


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
        raise reader.broken(end, "there is more text after the end")
    return value, reader


def loads(text: str) -> Any:
    """Return the value of a text, {} for an empty one. Raises JsoncError."""
    return _read(text)[0]


def put(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with `value` at `path`; comments, order and spacing of the rest stay. Raises JsoncError."""
    current, reader = _read(text)
    if not reader.objects and current == {}:  # empty, or only comments
        inner = value
        for name in reversed(path):
            inner = {name: inner}
        return text.rstrip() + ("\n" if text.strip() else "") + json.dumps(inner, ensure_ascii=False, indent=2) + "\n"
    depth = 0
    while depth < len(path) - 1 and tuple(path[: depth + 1]) in reader.objects:
        depth += 1
    parent = reader.objects.get(tuple(path[:depth]))
    if parent is None:
        raise JsoncError("the outermost value is not an object")
    name, inner = path[depth], value
    for outer in reversed(path[depth + 1 :]):
        inner = {outer: inner}
    if name in parent.members and depth < len(path) - 1:
        raise JsoncError(f"{name!r} exists, but is not an object")
    unit = _unit(text)
    indent = _indent(text, parent, unit)
    written = json.dumps(inner, ensure_ascii=False, indent=unit)
    newline = "\r\n" if "\r\n" in text else "\n"
    written = written.replace("\n", newline + indent)
    if name in parent.members:
        begin, end = parent.members[name]
        return text[:begin] + written + text[end:]
    member = f"{newline}{indent}{json.dumps(name, ensure_ascii=False)}: {written}"
    last = len(text[: parent.close].rstrip())  # after the comments that belong to what is there
    member += "," if parent.comma and parent.members else ""
    if "\n" not in text[last : parent.close]:
        member += newline + indent.removesuffix(unit)
    middle = text[parent.end : last]
    if parent.members and not parent.comma:
        middle = f",{middle}"
    return text[: parent.end] + middle + member + text[last:]


def _unit(text: str) -> str:
    match = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return match[1] if match and len(match[1]) <= 8 else "  "


def _indent(text: str, parent: _Object, unit: str) -> str:
    """Return the indentation of an object's members: that of the others, else one unit more than its own line."""
    for at in (*parent.names.values(), None):
        anchor = parent.open if at is None else at
        line = text[text.rfind("\n", 0, anchor) + 1 : anchor]
        if at is None:
            return re.match(r"[ \t]*", line)[0] + unit  # type: ignore[index]
        if not line.strip():
            return line
    return unit

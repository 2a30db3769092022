"""Portable schemas, and values that fit them: what strict clients accept and what lenient ones send.

Gemini, Vertex and others refuse `$ref`, null branches and arrays without items; the Docker gateway aborts on a root
that is no object. So schemas are flat, nulls are left out of results, and arguments that came as JSON text are read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, Literal, get_type_hints

from pydantic import ConfigDict, TypeAdapter

Schema = dict[str, Any]
_NULL = {"type": "null"}
_DATA = ("examples", "enum", "default")  # keywords whose value is not a schema
DEEPEST = 64  # levels of arguments
LONGEST_TEXT = 4_000_000  # characters of arguments that come as JSON text
SAFE_INTEGER = 2**53  # the gateway carries numbers as float64


def portable(adapter: TypeAdapter[Any], mode: Literal["validation", "serialization"] = "validation") -> Schema:
    """Return the adapter's JSON schema without references, null branches and automatic titles.

    Raises TypeError for a required argument, or an item of a result's list, that may be null.
    """
    raw = adapter.json_schema(mode=mode, by_alias=mode == "validation")
    defs, dropped = raw.pop("$defs", {}), {"title", "discriminator"}
    if mode == "serialization":
        dropped.add("default")  # a reader of results does not need it

    def flat(s: Any, seen: tuple[str, ...] = ()) -> Any:
        if isinstance(s, list):
            return [flat(branch, seen) for branch in s]
        if not isinstance(s, dict):
            return s
        s = {k: v for k, v in s.items() if k not in dropped and not (k == "default" and v is None)}
        if "$ref" in s:  # a recursive model ends in a plain object
            name = s["$ref"].rsplit("/", 1)[1]
            body = {"type": "object"} if name in seen else flat(defs[name], (*seen, name))
            body.pop("description", None)  # a class's docstring is for the reader of the code
            return {**body, **{k: v for k, v in s.items() if k != "$ref"}}
        if _NULL in s.get("anyOf", ()):
            rest = [branch for branch in s.pop("anyOf") if branch != _NULL]
            return flat({**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **s}, seen)
        if "const" in s:  # Gemini knows enum alone
            s["enum"] = [s.pop("const")]
        properties = s.get("properties", {})
        nullable = [n for n in s.get("required", ()) if _NULL in properties[n].get("anyOf", ())]
        if mode == "validation" and nullable:
            raise TypeError(f"`{nullable[0]}` may be null, so it needs a default")
        if mode == "serialization" and _NULL in (s.get("items") or {}).get("anyOf", ()):
            raise TypeError('a result\'s list holds no nulls: use "" for "nothing"')
        need = [n for n in s.pop("required", ()) if n not in nullable]
        s = {k: v if k in _DATA else flat(v, seen) for k, v in s.items() if k != "properties"}
        if properties:  # by name, so that a property called "title" survives
            s["properties"] = {n: flat(p, seen) for n, p in properties.items()}
        if need:
            s["required"] = need
        if mode == "validation" and s.get("additionalProperties") is True:  # as without it
            del s["additionalProperties"]
        if s.get("type") == "array":
            s.setdefault("items", {})
        return s

    schema: Schema = flat(raw)
    schema.pop("description", None)
    return schema


def arguments_of(fn: Callable[..., Any], extra: dict[str, tuple[Any, Any]]) -> TypeAdapter[dict[str, Any]]:
    """Return a validator from arguments to keyword arguments, of `fn` and of the `extra` ones (name: type, default)."""
    hints = get_type_hints(fn, include_extras=True)
    parameters = [
        p.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[n]) for n, p in signature(fn).parameters.items()
    ]
    parameters += [Parameter(n, Parameter.KEYWORD_ONLY, annotation=a, default=d) for n, (a, d) in extra.items()]

    def collect(**arguments: Any) -> dict[str, Any]:
        return arguments

    collect.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    collect.__annotations__ = {p.name: p.annotation for p in parameters}
    return TypeAdapter(collect, config=ConfigDict(coerce_numbers_to_str=True))  # type: ignore[arg-type]


def read_json(text: str) -> Any:
    """Return arguments that came as JSON text; raises ValueError, also for too long and too deeply nested ones."""
    if len(text) > LONGEST_TEXT:
        raise ValueError("too long")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if is_deep(value):
        raise ValueError("nested too deeply")
    return value


def is_deep(value: Any, deepest: int = DEEPEST) -> bool:
    """Tell whether lists and objects stand more than so many levels inside of one another."""
    level = [value]
    for _ in range(deepest + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def decoded(value: Any, schema: Schema) -> Any:
    """Read what lenient clients send, by one rule for every tool.

    - JSON text where the schema wants an object or an array is read;
    - null of a known name is left out, and so are "", "null" and ["null"] of an optional one that is not plain text;
    - a single value where an array is wanted is an array of one; "a, b" is one value: a comma may be part of a word;
    - a word of a closed list may be written in other capitals.
    """
    kind = schema.get("type")
    if isinstance(value, str) and kind in ("object", "array"):
        read = _json(value)
        value = read if isinstance(read, dict if kind == "object" else list) else value
    if isinstance(value, str) and value not in (choices := schema.get("enum", ())):
        alike = [choice for choice in choices if str(choice).casefold() == value.strip().casefold()]
        value = alike[0] if len(alike) == 1 else value
    if isinstance(value, dict):  # in a free object, null may mean "clear this"
        known = schema.get("properties", {}) if schema.get("additionalProperties") is not False else value
        need = schema.get("required", ())
        return {
            name: _single(decoded(item, below), below)
            for name, item in value.items()
            for below in [inner(schema, name)]
            if not (item is None and name in known) and not (name not in need and _left_out(item, below))
        }
    if isinstance(value, list):
        return [decoded(item, schema.get("items", {})) for item in value]
    return value


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return None


def _left_out(value: Any, schema: Schema) -> bool:
    """Tell whether a value stands for nothing, where the schema has no plain text that it could be."""
    kinds = [branch for branch in schema.get("anyOf", [schema]) if branch]
    text = any(k.get("type") == "string" and not (set(k) & {"enum", "format"}) for k in kinds)
    if not kinds or text or any("type" not in kind and "enum" not in kind for kind in kinds):
        return False
    if isinstance(value, str) and "array" in [kind.get("type") for kind in kinds]:
        read = _json(value)
        value = read if isinstance(read, list) else value
    return value in ("", "null", ["null"], [""]) and value not in schema.get("enum", ())


def _single(value: Any, schema: Schema) -> Any:
    """Return a list of one where a list is wanted."""
    if schema.get("type") != "array" or isinstance(value, list) or value in (None, ""):
        return value
    items = schema.get("items", {})
    read = _json(value) if isinstance(value, str) and items.get("type") == "object" else None
    return [decoded(read if isinstance(read, dict) else value, items)]


def without_nulls(value: Any, schema: Schema) -> Any:
    """Drop fields that are null or not finite.

    Integers that a float64 cannot hold become text, unless the schema says integer.
    """
    if isinstance(value, dict):
        return {k: without_nulls(v, inner(schema, k)) for k, v in value.items() if not _nothing(v)}
    if isinstance(value, list):
        return [without_nulls(v, schema.get("items", {})) for v in value]
    if type(value) is int and abs(value) > SAFE_INTEGER and schema.get("type") != "integer":
        return str(value)
    return value


def inner(schema: Schema, name: str) -> Schema:
    """Return the schema of one property of an object, {} without one."""
    others = schema.get("additionalProperties")
    below: Schema = schema.get("properties", {}).get(name) or (others if isinstance(others, dict) else {})
    return below


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))

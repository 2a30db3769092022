"""Portable schemas, and values that fit them: what strict clients accept and what lenient ones send.

Gemini, Vertex and others refuse `$ref`, null branches and arrays without items; the Docker gateway aborts on a root
that is no object. So schemas are flat, nulls are left out of results, and arguments that came as JSON text are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter

Schema = dict[str, Any]
_NULL = {"type": "null"}
SAFE_INTEGER = 2**53  # the gateway carries numbers as float64


def portable(adapter: TypeAdapter[Any], mode: str = "validation") -> Schema:
    """Return the adapter's JSON schema without references, null branches and automatic titles."""
    raw = adapter.json_schema(mode=mode, by_alias=False) if mode == "serialization" else adapter.json_schema()
    flat: Schema = _flat(raw, raw.pop("$defs", {}))
    flat.pop("description", None)
    return flat if mode == "validation" else _without_defaults(flat)


def _without_defaults(s: Any) -> Any:
    """Drop defaults from a result's schema: a reader of results does not need them."""
    if isinstance(s, dict):
        inner = {n: _without_defaults(p) for n, p in s["properties"].items()} if "properties" in s else None
        rest = {k: _without_defaults(v) for k, v in s.items() if k not in ("default", "properties")}
        return {**rest, **({"properties": inner} if inner is not None else {})}
    return [_without_defaults(v) for v in s] if isinstance(s, list) else s


def _flat(s: Any, defs: Schema, seen: tuple[str, ...] = ()) -> Any:
    if not isinstance(s, dict):
        return s
    if "$ref" in s:  # a recursive model ends in a plain object
        name = s["$ref"].rsplit("/", 1)[1]
        body = {"type": "object"} if name in seen else _flat(defs[name], defs, (*seen, name))
        body.pop("description", None)  # a class's docstring is for the reader of the code
        return {**body, **{k: v for k, v in s.items() if k != "$ref"}}
    s = {k: v for k, v in s.items() if k not in ("title", "discriminator") and not (k == "default" and v is None)}
    if _NULL in s.get("anyOf", ()):
        rest = [b for b in s.pop("anyOf") if b != _NULL]
        return _flat({**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **s}, defs, seen)
    if "properties" in s:  # by name, so that a property called "title" survives
        need = [n for n in s.pop("required", ()) if _NULL not in s["properties"][n].get("anyOf", ())]
        s["properties"] = {n: _flat(p, defs, seen) for n, p in s["properties"].items()}
        if need:
            s["required"] = need
    for key in ("items", "additionalProperties"):
        if key in s:
            s[key] = _flat(s[key], defs, seen)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if key in s:
            s[key] = [_flat(b, defs, seen) for b in s[key]]
    if s.get("type") == "array":
        s.setdefault("items", {})
    return s


def arguments_of(fn: Callable[..., Any], extra: dict[str, tuple[Any, Any]]) -> TypeAdapter[dict[str, Any]]:
    """Return a validator from arguments to keyword arguments, of `fn` and of the `extra` ones (name: type, default)."""
    hints = get_type_hints(fn, include_extras=True)
    parameters = [
        p.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[n]) for n, p in signature(fn).parameters.items()
    ]
    parameters += [Parameter(n, Parameter.KEYWORD_ONLY, annotation=a, default=d) for n, (a, d) in extra.items()]

    def collect(**given: Any) -> dict[str, Any]:
        return given

    collect.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    collect.__annotations__ = {p.name: p.annotation for p in parameters}
    return TypeAdapter(collect, config=ConfigDict(coerce_numbers_to_str=True))  # type: ignore[arg-type]


def decoded(value: Any, schema: Schema) -> Any:
    """Read JSON text where the schema wants an object or an array, and drop nulls: clients send both."""
    kind = schema.get("type")
    if isinstance(value, str) and kind in ("object", "array"):
        try:
            read = json.loads(value)
        except ValueError:
            return value
        value = read if isinstance(read, dict if kind == "object" else list) else value
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {k: decoded(v, inner.get(k, {})) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [decoded(v, schema.get("items", {})) for v in value]
    return value


def without_nulls(value: Any, schema: Schema) -> Any:
    """Drop null fields, and write integers that a float64 cannot hold as text where the schema leaves that open."""
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {k: without_nulls(v, inner.get(k, {})) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v, schema.get("items", {})) for v in value]
    if type(value) is int and abs(value) > SAFE_INTEGER and schema.get("type") != "integer":
        return str(value)
    return value

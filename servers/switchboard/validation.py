"""Arguments for foreign servers, checked before they are sent: what is wrong, where, and what is allowed.

Nothing is guessed or changed: the model corrects its call. Our own servers check their arguments themselves. A schema
that cannot be used is reported once and blocks nothing. jsonschema is imported with the first check.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from .reporting import report

MOST = 5  # errors that one answer tells
SHOWN = 12  # values and names that are listed
LONGEST = 60  # characters of a value that is quoted
WORDS = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
         "array": "a list", "object": "an object", "null": "null"}  # fmt: skip
LIMITS = {  # keyword: how a limit reads
    "minimum": "must be at least {}", "maximum": "must be at most {}", "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}", "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters", "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items", "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} fields", "maxProperties": "must have at most {} fields",
    "pattern": "must match the pattern {}",
}  # fmt: skip
# Patterns are a foreign server's: one that repeats a repetition could take for ever. Those are left to the server.
_SLOW = re.compile(r"[*+}]\)?[*+{]|[*+{|?].*\)\s*[*+{]")
_LONGEST_PATTERN, _MOST_REPEATED, _MOST_OPTIONAL, _LONGEST_MATCHED = 200, 2, 8, 2_000


class Validator:
    """Checks the arguments of one server's tools. Its schemas are prepared when they are first needed."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._prepared: dict[str, tuple[Mapping[str, Any], Any]] = {}  # by tool: the schema, and what checks by it

    async def errors(self, tool: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the arguments of a tool, in clauses, the first five; nothing where they fit."""
        schema, checker = self._prepared.get(tool["name"], (None, None))
        if schema is not tool["inputSchema"]:
            schema, checker = tool["inputSchema"], await self._prepare(tool)
            self._prepared[tool["name"]] = schema, checker
        if checker is None:
            return []
        try:
            return list(_messages(checker, arguments))
        except Exception as error:  # of a schema that only turns out to be unusable when it is used
            self._cannot(tool, error)
            self._prepared[tool["name"]] = schema, None
            return []

    async def refusal(self, tool: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
        """Return what a model reads about arguments that do not fit; nothing where they do."""
        errors = await self.errors(tool, arguments)
        if not errors:
            return ""
        messages = "; ".join(errors)
        return f"The arguments do not fit `{tool['name']}`: {messages}. Nothing was sent. Correct them, and call again."

    async def _prepare(self, tool: Mapping[str, Any]) -> Any:
        try:
            return await asyncio.to_thread(_checker, tool["inputSchema"])
        except Exception as error:
            self._cannot(tool, error)
            return None

    def _cannot(self, tool: Mapping[str, Any], error: Exception) -> None:
        reason = " ".join(str(getattr(error, "message", error)).split())[:200]
        report(f"{self._server}: arguments of {tool['name']} are not checked, because its schema is wrong ({reason})")


def _checker(schema: Mapping[str, Any]) -> Any:
    """Return what checks by a schema. It fetches nothing. Raises what jsonschema raises for a schema that is wrong."""
    import jsonschema
    from referencing import Registry

    if slow := next(filter(_is_slow, _property_patterns(schema)), None):
        raise ValueError(f"the pattern {slow} may take for ever")
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    kind.check_schema(dict(schema))
    extend: Any = jsonschema.validators.extend
    return extend(kind, {"pattern": _pattern})(schema, registry=Registry())


def _pattern(checker: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    """Check a text against a pattern, unless that may take long."""
    import jsonschema

    if not isinstance(value, str) or len(value) > _LONGEST_MATCHED or _is_slow(pattern):
        return
    try:
        fits = re.search(pattern, value)
    except re.error:  # JavaScript's patterns are not all Python's
        return
    if not fits:
        yield jsonschema.ValidationError("does not match")


def _is_slow(pattern: str) -> bool:
    pattern = pattern.replace("(?:", "(")
    repeated, optional = len(re.findall(r"[*+]|,\}", pattern)), pattern.count("?")
    many = len(pattern) > _LONGEST_PATTERN or repeated > _MOST_REPEATED or optional > _MOST_OPTIONAL
    return many or bool(_SLOW.search(pattern))


def _property_patterns(schema: Any) -> Iterator[str]:
    """Yield the patterns of names that stand anywhere in a schema."""
    if isinstance(schema, dict):
        patterns = schema.get("patternProperties")
        yield from patterns if isinstance(patterns, dict) else ()
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in parts:
        yield from _property_patterns(part)


def _messages(checker: Any, arguments: Mapping[str, Any]) -> Iterator[str]:
    messages = set()
    for error in sorted(checker.iter_errors(arguments), key=lambda error: [str(part) for part in error.absolute_path]):
        for text in _texts(error):
            if text not in messages:
                messages.add(text)
                yield text
            if len(messages) == MOST:
                return


def _texts(error: Any) -> Iterator[str]:
    """Yield what an error of jsonschema says, in clauses."""
    place, keyword, expected = _place(error.absolute_path), error.validator, error.validator_value
    if keyword == "required":
        [missing] = re.findall(r"^'(.*)' is a required property$", error.message)[:1] or [""]
        yield from _missing(error, missing)
    elif keyword in ("additionalProperties", "unevaluatedProperties") and isinstance(error.instance, dict):
        yield from _unknown(error)
    elif keyword == "type":
        kinds = [str(expected)] if isinstance(expected, str) else list(map(str, expected))
        yield f"{place} must be {_either(WORDS.get(kind, kind) for kind in kinds)}, not {_quoted(error.instance)}"
    elif keyword == "enum":
        yield f"{place} must be {_listed(map(_quoted, expected))}, not {_quoted(error.instance)}" + _near(
            error.instance, expected
        )
    elif keyword == "const":
        yield f"{place} must be {_quoted(expected)}, not {_quoted(error.instance)}"
    elif keyword in ("anyOf", "oneOf") and error.context:
        yield from _alternatives(error)
    elif keyword in LIMITS:
        yield f"{place} {LIMITS[keyword].format(_quoted(expected))}, not {_quoted(error.instance)}"
    elif keyword == "uniqueItems":
        yield f"{place} must not hold the same item twice"
    else:
        yield f"{place} does not fit `{keyword}` of the schema: {_quoted(expected)}"


def _missing(error: Any, name: str) -> Iterator[str]:
    properties = error.schema.get("properties") or {}
    schema = properties.get(name)
    about = f" ({_expected(schema)})" if isinstance(schema, dict) and _expected(schema) else ""
    unknown = [key for key in error.instance if key not in properties]
    near = get_close_matches(name, unknown, 1)
    hint = f"; you gave `{near[0]}`" if near else ""
    yield f"{_place([*error.absolute_path, name])} is missing{about}{hint}"


def _unknown(error: Any) -> Iterator[str]:
    properties = error.schema.get("properties") or {}
    patterns = error.schema.get("patternProperties") or {}
    allowed = f"allowed: {_listed(f'`{name}`' for name in properties)}" if properties else "no argument is allowed here"
    for name in error.instance:
        if name not in properties and not any(re.search(pattern, name) for pattern in patterns):
            near = get_close_matches(str(name), properties, 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield f"{_place([*error.absolute_path, name])} is unknown ({allowed}){hint}"


def _alternatives(error: Any) -> Iterator[str]:
    """Tell what is wrong with the alternative that fits best: the one whose errors lie deepest."""
    branches: dict[Any, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0] if inner.schema_path else 0, []).append(inner)
    wrong_types = [inner for inners in branches.values() for inner in inners
                   if inner.validator == "type" and len(inner.path) == 0]  # fmt: skip
    if len(wrong_types) == len(branches):
        kinds = dict.fromkeys(kind for inner in wrong_types for kind in (
            [inner.validator_value] if isinstance(inner.validator_value, str) else inner.validator_value))  # fmt: skip
        yield (
            f"{_place(error.absolute_path)} must be {_either(WORDS.get(kind, kind) for kind in kinds)}, "
            f"not {_quoted(error.instance)}"
        )
        return
    other = [inners for inners in branches.values() if not any(inner in wrong_types for inner in inners)]
    best = min(other, key=lambda inners: (len(inners), -max(len(inner.path) for inner in inners)))
    for inner in best:
        yield from _texts(inner)


def _expected(schema: Mapping[str, Any]) -> str:
    """Return what a schema wants as people say it, where it says so simply."""
    if isinstance(schema.get("enum"), list):
        return _listed(map(_quoted, schema["enum"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return _either(str(WORDS.get(item) or item) for item in kind)
    return WORDS.get(kind, "") if isinstance(kind, str) else ""


def _near(value: Any, allowed: Iterable[Any]) -> str:
    texts = [item for item in allowed if isinstance(item, str)]
    if not isinstance(value, str):
        return ""
    by_low = {text.lower(): text for text in texts}
    near = get_close_matches(value.lower(), by_low, 1)
    return f"; did you mean {_quoted(by_low[near[0]])}?" if near else ""


def _place(path: Iterable[Any]) -> str:
    """Return a path as `contact.emails[0].type`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return f"`{text}`" if text else "the arguments"


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _either(texts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(texts))


def _listed(texts: Iterable[str]) -> str:
    known = list(texts)
    more = f" … {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more

"""Errors about a call's arguments, as a caller understands them: no type names, no regular expressions."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from flotilla import errors
from flotilla.calls.schema import Schema, inner

_SENTENCES = {  # by pydantic's error type; {…} comes from the error's context
    "bool": "must be true or false",
    "date": "must be a date such as 2030-06-03",
    "datetime": "must be a time with an offset, such as 2030-06-03T09:00:00+02:00",
    "decimal": "must be a number",
    "dict": "must be an object",
    "enum": "must be one of {expected}",
    "float": "must be a number",
    "finite_number": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list": "must be a list",
    "literal_error": "must be one of {expected}",
    "missing": "is missing",
    "model": "must be an object",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string": "must be text",
    "time": "must be a time of day such as 09:30",
    "timezone_aware": "needs an offset, such as 2030-06-03T09:00:00+02:00",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "url": "must be an address such as https://example.org",
    "uuid": "must be an id such as 0b0fb0a6-6d0a-4d3c-8a4c-2f6d6a4b9a11",
}
_FIRST = ("unexpected_keyword_argument", "missing_argument", "missing_keyword_only_argument", "missing")


def input_problem(tool: str, schema: Schema, problem: ValidationError) -> errors.InvalidInputError:
    """Return the error of the first problem: an unknown name before a missing one before a wrong value."""
    details = problem.errors(include_url=False, include_input=False)
    first = min(details, key=lambda e: _FIRST.index(e["type"]) if e["type"] in _FIRST else len(_FIRST))
    if first["type"] == "unexpected_keyword_argument":
        return unknown(tool, str(first["loc"][-1]), list(schema["properties"]))
    path, about = _place(first["loc"], schema)
    if first["type"] in _FIRST:
        return errors.InvalidInputError(f"Argument `{path}` is missing.", f"Call {tool} again with it.")
    if first["type"] == "extra_forbidden":
        above = _place(first["loc"][:-1], schema)
        return unknown(tool, str(first["loc"][-1]), list(above[1].get("properties", ())), above[0])
    alike = [error for error in details if _place(error["loc"], schema)[0] == path]  # one for each branch of a union
    sentences = list(dict.fromkeys(_sentence(error, about) for error in alike))
    if first["type"] == "value_error" and len(sentences) == 1:  # the type's own sentence
        own = errors.excerpt(first["msg"].removeprefix("Value error, ").rstrip("."))
        return errors.InvalidInputError(f"Argument `{path}` does not fit: {own}.", "Correct it and call again.")
    return errors.InvalidInputError(
        f"Argument `{path}` does not fit: it {' or '.join(sentences)}.", "Correct it and call again."
    )


def unknown_key(tool: str, value: Any, schema: Schema, path: str = "") -> errors.InvalidInputError | None:
    """Return the error of an unknown key in a nested object, which would otherwise be ignored; None without one."""
    if isinstance(value, list):
        parts = [(f"{path}.{n}".lstrip("."), item, schema.get("items", {})) for n, item in enumerate(value)]
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        unknown_names = [name for name in value if name not in known]
        if path and known and unknown_names and not schema.get("additionalProperties"):
            return unknown(tool, str(unknown_names[0]), list(known), path)
        parts = [(f"{path}.{name}".lstrip("."), item, inner(schema, name)) for name, item in value.items()]
    else:
        return None
    return next((error for at, item, below in parts if (error := unknown_key(tool, item, below, at))), None)


def unknown(tool: str, name: str, known: Sequence[str], path: str = "") -> errors.InvalidInputError:
    """Return the error of an unknown name, with the most similar known one."""
    near = difflib.get_close_matches(name, known, n=1)
    return errors.InvalidInputError(
        f"Unknown argument `{errors.excerpt(name, 60)}`"
        + (f" in `{path}`" if path else "")
        + (f"; did you mean `{near[0]}`?" if near else "."),
        f"{f'`{path}`' if path else tool} takes: {', '.join(known) or 'no arguments'}.",
    )


def _place(loc: Sequence[int | str], schema: Schema) -> tuple[str, Schema]:
    """Return an error's place as the caller knows it, and the schema there: branches of a choice have no name."""
    path = list[str]()
    for part in loc:
        if isinstance(part, int):
            below = schema.get("items")
        else:
            others = schema.get("additionalProperties")
            below = schema.get("properties", {}).get(part) or (others if isinstance(others, dict) else None)
        if below is None and (isinstance(part, int) or schema.get("properties") or "anyOf" in schema or path):
            break
        path.append(str(part))
        schema = below or {}
    return ".".join(path) or ".".join(str(part) for part in loc), schema


def _sentence(error: Any, schema: Schema) -> str:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "string_pattern_mismatch":
        example = next(iter(schema.get("examples", ())), "")
        return "is not of the right form" + (f", such as {example}" if example else "")
    if kind in ("value_error", "assertion_error"):
        return "is refused: " + errors.excerpt(error["msg"].removeprefix("Value error, ").rstrip("."))
    if kind == "string_too_short" and context.get("min_length") == 1:
        return "must not be empty"
    if kind in ("too_short", "too_long") and 1 in (context.get("min_length"), context.get("max_length")):
        return _SENTENCES[kind].format(**context).replace("items", "item")
    template = _SENTENCES.get(kind) or _SENTENCES.get(kind.split("_")[0], "does not have the right form")
    return template.format(**context)

"""Arguments for a tool out of its flat schema: its own examples, generated sets that fit, and sets that are broken.

Everything comes from one seed, so that a failure can be repeated.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from flotilla.tool import RESERVED_ARGUMENTS

Schema = Mapping[str, Any]
ZONES = ("+02:00", "+01:00", "-05:00", "+05:45", "Z")
TEXTS = (
    "Réunion du 3 juin",
    "Œuvre à 12,50 €",
    "naïve — “quoted” ‘text’",
    "two\nlines",
    "日本語",
    "👩‍👩‍👧 family",
    "a",
    "100 % {braces} <tags> & \\backslash",
    "'; DROP TABLE events; --",
    "../../etc/passwd",
)
ODD: tuple[Any, ...] = (
    "",
    " ",
    "\u0000\u0007\u202etxt",
    "../../../etc/passwd",
    "//evil.example/x",
    "https://evil.example/steal?x=1#y",
    "http://[::1",
    "x" * 20_000,
    "%2e%2e%2f",
    "{{7*7}}",
    "NaN",
    "-1",
    "2030-13-45T99:99:99",
    "2030-06-01T09:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    0,
    -1,
    10**30,
    1.5,
    True,
    [],
    ["a", None, {"b": []}],
    {},
    {"a": {"b": {"c": {"d": [1, 2, 3]}}}},
    None,
)


def visible(schema: Schema) -> dict[str, Schema]:
    """Return the arguments that the tool itself takes."""
    return {name: inner for name, inner in schema.get("properties", {}).items() if name not in RESERVED_ARGUMENTS}


def example_of(tool: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a tool's required arguments from their examples, and what else was given for it."""
    schema = tool["inputSchema"]
    required = {name: schema["properties"][name].get("examples", [None])[0] for name in schema.get("required", ())}
    return copy.deepcopy({**required, **(known or {})})


def examples_of(tool: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Yield calls that use every example and every choice of every argument once, beside the required ones."""
    base = example_of(tool, known)
    yield base
    for name, inner in visible(tool["inputSchema"]).items():
        choices = [*inner.get("examples", ()), *inner.get("enum", ())]
        if inner.get("type") == "boolean":
            choices += [True, False]
        for choice in choices:
            if base.get(name) != choice:
                yield {**base, name: copy.deepcopy(choice)}


def valid_sets(tool: Mapping[str, Any], count: int, seed: int = 1, known: Mapping[str, Any] | None = None) -> list[Any]:
    """Return argument sets that the tool's schema allows, optional arguments there or not."""
    rng, schema = Random(f"{tool['name']}-{seed}"), tool["inputSchema"]
    required = set(schema.get("required", ())) | set(known or {})

    def one() -> dict[str, Any]:
        names = [n for n in visible(schema) if n in required or rng.random() < 0.5]
        return {n: copy.deepcopy(value(schema["properties"][n], rng, n, (known or {}).get(n))) for n in names}

    return [one() for _ in range(count)]


def broken_sets(
    tool: Mapping[str, Any], count: int, seed: int = 1, known: Mapping[str, Any] | None = None
) -> list[Any]:
    """Return argument sets with something wrong in each: missing, unknown, of another type, or odd."""
    rng, names = Random(f"{tool['name']}-broken-{seed}"), list(tool["inputSchema"].get("properties", {}))
    required = list(tool["inputSchema"].get("required", ()))

    def spoilt(arguments: dict[str, Any]) -> dict[str, Any]:
        failure = rng.randrange(8)
        if failure == 0 and required:
            arguments.pop(rng.choice(required), None)
        elif failure == 1:
            name = rng.choice([*names, "argument"])
            arguments[rng.choice([name + "s", name.upper(), "__class__", "self", "", "é"])] = rng.choice(ODD)
        elif names:
            for name in rng.sample(names, min(len(names), rng.choice((1, 1, 2)))):
                arguments[name] = copy.deepcopy(rng.choice(ODD))
        return arguments

    return [spoilt(arguments) for arguments in valid_sets(tool, count, seed + 1, known)]


def value(schema: Schema, rng: Random, name: str = "", known: Any = None) -> Any:
    """Return one value that fits a schema; often a known or an exemplary one."""
    if known is not None and rng.random() < 0.7:
        return known
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema.get("examples") and (rng.random() < 0.5 or "pattern" in schema):
        return rng.choice(schema["examples"])
    if "anyOf" in schema:
        return value(rng.choice(schema["anyOf"]), rng, name)
    return _MAKERS.get(str(schema.get("type")), _string)(schema, rng, name)


def _boolean(schema: Schema, rng: Random, name: str) -> Any:
    return rng.random() < 0.5


def _string(schema: Schema, rng: Random, name: str) -> Any:
    kind = schema.get("format", "")
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    if kind == "date-time":
        return f"{rng.randint(2024, 2036)}-{month:02}-{day:02}T{rng.randint(0, 23):02}:30:00{rng.choice(ZONES)}"
    if kind == "date":
        return f"{rng.randint(2024, 2036)}-{month:02}-{day:02}"
    if kind == "email" or re.search(r"e?mail(_address)?$", name):
        return rng.choice(("jean@exemple.fr", "zoe+rdv@example.com", "a@b.co"))
    if kind in ("uri", "url"):
        return rng.choice(("https://example.com/a", "https://exemple.fr/b?c=d"))
    if kind == "uuid":
        return f"{rng.getrandbits(128):032x}"
    text = rng.choice(TEXTS) * rng.choice((1, 1, 1, 5))
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 5000)
    return (text * (1 + shortest // len(text)))[: max(shortest, min(longest, 5000))]


def _integer(schema: Schema, rng: Random, name: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -2) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 101) - 1)
    return rng.choice((low, high, rng.randint(low, high)))


def _number(schema: Schema, rng: Random, name: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1000))
    return round(low + (high - low) * rng.uniform(0.01, 0.99), 2)


def _array(schema: Schema, rng: Random, name: str) -> Any:
    low, high = schema.get("minItems", 0), schema.get("maxItems", 4)
    return [value(schema.get("items", {}), rng, name) for _ in range(rng.randint(low, max(low, min(high, low + 3))))]


def _object(schema: Schema, rng: Random, name: str) -> Any:
    if schema.get("properties"):
        required = schema.get("required", ())
        return {n: value(s, rng, n) for n, s in schema["properties"].items() if n in required or rng.random() < 0.5}
    inner = schema.get("additionalProperties")
    return {rng.choice(("nom", "total", "clé")): value(inner if isinstance(inner, dict) else {}, rng)}


_MAKERS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}

"""What can be seen without a call: names, hints, arguments, schemas, size, and the source itself."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from pydantic import ValidationError as Refused

from flotilla_launcher.naming import module_of
from flotilla_testing import plugin
from flotilla_testing.arguments import visible
from flotilla_testing.checks import check
from flotilla_testing.rules import CHANGING, DESTROYING, READING, VERBS, Claim
from flotilla_testing.subject import Subject

HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
BARRED = (
    "$ref",
    "$defs",
    "definitions",
    "title",
    "const",
    "prefixItems",
    "patternProperties",
    "discriminator",
    "not",
    "anyOf",
    "oneOf",
    "allOf",
)


def compact(tool: Mapping[str, Any]) -> str:
    """Return a tool as compact JSON, as the budget counts it."""
    return json.dumps(tool, ensure_ascii=False, separators=(",", ":"))


def verb(case: Subject, name: str) -> str:
    """Return the verb in a tool's name."""
    return name.removeprefix(f"{case.server.integration.prefix}_").split("_")[0]


@check("names")
async def names(case: Subject) -> list[str]:
    """`<prefix>_<verb>_<noun>`, 45 characters at most, the verb from the closed list."""
    problems = []
    for name in (tool["name"] for tool in await case.tools()):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,44}", name):
            problems.append(f"{name} must match [a-z][a-z0-9_]* and have at most 45 characters.")
        if not name.startswith(f"{case.server.integration.prefix}_"):
            problems.append(f"{name} must begin with {case.server.integration.prefix}_.")
        if verb(case, name) not in VERBS:
            problems.append(f"{name}: the verb {verb(case, name)} is not in the closed list (flotilla_testing.rules).")
    return problems


@check("hints")
async def hints(case: Subject) -> list[str]:
    """Title and four hints, all explicit, in agreement with the verb and with the network."""
    problems = []
    for tool in await case.tools():
        name, annotations = tool["name"], tool.get("annotations") or {}
        problems += [f"{name} does not set {hint}." for hint in HINTS if annotations.get(hint) is None]
        if not tool.get("title"):
            problems.append(f"{name} has no title.")
        reads = annotations.get("readOnlyHint")
        if verb(case, name) in READING and not reads:
            problems.append(f"{name} sounds as if it only read, but is registered as {case.kind_of(tool)}.")
        if verb(case, name) in VERBS - READING and reads:
            problems.append(f"{name} sounds as if it changed something, but is registered as reads.")
        if verb(case, name) in DESTROYING and not annotations.get("destructiveHint"):
            problems.append(f"{name} takes something away: register it with destroys.")
        elif verb(case, name) in CHANGING and not annotations.get("destructiveHint"):
            problems.append(f"{name} changes what is there: register it with additive=False, or replaces=True.")
        if reads and annotations.get("destructiveHint"):
            problems.append(f"{name} cannot be read-only and destructive.")
        if annotations.get("openWorldHint") != case.server.integration.network:
            problems.append(
                f"{name}: openWorldHint must be {case.server.integration.network}, as the server's network is."
            )
    return problems


@check("arguments")
async def arguments(case: Subject) -> list[str]:
    """Descriptions everywhere; required arguments show examples, and those pass the tool's own validation."""
    problems = []
    for tool in await case.tools():
        name, schema = tool["name"], tool["inputSchema"]
        if not (tool.get("description") or "").strip():
            problems.append(f"{name} has no description.")
        for argument, inner in schema.get("properties", {}).items():
            if not inner.get("description"):
                problems.append(f"{name}: the argument {argument} has no description.")
            for example in inner.get("examples", ()):
                problems += _unfit(f"{name}: the example {example!r} of {argument}", example, inner)
        lacking = [n for n in schema.get("required", ()) if not schema["properties"][n].get("examples")]
        problems += [f"{name}: the required argument {argument} has no example." for argument in lacking]
        if not lacking:
            problems += await _refusal(case, tool)
    return problems


def _unfit(label: str, example: Any, schema: Mapping[str, Any]) -> list[str]:
    checker = Draft202012Validator.FORMAT_CHECKER
    try:
        Draft202012Validator(schema, format_checker=checker).validate(example)
    except ValidationError as wrong:
        return [f"{label} does not fit its schema: {wrong.message}."]
    return []


async def _refusal(case: Subject, tool: Mapping[str, Any]) -> list[str]:
    result = await case.server._mcp.get_tool(tool["name"])
    try:
        result.input_adapter.validate_python(case.example(tool))  # type: ignore[union-attr]
    except Refused as refusal:
        return [f"{tool['name']} refuses its own examples: {refusal.errors(include_url=False)[0]['msg']}."]
    return []


@check("few_arguments")
async def few_arguments(case: Subject) -> list[str]:
    """At most eight."""
    counted = [(tool["name"], len(visible(tool["inputSchema"]))) for tool in await case.tools()]
    return [f"{name} takes {count} arguments, more than 8." for name, count in counted if count > 8]


@check("portable_schemas")
async def portable_schemas(case: Subject) -> list[str]:
    """What every client, model and gateway can read."""
    problems = []
    for tool in await case.tools():
        for kind in ("inputSchema", "outputSchema"):
            schema = tool.get(kind)
            if schema is None:
                problems.append(f"{tool['name']} has no {kind}.")
                continue
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as wrong:
                problems.append(f"{tool['name']}: {kind} is not a JSON schema: {wrong.message}.")
            if schema.get("type") != "object":
                problems.append(f"{tool['name']}: {kind} has no object root; the gateway aborts on it.")
            problems += [f"{tool['name']}: {kind}{where} {label}." for where, label in _barred(schema, kind)]
        if case.kind_of(tool) != "reads" and (tool.get("outputSchema") or {}).get("required"):
            problems.append(f"{tool['name']}: outputSchema requires fields, so a preview or dry run does not fit it.")
    return problems


def _barred(schema: Any, kind: str, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield the places of a schema that some client cannot read."""
    if not isinstance(schema, dict):
        return
    yield from ((where, f"has {word}") for word in BARRED if word in schema)
    if schema.get("type") == "null" or isinstance(schema.get("type"), list):
        yield where, f"has the type {json.dumps(schema['type'])}"
    if "default" in schema and schema["default"] is None:
        yield where, "has the default null"
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield where, "is an array without items"
    if kind == "outputSchema" and schema.get("additionalProperties") is False:
        yield where, "forbids other properties, so a cut or a preview does not fit it"
    if schema.get("type") == "object" and "additionalProperties" in schema and where and schema.get("properties"):
        yield where, "mixes named properties with additionalProperties"
    for name, inner in schema.get("properties", {}).items():  # by name: a property may be called "title"
        yield from _barred(inner, kind, f"{where}.{name}")
    yield from _barred(schema.get("items"), kind, f"{where}[]")
    yield from _barred(schema.get("additionalProperties"), kind, f"{where}.*")
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _barred(branch, kind, f"{where}|")


UNPLAIN = ("os", "logging")


@check("plain_source")
async def plain_source(case: Subject) -> list[str]:
    """What no module of a server should need: the library does that."""
    problems = []
    for path in sorted(case.folder.rglob("*.py")):
        where = path.relative_to(case.folder).as_posix()
        if where.startswith("tests/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [str(node.module).split(".")[0]]
            problems += [f"{where}: line {node.lineno} imports {m}." for m in modules if m in UNPLAIN]  # type: ignore[attr-defined]
            if isinstance(node, ast.Try):
                problems.append(f"{where}: line {node.lineno} has a try: raise, or let the library's errors pass.")
            if isinstance(node, ast.Attribute) and node.attr in ("dumps", "dump") and _is_json(node.value):
                problems.append(f"{where}: line {node.lineno} writes JSON by hand.")
    return problems


def _is_json(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "json"


@check("unit_tests")
async def unit_tests(case: Subject) -> list[str]:
    """Every tool is called by the server's own tests: judged by `plugin` at the end of the run, when all have run."""
    excepted = case.quality.get("unit_tests", Claim("done")).excepted
    plugin.expected[module_of(case.slug)] = {tool["name"] for tool in await case.tools()} - set(excepted)
    if module_of(case.slug) not in plugin.complete:
        pytest.skip(f"only some of the server's tests run: pytest servers/{module_of(case.slug)}")
    return []

"""Arguments checked against a foreign schema: what a model reads."""

from typing import Any

import pytest

from flotilla_servers.switchboard.validation import Validator

CONTACT = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "kind": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "required": ["name"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "email": {"type": "string", "pattern": "@", "maxLength": 20},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "state": {"enum": ["open", "closed"]},
        "contacts": {"type": "array", "items": CONTACT, "minItems": 1},
        "where": {"oneOf": [{"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
                            {"type": "string"}]},
        "mode": {"const": "fast"},
    },
    "required": ["email"],
    "additionalProperties": False,
}  # fmt: skip


async def errors(arguments: Any, schema: Any = SCHEMA) -> list[str]:
    return await Validator("crm").errors({"name": "find", "inputSchema": schema}, arguments)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "`email` is missing (text)"),
        ({"email": "a"}, '`email` must match the pattern "@", not "a"'),
        ({"email": "a@" + "b" * 20}, '`email` must have at most 20 characters, not "a@bbbbbbbbbbbbbbbbbbbb"'),
        ({"email": "a@b", "limit": "5"}, '`limit` must be a whole number, not "5"'),
        ({"email": "a@b", "limit": True}, "`limit` must be a whole number, not true"),
        ({"email": "a@b", "limit": 500}, "`limit` must be at most 100, not 500"),
        ({"email": "a@b", "state": "Opne"}, '`state` must be "open", "closed", not "Opne"; did you mean "open"?'),
        ({"email": "a@b", "contacts": []}, "`contacts` must have at least 1 items, not []"),
        ({"email": "a@b", "contacts": [{"name": "é", "kind": 3}]}, "`contacts[0].kind` must be text or null, not 3"),
        ({"email": "a@b", "contacts": [{}]}, "`contacts[0].name` is missing (text)"),
        ({"email": "a@b", "where": {}}, "`where.id` is missing (a whole number)"),
        ({"email": "a@b", "where": 3}, "`where` must be an object or text, not 3"),
        ({"email": "a@b", "mode": "slow"}, '`mode` must be "fast", not "slow"'),
    ],
)
async def test_validator_says_where_and_what(arguments: Any, error: str) -> None:
    assert await errors(arguments) == [error]


async def test_validator_nearest_name_of_unknown_argument() -> None:
    assert await errors({"emial": "a@b"}) == [
        "`email` is missing (text); you gave `emial`",
        "`emial` is unknown (allowed: `email`, `limit`, `state`, `contacts`, `where`, `mode`); did you mean `email`?",
    ]


async def test_validator_accepts_what_fits() -> None:
    assert await errors({"email": "a@b", "limit": 5.0, "where": "x", "contacts": [{"name": "é", "kind": None}]}) == []


async def test_validator_tells_five_errors_at_most() -> None:
    assert len(await errors({"email": "a@b", "contacts": [{}] * 9})) == 5


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://evil.example/schema"}}},
        {"type": "object", "patternProperties": {"(a+)+$": {}}, "additionalProperties": False},
    ],
)
async def test_validator_unusable_schema_blocks_nothing_and_is_reported_once(
    schema: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    validator, tool = Validator("crm"), {"name": "find", "inputSchema": schema}
    assert await validator.errors(tool, {"a": 1}) == []
    assert await validator.errors(tool, {"a": 1}) == []
    assert capsys.readouterr().err.count("crm: arguments of find are not checked, because its schema is wrong") == 1


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "(?:a|b|ab)*c", "((a)|b)*$", "a?" * 30 + "a{30}", ".*.*.*=.*", "\\p{L}+"]
)
async def test_validator_leaves_slow_and_foreign_patterns_to_the_server(pattern: str) -> None:
    assert await errors({"a": "a" * 60 + "!"}, {"type": "object", "properties": {"a": {"pattern": pattern}}}) == []

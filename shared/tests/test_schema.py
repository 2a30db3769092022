"""Portable schemas, and values that fit them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, Field, TypeAdapter, computed_field

from flotilla.calls.schema import SAFE_INTEGER, arguments_of, decoded, portable, without_nulls


class Colour(Enum):
    """Not for the wire."""

    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    """Not for the wire."""

    kind: Literal["inner"] = "inner"
    title: str | None = None
    colour: Colour = Colour.RED


class Other(BaseModel):
    kind: Literal["other"] = "other"
    n: int = 0


class Node(BaseModel):
    title: str
    children: list["Node"] = []
    parent: Optional["Node"] = None


class Pair(NamedTuple):
    x: int
    y: int


class Big(BaseModel):
    full_name: str = Field(alias="fullName", description="Both names")
    inner: Inner
    either: Annotated[Inner | Other, Field(discriminator="kind")]
    bag: dict[str, Inner | None]
    bare: list  # type: ignore[type-arg]
    pair: tuple[int, str]
    when: datetime | None = None
    amount: Decimal = Decimal("1.50")

    @computed_field
    def label(self) -> str | None:
        """Computed."""
        return None


def everywhere(schema: Any) -> Any:
    """Yield every dict in a schema."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from everywhere(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from everywhere(value)


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize("shape", [Big, Node, Inner, dict[str, Big], Pair])
def test_portable_schema_for_strict_clients(shape: Any, mode: Any) -> None:
    schema = portable(TypeAdapter(shape), mode)
    message = json.dumps(schema)
    for word in ('"$ref"', '"$defs"', '"null"', "Not for the wire", '"discriminator"', '"const"'):
        assert word not in message
    for part in everywhere(schema):
        assert part.get("type") != "array" or "items" in part


def test_portable_drops_titles_but_keeps_properties_named_title() -> None:
    schema = portable(TypeAdapter(Inner))
    assert schema == {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["inner"], "default": "inner"},
            "title": {"type": "string"},
            "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        },
    }


def test_portable_results_use_field_names_without_defaults() -> None:
    arguments, results = portable(TypeAdapter(Big)), portable(TypeAdapter(Big), "serialization")
    assert arguments["properties"]["fullName"] == {"type": "string", "description": "Both names"}
    assert results["properties"]["full_name"] == {"type": "string", "description": "Both names"}
    assert '"default"' not in json.dumps(results)
    assert {"when", "label"}.isdisjoint(results["required"])  # they may be left out
    assert results["properties"]["label"] == {"type": "string", "description": "Computed.", "readOnly": True}


def test_portable_recursion_ends_in_a_plain_object() -> None:
    node = portable(TypeAdapter(Node))
    assert node["properties"]["children"] == {"type": "array", "items": {"type": "object"}, "default": []}
    assert node["properties"]["parent"] == {"type": "object"}


def test_portable_leaves_examples_and_defaults() -> None:
    async def get(q: Annotated[dict[str, Any], Field(examples=[{"title": "x", "$ref": "y", "a": None}])]) -> None: ...

    assert portable(arguments_of(get, {}))["properties"]["q"]["examples"] == [{"title": "x", "$ref": "y", "a": None}]


def test_portable_keeps_multiple_branches() -> None:
    assert portable(TypeAdapter(str | int | None)) == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


ARGUMENTS = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "array", "items": {"type": "object"}}},
        "where": {"type": "object", "properties": {"path": {"type": "object"}, "x": {"type": "string"}}},
        "free": {"type": "object", "additionalProperties": True},
        "flag": {"type": "boolean"},
        "unit": {"type": "string", "enum": ["km", "mi"]},
        "day": {"type": "string", "format": "date"},
        "name": {"type": "string"},
        "many": {"type": "array", "items": {"type": "string"}},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        "lists": {"type": "object", "additionalProperties": {"type": "array", "items": {}}},
    },
    "additionalProperties": False,
    "required": ["many"],
}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"n": None, "unknown": None}, {}),
        ({"tags": '["a", "b"]'}, {"tags": ["a", "b"]}),
        ({"tags": "a, b"}, {"tags": ["a, b"]}),  # one: a comma may be part of a word
        ({"tags": '{"a": 1}'}, {"tags": ['{"a": 1}']}),  # another kind of JSON
        ({"tags": "a"}, {"tags": ["a"]}),
        ({"rows": {"a": 1}}, {"rows": [{"a": 1}]}),
        ({"parts": {"a": 1}}, {"parts": [{"a": 1}]}),
        ({"parts": '{"a": "1"}'}, {"parts": [{"a": "1"}]}),
        ({"n": "", "tags": "", "flag": "null", "unit": "", "day": "null", "lists": ""}, {}),
        ({"tags": ["null"], "parts": '["null"]', "rows": "null"}, {}),
        ({"unit": "KM", "name": "", "free": ""}, {"unit": "km", "name": ""}),
        ({"name": "null", "many": ""}, {"name": "null", "many": ""}),  # text may say so; what is needed is reported
        ({"where": '{"path": "{\\"p\\": 1}", "x": null}'}, {"where": {"path": {"p": 1}}}),
        ({"where": {"x": '{"a": 1}', "y": None}}, {"where": {"x": '{"a": 1}', "y": None}}),
        ({"free": {"a": None, "b": "[1]"}}, {"free": {"a": None, "b": "[1]"}}),  # null may mean: clear this
        ({"lists": {"a": "[1]"}}, {"lists": {"a": [1]}}),
        ({"rows": '[["{}", {}], "[]"]'}, {"rows": [[{}, {}], []]}),
        ({"n": "[1]"}, {"n": "[1]"}),
    ],
)
def test_decoded_text_from_clients(given: Any, read: Any) -> None:
    assert decoded(given, ARGUMENTS) == read


json_like = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(json_like)
def test_decoded_never_fails_and_needs_one_pass(value: Any) -> None:
    once = decoded(value, ARGUMENTS)
    assert repr(decoded(once, ARGUMENTS)) == repr(once)


def test_without_nulls_drops_nulls_and_nan() -> None:
    value = {
        "a": None,
        "b": {"c": None, "d": 1},
        "e": [{"f": None}, [None]],
        "g": float("nan"),
        "h": float("inf"),
        "i": 0,
    }
    assert without_nulls(value, {}) == {"b": {"d": 1}, "e": [{}, [None]], "i": 0}


def test_without_nulls_large_integers_become_text() -> None:
    """Integers that a float64 cannot hold become text, except where the schema says integer."""
    schema = {"type": "object", "properties": {"size": {"type": "integer"}, "ids": {"type": "array", "items": {}}}}
    value = {"size": 2**60, "ids": [2**60, SAFE_INTEGER, -(2**60)], "flag": True}
    assert without_nulls(value, schema) == {
        "size": 2**60,
        "ids": [str(2**60), SAFE_INTEGER, str(-(2**60))],
        "flag": True,
    }
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert without_nulls({"a": 2**60}, counts) == {"a": 2**60}


def test_arguments_of_keeps_types() -> None:
    async def get(when: datetime, amount: Decimal, name: str, pages: list[int]) -> None: ...

    accepts = arguments_of(get, {"extra": (bool, False)})
    given = {"when": "2030-01-02T03:04:05Z", "amount": "1.50", "name": 12, "pages": ["1", 2]}
    assert accepts.validate_python(given) == {
        "when": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
        "amount": Decimal("1.50"),
        "name": "12",
        "pages": [1, 2],
        "extra": False,
    }


def test_portable_open_object_says_nothing_of_further_keys() -> None:
    """`additionalProperties: true` is what its absence means."""
    assert portable(TypeAdapter(dict[str, Any])) == {"type": "object"}

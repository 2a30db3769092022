"""Foreign definitions: repaired, or left out with a reason."""

from typing import Any

import pytest

from flotilla_servers.switchboard.untrusted import LARGEST, clean_texts, cleaned, usable_name

EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


def tool(schema: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": "one", "inputSchema": EMPTY if schema is None else schema, **more}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return {"type": "object", **schema}


@pytest.mark.parametrize(
    ("schema", "repaired", "note"),
    [
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}, "lacked the type `object`"),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/none", "title": "A"}}},
            {"type": "object", "properties": {"a": {"title": "A"}}},
            "a $ref leads nowhere (#/$defs/none): any value is allowed there",
        ),
        (
            {"type": "object", "properties": {"a": {"$ref": "https://evil.example/schema"}}},
            {"type": "object", "properties": {"a": {}}},
            "a $ref leads nowhere (https://evil.example/schema)",
        ),
        ({"type": "object", "properties": ["a"]}, EMPTY, "`properties` of its schema was not an object"),
        ({"type": "object", "properties": {"a": "text"}}, {"type": "object", "properties": {"a": {}}}, "had no schema"),
        ({"type": "object", "required": True}, {"type": "object"}, "`required` was not a list"),
    ],
)
def test_cleaned_repairs_schema(schema: Any, repaired: Any, note: str) -> None:
    result = cleaned({"tools": [tool(schema)]})
    assert [item["inputSchema"] for item in result.lists["tools"]] == [repaired]
    assert note in result.repaired[0]


def test_cleaned_adds_missing_types_but_changes_no_values() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"items": {"type": "string"}}, "b": {"default": {"items": []}, "type": "object"}},
        "$defs": {"c": {"$ref": "#/properties/a"}},
    }
    [item] = cleaned({"tools": [tool(schema)]}).lists["tools"]
    assert item["inputSchema"]["properties"]["a"]["type"] == "array"
    assert item["inputSchema"]["properties"]["b"] == schema["properties"]["b"]  # type: ignore[index]
    assert item["inputSchema"]["$defs"] == schema["$defs"]


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (tool({"type": "array"}), 'its arguments are not an object but "array"'),
        (tool([]), "its inputSchema is not an object"),
        (tool(nested(60)), "more than 40 levels"),
        (tool({"type": "object", "properties": {"a": {"enum": ["yes\u200b"]}}}), "hides characters"),
        (tool({"type": "object", "properties": {"a\u202e": {}}}), "hides characters"),
        (tool({"type": "object", "properties": {"a": {"description": "x" * LARGEST}}}), "its definition has"),
        (tool({"type": "object", "required": [1]}), "`required` of its schema is not a list of names"),
        ({"name": " "}, "it has no name"),
        ("text", "it has no name"),
        (tool(execution={"taskSupport": "required"}), "it runs only as a task"),
    ],
)
def test_cleaned_leaves_out_with_reason(definition: Any, reason: str) -> None:
    result = cleaned({"tools": [definition, tool({"type": "object"}, name="two")]})
    assert [item["name"] for item in result.lists["tools"]] == ["two"]
    assert reason in result.refused[0]


def test_cleaned_second_tool_of_one_name_is_left_out() -> None:
    result = cleaned({"tools": [tool(description="first"), tool(description="second")]})
    assert [item["description"] for item in result.lists["tools"]] == ["first"]
    assert result.refused == ["one: there is another one of the same name."]


def test_cleaned_texts_names_and_what_is_handed_on() -> None:
    hidden = tool(
        name="crm/read contacts",
        description="Read\u200b contacts.\U000e0041",
        icons=[{"src": "https://evil.example/pixel"}],
        _meta={"ui": 1},
        annotations={"readOnlyHint": "yes", "destructiveHint": False, "other": 1},
        outputSchema={"type": "string"},
    )
    result = cleaned({"tools": [hidden], "resources": [{"name": "r", "uri": "a\u200b:b"}]})
    [item] = result.lists["tools"]
    assert item == {
        "name": "crm_read_contacts",
        "description": "Read contacts.",
        "inputSchema": EMPTY,
        "annotations": {"destructiveHint": False},
    }
    assert result.names["tools"] == {"crm_read_contacts": "crm/read contacts"}
    assert result.refused == ["r: its address is missing, or hides characters."]


def test_cleaned_long_description_is_cut() -> None:
    [item] = cleaned({"tools": [tool(description="é" * 5_000)]}).lists["tools"]
    assert (len(item["description"]), item["description"][-1]) == (4_000, "…")


def test_usable_name_tells_different_names_apart() -> None:
    names = ["a" * 70, "a" * 71, "é", "è", "a.b", "a_b", "", "lire_contacts"]
    usable = [usable_name(name) for name in names]
    assert len(set(usable)) == len(names) - 1  # a.b and a_b: the second one of a server is left out
    assert all(len(name) <= 64 and name.isascii() and name for name in usable)


def test_clean_texts_leaves_state_of_question_alone() -> None:
    value = {"requestState": "a\u200b", "content": [{"text": "b\u202e"}], "n": 1}
    assert clean_texts(value) == {"requestState": "a\u200b", "content": [{"text": "b"}], "n": 1}

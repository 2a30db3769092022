"""Setting one value in a file that people edit by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla_cli import jsonc

ENTRY = {"command": "é", "args": ["--x", "€"]}

COMMENTED = """\
// My servers. "mcpServers": {}
{
    /* kept as it is */
    "mcpServers": {
        // the old one
        "github": {"command": "gh", "args": ["mcp", "}"]}, // not "flotilla"
        "path": {
            "command": "C:\\\\Program Files\\\\x.exe", // backslashes, and a comma, here
        },
    },
    "globalShortcut": "Ctrl+\\"Space", // last
}
"""


def test_put_keeps_comments_trailing_commas_and_order() -> None:
    written = jsonc.put(COMMENTED, ["mcpServers", "flotilla"], ENTRY)
    held = jsonc.loads(written)
    assert held["mcpServers"]["flotilla"] == ENTRY
    assert list(held) == ["mcpServers", "globalShortcut"]
    assert list(held["mcpServers"]) == ["github", "path", "flotilla"]
    before, after = COMMENTED.splitlines(), written.splitlines()
    added = [line for line in after if line not in before]
    assert [line for line in after if line in before or line.strip() in ("},", "]", "}")], "nothing else was rewritten"
    assert all(line.startswith("        ") for line in added), added
    assert [line for line in before if line not in after] == []


def test_put_replaces_the_entry_alone() -> None:
    once = jsonc.put(COMMENTED, ["mcpServers", "flotilla"], {"old": [1, {"a": "}"}]})
    twice = jsonc.put(once, ["mcpServers", "flotilla"], ENTRY)
    assert twice == jsonc.put(COMMENTED, ["mcpServers", "flotilla"], ENTRY)
    assert jsonc.put(twice, ["mcpServers", "flotilla"], ENTRY) == twice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "// nothing yet\n",
        "{}",
        "{\n}\n",
        "{ // none\n}",
        '{"mcpServers": {}}',
        '{"mcpServers": {"a": 1}}',
        '{"mcpServers": {"a": 1,}}',
        '{\r\n\t"mcpServers": {\r\n\t\t"a": 1 // one, two\r\n\t}\r\n}\r\n',
        '\ufeff{"x": [1, [2, {"mcpServers": {"flotilla": 3}}]]}',
        '{"mcpServers": {"a": "\\u00e9\\n\\"", "b": null, "c": -1.5e3, "d": true}}',
    ],
)
def test_put_into_every_shape_of_file(text: str) -> None:
    before = jsonc.loads(text)
    written = jsonc.put(text, ["mcpServers", "flotilla"], ENTRY)
    wanted = {**before, "mcpServers": {**before.get("mcpServers", {}), "flotilla": ENTRY}}
    assert jsonc.loads(written) == wanted
    for comment in ("// nothing yet", "// none", "// one, two"):
        assert (comment in text) == (comment in written)
    if "\r\n" in text:
        assert "\n" not in written.replace("\r\n", "")
        assert '\r\n\t\t"flotilla"' in written


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", 1),
        ('{\n"a": 1\n"b": 2}', 3),
        ('{"a" 1}', 1),
        ('{"a": }', 1),
        ('{"a": nope}', 1),
        ('{\n\n"a": [1 2]}', 3),
        ('{"a": 1} {"b": 2}', 1),
        ('{"a": "open}', 1),
        ("{'a': 1}", 1),
        ("[" * 100_000, 1),
    ],
)
def test_put_broken_file_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(jsonc.JsoncError, match=f"line {line}:"):
        jsonc.put(text, ["mcpServers", "flotilla"], ENTRY)


@pytest.mark.parametrize("text", ["[]", '"x"', '{"mcpServers": []}', '{"mcpServers": "x"}'])
def test_put_refuses_to_overwrite_what_is_no_object(text: str) -> None:
    with pytest.raises(jsonc.JsoncError, match="not an object"):
        jsonc.put(text, ["mcpServers", "flotilla"], ENTRY)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), values, max_size=4), values, st.sampled_from([None, 2, "\t"]))
def test_put_keeps_everything_else(held: dict[str, Any], value: Any, indent: Any) -> None:
    """Any file keeps what it holds."""
    text = json.dumps(held, indent=indent, ensure_ascii=False)
    assert jsonc.loads(text) == held
    written = jsonc.put(text, ["new", "one"], value) if not isinstance(held.get("new"), dict) else text
    if "new" not in held:
        assert jsonc.loads(written) == {**held, "new": {"one": value}}
        assert json.loads(written) == jsonc.loads(written)

"""The server.json of every server passes the MCP registry's schema and its further rules.

server.schema.json is the registry's own (modelcontextprotocol/registry v1.8.7, Apache-2.0).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flotilla_cli.generator import mcp_registry
from flotilla_cli.generator.servers import ROOT, integrations, server_of
from flotilla_launcher.naming import module_of, registry_name

SCHEMA = json.loads((Path(__file__).parent / "server.schema.json").read_text(encoding="utf-8"))
DIGEST = f"sha256:{'0' * 64}"
BUNDLE = ("https://github.com/flotilla-mcp/flotilla/releases/download/v1.0.0/flotilla.mcpb", "0" * 64)


@pytest.mark.parametrize("slug", integrations())
def test_server_json_of_a_server(slug: str) -> None:
    document = mcp_registry.of_server(server_of(slug), DIGEST)
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    assert list(mcp_registry.problems(document)) == []
    assert document["packages"][0]["identifier"].endswith(DIGEST)


def test_server_json_of_the_switchboard() -> None:
    document = mcp_registry.of_switchboard("One gateway to all servers.", BUNDLE)
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    assert list(mcp_registry.problems(document)) == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"mcp-name: {registry_name('switchboard')} " in readme, "by which the registry knows whose wheel it is"


def test_label_of_an_image_is_the_name_in_server_json() -> None:
    for slug in ("google-docs", "switchboard"):
        dockerfile = (ROOT / "servers" / module_of(slug) / "Dockerfile").read_text(encoding="utf-8")
        assert f'io.modelcontextprotocol.server.name="{registry_name(slug)}"' in dockerfile


def test_secrets_are_marked_and_never_filled_in() -> None:
    variables = mcp_registry.of_server(server_of("calendly"))["packages"][0]["environmentVariables"]
    by_name = {variable["name"]: variable for variable in variables}
    assert by_name["CALENDLY_TOKEN"]["isSecret"]
    assert by_name["CALENDLY_TOKEN"]["isRequired"]
    assert by_name["FLOTILLA_READ_ONLY"]["format"] == "boolean"
    assert not [variable for variable in variables if "value" in variable or "default" in variable]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Read mail.", "Read mail."),
        (f"Read mail, {'x' * 60}, answer {'y' * 40}.", f"Read mail, {'x' * 60}."),
        (f"Read mail: {'x' * 120}.", "Read mail."),
    ],
)
def test_shortened_ends_after_a_whole_part(text: str, short: str) -> None:
    assert mcp_registry.shortened(text) == short


@pytest.mark.parametrize(
    "change",
    [
        {"name": "calendly"},
        {"description": "x" * 101},
        {"version": "^1.0.0"},
        {"repository": {"url": "https://example.org/a/b", "source": "github"}},
        {"packages": [{"registryType": "oci", "identifier": "localhost:5000/x:1"}]},
        {"packages": [{"registryType": "oci", "identifier": "ghcr.io/x/y:1", "version": "1"}]},
        {"packages": [{"registryType": "mcpb", "identifier": BUNDLE[0]}]},
        {"packages": [{"registryType": "pypi", "identifier": "x y"}]},
        {"packages": [{"registryType": "pypi", "identifier": "x", "packageArguments": [{"type": "positional"}]}]},
        {"packages": [{"registryType": "pypi", "identifier": "x",
                       "packageArguments": [{"type": "named", "name": "--port", "value": "--port=1"}]}]},
    ],
    ids=["name", "description", "version", "repository", "host", "twice", "hash", "blank", "hint", "repeated"],
)  # fmt: skip
def test_rules_refuse(change: dict[str, Any]) -> None:
    good = mcp_registry.of_switchboard("One gateway.", BUNDLE)
    assert len(list(mcp_registry.problems({**good, **change}))) == 1

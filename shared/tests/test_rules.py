"""What `make check` says of manifests that a registry or a gateway would refuse: the real ones, with one fault each."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from flotilla.manifest.fleet import ROOT
from flotilla.manifest.rules import of_catalog, of_registry_entry, of_tools, problems

Break = Callable[[dict[str, Any]], Any]


def test_what_is_committed_is_right() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda e: e.update(name="Email"), "name must be 'flotilla-email'"),
        (lambda e: e.update(name="email"), "name must be 'flotilla-email'"),
        (lambda e: e.update(name="notion"), "another server's in docker/mcp-registry"),
        (lambda e: e["config"]["env"][0].update(value="{{email.x}}"), "must begin with {{flotilla-email."),
        (lambda e: e["about"].update(title="Email Server"), "must not be empty nor contain MCP or Server"),
        (lambda e: e["about"].update(title="e-mail"), "begin with a capital"),
        (lambda e: e["about"].update(description=""), "about.description is empty"),
        (lambda e: e["source"].update(commit="main"), "40 hexadecimal digits"),
        (lambda e: e["config"]["secrets"][0].update(name="password"), "must read <server>.<name>"),
        (lambda e: e["config"]["secrets"][0].update(env=""), "needs the variable"),
        (lambda e: e["config"]["env"][0].update(value="{{ flotilla-email.x}}"), "template must begin"),
        (lambda e: e["config"].update(description=""), "config.description is needed"),
        (lambda e: e["config"]["parameters"]["properties"]["tier"].pop("type"), "parameter tier needs a type"),
    ],
)
def test_a_registry_entry(broken: Break, says: str) -> None:
    entry = yaml.safe_load((ROOT / "servers/email/server.yaml").read_text(encoding="utf-8"))
    broken(entry)
    assert [line for line in of_registry_entry("email", entry) if says in line]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda t: t.update(description=""), "needs a description"),
        (lambda t: t["arguments"][0].update(desc=""), "argument to needs a description"),
        (lambda t: t["arguments"][0].update(type="array") or t["arguments"][0].pop("items", None), "must say of what"),
    ],
)
def test_a_tools_list(broken: Break, says: str) -> None:
    tools = json.loads((ROOT / "servers/email/tools.json").read_text(encoding="utf-8"))
    broken(tools[0])
    assert [line for line in of_tools(tools) if says in line]


CATALOG = json.loads((ROOT / "catalog/flotilla.json").read_text(encoding="utf-8"))
FOUND = {
    slug: json.loads((ROOT / f"servers/{slug}/discovery.json").read_text(encoding="utf-8"))
    for slug in ("email", "filesystem")
}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda e: e.update(command="a b"), "command must be a list"),
        (lambda e: e.update(env={"A": "b"}), "env must be a list"),
        (lambda e: e.update(longLived="yes"), "longLived must be a bool"),
        (lambda e: e.update(command=[1]), "1 must be a text"),
        (lambda e: e.update(type="container"), "type must be server"),
        (lambda e: e.update(image="mcp/email:1"), "wants a signature"),
        (lambda e: e.update(image="docker.io/mcp/email:1"), "wants a signature"),
        (lambda e: e.update(image="flotilla/email:1"), "may be somebody else's"),
        (lambda e: e.update(volumes=["/home/me:/data"]), "must have a name"),
        (lambda e: e["env"][0].update(value=1), "exactly a name and a value"),
        (lambda e: e["secrets"][0].update(name="password"), "must read <server>.<name>"),
        (lambda e: e["config"][0].pop("description"), "config needs description"),
        (lambda e: e["config"][0].update(required=["smtp_host"]), "must require nothing"),
        (lambda e: e["config"][0]["properties"]["tier"].update(type="null"), "which no profile takes"),
        (lambda e: e["tools"].pop(), "not those that the server lists"),
    ],
)
def test_a_catalog(broken: Break, says: str) -> None:
    catalog = {"registry": {"flotilla-email": copy.deepcopy(CATALOG["registry"]["flotilla-email"])}}
    assert list(of_catalog(catalog, FOUND)) == []
    broken(catalog["registry"]["flotilla-email"])
    assert [line for line in of_catalog(catalog, FOUND) if says in line]


@pytest.mark.parametrize(
    ("kind", "broken", "says"),
    [
        ("tools", lambda t: t.update(name="fs_read_file"), "fs_read_file is flotilla-filesystem's too"),
        ("tools", lambda t: t.update(name="mcp-find"), "one of the gateway's own names"),
        ("tools", lambda t: t.update(name="email_" + "x" * 40), "at most 45 characters"),
        ("tools", lambda t: t["inputSchema"].update(type="array"), "root of inputSchema must be an object"),
        ("tools", lambda t: t["outputSchema"].pop("type"), "root of outputSchema must be an object"),
    ],
)
def test_what_a_server_lists(kind: str, broken: Break, says: str) -> None:
    found = copy.deepcopy(FOUND)
    broken(found["email"][kind][0])
    catalog = {"registry": {name: CATALOG["registry"][name] for name in ("flotilla-filesystem", "flotilla-email")}}
    assert [line for line in of_catalog(catalog, found) if says in line]


def test_a_server_without_discovery() -> None:
    catalog = {"registry": {"flotilla-email": CATALOG["registry"]["flotilla-email"]}}
    assert list(of_catalog(catalog, {})) == ["flotilla-email: no discovery.json; run `make generate`."]


def test_a_dot_in_a_name() -> None:
    catalog = {"registry": {"e.mail": CATALOG["registry"]["flotilla-email"]}}
    assert [line for line in of_catalog(catalog, {"e.mail": FOUND["email"]}) if "a dot breaks profiles" in line]


@pytest.mark.parametrize("name", ["filesystem", "hubspot", "notion", "slack", "n8n"])
def test_catalog_name_of_another_server(name: str) -> None:
    """A profile with Docker's own server of that name and ours is refused whole."""
    catalog = {"registry": {name: CATALOG["registry"]["flotilla-email"]}}
    told = list(of_catalog(catalog, {name: FOUND["email"]}))
    assert [line for line in told if line.endswith(f"call it flotilla-{name}.")]

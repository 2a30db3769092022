"""What `make check` says of manifests that a registry or a gateway would refuse: the real ones, with one fault each."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from flotilla_cli.generator import documents
from flotilla_cli.generator.compose import compose_switchboard
from flotilla_cli.generator.images import dockerfile
from flotilla_cli.generator.registry_rules import (
    of_catalog,
    of_configuration,
    of_image,
    of_registry_entry,
    of_tools,
    problems,
)
from flotilla_cli.generator.render import clients
from flotilla_cli.generator.servers import ROOT, server_of
from flotilla_launcher.naming import module_of
from flotilla_launcher.user_files import read_document

Break = Callable[[dict[str, Any]], Any]


def test_problems_of_committed_files() -> None:
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
        (
            lambda e: e["config"]["parameters"]["properties"]["sender_name"].pop("type"),
            "parameter sender_name needs a type",
        ),
        (
            lambda e: e["config"]["parameters"]["properties"].update(read_only={"type": "boolean"}),
            "read_only protects or steers",
        ),
        (
            lambda e: e["config"]["env"].append({"name": "EMAIL_SMTP_HOST", "value": "{{flotilla-email.smtp_host}}"}),
            "EMAIL_SMTP_HOST protects or steers",
        ),
    ],
)
def test_of_registry_entry(broken: Break, says: str) -> None:
    entry = yaml.safe_load((ROOT / "servers/email/server.yaml").read_text(encoding="utf-8"))
    broken(entry)
    assert [line for line in of_registry_entry("email", entry) if says in line]


GUARDS = ("tier", "groups", "allow", "deny", "read_only", "confirm", "dry_run", "base_url", "token_url", "smtp_host")


@pytest.mark.parametrize(
    "name", [*GUARDS, "smtp_port", "ca_file", "allowed_recipients", "security", "data_quota", "api_key"]
)
def test_of_configuration_refuses_guards(name: str) -> None:
    assert list(of_configuration("x", [], {name: {}}))
    assert list(of_configuration("x", [{"name": f"X_{name.upper()}", "value": "{{x.y}}"}], {}))
    assert not list(of_configuration("x", [{"name": f"X_{name.upper()}", "value": "fixed by the operator"}], {}))


def test_catalog_guards_are_secrets() -> None:
    """mcp-config-set writes `config` alone; mcp-add refuses a server that has such a block and no values for it."""
    catalog = json.loads((ROOT / "catalog/flotilla.json").read_text(encoding="utf-8"))
    harmless = {}
    for slug, entry in catalog["registry"].items():
        leaves = {secret["name"].rpartition(".")[2] for secret in entry["secrets"]}
        assert {"tier", "groups", "allow", "deny", "read_only", "confirm", "dry_run"} <= leaves
        harmless[slug] = {name for part in entry.get("config", ()) for name in part["properties"]}
        assert bool(entry.get("config")) == bool(entry.get("env")) == bool(harmless[slug])
        assert not harmless[slug] & leaves
    assert harmless["flotilla-filesystem"] == harmless["flotilla-export"] == harmless["flotilla-gmail"] == set()
    assert harmless["flotilla-email"] == {"sender_name", "max_message_mb"}
    assert set().union(*harmless.values()) <= {
        *("contact", "country", "language", "max_message_mb", "sender_name", "timezone", "voice")
    }


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda t: t.update(description=""), "needs a description"),
        (lambda t: t["arguments"][0].update(desc=""), "argument to needs a description"),
        (lambda t: t["arguments"][0].update(type="array") or t["arguments"][0].pop("items", None), "must say of what"),
    ],
)
def test_of_tools(broken: Break, says: str) -> None:
    tools = json.loads((ROOT / "servers/email/tools.json").read_text(encoding="utf-8"))
    broken(tools[0])
    assert [line for line in of_tools(tools) if says in line]


CATALOG = {
    "registry": {
        f"flotilla-{slug}": {key: part for key, part in entry.items() if key != "name"}
        for slug in ("email", "filesystem")
        for entry in [read_document(ROOT / f"catalog/servers/{slug}.yaml")]
    }
}
FOUND = {
    slug: json.loads((ROOT / f"servers/{module_of(slug)}/discovery.json").read_text(encoding="utf-8"))
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
        (lambda e: e["config"][0].update(required=["sender_name"]), "must require nothing"),
        (lambda e: e["config"][0]["properties"]["sender_name"].update(type="null"), "which no profile takes"),
        (lambda e: e["config"][0]["properties"].update(base_url={"type": "string"}), "base_url protects or steers"),
        (lambda e: e["env"].append({"name": "FLOTILLA_DENY", "value": "{{email.deny}}"}), "FLOTILLA_DENY protects"),
        (lambda e: e["env"].append({"name": "EMAIL_BASE_URL", "value": "{{email.x}}"}), "EMAIL_BASE_URL protects"),
        (lambda e: e["secrets"].append(dict(e["secrets"][0])), "is declared twice"),
        (lambda e: e["tools"].pop(), "not those that the server lists"),
    ],
)
def test_of_catalog(broken: Break, says: str) -> None:
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
def test_of_catalog_checks_what_a_server_lists(kind: str, broken: Break, says: str) -> None:
    result = copy.deepcopy(FOUND)
    broken(result["email"][kind][0])
    catalog = {"registry": {name: CATALOG["registry"][name] for name in ("flotilla-filesystem", "flotilla-email")}}
    assert [line for line in of_catalog(catalog, result) if says in line]


def test_of_catalog_server_without_discovery() -> None:
    catalog = {"registry": {"flotilla-email": CATALOG["registry"]["flotilla-email"]}}
    assert list(of_catalog(catalog, {})) == ["flotilla-email: no discovery.json; run `make setup`."]


def test_of_catalog_dot_in_a_name() -> None:
    catalog = {"registry": {"e.mail": CATALOG["registry"]["flotilla-email"]}}
    assert [line for line in of_catalog(catalog, {"e.mail": FOUND["email"]}) if "a dot breaks profiles" in line]


def test_label_left_out_where_an_image_needs_volumes() -> None:
    """The gateway takes neither volumes nor secrets from a label: each call would lose its files in a new container."""
    server = server_of("filesystem")
    result = json.loads((ROOT / "servers/filesystem/discovery.json").read_text(encoding="utf-8"))
    assert documents.label(server, result) == {}
    text = dockerfile(ROOT, "filesystem", server.integration.title, {}, server.integration.description)
    assert "io.docker.server.metadata" not in text
    assert 'org.opencontainers.image.title="Flotilla Filesystem"' in text
    labelled = dockerfile(
        ROOT, "filesystem", server.integration.title, {"name": "filesystem"}, server.integration.description
    )
    assert 'LABEL io.docker.server.metadata="{\\"name\\":\\"filesystem\\"}"' in labelled
    entry = documents.catalog_entry(server, result)
    assert list(of_image("filesystem", entry, text)) == []
    (line,) = of_image("filesystem", entry, labelled)
    assert "gives it no volumes" in line
    assert list(of_image("filesystem", {}, labelled)) == []


def test_volumes_one_state_volume_for_each_server() -> None:
    assert documents.volumes(server_of("filesystem")) == ["flotilla-filesystem:/state", "flotilla-data:/data"]
    assert documents.volumes(server_of("calendly")) == ["flotilla-calendly:/state"]


def test_compose_servers_reachable_only_by_the_switchboard() -> None:
    """All servers know one token, so one that could reach another could call it past the switchboard's filters."""
    slugs = ["calendly", "export", "filesystem", "gmail"]
    stack = yaml.safe_load(compose_switchboard({slug: server_of(slug) for slug in slugs}))
    services = {name: set(service["networks"]) for name, service in stack["services"].items()}
    for one in slugs:
        assert not [other for other in slugs if other != one and services[one] & services[other]]
        assert services["switchboard"] & services[one]
        mounted = {volume.partition(":")[2]: volume.partition(":")[0] for volume in stack["services"][one]["volumes"]}
        assert mounted["/state"] == f"flotilla-{one}"
    internal = {name for name, network in stack["networks"].items() if (network or {}).get("internal")}
    assert internal == {"export", "filesystem"}


def test_compose_service_beside_a_server() -> None:
    """Its own network and ports, the server's state, and no token of the servers; the page for this machine alone."""
    stack = yaml.safe_load(compose_switchboard({"webhooks": server_of("webhooks")}))
    service, tools = stack["services"]["webhooks-receive"], stack["services"]["webhooks"]
    assert (service["command"], service["networks"]) == (["receive"], ["public"])
    assert service["volumes"] == tools["volumes"]
    assert "FLOTILLA_HTTP_TOKEN" not in service["environment"]
    assert service["ports"] == [
        "${FLOTILLA_BIND:-127.0.0.1}:${WEBHOOKS_RECEIVE_PORT:-8085}:8085",
        "127.0.0.1:${WEBHOOKS_PAGE_PORT:-8086}:8086",
    ]
    assert "ports" not in tools
    assert stack["networks"]["webhooks"]["internal"] is True


def test_single_server_client_has_volumes_and_no_network() -> None:
    """The example client keeps files in volumes and gives the server no network."""
    text = clients({slug: server_of(slug) for slug in ("calendly", "filesystem")})["catalog/clients/single-server.json"]
    (args,) = (server["args"] for server in json.loads(text)["mcpServers"].values())
    line = " ".join(args)
    for part in ("-v flotilla-data:/data", "-v flotilla-filesystem:/state", "--network none", "--read-only"):
        assert part in line


@pytest.mark.parametrize("name", ["filesystem", "hubspot", "notion", "slack", "n8n"])
def test_of_catalog_name_of_another_server(name: str) -> None:
    """A profile with Docker's own server of that name and ours is refused whole."""
    catalog = {"registry": {name: CATALOG["registry"]["flotilla-email"]}}
    message = list(of_catalog(catalog, {name: FOUND["email"]}))
    assert [line for line in message if line.endswith(f"call it flotilla-{name}.")]

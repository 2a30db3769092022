"""Every generated file of the checkout as text, by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flotilla import Server
from flotilla_cli.generator import documents
from flotilla_cli.generator.compose import compose_gateway, compose_switchboard
from flotilla_cli.generator.configuration import configuration_page
from flotilla_cli.generator.discovery import tools
from flotilla_cli.generator.images import bake, dockerfile
from flotilla_cli.generator.scaleout import kubernetes, swarm
from flotilla_cli.generator.servers import GATEWAYS, ROOT, discoveries, integrations, server_of, slugs
from flotilla_cli.generator.tables import fleet_table, server_table
from flotilla_cli.generator.tenants import CREATE_ROLE, SCRIPT, compose_tenants
from flotilla_cli.generator.text import MARK, as_json, as_yaml
from flotilla_launcher.naming import GATEWAY_IMAGE, catalog_name, module_of

OPEN, CLOSE = "<!-- generated -->", "<!-- /generated -->"


def everything(root: Path = ROOT, discovery: dict[str, dict[str, Any]] | None = None) -> dict[str, str]:
    """Return every generated file that is committed: path below the root, and content.

    `discovery` is what `discoveries` returned for all integrations, where the caller has it.
    """
    names = integrations(root)
    discovery = discoveries(names) if discovery is None else discovery
    servers = {slug: server_of(slug) for slug in names}
    files: dict[str, str] = {}
    for slug, server in servers.items():
        files |= of_server(root, server, discovery[slug])
    registry = {catalog_name(slug): documents.catalog_entry(servers[slug], discovery[slug]) for slug in names}
    files["catalog/flotilla.yaml"] = as_yaml(
        {"version": 3, "name": "flotilla", "displayName": "Flotilla", "registry": registry}
    )
    files["catalog/secrets.example.env"] = secrets_file(servers)
    files["catalog/config.example.yaml"] = config_file(servers)
    files["catalog/tools.example.yaml"] = as_yaml(
        {catalog_name(slug): core_tools(discovery[slug]) for slug in names},
        f"{MARK}\n# For `docker mcp gateway run --tools-config`: the core tools of each server; shorten to taste.",
    )
    files |= clients(servers)
    files[".env.example"] = dotenv(servers)
    files["compose/compose.yaml"] = compose_gateway(servers)
    files["compose/compose.switchboard.yaml"] = compose_switchboard(servers)
    files["compose/compose.tenants.yaml"] = compose_tenants(servers)
    files[f"compose/{SCRIPT}"] = CREATE_ROLE
    files["compose/stack.yaml"] = swarm(servers)
    files |= kubernetes(servers)
    gateways = [slug for slug in slugs(root) if slug in GATEWAYS]
    for slug in gateways:
        title, about = slug.capitalize(), "One gateway to all servers, where Docker's own is not at hand."
        label = {"name": catalog_name(slug), "title": title, "description": about, "type": "server"}
        files[f"servers/{module_of(slug)}/Dockerfile"] = dockerfile(root, slug, title, label, about, names)
    files["docker-bake.hcl"] = bake([*names, *gateways])
    files["docs/quality.md"] = quality_page()
    files["docs/configuration.md"] = configuration_page(servers)
    files["README.md"] = _between(root / "README.md", fleet_table(servers, discovery))
    return files


def core_tools(discovery: dict[str, Any]) -> list[str]:
    """Return the names of a server's tools of the core tier."""
    attributes = discovery["attributes"]["tools"]
    return [tool["name"] for tool in discovery["tools"] if attributes[tool["name"]]["tier"] == "core"]


def of_server(root: Path, server: Server[Any], discovery: dict[str, Any]) -> dict[str, str]:
    """Return the generated files of one server's folder."""
    folder = f"servers/{module_of(server.slug)}"
    head = f"# Flotilla {server.integration.title}\n\n{OPEN}\n{CLOSE}\n"
    return {
        f"{folder}/Dockerfile": dockerfile(
            root,
            server.slug,
            server.integration.title,
            documents.label(server, discovery),
            server.integration.description,
        ),
        f"{folder}/server.yaml": as_yaml(documents.registry_entry(server)),
        f"{folder}/tools.json": as_json(tools(discovery)),
        f"{folder}/README.md": _between(root / folder / "README.md", server_table(server, discovery), head),
    }


def _between(path: Path, content: str, empty: str = f"{OPEN}\n{CLOSE}\n") -> str:
    """Return the file with what stands between the marks replaced."""
    text = path.read_text(encoding="utf-8") if path.exists() else empty
    if OPEN not in text:
        text = f"{OPEN}\n{CLOSE}\n\n{text}"
    before, rest = text.split(OPEN, 1)
    return f"{before}{OPEN}\n{content.strip()}\n{CLOSE}{rest.split(CLOSE, 1)[1]}"


# -- settings ---------------------------------------------------------------------------------------------------------


def secrets_file(servers: dict[str, Server[Any]]) -> str:
    """Return an example of the gateway's secrets file, which the switchboard reads too."""
    lines = [
        *_example("flotilla.secrets.env"),
        "# For `--secrets`: one `name=value` a line, no quotes; # at a line's start is a comment.",
        "# Docker's gateway drops the whole file for one line without =. What is left empty is not set.",
        "# Beside the accounts, all that guards and steers stands here, where no model can change it: what a server",
        "# shows, asks about and may write to, and which address it contacts. Take the # away before what you set.",
        "#",
        "# Every server has these:",
    ]
    lines += [f"#   {name}: {about}" for name, (_, _, about) in {**documents.FLEET, **documents.QUOTA}.items()]
    for server in servers.values():
        lines += ["", f"# -- {server.integration.title}"]
        needed = {name for option in server.integration.settings_class.required() for name in option}
        common = {f"{catalog_name(server.slug)}.{name}" for name in documents.common(server)}
        for secret in documents.secrets(server):
            if secret["name"] in common:
                lines.append(f"#{secret['name']}=")
            else:
                sign = "" if secret["name"].rpartition(".")[2] in needed else "#"
                lines += [f"# {secret['description']}", f"{sign}{secret['name']}="]
    return "\n".join(lines) + "\n"


def _example(name: str) -> list[str]:
    return [
        "# An example, written by `make generate` from the servers' code.",
        f"# `make install` copies it to ~/.docker/mcp/{name}: fill in that copy.",
    ]


def config_file(servers: dict[str, Server[Any]]) -> str:
    """Return an example of the gateway's configuration file, everything commented out."""
    lines = [
        *_example("flotilla.config.yaml"),
        "# For `--config`: take the # away before what you set. Preferences only: with Docker's dynamic tools a model",
        "# may change them. What guards and steers belongs into the secrets file; here it is refused.",
    ]
    for slug, server in servers.items():
        preferences = documents.parameters(server)
        lines += [f"{catalog_name(slug)}:"] if preferences else []
        for name, schema in preferences.items():
            lines.append(f"#  {name}: {json.dumps(schema.get('default', ''))}  # {schema['description']}")
    return "\n".join(lines) + "\n"


def dotenv(servers: dict[str, Server[Any]]) -> str:
    """Return the example of compose's .env: every value that compose/ reads."""
    lines = [
        MARK,
        "# For `docker compose --env-file .env -f compose/…`: copy to .env. What is left empty is not configured.",
        "",
        "# Who may come in: a long random word. Needed.",
        "FLOTILLA_HTTP_TOKEN=",
        "# What the switchboard shows to the servers: another long random word. Needed by compose.switchboard.yaml.",
        "FLOTILLA_FLEET_TOKEN=",
        "# Port on this machine; address it listens on, 127.0.0.1 when left out; names by which clients know it, with",
        "# commas between them. To serve other machines, read docs/serving-others.md first.",
        "FLOTILLA_PORT=8811",
        "FLOTILLA_BIND=",
        "FLOTILLA_ALLOWED_HOSTS=",
        "# First two numbers of the servers' own network addresses: 10.213 when left out.",
        "FLOTILLA_SUBNET=",
        "# 32 or more characters that seal the servers' tokens and records; when left out, each server makes a key in",
        "# its state volume. What was sealed with one does not open with another.",
        "FLOTILLA_STATE_KEY=",
    ]
    lines += [
        "",
        "# For compose.yaml: your secrets file and settings file, as paths from compose/; else those of catalog/.",
        "FLOTILLA_SECRETS_FILE=",
        "FLOTILLA_CONFIG_FILE=",
        f"# For compose.yaml: the gateway's image, {GATEWAY_IMAGE} when left out.",
        "FLOTILLA_GATEWAY_IMAGE=",
        "# The servers, with commas between them, as the catalog names them for compose.yaml (flotilla-gmail). Left",
        "# out, compose.yaml takes all, compose.switchboard.yaml those whose account is filled in below; the next line",
        "# is which containers that one starts.",
        "FLOTILLA_SERVERS=",
        "COMPOSE_PROFILES=${FLOTILLA_SERVERS:-all}",
        "# For compose.switchboard.yaml: the version of the images, that of this checkout when left out.",
        "FLOTILLA_VERSION=",
        "# For compose.switchboard.yaml: off asks nobody before a tool writes or deletes; on when left out.",
        "FLOTILLA_PERMISSIONS=",
        "# on opens the console's pages at /console, for whoever has its token: read docs/console.md first.",
        "FLOTILLA_CONSOLE=",
        "FLOTILLA_CONSOLE_TOKEN=",
        "# on adds /metrics for Prometheus to the switchboard and the servers; the token that Prometheus shows there.",
        "FLOTILLA_METRICS=",
        "FLOTILLA_METRICS_TOKEN=",
        "",
    ]
    lines += ["# -- For compose.switchboard.yaml: all servers together; what is set for one below counts for that one."]
    lines += [f"# {about}.\n{env}=" for env, _, about in {**documents.FLEET, **documents.QUOTA}.values()]
    for server in servers.values():
        lines += ["", f"# -- {server.integration.title}"]
        service = server.integration.service
        for name, field in (service.settings if service else server.integration.settings_class).model_fields.items():
            lines += [f"# {field.description or name}", f"{documents.variable(server, name)}="]
        lines += [f"#{documents.variable(server, name)}=" for name in documents.common(server)]
    return "\n".join(lines) + "\n"


# -- clients ----------------------------------------------------------------------------------------------------------


def clients(servers: dict[str, Server[Any]]) -> dict[str, str]:
    """Return a configuration for each client and transport; `make connect CLIENT=…` merges them into real files."""
    gateway = {"command": "docker", "args": ["mcp", "gateway", "run", "--profile", "flotilla"]}
    legacy = [
        "mcp",
        "gateway",
        "run",
        "--catalog",
        "flotilla.yaml",
        *(f"--servers={catalog_name(slug)}" for slug in servers),  # a line each in the file
        "--block-secrets=false",
    ]
    files = [
        "--secrets",
        "${HOME}/.docker/mcp/flotilla.secrets.env",
        "--config",
        "${HOME}/.docker/mcp/flotilla.config.yaml",
    ]
    docker_ce = {"command": "docker", "args": [*legacy, *files]}
    http = {
        "type": "http",
        "url": "http://127.0.0.1:8811/mcp",
        "headers": {"Authorization": "Bearer ${FLOTILLA_HTTP_TOKEN}"},
    }
    local = {"command": "${FLOTILLA}/.venv/bin/flotilla-switchboard", "args": ["--run", "process"]}
    forms = {
        "claude-desktop.json": {"mcpServers": {"flotilla": gateway}},
        "cursor.json": {"mcpServers": {"flotilla": gateway}},
        "vscode.json": {"servers": {"flotilla": {"type": "stdio", **gateway}}},
        "docker-ce.json": {"mcpServers": {"flotilla": docker_ce}},
        "no-docker.json": {"mcpServers": {"flotilla": local}},
        "claude-code-http.json": {"mcpServers": {"flotilla": http}},
        "single-server.json": {
            "mcpServers": {
                catalog_name(server.slug): {
                    "command": "docker",
                    "args": documents.run_alone(server, "--pull", "never"),  # the image that `make build` made
                }
                for server in servers.values()
                if server.integration.files and not server.integration.network
            }
        },
    }
    return {f"catalog/clients/{name}": as_json(form) for name, form in forms.items()}


def quality_page() -> str:
    """Return the quality scale as a page, from the table that the acceptance suite reads."""
    from flotilla_testing.rules import table

    return (
        "# The quality scale\n\n<!-- Written by `make generate`. Do not edit. -->\n\n"
        "Every server keeps every rule, and the acceptance suite tries each. A server's `quality.yaml` holds the "
        f"exceptions only, each with its reason.\n\n{table()}\n"
    )

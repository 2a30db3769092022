"""Every generated file of the checkout as text, by its path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from flotilla import Server

from ..version import VERSION
from . import documents
from .fleet import ROOT, discoveries, server_of, slugs

MARK = "# Written by `make generate` from the servers' code. Do not edit."
OPEN, CLOSE = "<!-- generated -->", "<!-- /generated -->"
DOORS = ("switchboard",)  # folders of servers/ that are no integration but a door to the others
CONTENT = "io.docker.server.metadata"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(data: Any, head: str = MARK) -> str:
    """Return YAML in the order of the data, accents as they are."""
    return f"{head}\n" + yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def as_json(data: Any) -> str:
    """Return JSON for people and diffs."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def everything(root: Path = ROOT) -> dict[str, str]:
    """Return every generated file: path below the root, and content."""
    names = [slug for slug in slugs(root) if slug not in DOORS]
    found = discoveries(names)
    servers = {slug: server_of(slug) for slug in names}
    files: dict[str, str] = {}
    for slug, server in servers.items():
        files |= of_server(root, server, found[slug])
    registry = {slug: documents.catalog_entry(servers[slug], found[slug]) for slug in names}
    files["catalog/flotilla.yaml"] = as_yaml(
        {"version": 3, "name": "flotilla", "displayName": "Flotilla", "registry": registry}
    )
    for slug in names:
        files[f"catalog/servers/{slug}.yaml"] = as_yaml({"name": slug, **registry[slug]})
    files["catalog/secrets.example.env"] = secrets_file(servers)
    files["catalog/config.example.yaml"] = config_file(servers)
    files["catalog/tools.example.yaml"] = as_yaml(
        {slug: [t["name"] for t in found[slug]["tools"] if _is_core(found[slug], t["name"])] for slug in names},
        f"{MARK}\n# For `docker mcp gateway run --tools-config`: the core tools of each server; shorten to taste.",
    )
    files |= clients(names)
    files[".env.example"] = dotenv(servers)
    files["compose/compose.yaml"] = compose_gateway(servers)
    files["compose/compose.switchboard.yaml"] = compose_switchboard(servers)
    doors = [slug for slug in slugs(root) if slug in DOORS]
    for slug in doors:
        about = "One door to the fleet, where Docker's gateway is not at hand."
        label = {"name": slug, "title": slug.capitalize(), "description": about, "type": "server"}
        files[f"servers/{slug}/Dockerfile"] = dockerfile(root, slug, label, about, names)
    files["docker-bake.hcl"] = bake([*names, *doors])
    files["README.md"] = _between(root / "README.md", fleet_table(servers, found))
    return files


def _is_core(found: dict[str, Any], tool: str) -> bool:
    return bool(found["attributes"]["tools"][tool]["tier"] == "core")


def of_server(root: Path, server: Server[Any], found: dict[str, Any]) -> dict[str, str]:
    """Return the generated files of one server's folder."""
    folder = f"servers/{server.slug}"
    head = f"# Flotilla {server.title}\n\n{OPEN}\n{CLOSE}\n"
    return {
        f"{folder}/Dockerfile": dockerfile(root, server.slug, documents.label(server, found), server.description),
        f"{folder}/server.yaml": as_yaml(documents.registry_entry(server)),
        f"{folder}/tools.json": as_json(documents.tools(found)),
        f"{folder}/discovery.json": as_json(found),
        f"{folder}/README.md": _between(root / folder / "README.md", server_table(server, found), head),
    }


def _between(path: Path, content: str, empty: str = f"{OPEN}\n{CLOSE}\n") -> str:
    """Return the file with what stands between the marks replaced."""
    text = path.read_text(encoding="utf-8") if path.exists() else empty
    if OPEN not in text:
        text = f"{OPEN}\n{CLOSE}\n\n{text}"
    before, rest = text.split(OPEN, 1)
    return f"{before}{OPEN}\n{content.strip()}\n{CLOSE}{rest.split(CLOSE, 1)[1]}"


# -- tables -----------------------------------------------------------------------------------------------------------


def server_table(server: Server[Any], found: dict[str, Any]) -> str:
    """Return the generated part of a server's README: what it is, its tools and its settings."""
    lines = [
        server.description,
        "",
        f"Image `{documents.image(server.slug)}` · contacts {', '.join(f'`{h}`' for h in server.hosts) or _reach(server)}"
        + (f" · [vendor's documentation]({server.docs})" if server.docs else ""),
        "",
        "| tool | what it does | effect | tier |",
        "|---|---|---|---|",
    ]
    for tool in found["tools"]:
        attributes = found["attributes"]["tools"][tool["name"]]
        about = " ".join(tool["description"].split()).split(". ")[0].rstrip(".").replace("|", "\\|")
        group = f" ({attributes['group']})" if attributes["group"] else ""
        lines.append(f"| `{tool['name']}` | {about} | {attributes['effect']} | {attributes['tier']}{group} |")
    lines += ["", "| setting | variable | what |", "|---|---|---|"]
    for name, field in server.settings_class.model_fields.items():
        need = " **(needed)**" if field.is_required() else ""
        kind = "secret" if name in documents.fields(server, secret=True) else "setting"
        about = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{server.slug}.{name}` ({kind}) | `{documents.variable(server, name)}` | {about}{need} |")
    if not server.settings_class.model_fields:
        lines = lines[:-3]
    return "\n".join(lines)


def _reach(server: Server[Any]) -> str:
    return "what its settings name" if server.network else "nothing: it runs without a network"


def fleet_table(servers: dict[str, Server[Any]], found: dict[str, Any]) -> str:
    """Return the table of servers for the README."""
    lines = ["| server | what it does | tools | account |", "|---|---|---|---|"]
    for slug, server in servers.items():
        needs = [f for f in server.settings_class.model_fields.values() if f.is_required()]
        lines.append(
            f"| [{slug}](servers/{slug}/README.md) | {server.description} | {len(found[slug]['tools'])} | "
            f"{'needed' if needs else 'none'} |"
        )
    total = sum(len(f["tools"]) for f in found.values())
    return "\n".join([*lines, "", f"{len(servers)} servers, {total} tools."])


# -- settings ---------------------------------------------------------------------------------------------------------


def secrets_file(servers: dict[str, Server[Any]]) -> str:
    """Return an example of the gateway's secrets file, which the switchboard reads too."""
    lines = [MARK, "# For `--secrets`: one `name=value` a line; the gateway drops the whole file for one line without =."]
    for server in servers.values():
        for secret in documents.secrets(server):
            lines += [f"# {secret['description']}", f"{secret['name']}="]
    return "\n".join(lines) + "\n"


def config_file(servers: dict[str, Server[Any]]) -> str:
    """Return an example of the gateway's configuration file, everything commented out."""
    lines = [MARK, "# For `--config`: take the # away before what you set."]
    for slug, server in servers.items():
        lines.append(f"{slug}: {{}}")
        for name, schema in documents.parameters(server).items():
            lines.append(f"#  {name}: {json.dumps(schema.get('default', ''))}  # {schema['description']}")
    return "\n".join(lines) + "\n"


def dotenv(servers: dict[str, Server[Any]]) -> str:
    """Return the example of compose's .env: every value that compose/ reads."""
    lines = [
        MARK,
        "# For compose: copy to .env beside this file. A value left empty counts as not configured.",
        "",
        "# Who may come in: a long random word. Needed.",
        "FLOTILLA_HTTP_TOKEN=",
        "# Port on this machine, on 127.0.0.1 only.",
        "FLOTILLA_PORT=8811",
        "# 32 or more characters, so that a question outlives a restart.",
        "FLOTILLA_STATE_KEY=",
    ]
    lines += [f"# {about}.\n{env}=" for env, _, about in {**documents.FLEET, **documents.QUOTA}.values()]
    for server in servers.values():
        names = list(server.settings_class.model_fields.items())
        lines += ["", f"# -- {server.title}"] if names else []
        for name, field in names:
            lines += [f"# {field.description or name}", f"{documents.variable(server, name)}="]
    return "\n".join(lines) + "\n"


# -- clients ----------------------------------------------------------------------------------------------------------


def clients(names: list[str]) -> dict[str, str]:
    """Return a ready configuration for each client and road. `make connect CLIENT=…` merges them into real files."""
    gateway = {"command": "docker", "args": ["mcp", "gateway", "run", "--profile", "flotilla"]}
    legacy = ["mcp", "gateway", "run", "--catalog", "flotilla.yaml", "--servers", ",".join(names)]
    files = ["--secrets", "${HOME}/.docker/mcp/flotilla.secrets.env", "--config", "${HOME}/.docker/mcp/flotilla.config.yaml"]
    docker_ce = {"command": "docker", "args": [*legacy, *files]}
    http = {"type": "http", "url": "http://127.0.0.1:8811/mcp", "headers": {"Authorization": "Bearer ${FLOTILLA_HTTP_TOKEN}"}}
    local = {"command": "${FLOTILLA}/.venv/bin/flotilla-switchboard", "args": ["--run", "process"]}
    forms = {
        "claude-desktop.json": {"mcpServers": {"flotilla": gateway}},
        "cursor.json": {"mcpServers": {"flotilla": gateway}},
        "vscode.json": {"servers": {"flotilla": {"type": "stdio", **gateway}}},
        "gordon.json": {"mcpServers": {"flotilla": gateway}},
        "docker-ce.json": {"mcpServers": {"flotilla": docker_ce}},
        "no-docker.json": {"mcpServers": {"flotilla": local}},
        "http.json": {"mcpServers": {"flotilla": http}},
        "single-server.json": {
            "mcpServers": {
                slug: {
                    "command": "docker",
                    "args": ["run", "-i", "--rm", "--init", "-v", "flotilla-data:/data", f"flotilla/{slug}"],
                }
                for slug in names[:1]
            }
        },
    }
    return {f"catalog/clients/{name}": as_json(form) for name, form in forms.items()}


# -- images and compose -------------------------------------------------------------------------------------------------


def dockerfile(root: Path, slug: str, label: dict[str, Any], description: str, offered: Iterable[str] = ()) -> str:
    """Return the Dockerfile of one server, from the one template; a door also holds what it offers."""
    template = (Path(__file__).parent / "server.Dockerfile").read_text(encoding="utf-8")
    common = common_folders(root, slug)
    blocks = {
        "own dependencies": (root / "requirements" / f"{slug}.txt").exists(),
        "discovery": slug not in DOORS,
        "common": bool(common),
    }
    quoted = json.dumps(json.dumps(label, ensure_ascii=False, separators=(",", ":")), ensure_ascii=False)
    kept: list[str] = []
    open_blocks: list[bool] = []
    for line in template.splitlines():  # `#if <block>` … `#end`, nested
        if line.startswith("#if "):
            open_blocks.append(blocks.get(line.removeprefix("#if "), line == f"#if {slug}"))
        elif line == "#end":
            open_blocks.pop()
        elif all(open_blocks):
            kept.append(line)
    text = "\n".join(kept) + "\n"
    for name, value in {
        "{{mark}}": MARK,
        "{{slug}}": slug,
        "{{module}}": slug.replace("-", "_"),
        "{{version}}": VERSION,
        "{{description}}": json.dumps(description, ensure_ascii=False),
        "{{title}}": json.dumps(f"Flotilla {label['title']}", ensure_ascii=False),
        "{{source}}": documents.PROJECT,
        "{{common}}": "\n".join(
            f'COPY servers/{name} /{name}\nRUN ["python3.13", "/opt/assemble.py", "layer", "{name}", "/{name}", "/layer"]'
            for name in common
        ),
        "{{discoveries}}": "\n".join(
            f"COPY servers/{name}/discovery.json /discovery/{name}/discovery.json" for name in offered
        ),
        "{{label}}": quoted.replace("$", "\\$"),
    }.items():
        text = text.replace(name, value)
    return text


def common_folders(root: Path, slug: str) -> list[str]:
    """Return the folders `servers/_*` that a server's modules import from."""
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "servers" / slug).glob("*.py")))
    return sorted(set(re.findall(r"^from flotilla_servers\.(_\w+)", code, re.MULTILINE)))


def bake(names: list[str]) -> str:
    """Return the bake file: every image for both architectures, with SBOM and provenance in the release group."""
    targets = "\n\n".join(
        f'target "{slug}" {{\n  inherits   = ["_common"]\n  dockerfile = "servers/{slug}/Dockerfile"\n'
        f'  contexts   = {{ "flotilla/base" = "target:base", "flotilla/build" = "target:build" }}\n'
        f'  tags       = ["${{REGISTRY}}flotilla/{slug}:${{VERSION}}", "${{REGISTRY}}flotilla/{slug}:latest"]\n}}'
        for slug in names
    )
    quoted = ", ".join(f'"{slug}"' for slug in names)
    return (
        (Path(__file__).parent / "bake.hcl")
        .read_text(encoding="utf-8")
        .replace("{{mark}}", MARK)
        .replace("{{version}}", VERSION)
        .replace("{{names}}", quoted)
        .replace("{{targets}}", targets)
    )


HARDENED: dict[str, Any] = {
    "read_only": True,
    "tmpfs": ["/tmp"],
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "init": True,
    "restart": "unless-stopped",
    "mem_limit": "512m",
    "cpus": 1,
    "pids_limit": 256,
}
LOOPBACK_PORT = "127.0.0.1:${FLOTILLA_PORT:-8811}:8811"
NEEDED = "${FLOTILLA_HTTP_TOKEN:?set FLOTILLA_HTTP_TOKEN in .env}"


def compose_gateway(servers: dict[str, Server[Any]]) -> str:
    """Return the stack with Docker's gateway: it starts the servers itself, so it needs the engine's socket."""
    gateway = {
        "image": "${FLOTILLA_GATEWAY_IMAGE:-docker/mcp-gateway}",
        "command": [
            "--catalog=/root/.docker/mcp/catalogs/flotilla.yaml",
            f"--servers=${{FLOTILLA_SERVERS:-{','.join(servers)}}}",
            "--secrets=/run/secrets/flotilla",
            "--config=/root/.docker/mcp/config.yaml",
            "--transport=streaming",
            "--port=8811",
            "--long-lived",
        ],
        "environment": {"MCP_GATEWAY_AUTH_TOKEN": NEEDED},
        "ports": [LOOPBACK_PORT],
        "volumes": [
            "/var/run/docker.sock:/var/run/docker.sock",
            "../catalog/flotilla.yaml:/root/.docker/mcp/catalogs/flotilla.yaml:ro",
            "${FLOTILLA_CONFIG_FILE:-../catalog/config.example.yaml}:/root/.docker/mcp/config.yaml:ro",
        ],
        "secrets": ["flotilla"],
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8811/health"],
            "interval": "10s",
            "timeout": "3s",
            "retries": 12,
            "start_period": "60s",
        },
        "restart": "unless-stopped",
        "mem_limit": "512m",
        "cpus": 1,
    }
    stack = {
        "name": "flotilla",
        "services": {"gateway": gateway},
        "secrets": {"flotilla": {"file": "${FLOTILLA_SECRETS_FILE:-../catalog/secrets.example.env}"}},
    }
    return as_yaml(stack)


def compose_switchboard(servers: dict[str, Server[Any]]) -> str:
    """Return the stack with the switchboard before HTTP servers: nobody needs the engine's socket."""
    services: dict[str, Any] = {
        "switchboard": {
            "image": f"flotilla/switchboard:${{FLOTILLA_VERSION:-{VERSION}}}",
            **HARDENED,
            "command": [
                "--servers=all",
                f"--remote={','.join(f'{slug}=http://{slug}:8000/mcp' for slug in servers)}",
            ],
            "environment": {
                "FLOTILLA_TRANSPORT": "http",  # read by the health check too
                "FLOTILLA_HOST": "0.0.0.0",
                "FLOTILLA_PORT": "8811",
                "FLOTILLA_HTTP_TOKEN": NEEDED,
                "FLOTILLA_REMOTE_TOKEN": NEEDED,
                "FLOTILLA_ALLOWED_HOSTS": "switchboard",
                "FLOTILLA_STATE_KEY": "${FLOTILLA_STATE_KEY:-}",
            },
            "ports": [LOOPBACK_PORT],
            "networks": ["front", "fleet"],
            "depends_on": {slug: {"condition": "service_healthy"} for slug in servers},
        }
    }
    for slug, server in servers.items():
        own = {documents.variable(server, n): "${%s:-}" % documents.variable(server, n) for n in server.settings_class.model_fields}
        services[slug] = {
            "image": f"flotilla/{slug}:${{FLOTILLA_VERSION:-{VERSION}}}",
            **HARDENED,
            "environment": {
                "FLOTILLA_TRANSPORT": "http",
                "FLOTILLA_HOST": "0.0.0.0",
                "FLOTILLA_HTTP_TOKEN": NEEDED,
                "FLOTILLA_ALLOWED_HOSTS": slug,
                "FLOTILLA_STATE_KEY": "${FLOTILLA_STATE_KEY:-}",
                **{env: "${%s:-}" % env for env, _, _ in documents.common(server).values()},
                **own,
            },
            "volumes": [documents.volume(server)],
            "networks": ["fleet", "outside"] if server.network else ["fleet"],
        }
    volumes = sorted({documents.volume(server).split(":")[0] for server in servers.values()})
    stack = {
        "name": "flotilla",
        "services": services,
        "networks": {"front": {}, "fleet": {"internal": True}, "outside": {}},
        "volumes": {name: {"name": name} for name in volumes},
    }
    return as_yaml(stack)

"""The rules of docker/mcp-registry for server.yaml, and of Docker's gateway for a catalog.

Every function yields sentences: what is wrong, and what to write instead.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flotilla_cli.generator.sources import ROOT, slugs
from flotilla_launcher.naming import PREFIX, REGISTRY, catalog_name, module_of, slug_of
from flotilla_launcher.user_files import read_document

SERVER = re.compile(r"^[a-z0-9-]+$")
TOOL = re.compile(r"^[a-z][a-z0-9_]{0,44}$")
SECRET = re.compile(r"^[A-Za-z0-9_-]+\.[A-Za-z0-9._-]+$")
COMMIT = re.compile(r"^[0-9a-f]{40}$")
TAKEN = {  # of docker/mcp-registry at 818bf16 (July 2026), as far as a server here could be called the same
    "asana", "atlassian", "close", "elasticsearch", "fetch", "filesystem", "git", "github", "gitlab", "gmail-mcp",
    "google-maps", "hubspot", "linear", "memory", "monday", "mongodb", "n8n", "notion", "obsidian", "paypal",
    "postman", "redis", "slack", "stripe", "teamwork", "time", "webflow", "wix",
}  # fmt: skip
SMALL_WORDS = {"and", "for"}
LABEL = "io.docker.server.metadata"
TYPES: dict[str, type] = {  # the gateway reads the catalog into these, and a wrong one aborts it
    "title": str, "description": str, "type": str, "image": str, "user": str, "prefix": str,
    "command": list, "volumes": list, "env": list, "secrets": list, "tools": list, "config": list, "allowHosts": list,
    "extraHosts": list, "longLived": bool, "disableNetwork": bool, "metadata": dict, "remote": dict,
}  # fmt: skip
SETTING_TYPES = {"string", "integer", "number", "boolean", "object", "array"}
STEERING = re.compile(  # names of what guards, steers or identifies: no business of a gateway's configuration
    r"(^|_)(url|uri|host|hosts|port|endpoint|address|proxy|security|tls|ssl|ca|cert|allow\w*|deny|read_only|confirm|dry_run|"
    r"tier|groups|quota|data_quota|token|key|secret|password|user|username|account|identifier|subject|sender(?!_name)|reply_to)($|_)"
)
RESERVED = {
    "code-mode", "find-tools", "mcp-add", "mcp-find", "mcp-exec", "mcp-remove", "mcp-config-set", "mcp-create-profile",
    "mcp-activate-profile", "mcp-registry-import", "mcp-discover",
}  # fmt: skip


def of_configuration(server: str, env: list[dict[str, Any]], properties: dict[str, Any]) -> Iterator[str]:
    """Yield each guard or endpoint that a gateway's configuration could fill: a model may write that."""
    for name in properties:
        if STEERING.search(name):
            yield f"{server}: setting {name} protects or steers: it must be a secret, so that no model can change it."
    for item in env:
        name, value = str(item.get("name")), str(item.get("value"))
        if "{{" in value and (name.startswith("FLOTILLA_") or STEERING.search(name.lower())):
            yield f"{server}: env {name} protects or steers: it must be a secret, so that no model can change it."


def of_registry_entry(slug: str, entry: dict[str, Any]) -> Iterator[str]:
    """Yield what docker/mcp-registry's validator would refuse in a server.yaml."""
    name = catalog_name(slug)
    if not SERVER.match(entry.get("name", "")) or entry["name"] != name:
        yield f"name must be {name!r}, which is the name of its folder in the registry too."
    if entry.get("name") in TAKEN:
        yield f"name {entry['name']!r} is another server's in docker/mcp-registry, which would be overwritten."
    title = entry.get("about", {}).get("title", "")
    if not title or re.search(r"\b(mcp|server)\b", title, re.IGNORECASE):
        yield f"about.title {title!r} must not be empty nor contain MCP or Server: name the product alone."
    for word in title.split():
        if word not in SMALL_WORDS and not (word[0].isupper() or word[0].isdigit()):
            yield f"about.title: {word!r} must begin with a capital letter."
    if not entry.get("about", {}).get("description"):
        yield "about.description is empty: write one sentence."
    if entry.get("type") == "server" and not COMMIT.match(str(entry.get("source", {}).get("commit", ""))):
        yield "source.commit must be 40 hexadecimal digits."
    config = entry.get("config", {})
    for secret in config.get("secrets", ()):
        if not SECRET.match(secret["name"]):
            yield f"secret {secret['name']!r} must read <server>.<name>."
        if not secret.get("env"):
            yield f"secret {secret['name']!r} needs the variable that it fills."
    for env in config.get("env", ()):
        if env["value"].startswith("{{") and not env["value"].startswith(f"{{{{{name}."):
            yield f"env {env['name']}: the template must begin with {{{{{name}. and have no blank."
    properties = config.get("parameters", {}).get("properties", {})
    if properties and not config.get("description"):
        yield "config.description is needed where there are parameters."
    yield from of_configuration(slug, config.get("env", []), properties)
    for parameter, schema in properties.items():
        if "type" not in schema:
            yield f"parameter {parameter} needs a type."


def of_tools(tools: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what a registry or a client would refuse in a tools.json."""
    for tool in tools:
        if not tool.get("description"):
            yield f"{tool['name']} needs a description."
        for argument in tool.get("arguments", ()):
            if not argument.get("desc"):
                yield f"{tool['name']}: argument {argument['name']} needs a description."
            if argument.get("type") == "array" and "items" not in argument:
                yield f"{tool['name']}: argument {argument['name']} is an array and must say of what."


def of_catalog(catalog: dict[str, Any], discoveries: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what would stop a gateway at start, or make it leave a server out."""
    owners: dict[tuple[str, str], str] = {}
    for slug, entry in catalog["registry"].items():
        if not SERVER.match(slug):
            yield f"{slug}: a server's name is made of a-z, 0-9 and -: a dot breaks profiles."
        if slug in TAKEN:
            yield f"{slug}: Docker's catalog has this name, and a profile with both is refused: call it {PREFIX}{slug}."
        wrong = [key for key, kind in TYPES.items() if key in entry and not isinstance(entry[key], kind)]
        if wrong:
            yield from (f"{slug}: {k} must be a {TYPES[k].__name__}: another type aborts the gateway." for k in wrong)
            continue
        if entry.get("type") not in ("server", "remote", "poci"):
            yield f"{slug}: type must be server, remote or poci, else no profile takes it."
        if re.match(r"(docker\.io/)?mcp/", entry.get("image", "")):
            yield f"{slug}: image {entry['image']} must not stand under mcp/: the gateway then wants a signature."
        elif not entry.get("image", f"{REGISTRY}/").startswith(f"{REGISTRY}/"):
            yield f"{slug}: image {entry['image']} must stand under {REGISTRY}/: elsewhere it may be somebody else's."
        for text in (*entry.get("command", ()), *entry.get("volumes", ())):
            if not isinstance(text, str):
                yield f"{slug}: {text!r} must be a text: another type aborts the gateway."
            elif text.startswith(("/", ".", "~")) and text in entry.get("volumes", ()):
                yield f"{slug}: volume {text} must have a name: the gateway refuses most folders of the host."
        for secret in entry.get("secrets", ()):
            if not SECRET.match(str(secret.get("name"))) or not secret.get("env"):
                yield f"{slug}: secret {secret.get('name')!r} must read <server>.<name> and name its variable."
        for env in entry.get("env", ()):
            if not isinstance(env, dict) or set(env) != {"name", "value"} or not isinstance(env["value"], str):
                yield f"{slug}: each env needs exactly a name and a value, which is a text."
        declared = [secret.get("name") for secret in entry.get("secrets", ())]
        if twice := {name for name in declared if declared.count(name) > 1}:
            yield f"{slug}: secret {', '.join(map(str, twice))} is declared twice: a setting has the name of a guard."
        templates = [env for env in entry.get("env", ()) if isinstance(env, dict)]
        yield from of_configuration(slug, templates, {})
        for config in entry.get("config", ()):
            yield from of_configuration(slug, [], config.get("properties", {}))
            if missing := {"name", "description", "type", "properties"} - set(config):
                yield f"{slug}: config needs {', '.join(sorted(missing))}, else no profile takes it."
            for name, schema in config.get("properties", {}).items():
                if schema.get("type") not in SETTING_TYPES:
                    yield f"{slug}: setting {name} has the type {schema.get('type')!r}, which no profile takes."
            if config.get("required"):
                yield f"{slug}: config must require nothing: one missing value stops a whole profile."
        discovery = discoveries.get(slug_of(slug))
        if discovery is None:
            yield f"{slug}: no discovery.json; run `make setup`."
            continue
        listed = [tool["name"] for tool in entry.get("tools", ())]
        if listed != [tool["name"] for tool in discovery["tools"]]:
            yield f"{slug}: the catalog's tools are not those that the server lists."
        names = [("tool", t["name"]) for t in discovery["tools"]] + [
            ("prompt", p["name"]) for p in discovery["prompts"]
        ]
        names += [("resource", r["uri"]) for r in discovery["resources"]]
        names += [("template", t["uriTemplate"]) for t in discovery["resourceTemplates"]]
        for kind, name in names:
            if other := owners.get((kind, name)):
                yield f"{slug}: the {kind} {name} is {other}'s too; one name twice aborts the gateway."
            owners[kind, name] = slug
            if name in RESERVED:
                yield f"{slug}: {name} is one of the gateway's own names."
            if kind in ("tool", "prompt") and not TOOL.match(name):
                yield f"{slug}: {name} must match [a-z][a-z0-9_]* and have at most 45 characters."
        for tool in discovery["tools"]:
            for key in ("inputSchema", "outputSchema"):
                if key in tool and tool[key].get("type") != "object":
                    yield f"{slug}: {tool['name']}: the root of {key} must be an object: others crash the gateway."


def of_image(slug: str, entry: dict[str, Any], dockerfile: str) -> Iterator[str]:
    """Yield what makes an image describe itself as more than it can be without its catalog entry."""
    needs = [key for key in ("volumes", "secrets") if entry.get(key)]
    if needs and LABEL in dockerfile:
        yield (
            f"{slug}: the image must not carry {LABEL}: a gateway that starts it from the label alone gives it no "
            f"{' and no '.join(needs)}, so that files are lost after each call or no account is reached."
        )


def problems(root: Path = ROOT) -> list[str]:
    """Return everything that is wrong with the generated manifests of a checkout."""
    lines: list[str] = []
    catalog = read_document(root / "catalog/flotilla.yaml")
    discoveries = {}
    for slug in slugs(root):
        folder = root / "servers" / module_of(slug)
        if catalog_name(slug) in catalog["registry"]:
            discoveries[slug] = json.loads((folder / "discovery.json").read_text(encoding="utf-8"))
            entry = read_document(folder / "server.yaml")
            lines += [f"servers/{module_of(slug)}/server.yaml: {line}" for line in of_registry_entry(slug, entry)]
            dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
            lines += [f"servers/{line}" for line in of_image(slug, catalog["registry"][catalog_name(slug)], dockerfile)]
            tools = json.loads((folder / "tools.json").read_text(encoding="utf-8"))
            lines += [f"servers/{module_of(slug)}/tools.json: {line}" for line in of_tools(tools)]
    return lines + [f"catalog/flotilla.yaml: {line}" for line in of_catalog(catalog, discoveries)]


def main(argv: list[str]) -> int:
    """Print every problem; 1 when there is one."""
    lines = problems()
    print("\n".join(lines) if lines else "Manifests and catalog: nothing a registry or a gateway would refuse.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The MCP registry's server.json of each server and of the switchboard, and the rules that the registry checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flotilla import Server
from flotilla.settings import is_secret
from flotilla_cli.generator import documents
from flotilla_launcher.naming import PROJECT, image, module_of, registry_name
from flotilla_launcher.version import VERSION

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
LENGTH = 100  # characters of a description, at most
OCI_HOSTS = ("docker.io/", "ghcr.io/", "quay.io/")  # of those that the registry takes, the ones that matter here
WHEEL = "flotilla-fleet"


def shortened(text: str) -> str:
    """Return a sentence with as many of its parts, from the first on, as fit into LENGTH characters."""
    if len(text) <= LENGTH:
        return text
    cut = max(text.rfind(mark, 0, LENGTH) for mark in (", ", "; ", ": "))
    return f"{text[:cut].rstrip(' ,;:')}."


def of_server(server: Server[Any], digest: str = "") -> dict[str, Any]:
    """Return the server.json of a server: its image, by `digest` (sha256:…) where the caller knows it."""
    volumes = [
        {"type": "named", "name": "--volume", "value": volume, "description": "Where the server keeps what must stay"}
        for volume in documents.volumes(server)
    ]
    network = {"type": "named", "name": "--network", "value": "none", "description": "The server needs no network"}
    package = {
        "registryType": "oci",
        "identifier": image(server.slug) + (f"@{digest}" if digest else ""),
        "runtimeHint": "docker",
        "transport": {"type": "stdio"},
        "runtimeArguments": volumes if server.integration.network else [*volumes, network],
        "environmentVariables": _variables(server),
    }
    return {
        **_head(server.slug, server.integration.title, server.integration.description),
        "websiteUrl": f"{PROJECT}/blob/main/servers/{module_of(server.slug)}/README.md",
        "packages": [package],
    }


def of_switchboard(description: str, bundle: tuple[str, str] | None = None) -> dict[str, Any]:
    """Return the server.json of the switchboard: its wheel, and `bundle`, the URL of its .mcpb file and that SHA-256.

    Its image is left out: in a container it can start no other server.
    """
    stdio = {"type": "stdio"}
    wheel = {
        "registryType": "pypi",
        "identifier": WHEEL,
        "version": VERSION,
        "runtimeHint": "uvx",
        "transport": stdio,
        "packageArguments": [
            {"type": "positional", "value": "switchboard"},
            {
                "type": "named",
                "name": "--secrets",
                "format": "filepath",
                "description": "File of the accounts' keys, one `name=value` a line",
            },
        ],
    }
    packages: list[dict[str, Any]] = [wheel]
    if bundle:
        url, sha256 = bundle
        packages.append({"registryType": "mcpb", "identifier": url, "fileSha256": sha256, "transport": stdio})
    return {**_head("switchboard", "Flotilla", description), "websiteUrl": PROJECT, "packages": packages}


def problems(document: dict[str, Any]) -> Iterator[str]:
    """Yield what the registry would refuse in a server.json: the rules of its validators beyond the JSON schema."""
    name, packages = document["name"], document["packages"]
    if not re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", name):
        yield f"{name}: the name must read <namespace>/<name>."
    if not 0 < len(document["description"]) <= LENGTH:
        yield f"{name}: the description must have from 1 to {LENGTH} characters."
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", document["version"]):
        yield f"{name}: version {document['version']} must be one version, not a range."
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", document["repository"]["url"]):
        yield f"{name}: the repository must be one at GitHub."
    for package in packages:
        kind, identifier = package["registryType"], package["identifier"]
        if " " in identifier:
            yield f"{name}: the identifier {identifier!r} must have no blank."
        if kind == "oci" and ("version" in package or "fileSha256" in package):
            yield f"{name}: an image says its version in its identifier, and nowhere else."
        if kind == "oci" and not identifier.startswith(OCI_HOSTS):
            yield f"{name}: the image {identifier} must stand at one of {', '.join(OCI_HOSTS)}"
        if kind == "mcpb" and not (
            re.fullmatch(r"https://github\.com/[^/]+/[^/]+/releases/download/.*mcp.*", identifier, re.IGNORECASE)
            and re.fullmatch(r"[0-9a-f]{64}", package.get("fileSha256", ""))
        ):
            yield f"{name}: a bundle must be a file of a GitHub release, with mcp in its URL, and have its SHA-256."
        for argument in (*package.get("runtimeArguments", ()), *package.get("packageArguments", ())):
            flag = argument.get("name", "")
            if argument["type"] == "named" and (not flag or re.search(r"[<> $]", flag)):
                yield f"{name}: the argument {flag!r} must be a name without <, >, $ and blanks."
            if flag and argument.get("value", "").startswith(flag):
                yield f"{name}: the value of {flag} must not repeat its name."
            if argument["type"] == "positional" and not ("value" in argument or "valueHint" in argument):
                yield f"{name}: a positional argument needs a value or a hint."


def _head(slug: str, title: str, description: str) -> dict[str, Any]:
    repository = {"url": PROJECT, "source": "github"}
    if slug != "switchboard":
        repository["subfolder"] = f"servers/{module_of(slug)}"
    return {
        "$schema": SCHEMA,
        "name": registry_name(slug),
        "title": title,
        "description": shortened(description),
        "version": VERSION,
        "repository": repository,
    }


def _variables(server: Server[Any]) -> list[dict[str, Any]]:
    """Return the variables that a client offers: the server's own settings, and the guards that every server knows."""
    fields = server.integration.settings_class.model_fields
    needed = server.integration.settings_class.required()[0]
    own = [
        {
            "name": documents.variable(server, name),
            "description": field.description or name,
            **({"isRequired": True} if name in needed else {}),
            **({"isSecret": True} if is_secret(field) else {}),
            **_format(documents.kind_of(field.annotation)),
        }
        for name, field in fields.items()
    ]
    guards = [
        {"name": env, "description": about, **_format(kind)} for env, kind, about in documents.common(server).values()
    ]
    return own + guards


def _format(kind: str) -> dict[str, str]:
    return {} if kind == "string" else {"format": {"integer": "number"}.get(kind, kind)}

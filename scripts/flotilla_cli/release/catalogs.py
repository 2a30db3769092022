"""What lists the servers: the catalog by digest, the tree for docker/mcp-registry, the MCP registry's files."""

from __future__ import annotations

import json
from typing import Any

from flotilla_cli import paths
from flotilla_cli.generator import mcp_registry
from flotilla_cli.generator.servers import GATEWAYS, server_of
from flotilla_cli.generator.text import as_json, as_yaml
from flotilla_cli.release import images
from flotilla_cli.release.progress import UNKNOWN, Release, ReleaseError
from flotilla_cli.release.registry_tree import registry_tree
from flotilla_launcher.naming import PROJECT, slug_of
from flotilla_launcher.user_files import read_document

ARTEFACT = "application/vnd.docker.mcp.catalog.v1+json"  # what `docker mcp catalog pull` asks for
GATEWAY = "One gateway to the servers of Flotilla: all tools in one list, or found by search."


def by_digest(release: Release) -> dict[str, Any]:
    """Return the catalog of the released servers, each image by the digest that was pushed."""
    catalog = read_document(paths.CATALOG)
    registry = {
        name: {**entry, "image": release.pinned(slug_of(name))}
        for name, entry in catalog["registry"].items()
        if slug_of(name) in release.slugs
    }
    return {**catalog, "registry": registry}


def write_catalog(release: Release) -> None:
    """Write the catalog twice: as a file for `--catalog`, and as the content of the artefact."""
    catalog = by_digest(release)
    release.write("flotilla.yaml", as_yaml(catalog, f"# Flotilla {release.version}, each image by its digest."))
    servers = [
        {"type": "image", "image": entry["image"], "snapshot": {"server": {"name": name, **entry}}}
        for name, entry in catalog["registry"].items()
    ]
    release.write("catalog.json", json.dumps({"title": "Flotilla", "servers": servers}, ensure_ascii=False))


def push_catalog(release: Release) -> str:
    """Push the catalog as an artefact that `docker mcp catalog pull` imports, signed; return its digest."""
    name = release.image("catalog")
    date = release.read("git", "log", "-1", "--format=%cI")
    release.run(
        "oras", "push", "--disable-path-validation", "--artifact-type", ARTEFACT,
        "--annotation", f"org.opencontainers.image.created={date}", name,
        f"{release.folder / 'catalog.json'}:application/json",
    )  # fmt: skip
    pushed = (
        UNKNOWN
        if release.dry_run
        else str(json.loads(release.read("oras", "manifest", "fetch", "--descriptor", name))["digest"])
    )
    pinned = f"{release.registry}/catalog@{pushed}"
    release.run("cosign", "sign", "--yes", *images.secret_options(release), pinned)
    release.run("cosign", "verify", *images.public_options(release), pinned)
    if names := images.further_tags(release):
        release.run("oras", "tag", pinned, *names)
    return pushed


def write_tree(release: Release) -> None:
    """Write the tree of the pull request for docker/mcp-registry."""
    servers = [slug for slug in release.slugs if slug not in (*GATEWAYS, images.FLEET)]
    for name, text in registry_tree(servers, release.commit).items():
        release.write(f"docker-mcp-registry/{name}", text)


def write_server_json(release: Release) -> None:
    """Write what the MCP registry's publisher sends, a folder each. Raises ReleaseError for what it would refuse."""
    for slug in release.slugs:
        if slug == images.FLEET:
            continue  # it needs a database and keys, which compose.tenants.yaml gives it
        if slug in GATEWAYS:
            bundle = release.folder / f"{slug}.mcpb"
            sums = release.done.get("packages", {})
            url = f"{PROJECT}/releases/download/v{release.version}/{bundle.name}"
            document = mcp_registry.of_switchboard(GATEWAY, (url, sums[bundle.name]) if bundle.name in sums else None)
        else:
            document = mcp_registry.of_server(server_of(slug), release.done.get(f"push {slug}", ""))
        if problems := list(mcp_registry.problems(document)):
            raise ReleaseError(f"The MCP registry would refuse {slug}: {' '.join(problems)}")
        release.write(f"mcp-registry/{slug}/server.json", as_json(document))

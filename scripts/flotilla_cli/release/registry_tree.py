"""Write the files of a pull request for docker/mcp-registry, one server or all, for the commit that is checked out."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from flotilla_cli import paths
from flotilla_cli.generator import documents, registry_rules
from flotilla_cli.generator.servers import integrations, server_of
from flotilla_cli.generator.text import as_yaml
from flotilla_cli.release.progress import ReleaseError
from flotilla_launcher.naming import catalog_name, module_of, slug_of


def registry_tree(slugs: Iterable[str], commit: str) -> dict[str, str]:
    """Return the files of a pull request for docker/mcp-registry, by path. Raises ReleaseError for what it refuses."""
    files = {}
    for slug in slugs:
        entry = documents.registry_entry(server_of(slug))
        entry["source"]["commit"] = commit
        listed = (paths.ROOT / "servers" / module_of(slug) / "tools.json").read_text(encoding="utf-8")
        problems = [*registry_rules.of_registry_entry(slug, entry), *registry_rules.of_tools(json.loads(listed))]
        if problems:
            raise ReleaseError(f"docker/mcp-registry would refuse {slug}: {' '.join(problems)}")
        folder = f"servers/{catalog_name(slug)}"
        files[f"{folder}/server.yaml"] = as_yaml(entry, "").lstrip("\n")
        files[f"{folder}/tools.json"] = listed
    return files


def main(argv: list[str]) -> int:
    """Write the tree; 1 where the registry would refuse it."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla registry-tree", description=__doc__)
    parser.add_argument("servers", nargs="*", help="the servers; all by default")
    parser.add_argument("--to", type=Path, default=paths.ROOT / "build" / "docker-mcp-registry", help="the folder")
    options = parser.parse_args(argv)
    known, named = integrations(), [slug_of(name) for name in options.servers]
    if unknown := [slug for slug in named if slug not in known]:
        return paths.fail(f"{', '.join(unknown)}: no such server. The servers are {', '.join(known)}.")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        files = registry_tree(named or known, commit)
    except ReleaseError as problem:
        return paths.fail(str(problem))
    for name, text in files.items():
        paths.write(options.to / name, text, 0o644)
    paths.say(f"{paths.short(options.to)}: {len(files)} files, for commit {commit}. Copy servers/ into the registry's.")
    return 0

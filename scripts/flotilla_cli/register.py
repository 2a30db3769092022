"""Set up Docker Desktop's MCP Toolkit: a profile of your servers, their secrets in its keychain, the clients on it."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from flotilla_cli import install, paths, secrets_file, servers, system
from flotilla_cli.generator.text import as_yaml
from flotilla_launcher.naming import catalog_name, slug_of

PROFILE = "flotilla"
MISSING = (
    "The Docker MCP plugin comes with Docker Desktop, and `docker mcp version` fails. "
    "Install or start Docker Desktop, then try again."
)


def outdated(profile: Mapping[str, Any]) -> list[str]:
    """Return the servers whose image, tools or secrets in a profile differ from the catalog's.

    A profile is a copy that Docker makes once: a new catalog does not change it.
    """
    names, registry = [], servers.registry_with_tools()
    for copy in _copies(profile):
        now = registry.get(slug_of(copy.get("name", "")))
        if now and (copy.get("image"), _tools(copy), _secrets(copy)) != (now["image"], _tools(now), _secrets(now)):
            names.append(copy["name"])
    return names


def contents(profile: Mapping[str, Any]) -> list[str]:
    """Return the catalog names of the servers in a profile."""
    return [copy["name"] for copy in _copies(profile) if copy.get("name")]


def write_source(slugs: Sequence[str]) -> str:
    """Write a catalog of these servers where the plugin reads one, and return its address for a profile."""
    known = servers.registry_with_tools()
    registry = {catalog_name(slug): known[slug] for slug in slugs}
    path = paths.installed_catalog().with_name(f"{PROFILE}.profile.yaml")
    paths.write(path, as_yaml({"name": PROFILE, "displayName": "Flotilla", "registry": registry}, ""), 0o644)
    return f"file://{path.name}"


def commands(clients: Sequence[str], slugs: Sequence[str], source: str) -> list[list[str]]:
    """Return the commands that are needed: the profile is made again only where it differs from what is wanted."""
    create = ["docker", "mcp", "profile", "create", "--name", PROFILE, "--server", source]
    remove = ["docker", "mcp", "profile", "remove", PROFILE]
    profile = system.profile(PROFILE)
    same = (
        profile and not outdated(profile) and set(contents(profile)) == set(map(catalog_name, slugs))
    )  # the plugin keeps no order
    steps = [] if same else [*([remove] if profile else []), create]
    return steps + [
        ["docker", "mcp", "client", "connect", client, "--global", "--profile", PROFILE] for client in clients
    ]


def copy_secrets(slugs: Sequence[str]) -> list[str]:
    """Copy what the secrets file sets for these servers into the keychain, and return the names. Raises OSError."""
    begin = tuple(f"{catalog_name(slug)}." for slug in slugs)
    values = {name: value for name, value in secrets_file.read().items() if value and name.startswith(begin)}
    if values:
        secrets_file.store(values, in_keychain=True)
    return sorted(values)


def register(clients: Sequence[str], slugs: Sequence[str], dry_run: bool) -> int:
    """Do all of it; 1 when a command fails."""
    if not system.gateway_plugin():
        return paths.fail(MISSING)
    if not dry_run:
        for line in [*install.missing_images(list(slugs)), *install.install()]:
            paths.say(line)
        if secrets_file.has_keychain():
            paths.say(f"Copied into Docker Desktop's keychain: {', '.join(copy_secrets(slugs)) or 'nothing'}.")
    source = f"file://{PROFILE}.profile.yaml" if dry_run else write_source(slugs)
    for command in commands(clients, slugs, source):
        paths.say(" ".join(command))
        if not dry_run and subprocess.run(command, check=False).returncode:
            return paths.fail("This command failed; its own message is above.")
    if not secrets_file.has_keychain():
        paths.say(
            "A profile takes its secrets and guards from Docker Desktop's keychain, not from the secrets file, and no "
            "keychain answers here: docker mcp secret set flotilla-<server>.<name>"
        )
    if system.dynamic_tools():
        paths.say(f"{system.DYNAMIC_TOOLS}: {system.DISABLE_DYNAMIC_TOOLS}")
    return 0


def status() -> int:
    """Print what the Toolkit knows of Flotilla; 1 where it has no profile."""
    if not system.gateway_plugin():
        return paths.fail(MISSING)
    profile = system.profile(PROFILE)
    if not profile:
        return paths.fail(f"The Toolkit has no profile {PROFILE}. `scripts/flotilla register` makes one.")
    paths.say(f"Profile {PROFILE}: {', '.join(contents(profile)) or 'no servers'}.")
    if old := outdated(profile):
        paths.say(f"Older than the catalog: {', '.join(old)}. Run `scripts/flotilla register` again.")
    connected = [about["displayName"] for about in _clients().values() if about.get("profile") == PROFILE]
    paths.say(f"Clients on it: {', '.join(sorted(connected)) or 'none'}.")
    return 0


def main(argv: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla register", description=__doc__)
    parser.add_argument(
        "clients", nargs="*", help="as `docker mcp client connect --help` names them: cursor, gordon, …"
    )
    parser.add_argument("--status", action="store_true", help="show the profile and who uses it; change nothing")
    parser.add_argument("--dry-run", action="store_true", help="show the commands, and run none")
    options = parser.parse_args(argv)
    if options.status:
        return status()
    try:
        slugs = servers.choose()
    except ValueError as problem:
        return paths.fail(str(problem))
    return register(options.clients, slugs, options.dry_run)


def _clients() -> dict[str, dict[str, Any]]:
    try:
        listed = json.loads(system.docker("mcp", "client", "ls", "--global", "--json", timeout=20) or "{}")
    except ValueError:
        return {}
    return listed if isinstance(listed, dict) else {}


def _copies(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [(entry.get("snapshot") or {}).get("server") or {} for entry in profile.get("servers") or ()]


def _tools(entry: Mapping[str, Any]) -> set[str]:
    return {tool["name"] for tool in entry.get("tools") or ()}


def _secrets(entry: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(secret["name"], secret["env"]) for secret in entry.get("secrets") or ()}

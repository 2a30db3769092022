"""Write Flotilla into a client's settings file, without losing what is there."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flotilla_cli import clients, install, jsonc
from flotilla_cli import gateway as door
from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine
from flotilla_launcher.naming import slug_of


def merged(path: Path, key: str, entry: dict[str, Any]) -> str:
    """Return the text of a settings file with Flotilla's entry in it. Raises jsonc.Broken."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    held = jsonc.loads(text)
    if not isinstance(held, dict):
        raise jsonc.Broken("the outermost value is no object")
    if held.get(key) is None and key in held:  # "mcpServers": null, as some programs write it
        return jsonc.put(text, [key], {"flotilla": entry})
    return jsonc.put(text, [key, "flotilla"], entry)


def write(path: Path, text: str) -> Path | None:
    """Write a settings file, whole or not at all; returns where the one before was kept."""
    kept = None
    mode = 0o600  # it holds a token, or paths of a secrets file
    if path.exists():
        mode = path.stat().st_mode & 0o777
        stamp = time.strftime("%Y%m%d-%H%M%S")
        kept = path.with_name(f"{path.name}.before-flotilla-{stamp}")
        shutil.copy2(path, kept)
    place.write(path, text, mode)
    return kept


def outdated(profile: Mapping[str, Any]) -> list[str]:
    """Return the servers of which a profile keeps another image, or other tools, than the catalog has now.

    A profile is a copy that Docker makes once; a new catalog does not reach it.
    """
    found = []
    for held in profile.get("servers") or ():
        mine = (held.get("snapshot") or {}).get("server") or {}
        now = fleet.registry().get(slug_of(mine.get("name", "")))
        if now and (mine.get("image"), _tools(mine), _secrets(mine)) != (now["image"], _tools(now), _secrets(now)):
            found.append(mine["name"])
    return found


def _tools(entry: Mapping[str, Any]) -> set[str]:
    return {tool["name"] for tool in entry.get("tools") or ()}


def _secrets(entry: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(secret["name"], secret["env"]) for secret in entry.get("secrets") or ()}


def gordon(servers: list[str], dry_run: bool) -> int:
    """Let Docker's own command connect Gordon, which takes profiles of the gateway and nothing else."""
    if not machine.gateway_plugin():
        return place.fail(
            "Gordon comes with Docker Desktop and takes the Docker MCP plugin's profiles; the plugin is not here."
        )
    create = ["docker", "mcp", "profile", "create", "--name", "flotilla", "--server", "file://flotilla.yaml"]
    connect = ["docker", "mcp", "client", "connect", "gordon", "--global", "--profile", "flotilla"]
    remove = ["docker", "mcp", "profile", "remove", "flotilla"]
    held = machine.profile("flotilla")
    steps = [connect] if held and not outdated(held) else [*([remove] if held else []), create, connect]
    for command in steps:
        place.say(" ".join(command))
        if not dry_run and subprocess.run(command, check=False).returncode:
            return place.fail("That failed; its words are above.")
    place.say(
        "Secrets of a profile are Docker Desktop's, and so are its guards: "
        "docker mcp secret set flotilla-<server>.<name>=…"
    )
    if machine.dynamic_tools():
        place.say(machine.DYNAMIC_TOOLS)
    return 0


def main(argv: list[str]) -> int:
    """Connect one client."""
    names = [*clients.CLIENTS, "gordon"]
    parser = argparse.ArgumentParser(prog="scripts/connect", description=__doc__)
    parser.add_argument("client", choices=names, help="the program to connect")
    parser.add_argument("--http", action="store_true", help="the URL and token of the door that `make up` started")
    parser.add_argument("--project", metavar="FOLDER", type=Path, help="the file of one project, not the user's own")
    parser.add_argument("--file", type=Path, help="another settings file")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    options = parser.parse_args(argv)
    try:
        servers = fleet.choose()
    except ValueError as problem:
        return place.fail(str(problem))
    if not options.dry_run:
        kind, run = clients.road()
        for line in [*(install.missing_images(servers) if run == "docker" else ()), *install.install()]:
            place.say(line)
    if options.client == "gordon":
        return gordon(servers, options.dry_run)
    client = clients.CLIENTS[options.client]
    running = door.Running.read()
    if options.http and not running.healthy():
        return place.fail("No door runs here: start one with `make up`, or leave HTTP=1 away.")
    kind, run = clients.road()
    try:
        given = (running.url, door.token()) if options.http else None
        entry = clients.entry(client, servers, kind, run, given)
    except ValueError as problem:
        return place.fail(str(problem))
    if options.project and not client.project:
        return place.fail(f"{client.title} has no settings file in projects.")
    path = options.file or (options.project / client.project if options.project else client.path())
    try:
        text = merged(path, client.key, entry)
    except (jsonc.Broken, UnicodeDecodeError) as problem:
        return place.fail(f"{path} is not to be understood ({problem}); nothing was changed. Mend it, then try again.")
    except OSError as problem:
        return place.fail(f"{path} cannot be read: {problem.strerror}.")
    shown = json.dumps({client.key: {"flotilla": entry}}, ensure_ascii=False, indent=2)
    if options.dry_run:
        place.say(f"{place.short(path)} would get:\n{shown}")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == text:
        place.say(f"{place.short(path)} has this already:\n{shown}")
        return 0
    try:
        kept = write(path, text)
    except OSError as problem:
        return place.fail(f"{path} cannot be written: {problem.strerror}.")
    place.say(f"Wrote into {place.short(path)}:\n{shown}")
    if kept:
        place.say(f"The file before is kept as {place.short(kept)}.")
    place.say(client.then)
    return 0

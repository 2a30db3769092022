"""Add Flotilla to a client's settings file.

Everything else in it stays, comments too, and a copy of the file is kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flotilla_cli import clients, gateway, install, jsonc, paths, register, servers
from flotilla_launcher.naming import catalog_name, slug_of


def merged(path: Path, key: str, entry: dict[str, Any]) -> str:
    """Return the text of a settings file with Flotilla's entry in it. Raises jsonc.JsoncError."""
    text = paths.read(path) if path.exists() else ""
    current = jsonc.loads(text)
    if not isinstance(current, dict):
        raise jsonc.JsoncError("the outermost value is not an object")
    if current.get(key) is None and key in current:  # "mcpServers": null, as some programs write it
        return jsonc.put(text, [key], {"flotilla": entry})
    return jsonc.put(text, [key, "flotilla"], entry)


def write(path: Path, text: str, holds_token: bool = False) -> Path | None:
    """Write a settings file, whole or not at all; return the copy of the previous one, None where there was none.

    One that holds a token from now on is for nobody else to read.
    """
    copy = None
    mode = 0o600  # it holds a token, or paths of a secrets file
    if path.exists():
        mode = path.stat().st_mode & (0o700 if holds_token else 0o777)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        copy = path.with_name(f"{path.name}.before-flotilla-{stamp}")
        if not copy.exists():  # within a second, the older one is what the user had
            shutil.copy2(path, copy)
    paths.write(path, text, mode)
    return copy


def relist(slug: str, wanted: bool) -> Iterator[str]:
    """Add a server to the lists of the clients' entries, or take it out; yield a sentence for each file changed.

    An entry without a list needs neither: its gateway finds out which servers are ready when it starts.
    """
    for client in clients.CLIENTS.values():
        entry = clients.current(client)
        before = clients.listed(entry)
        others = [name for name in before if slug_of(name) != slug]
        if not others or wanted == (others != before):  # no list, or none without it; or it is as wanted
            continue
        new = catalog_name(slug) if others[0] == catalog_name(slug_of(others[0])) else slug
        after = [*others, new] if wanted else others
        args = list(entry["args"])
        args[args.index("--servers") + 1] = ",".join(after)
        path = client.path()
        write(path, merged(path, client.key, {**entry, "args": args}))
        yield f"{client.title} {'lists it now' if wanted else 'lists it no more'}. {client.next_step}"


def main(argv: list[str]) -> int:
    """Connect one client."""
    names = [*clients.CLIENTS, "gordon"]
    parser = argparse.ArgumentParser(prog="scripts/flotilla connect", description=__doc__)
    parser.add_argument("client", choices=names, help="the client to connect: %(choices)s", metavar="CLIENT")
    parser.add_argument(
        "--http",
        action="store_true",
        help="write URL and token of the gateway that `make up` started, not a command that starts one",
    )
    parser.add_argument(
        "--project", metavar="FOLDER", type=Path, help="write the settings file of this project instead of your own"
    )
    parser.add_argument("--file", type=Path, help="write this settings file instead")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, without writing it")
    options = parser.parse_args(argv)
    try:
        slugs = servers.choose()
        kind, run = clients.own_gateway()
    except (gateway.GatewayError, ValueError) as problem:
        return paths.fail(str(problem))
    if options.client == "gordon":  # it takes a profile of the Docker MCP plugin and nothing else
        return register.register(["gordon"], slugs, options.dry_run)
    if not options.dry_run:
        for line in [*(install.missing_images(slugs) if run == "docker" else ()), *install.install()]:
            paths.say(line)
    client = clients.CLIENTS[options.client]
    running = gateway.Running.read()
    if options.http and not running.healthy():
        return paths.fail("The gateway does not run. Start it with `make up`, or leave --http (HTTP=1) out.")
    try:
        http = (running.url, gateway.token()) if options.http else None
        entry = clients.entry(client, slugs, kind, run, http)
    except ValueError as problem:
        return paths.fail(str(problem))
    if options.project and not client.project:
        return paths.fail(f"{client.title} has no settings file for a project. Leave --project out.")
    path = options.file or (options.project / client.project if options.project else client.path())
    try:
        text = merged(path, client.key, entry)
    except (jsonc.JsoncError, UnicodeDecodeError) as problem:
        return paths.fail(f"{path} cannot be understood ({problem}). Correct it and try again; nothing was changed.")
    except OSError as problem:
        return paths.fail(
            f"{path} cannot be read: {problem.strerror}. Correct its permissions, or name another file: --file."
        )
    shown = json.dumps({client.key: {"flotilla": entry}}, ensure_ascii=False, indent=2)
    if options.dry_run:
        paths.say(f"Would write into {paths.short(path)}:\n{shown}")
        return 0
    if path.exists() and paths.read(path) == text:
        paths.say(f"{paths.short(path)} contains this already:\n{shown}")
        return 0
    try:
        copy = write(path, text, holds_token=http is not None)
    except OSError as problem:
        return paths.fail(
            f"{path} cannot be written: {problem.strerror}. Correct its permissions, or name another file: --file."
        )
    paths.say(f"Wrote into {paths.short(path)}:\n{shown}")
    if copy:
        paths.say(f"The previous file is kept as {paths.short(copy)}.")
    paths.say(client.next_step)
    return 0

"""From a checkout to a door that works: images, catalog, one door in the background, one real call through it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import textwrap
import time
from typing import Any

from flotilla_cli import client, clients, install
from flotilla_cli import gateway as door
from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine

FILE, TEXT = "bienvenue à bord.md", "# Bienvenue à bord\n\nLa flottille est prête : reçu, écrit et relu — coût 0 €.\n"
WITHOUT_ENGINE = (
    "Servers: they run as local processes, since there is no engine (above: what that loses, and how to get one)."
)


def build(servers: list[str]) -> bool:
    """Build the images of the servers; False when that failed."""
    started = time.monotonic()
    if subprocess.run([str(place.ROOT / "scripts" / "build"), *servers], check=False).returncode:
        return False
    if (took := time.monotonic() - started) > 5:
        place.say(f"Images: built in {took:.0f} s.")
    return True


async def _try(url: str, token: str) -> tuple[int, str]:
    async with client.over_http(url, token, timeout=120) as session:
        tools = [tool.name for tool in await session.list_tools()]
        if not {"fs_write_file", "fs_read_file"} <= set(tools):
            return len(tools), "listed its tools (not both fs_write_file and fs_read_file, so no file was written)"
        started = time.monotonic()
        wrote = await client.call(session, "fs_write_file", path=FILE, content=TEXT, overwrite=True)
        if "dry_run" in wrote:
            return len(tools), "listed its tools, and called one (a dry run by its settings, so no file was written)"
        read = await client.call(session, "fs_read_file", path=FILE)
    if read["content"] != TEXT:
        raise RuntimeError(f"{FILE} came back as {read['content']!r}")
    took = time.monotonic() - started
    return len(tools), f"wrote “{FILE}” ({len(TEXT.encode())} bytes) and read the same back in {took:.1f} s"


def try_it(running: door.Running) -> str:
    """Make one real call through the door, and count what it lists. Raises door.Problem."""
    try:
        running.tools, said = asyncio.run(_try(running.url, door.token()))
    except Exception as problem:
        raise door.Problem(
            f"The door answers, but a call through it failed: {problem}\n{door.last_words(running)}"
        ) from None
    return said


def open_door(engine: bool, servers: list[str]) -> tuple[door.Running, str]:
    """Find the door that runs and still fits, or start one. Falls back to the switchboard, unless one was asked for."""
    running = door.Running.read()
    kind, run = door.choose(engine, running), "docker" if engine else "process"
    healthy = running.healthy()
    if healthy and running.fingerprint == door.fingerprint(kind, run, servers):
        place.say("Door: running already.")
        return running, try_it(running)
    if running.alive():
        place.say(f"Door: restarting it, since {'something has changed' if healthy else 'it does not answer'}.")
        place.say("Clients that are connected to its URL must connect again: restart the `flotilla` entry in each.")
    door.stop(running, grace=15 if healthy else 2)
    for attempt in dict.fromkeys([kind, "switchboard"] if not os.environ.get("FLOTILLA_DOOR") else [kind]):
        place.say(f"Door: starting {door.NAMES[attempt]} on {', '.join(servers)}.")
        try:
            running = door.start(attempt, run, servers)
            said = try_it(running)
            running.save()
            return running, said
        except door.Problem as problem:
            door.stop(door.Running.read())
            if attempt == "switchboard" or os.environ.get("FLOTILLA_DOOR"):
                raise
            place.say(f"Door: {problem}")
    raise AssertionError("a door was started, or a problem raised")


def paste(servers: list[str], running: door.Running) -> str:
    """Return what goes into the settings of the three clients that most people use."""
    kind = running.kind if running.kind == "gateway" else "switchboard"
    lines = []
    for name in ("claude-desktop", "vscode", "cursor"):
        it = clients.CLIENTS[name]
        http = (running.url, door.token()) if it.http else None
        entry: dict[str, Any] = {it.key: {"flotilla": clients.entry(it, servers, kind, running.run, http)}}
        how = "make connect CLIENT=" + name + (" HTTP=1" if http else "")
        lines += ["", f"{it.title}: `{how}`, or by hand into {place.short(it.path())}:"]
        lines += [json.dumps(entry, ensure_ascii=False, indent=2)]
    return "\n".join(lines)


def count(number: int, what: str) -> str:
    """Return `1 server`, `2 servers`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def report(running: door.Running, tried: str) -> str:
    """Return what the user needs to know of the door."""
    lost = [slug for slug in fleet.registry() if slug not in running.servers]
    files = f"the volume {place.VOLUME}" if running.run == "docker" else place.short(place.data_folder())
    how = f"in containers (Docker {machine.engine()})" if running.run == "docker" else "as local processes"
    rows = [
        ("URL", running.url),
        ("token", f"{door.token()}  (kept in {place.short(place.run_folder() / 'token')})"),
        ("door", f"{door.NAMES[running.kind]}; servers run {how}"),
        ("fleet", f"{count(len(running.servers), 'server')}, {running.tools} tools: {', '.join(running.servers)}"),
        ("tried", tried),
        ("files", files),
    ]
    if lost:
        where = f"{place.short(place.secrets_file())} and {place.short(place.config_file())}"
        told = f"{', '.join(lost)}: these need an account. Fill in {where}, then `make up` again."
        rows += [
            ("" if n else "not yet", line) for n, line in enumerate(textwrap.wrap(told, 100, break_on_hyphens=False))
        ]
    return "Flotilla is up.\n\n" + "\n".join(f"  {name:8}{value}" for name, value in rows)


def main(argv: list[str]) -> int:
    """Do it all, and say what to paste where."""
    argparse.ArgumentParser(prog="scripts/up", description=__doc__).parse_args(argv)
    engine = machine.engine() is not None
    try:
        place.port()
        servers = fleet.choose()
        if not servers:
            raise ValueError("No server is ready to start: FLOTILLA_SERVERS=filesystem,export names some.")
        if unclear := fleet.refused(servers):
            raise ValueError(unclear)
        if engine and not build(servers):
            if os.environ.get("FLOTILLA_DOOR") in ("gateway", "gateway-image"):
                raise ValueError("The images could not be built (see above), and this door needs them.")
            place.say("Images: they could not be built (see above); the servers run as local processes for now.")
            engine = False
        elif not engine:
            place.say(WITHOUT_ENGINE)
        try:
            for line in install.install():
                place.say(line)
        except OSError as problem:
            place.say(f"Catalog: not installed, {problem.filename} cannot be written: {problem.strerror}.")
        with door.alone():
            running, tried = open_door(engine, servers)
    except (door.Problem, ValueError) as problem:
        return place.fail(str(problem))
    place.say("\n" + report(running, tried))
    for title, path, name in clients.stale(servers):
        place.say(f"\n{title} ({place.short(path)}) knows another list of servers: make connect CLIENT={name}")
    if running.kind.startswith("gateway") and machine.dynamic_tools():
        place.say(f"\n{machine.DYNAMIC_TOOLS}")
    place.say(paste(servers, running))
    place.say("\nStop it: `make down`. See it work: `make demo`. Something wrong: `make doctor`.")
    return 0

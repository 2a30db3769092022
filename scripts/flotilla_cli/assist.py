"""Set Flotilla up step by step: what is on this machine, which servers, their accounts, the clients, and one real call.

Every question has an option, and nothing is asked that an option, the environment or the secrets file answers already.
Run again, it asks only for what is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flotilla_cli import (
    accounts,
    add,
    clients,
    connect,
    install,
    paths,
    secrets_file,
    servers,
    system,
    up,
)
from flotilla_cli.accounts import AccountError
from flotilla_launcher.naming import slug_of

PULL = 120  # seconds that the release's image may take to come


def machine() -> str:
    """Return what this machine is, for a person."""
    release = platform.release().lower()
    name = {"Darwin": "macOS", "Windows": "Windows"}.get(platform.system(), platform.system())
    return "Linux in WSL" if "microsoft" in release else name


def engine() -> str:
    """Return which Docker there is, as a sentence."""
    version = system.engine()
    if not version:
        return "No Docker engine answers: the servers run as local processes. (Docker can be added later.)"
    desktop = "Docker Desktop" in (system.docker("info", "--format", "{{.OperatingSystem}}") or "")
    plugin = system.gateway_plugin()
    gateway = f"its MCP plugin {plugin} is the gateway" if plugin else "Flotilla's own gateway is used"
    return f"{'Docker Desktop' if desktop else 'Docker'} {version} answers; {gateway}."


def names_of(text: str) -> list[str]:
    """Return the servers of a list with commas. Raises AccountError."""
    slugs = [slug_of(name.strip()) for name in text.replace(" ", ",").split(",") if name.strip()]
    if slugs == ["all"]:
        return list(servers.registry())
    return [accounts.known(slug).slug for slug in dict.fromkeys(slugs)]


def chosen_servers(options: argparse.Namespace) -> list[str]:
    """Return the servers that are wanted: those of the option, else those that a person names."""
    if options.servers:
        return names_of(options.servers)
    ready = servers.choose()
    if options.yes or not sys.stdin.isatty():
        return ready
    print("\nThe servers (* is ready):")
    width = max(shutil.get_terminal_size().columns - 23, 30)
    for slug, about in servers.registry().items():
        line = textwrap.shorten(about["description"], width, placeholder=" …")
        print(f"  {'*' if slug in ready else ' '} {slug:18}{line}")
    while True:
        answer = input("\nWhich ones? Names with commas, or all. [Enter for those that are ready] ").strip()
        try:
            return names_of(answer) or ready
        except AccountError as problem:
            print(f"Error: {problem}")


def connect_accounts(
    slugs: list[str], options: argparse.Namespace, values: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Connect what is not yet, try each; return those that work. One that does not stops no other."""
    keychain, working = secrets_file.chosen_keychain(options.store), list[str]()
    for slug in slugs:
        server = accounts.known(slug)
        try:
            account = accounts.auth_options(server) != [[]]
            missing = servers.missing(slug, secrets_file.read(), servers.settings())
            replaced: dict[str, str] = {}
            if values.get(slug) or (account and (options.again or missing)):
                paths.say(f"\n{server.integration.title}")
                params = values.get(slug, {})
                replaced = add.connect(server, params, consent=None, again=options.again, keychain=keychain)
            if account and not (options.no_check or keychain):
                paths.say(f"{server.integration.title}: {add.tried(server, replaced)}")
            working.append(slug)
        except (AccountError, OSError, ValueError) as problem:
            paths.say(f"Error: {problem}")
            paths.say(f"{slug} is left out for now. Later: make add S={slug}")
    return working


def get_images(slugs: list[str]) -> bool:
    """Have the images here: pulled where this is a release, else built. False where the servers must be processes."""
    if not system.engine():
        return False
    images = install.missing(slugs)
    if images and not (paths.ROOT / ".git").exists():
        paths.say(f"Images: fetching {', '.join(images)}.")
        images = {slug: image for slug, image in images.items()
                  if system.docker("pull", "--quiet", image, timeout=PULL) is None}  # fmt: skip
    if not images or up.build(list(images)):
        return True
    paths.say(up.NOT_BUILT)
    return False


def clients_here() -> list[str]:
    """Return the clients that this machine has: by their settings file, its folder, or their command."""
    detected = []
    for name, one in clients.CLIENTS.items():
        path = one.path()
        own_folder = path.parent != Path.home() and path.parent.exists()
        if path.exists() or own_folder or (name == "claude-code" and shutil.which("claude")):
            detected.append(name)
    return detected


def chosen_clients(options: argparse.Namespace) -> list[str]:
    """Return the clients to connect. Raises AccountError for one that is not known.

    Whether one is to be connected that is already, is not asked again.
    """
    detected = clients_here()
    if options.clients is not None:
        names = [name.strip() for name in options.clients.split(",") if name.strip() not in ("", "none")]
        if unknown := [name for name in names if name not in (*clients.CLIENTS, "found")]:
            raise AccountError(f"{unknown[0]!r} is not a client. The clients are {', '.join(clients.CLIENTS)}.")
        return list(dict.fromkeys(one for name in names for one in (detected if name == "found" else [name])))
    if options.yes or not sys.stdin.isatty():
        return detected
    return [
        name
        for name in detected
        if clients.current(clients.CLIENTS[name])
        or input(f"Connect {clients.CLIENTS[name].title}? [Y/n] ").strip().lower() in ("", "y", "yes")
    ]


def call_as(title: str, entry: Mapping[str, Any], trials: Sequence[str]) -> str:
    """Start what stands in a client's entry, as the client does, and call the first of the trial tools that it gets.

    Return what happened, as a sentence.
    Raises AccountError with the end of the gateway's log.
    """
    command = [entry["command"], *entry["args"]]

    async def called(log: Path) -> str:
        from flotilla_cli import client  # imports FastMCP

        session = client.over_stdio(command, {**os.environ, **entry.get("env", {})}, log, timeout=120)
        async with session:
            tools = await client.tool_names(session)
            if tool := next((tool for tool in trials if tool in tools), None):
                await client.call(session, tool)
                return f"{title} gets {len(tools)} tools, and the first call was answered ({tool})."
            return f"{title} gets {len(tools)} tools. None of them could be tried without an argument."

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        try:
            return asyncio.run(called(log))
        except Exception as problem:  # whatever it is, it is shown
            ending = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            raise AccountError(
                f"{title} gets no answer: {ending[-1] if ending else problem}. `make doctor` checks this machine."
            ) from None


@contextmanager
def timed(steps: list[str], name: str) -> Iterator[None]:
    """Note how long a step took."""
    began = time.monotonic()
    yield
    steps.append(f"{name} {time.monotonic() - began:.0f} s")


def main(argv: list[str]) -> int:
    """Do it all; each step says what it does."""
    parser = argparse.ArgumentParser(prog="scripts/install", description=__doc__)
    parser.add_argument("--servers", metavar="NAMES", help="servers, comma-separated, or all (default: you are asked)")
    parser.add_argument(
        "--set",
        metavar="SERVER.NAME=VALUE",
        action="append",
        default=[],
        help="a value of a server; =@FILE reads a file",
    )
    parser.add_argument(
        "--clients",
        metavar="NAMES",
        help=f"clients to connect: {', '.join(clients.CLIENTS)}; found for those here; none",
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing: what is ready, and the clients that are here")
    add.add_options(parser)
    options = parser.parse_args(argv)
    steps: list[str] = []
    try:
        values: dict[str, dict[str, str]] = {}
        for name, value in add.values_of(options.set).items():
            slug, _, field = name.rpartition(".")
            values.setdefault(accounts.known(slug).slug if slug else "", {})[field] = value
        if "" in values:
            raise AccountError("--set takes server.name=value here. Write --set gmail.client_id=…, for example.")
        paths.say(f"This machine: {machine()}. {engine()}")
        chosen = chosen_servers(options)
        if idle := [slug for slug in values if slug not in chosen]:
            raise AccountError(f"--set names {idle[0]}, which is not among the servers. Add it to --servers.")
        names = chosen_clients(options) if options.clients is not None else []  # refuses a wrong name before anything
        for line in install.install():
            paths.say(line)
        with timed(steps, "accounts"):
            working = connect_accounts(chosen, options, values)
        if not working:
            raise AccountError("No server is ready. Name one that needs no account: --servers filesystem,export")
        os.environ.pop("FLOTILLA_SERVERS", None)
        if set(servers.choose()) != set(
            working
        ):  # else clients get what is ready when they start it, added later or not
            os.environ["FLOTILLA_SERVERS"] = ",".join(working)
        if unclear := servers.refused(working):
            raise AccountError(unclear)
        with timed(steps, "images"):
            if not get_images(working):
                os.environ["FLOTILLA_ENGINE"] = "none"
        names = names if options.clients is not None else chosen_clients(options)
        with timed(steps, "clients"):
            connected = [name for name in names if connect.main([name]) == 0]
        with timed(steps, "call"):
            first = clients.CLIENTS[connected[0]] if connected else None
            entry = clients.current(first) if first else clients.command(working, *clients.own_gateway())
            untried = options.no_check and [slug for slug in working if servers.needs(slug) != [[]]]
            trials = [accounts.trial_tool(slug) for slug in working if slug not in (untried or ())]
            paths.say(f"\n{call_as(first.title if first else 'A client', entry, trials)}")
    except AccountError as problem:
        return paths.fail(str(problem))
    except (OSError, ValueError, RuntimeError) as problem:
        return paths.fail(f"{problem}. `make doctor` checks this machine.")
    except (KeyboardInterrupt, EOFError):
        return paths.fail("Interrupted. What was said to be done is; run it again for the rest.", new_line=True)
    if not connected:
        paths.say("\nNo client was connected. Later: make connect CLIENT=claude-desktop")
    left = [slug for slug in chosen if slug not in working]
    paths.say(f"\nDone: {len(working)} of {len(chosen)} servers." + (f" Not yet: {', '.join(left)}." if left else ""))
    paths.say(f"Time: {', '.join(steps)}.")
    paths.say("More servers: make add S=…; what is wrong: make doctor.")
    return 0

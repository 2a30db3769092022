"""Servers of your own behind the switchboard: add one by URL, command or image, look at its tools, log in, remove it.

  scripts/flotilla servers add crm --url https://crm.example/mcp --token
  scripts/flotilla servers add files --command npx -y @modelcontextprotocol/server-filesystem ~/Documents
  scripts/flotilla servers look crm            # what it offers; nothing of it is listed before you have accepted it
  scripts/flotilla servers connect crm         # log in with OAuth, in a browser

A switchboard that runs takes it up within a second.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flotilla_cli import paths
from flotilla_cli.servers import registry
from flotilla_launcher.protocol import LISTS
from flotilla_launcher.text import visible
from flotilla_servers.switchboard import options as switchboard_options
from flotilla_servers.switchboard import own_servers, settings_file
from flotilla_servers.switchboard.backend import BrokenResultError, ConnectionLostError, NotStartedError
from flotilla_servers.switchboard.commands import Commands
from flotilla_servers.switchboard.database import Database
from flotilla_servers.switchboard.discovery import DiscoveryError
from flotilla_servers.switchboard.jsonrpc import RpcError
from flotilla_servers.switchboard.own_backends import backend_of, refresh
from flotilla_servers.switchboard.own_servers import OwnServer, Secrets
from flotilla_servers.switchboard.permissions import Permissions, digest
from flotilla_servers.switchboard.settings_file import SettingsError

WORDS = {"reads": "reads", "writes": "writes", "destroys": "may destroy"}
LONGEST = 300  # characters of a description that are printed
FAILURES = (
    NotStartedError,
    ConnectionLostError,
    BrokenResultError,
    RpcError,
    DiscoveryError,
    SettingsError,
    OSError,
    ValueError,
)


class Place:
    """The settings file, the state folder and the fleet that the switchboard of this machine uses."""

    def __init__(self, options: argparse.Namespace) -> None:
        argv = ["--state", str(options.state or paths.state_folder())]
        self.options = switchboard_options.arguments(
            [*argv, *(["--settings", options.settings] if options.settings else [])]
        )
        self.state, self.fleet = Path(self.options.state), Path(self.options.discovery)
        self.settings = settings_file.of(self.options)
        self.settings.load()
        self.permissions = Permissions(Database(self.state), self.settings)
        self.known = self.permissions.version  # asking for it reads the decisions

    def servers(self) -> dict[str, OwnServer]:
        return own_servers.declared(self.settings.current().servers, registry())

    def server(self, name: str) -> OwnServer:
        servers = self.servers()
        if name not in servers:
            raise SettingsError(f"No server {name} is declared. There are {', '.join(servers) or 'none'}.")
        return servers[name]


def main(argv: list[str]) -> int:
    """List, add, remove, look at, connect or read the lists of own servers; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        place = Place(options)
        return int(ACTIONS[options.action](place, options) or 0)
    except FAILURES as error:
        return paths.fail(_sentence(error))
    except (KeyboardInterrupt, EOFError):
        return paths.fail("Interrupted. Nothing more was changed.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/flotilla servers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, help="the switchboard's state folder")
    parser.add_argument("--settings", help="the switchboard's settings file")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    actions.add_parser("list", help="list them (the default)")
    add = actions.add_parser("add", help="add one, or change it")
    add.add_argument("name", help="small letters, digits and -")
    where = add.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", default="", help="its address, https://…")
    where.add_argument("--image", default="", help="an image that has been pulled")
    where.add_argument("--command", nargs=argparse.REMAINDER, default=[], help="a program; the last option")
    add.add_argument("--transport", choices=own_servers.TRANSPORTS, default="", help="of a URL (default: auto)")
    add.add_argument("--token", action="store_true", help="it wants a token: typed hidden, or read from stdin")
    add.add_argument("--oauth", action="store_true", help="it wants a login: `connect` logs in")
    add.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="{token} is the token")
    add.add_argument("--local", action="store_true", help="its address is of this machine or network, or not https")
    add.add_argument("--arg", action="append", default=[], help="an argument of the image")
    add.add_argument("--volume", action="append", default=[], help="of the image: folder:/folder, read-only")
    add.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable")
    add.add_argument("--secret", action="append", default=[], metavar="NAME", help="a secret variable: typed hidden")
    add.add_argument("--title", default="", help="what people call it")
    for name, text in (("remove", "remove it, its secrets and decisions"), ("refresh", "read what it offers again")):
        actions.add_parser(name, help=text).add_argument("name")
    look = actions.add_parser("look", help="show what it offers, and accept it")
    look.add_argument("name")
    look.add_argument("--yes", action="store_true", help="accept it without a question")
    connect = actions.add_parser("connect", help="log in with OAuth, in a browser")
    connect.add_argument("name")
    connect.add_argument("--client-id", default="", help="of an OAuth client that is registered already")
    return parser


def _list(place: Place, _: argparse.Namespace) -> None:
    servers = place.servers()
    for server in servers.values():
        try:
            tools = own_servers.tools_of(place.state, server)
            new = [tool for tool in tools if place.permissions.row(server.name, tool["name"]) is None]
            state = f"{len(tools)} tools" + (f", {len(new)} not looked at" if new else "")
        except DiscoveryError:
            state = f"never read (scripts/flotilla servers refresh {server.name})"
        paths.say(f"{server.name:20} {visible(server.about(), name=True)}  {state}")
    if not servers:
        paths.say("There are none. `scripts/flotilla servers add --help` shows how to add one.")


def _add(place: Place, options: argparse.Namespace) -> int:
    value = {
        "url": options.url,
        "image": options.image,
        "command": options.command,
        "transport": options.transport,
        "auth": "oauth" if options.oauth else "token" if options.token else "",
        "headers": paths.pairs("--header", options.header),
        "local": options.local,
        "args": options.arg,
        "volumes": options.volume,
        "env": paths.pairs("--env", options.env),
        "title": options.title,
    }
    own_servers.parsed(options.name, {key: item for key, item in value.items() if item}, registry())
    secrets = Secrets(
        _typed(f"Token of {options.name}") if options.token else "",
        {name: _typed(f"{name} of {options.name}") for name in options.secret},
    )
    before = place.settings.current().servers.get(options.name)
    server = own_servers.add(place.settings, place.state, options.name, value, secrets, registry())
    if before is not None and place.settings.current().servers[options.name] != before:
        place.permissions.forget(options.name)  # it may be another server now
    if server.auth == "oauth":
        paths.say(f"{options.name} is added. Log in now: scripts/flotilla servers connect {options.name}")
        return 0
    return _read(place, server)


def _read(place: Place, server: OwnServer) -> int:
    paths.say(f"Reading what {server.name} offers …")
    asyncio.run(_refreshed(place, server))
    _show(place, server)
    paths.say(f"Nothing of it is listed before it is accepted: scripts/flotilla servers look {server.name}")
    return 0


async def _refreshed(place: Place, server: OwnServer) -> bool:
    options = place.options
    backend = backend_of(server, place.state, Commands(options), 0, options.start_timeout)
    try:
        await backend.forget()  # it may have been updated
        return await refresh(backend, place.fleet)
    finally:
        await backend.close()


def _remove(place: Place, options: argparse.Namespace) -> None:
    own_servers.remove(place.settings, place.state, options.name)
    place.permissions.forget(options.name)
    paths.say(f"{options.name} is removed, with its secrets.")


def _refresh(place: Place, options: argparse.Namespace) -> None:
    changed = asyncio.run(_refreshed(place, place.server(options.name)))
    paths.say(f"{options.name} offers {'something else than' if changed else 'the same as'} before.")


def _look(place: Place, options: argparse.Namespace) -> int:
    server = place.server(options.name)
    tools = _show(place, server)
    known = [place.permissions.row(server.name, tool["name"]) for tool in tools]
    if tools and all(row and row.hash == digest(tool) for row, tool in zip(known, tools, strict=True)):
        paths.say("You have accepted all of it.")
        return 0
    if not options.yes:
        if not sys.stdin.isatty():
            return paths.fail("Not accepted: there is nobody to ask. Run it in a terminal, or with --yes.")
        if input("Offer these tools to clients? [y/N] ").strip().lower() not in ("y", "yes", "o", "oui"):
            paths.say("Not accepted; nothing of it is listed.")
            return 0
    own_servers.accept(place.permissions, place.state, server, getpass.getuser())
    paths.say(f"Accepted. What {server.name} offers is listed now; a definition that changes is asked about again.")
    return 0


def _connect(place: Place, options: argparse.Namespace) -> int:
    from flotilla_servers.switchboard.browser_login import LoginError, log_in

    server = place.server(options.name)
    if server.auth != "oauth":
        return paths.fail(f"{options.name} is not declared with a login. Add it again with --oauth.")
    secret = _typed("client_secret (empty for none)") if options.client_id and sys.stdin.isatty() else ""
    show = "Your browser opens this address; open it yourself if it does not:\n{}".format
    try:
        asyncio.run(log_in(server, place.state, lambda url: paths.say(show(url)), options.client_id, secret))
    except LoginError as error:
        return paths.fail(f"{error} Start again.")
    paths.say(f"Logged in to {options.name}.")
    return _read(place, server)


ACTIONS: dict[str, Callable[[Place, argparse.Namespace], int | None]] = {
    "list": _list,
    "add": _add,
    "remove": _remove,
    "refresh": _refresh,
    "look": _look,
    "connect": _connect,
}


def _show(place: Place, server: OwnServer) -> list[dict[str, Any]]:
    """Print what clients would see of a server; return its tools."""
    document = own_servers.saved(place.state, server)
    offer = own_servers.offer_of(place.state, server, lambda kind, name: False)
    paths.say(f"{server.name}: {visible(server.about(), name=True)}, MCP {document['own'].get('version', '')}")
    for tool in offer.definitions["tools"]:
        arguments = ", ".join(_arguments(tool["inputSchema"]))
        does = WORDS[own_servers.effect_of(tool)]
        changed = _changed(place.permissions, server.name, tool)
        paths.say(f"\n  {tool['name']}({arguments})  [{does}]{changed}\n{_indented(tool.get('description') or '')}")
    for kind in LISTS:
        if kind != "tools" and (items := offer.definitions[kind]):
            paths.say(f"\n  {kind}: {', '.join(item['name'] for item in items)}")
    for title, key in (("Repaired", "repaired"), ("Left out", "refused")):
        if notes := document["own"][key]:
            paths.say(f"\n  {title}:\n" + "\n".join(f"    {note}" for note in notes))
    paths.say()
    return offer.definitions["tools"]


def _changed(permissions: Permissions, server: str, tool: Mapping[str, Any]) -> str:
    row = permissions.row(server, tool["name"])
    return "  new" if row is None else "" if row.hash == digest(tool) else "  changed since you accepted it"


def _arguments(schema: Mapping[str, Any]) -> list[str]:
    required = schema.get("required") or []
    return [name if name in required else f"[{name}]" for name in schema.get("properties") or {}]


def _indented(text: str) -> str:
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return "\n".join(f"    {line}" for line in text.splitlines())


def _typed(label: str) -> str:
    """Return a secret: typed hidden, or a line of stdin."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{label}: ").strip()
    line = sys.stdin.readline().strip()
    if not line:
        raise SettingsError(f"{label}: nothing stands on stdin. Write it there, a line for each secret.")
    return line


def _sentence(error: BaseException) -> str:
    text = str(error) if not isinstance(error, OSError) else f"{error.filename or ''} {error.strerror or error}".strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."

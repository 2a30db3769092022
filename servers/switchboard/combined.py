"""What the launcher answers for the switchboard, before FastMCP is imported: the definitions of all its servers.

`list_cache` keeps what is made here.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import own_tools, settings_file
from .catalog import Entry, own_variables
from .database import Database
from .discovery import definitions, discovery_if_any, discovery_paths, title
from .last_calls import LastCalls
from .options import remotes
from .permissions import Permissions
from .selection import fleet, selected_of
from .settings_file import Settings
from .tool_search import definitions as search_definitions
from .tool_search import is_on

QUIET = 1.0  # seconds without a message after which the switchboard starts: to start servers, and to tell of changes
KEYS = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}


@dataclass(frozen=True)
class Combined:
    """Every server's definitions by kind, with the seconds of `idle`; and what decides them beside the command line.

    That is `variables`, beside those that begin with FLOTILLA_, the files `paths`, and the decisions in the folder
    `state`. No paths: dates count too, so that nobody may keep the definitions.
    """

    discovery: dict[str, Any]
    variables: list[str]
    paths: list[str]
    state: str


def combined_discovery(options: Namespace) -> Combined | None:
    """Return every server's definitions.

    None where the launcher must not answer: over HTTP, for tenants, and where two servers offer one name. Raises what
    reading the files raises: the switchboard itself then reports what is wrong.
    """
    if options.transport != "stdio" or options.tenants:
        return None
    plain = options.plain == "on"
    file = settings_file.of(options)
    settings, permissions = file.load(), Permissions(Database(Path(options.state)), file)
    lists: dict[str, list[dict[str, Any]]] = {}
    known = fleet(options)
    entries = selected_of(known, options)
    taken: set[tuple[str, str]] = set()
    for entry in entries:
        for kind, items in definitions(entry, Path(options.discovery)).items():
            taken |= {(kind, item[KEYS[kind]]) for item in items}
            seen = items if plain else permissions.seen(entry.slug, kind, items)
            lists.setdefault(kind, []).extend(seen)
    if any(len({item[KEYS[kind]] for item in items}) < len(items) for kind, items in lists.items()):
        return None
    titles = [title(entry) for entry in entries]
    if settings.servers and not plain:
        from .own_servers import offers_of  # not at the top: most people have none

        for server, offer in offers_of(settings.servers, Path(options.state), (e.slug for e in entries), taken):
            titles.append(server.title or server.name)
            for kind, items in offer.definitions.items():
                lists.setdefault(kind, []).extend(permissions.seen(server.name, kind, items, foreign=True))
    own_definitions = [] if plain else own_tools.definitions(settings)
    if is_on(settings.search.mode, len(lists.get("tools", ()))):
        lists["tools"] = search_definitions(titles)
    lists["tools"] = [*lists.get("tools", ()), *own_definitions]
    lately = LastCalls(Path(options.state)).since(options.warm_days)
    discovery = {**lists, "idle": 0 if plain and not lately else QUIET}
    paths = [] if plain else [str(path) for path in _paths(options, list(known.values()), settings)]
    return Combined(discovery, _variables(options, list(known.values())), paths, options.state)


def _variables(options: Namespace, entries: list[Entry]) -> list[str]:
    names = {name for entry in entries for name in own_variables(entry.slug)}
    if remotes(options):  # of which the environment decides whether they are ready
        needs = (discovery_if_any(entry, Path(options.discovery)).get("needs") or () for entry in entries)
        names |= {name for options in needs for option in options for name in option}
    return sorted(names | {f"{name}_FILE" for name in names})


def _paths(options: Namespace, entries: list[Entry], settings: Settings) -> Iterator[Path]:
    """Yield the files that decide the definitions, whether they are there or not."""
    yield from (Path(path) for path in (options.catalog, options.settings, options.secrets, options.config) if path)
    for entry in entries:
        yield from discovery_paths(entry.slug, Path(options.discovery))
        yield from (Path(value) for name, value in entry.env.items() if name.endswith("_FILE"))
    for name in settings.servers:
        yield from discovery_paths(name, Path(options.state) / "switchboard" / "servers")

"""What the launcher answers for the switchboard, before FastMCP is imported: the definitions of all its servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import own_tools, settings_file
from .database import Database
from .discovery import definitions, title
from .last_calls import LastCalls
from .options import arguments
from .permissions import Permissions
from .selection import selected
from .tool_search import definitions as search_definitions
from .tool_search import is_on

QUIET = 1.0  # seconds without a message after which the switchboard starts: to start servers, and to tell of changes
KEYS = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}


def combined_discovery(own: dict[str, Any], argv: list[str]) -> dict[str, Any] | None:
    """Return `own`, the switchboard's discovery file, with every server's definitions.

    None where the launcher must not answer: over HTTP, for tenants, and where two servers offer one name. Raises what
    reading the files raises: the switchboard itself then reports what is wrong.
    """
    options = arguments(argv)
    if options.transport != "stdio" or options.tenants:
        return None
    plain = options.plain == "on"
    file = settings_file.of(options)
    settings, permissions = file.load(), Permissions(Database(Path(options.state)), file)
    lists: dict[str, list[dict[str, Any]]] = {}
    entries = selected(options)
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
    shown = {kind: {item["name"]: {"tier": "core"} for item in lists.get(kind, ())} for kind in ("tools", "prompts")}
    lately = LastCalls(Path(options.state)).since(options.warm_days)
    return {**own, **lists, "attributes": shown, "idle": 0 if plain and not lately else QUIET}

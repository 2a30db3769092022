"""What the launcher answers for the door, before FastMCP is imported: what the servers behind it would list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .catalog import chosen, definitions
from .options import arguments

KEYS = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}


def offered(own: dict[str, Any], argv: list[str]) -> dict[str, Any] | None:
    """Return `own`, the door's baked answers, with every server's definitions; None where the launcher must not answer.

    Raises what reading the files raises: the door itself then says what is wrong.
    """
    options = arguments(argv)
    if options.transport != "stdio":
        return None
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in chosen(options):
        for kind, items in definitions(entry, Path(options.discovery)).items():
            found.setdefault(kind, []).extend(items)
    if any(len({item[KEYS[kind]] for item in items}) < len(items) for kind, items in found.items()):
        return None  # a name of two servers: the door itself refuses it, in words
    shown = {kind: {item["name"]: {"tier": "core"} for item in found.get(kind, ())} for kind in ("tools", "prompts")}
    return {**own, **found, "attributes": shown}

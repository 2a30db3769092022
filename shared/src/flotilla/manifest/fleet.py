"""The servers of a checkout: their Server objects, and what each answers to discovery when it really runs."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flotilla import Server
from flotilla.settings import guards

from .answers import answers
from .documents import variable

ROOT = Path(__file__).resolve().parents[4]


def slugs(root: Path = ROOT) -> list[str]:
    """Return the slugs of all server folders, in order."""
    return sorted(path.parent.name for path in root.glob("servers/*/server.py"))


def server_of(slug: str) -> Server[Any]:
    """Import a server."""
    server: Server[Any] = importlib.import_module(f"flotilla_servers.{slug.replace('-', '_')}.server").server
    return server


def discovery(slug: str) -> dict[str, Any]:
    """Return a server's answers, with the attributes that the filters decide by and what it needs to work."""
    found = answers([sys.executable, "-m", "flotilla.boot", slug])
    server = server_of(slug)
    attributes = {
        kind: {item["name"]: server.attributes[item["name"]] for item in found[kind]} for kind in ("tools", "prompts")
    }
    return {"format": found.pop("format"), "server": slug, **found, "attributes": attributes, **protected(server)}


def protected(server: Server[Any]) -> dict[str, Any]:
    """Return what must be set before calls can work, and which variables guard: both are looked at before a start."""
    return {"needs": needs(server), "guards": guards(server.settings_class, server.slug, server.files)}


def needs(server: Server[Any]) -> list[list[str]]:
    """Return the variables that must be set before calls can work, a list for each way in."""
    return [[variable(server, name) for name in way] for way in server.settings_class.required()]


def door(slug: str) -> dict[str, Any]:
    """Return what a door answers with nothing behind it: its own part of the discovery."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as catalog:
        catalog.write('{"registry": {}}')
        catalog.flush()
        found = answers([sys.executable, "-m", "flotilla.boot", slug, "--catalog", catalog.name])
    return {"format": found.pop("format"), "server": slug, "door": True, **found, "attributes": {}}


def discoveries(names: list[str]) -> dict[str, dict[str, Any]]:
    """Ask several servers, as many at a time as there are cores."""
    for name in names:
        server_of(name)  # imported here, one by one: threads importing the same package stumble over each other
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(discovery, names), strict=True))

"""The servers of a checkout: their Server objects, and what each answers to discovery when it really runs."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from flotilla import Server
from flotilla.settings import guards

from .answers import answers, converse, environment
from .documents import variable

ROOT = Path(__file__).resolve().parents[4]


def slugs(root: Path = ROOT) -> list[str]:
    """Return the slugs of all server folders, in order."""
    return sorted(path.parent.name for path in root.glob("servers/*/server.py"))


def server_of(slug: str) -> Server[Any]:
    """Import a server."""
    server: Server[Any] = importlib.import_module(f"flotilla_servers.{slug.replace('-', '_')}.server").server
    return server


def discoveries(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the servers' answers, with the attributes that the filters decide by and what each needs to work."""
    command = [sys.executable, "-m", "flotilla.manifest.inside", *names]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, check=True)
    return {slug: _described(slug, found) for slug, found in json.loads(done.stdout).items()}


def _described(slug: str, found: dict[str, Any]) -> dict[str, Any]:
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
        command = [sys.executable, "-m", "flotilla.boot", slug, "--catalog", catalog.name]
        found = answers(lambda messages: converse(command, messages))
    return {"format": found.pop("format"), "server": slug, "door": True, **found, "attributes": {}}

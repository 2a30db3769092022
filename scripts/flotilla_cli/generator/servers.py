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
from flotilla_cli.generator.discovery import answers, converse, environment
from flotilla_cli.generator.documents import variable
from flotilla_launcher.naming import module_of

ROOT = Path(__file__).resolve().parents[3]


def slugs(root: Path = ROOT) -> list[str]:
    """Return the slugs of all server folders, in order."""
    return sorted(path.parent.name.replace("_", "-") for path in root.glob("servers/*/server.py"))


def folder_of(slug: str, root: Path = ROOT) -> Path:
    """Return the folder of a server."""
    return root / "servers" / module_of(slug)


def server_of(slug: str) -> Server[Any]:
    """Import a server."""
    server: Server[Any] = importlib.import_module(f"flotilla_servers.{module_of(slug)}.server").server
    return server


def discoveries(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the servers' answers, with the attributes that the filters decide by and what each needs to work."""
    command = [sys.executable, str(ROOT / "scripts" / "flotilla_cli"), "generator.collect", *names]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, check=True)
    return {slug: _described(slug, found) for slug, found in json.loads(done.stdout).items()}


def _described(slug: str, found: dict[str, Any]) -> dict[str, Any]:
    server = server_of(slug)
    attributes = {
        kind: {item["name"]: server.attributes[item["name"]] for item in found[kind]} for kind in ("tools", "prompts")
    }
    described = {"format": found.pop("format"), "server": slug, **found, "attributes": attributes, **protected(server)}
    words = {name: " ".join((text, *examples)).strip() for name, (text, examples) in server.search.items()}
    if search := {name: text for name, text in words.items() if text}:
        described["search"] = search
    return described


def protected(server: Server[Any]) -> dict[str, Any]:
    """Return what must be set before calls can work, and which variables guard: both are looked at before a start."""
    return {
        "needs": needs(server),
        "guards": guards(server.integration.settings_class, server.slug, server.integration.files),
    }


def needs(server: Server[Any]) -> list[list[str]]:
    """Return the variables that must be set before calls can work, a list for each way in."""
    return [[variable(server, name) for name in way] for way in server.integration.settings_class.required()]


def gateway(slug: str) -> dict[str, Any]:
    """Return what a gateway answers with no server behind it: its own part of the discovery."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as catalog:
        catalog.write('{"registry": {}}')
        catalog.flush()
        command = [sys.executable, "-m", "flotilla_launcher.__main__", slug, "--catalog", catalog.name]
        found = answers(lambda messages: converse(command, messages))
    return {"format": found.pop("format"), "server": slug, "gateway": True, **found, "attributes": {}}

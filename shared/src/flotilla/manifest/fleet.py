"""The servers of a checkout: their Server objects, and what each answers to discovery when it really runs."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flotilla import Server

ROOT = Path(__file__).resolve().parents[4]
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
LISTS = {
    "tools": "tools/list",
    "prompts": "prompts/list",
    "resources": "resources/list",
    "resourceTemplates": "resources/templates/list",
}
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "flotilla-generate", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
FORMAT = 1


def slugs(root: Path = ROOT) -> list[str]:
    """Return the slugs of all server folders, in order."""
    return sorted(path.parent.name for path in root.glob("servers/*/server.py"))


def server_of(slug: str) -> Server[Any]:
    """Import a server."""
    server: Server[Any] = importlib.import_module(f"flotilla_servers.{slug.replace('-', '_')}.server").server
    return server


def converse(slug: str, messages: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Start a server as its users do, over stdio with an empty environment; return the results by request id."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "flotilla.boot", slug],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environ, "FLOTILLA_TIER": "all", "FLOTILLA_BAKED": "off"},
    )
    assert process.stdin and process.stdout and process.stderr
    answers: dict[int, dict[str, Any]] = {}
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        if "id" in message:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{slug} ended without an answer: {process.stderr.read().decode()[-2000:]}")
            answer = json.loads(line)
            if "result" not in answer:
                raise RuntimeError(f"{slug} answered {answer}")
            answers[answer["id"]] = answer["result"]
    process.stdin.close()
    process.wait(10)
    return answers


def discovery(slug: str) -> dict[str, Any]:
    """Return what the running server answers to discovery, in both protocol eras, with the attributes to filter by."""
    hello = {
        "protocolVersion": VERSIONS[-1],
        "capabilities": {},
        "clientInfo": {"name": "flotilla-generate", "version": "1"},
    }
    old = converse(
        slug,
        [
            {"id": 0, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            *({"id": n, "method": method, "params": {}} for n, method in enumerate(LISTS.values(), 1)),
        ],
    )
    new = converse(
        slug,
        [
            {"id": 0, "method": "server/discover", "params": {"_meta": META}},
            *({"id": n, "method": m, "params": {"_meta": META}} for n, m in enumerate(LISTS.values(), 1)),
        ],
    )
    lists = {key: old[n][key] for n, key in enumerate(LISTS, 1)}
    modern: dict[str, Any] = {}
    for n, key in enumerate(LISTS, 1):
        modern[key] = {k: v for k, v in new[n].items() if k != key}
        if new[n][key] != lists[key]:
            raise RuntimeError(f"{slug}: {key} differ between the protocol eras, so one file cannot hold both")
    server = server_of(slug)
    named = {kind: [item["name"] for item in lists[kind]] for kind in ("tools", "prompts")}
    return {
        "format": FORMAT,
        "server": slug,
        "version": old[0]["serverInfo"]["version"],
        "initialize": old[0],
        "discover": new[0],
        "modern": modern,
        "attributes": {kind: {name: server.attributes[name] for name in names} for kind, names in named.items()},
        **lists,
    }


def discoveries(names: list[str]) -> dict[str, dict[str, Any]]:
    """Ask several servers, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(discovery, names), strict=True))

"""The MCP clients that `make connect` knows: where each keeps its servers, and in which form."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flotilla_cli import gateway as door
from flotilla_cli import jsonc
from flotilla_cli import paths as place
from flotilla_cli import system as machine


@dataclass(frozen=True)
class Client:
    """One client. `http` makes its form of a URL with a token; None when it takes commands only."""

    title: str
    path: Callable[[], Path]
    key: str
    stdio: Callable[[dict[str, Any]], dict[str, Any]]
    http: Callable[[str, str], dict[str, Any]] | None
    then: str
    project: str = ""  # where the file is in a project's folder


def _support(*parts: str) -> Path:
    """Return a program's settings folder: Application Support, AppData or ~/.config."""
    if sys.platform == "darwin":
        return Path.home().joinpath("Library", "Application Support", *parts)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming").joinpath(*parts)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config").joinpath(*parts)


def _plain(command: dict[str, Any]) -> dict[str, Any]:
    return command


def _typed(command: dict[str, Any]) -> dict[str, Any]:
    return {"type": "stdio", **command}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


CLIENTS = {
    "claude-desktop": Client(
        "Claude Desktop",
        lambda: _support("Claude", "claude_desktop_config.json"),
        "mcpServers",
        _plain,
        None,  # its settings file takes commands only
        "Quit Claude Desktop and start it again.",
    ),
    "claude-code": Client(
        "Claude Code",
        lambda: Path.home() / ".claude.json",
        "mcpServers",
        _typed,
        lambda url, token: {"type": "http", "url": url, "headers": _bearer(token)},
        "Start a new session; /mcp shows the server.",
        project=".mcp.json",
    ),
    "cursor": Client(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        "mcpServers",
        _plain,
        lambda url, token: {"url": url, "headers": _bearer(token)},
        "Cursor Settings > MCP shows the server.",
        project=".cursor/mcp.json",
    ),
    "gemini": Client(
        "Gemini CLI",
        lambda: Path.home() / ".gemini" / "settings.json",
        "mcpServers",
        _plain,
        lambda url, token: {"httpUrl": url, "headers": _bearer(token)},
        "Start it again; /mcp shows the server.",
        project=".gemini/settings.json",
    ),
    "vscode": Client(
        "VS Code",
        lambda: _support("Code", "User", "mcp.json"),
        "servers",
        _typed,
        lambda url, token: {"type": "http", "url": url, "headers": _bearer(token)},
        "Run `MCP: List Servers` from the command palette and start flotilla.",
        project=".vscode/mcp.json",
    ),
    "windsurf": Client(
        "Windsurf",
        lambda: Path.home() / ".codeium" / "windsurf" / "mcp_config.json",
        "mcpServers",
        _plain,
        lambda url, token: {"serverUrl": url, "headers": _bearer(token)},
        "Refresh the MCP servers in Windsurf's settings.",
    ),
}


def command(servers: list[str], kind: str, run: str) -> dict[str, Any]:
    """Return the command with which a client starts a door of its own over stdio.

    With whole paths, and a PATH for the docker commands that either door runs: programs that are started from a desktop
    do not have the terminal's. The switchboard finds out itself which servers are ready, each time it starts, unless
    FLOTILLA_SERVERS names some; Docker's gateway takes a list, which `stale` compares.
    """
    asked = servers if os.environ.get("FLOTILLA_SERVERS") else []
    line = door.gateway_command(servers) if kind == "gateway" else door.switchboard_command(asked, run)
    line += door.files(place.secrets_file(), place.config_file())
    entry: dict[str, Any] = {"command": line[0], "args": line[1:]}
    kept = {name: os.environ[name] for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if os.environ.get(name)}
    if run == "docker":
        if shutil.which("docker"):
            kept["PATH"] = os.pathsep.join(dict.fromkeys([str(Path(shutil.which("docker") or "").parent), *_system()]))
        if kept:
            entry["env"] = kept
    return entry


def _system() -> list[str]:
    return ["/usr/local/bin", "/usr/bin", "/bin"]


def entry(client: Client, servers: list[str], kind: str, run: str, http: tuple[str, str] | None) -> dict[str, Any]:
    """Return what a client's file holds for Flotilla: over HTTP to the running door, else a command."""
    if http:
        if client.http is None:
            raise ValueError(f"{client.title}'s settings file takes commands only, no URL: leave HTTP=1 away.")
        return client.http(*http)
    return client.stdio(command(servers, kind, run))


def stale(servers: list[str]) -> Iterator[tuple[str, Path, str]]:
    """Yield title, file and name of each client that knows a list of servers, and another one than these."""
    for name, client in CLIENTS.items():
        path = client.path()
        try:
            held = jsonc.loads(path.read_text(encoding="utf-8"))[client.key]["flotilla"]
            args = [str(arg) for arg in held.get("args") or ()]
            listed = args[args.index("--servers") + 1]
        except (OSError, ValueError, LookupError, TypeError, AttributeError, jsonc.Broken):
            continue  # not connected, not to be read, or without a list
        if listed.split(",") != servers:
            yield client.title, path, name


def road() -> tuple[str, str]:
    """Return the kind of door and how its servers run for a client that starts its own."""
    engine = machine.engine() is not None
    asked = os.environ.get("FLOTILLA_DOOR", "")
    if engine and asked in ("", "gateway") and machine.gateway_plugin():
        return "gateway", "docker"
    return "switchboard", "docker" if engine else "process"

"""The MCP clients that `scripts/flotilla connect` knows: where each keeps its list of servers, and in which format."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flotilla_cli import gateway, jsonc, paths, system
from flotilla_launcher.naming import slug_of


@dataclass(frozen=True)
class Client:
    """A client. `http` makes its entry for a URL with a token; None when it takes commands only."""

    title: str
    path: Callable[[], Path]
    key: str
    stdio: Callable[[dict[str, Any]], dict[str, Any]]
    http: Callable[[str, str], dict[str, Any]] | None
    next_step: str
    project: str = ""  # the path of the file in a project's folder


def _support(*parts: str) -> Path:
    """Return a program's settings folder: Application Support, AppData or ~/.config."""
    if sys.platform == "darwin":
        return Path.home().joinpath("Library", "Application Support", *parts)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming").joinpath(*parts)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config").joinpath(*parts)


def _command(command: dict[str, Any]) -> dict[str, Any]:
    return command


def _typed_command(command: dict[str, Any]) -> dict[str, Any]:
    return {"type": "stdio", **command}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
CLIENTS = {
    "claude-desktop": Client(
        "Claude Desktop",
        lambda: _support("Claude", "claude_desktop_config.json"),
        "mcpServers",
        _command,
        None,  # its settings file takes commands only
        "Quit Claude Desktop and start it again.",
    ),
    "claude-code": Client(
        "Claude Code",
        lambda: Path.home() / ".claude.json",
        "mcpServers",
        _typed_command,
        lambda url, token: {"type": "http", "url": url, "headers": _bearer(token)},
        "Start a new session; /mcp shows the server.",
        project=".mcp.json",
    ),
    "cursor": Client(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        "mcpServers",
        _command,
        lambda url, token: {"url": url, "headers": _bearer(token)},
        "Cursor Settings > MCP shows the server.",
        project=".cursor/mcp.json",
    ),
    "gemini": Client(
        "Gemini CLI",
        lambda: Path.home() / ".gemini" / "settings.json",
        "mcpServers",
        _command,
        lambda url, token: {"httpUrl": url, "headers": _bearer(token)},
        "Start it again; /mcp shows the server.",
        project=".gemini/settings.json",
    ),
    "vscode": Client(
        "VS Code",
        lambda: _support("Code", "User", "mcp.json"),
        "servers",
        _typed_command,
        lambda url, token: {"type": "http", "url": url, "headers": _bearer(token)},
        "Run `MCP: List Servers` from the command palette and start flotilla.",
        project=".vscode/mcp.json",
    ),
    "windsurf": Client(
        "Windsurf",
        lambda: Path.home() / ".codeium" / "windsurf" / "mcp_config.json",
        "mcpServers",
        _command,
        lambda url, token: {"serverUrl": url, "headers": _bearer(token)},
        "Refresh the MCP servers in Windsurf's settings.",
    ),
}


def command(slugs: list[str], kind: str, run: str) -> dict[str, Any]:
    """Return the command with which a client starts a gateway of its own over stdio.

    With absolute paths, and a PATH for the docker commands that either gateway runs: a program that is started from a
    desktop does not have the terminal's PATH. The switchboard finds out which servers are ready each time it starts,
    unless FLOTILLA_SERVERS names some; Docker's gateway takes a list, which `outdated` compares.
    """
    named = slugs if os.environ.get("FLOTILLA_SERVERS") else []
    line = gateway.docker_command(slugs) if kind == "docker" else gateway.switchboard_command(named, run)
    line += gateway.files(paths.secrets_file(), paths.config_file())
    entry: dict[str, Any] = {"command": line[0], "args": line[1:]}
    if run == "docker":
        env = {name: os.environ[name] for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if os.environ.get(name)}
        if docker := shutil.which("docker"):
            env["PATH"] = os.pathsep.join(dict.fromkeys([str(Path(docker).parent), *SYSTEM_PATH]))
        if env:
            entry["env"] = env
    return entry


def entry(client: Client, slugs: list[str], kind: str, run: str, http: tuple[str, str] | None) -> dict[str, Any]:
    """Return Flotilla's entry in a client's file: with `http`, URL and token of the running gateway, else a command.

    Raises ValueError for a client that takes commands only.
    """
    if http:
        if client.http is None:
            raise ValueError(f"{client.title}'s settings file takes commands only, no URL. Leave --http (HTTP=1) out.")
        return client.http(*http)
    return client.stdio(command(slugs, kind, run))


def current(client: Client) -> dict[str, Any]:
    """Return Flotilla's entry as it stands in a client's file; {} where it has none, or cannot be read."""
    try:
        entry = jsonc.loads(client.path().read_text(encoding="utf-8"))[client.key]["flotilla"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return entry if isinstance(entry, dict) else {}


def listed(entry: dict[str, Any]) -> list[str]:
    """Return the servers that an entry lists, as they stand there; [] where it lists none."""
    args = [str(arg) for arg in entry.get("args") or ()]
    return args[args.index("--servers") + 1].split(",") if "--servers" in args[:-1] else []


def outdated(slugs: list[str]) -> Iterator[tuple[str, Path, str]]:
    """Yield title, file and name of each client whose entry lists other servers than these."""
    for name, client in CLIENTS.items():
        names = listed(current(client))
        if names and [slug_of(one) for one in names] != slugs:
            yield client.title, client.path(), name


def own_gateway() -> tuple[str, str]:
    """Return the kind of gateway, and how its servers run, for a client that starts its own. Raises GatewayError."""
    engine = system.engine() is not None
    if engine and gateway.wanted() in ("", "docker") and system.gateway_plugin():
        return "docker", "docker"
    return "switchboard", "docker" if engine else "process"

"""Writing into the clients' settings files, in the shapes in which they are found on people's machines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import clients, connect, jsonc

from .conftest import ROOT, Script

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash scripts")

CLAUDE = {
    "mcpServers": {"filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/tmp"]}},
    "globalShortcut": "",
    "preferences": {"quickEntryDictationShortcut": "off", "menuBarEnabled": True},
}
VSCODE = """\
{
\t"inputs": [
\t\t{ "type": "promptString", "id": "key", "description": "API key", "password": true }, // asked once
\t],
\t"servers": {
\t\t// from the gallery
\t\t"github": { "type": "http", "url": "https://api.githubcopilot.com/mcp/" },
\t},
}
"""
FILES = {
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".config/Code/User/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
}


def sample(home: Path, client: str, text: str) -> Path:
    path = home / FILES[client]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def entry(path: Path, key: str = "mcpServers") -> dict[str, Any]:
    result: dict[str, Any] = jsonc.loads(path.read_text())[key]["flotilla"]
    return result


@pytest.mark.skipif(sys.platform == "darwin", reason="other folders there")
@pytest.mark.parametrize("client", FILES)
def test_connect_writes_an_existing_command_for_every_client(home: Path, script: Script, client: str) -> None:
    script("connect", client)
    it = clients.CLIENTS[client]
    path = home / FILES[client]
    assert it.path() == path
    assert path.stat().st_mode & 0o777 == 0o600
    result = entry(path, it.key)
    assert Path(result["command"]).is_absolute()
    assert os.access(result["command"], os.X_OK)
    named = dict(zip(result["args"][::2], result["args"][1::2], strict=True))
    assert named["--run"] == "process"
    assert named["--servers"] == "filesystem", "FLOTILLA_SERVERS asks for it"
    for option in ("--catalog", "--secrets", "--config"):
        assert Path(named[option]).is_file(), option


def test_command_without_a_fixed_server_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switchboard finds out which servers are ready each time it starts."""
    monkeypatch.delenv("FLOTILLA_SERVERS")
    made = clients.command(["filesystem"], "switchboard", "process")
    assert "--servers" not in made["args"]
    assert clients.command(["filesystem"], "docker", "docker")["args"][:6][-1] == "--servers"


@pytest.mark.parametrize("kind", ["docker", "switchboard"])
def test_command_has_docker_on_the_path(home: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Docker's gateway runs `docker` by name, and a program started from a desktop has a short PATH."""
    monkeypatch.setattr(clients.shutil, "which", lambda name: f"/opt/there/{name}")
    made = clients.command(["filesystem"], kind, "docker")
    assert made["env"]["PATH"].split(os.pathsep)[0] == "/opt/there"


def test_connect_keeps_other_entries_and_a_copy(home: Path, script: Script) -> None:
    text = json.dumps(CLAUDE, indent=2)
    path = sample(home, "claude-desktop", text)
    path.chmod(0o644)
    output = script("connect", "claude-desktop").stdout
    held = json.loads(path.read_text())
    assert held["mcpServers"].pop("flotilla")
    assert held == CLAUDE
    assert path.stat().st_mode & 0o777 == 0o644
    copies = list(path.parent.glob("*.before-flotilla-*"))
    assert [copy.read_text() for copy in copies] == [text]
    assert copies[0].name in output
    script("connect", "claude-desktop")
    assert list(path.parent.glob("*.before-flotilla-*")) == copies, "the second time changes nothing"
    assert sorted(p.name for p in path.parent.iterdir()) == sorted([path.name, copies[0].name]), "no temporary file"


def test_connect_vscode_keeps_comments(home: Path, script: Script) -> None:
    path = sample(home, "vscode", VSCODE)
    script("connect", "vscode")
    written = path.read_text()
    assert [line for line in VSCODE.splitlines() if line not in written.splitlines()] == []
    assert entry(path, "servers")["type"] == "stdio"
    assert jsonc.loads(written)["inputs"] == jsonc.loads(VSCODE)["inputs"]


def test_connect_keeps_every_byte_of_the_others(home: Path, script: Script) -> None:
    """With a byte order mark and the ends of lines of an editor of Windows."""
    path = sample(home, "cursor", "")
    path.write_bytes(b'\xef\xbb\xbf{\r\n  "mcpServers": {\r\n    "a": {"command": "x"}, // mine\r\n  },\r\n}\r\n')
    script("connect", "cursor")
    written = path.read_bytes()
    assert written.startswith(b'\xef\xbb\xbf{\r\n  "mcpServers": {\r\n    "a": {"command": "x"}, // mine\r\n')
    assert written.endswith(b"\r\n  },\r\n}\r\n")
    assert b"\n" not in written.replace(b"\r\n", b"")


def test_connect_writes_absolute_paths(home: Path, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client starts the gateway in a folder of its own."""
    monkeypatch.chdir(home)
    for name in ("SECRETS", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"FLOTILLA_{name}", name.lower())
    script("connect", "cursor")
    args = entry(home / FILES["cursor"])["args"]
    for option in ("--secrets", "--config", "--data", "--state"):
        assert args[args.index(option) + 1] == str(home / option.removeprefix("--"))


def test_connect_with_a_token_is_for_nobody_else_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is what the user had, also where two changes fall into one second."""
    monkeypatch.setattr("time.strftime", lambda form: "now")
    path = tmp_path / "mcp.json"
    path.write_text("mine")
    path.chmod(0o644)
    connect.write(path, "an entry")
    assert path.stat().st_mode & 0o777 == 0o644
    copy = connect.write(path, "a token", holds_token=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert copy
    assert copy.read_text() == "mine"


def test_connect_dry_run_writes_nothing(home: Path, script: Script) -> None:
    output = script("connect", "cursor", "--dry-run").stdout
    assert "flotilla-switchboard" in output
    assert list(home.iterdir()) == []


def test_connect_project_file(tmp_path: Path, script: Script) -> None:
    script("connect", "vscode", "--project", str(tmp_path))
    assert entry(tmp_path / ".vscode" / "mcp.json", "servers")
    assert "no settings file for a project" in script("connect", "claude-desktop", "--project", ".", status=1).stderr


def test_connect_leaves_a_broken_file(home: Path, script: Script) -> None:
    path = sample(home, "cursor", '{"mcpServers": {"a": }')
    output = script("connect", "cursor", status=1).stderr
    assert "line 1" in output
    assert path.read_text() == '{"mcpServers": {"a": }'
    assert list(path.parent.iterdir()) == [path]


def test_connect_keeps_a_symlink(home: Path, script: Script) -> None:
    real = home / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    link = home / FILES["cursor"]
    link.parent.mkdir()
    link.symlink_to(real)
    script("connect", "cursor")
    assert link.is_symlink()
    assert entry(real)


@pytest.mark.parametrize("held", ['{"mcpServers": null}', "{}", "", '{"other": 1}'])
def test_connect_files_without_servers(held: str, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(held)
    assert jsonc.loads(connect.merged(path, "mcpServers", {"a": 1}))["mcpServers"] == {"flotilla": {"a": 1}}


@pytest.mark.slow
def test_connect_http_needs_a_running_gateway_and_a_capable_client(home: Path, script: Script) -> None:
    assert "make up" in script("connect", "cursor", "--http", status=1).stderr
    script("up")
    script("connect", "cursor", "--http")
    result = entry(home / FILES["cursor"])
    assert result["url"] == f"http://127.0.0.1:{os.environ['FLOTILLA_PORT']}/mcp"
    token = (Path(os.environ["FLOTILLA_RUN_FOLDER"]) / "token").read_text().strip()
    assert result["headers"] == {"Authorization": f"Bearer {token}"}
    assert "commands only" in script("connect", "claude-desktop", "--http", status=1).stderr


def test_connect_examples_have_the_written_shape() -> None:
    folder = ROOT / "catalog" / "clients"
    for path in sorted(folder.glob("*.json")):
        held = json.loads(path.read_text())
        key = next(iter(held))
        for result in held[key].values():
            assert {"command", "args"} <= set(result) or "url" in result, path.name
    for name in ("claude-desktop", "cursor", "vscode"):
        assert list(json.loads((folder / f"{name}.json").read_text())) == [clients.CLIENTS[name].key]

"""The backup of docs/operating.md: what its commands copy gives everything back in another home."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli import client

from .conftest import ROOT, Script

FOREIGN = ROOT / "servers/switchboard/tests/foreign.py"
SECTION = (ROOT / "docs/operating.md").read_text(encoding="utf-8").partition("\n## Backup\n")[2].partition("\n## ")[0]


async def write_file(home: Path, text: str) -> None:
    """Write a file through a switchboard, under one idempotency key."""
    command = [str(Path(sys.executable).parent / "flotilla-switchboard"), "--servers", "filesystem", "--run", "process"]
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    async with client.over_stdio(command, env, home / "log") as session:
        await client.call(session, "fs_write_file", path="a.txt", content=text, idempotency_key="once")


@pytest.mark.slow
def test_backup_gives_everything_back(
    home: Path, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, restore = re.findall(r"^\$ (tar -C ~ .*)$", SECTION, re.M)
    script("install")
    script("servers", "add", "old", "--command", sys.executable, str(FOREIGN))
    script("servers", "look", "old", "--yes")
    (tmp_path / "acme.env").write_text("flotilla-hubspot.token=canary-0123456789\n")
    script("tenant", "create", "acme")
    script("tenant", "import", "acme", str(tmp_path / "acme.env"))
    asyncio.run(write_file(home, "one"))
    subprocess.run(save, shell=True, cwd=tmp_path, check=True)

    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("HOME", str(other))
    subprocess.run(restore, shell=True, cwd=tmp_path, check=True)
    assert (other / ".docker/mcp/flotilla.secrets.env").stat().st_mode & 0o777 == 0o600
    file = other / ".local/share/flotilla/a.txt"
    assert file.read_text() == "one"
    file.write_text("later")
    asyncio.run(write_file(other, "one"))  # the key is known: nothing is done again
    assert file.read_text() == "later"
    assert script("log").stdout.count("fs_write_file") == 2
    listed = script("servers").stdout
    assert "old" in listed
    assert "not looked at" not in listed
    script("tenant", "export", "acme", str(tmp_path / "export"), "--secrets", str(tmp_path / "again.env"))
    assert "canary-0123456789" in (tmp_path / "again.env").read_text()

"""The backup of docs/operating.md: what its commands copy gives everything back in another home."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli import client, install, log, own_servers, tenant

ROOT = Path(__file__).resolve().parents[2]
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
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save, restore = re.findall(r"^\$ (tar -C ~ .*)$", SECTION, re.M)
    assert install.main([]) == 0
    assert own_servers.main(["add", "old", "--command", sys.executable, str(FOREIGN)]) == 0
    assert own_servers.main(["look", "old", "--yes"]) == 0
    (tmp_path / "acme.env").write_text("flotilla-hubspot.token=canary-0123456789\n")
    assert tenant.main(["create", "acme"]) == tenant.main(["import", "acme", str(tmp_path / "acme.env")]) == 0
    asyncio.run(write_file(home, "one"))
    subprocess.run(save, shell=True, cwd=tmp_path, check=True)

    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("HOME", str(other))
    subprocess.run(restore, shell=True, cwd=tmp_path, check=True)
    capsys.readouterr()
    assert (other / ".docker/mcp/flotilla.secrets.env").stat().st_mode & 0o777 == 0o600
    file = other / ".local/share/flotilla/a.txt"
    assert file.read_text() == "one"
    file.write_text("later")
    asyncio.run(write_file(other, "one"))  # the key is known: nothing is done again
    assert file.read_text() == "later"
    assert log.main([]) == 0
    assert capsys.readouterr().out.count("fs_write_file") == 2
    assert own_servers.main([]) == 0
    assert "not looked at" not in (listed := capsys.readouterr().out)
    assert "old" in listed
    assert tenant.main(["export", "acme", str(tmp_path / "export"), "--secrets", str(tmp_path / "again.env")]) == 0
    assert "canary-0123456789" in (tmp_path / "again.env").read_text()

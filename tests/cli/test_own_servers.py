"""`scripts/flotilla servers`: add, look, remove, and what a person reads."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from flotilla_cli import own_servers

FOREIGN = Path(__file__).resolve().parents[2] / "servers" / "switchboard" / "tests" / "foreign.py"


def servers(folder: Path, *argv: str) -> int:
    return own_servers.main(["--state", str(folder), "--settings", str(folder / "settings.json"), *argv])


def test_servers_add_look_and_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cr3t\n"))
    assert servers(tmp_path, "add", "old", "--secret", "API_KEY", "--command", sys.executable, str(FOREIGN)) == 0
    added = capsys.readouterr().out
    assert "echo(text)  [reads]  new\n    Echo a text." in added
    assert "files.read: it is offered as files_read" in added
    assert 'broken: its arguments are not an object but "string".' in added
    assert "s3cr3t" not in (tmp_path / "settings.json").read_text() + added
    assert servers(tmp_path, "look", "old") == 1  # nobody can be asked
    assert "there is nobody to ask" in capsys.readouterr().err
    servers(tmp_path)
    assert "8 tools, 8 not looked at" in capsys.readouterr().out
    assert servers(tmp_path, "look", "old", "--yes") == 0
    servers(tmp_path)
    assert capsys.readouterr().out.endswith("8 tools\n")
    assert servers(tmp_path, "remove", "old") == 0
    assert json.loads((tmp_path / "settings.json").read_text()) == {"servers": {}}
    assert "s3cr3t" not in "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["add", "hubspot", "--command", "x"], "a server of the fleet has this name"),
        (["add", "crm", "--url", "http://crm.example/mcp"], "must begin with https://"),
        (["add", "crm", "--url", "https://crm.example/mcp", "--token"], "nothing stands on stdin"),
        (["add", "crm", "--url", "https://crm.example", "--header", "X-Token=1"], "would keep a secret"),
        (["add", "crm", "--image", "x", "--env", "canary"], "needs NAME=VALUE: number 1"),
        (["look", "crm"], "No server crm is declared. There are none."),
        (["remove", "crm"], "No server crm is declared."),
    ],
)
def test_servers_refuses_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: list[str], problem: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert servers(tmp_path, *argv) == 1
    printed = capsys.readouterr().err
    assert problem in printed
    assert "canary" not in printed
    assert not (tmp_path / "settings.json").exists()

"""Docker Desktop's MCP Toolkit, set up by commands of a `docker` that writes down what it is asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flotilla_cli import paths, register, servers

PROGRAM = """#!{python}
import json, sys
asked = " ".join(sys.argv[1:])
secret = sys.stdin.read() if asked.startswith("mcp secret set") else ""
with open({log!r}, "a") as log:
    log.write(json.dumps([asked, secret]) + "\\n")
for begin, answer in json.load(open({answers!r})).items():
    if asked.startswith(begin):
        sys.exit(print(answer))
sys.exit(0 if asked.startswith(("mcp profile", "mcp client connect", "mcp secret set")) else 1)
"""


class Toolkit:
    """The recorded commands, and what the plugin answers to those that ask."""

    def __init__(self, folder: Path) -> None:
        self._log, self._answers = folder / "log", folder / "answers.json"
        self.answers: dict[str, str] = {"mcp version": "2", "mcp secret ls": "[]", "mcp profile ls": "[]"}
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        text = PROGRAM.format(python=sys.executable, log=str(self._log), answers=str(self._answers))
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    def run(self, *arguments: str) -> int:
        self._answers.write_text(json.dumps(self.answers), encoding="utf-8")
        return register.main(list(arguments))

    def changed(self) -> list[list[str]]:
        """Return the commands that change something, with what they read."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        recorded: list[list[str]] = [json.loads(line) for line in lines]
        asking = ("mcp version", "mcp feature", "mcp client ls", "mcp profile ls", "mcp secret ls", "info")
        return [one for one in recorded if not one[0].startswith(asking)]


@pytest.fixture
def toolkit(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolkit:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("FLOTILLA_SERVERS", "calendly,filesystem")
    return Toolkit(tmp_path)


def profile(*slugs: str, **changes: Any) -> str:
    """Return the plugin's list of profiles: one of these servers as the catalog has them now."""
    copies = [{"name": f"flotilla-{slug}", **servers.registry_with_tools()[slug], **changes} for slug in slugs]
    return json.dumps([{"id": "flotilla", "servers": [{"snapshot": {"server": copy}} for copy in copies]}])


def test_register_makes_the_profile_and_connects_clients(toolkit: Toolkit) -> None:
    assert toolkit.run("cursor", "gordon") == 0
    assert [command for command, _ in toolkit.changed()] == [
        "mcp profile create --name flotilla --server file://flotilla.profile.yaml",
        "mcp client connect cursor --global --profile flotilla",
        "mcp client connect gordon --global --profile flotilla",
    ]
    source = paths.installed_catalog().with_name("flotilla.profile.yaml")
    assert list(yaml.safe_load(source.read_text(encoding="utf-8"))["registry"]) == [
        "flotilla-calendly", "flotilla-filesystem",
    ]  # fmt: skip


def test_register_copies_secrets_past_the_command_line(toolkit: Toolkit) -> None:
    paths.write(paths.secrets_file(), "flotilla-calendly.token=k3y\nflotilla-notion.token=other\n")
    assert toolkit.run() == 0
    assert ["mcp secret set flotilla-calendly.token", "k3y"] in toolkit.changed()
    assert not [command for command, _ in toolkit.changed() if "notion" in command], "it is not in the profile"


@pytest.mark.parametrize(
    ("profiles", "steps"),
    [
        ('[{"id": "my-flotilla-test", "servers": []}]', ["create"]),
        ("same", []),
        ("fewer", ["remove", "create"]),
        ("older", ["remove", "create"]),
    ],
)
def test_register_renews_a_profile_that_differs(toolkit: Toolkit, profiles: str, steps: list[str]) -> None:
    toolkit.answers["mcp profile ls"] = {
        "same": profile("filesystem", "calendly"),  # in any order
        "fewer": profile("calendly"),
        "older": profile("calendly", "filesystem", image="example.test/x:0"),
    }.get(profiles, profiles)
    assert toolkit.run() == 0
    assert [command.split()[2] for command, _ in toolkit.changed()] == steps


def test_register_dry_run_changes_nothing(toolkit: Toolkit, capsys: pytest.CaptureFixture[str]) -> None:
    toolkit.answers["mcp feature ls"] = "  dynamic-tools enabled"
    assert toolkit.run("--dry-run", "gordon") == 0
    assert toolkit.changed() == []
    assert not paths.installed_catalog().exists()
    shown = capsys.readouterr().out
    assert "docker mcp client connect gordon --global --profile flotilla" in shown
    assert "docker mcp feature disable dynamic-tools" in shown


def test_register_without_the_plugin_says_what_to_install(toolkit: Toolkit, capsys: pytest.CaptureFixture[str]) -> None:
    del toolkit.answers["mcp version"]
    assert toolkit.run("cursor") == 1
    assert "comes with Docker Desktop" in capsys.readouterr().err


def test_register_status(toolkit: Toolkit, capsys: pytest.CaptureFixture[str]) -> None:
    assert toolkit.run("--status") == 1
    assert "has no profile flotilla" in capsys.readouterr().err
    toolkit.answers["mcp profile ls"] = profile("calendly", image="example.test/x:0")
    clients = {"cursor": {"displayName": "Cursor", "profile": "flotilla"}, "zed": {"displayName": "Zed", "profile": ""}}
    toolkit.answers["mcp client ls"] = json.dumps(clients)
    assert toolkit.run("--status") == 0
    shown = capsys.readouterr().out
    assert "Profile flotilla: flotilla-calendly.\nOlder than the catalog: flotilla-calendly." in shown
    assert "Clients on it: Cursor." in shown

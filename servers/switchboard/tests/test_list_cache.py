"""Lists that are kept are the lists that would be made: whatever decides them, a change of it makes them anew."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.switchboard import combined, discovery, list_cache
from flotilla_servers.switchboard.database import Database
from flotilla_servers.switchboard.permissions import Permissions
from flotilla_servers.switchboard.settings_file import SettingsFile

OWN = {"modern": {}}


def names(fleet: Any) -> set[str]:
    discovery._document.cache_clear()  # as in a new process
    result = list_cache.listed(OWN, fleet.options("--permissions", "on"))
    assert result
    return {tool["name"] for tool in json.loads(result["serialised"]["tools"])}


@pytest.fixture
def cached(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fleet whose lists are kept: the first start learns what they are made from, the second keeps them."""
    monkeypatch.delenv("FLOTILLA_TIER", raising=False)
    lists = names(fleet), names(fleet)
    assert lists[0] == lists[1] > {"probe_echo"}
    return fleet


def files(fleet: Any) -> list[Path]:
    return list((fleet.folder / "state/switchboard/lists").iterdir())


def test_lists_cached_are_not_made_again(cached: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list_cache.listed(OWN, cached.options())
    list_cache.listed(OWN, cached.options())
    monkeypatch.setattr(combined, "combined_discovery", None)
    assert list_cache.listed(OWN, cached.options()) == before


def decide(fleet: Any, _: pytest.MonkeyPatch) -> None:
    tool = next(tool for tool in fleet.discovery["tools"] if tool["name"] == "probe_echo")
    file = SettingsFile(fleet.folder / "settings.json")
    Permissions(Database(fleet.folder / "state"), file).decide("probe", tool, "deny", "console")


def deny_by_rule(fleet: Any, _: pytest.MonkeyPatch) -> None:
    rules = {"permissions": [{"tool": "probe_echo", "decision": "deny"}]}
    (fleet.folder / "settings.json").write_text(json.dumps(rules))


def lose_a_tool(fleet: Any, _: pytest.MonkeyPatch) -> None:
    path = fleet.folder / "probe/discovery.json"
    about = os.stat(path)
    document = path.read_text().replace('"probe_echo"', '"probe_ohce"')  # of the same size, with the same date
    path.write_text(document)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def deny_by_configuration(fleet: Any, _: pytest.MonkeyPatch) -> None:
    fleet.spec["env"].append({"name": "FLOTILLA_DENY", "value": "{{probe.deny}}"})
    fleet.config["probe"]["deny"] = "probe_echo"


def deny_by_variable(_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_DENY", "probe_echo")


def deny_by_variable_of_the_server(_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_DENY", "probe_echo")


@pytest.mark.parametrize(
    "change",
    [
        decide,
        deny_by_rule,
        lose_a_tool,
        deny_by_configuration,
        deny_by_variable,
        deny_by_variable_of_the_server,
    ],
)
def test_lists_made_anew_after_a_change(
    cached: Any, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any, pytest.MonkeyPatch], None]
) -> None:
    change(cached, monkeypatch)
    assert "probe_echo" not in names(cached)


def test_lists_made_anew_when_a_file_of_a_variable_changes(cached: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cached.folder / "denied"
    path.write_text("probe_echo")
    monkeypatch.setenv("FLOTILLA_DENY_FILE", str(path))
    assert "probe_echo" not in (names(cached) & names(cached))
    path.write_text("probe_about")
    assert "probe_echo" in names(cached)


def test_lists_not_kept_where_a_file_changed_meanwhile(cached: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_a_tool(cached, monkeypatch)
    make = combined.combined_discovery

    def changing(options: Any) -> Any:
        made = make(options)
        (cached.folder / "probe/discovery.json").write_text(json.dumps(cached.discovery))
        return made

    monkeypatch.setattr(combined, "combined_discovery", changing)
    names(cached)
    monkeypatch.setattr(combined, "combined_discovery", make)
    assert "probe_echo" in names(cached)


def test_lists_made_where_none_can_be_kept(fleet: Any) -> None:
    (fleet.folder / "state/switchboard").mkdir(parents=True)
    (fleet.folder / "state/switchboard/lists").touch()
    assert "probe_echo" in (names(fleet) & names(fleet))


@pytest.mark.parametrize("text", ["", "{", '{"format":1}', '{"format":1,"digest":"0"}\n[]\n[]\n[]\n[]'])
def test_lists_made_where_the_file_is_broken(cached: Any, text: str) -> None:
    for path in files(cached):
        path.write_text(text)
    assert "probe_echo" in names(cached)


def test_lists_cached_for_the_user_alone_and_not_without_end(cached: Any) -> None:
    folder = cached.folder / "state/switchboard/lists"
    assert [path.stat().st_mode & 0o077 for path in (folder, *files(cached))] == [0, 0]
    for number in range(list_cache.MOST + 5):
        list_cache.listed(OWN, cached.options("--idle", str(number)))
    assert 1 <= len(files(cached)) <= list_cache.MOST + 1


AUDITED = """
import json, os, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from flotilla_servers.switchboard import list_cache
assert list_cache.listed({"modern": {}}, sys.argv[2:])
print(json.dumps([path for path in opened if path.startswith(sys.argv[1])]))
"""


def test_lists_made_from_the_files_that_count(cached: Any) -> None:
    own = {"url": "https://crm.test/mcp"}
    (cached.folder / "settings.json").write_text(json.dumps({"servers": {"crm": own}}))
    options = cached.options("--permissions", "on")
    command = [sys.executable, "-c", AUDITED, str(cached.folder), *options]
    opened = set(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    [path] = files(cached)
    about = json.loads(path.read_text().splitlines()[0])
    lists = {name for name in opened if "/state/switchboard/lists" in name}
    others = {str(cached.folder / "state/switchboard/last-calls.json")}  # it only decides what is started early
    assert str(cached.folder / "state/switchboard/servers/crm/discovery.json") in about["paths"]
    assert opened - lists - others <= set(about["paths"])
    assert str(cached.folder / "probe/discovery.json") in opened

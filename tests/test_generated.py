"""What is generated: one place for the version, every variable in the reference, data that is made when it is stale."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from flotilla_cli.generator import precompute, sources
from flotilla_cli.generator.servers import ROOT
from flotilla_cli.generator.text import BREAK, as_yaml
from flotilla_launcher.user_files import read_document
from flotilla_launcher.version import VERSION

INTERNAL = {"FLOTILLA_IMAGE", "FLOTILLA_CATALOG", "FLOTILLA_BAKED"}  # of images; of the switchboard's docstring; former


def test_configuration_names_every_variable() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    read = set()
    for folder in ("shared/src/flotilla", "shared/src/flotilla_launcher", "scripts/flotilla_cli"):
        for path in (ROOT / folder).rglob("*.py"):
            if "generator" not in path.parts:
                read |= set(re.findall(r"\bFLOTILLA_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    missing = sorted(name for name in read - INTERNAL if f"`{name}`" not in page and not name.endswith("_FILE"))
    assert missing == []


def test_version_is_written_once() -> None:
    """Everything else reads it, or is generated."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.toml", "*.in"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(rf'(?i)version\s*=\s*"{re.escape(VERSION)}"')
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    owners = [name for name in names if pattern.search((ROOT / name).read_text(encoding="utf-8"))]
    assert owners == ["shared/src/flotilla_launcher/version.py"]


def test_yaml_breaks_long_lists() -> None:
    text = as_yaml({"command": [f"--servers={BREAK}a,{BREAK}b{BREAK}", "C:\\Lib"]})
    assert '"--servers=\\\n' in text
    assert yaml.safe_load(text) == {"command": ["--servers=a,b", "C:\\Lib"]}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The sources of one server and of what decides its discovery data."""
    ignored = shutil.ignore_patterns("__pycache__", "tests", "*.egg-info")
    for name in ("shared/src", "scripts/flotilla_cli/generator", "servers/calendly"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("requirements", "catalog"):
        (tmp_path / name).mkdir()
    shutil.copyfile(ROOT / "requirements/base.txt", tmp_path / "requirements/base.txt")
    registry = read_document(ROOT / "catalog/flotilla.json")["registry"]
    two = {name: registry[name] for name in ("flotilla-calendly", "flotilla-notion")}  # writing all takes seconds
    (tmp_path / "catalog/flotilla.yaml").write_text(as_yaml({"registry": two}), encoding="utf-8")
    precompute.write_discovery("calendly", {"format": 1, "tools": []}, tmp_path)
    precompute.write_catalog((tmp_path / "catalog/flotilla.yaml").read_text(encoding="utf-8"), tmp_path)
    return tmp_path


def test_discovery_is_current_whatever_the_dates_are(checkout: Path) -> None:
    """As git and installations leave them, in any order."""
    os.utime(checkout / "servers/calendly/discovery.json", (0, 0))
    assert sources.stale(checkout) == []


@pytest.mark.parametrize(
    "name", ["servers/calendly/server.py", "shared/src/flotilla/tool.py", "shared/src/flotilla_launcher/filters.py"]
)
def test_discovery_is_stale_when_a_source_changed(checkout: Path, name: str) -> None:
    with (checkout / name).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert sources.stale(checkout) == ["calendly"]


def test_discovery_does_not_depend_on_tests(checkout: Path) -> None:
    (checkout / "servers/calendly/tests").mkdir()
    (checkout / "servers/calendly/tests/test_new.py").write_text("", encoding="utf-8")
    assert sources.stale(checkout) == []


def test_a_server_that_cannot_be_imported_has_no_discovery(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make setup` goes on: the launcher does without the file."""

    def broken(slug: str, root: Path) -> None:
        raise SyntaxError(f"{slug} is being edited")

    monkeypatch.setattr(precompute, "_write_discovery", broken)
    (checkout / "servers/calendly/server.py").write_text("def", encoding="utf-8")
    (line,) = precompute.run(checkout)
    assert line.startswith("calendly: no discovery data (SyntaxError")
    assert not (checkout / "servers/calendly/discovery.json").exists()


def test_catalog_twin_follows_the_catalog(checkout: Path) -> None:
    assert not sources.catalog_is_stale(checkout)
    path = checkout / "catalog/flotilla.yaml"
    catalog = yaml.safe_load(path.read_text(encoding="utf-8"))
    del catalog["registry"]["flotilla-notion"]
    path.write_text(as_yaml(catalog), encoding="utf-8")
    assert sources.catalog_is_stale(checkout)
    precompute.write_catalog(path.read_text(encoding="utf-8"), checkout)
    assert not sources.catalog_is_stale(checkout)
    assert not (checkout / "catalog/servers/notion.yaml").exists()


def test_catalog_confines_to_hosts_without_wildcards() -> None:
    """Docker's gateway compares `allowHosts` literally: a wildcard there would cut the server off."""
    catalog = json.loads((ROOT / "catalog/flotilla.json").read_text(encoding="utf-8"))["registry"]
    hosts = {name: entry.get("allowHosts", []) for name, entry in catalog.items()}
    assert [name for name, some in hosts.items() if any("*" in host for host in some)] == []
    assert hosts["flotilla-notion"] == ["api.notion.com:443"]
    assert not catalog["flotilla-shopify"].get("disableNetwork")

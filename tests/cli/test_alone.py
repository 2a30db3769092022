"""One server alone, without Docker: its console script, an installed wheel, and uvx from a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli.generator.discovery import HELLO
from flotilla_cli.generator.servers import ROOT, slugs
from flotilla_cli.generator.sources import GATEWAYS
from flotilla_launcher.naming import module_of
from tests.bench.inside import Session

BIN = Path(sys.executable).parent


def works(command: list[str], data: Path) -> None:
    session = Session(command, {"FLOTILLA_DATA": str(data)})
    session.listed()
    note = {"name": "fs_write_file", "arguments": {"path": "été.txt", "content": "12 €"}}
    assert session.ask("tools/call", note)["result"]["structuredContent"]["path"] == "été.txt"
    session.close()
    assert (data / "été.txt").read_text(encoding="utf-8") == "12 €"


def test_console_script(tmp_path: Path) -> None:
    works([str(BIN / "flotilla-filesystem")], tmp_path)


@pytest.mark.slow
def test_uvx_from_a_checkout(tmp_path: Path) -> None:
    works([str(BIN / "uvx"), "--from", str(ROOT), "flotilla-filesystem"], tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both wheels in it, built from the files that git knows; the dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("wheels")
    source = folder / "source"
    source.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    packed = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=listed.stdout, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x"], cwd=source, input=packed.stdout, check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder / "wheels")]
    subprocess.run([*wheel, str(source / "shared"), str(source)], check=True)
    wheels = list(map(str, (folder / "wheels").glob("*.whl")))
    assert len(wheels) == 2
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "here"), *wheels], check=True)
    newest = folder / "here" / "flotilla_launcher" / "__main__.py"
    os.utime(newest, (2**31, 2**31))  # as if the library had been unpacked last
    return folder / "here"


@pytest.fixture
def no_fastmcp(tmp_path: Path) -> Path:
    """A folder that makes the import of FastMCP fail: what answers all the same has not started a server."""
    folder = tmp_path / "no-fastmcp"
    folder.mkdir()
    (folder / "fastmcp.py").write_text("raise SystemExit('FastMCP was imported to answer a list')")
    return folder


def test_wheel_lists_from_its_own_discovery(installed: Path, no_fastmcp: Path) -> None:
    path = f"{no_fastmcp}{os.pathsep}{installed}"
    for slug in ("filesystem", "google-calendar"):  # a name with a dash is a package with an underscore
        session = Session([str(installed / "bin" / f"flotilla-{slug}")], {"PYTHONPATH": path})
        message = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8"))
        core = [t["name"] for t in message["tools"] if message["attributes"]["tools"][t["name"]]["tier"] == "core"]
        session.ask("initialize", HELLO)
        session.tell("notifications/initialized")
        assert [tool["name"] for tool in session.ask("tools/list")["result"]["tools"]] == core
        session.close()


def test_wheel_switchboard_lists_all_servers(installed: Path, no_fastmcp: Path) -> None:
    environ = {"PYTHONPATH": f"{no_fastmcp}{os.pathsep}{installed}"}
    session = Session([str(installed / "bin" / "flotilla-switchboard"), "--servers", "all", "--search", "off"], environ)
    session.ask("initialize", HELLO)
    session.tell("notifications/initialized")
    result = {tool["name"] for tool in session.ask("tools/list")["result"]["tools"]}
    session.close()
    for slug in (slug for slug in slugs() if slug not in GATEWAYS):
        message = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8"))
        assert {name for name, about in message["attributes"]["tools"].items() if about["tier"] == "core"} <= result, (
            slug
        )


def test_wheel_switchboard_starts_a_server(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "bin" / "flotilla-switchboard"), "--run", "process", "--servers", "flotilla-filesystem"]
    command += ["--bin", str(installed / "bin"), "--data", str(tmp_path)]
    session = Session(command, {"PYTHONPATH": str(installed), "HOME": str(tmp_path)})
    session.ask("initialize", HELLO)
    session.tell("notifications/initialized")
    note = {"name": "fs_write_file", "arguments": {"path": "été.txt", "content": "12 €"}}
    assert "isError" not in (message := session.ask("tools/call", note)["result"]) or not message["isError"], message
    session.close()
    assert (tmp_path / "été.txt").read_text(encoding="utf-8") == "12 €"


def test_wheels_have_one_version(installed: Path) -> None:
    from flotilla_launcher.version import VERSION

    result = [(path.parent.name, path.read_text()) for path in installed.glob("*.dist-info/METADATA")]
    assert sorted(name for name, _ in result) == [
        f"flotilla_fleet-{VERSION}.dist-info",
        f"flotilla_mcp-{VERSION}.dist-info",
    ]
    assert f"Requires-Dist: flotilla-mcp=={VERSION}" in dict(result)[f"flotilla_fleet-{VERSION}.dist-info"]

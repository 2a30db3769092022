"""Installed from wheels, every server and the switchboard answer discovery as in a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla_cli.generator.discovery import META
from flotilla_cli.generator.servers import GATEWAYS, ROOT, slugs
from flotilla_launcher.naming import module_of
from flotilla_launcher.protocol import LISTS

pytestmark = pytest.mark.slow
REQUESTS = [
    json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {"_meta": META}}) + "\n"
    for number, method in enumerate(("server/discover", *LISTS.values()))
]


def run(*command: str, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both wheels, unpacked: the servers' from a source distribution of the files that git knows."""
    folder = tmp_path_factory.mktemp("wheel")
    checkout, unpacked, site = folder / "checkout", folder / "unpacked", folder / "site"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and "/tests/" not in name:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, checkout / name)
    assert not list(checkout.rglob("discovery.json"))
    make = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
    run(sys.executable, "-c", make, cwd=checkout)
    shutil.unpack_archive(next(checkout.glob("dist/*.tar.gz")), unpacked)
    (source,) = unpacked.iterdir()
    wheel = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "-w", str(folder))
    run(*wheel, ".", cwd=source)
    run(*wheel, ".", cwd=checkout / "shared")
    for path in folder.glob("*.whl"):
        shutil.unpack_archive(path, site, "zip")
    return site


@pytest.mark.parametrize("slug", slugs())
def test_wheel_answers_discovery_from_its_file(site: Path, slug: str) -> None:
    """The lists are those of the checkout, and FastMCP is not imported for them."""
    program = (
        f"import os, sys; sys.path.insert(0, {str(site)!r}); sys.argv = ['flotilla-{slug}'];"
        "os._exit = lambda _: (sys.stderr.write(' '.join(sys.modules)), sys.exit());"
        "from flotilla_launcher.__main__ import main; main()"
    )
    environ = {"FLOTILLA_SERVERS": "all", "FLOTILLA_SEARCH": "off", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="".join(REQUESTS),
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    lists = [json.loads(line)["result"] for line in done.stdout.splitlines()]
    assert len(lists) == len(REQUESTS)
    assert "fastmcp" not in done.stderr.split()
    if slug in GATEWAYS:
        assert len(lists[1]["tools"]) > 100
    else:
        text = (ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8")
        assert {tool["name"] for tool in lists[1]["tools"]} <= {tool["name"] for tool in json.loads(text)["tools"]}


@pytest.mark.parametrize(
    "command", [["flotilla-filesystem"], ["flotilla-switchboard"], ["flotilla-fleet", "filesystem"]], ids=" ".join
)
def test_wheel_runs_the_server(site: Path, command: list[str]) -> None:
    """Without the file's help too: the server itself is complete."""
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv = {command};"
        "from flotilla_launcher.__main__ import main; main()"
    )
    environ = {"FLOTILLA_SERVERS": "filesystem", "HOME": "/nonexistent", "FLOTILLA_PRECOMPUTED": "off"}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(REQUESTS[1])
        process.stdin.flush()
        tools = json.loads(process.stdout.readline())["result"]["tools"]
        process.stdin.close()
        process.wait(20)
    assert "fs_read_file" in {tool["name"] for tool in tools}


def test_wheel_needs_what_every_server_imports(site: Path) -> None:
    """`uvx flotilla-fleet export` works, without an extra that a user would have to know."""
    (about,) = site.glob("flotilla_fleet-*.dist-info/METADATA")
    needed = about.read_text(encoding="utf-8").lower()
    assert "requires-dist: reportlab" in needed
    assert "requires-dist: pypdf" in needed
    (commands,) = site.glob("flotilla_fleet-*.dist-info/entry_points.txt")
    assert "flotilla-fleet = " in commands.read_text(encoding="utf-8")

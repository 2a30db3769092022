"""What a stranger does: clone, `make up`, work, `make up`, `make down`; only the data volume is left."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_cli import client, system
from flotilla_testing.leftovers import name_of_run
from flotilla_testing.ports import free_port

from .conftest import ROOT, no_engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CACHES = {"UV_CACHE_DIR": ".cache/uv", "PIP_CACHE_DIR": ".cache/pip"}


class Stranger:
    """A clone in a home of its own. What this machine knows of mirrors, and what it has downloaded, is shared."""

    def __init__(self, folder: Path, engine: bool) -> None:
        self.clone, self.home, self.mark = folder / "clone", folder / "home", name_of_run("clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        catalog = self.clone / "catalog" / "flotilla.yaml"  # not the volume of whoever runs this test
        catalog.write_text(catalog.read_text().replace("flotilla-data:", f"{self.mark}-data:"))
        (self.home / ".docker").mkdir(parents=True)
        real = Path.home()
        if (real / ".docker" / "cli-plugins").is_dir():
            (self.home / ".docker" / "cli-plugins").symlink_to(real / ".docker" / "cli-plugins")
        saved = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
        self.environ = saved | {"HOME": str(self.home), "FLOTILLA_PORT": str(free_port()), "FLOTILLA_OWNER": self.mark}
        for variable, path in CACHES.items():
            self.environ.setdefault(variable, str(real / path))
        for path in (real / ".config" / "pip" / "pip.conf", real / ".pip" / "pip.conf"):
            if path.is_file():
                self.environ.setdefault("PIP_CONFIG_FILE", str(path))
        if not engine:
            self.environ["FLOTILLA_ENGINE"] = "none"

    def make(self, *targets: str, status: int = 0) -> str:
        done = subprocess.run(
            ["make", *targets],
            cwd=self.clone,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def left(self) -> list[str]:
        """Return every process, container and network that is still there."""
        result = [f"process {pid}" for pid in system.processes(f"{self.clone}/.venv/")]
        for kind in ("container", "network"):
            listed = system.docker(kind, "ls", "--format", "{{.Names}}" if kind == "container" else "{{.Name}}")
            result += [f"{kind} {name}" for name in (listed or "").split() if name.startswith(self.mark)]
        return result


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "process"])
def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stranger]:
    """With an engine where one answers, else without; with --every-tool both ways. Half of the time goes to setup."""
    engine = request.param == "docker"
    if engine and no_engine():
        pytest.skip("no Docker engine answers; scripts/engine installs or starts one")
    if not engine and not no_engine() and not request.config.getoption("--every-tool"):
        pytest.skip("an engine answers; test_up_and_down.py does without it, and --every-tool this too")
    made = Stranger(tmp_path, engine)
    try:
        yield made
    finally:
        subprocess.run(
            ["make", "down"], cwd=made.clone, env=made.environ, capture_output=True, timeout=120, check=False
        )
        system.docker("volume", "rm", "--force", f"{made.mark}-data")
        shutil.rmtree(made.clone, ignore_errors=True)


async def listing(url: str, token: str) -> set[str]:
    async with client.over_http(url, token, timeout=60) as session:
        got = await client.call(session, "fs_list_directory", path=".")
        return {item["path"] for item in got["items"]}


def test_up_and_down_from_a_clean_clone(stranger: Stranger) -> None:
    docker = "FLOTILLA_ENGINE" not in stranger.environ
    output = stranger.make("up")
    assert "read it back" in output
    assert ("in containers" in output) == docker
    state = json.loads((stranger.clone / "build" / "run" / "gateway.json").read_text())
    token = (stranger.clone / "build" / "run" / "token").read_text().strip()
    assert set(state["servers"]) == {"filesystem", "export"}
    assert asyncio.run(listing(state["url"], token)) == {"bienvenue à bord.md"}

    assert "running already" in stranger.make("up")
    again = json.loads((stranger.clone / "build" / "run" / "gateway.json").read_text())
    assert (again["pid"], again["since"], again["container"]) == (state["pid"], state["since"], state["container"])

    stranger.make("status")
    stranger.make("connect", "CLIENT=cursor", "HTTP=1")
    written = json.loads((stranger.home / ".cursor" / "mcp.json").read_text())["mcpServers"]["flotilla"]
    assert token in written["headers"]["Authorization"]
    assert asyncio.run(listing(written["url"], token)) == {"bienvenue à bord.md"}

    stranger.make("down")
    assert stranger.left() == []
    assert system.volume_exists(f"{stranger.mark}-data") == docker
    changed = subprocess.check_output(["git", "status", "--porcelain"], cwd=stranger.clone, text=True).split("\n")
    assert [line for line in changed if line] == [" M catalog/flotilla.yaml"], "a command wrote into the checkout"

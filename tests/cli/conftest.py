"""The command line in a home of its own: these tests touch none of the user's settings, gateway or port."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flotilla_cli import system
from flotilla_cli.release import archive
from flotilla_cli.release.progress import Release
from flotilla_launcher.version import VERSION
from flotilla_testing.leftovers import name_of_run
from flotilla_testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]

OWNER = name_of_run("cli")  # of this run alone: two checkouts may test on one engine
WANTED = os.environ.get("FLOTILLA_ENGINE", "")  # by whoever runs the tests
Script = Callable[..., subprocess.CompletedProcess[str]]


def no_engine() -> bool:
    return WANTED == "none" or system.docker("info", timeout=20) is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and settings for a gateway without an engine on a free port."""
    for name in [name for name in os.environ if name.startswith(("FLOTILLA_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": "",
        "FLOTILLA_ENGINE": "none",
        "FLOTILLA_RUN_FOLDER": str(tmp_path / "run"),
        "FLOTILLA_PORT": str(free_port()),
        "FLOTILLA_OWNER": OWNER,
        "FLOTILLA_SERVERS": "filesystem",
    }.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def script(home: Path) -> Iterator[Script]:
    """Run a command of scripts/flotilla to its end; at the end of the test a gateway that still runs is stopped."""

    def run(name: str, *args: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(ROOT / "scripts" / "flotilla"), name, *args], capture_output=True, text=True, timeout=240, check=False
        )
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done

    yield run
    run("down", status=None)


def publish(into: Path) -> Path:
    """Write what `make release` publishes for a machine without a checkout; return the folder of both files."""
    release = Release(VERSION, "ghcr.io/test", [], into=into)
    archive.write_archive(release)
    return release.folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archive and installer of the commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    return publish(tmp_path_factory.mktemp("published"))

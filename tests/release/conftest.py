"""A registry of this run alone, on a port of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator

import httpx2
import pytest

from flotilla_cli import system
from flotilla_cli.release.progress import TOOLS
from flotilla_testing.leftovers import name_of_run
from flotilla_testing.ports import free_port
from tests.conftest import ROOT, missing

RUN = name_of_run()


@pytest.fixture(scope="session")
def tools() -> None:
    """What a release needs beside Docker, and a registry for the trial."""
    command = [str(ROOT / "scripts" / "release-tools"), "docker-registry"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip())


@pytest.fixture(scope="session")
def registry(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where images of this run are pushed: the address of a registry, and a path below it."""
    if why := missing("switchboard"):
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("registry")
    port = free_port()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n",
        encoding="utf-8",
    )
    program = shutil.which("docker-registry", path=str(TOOLS)) or "docker-registry"
    process = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while not _answers(f"http://127.0.0.1:{port}/v2/"):
            assert process.poll() is None, "docker-registry did not start"
            assert time.monotonic() < end
            time.sleep(0.05)
        yield f"localhost:{port}/{RUN}"  # by this name all tools speak plain HTTP
        remove_images(f"localhost:{port}/{RUN}/")
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def remove_images(prefix: str) -> None:
    """Take every name away that begins so; an image that has another one stays."""
    ids = (system.docker("images", "--quiet", "--no-trunc") or "").split()
    listed = json.loads(system.docker("image", "inspect", *dict.fromkeys(ids)) or "[]")
    names = [name for one in listed for name in (*(one["RepoTags"] or ()), *(one["RepoDigests"] or ()))]
    if ours := [name for name in names if name.startswith(prefix)]:
        system.docker("image", "rm", *ours)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False

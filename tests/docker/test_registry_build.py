"""docker/mcp-registry builds one server from its Dockerfile and a commit of this repository, with nothing else."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_on_whales import DockerClient

from flotilla_launcher.naming import image, module_of
from flotilla_testing.ports import free_port

from .conftest import HARDENED, ROOT, RUN, hello, speak
from .test_images import core

BUILT = f"{RUN}-alone"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The files that git knows, as one commit at an address that the engine can clone from."""
    folder = tmp_path_factory.mktemp("registry")
    clone = folder / "flotilla"
    clone.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    packed = subprocess.run(["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=listed, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=clone, input=packed.stdout, check=True)
    git(clone, "init", "--quiet")
    git(clone, "add", "--all", "--force")
    git(clone, "commit", "--quiet", "--message", "as it stands")
    port = free_port()
    command = ["git", "daemon", "--reuseaddr", "--export-all", f"--base-path={folder}", "--listen=127.0.0.1"]
    daemon = subprocess.Popen([*command, f"--port={port}", str(folder)], stderr=subprocess.DEVNULL)
    url = f"git://127.0.0.1:{port}/flotilla"
    try:
        end = time.monotonic() + 10
        while subprocess.run(["git", "ls-remote", url], capture_output=True, check=False).returncode:
            assert daemon.poll() is None, "git daemon did not start"
            assert time.monotonic() < end
            time.sleep(0.1)
        yield f"{url}#{git(clone, 'rev-parse', 'HEAD')}"
    finally:
        daemon.terminate()
        daemon.wait(10)


def this_machine() -> list[str]:
    """Return what only this machine's builds need: its mirrors, as secrets (paths from ROOT), and its network."""
    common = json.loads((ROOT / "build" / "bake.json").read_text(encoding="utf-8"))["target"]["_common"]
    return [f"--network={common['network']}", *(f"--secret={secret}" for secret in common["secret"])]


@pytest.mark.parametrize("slug", ["calendly"])  # the switchboard is in no registry: it needs `make setup`
def test_dockerfile_builds_alone_from_a_commit(docker: DockerClient, images: None, repository: str, slug: str) -> None:
    """The registry's own command: no bake file, no named context, no image of ours that would have to be there."""
    command = ["docker", "buildx", "build", "--builder", "default", "--load", "--tag", BUILT]
    command += ["-f", f"servers/{module_of(slug)}/Dockerfile", *this_machine(), repository]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    try:
        assert layers(docker, BUILT) == layers(docker, image(slug)), "it is not the image that the bake file makes"
        if slug != "switchboard":
            named = ["docker", "run", "-i", "--rm", "--pull=never", "--name", f"{RUN}-alone-{slug}", *HARDENED, BUILT]
            answers = speak(named, *hello(), {"id": 1, "method": "tools/list", "params": {}})
            assert answers[1]["result"]["tools"] == core(slug)
    finally:
        docker.image.remove(BUILT, force=True)


def layers(docker: DockerClient, name: str) -> list[str]:
    layers = docker.image.inspect(name).root_fs.layers
    assert layers
    return list(layers)

"""What an image pays before its first call: its memory, its modules, and the same answers as the server's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli.generator.discovery import HELLO, META
from flotilla_cli.generator.servers import ROOT
from flotilla_launcher.naming import image
from flotilla_launcher.protocol import LISTS
from flotilla_testing.leftovers import name_of_run

sys.path.append(str(ROOT))  # the benchmark speaks to servers in the plainest way there is
from tests.bench.inside import Session

LIMIT = 12.0  # MB
HEAVY = {
    "re",
    "enum",
    "json",
    "signal",
    "logging",
    "asyncio",
    "typing",
    "pathlib",
    "collections",
    "fastmcp",
    "pydantic",
}
IMAGES = set(
    subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=False
    ).stdout.split()
)
pytestmark = [pytest.mark.docker, pytest.mark.skipif(image("base") not in IMAGES, reason="no images: `make build`")]
KINDS = ("calendly", "email", "facturation-pro", "filesystem", "switchboard")  # facturation-pro: the longest lists
SLUGS = [slug for slug in KINDS if image(slug) in IMAGES]


def run(slug: str, *arguments: str) -> Session:
    return Session(["docker", "run", "-i", "--rm", "--init", "--network", "none", *arguments, image(slug)])


def answers(slug: str, modern: bool, *arguments: str) -> list[dict[str, Any]]:
    session = run(slug, *arguments)
    asked = [session.ask("server/discover", {"_meta": META})] if modern else [session.ask("initialize", HELLO)]
    if not modern:
        session.tell("notifications/initialized")
    asked += [session.ask(method, {"_meta": META} if modern else None) for method in LISTS.values()]
    session.close()
    return asked


@pytest.mark.parametrize("modern", [False, True], ids=["2025-11-25", "2026-07-28"])
@pytest.mark.parametrize("slug", SLUGS)
def test_image_responds_same_as_server(slug: str, modern: bool) -> None:
    """The other servers: in tests/docker/test_images.py at one revision, and in test_discovery.py without an image."""
    assert answers(slug, modern) == answers(slug, modern, "-e", "FLOTILLA_PRECOMPUTED=off")


@pytest.mark.parametrize("slug", [slug for slug in SLUGS if slug != "switchboard"])
def test_image_memory_of_an_idle_server(slug: str) -> None:
    name = name_of_run()
    session = run(slug, "--name", name)
    try:
        session.listed()
        top = subprocess.run(
            ["docker", "top", name, "-o", "pid,args"], capture_output=True, text=True, check=True
        ).stdout
        pid = next(line.split()[0] for line in top.splitlines() if "boot.pyc" in line and "init" not in line)
        status = Path(f"/proc/{pid}/status").read_text()
    finally:
        session.close()
    rss = next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmRSS"))
    assert rss <= LIMIT


def test_image_loads_nothing_heavy_before_the_first_call() -> None:
    code = (
        "import sys; sys.path.append('/app/lib'); from flotilla_launcher import discovery;"
        "discovery.DiscoveryProxy(discovery.read('/app/lib/flotilla_servers/filesystem/discovery.json'));"
        "print(' '.join(sys.modules))"
    )
    entry = ["--entrypoint", "/usr/bin/python3.13", image("filesystem"), "-I", "-S", "-c", code]
    done = subprocess.run(["docker", "run", "--rm", *entry], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("wrong", ["", "description", "argument"])
def test_image_build_compares_the_process_with_tools_json(tmp_path: Path, wrong: str) -> None:
    for path in ("servers/calendly", "scripts/flotilla_cli/generator"):
        shutil.copytree(ROOT / path, tmp_path / path, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    file = tmp_path / "servers/calendly/tools.json"
    tools = json.loads(file.read_text(encoding="utf-8"))
    if wrong == "description":
        tools[0]["description"] += " And more."
    elif wrong == "argument":
        tools[-1]["arguments"].pop()
    file.write_text(json.dumps(tools), encoding="utf-8")
    engine = subprocess.run(["docker", "context", "show"], capture_output=True, text=True, check=True).stdout.strip()
    command = ["docker", "buildx", "bake", "--builder", engine, "-f", "docker-bake.hcl", "-f", "build/bake.json"]
    command += ["--set", f"calendly.context={tmp_path}", "--set", "calendly.tags=flotilla-test-calendly", "calendly"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    subprocess.run(["docker", "image", "rm", "--force", "flotilla-test-calendly"], capture_output=True, check=False)
    assert (done.returncode != 0) is bool(wrong), done.stderr[-2000:]
    assert ("tools.json is out of date" in done.stderr) is bool(wrong)

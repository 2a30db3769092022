"""The workflow that publishes from GitHub: nothing in it moves by itself, and it does what `make release` does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

TEXT = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    jobs: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["jobs"]
    return jobs["release"]


def test_actions_are_pinned_to_commits() -> None:
    """With the version beside each, for people."""
    used = re.findall(r"uses: (.*)", TEXT)
    assert len(used) == len(re.findall(r"\buses\b", TEXT)) > 5
    assert [one for one in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


def test_workflow_may_sign_and_publish_and_nothing_else(job: dict[str, Any]) -> None:
    assert yaml.safe_load(TEXT)["permissions"] == {}
    assert job["permissions"] == {"contents": "write", "packages": "write", "id-token": "write"}


def test_inputs_reach_the_shell_as_variables_alone(job: dict[str, Any]) -> None:
    """A version that holds a command is not run."""
    assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize(("version", "marked"), [("1.3.0", False), ("1.3.0-rc.1", True)])
def test_prerelease_is_marked_as_one(job: dict[str, Any], tmp_path: Path, version: str, marked: bool) -> None:
    (command,) = [step["run"] for step in job["steps"] if step.get("name") == "Publish at GitHub"]
    (tmp_path / "build" / "release" / version).mkdir(parents=True)
    (tmp_path / "gh").write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    (tmp_path / "gh").chmod(0o755)
    shown = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "VERSION": version},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.startswith(f"release create v{version} ")
    assert ("--prerelease" in shown) is marked


@pytest.mark.parametrize("dry_run", ["", "1"])
def test_workflow_releases_keyless_for_both_architectures(job: dict[str, Any], dry_run: str) -> None:
    (builder,) = [step["with"]["name"] for step in job["steps"] if "setup-buildx" in step.get("uses", "")]
    (command,) = [step["run"] for step in job["steps"] if step.get("name") == "Release"]
    shown = subprocess.run(
        ["sh", "-c", command.replace("make release", "make --dry-run release")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "VERSION": "1.2.3", "DRY_RUN": dry_run},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    called = shown.partition("scripts/flotilla release ")[2].replace("\\\n", " ")
    wanted = ["1.2.3", "--builder", builder, "--platforms", "linux/amd64,linux/arm64"]
    assert called.split() == [*wanted, *(["--dry-run"] if dry_run else [])]

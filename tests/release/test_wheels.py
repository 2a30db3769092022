"""Wheels, source distributions and bundles: the same commit makes the same bytes."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from flotilla_cli.release import packages
from flotilla_cli.release.progress import Release
from flotilla_launcher.version import VERSION
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_packages_same_commit_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever builds them, in which folder, time zone and umask, and in which order Python's sets are read."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    made = []
    for name, umask, zone in (("one", 0o022, "UTC"), ("other", 0o077, "Pacific/Auckland")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("PYTHONHASHSEED", str(umask))
        release = Release(VERSION, "ghcr.io/test", [], into=tmp_path / name)
        before = os.umask(umask)
        try:
            packages.wheels(release)
            packages.pack(release)
        finally:
            os.umask(before)
        files = [*release.folder.glob("dist/flotilla*"), *release.folder.glob("*.mcpb")]
        made.append({path.name: path.read_bytes() for path in files})
    assert sorted(made[0]) == sorted(
        ["files.mcpb", "switchboard.mcpb"]
        + [
            f"flotilla_{part}-{VERSION}{ending}"
            for part in ("fleet", "mcp")
            for ending in ("-py3-none-any.whl", ".tar.gz")
        ]
    )
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
    for name, content in made[0].items():
        names = names_in(content)
        assert any(path.split("/")[-1] == "LICENSE" for path in names), name
        assert [path for path in names if {"tests", ".git", ".env"} & set(path.split("/"))] == [], name


def test_licence_of_the_library_is_that_of_the_project() -> None:
    """Its package is made of `shared/` alone, so it has a copy."""
    assert (ROOT / "shared" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def names_in(content: bytes) -> list[str]:
    """Return the paths of the files in a ZIP or tar file."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.namelist()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()

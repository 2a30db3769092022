"""A release that is ended at any moment goes on: each step is done, and what is pushed is what was built."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli.release import __main__ as release_command
from flotilla_cli.release import archive, catalogs, contents, images, packages
from flotilla_cli.release.progress import Release
from flotilla_launcher.version import VERSION


class Ended(BaseException):
    """The process was killed."""


class Fakes:
    """An engine and a registry, as far as the commands of a release show them. It ends the process after a command."""

    def __init__(self) -> None:
        self.local: dict[str, str] = {}
        self.registry: dict[str, str] = {}
        self.built = 0
        self.left: int | None = None  # commands until the end

    def output(self, release: Release, command: Sequence[str], environ: dict[str, str] | None = None) -> str:
        answer = self.answer(release, list(command))
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Ended
        return answer

    def answer(self, release: Release, command: list[str]) -> str:
        match command:
            case ["scripts/build", *slugs]:
                self.build(release.image(slug) for slug in slugs)
                if release.builder:
                    self.registry.update(self.local)
            case ["docker", "buildx", "inspect", *_]:
                return f"Platforms: {images.PLATFORMS}"
            case ["docker", "image", "inspect", *_, name]:
                return self.local[name]
            case ["docker", "tag", image, name]:
                self.local[name] = image
            case ["docker", "push", *_, name]:
                self.registry[name] = self.local[name]
            case ["docker", "buildx", "imagetools", "inspect", "--raw", _]:
                return "{}"
            case ["docker", "buildx", "imagetools", "inspect", name, *_]:
                return json.dumps({"digest": f"sha256:{self.registry[name]}"})
            case ["oras", "push", *_]:
                self.registry[release.image("catalog")] = "catalog"
            case ["oras", "manifest", "fetch", *_]:
                return json.dumps({"digest": "sha256:catalog"})
            case ["git", *_]:
                return "1"
        return ""

    def build(self, names: Any) -> None:
        self.built += 1
        self.local |= {name: f"{name.split('/')[-1]}-of-build-{self.built}" for name in names}


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    fakes = Fakes()
    monkeypatch.setattr(Release, "commit", "0" * 40)
    monkeypatch.setattr(Release, "_output", lambda *arguments: fakes.output(*arguments))
    monkeypatch.setattr(images, "exists", lambda _, name: name in fakes.registry)
    monkeypatch.setattr(contents, "of_image", lambda *_: contents.Contents())
    for name in ("write_catalog", "write_tree", "write_server_json"):  # they only write files, and take seconds
        monkeypatch.setattr(catalogs, name, lambda _: None)
    monkeypatch.setattr(archive, "write_archive", lambda _: "")
    monkeypatch.setattr(packages, "wheels", lambda _: [])
    monkeypatch.setattr(packages, "pack", lambda _: {})
    monkeypatch.setattr(packages, "checksums", lambda _: None)
    return fakes


def release(folder: Path, builder: str) -> Release:
    (folder / "CHANGELOG.md").write_text(f"## {VERSION}\n\n- One thing.\n", encoding="utf-8")
    return Release(
        VERSION, "ghcr.io/test", ["calendly", "email"], key="k", builder=builder, root=folder, into=folder / "into"
    )


@pytest.mark.parametrize("builder", ["", "fleet"])
def test_release_ended_after_any_command_goes_on(
    fakes: Fakes, tmp_path: Path, builder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fakes, "answer", lambda _, command, real=fakes.answer: "" if command[:2] in STATUS else real(_, command)
    )
    for ended_after in range(200):
        fakes.local, fakes.registry, fakes.built, fakes.left = {}, {}, 0, ended_after
        (folder := tmp_path / str(ended_after)).mkdir()
        try:
            release_command.perform(release(folder, builder))
            break
        except Ended:
            fakes.left = None
            fakes.local = dict.fromkeys(fakes.local, "another-commit's")  # built since, under the same names
        again = release(folder, builder)
        assert release_command.perform(again) == 0
        assert [step.name for step in release_command.steps(again)] == [
            name for name in again.done if name != release_command.BEGUN
        ]
        for slug in again.slugs:
            assert "-of-build-" in fakes.registry[again.image(slug)]
            assert again.done[f"push {slug}"] == f"sha256:{fakes.registry[again.image(slug)]}"
    assert ended_after > 20


STATUS = (["git", "status"], ["git", "tag"])  # nothing is changed, and no version has a tag

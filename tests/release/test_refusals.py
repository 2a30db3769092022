"""What must not be released is refused, before anything is changed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from flotilla_cli import paths
from flotilla_cli.release import __main__ as release_command
from flotilla_cli.release import images
from flotilla_cli.release.progress import Release, ReleaseError
from flotilla_launcher.naming import REGISTRY
from flotilla_launcher.version import VERSION

NOTES = f"# Changes\n\n## {VERSION} (unreleased)\n\n- One thing.\n\n## 0.0.1\n\n- First.\n"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """A release of a repository of its own, which nothing speaks against; its registry is empty."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "CHANGELOG.md").write_text(NOTES, encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    monkeypatch.setattr(images, "exists", lambda *_: False)
    folder = tmp_path / ".git" / "release"
    release = Release(VERSION, "ghcr.io/test", ["calendly"], key="cosign.key", root=tmp_path, into=folder)
    release_command.check(release)
    return release


def refused(release: Release, message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        release_command.check(release)


def test_uncommitted_file_is_refused(release: Release) -> None:
    (release.root / "new").touch()
    refused(release, r"These files are not:\n\?\? new")


def test_missing_changelog_section_is_refused(release: Release) -> None:
    (release.root / "CHANGELOG.md").write_text(NOTES.replace(VERSION, "9.0.0"), encoding="utf-8")
    git(release.root, "commit", "--all", "--quiet", "--message", "two")
    refused(release, f"no section `## {VERSION}`")


def test_tagged_version_is_refused(release: Release) -> None:
    git(release.root, "tag", f"v{VERSION}")
    refused(release, "Choose the next version")


def test_version_in_the_registry_is_refused(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "exists", lambda *_: True)
    refused(release, f"ghcr.io/test/calendly:{VERSION} exists already")
    release.done[release_command.BEGUN] = None  # then it may be this release that pushed, before it was interrupted
    release_command.check(release)


def test_catalog_in_the_registry_is_refused(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "exists", lambda _, name: "/catalog:" in name)
    refused(release, f"ghcr.io/test/catalog:{VERSION} exists already")


def test_release_that_nobody_signs_is_refused(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", raising=False)
    release.key = ""
    refused(release, "KEY=cosign.key")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "from GitHub")
    release_command.check(release)


@pytest.mark.parametrize("change", ["registry", "slugs", "builder", "platforms", "commit"])
def test_interrupted_release_of_something_else_is_refused(
    release: Release, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """What was built for one must not be pushed, signed and listed for the other."""
    release.finish(release_command.BEGUN, None)
    release.resume()
    monkeypatch.setattr(Release if change == "commit" else release, change, ["email"] if change == "slugs" else "other")
    with pytest.raises(ReleaseError, match="delete the folder"):
        release.resume()


@pytest.mark.parametrize(
    "version",
    [
        "1.2",
        "v1.2.3",
        "latest",
        "",
        "1.2.3.4",
        "01.2.3",
        "1.2.3-",
        "1.2.3-1",
        "1.2.3-x.1",
        "1.2.3+b",
        "1.2.3\n",
        "١.2.3",
    ],
)
def test_version_that_is_none_is_refused(release: Release, version: str) -> None:
    release.version = version
    refused(release, "is not a valid version")


def test_version_that_the_checkout_has_not_is_refused(release: Release) -> None:
    release.version = "99.0.0"
    refused(release, f"The checkout has version {VERSION}")


class Answers(BaseHTTPRequestHandler):
    """A registry that gives one answer to everything."""

    status = 404

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/v2/" else self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def fake_registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


@pytest.mark.docker
@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_only_a_registry_that_says_so_has_no_such_image(
    release: Release, monkeypatch: pytest.MonkeyPatch, fake_registry: str, status: int
) -> None:
    """Whatever the image, its version and the registry's port are called."""
    monkeypatch.undo()
    monkeypatch.setattr(Answers, "status", status)
    with pytest.raises(ReleaseError, match=r"authoriz|unexpected status"):
        images.exists(release, f"{fake_registry}/test/calendly:1.2.404")
    monkeypatch.setattr(Answers, "status", 404)
    assert not images.exists(release, f"{fake_registry}/test/calendly:1.2.3")


@pytest.mark.parametrize(
    ("platforms", "missing"), [("", "linux/arm64"), ("linux/amd64", ""), ("linux/arm/v7,linux/386", "linux/arm/v7")]
)
def test_builder_must_make_every_platform(
    release: Release, monkeypatch: pytest.MonkeyPatch, platforms: str, missing: str
) -> None:
    """Which it says itself, before hours of building."""
    shown = "Name: fleet\n\nNodes:\nPlatforms: linux/amd64*, linux/amd64/v2, linux/386\nLabels:\n"
    real = release.read
    monkeypatch.setattr(release, "read", lambda *command: shown if "buildx" in command else real(*command))
    release.builder, release.platforms = "fleet", platforms
    if missing:
        refused(release, f"makes no images of {missing}\\. .*qemu")
    else:
        release_command.check(release)


def test_platforms_need_a_builder(release: Release) -> None:
    release.platforms = "linux/arm64"
    with pytest.raises(ReleaseError, match="--builder"):
        release_command.perform(release)


def test_dry_run_shows_every_step_and_changes_nothing(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    (release.root / "new").touch()
    release.dry_run, release.key = True, "cosign.key"
    assert release_command.perform(release) == 0
    shown = capsys.readouterr().out
    assert "This would be refused: What is released must be committed." in shown
    for command in (
        "scripts/build calendly",
        "docker push",
        "cosign sign --yes --key cosign.key",
        "oras tag",
        "git -c tar.umask=0022 -c 'tar.tar.gz.command=git archive gzip' archive --format=tar.gz",
        f"writes {paths.short(release.folder)}/install",
        "uv publish",
    ):
        assert command in shown
    assert not release.folder.exists()


@pytest.mark.docker
def test_every_image_that_compose_names_is_released() -> None:
    """With a builder of its own too: what a person starts can be pulled."""
    text = "".join(path.read_text(encoding="utf-8") for path in (paths.ROOT / "compose").rglob("*.yaml"))
    named = set(re.findall(rf"{re.escape(REGISTRY)}/([\w-]+):", text))
    assert "fleet" in named
    assert named <= set(images.released())
    command = ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "--print", "release"]
    printed = json.loads(subprocess.run(command, cwd=paths.ROOT, capture_output=True, check=True).stdout)
    assert sorted(printed["group"]["release"]["targets"]) == sorted(f"release-{slug}" for slug in images.released())


@pytest.mark.parametrize(("version", "marked"), [("1.3.0", False), ("1.3.0-rc.1", True)])
def test_prerelease_is_marked_as_one(release: Release, version: str, marked: bool) -> None:
    release.version = version
    (command,) = [line for line in release_command.left(release) if line.startswith("gh ")]
    assert ("--prerelease" in command) is marked


def test_notes_are_one_section_of_the_changelog() -> None:
    assert release_command.notes(VERSION, NOTES) == "- One thing.\n"
    assert release_command.notes("0.0.1", NOTES) == "- First.\n"
    assert release_command.notes("0.0", NOTES) == ""


@pytest.mark.parametrize(
    ("version", "tags"), [("1.2.3", ["1.2", "1", "latest"]), ("0.1.0", ["0.1", "0", "latest"]), ("1.3.0-rc.1", [])]
)
def test_tags_of_a_version(version: str, tags: list[str]) -> None:
    assert images.tags(version) == tags


@pytest.mark.parametrize(
    ("version", "tags"),
    [
        ("1.2.4", ["1.2"]),
        ("1.10.3", ["1.10", "1"]),
        ("1.9.9", ["1.9"]),
        ("2.0.2", ["2.0", "2", "latest"]),
        ("2.0.0", []),
    ],
)
def test_tag_never_goes_back_to_an_older_version(release: Release, version: str, tags: list[str]) -> None:
    for tag in ("v1.2.3", "v1.10.2", "v2.0.1", "v3.0.0-rc.1", "vendor", "9.9.9"):
        git(release.root, "tag", tag)
    release.version = version
    assert images.further_tags(release) == tags

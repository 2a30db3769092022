"""Nothing in an image that a scanner would call unpinned, and nothing that starts or installs programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flotilla_cli import system
from flotilla_cli.release import contents, images
from flotilla_cli.release.progress import Release, ReleaseError
from flotilla_launcher.naming import image

WITH_OWN_PACKAGES = ["email", "export", "filesystem", "switchboard", "telephony"]  # the others have the base's alone


@pytest.mark.docker
@pytest.mark.parametrize("slug", WITH_OWN_PACKAGES)
def test_image_holds_what_the_lock_files_pin(slug: str) -> None:
    if not system.image_ids([image(slug)]):
        pytest.skip(f"{image(slug)} is not there: scripts/build makes it")
    inside = contents.of_image(image(slug))
    assert inside.unwanted() == []
    assert inside.unpinned(contents.pins(slug)) == []
    assert len([package for package in inside.packages if package[0] == "pypi"]) > 30
    assert {package[1] for package in inside.packages if package[0] == "deb"} >= {
        "libc6",
        "libssl3t64",
        "ca-certificates",
    }


def test_unwanted_names_shells_installers_and_setuid() -> None:
    modes = {
        "bin/sh": 0o755,
        "usr/bin/dash": 0o755,
        "usr/bin/apt-get": 0o755,
        "usr/local/bin/pip3": 0o755,
        "usr/lib/helper": 0o4755,
        "usr/bin/python3.13": 0o755,
        "app/lib/flotilla/refresh": 0o644,
        "usr/share/doc/dash/copyright": 0o644,
    }
    assert contents.Contents(modes).unwanted() == sorted(list(modes)[:5])


def test_unpinned_compares_versions_by_normalized_name(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name, text in (
        ("base", "Typing_Extensions==4.1 \\\n    --hash=sha256:0\n"),
        ("export", "reportlab==4.5 ; python_version >= '3.11'\n"),
        ("export-fonts", "fonts==1\n"),
        ("email", "imapclient==3\n"),
    ):
        (tmp_path / "requirements" / f"{name}.txt").write_text(text, encoding="utf-8")
    pins = contents.pins("export", tmp_path)
    assert pins == {"typing-extensions": "4.1", "reportlab": "4.5", "fonts": "1"}
    assert contents.pins("fleet", tmp_path) == {**pins, "imapclient": "3"}
    packages = [
        ("deb", "libc6", "2.41", "amd64"),
        ("pypi", "typing-extensions", "4.1", ""),
        ("pypi", "reportlab", "4.4", ""),
        ("pypi", "imapclient", "3", ""),
    ]
    assert contents.Contents({}, packages).unpinned(pins) == ["imapclient 3", "reportlab 4.4"]


def test_every_platform_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is wrong in one of them is wrong."""
    index = [(f"sha256:{name}", {"os": "linux", "architecture": name}) for name in ("amd64", "arm64")]
    index.append(("sha256:attestation", {"os": "unknown", "architecture": "unknown"}))
    inside = {
        "r/calendly@sha256:amd64": contents.Contents({}, [("deb", "libc6", "2.41", "amd64")]),
        "r/calendly@sha256:arm64": contents.Contents({}, [("deb", "libc6", "2.41", "arm64")]),
    }
    monkeypatch.setattr(contents, "of_image", lambda name: inside[name])
    release = Release("1.2.3", "r", ["calendly"], into=tmp_path, done={"push calendly": "sha256:index"})
    raw = json.dumps({"manifests": [{"digest": digest, "platform": platform} for digest, platform in index]})
    monkeypatch.setattr(release, "_output", lambda command, *_: raw if "--raw" in command else "1")
    images.describe(release, "calendly")
    made = json.loads((release.folder / "sbom" / "calendly.cdx.json").read_text(encoding="utf-8"))
    assert [one["purl"].partition("?")[2].split("&")[0] for one in made["components"]] == ["arch=amd64", "arch=arm64"]
    inside["r/calendly@sha256:arm64"].packages.append(("pypi", "surprise", "1", ""))
    with pytest.raises(ReleaseError, match="surprise 1"):
        images.describe(release, "calendly")


def test_bill_of_materials_same_input_same_text() -> None:
    packages = [("deb", "libc6", "2.41-12+deb13u1", "amd64"), ("pypi", "mcp", "2.3.0", "")]
    made = contents.bill_of_materials("ghcr.io/x/y", "1.0.0", packages)
    assert json.dumps(made) == json.dumps(contents.bill_of_materials("ghcr.io/x/y", "1.0.0", packages))
    assert [component["purl"] for component in made["components"]] == [
        "pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=amd64&distro=debian-13",
        "pkg:pypi/mcp@2.3.0",
    ]

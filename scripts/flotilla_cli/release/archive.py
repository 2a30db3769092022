"""Flotilla for a machine without git: an archive of the commit, and the copy of scripts/install that checks it."""

from __future__ import annotations

import hashlib
import re

from flotilla_cli.release.progress import Release, ReleaseError


def write_archive(release: Release) -> str:
    """Write flotilla-<version>.tar.gz, the commit without its tests, and `install` beside it; return its SHA-256.

    All files of the archive have the commit's date, so that the same commit makes the same bytes.
    """
    name = f"flotilla-{release.version}"
    path = release.folder / f"{name}.tar.gz"
    if not release.dry_run:
        release.folder.mkdir(parents=True, exist_ok=True)
    settings = ("-c", "tar.umask=0022", "-c", "tar.tar.gz.command=git archive gzip")  # whatever the user's own are
    release.run(
        "git", *settings, "archive", "--format=tar.gz", f"--prefix={name}/", f"--output={path}", "HEAD",
        "--", ".", ":(exclude,glob)**/tests/**",
    )  # fmt: skip
    if release.dry_run:
        release.write("install", "")
        return ""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    script = (release.root / "scripts" / "install").read_text(encoding="utf-8")
    release.write("install", published(script, release.version, checksum))
    return checksum


def published(script: str, version: str, checksum: str) -> str:
    """Return scripts/install with the release that it fetches. Raises ReleaseError where it has no place for that."""
    for name, value in (("VERSION", version), ("SHA256", checksum)):
        script, number = re.subn(rf"^{name}=$", f"{name}={value}", script, flags=re.MULTILINE)
        if number != 1:
            raise ReleaseError(f"scripts/install has {number} lines `{name}=`, and must have one.")
    return script

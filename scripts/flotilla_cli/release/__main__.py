"""Release a version: build, push, sign and describe the images, write catalogs, packages and notes.

Each step is done once: a run that was interrupted goes on where it stopped. `--dry-run` shows the steps with their
commands, and changes nothing. What is written stands in build/release/<version>/. See docs/publishing.md.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flotilla_cli import paths
from flotilla_cli.release import archive, catalogs, images, packages
from flotilla_cli.release.progress import Release, ReleaseError, Step
from flotilla_launcher.naming import REGISTRY, slug_of
from flotilla_launcher.version import VERSION

BEGUN = "begun"  # what a release remembers before it changes anything: the registry had no such version
# A number that semantic versions, Python's and Docker's tags all know.
SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|rc)\.(0|[1-9]\d*))?", re.ASCII)


def notes(version: str, changelog: str) -> str:
    """Return the changelog's section on a version, "" where there is none."""
    section = re.search(
        rf"^## {re.escape(version)}(?![\w.-])[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return section[1].strip() + "\n" if section and section[1].strip() else ""


def check(release: Release) -> None:
    """Raise ReleaseError for what must not be released. Nothing is changed before all of this holds."""
    if not SEMANTIC.fullmatch(release.version):
        raise ReleaseError(f"{release.version} is not a valid version. Write it as 1.2.3, or 1.2.3-rc.1.")
    if release.version != VERSION:
        raise ReleaseError(
            f"The checkout has version {VERSION}. Write {release.version} into "
            "shared/src/flotilla_launcher/version.py, run `make generate`, and commit."
        )
    if changed := release.read("git", "status", "--porcelain"):
        raise ReleaseError(f"What is released must be committed. These files are not:\n{changed}")
    if not notes(release.version, (release.root / "CHANGELOG.md").read_text(encoding="utf-8")):
        raise ReleaseError(f"CHANGELOG.md has no section `## {release.version}`. Write what changes for users.")
    if release.read("git", "tag", "--list", f"v{release.version}"):
        raise ReleaseError(f"Version {release.version} has a tag, v{release.version}. Choose the next version.")
    if not release.key and "ACTIONS_ID_TOKEN_REQUEST_TOKEN" not in os.environ:
        raise ReleaseError("Nobody signs: name a key with KEY=cosign.key. Only the workflow at GitHub signs without.")
    if missing := images.platforms_missing(release):
        raise ReleaseError(
            f"The builder {release.builder} makes no images of {', '.join(missing)}. It does where qemu is registered: "
            "`docker run --privileged --rm tonistiigi/binfmt --install all`, or Debian's package qemu-user-static."
        )
    if release.dry_run or BEGUN in release.done:
        return  # nothing is asked of the registry; what stands there is ours
    for slug in [*release.slugs, "catalog"]:
        if images.exists(release, release.image(slug)):
            raise ReleaseError(f"{release.image(slug)} exists already, and no version is released twice.")


def steps(release: Release) -> list[Step]:
    """Return the steps in their order. Tags that people follow come after everything that can fail."""

    def of_each(verb: str, about: str, action: Callable[[Release, str], Any]) -> list[Step]:
        return [Step(f"{verb} {slug}", f"{about} {slug}", partial(_of_one, action, slug)) for slug in release.slugs]

    return [
        Step("key", "write the public key", images.write_public_key),
        Step("build", "build the images", images.build),
        *of_each("push", "push the image of", images.push),
        *of_each("describe", "write bill of materials and provenance of", images.describe),
        *of_each("sign", "sign, attest and verify the image of", images.sign),
        Step("catalog", "write the catalog by digest", catalogs.write_catalog),
        Step("catalog artefact", "push the catalog for `docker mcp catalog pull`", catalogs.push_catalog),
        Step("registry tree", "write the pull request for docker/mcp-registry", catalogs.write_tree),
        Step("archive", "write the archive, and the installer that knows its checksum", archive.write_archive),
        Step("wheels", "build the wheels", packages.wheels),
        Step("packages", "write the bundles for Claude Desktop", packages.pack),
        Step("server.json", "write the MCP registry's files", catalogs.write_server_json),
        Step("notes", "write the release notes", write_notes),
        Step("checksums", "write and sign the checksums", packages.checksums),
        *of_each("tag", "give its further tags to the image of", images.tag),
    ]


def _of_one(action: Callable[[Release, str], Any], slug: str, release: Release) -> Any:
    return action(release, slug)


def write_notes(release: Release) -> None:
    """Write the release notes."""
    release.write("NOTES.md", notes(release.version, (release.root / "CHANGELOG.md").read_text(encoding="utf-8")))


def left(release: Release) -> list[str]:
    """Return the commands that are left: they write to places that belong to accounts of people."""
    folder, tag = paths.short(release.folder), f"v{release.version}"
    kind = "--prerelease " if "-" in release.version else ""  # GitHub calls every other one its latest
    key = f" {folder}/cosign.pub" if release.key else ""
    return [
        f"git tag --annotate --message 'Flotilla {release.version}' {tag} && git push origin {tag}",
        f"gh release create {tag} {kind}--notes-file {folder}/NOTES.md {folder}/dist/* {folder}/*.mcpb "
        f"{folder}/*.tar.gz {folder}/install {folder}/flotilla.yaml {folder}/SHA256SUMS*{key}",
        f".venv/bin/uv publish {folder}/dist/*",
        f"for one in {folder}/mcp-registry/*/; do (cd $one && mcp-publisher publish); done",
        f"# a pull request with {folder}/docker-mcp-registry/servers/ for docker/mcp-registry",
    ]


def main(argv: list[str]) -> int:
    """Run the command; 1 when a release is refused, or a step fails."""
    options = _options(argv)
    release = Release(
        version=options.version,
        registry=options.registry,
        slugs=[slug_of(name) for name in options.servers.split(",") if name] or images.released(),
        key=str(options.key.absolute()) if options.key else "",
        builder=options.builder,
        platforms=options.platforms,
        certificate=str(options.certificate.absolute()) if options.certificate else "",
        dry_run=options.dry_run,
    )
    try:
        return perform(release)
    except ReleaseError as problem:
        return paths.fail(str(problem))


def perform(release: Release) -> int:
    """Do the steps that are not done yet. Raises ReleaseError."""
    if unknown := set(release.slugs) - set(images.released()):
        raise ReleaseError(f"{', '.join(sorted(unknown))}: no such server.")
    if release.platforms and not release.builder:
        raise ReleaseError(
            "The engine's own builder makes images of this machine's architecture only. Name a builder with --builder: "
            "`docker buildx create --driver docker-container` makes one."
        )
    release.resume()
    try:
        check(release)
    except ReleaseError as problem:
        if not release.dry_run:
            raise
        paths.say(f"This would be refused: {problem}\n")
    if not release.dry_run:
        release.finish(BEGUN, None)
    for number, step in enumerate(planned := steps(release), 1):
        before = step.name in release.done
        paths.say(f"{number:3}/{len(planned)} {step.about}{' (done before)' if before else ''}")
        if before:
            continue
        result = step.action(release)
        if not release.dry_run:
            release.finish(step.name, result)
    paths.say("\n".join(["", "What is left, with your own accounts:", *left(release)]))
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/flotilla release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="the version, which the checkout has already")
    parser.add_argument("--dry-run", action="store_true", help="show the steps and their commands, and change nothing")
    parser.add_argument("--registry", default=REGISTRY, help="where the images go (default: %(default)s)")
    parser.add_argument("--servers", default="", help="only these, with commas between them: for a trial")
    parser.add_argument("--key", type=Path, help="cosign's private key; without one cosign signs keyless, as in CI")
    parser.add_argument("--builder", default="", help="a builder of buildx that makes attestations and other platforms")
    parser.add_argument("--platforms", default="", help="with --builder: linux/amd64,linux/arm64 for example")
    parser.add_argument("--certificate", type=Path, help="signs the bundles; its key stands beside it, as .key")
    return parser.parse_args(argv)

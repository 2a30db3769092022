"""The images of a release: built, pushed, described, signed, verified, and given their tags last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from flotilla_cli.generator.servers import slugs
from flotilla_cli.release import contents
from flotilla_cli.release.progress import UNKNOWN, Release, ReleaseError
from flotilla_launcher.naming import PROJECT, module_of

PLATFORMS = "linux/amd64,linux/arm64"  # as docker-bake.hcl has them
KINDS = {"cyclonedx": "cdx.json", "slsaprovenance1": "provenance.json"}  # of attestations, by cosign's names
FLEET = "fleet"  # an image and no server: the switchboard with all servers, for many tenants
ISSUER = "https://token.actions.githubusercontent.com"  # who says that a keyless signature is of this project's CI


def released() -> list[str]:
    """Return the names of all images that a release has: the servers', the switchboard's and `fleet`."""
    return [*slugs(), FLEET]


def build(release: Release) -> dict[str, str]:
    """Build all images, and return what the engine calls each.

    A builder of its own makes them for all platforms, and has pushed them, with BuildKit's own attestations.
    """
    environ = {"REGISTRY": release.registry, "VERSION": release.version, "SOURCE_DATE_EPOCH": release.epoch()}
    environ |= {"BUILDER": release.builder, "PLATFORMS": release.platforms} if release.builder else {}
    release.run("scripts/build", *release.slugs, **environ)
    if release.builder:
        return {}
    name = ("docker", "image", "inspect", "--format", "{{.Id}}")
    return {slug: release.run(*name, release.image(slug)) for slug in release.slugs}


def platforms_missing(release: Release) -> list[str]:
    """Return the platforms of which the release's builder makes no images. Raises ReleaseError where there is none."""
    if not release.builder:
        return []
    shown = release.read("docker", "buildx", "inspect", "--bootstrap", release.builder)
    able = {
        name for line in re.findall(r"^Platforms:(.*)$", shown, re.MULTILINE) for name in re.findall(r"[\w/]+", line)
    }
    return [name for name in (release.platforms or PLATFORMS).split(",") if name not in able]


def push(release: Release, slug: str) -> str:
    """Push an image with its full version and nothing else; return its digest.

    It is the one that was built, whatever has been built under this name since a run was interrupted.
    """
    if not release.builder:  # which has pushed already
        release.run("docker", "tag", release.done.get("build", {}).get(slug, release.image(slug)), release.image(slug))
        release.run("docker", "push", "--quiet", release.image(slug))
    return UNKNOWN if release.dry_run else digest(release, release.image(slug))


def digest(release: Release, name: str) -> str:
    """Return the digest of an image in its registry. Raises ReleaseError."""
    text = release.read("docker", "buildx", "imagetools", "inspect", name, "--format", "{{json .Manifest}}")
    return str(json.loads(text)["digest"])


def exists(release: Release, name: str) -> bool:
    """Tell whether a registry has an image. Raises ReleaseError where it does not answer."""
    try:
        digest(release, name)
    except ReleaseError as problem:
        if str(problem).endswith(f"{name}: not found"):  # of all answers only a registry's own "no"
            return False
        raise
    return True


def describe(release: Release, slug: str) -> None:
    """Write what is in the pushed image, and where it comes from. Raises ReleaseError for what no lock file pins.

    One bill of materials for all platforms: a Debian package's says in which it is.
    """
    packages = set()
    for name in variants(release, slug):
        release.run("docker", "pull", "--quiet", name)
        if not release.dry_run:
            inside = contents.of_image(name)
            if wrong := [*inside.unwanted(), *inside.unpinned(contents.pins(slug, release.root))]:
                raise ReleaseError(f"The image of {slug} must not hold {', '.join(wrong)}.")
            packages |= set(inside.packages)
    materials = contents.bill_of_materials(f"{release.registry}/{slug}", release.version, sorted(packages))
    release.write(f"sbom/{slug}.{KINDS['cyclonedx']}", json.dumps(materials, indent=2))
    release.write(f"sbom/{slug}.{KINDS['slsaprovenance1']}", json.dumps(provenance(release, slug), indent=2))


def variants(release: Release, slug: str) -> list[str]:
    """Return the images of all platforms by their digests; of one that was built for one platform, itself."""
    name = release.pinned(slug)
    if release.dry_run:
        return [name]
    index = json.loads(release.read("docker", "buildx", "imagetools", "inspect", "--raw", name))
    images = (one for one in index.get("manifests", ()) if one["platform"]["os"] != "unknown")  # but for attestations
    return [f"{release.registry}/{slug}@{one['digest']}" for one in images] or [name]


def provenance(release: Release, slug: str) -> dict[str, Any]:
    """Return what SLSA's provenance (version 1) says of an image: which commit, which Dockerfile, which command."""
    return {
        "buildDefinition": {
            "buildType": f"{PROJECT}/blob/main/docs/publishing.md#provenance",
            "externalParameters": {
                "dockerfile": "shared/fleet.Dockerfile" if slug == FLEET else f"servers/{module_of(slug)}/Dockerfile",
                "version": release.version,
                "platforms": release.platforms or "of the engine",
            },
            "internalParameters": {"SOURCE_DATE_EPOCH": release.epoch()},
            "resolvedDependencies": [{"uri": f"git+{PROJECT}", "digest": {"gitCommit": release.commit}}],
        },
        "runDetails": {"builder": {"id": f"{PROJECT}/blob/main/scripts/build"}, "metadata": {}},
    }


def sign(release: Release, slug: str) -> None:
    """Sign an image by its digest, attach both documents, signed too, and verify all three as a user would."""
    name, secret, public = release.pinned(slug), secret_options(release), public_options(release)
    release.run("cosign", "sign", "--yes", *secret, name)
    for kind, ending in KINDS.items():
        file = str(release.folder / "sbom" / f"{slug}.{ending}")
        release.run("cosign", "attest", "--yes", "--replace", *secret, "--type", kind, "--predicate", file, name)
    release.run("cosign", "verify", *public, name)
    for kind in KINDS:
        release.run("cosign", "verify-attestation", *public, "--type", kind, name)


def secret_options(release: Release) -> list[str]:
    """Return how cosign signs: with a key, which leaves no trace in the public log; else keyless, as CI does."""
    return ["--key", release.key, "--tlog-upload=false"] if release.key else []


def public_options(release: Release) -> list[str]:
    """Return how cosign verifies what `secret_options` signed."""
    if release.key:
        return ["--key", str(release.folder / "cosign.pub"), "--insecure-ignore-tlog=true"]
    return ["--certificate-identity-regexp", f"^{PROJECT}/", "--certificate-oidc-issuer", ISSUER]


def write_public_key(release: Release) -> None:
    """Write the public half of the key, with which users verify."""
    if release.key:
        release.write("cosign.pub", release.run("cosign", "public-key", "--key", release.key) + "\n")


def tags(version: str, released: Iterable[str] = ()) -> list[str]:
    """Return the further tags of a version: 1.2.3 is 1.2, 1 and latest too, 1.3.0-rc.1 nothing else.

    A tag never goes back: one that leads to something newer among the `released` versions stays there.
    """
    if "-" in version:
        return []
    mine = _numbers(version)
    newer = [other for other in map(_numbers, released) if other > mine]
    names = [f"{mine[0]}.{mine[1]}", f"{mine[0]}", "latest"]
    return [name for name, same in zip(names, (2, 1, 0), strict=True) if all(o[:same] != mine[:same] for o in newer)]


def further_tags(release: Release) -> list[str]:
    """Return the further tags of a release, beside the versions that have a tag in git."""
    tagged = release.read("git", "tag", "--list", "v*").split()
    return tags(release.version, [name[1:] for name in tagged if re.fullmatch(r"v\d+\.\d+\.\d+", name)])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def tag(release: Release, slug: str) -> None:
    """Give the signed image its further tags, which then lead to what was verified."""
    if names := further_tags(release):
        release.run("oras", "tag", release.pinned(slug), *names)

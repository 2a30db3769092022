"""Copy the catalog to where Docker's gateway reads it, ~/.docker/mcp/catalogs/, and make the secrets and settings files
beside it from examples where they do not exist."""

from __future__ import annotations

import argparse

from flotilla_cli import paths, servers, system


def install() -> list[str]:
    """Install what is missing or out of date; return a sentence for each thing done. Raises OSError."""
    done = []
    target = paths.installed_catalog()
    text = paths.CATALOG.read_text(encoding="utf-8")
    if target.is_symlink():  # Docker's gateway refuses a catalog that links to another folder
        target.unlink()
    if not target.is_file() or target.read_text(encoding="utf-8", errors="replace") != text:
        paths.write(target, text, 0o644)
        done.append(f"Catalog: installed as {paths.short(target)}.")
    for path, example, purpose in (
        (
            paths.secrets_file(),
            "secrets.example.env",
            "Put the keys of your accounts there, one `name=value` per line.",
        ),
        (paths.config_file(), "config.example.yaml", "Put your preferences there."),
    ):
        if not path.exists():
            paths.write(path, (paths.ROOT / "catalog" / example).read_text(encoding="utf-8"))
            done.append(f"Created {paths.short(path)} from the example. {purpose}")
    return done


def missing(slugs: list[str]) -> dict[str, str]:
    """Return those images that the engine does not have, by slug."""
    images = dict(zip(slugs, servers.images(slugs), strict=True))
    present = system.image_ids(list(images.values()))
    return {slug: image for slug, image in images.items() if image not in present}


def missing_images(slugs: list[str]) -> list[str]:
    """Return sentences on the images that the catalog names and the engine does not have; none without an engine.

    Docker's gateway would try to pull such an image when it starts, and leave its server out when it cannot.
    """
    if not system.engine():
        return []
    images = missing(slugs)
    if not images:
        return []
    return [
        f"Images: missing on this machine: {', '.join(images.values())}.",
        "Docker's gateway pulls them if that version was released; otherwise it leaves these servers out.",
        f"To build them from this checkout: make build S='{' '.join(images)}'",
    ]


def main(argv: list[str]) -> int:
    """Say which images are missing, then install."""
    argparse.ArgumentParser(prog="scripts/flotilla install", description=__doc__).parse_args(argv)
    for line in missing_images(list(servers.registry())):
        paths.say(line)
    try:
        done = install()
    except OSError as problem:
        return paths.fail(f"{problem.filename} cannot be written: {problem.strerror}. Run `make doctor` to see why.")
    paths.say("\n".join(done) or f"{paths.short(paths.installed_catalog())} is up to date.")
    return 0

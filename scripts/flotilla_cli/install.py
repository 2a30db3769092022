"""Put the catalog where Docker's gateway takes it from, and the two files that the user fills in beside it."""

from __future__ import annotations

from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine


def install() -> list[str]:
    """Install what is missing or out of date; return a line for each thing that was done. Raises OSError."""
    done = []
    target = place.installed_catalog()
    text = place.CATALOG.read_text(encoding="utf-8")
    if target.is_symlink():  # the gateway refuses a catalog that leads out of its folder
        target.unlink()
    if not target.is_file() or target.read_text(encoding="utf-8", errors="replace") != text:
        place.write(target, text, 0o644)
        done.append(f"Catalog: installed as {place.short(target)}.")
    for path, example, what in (
        (place.secrets_file(), "secrets.example.env", "secrets of your accounts go there, one `name=value` a line"),
        (place.config_file(), "config.example.yaml", "settings go there"),
    ):
        if not path.exists():
            place.write(path, (place.ROOT / "catalog" / example).read_text(encoding="utf-8"))
            done.append(f"{place.short(path)}: made from the example; {what}.")
    return done


def missing_images(servers: list[str]) -> list[str]:
    """Return what to say of images that the catalog names and the engine does not have; nothing without an engine.

    Docker's gateway would try to fetch such an image when it starts, and leave its server out when it cannot.
    """
    if not machine.engine():
        return []
    wanted = dict(zip(servers, fleet.images(servers), strict=True))
    here = machine.image_ids(list(wanted.values()))
    lost = [slug for slug, image in wanted.items() if image not in here]
    if not lost:
        return []
    return [
        f"Images: these are not here: {', '.join(wanted[slug] for slug in lost)}.",
        "Docker's gateway fetches them from there if that version was released, else it leaves these servers out.",
        f"To build them from this checkout: make build S='{' '.join(lost)}'",
    ]


def main(argv: list[str]) -> int:
    """Install, and say so; first of all which images are missing."""
    for line in missing_images(list(fleet.registry())):
        place.say(line)
    try:
        done = install()
    except OSError as problem:
        return place.fail(f"{problem.filename} cannot be written: {problem.strerror}. `make doctor` looks closer.")
    place.say("\n".join(done) or f"{place.short(place.installed_catalog())} is up to date.")
    return 0

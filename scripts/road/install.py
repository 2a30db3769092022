"""Put the catalog where Docker's gateway takes it from, and the two files that the user fills in beside it."""

from __future__ import annotations

from . import place


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


def main(argv: list[str]) -> int:
    """Install, and say so."""
    try:
        done = install()
    except OSError as problem:
        return place.fail(f"{problem.filename} cannot be written: {problem.strerror}. `make doctor` looks closer.")
    place.say("\n".join(done) or f"{place.short(place.installed_catalog())} is up to date.")
    return 0

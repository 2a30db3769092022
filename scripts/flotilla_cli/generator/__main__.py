"""`scripts/generate`: write every generated file, or with --check say which differ from what is committed."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from flotilla_cli.generator.sources import ROOT, import_from_checkout, integrations, slugs
from flotilla_cli.generator.text import MARK


def orphans(files: dict[str, str], root: Path = ROOT) -> list[Path]:
    """Return committed generated files that no server asks for any more."""
    patterns = ("catalog/*.yaml", "catalog/clients/*.json", "servers/*/Dockerfile", "compose/kubernetes/*/*/*.yaml")
    known = {root / name for name in files}
    return [
        path
        for pattern in patterns
        for path in sorted(root.glob(pattern))
        if path not in known and MARK in path.read_text(encoding="utf-8")
    ]


def check(files: dict[str, str], root: Path = ROOT) -> int:
    """Print how the committed files differ from the generated ones; 1 when they do."""
    changed = [name for name, text in files.items() if _read(root / name) != text]
    for name in changed:
        lines = difflib.unified_diff(
            _read(root / name).splitlines(), files[name].splitlines(), name, "generated", lineterm="", n=1
        )
        print("\n".join(list(lines)[:20]))
    for path in orphans(files, root):
        changed.append(str(path.relative_to(root)))
        print(f"{changed[-1]} belongs to no server any more")
    if changed:
        print(f"{len(changed)} generated files are out of date: run `make generate` and commit.")
    return 1 if changed else 0


def write(files: dict[str, str], root: Path = ROOT) -> None:
    """Write what differs, and remove what belongs to no server any more."""
    for name, text in files.items():
        path = root / name
        if _read(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    for path in orphans(files, root):
        path.unlink()
        print(f"removed {path.relative_to(root)}")


def main(argv: list[str]) -> int:
    """Run the command; 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(prog="flotilla generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    options = parser.parse_args(argv)
    import_from_checkout()
    from flotilla_cli.generator.precompute import write_catalog, write_discovery
    from flotilla_cli.generator.render import everything
    from flotilla_cli.generator.servers import discoveries, gateway_discovery

    discovery = discoveries(integrations())
    files = everything(ROOT, discovery)
    if options.check:
        return check(files)
    write(files)
    for slug in slugs():
        write_discovery(slug, discovery[slug] if slug in discovery else gateway_discovery(slug))
    write_catalog(files["catalog/flotilla.yaml"])
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

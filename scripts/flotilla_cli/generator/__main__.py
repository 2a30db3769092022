"""`scripts/generate`: write every generated file, or with --check say which differ from what is committed."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from pathlib import Path

from flotilla_cli.generator.render import everything
from flotilla_cli.generator.servers import ROOT
from flotilla_cli.generator.text import MARK


def orphans(files: dict[str, str], root: Path = ROOT) -> list[Path]:
    """Return generated files that no server asks for any more."""
    places = ("catalog/**/*.yaml", "catalog/**/*.json", "servers/*/Dockerfile")
    known = {root / name for name in files}
    return [
        path
        for pattern in places
        for path in sorted(root.glob(pattern))
        if path not in known and MARK in path.read_text(encoding="utf-8")
    ]


def main(argv: list[str]) -> int:
    """Run the command; 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(prog="generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    given = parser.parse_args(argv)
    files = everything()
    stale = orphans(files)
    changed = [name for name, text in files.items() if _read(ROOT / name) != text]
    if given.check:
        for name in changed:
            then = difflib.unified_diff(
                _read(ROOT / name).splitlines(), files[name].splitlines(), name, "generated", lineterm="", n=1
            )
            print("\n".join(list(then)[:20]))
        for path in stale:
            print(f"{path.relative_to(ROOT)} belongs to no server any more")
        if changed or stale:
            print(f"{len(changed) + len(stale)} generated files are out of date: run `make generate` and commit.")
        return 1 if changed or stale else 0
    for name in changed:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(files[name], encoding="utf-8")
        print(f"wrote {name}")
    for path in ROOT.glob("servers/*/discovery.json"):
        os.utime(path)  # it has just been compared: the launcher trusts what is newer than the sources
    for path in stale:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write what a build can make and nobody commits: discovery data, the catalog's JSON twin, catalog/servers/.

`make setup`, `make generate` and the wheel's build run this; what is current already is left as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from flotilla_cli.generator import sources

ROOT = sources.ROOT


def run(root: Path = ROOT) -> list[str]:
    """Write what is missing or out of date; return a sentence for each server that cannot be asked."""
    failed = []
    for slug in sources.stale(root):
        try:
            _write_discovery(slug, root)
        except Exception as error:  # a server that is being edited; the launcher does without the file
            failed.append(f"{slug}: no discovery data ({type(error).__name__}: {error})")
            (sources.folder_of(slug, root) / "discovery.json").unlink(missing_ok=True)
    if sources.catalog_is_stale(root):
        write_catalog((root / "catalog" / "flotilla.yaml").read_text(encoding="utf-8"), root)
    return failed


def _write_discovery(slug: str, root: Path) -> None:
    from flotilla_cli.generator.servers import discoveries, gateway_discovery

    data = gateway_discovery(slug) if slug in sources.GATEWAYS else discoveries([slug])[slug]
    write_discovery(slug, data, root)


def write_discovery(slug: str, data: dict[str, Any], root: Path = ROOT) -> None:
    """Write the discovery data of a server, with the digest of its sources."""
    path = sources.folder_of(slug, root) / "discovery.json"
    _write(path, _compact({"format": data["format"], "sources": sources.digest(slug, root), **data}))


def write_catalog(text: str, root: Path = ROOT) -> None:
    """Write the catalog's JSON twin, which the switchboard reads in less time, and the file of each server.

    The twin lacks the descriptions of tools, nine tenths of it: what is listed stands in the discovery files.
    """
    import yaml

    from flotilla_cli.generator.text import MARK, as_yaml

    catalog = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    folder = root / "catalog"
    entries = {
        name: {key: part for key, part in entry.items() if key != "tools"}
        for name, entry in catalog["registry"].items()
    }
    twin = {**catalog, "registry": entries, "sources": sources.catalog_digest(text)}
    _write(folder / "flotilla.json", _compact(twin))
    written = set()
    for name, entry in catalog["registry"].items():
        path = folder / "servers" / f"{name.removeprefix('flotilla-').replace('-', '_')}.yaml"
        _write(path, as_yaml({"name": name, **entry}))
        written.add(path)
    for path in (folder / "servers").glob("*.yaml"):
        if path not in written and MARK in path.read_text(encoding="utf-8"):
            path.unlink()


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _write(path: Path, text: str) -> None:
    """Write a file in one step, so that a server that starts meanwhile reads the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def main(argv: list[str]) -> int:
    """Run the command; with --strict, 1 when a server cannot be asked."""
    parser = argparse.ArgumentParser(prog="flotilla precompute", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail when a server cannot be asked")
    options = parser.parse_args(argv)
    sources.import_from_checkout()
    failed = run()
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed and options.strict else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

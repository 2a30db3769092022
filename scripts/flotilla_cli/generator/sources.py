"""The servers of a checkout, and what decides their discovery data. Standard library only: `make setup` asks here.

`discovery.json` and the other files that a build can make are not committed. Each holds the digest of its sources, so
that it is made again exactly when one of them has changed, whatever the files' dates are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GATEWAYS = ("switchboard",)  # folders of servers/ that are no integration: they list what the others list


def slugs(root: Path = ROOT) -> list[str]:
    """Return the slugs of all server folders, sorted."""
    return sorted(path.parent.name.replace("_", "-") for path in root.glob("servers/*/server.py"))


def integrations(root: Path = ROOT) -> list[str]:
    """Return the slugs of the servers that are integrations: all but the gateways."""
    return [slug for slug in slugs(root) if slug not in GATEWAYS]


def folder_of(slug: str, root: Path = ROOT) -> Path:
    """Return the folder of a server."""
    return root / "servers" / slug.replace("-", "_")


def import_from_checkout(root: Path = ROOT) -> None:
    """Let `flotilla…` and `flotilla_servers` be those of this checkout, whichever one the environment was made for."""
    sys.path[:0] = [str(root / "shared" / "src"), str(root / "scripts")]
    servers = root / "servers"
    spec = importlib.util.spec_from_file_location(
        "flotilla_servers", servers / "__init__.py", submodule_search_locations=[str(servers)]
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["flotilla_servers"] = module
    spec.loader.exec_module(module)


TWIN_FORMAT = 2  # of the catalog's JSON twin: another number, and every checkout writes it anew


def digest(slug: str, root: Path = ROOT) -> str:
    """Return the digest of everything that decides what a server answers to discovery, as the launcher compares it."""
    from flotilla_launcher import sources  # not above: `import_from_checkout` decides whose launcher it is

    return sources.digest(str(root), folder_of(slug, root).name)


def stored_digest(path: Path) -> str:
    """Return the digest that a discovery file holds, or the catalog's JSON twin; empty where there is none."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["sources"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def stale(root: Path = ROOT) -> list[str]:
    """Return the slugs whose discovery.json is missing or out of date."""
    return [
        slug for slug in slugs(root) if stored_digest(folder_of(slug, root) / "discovery.json") != digest(slug, root)
    ]


def catalog_is_stale(root: Path = ROOT) -> bool:
    """Return whether the catalog's JSON twin is missing or was made from another catalog/flotilla.yaml."""
    text = (root / "catalog" / "flotilla.yaml").read_text(encoding="utf-8")
    return stored_digest(root / "catalog" / "flotilla.json") != catalog_digest(text)


def catalog_digest(text: str) -> str:
    """Return the digest of a catalog/flotilla.yaml with this content, as the twin holds it."""
    return hashlib.sha256(f"{TWIN_FORMAT}\n{text}".encode()).hexdigest()

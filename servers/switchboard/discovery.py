"""The generated discovery files: what each server would list with its environment, without starting it.

Nothing here imports FastMCP, so that the launcher can answer a list with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_launcher.environment import SettingError
from flotilla_launcher.filters import check, visible
from flotilla_launcher.naming import module_of
from flotilla_launcher.protocol import LISTS

from .catalog import CatalogError, Entry

if TYPE_CHECKING:
    from .tool_index import Searchable

LIBRARY_ARGUMENTS = ("limit", "cursor", "dry_run", "idempotency_key", "confirm_token")  # the same in every tool


class DiscoveryError(CatalogError):
    """What one server offers cannot be read: the others can still be offered."""


def discovery_path(entry: Entry, folder: Path) -> Path:
    """Return a server's discovery file: in a folder named like its Python package, or by its slug."""
    package, by_slug = discovery_paths(entry.slug, folder)
    return package if package.exists() else by_slug


def discovery_paths(slug: str, folder: Path) -> tuple[Path, Path]:
    """Return where a server's discovery file may be, the place that counts first in front."""
    return folder / module_of(slug) / "discovery.json", folder / slug / "discovery.json"


def discovery(entry: Entry, folder: Path) -> dict[str, Any]:
    """Return what a server's discovery.json holds. Raises DiscoveryError."""
    path = discovery_path(entry, folder)
    try:
        about = path.stat()
        document = _document(path, about.st_mtime_ns, about.st_size)
    except OSError as error:
        raise DiscoveryError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise _wrong(path) from None
    if not isinstance(document, dict):
        raise _wrong(path)
    return document


@lru_cache(maxsize=100)
def _document(path: Path, modified: int, size: int) -> Any:
    """Return what a file holds, which several questions need: read once, until it is written again."""
    return json.loads(path.read_text(encoding="utf-8"))


def discovery_if_any(entry: Entry, folder: Path) -> dict[str, Any]:
    """Return what a server's discovery.json holds, nothing where there is no such file. Raises DiscoveryError."""
    return discovery(entry, folder) if discovery_path(entry, folder).exists() else {}


def attributes(entry: Entry, folder: Path) -> dict[str, Mapping[str, str]]:
    """Return all that a server's filters may name, with what they decide by; nothing where its file is unreadable."""
    try:
        document = discovery_if_any(entry, folder)
        about = document.get("attributes") or {}
        return {
            item["name"]: (about.get(kind) or {}).get(item["name"], {})
            for kind in LISTS
            for item in document.get(kind) or ()
        }
    except (DiscoveryError, AttributeError, KeyError, TypeError):
        return {}


def definitions(entry: Entry, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return, by kind, what a server would list itself with its environment.

    Raises CatalogError for a guard that is unclear, DiscoveryError for a broken file.
    """
    document = discovery(entry, folder)
    about = attributes(entry, folder)
    try:
        if not entry.hidden:
            check(entry.env, about, document.get("guards", ()))
        return {
            kind: [
                item
                for item in document.get(kind) or ()
                if not entry.hidden and visible(entry.env, about[item["name"]], item["name"])
            ]
            for kind in LISTS
        }
    except SettingError as error:
        raise CatalogError(f"{entry.slug}: {error}") from None
    except (AttributeError, KeyError, TypeError):
        raise _wrong(discovery_path(entry, folder)) from None


def searchables(entry: Entry, folder: Path) -> list[Searchable]:
    """Return each tool that a server would list as a search reads it, with the file's `search` words.

    Raises what `definitions` raises.
    """
    terms = discovery(entry, folder).get("search") or {}
    return [searchable(entry, tool, terms.get(tool["name"]) or "") for tool in definitions(entry, folder)["tools"]]


def searchable(entry: Entry, tool: Mapping[str, Any], terms: str) -> Searchable:
    """Return a tool as a search reads it."""
    from .tool_index import Searchable  # not at the top: the launcher only lists

    return Searchable(
        name=tool["name"],
        server=title(entry),
        description=tool.get("description") or "",
        search=terms,
        arguments=" ".join(_argument_words(tool)),
    )


def deadlines(entry: Entry, folder: Path) -> dict[str, float]:
    """Return the seconds of each tool of a server that declares a deadline of its own. Raises DiscoveryError."""
    declared = discovery(entry, folder).get("deadlines") or {}
    return {name: float(seconds) for name, seconds in declared.items() if type(seconds) in (int, float)}


def title(entry: Entry) -> str:
    """Return how people call a server; the name of its account stands behind it, where that has one."""
    name = str(entry.spec.get("title") or entry.slug)
    return f"{name} ({entry.account})" if entry.account else name


def _argument_words(tool: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in tool.get("inputSchema", {}).get("properties", {}).items():
        if name not in LIBRARY_ARGUMENTS:
            yield f"{name} {schema.get('description', '') if isinstance(schema, dict) else ''}"


def _wrong(path: Path) -> DiscoveryError:
    return DiscoveryError(f"{path} is not the discovery file of a server. Run `make generate` to write it again.")

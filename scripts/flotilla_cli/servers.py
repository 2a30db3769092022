"""Which servers a door is started on, and what of the user's decides it: the secrets file and the settings file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flotilla_cli import paths as place
from flotilla_launcher.environment import is_placeholder
from flotilla_launcher.naming import catalog_name, module_of, slug_of
from flotilla_servers.switchboard import catalog, options

TERM = re.compile(r"\{\{\s*([\w.-]+)")


@cache
def registry() -> dict[str, dict[str, Any]]:
    """Return the generated catalog's servers by slug, as people name them; the catalog calls them `catalog_name`."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(place.CATALOG.read_text(encoding="utf-8"))["registry"]
    return {slug_of(name): server for name, server in found.items()}


def catalog_names(slugs: Iterable[str]) -> str:
    """Return servers as a gateway's --servers takes them."""
    return ",".join(map(catalog_name, slugs))


def images(slugs: list[str]) -> list[str]:
    """Return the images of some servers."""
    return [registry()[slug]["image"] for slug in slugs]


def needs(slug: str) -> list[list[str]]:
    """Return the secrets and settings without which the server's calls fail, a list for each way in.

    They are named as the user's files name them: `flotilla-calendly.token`.
    """
    path = place.ROOT / "servers" / module_of(slug) / "discovery.json"
    if not path.is_file():  # a server that is being written
        return [["`make generate`"]]
    told = json.loads(path.read_text(encoding="utf-8"))["needs"]
    server = registry()[slug]
    names = {secret["env"]: secret["name"] for secret in server.get("secrets") or []}
    for item in server.get("env") or []:
        if found := TERM.search(item["value"]):
            names[item["name"]] = found[1]
    return [[names.get(variable, variable) for variable in way] for way in told]


def secrets(path: Path) -> dict[str, str]:
    """Read the secrets file as far as it can be read; `make doctor` tells what is wrong with it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip() for name, _, value in pairs}


def settings(path: Path) -> dict[str, Any]:
    """Read the settings file as far as it can be read."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def refused(servers: list[str]) -> str:
    """Return why a door would not offer these servers: a guard that is unclear, or stands where it does not count.

    The switchboard says so itself; Docker's gateway would leave a guard of the settings file out without a word.
    """
    line = [f"--catalog={place.QUICK_CATALOG}", f"--servers={','.join(servers)}"]
    for name, path in (("secrets", place.secrets_file()), ("config", place.config_file())):
        line += [f"--{name}={path if path.is_file() else ''}"]
    try:
        asked = options.arguments([*line, f"--discovery={place.ROOT / 'servers'}", "--remote="])
        for entry in catalog.chosen(asked):
            catalog.definitions(entry, Path(asked.discovery))
    except catalog.Problem as problem:
        return str(problem)
    except SystemExit:  # an option in the environment that argparse has just complained of
        return ""
    return ""


def missing(slug: str, given: Mapping[str, str], config: Mapping[str, Any]) -> list[str]:
    """Return what a server needs and the user's files do not give, of the way in that lacks the least."""
    mine = config.get(catalog_name(slug))
    values = {f"{catalog_name(slug)}.{name}": value for name, value in mine.items()} if isinstance(mine, dict) else {}
    values |= given
    lost = [[name for name in way if is_placeholder(str(values.get(name) or ""))] for way in needs(slug)]
    return min(lost, key=len)


def choose() -> list[str]:
    """Return the servers to start: those that need no account, and those whose account is in the user's files.

    FLOTILLA_SERVERS names others, with commas between them, or `all`. Raises ValueError for a name that is no server's.
    """
    if bare := [slug for slug, mine in settings(place.config_file()).items() if mine and slug in registry()]:
        raise ValueError(
            f"{place.short(place.config_file())}: the settings of `{bare[0]}` must stand under "
            f"`{catalog_name(bare[0])}`, its name in the catalog: otherwise they count for nothing. Rename it."
        )
    words = (slug_of(word.strip()) for word in os.environ.get("FLOTILLA_SERVERS", "").split(","))
    asked = list(dict.fromkeys(word for word in words if word))
    if asked == ["all"]:
        return list(registry())
    if unknown := [slug for slug in asked if slug not in registry()]:
        raise ValueError(f"FLOTILLA_SERVERS: no server {', '.join(unknown)}; there are {', '.join(registry())}.")
    if asked:
        return asked
    given, config = secrets(place.secrets_file()), settings(place.config_file())
    return [slug for slug in registry() if not missing(slug, given, config)]

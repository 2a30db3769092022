"""Which servers a gateway is started with, and what decides it: the user's secrets file and settings file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flotilla_cli import paths, secrets_file
from flotilla_launcher.environment import SettingError, is_placeholder
from flotilla_launcher.naming import catalog_name, module_of, slug_of
from flotilla_launcher.user_files import read_document
from flotilla_servers.switchboard import options
from flotilla_servers.switchboard.discovery import definitions
from flotilla_servers.switchboard.selection import selected

TEMPLATE = re.compile(r"\{\{\s*([\w.-]+)")


@cache
def registry() -> dict[str, dict[str, Any]]:
    """Return the servers of the generated catalog by slug, without their tools."""
    return {slug_of(name): server for name, server in read_document(paths.CATALOG_JSON)["registry"].items()}


def registry_with_tools() -> dict[str, dict[str, Any]]:
    """Return the servers of the generated catalog by slug. It takes longer to read."""
    return {slug_of(name): server for name, server in read_document(paths.CATALOG)["registry"].items()}


def catalog_names(slugs: Iterable[str]) -> str:
    """Return servers as the option --servers of a gateway takes them."""
    return ",".join(map(catalog_name, slugs))


def images(slugs: list[str]) -> list[str]:
    """Return the images of some servers."""
    return [registry()[slug]["image"] for slug in slugs]


def needs(slug: str) -> list[list[str]]:
    """Return the secrets and settings without which the server's calls fail, a list for each way to authenticate.

    They are named as the user's files name them: `flotilla-calendly.token`.
    """
    path = paths.ROOT / "servers" / module_of(slug) / "discovery.json"
    if not path.is_file():  # a server that is being written
        return [["`make generate`"]]
    options = json.loads(path.read_text(encoding="utf-8"))["needs"]
    server = registry()[slug]
    names = {secret["env"]: secret["name"] for secret in server.get("secrets") or []}
    for item in server.get("env") or []:
        if match := TEMPLATE.search(item["value"]):
            names[item["name"]] = match[1]
    return [[names.get(variable, variable) for variable in option] for option in options]


def settings(path: Path | None = None) -> dict[str, Any]:
    """Return the settings by server, as far as the file can be read."""
    try:
        return read_document(path or paths.config_file())
    except (OSError, ValueError):
        return {}


def refused(slugs: list[str]) -> str:
    """Return why these servers must not be started: a guard that is unclear, or is set where it has no effect; "" if
    none.

    The switchboard reports this itself. Docker's gateway would ignore a guard in the settings file without a message.
    """
    line = [f"--catalog={paths.CATALOG_JSON}", f"--servers={','.join(slugs)}"]
    for name, path in (("secrets", paths.secrets_file()), ("config", paths.config_file())):
        line += [f"--{name}={path if path.is_file() else ''}"]
    try:
        parsed = options.arguments([*line, f"--discovery={paths.ROOT / 'servers'}", "--remote="])
        for entry in selected(parsed):
            definitions(entry, Path(parsed.discovery))
    except SettingError as problem:
        return str(problem)
    except SystemExit:  # argparse has printed what is wrong with an option in the environment
        return ""
    return ""


def missing(slug: str, secrets: Mapping[str, str], config: Mapping[str, Any]) -> list[str]:
    """Return what a server needs and the user's files lack, for the way to authenticate that lacks the least."""
    mine = config.get(catalog_name(slug))
    values = {f"{catalog_name(slug)}.{name}": value for name, value in mine.items()} if isinstance(mine, dict) else {}
    values |= secrets
    lacking = [[name for name in option if is_placeholder(str(values.get(name) or ""))] for option in needs(slug)]
    return min(lacking, key=len)


def choose() -> list[str]:
    """Return the servers to start: those that need no account, and those whose account is in the user's files.

    FLOTILLA_SERVERS names others, separated by commas, or `all`. Raises ValueError for an unknown name.
    """
    if bare := [slug for slug, mine in settings().items() if mine and slug in registry()]:
        raise ValueError(
            f"{paths.short(paths.config_file())}: the settings under `{bare[0]}` have no effect. Rename it to "
            f"`{catalog_name(bare[0])}`, the server's name in the catalog."
        )
    names = (slug_of(name.strip()) for name in os.environ.get("FLOTILLA_SERVERS", "").split(","))
    slugs = list(dict.fromkeys(name for name in names if name))
    if slugs == ["all"]:
        return list(registry())
    if unknown := [slug for slug in slugs if slug not in registry()]:
        raise ValueError(
            f"FLOTILLA_SERVERS names {', '.join(unknown)}, which is not a server. The servers are "
            f"{', '.join(registry())}."
        )
    if slugs:
        return slugs
    secrets, config = secrets_file.read(), settings()
    return [slug for slug in registry() if not missing(slug, secrets, config)]

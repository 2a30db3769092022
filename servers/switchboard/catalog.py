"""What to list: the gateway's catalog, secrets file and configuration, and the generated discovery files.

Nothing here imports FastMCP, so that a launcher can answer a list with it. The formats are Docker's:
https://github.com/docker/mcp-gateway/blob/main/docs/catalog.md
"""

from __future__ import annotations

import json
import os
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flotilla.environment import setting
from flotilla.filters import SETTINGS, visible

from .options import names, remotes

FLEET = (*SETTINGS, "FLOTILLA_CONFIRM", "FLOTILLA_DRY_RUN", "FLOTILLA_DEADLINE", "FLOTILLA_USER")  # for all servers
STEERING = re.compile(r"DOCKER_|LD_|(PATH|HOME)$")  # variables that would change what the docker command itself does
TERM = re.compile(r"\{\{(.*?)\}\}")


class Problem(Exception):  # noqa: N818 - a sentence for the operator, not a traceback
    """The catalog, the secrets file or the configuration cannot be used as it is."""


class Unreadable(Problem):
    """What one server offers cannot be read: the others can still be offered."""


@dataclass
class Entry:
    """One server of the catalog with its templates filled in. `env` holds its secrets too."""

    slug: str
    spec: Mapping[str, Any]  # as it stands in the catalog
    env: dict[str, str]
    command: list[str]
    volumes: list[str]
    headers: dict[str, str]  # of a remote server
    secrets: frozenset[str]
    ready: bool  # every secret and every required setting has a value


def read(path: Path) -> str:
    """Return the text of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise Problem(f"{path} cannot be read: {problem.strerror}.") from None


def read_document(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file that holds a mapping."""
    text = read(path)
    try:
        document = json.loads(text) or {}
    except ValueError:  # YAML then, whose reader takes a hundred times as long
        import yaml

        try:
            document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        except yaml.YAMLError as problem:
            raise Problem(f"{path} is neither YAML nor JSON: {' '.join(str(problem).split())}.") from None
    if not isinstance(document, dict):
        raise Problem(f"{path} must hold a mapping.")
    return document


def read_secrets(path: Path) -> dict[str, str]:
    """Read `name=value` lines; `#` starts a comment line, the last of two equal names counts."""
    found: dict[str, str] = {}
    for number, line in enumerate(read(path).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:  # never quote the line: it may be a secret
                raise Problem(f"{path}, line {number}, has no `=`: Docker's gateway would drop the whole file for it.")
            found[name] = value.rstrip()
    return found


def read_catalog(path: Path, secrets: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Entry]:
    """Return every server of the catalog, in its order."""
    registry = read_document(path).get("registry")
    if not isinstance(registry, dict):
        raise Problem(f"{path} has no `registry`: run `make generate`.")
    return {slug: _entry(slug, spec, secrets, config) for slug, spec in registry.items()}


def _entry(slug: str, spec: Mapping[str, Any], given: Mapping[str, str], config: Mapping[str, Any]) -> Entry:
    declared, mine, headers = spec.get("secrets", ()), config.get(slug) or {}, spec.get("remote", {}).get("headers", {})
    secrets = {s["env"]: value for s in declared if (value := given.get(s["name"]))}
    if wrong := [name for name in secrets if STEERING.match(name)]:
        raise Problem(f"The secret {wrong[0]} of {slug} would change the docker command itself: rename it.")
    env = {name: value for name in FLEET if (value := setting(name, os.environ))} | secrets
    for item in spec.get("env", ()):
        text = str(item["value"])
        env[item["name"]] = " ".join(fill(text, config)) if "{{" in text else _expand(text, env)
    volumes = [part for text in spec.get("volumes", ()) for part in fill(text, config) if part]
    required = [name for schema in spec.get("config", ()) for name in schema.get("required", ())]
    return Entry(
        slug,
        spec,
        env={name: value for name, value in env.items() if value},
        command=[_expand(part, env) for text in spec.get("command", ()) for part in fill(text, config)],
        # as in the gateway, a folder of the host is mounted for reading; a named volume is not
        volumes=[f"{part}:ro" if part.startswith("/") and part.count(":") == 1 else part for part in volumes],
        headers={name: _expand(value, secrets) for name, value in headers.items()},
        secrets=frozenset(secrets.values()),
        ready=len(secrets) == len(declared) and all(mine.get(name) not in (None, "") for name in required),
    )


def fill(text: str, config: Mapping[str, Any]) -> list[str]:
    """Fill the `{{path|filter}}` terms of a text. Only a lone term with `into` gives more or fewer than one part."""
    whole = TERM.fullmatch(text.strip())
    if whole and re.search(r"\|\s*into\b", whole[1]):
        return _values(whole[1], config)
    return [TERM.sub(lambda term: ",".join(_values(term[1], config)), text)]


def _values(expression: str, config: Mapping[str, Any]) -> list[str]:
    path, *filters = expression.split("|")
    value: Any = config
    for key in path.strip().split("."):
        value = value.get(key) if isinstance(value, dict) else None
    found = value if isinstance(value, list) else [] if value in (None, "") else [value]
    found = [str(item).lower() if isinstance(item, bool) else str(item) for item in found]
    for name in filters:
        kind, _, argument = name.strip().partition(":")
        if kind == "or" and not found:
            found = argument[1:-1].split(",") if argument.startswith("[") else [argument]
        elif kind == "volume":
            found = [f"{item}:{item}" for item in found]
        elif kind == "first":
            found = found[:1]
    return found


def _expand(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+|\{(\w+)\})", lambda found: env.get(found[2] or found[1], ""), text)


def choose(entries: Mapping[str, Entry], wanted: Sequence[str], elsewhere: Iterable[str], folder: Path) -> list[Entry]:
    """Return the servers asked for by name, all of them for `all`, and for no name those that are ready to work."""
    if unknown := [slug for slug in (*wanted, *elsewhere) if slug not in (*entries, "all")]:
        raise Problem(f"The catalog has no server {', '.join(unknown)}; it has {', '.join(entries)}.")
    if wanted and "all" not in wanted:
        return [entries[slug] for slug in dict.fromkeys(wanted)]
    return [entry for slug, entry in entries.items() if wanted or slug in elsewhere or is_ready(entry, folder)]


def chosen(options: Namespace) -> list[Entry]:
    """Return the servers that the switchboard's options ask for."""
    secrets = read_secrets(Path(options.secrets)) if options.secrets else {}
    config = read_document(Path(options.config)) if options.config else {}
    entries = read_catalog(Path(options.catalog), secrets, config)
    return choose(entries, names(options), remotes(options), Path(options.discovery))


def is_ready(entry: Entry, folder: Path) -> bool:
    """Tell whether a server can work with what it is given: it needs no account, or has been told what it needs."""
    path = folder / entry.slug / "discovery.json"
    try:
        needs = discovery(entry, folder).get("needs") if path.exists() else None
    except Unreadable:
        return True  # so that it is missed, and the reason said
    if needs is None:  # a foreign server: what its catalog entry declares
        return entry.ready
    return any(all(map(entry.env.get, way)) for way in needs)


def discovery(entry: Entry, folder: Path) -> dict[str, Any]:
    """Return what a server's discovery.json holds. Raises Unreadable."""
    path = folder / entry.slug / "discovery.json"
    try:
        found = json.loads(read(path))
        if not isinstance(found, dict):
            raise ValueError
    except (ValueError, RecursionError):
        what = f"{path} is not the discovery file of a server."
        raise Unreadable(f"{what} Run `make generate` to write it anew.") from None
    except Problem as problem:
        raise Unreadable(str(problem)) from None
    return found


def definitions(entry: Entry, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what a server would list itself with its environment, without starting it. Raises Unreadable."""
    baked = discovery(entry, folder)
    try:
        listed = {kind: list(baked.get(kind) or ()) for kind in ("tools", "prompts", "resources", "resourceTemplates")}
        for kind in ("tools", "prompts"):
            about = (baked.get("attributes") or {}).get(kind) or {}
            listed[kind] = [one for one in listed[kind] if visible(entry.env, about.get(one["name"], {}), one["name"])]
    except (AttributeError, KeyError, TypeError):
        what = f"{folder / entry.slug / 'discovery.json'} is not the discovery file of a server."
        raise Unreadable(f"{what} Run `make generate` to write it anew.") from None
    return listed

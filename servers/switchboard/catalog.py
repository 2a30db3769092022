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
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from flotilla_launcher.environment import SettingError, setting, words
from flotilla_launcher.filters import LISTS, SETTINGS, check, visible
from flotilla_launcher.naming import catalog_name, slug_of

from .options import names, remotes

GUARDS = (*SETTINGS, "FLOTILLA_CONFIRM", "FLOTILLA_DRY_RUN")  # of a server, or of all servers together
FLEET = (*GUARDS, "FLOTILLA_DEADLINE", "FLOTILLA_USER", "FLOTILLA_PLAIN_HTTP")  # for all servers
KINDS = ("tools", "prompts", "resources", "resourceTemplates")
STEERING = re.compile(r"DOCKER_|LD_|(PATH|HOME)$")  # variables that would change what the docker command itself does
TERM = re.compile(r"\{\{(.*?)\}\}")


class Problem(Exception):  # noqa: N818 - a sentence for the operator, not a traceback
    """The catalog, the secrets file or the configuration cannot be used as it is."""


class Unreadable(Problem):
    """What one server offers cannot be read: the others can still be offered."""


@dataclass
class Entry:
    """One server of the catalog with its templates filled in. `env` holds its secrets too."""

    slug: str  # its catalog name without our prefix: of its command, its folder and its container
    spec: Mapping[str, Any]  # as it stands in the catalog
    env: dict[str, str]
    command: list[str]
    volumes: list[str]
    headers: dict[str, str]  # of a remote server
    secrets: frozenset[str]
    ready: bool  # every secret and every required setting has a value
    hidden: bool = False  # a list of the whole fleet leaves nothing of it


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
    if lost := misplaced(registry, secrets, config):
        raise Problem(lost[0])
    try:
        return {name: _entry(name, spec, secrets, config) for name, spec in registry.items()}
    except SettingError as problem:
        raise Problem(str(problem)) from None


def misplaced(registry: Mapping[str, Any], secrets: Mapping[str, str], config: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each setting of the user's files that would not count where it stands.

    Whoever wrote it believes in it: a guard that is not read protects nobody.
    """
    declared = {secret["name"]: secret["env"] for spec in registry.values() for secret in spec.get("secrets") or ()}
    guards = {name.partition(".")[2] for name, env in declared.items() if env.startswith("FLOTILLA_")}
    told = []
    for slug, mine in config.items():
        for leaf, value in mine.items() if isinstance(mine, dict) else ():
            name = f"{slug}.{leaf}"
            if value not in (None, "") and (name in declared or (slug not in registry and leaf in guards)):
                told.append(
                    f"{name} stands in the settings file, where a model could change it, so it is not used there: "
                    "write it into the secrets file as a line name=value, and take it away here."
                )
    for name, value in secrets.items():
        if name in declared or not value:
            continue
        owner, _, leaf = name.partition(".")
        near = get_close_matches(name, [known for known in declared if known.startswith(f"{owner}.")], 1, 0.8)
        if near or leaf in guards:
            said = f": {near[0]} is meant?" if near else "."
            told.append(f"The secrets file sets {name}, which no server has{said} Mend it, or take the line away.")
    return told


def own_variables(slug: str) -> dict[str, str]:
    """Return the variables of the switchboard's environment that set a guard of one server, and what they set."""
    begin = slug.upper().replace("-", "_")
    return {name.replace("FLOTILLA", begin, 1): name for name in GUARDS}


def _entry(name: str, spec: Mapping[str, Any], given: Mapping[str, str], config: Mapping[str, Any]) -> Entry:
    declared, mine, headers = spec.get("secrets", ()), config.get(name) or {}, spec.get("remote", {}).get("headers", {})
    secrets = {s["env"]: value for s in declared if (value := given.get(s["name"]))}
    if wrong := [variable for variable in secrets if STEERING.match(variable)]:
        raise Problem(f"The secret {wrong[0]} of {name} would change the docker command itself: rename it.")
    env = {word: value for word in FLEET if word not in LISTS and (value := setting(word, os.environ, guard=True))}
    own = own_variables(slug_of(name))
    env |= {word: value for variable, word in own.items() if (value := setting(variable, os.environ, guard=True))}
    env |= secrets
    for item in spec.get("env", ()):
        text = str(item["value"])
        env[item["name"]] = " ".join(fill(text, config)) if "{{" in text else _expand(text, env)
    volumes = [part for text in spec.get("volumes", ()) for part in fill(text, config) if part]
    required = [field for schema in spec.get("config", ()) for field in schema.get("required", ())]
    return Entry(
        slug_of(name),
        spec,
        env={variable: value for variable, value in env.items() if value},
        command=[_expand(part, env) for text in spec.get("command", ()) for part in fill(text, config)],
        # as in the gateway, a folder of the host is mounted for reading; a named volume is not
        volumes=[f"{part}:ro" if part.startswith("/") and part.count(":") == 1 else part for part in volumes],
        headers={header: _expand(value, secrets) for header, value in headers.items()},
        secrets=frozenset(value for variable, value in secrets.items() if variable not in FLEET and len(value) > 3),
        ready=all(s["env"] in (*secrets, *FLEET) for s in declared)
        and all(mine.get(field) not in (None, "") for field in required),
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
    """Return the servers asked for by name, all of them for `all`, and for no name those that are ready to work.

    A server may be asked for by its name in the catalog or by its slug: `flotilla-notion` or `notion`.
    """
    named = {word: word if word in entries else catalog_name(word) for word in (*wanted, *elsewhere) if word != "all"}
    if unknown := [word for word, name in named.items() if name not in entries]:
        known = ", ".join(entry.slug for entry in entries.values())
        raise Problem(f"The catalog has no server {', '.join(unknown)}; it has {known}.")
    if wanted and "all" not in wanted:
        return [entries[name] for name in dict.fromkeys(named[word] for word in wanted)]
    remote = {named[word] for word in elsewhere if word != "all"}
    return [entry for name, entry in entries.items() if wanted or is_ready(entry, folder, name in remote)]


def chosen(options: Namespace) -> list[Entry]:
    """Return the servers that the switchboard's options ask for."""
    secrets = read_secrets(Path(options.secrets)) if options.secrets else {}
    config = read_document(Path(options.config)) if options.config else {}
    entries = read_catalog(Path(options.catalog), secrets, config)
    ours = {entry.slug for name, entry in entries.items() if name != entry.slug} - entries.keys()
    if bare := [slug for slug, mine in config.items() if mine and slug in ours]:
        raise Problem(
            f"{options.config}: the settings of `{bare[0]}` must stand under `{catalog_name(bare[0])}`, its name in "
            "the catalog: otherwise they count for nothing. Rename it."
        )
    folder = Path(options.discovery)
    found = choose(entries, names(options), remotes(options), folder)
    try:
        narrow(entries, found, folder)
    except SettingError as problem:
        raise Problem(str(problem)) from None
    return found


def narrow(entries: Mapping[str, Entry], found: Iterable[Entry], folder: Path) -> None:
    """Give each server its own words of the lists that filter the whole fleet.

    A server refuses a list that names what it has not. Raises errors.ConfigurationError for a word that names nothing
    of any server.
    """
    lists = {name: given for name in LISTS if (given := words(name, os.environ))}
    if not lists:
        return
    check({name: " ".join(given) for name, given in lists.items()}, _union(entries.values(), folder))
    for entry in found:
        known = attributes(entry, folder)
        groups = {about["group"] for about in known.values() if about.get("group")}
        for name, given in lists.items():
            mine = given & (groups if name == "FLOTILLA_GROUPS" else known.keys())
            own = words(name, entry.env)
            if name == "FLOTILLA_DENY":
                mine |= own
            elif own:
                continue
            elif not mine:  # nothing of it is wanted: it keeps a list that it refuses, should it ever be asked
                entry.hidden, mine = True, given
            if mine:
                entry.env[name] = " ".join(sorted(mine))


def _union(entries: Iterable[Entry], folder: Path) -> dict[str, Mapping[str, str]]:
    return {name: about for entry in entries for name, about in attributes(entry, folder).items()}


def baked(entry: Entry, folder: Path) -> dict[str, Any]:
    """Return the generated discovery of a server, nothing where there is none. Raises Unreadable."""
    return discovery(entry, folder) if discovery_of(entry, folder).exists() else {}


def attributes(entry: Entry, folder: Path) -> dict[str, Mapping[str, str]]:
    """Return all that a server's filters may name, with what they decide by; nothing where its file is unreadable."""
    try:
        found = baked(entry, folder)
        about = found.get("attributes") or {}
        return {
            item["name"]: (about.get(kind) or {}).get(item["name"], {})
            for kind in KINDS
            for item in found.get(kind) or ()
        }
    except (Unreadable, AttributeError, KeyError, TypeError):
        return {}


def is_ready(entry: Entry, folder: Path, elsewhere: bool = False) -> bool:
    """Tell whether a server can work with what it is given: it needs no account, or has been told what it needs.

    One that runs elsewhere has its account there. It counts as ready, unless the environment has the variables that it
    needs, as compose sets them for the switchboard, and leaves them empty.
    """
    try:
        needs = baked(entry, folder).get("needs")
    except Unreadable:
        return True  # so that it is missed, and the reason said
    given: Mapping[str, str] = entry.env
    if elsewhere:
        given = os.environ
        if not any(name in given for way in needs or () for name in way):
            return True
    if needs is None:  # a foreign server: what its catalog entry declares
        return entry.ready
    return any(all(map(given.get, way)) for way in needs)


def discovery_of(entry: Entry, folder: Path) -> Path:
    """Return a server's discovery file: in a folder named by its slug, or as a Python package is in a wheel."""
    package = folder / entry.slug.replace("-", "_") / "discovery.json"
    return package if package.exists() else folder / entry.slug / "discovery.json"


def discovery(entry: Entry, folder: Path) -> dict[str, Any]:
    """Return what a server's discovery.json holds. Raises Unreadable."""
    path = discovery_of(entry, folder)
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
    """Return what a server would list itself with its environment, without starting it.

    Raises Problem for a guard that is unclear, Unreadable for a broken file.
    """
    found = discovery(entry, folder)
    about = attributes(entry, folder)
    try:
        if not entry.hidden:
            check(entry.env, about, found.get("guards", ()))
        return {
            kind: [
                one
                for one in found.get(kind) or ()
                if not entry.hidden and visible(entry.env, about[one["name"]], one["name"])
            ]
            for kind in KINDS
        }
    except SettingError as problem:
        raise Problem(f"{entry.slug}: {problem}") from None
    except (AttributeError, KeyError, TypeError):
        what = f"{discovery_of(entry, folder)} is not the discovery file of a server."
        raise Unreadable(f"{what} Run `make generate` to write it anew.") from None

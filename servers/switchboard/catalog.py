"""The catalog, the secrets file and the configuration, in the formats of Docker's gateway.

https://github.com/docker/mcp-gateway/blob/main/docs/catalog.md

Nothing here imports FastMCP, so that the launcher can answer a list with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flotilla_launcher import user_files
from flotilla_launcher.environment import SettingError, setting
from flotilla_launcher.filters import LISTS, SETTINGS
from flotilla_launcher.naming import slug_of

GUARDS = (*SETTINGS, "FLOTILLA_CONFIRM", "FLOTILLA_DRY_RUN")  # of a server, or of all servers together
PREFERENCES = ("FLOTILLA_TIMEZONE", "FLOTILLA_COUNTRY")  # a placeholder in one of these is not an error
FLEET = (*GUARDS, "FLOTILLA_DEADLINE", "FLOTILLA_USER", "FLOTILLA_PLAIN_HTTP", *PREFERENCES)  # for all servers
STEERING = re.compile(r"DOCKER_|LD_|(PATH|HOME)$")  # variables that would change what the docker command itself does
TERM = re.compile(r"\{\{(.*?)\}\}")


class CatalogError(SettingError):
    """The catalog, the secrets file, the configuration or an option cannot be used as it is."""


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
    account: str = ""  # the name of the account that it works for, where that has one
    others: dict[str, Entry] = field(default_factory=dict)  # the same server, ready to work for accounts that have one

    @property
    def place(self) -> str:
        """The slug, and the name of the account behind an @ where that has one."""
        return f"{self.slug}@{self.account}" if self.account else self.slug


def read_document(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file that holds a mapping. Raises CatalogError."""
    return _read(path, user_files.read_document)


def read_secrets(path: Path) -> dict[str, str]:
    """Return the secrets of a file of name=value lines. Raises CatalogError."""
    return _read(path, lambda path: user_files.parse_secrets(path.read_text(encoding="utf-8")))


def _read(path: Path, reader: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    try:
        return reader(path)
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CatalogError(f"{path} cannot be read: it is not UTF-8 text.") from None
    except ValueError as error:
        raise CatalogError(f"{path} cannot be used: {error}.") from None


def read_catalog(path: Path, secrets: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Entry]:
    """Return every server of the catalog, in its order.

    Raises CatalogError for the files, and errors.ConfigurationError for a variable of the environment.
    """
    registry = read_document(path).get("registry")
    if not isinstance(registry, dict):
        raise CatalogError(f"{path} has no `registry`: run `make generate`.")
    if problems := misplaced(registry, secrets, config):
        raise CatalogError(problems[0])
    return {name: _entry(name, spec, secrets, config) for name, spec in registry.items()}


def misplaced(registry: Mapping[str, Any], secrets: Mapping[str, str], config: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each setting of the user's files that has no effect where it stands.

    Whoever wrote it relies on it: a guard that is not read protects nobody.
    """
    declared = {secret["name"]: secret["env"] for spec in registry.values() for secret in spec.get("secrets") or ()}
    guards = {name.partition(".")[2] for name, env in declared.items() if env.startswith("FLOTILLA_")}
    problems = []
    for slug, settings in config.items():
        for key, value in settings.items() if isinstance(settings, dict) else ():
            name = f"{slug}.{key}"
            if value not in (None, "") and (name in declared or (slug not in registry and key in guards)):
                problems.append(
                    f"{name} stands in the settings file, where a model could change it, so it has no effect there. "
                    "Write it into the secrets file as a line name=value, and remove it from the settings file."
                )
    for name, value in secrets.items():
        if name in declared or not value:
            continue
        from difflib import get_close_matches  # not at the top: seldom needed

        server, _, key = name.partition(".")
        near = get_close_matches(name, [known for known in declared if known.startswith(f"{server}.")], 1, 0.8)
        if near or key in guards:
            suggestion = f" Did you mean {near[0]}?" if near else ""
            problems.append(
                f"The secrets file sets {name}, which no server has.{suggestion} Fix the line, or remove it."
            )
    return problems


def own_variables(slug: str) -> dict[str, str]:
    """Return the variables that set a guard of one server in the switchboard's environment, and the guards' names.

    `FILESYSTEM_TIER` sets FLOTILLA_TIER of filesystem alone.
    """
    prefix = slug.upper().replace("-", "_")
    return {name.replace("FLOTILLA", prefix, 1): name for name in GUARDS}


def _entry(name: str, spec: Mapping[str, Any], values: Mapping[str, str], config: Mapping[str, Any]) -> Entry:
    declared, settings = spec.get("secrets", ()), config.get(name) or {}
    secrets = {secret["env"]: value for secret in declared if (value := values.get(secret["name"]))}
    if wrong := [variable for variable in secrets if STEERING.match(variable)]:
        raise CatalogError(f"The secret {wrong[0]} of {name} would change the docker command itself. Rename it.")
    env = {}
    for variable in FLEET:
        value = setting(variable, os.environ, guard=variable not in PREFERENCES)
        if value and variable not in LISTS:
            env[variable] = value
    own = own_variables(slug_of(name))
    env |= {guard: value for variable, guard in own.items() if (value := setting(variable, os.environ, guard=True))}
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
        # as in Docker's gateway, a folder of the host is mounted for reading; a named volume is not
        volumes=[f"{part}:ro" if part.startswith("/") and part.count(":") == 1 else part for part in volumes],
        headers={name: _expand(value, secrets) for name, value in spec.get("remote", {}).get("headers", {}).items()},
        secrets=frozenset(value for variable, value in secrets.items() if variable not in FLEET and len(value) > 3),
        ready=all(secret["env"] in (*secrets, *FLEET) for secret in declared)
        and all(settings.get(field) not in (None, "") for field in required),
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
    items = value if isinstance(value, list) else [] if value in (None, "") else [value]
    values = [str(item).lower() if isinstance(item, bool) else str(item) for item in items]
    for text in filters:
        name, _, argument = text.strip().partition(":")
        if name == "or" and not values:
            values = argument[1:-1].split(",") if argument.startswith("[") else [argument]
        elif name == "volume":
            values = [f"{item}:{item}" for item in values]
        elif name == "first":
            values = values[:1]
    return values


def _expand(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+|\{(\w+)\})", lambda match: env.get(match[2] or match[1], ""), text)

"""What a link asks a customer for: the sets of keys that open an account of one server."""

from __future__ import annotations

import argparse
import copy
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flotilla_launcher.filters import LISTS

from ..catalog import Entry
from ..discovery import discovery_if_any, title
from ..selection import Account, selected

REFRESH = re.compile(r"_REFRESH_TOKEN$")  # a variable that nobody can type: a login gives it


@dataclass(frozen=True)
class Field:
    """One setting that a customer fills in. `name` is that of the vault, without the server."""

    name: str
    description: str
    example: str
    hidden: bool
    required: bool

    @property
    def label(self) -> str:
        """The setting as people call it."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Offer:
    """What a link offers for one server: `forms` are the fields of each set of keys that opens an account.

    `always` are the settings that each way in needs, a login too: what is kept of them opens no account by itself.
    """

    title: str
    forms: tuple[tuple[Field, ...], ...]
    always: frozenset[str] = frozenset()


def entry_of(options: argparse.Namespace, account: Account, place: str, *, connecting: bool = False) -> Entry:
    """Return a server of the catalog for an account: SERVER, or SERVER@NAME for one that has a name.

    `connecting` tells that the account may be about to log in. Raises CatalogError where there is no such server.
    """
    own = copy.copy(options)
    own.servers, _, name = place.partition("@")
    [entry] = selected(own, account.of(name, connecting=connecting))
    return replace(entry, account=name)


def with_all_tools(entry: Entry) -> Entry:
    """Return a server that shows all of its tools: the one that says whose account it is may not be enabled."""
    env = {name: value for name, value in entry.env.items() if name not in LISTS}
    return replace(entry, env={**env, "FLOTILLA_TIER": "all"})


def offer_of(entry: Entry, folder: Path) -> Offer:
    """Return what can be filled in. `folder` holds the discovery files. Raises DiscoveryError."""
    declared = {secret["env"]: secret for secret in entry.spec.get("secrets") or ()}
    document = discovery_if_any(entry, folder)
    needs, optional = document.get("needs") or [list(declared)], document.get("optional") or ()
    options = [
        option for option in needs if option and all(env in declared and not REFRESH.search(env) for env in option)
    ]
    hidden = frozenset(document.get("hidden", declared))
    forms = tuple(tuple(_fields(declared, option, optional, hidden)) for option in options)
    always = frozenset.intersection(*map(frozenset, needs)) if len(needs) > 1 else ()
    return Offer(title(entry), forms, frozenset(field_of(declared[env]).name for env in always))


def _fields(
    declared: Mapping[str, Any], needed: Sequence[str], optional: Sequence[str], hidden: Container[str]
) -> Iterator[Field]:
    for variable in needed:
        yield field_of(declared[variable], hidden=variable in hidden)
    for variable in optional:
        if variable in declared and variable not in needed:
            yield field_of(declared[variable], hidden=variable in hidden, required=False)


def field_of(setting: Mapping[str, Any], *, hidden: bool = False, required: bool = True) -> Field:
    """Return a setting of the catalog as a field."""
    name = str(setting["name"]).partition(".")[2]
    return Field(name, str(setting.get("description") or ""), str(setting.get("example") or ""), hidden, required)

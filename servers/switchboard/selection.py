"""Which servers are offered, and which of the fleet's filters each of them gets.

Nothing here imports FastMCP, so that the launcher can answer a list with it.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flotilla_launcher.environment import name_set
from flotilla_launcher.filters import LISTS, check
from flotilla_launcher.naming import catalog_name

from .catalog import CatalogError, Entry, read_catalog, read_document, read_secrets
from .discovery import DiscoveryError, attributes, discovery_if_any
from .options import names, remotes


@dataclass(frozen=True)
class Account:
    """Whose account the servers work for: secrets by their catalog name, settings by server.

    `environment` is what each server gets, `variables` what the one of that slug gets; they win over everything else.
    `tenant` is the id of the tenant whose account it is: servers at a URL get it with each call.
    """

    secrets: Mapping[str, str]
    config: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tenant: str = ""


def account_of_files(options: Namespace) -> Account:
    """Return the account of the user's files. Raises CatalogError."""
    return Account(
        read_secrets(Path(options.secrets)) if options.secrets else {},
        read_document(Path(options.config)) if options.config else {},
    )


def fleet(options: Namespace, account: Account | None = None) -> dict[str, Entry]:
    """Return every server of the catalog by its name there, in its order.

    They work for the account of the user's files, unless another one is given. Raises CatalogError for the user's
    files, and errors.ConfigurationError for a variable of the environment.
    """
    account = account or account_of_files(options)
    config = account.config
    entries = read_catalog(Path(options.catalog), account.secrets, config)
    for entry in entries.values():
        entry.env |= {**account.environment, **account.variables.get(entry.slug, {})}
    ours = {entry.slug for name, entry in entries.items() if name != entry.slug} - entries.keys()
    if bare := [slug for slug, settings in config.items() if settings and slug in ours]:
        raise CatalogError(
            f"{options.config}: the settings of `{bare[0]}` must stand under `{catalog_name(bare[0])}`, its name in "
            "the catalog; where they stand now, they have no effect. Rename the section."
        )
    return entries


def selected(options: Namespace, account: Account | None = None) -> list[Entry]:
    """Return the servers that the switchboard's options ask for, in the catalog's order. Raises what `fleet` raises."""
    return selected_of(fleet(options, account), options, own_accounts=not (account and account.tenant))


def selected_of(entries: Mapping[str, Entry], options: Namespace, own_accounts: bool = True) -> list[Entry]:
    """Return those of the fleet that the options ask for, with their filters. Raises what `fleet` raises."""
    folder = Path(options.discovery)
    chosen = choose(entries, names(options), remotes(options), folder, own_accounts)
    distribute_filters(entries, chosen, folder)
    return chosen


def choose(
    entries: Mapping[str, Entry],
    wanted: Sequence[str],
    remote: Iterable[str],
    folder: Path,
    own_accounts: bool = True,
) -> list[Entry]:
    """Return the servers asked for by name, all of them for `all`, and for no name those that are ready to work.

    A server may be asked for by its name in the catalog or by its slug: `flotilla-notion` or `notion`. `remote` names
    the servers that have a URL, where they have their accounts unless told otherwise. `folder` holds the discovery
    files.
    """
    asked = (*wanted, *remote)
    by_word = {word: word if word in entries else catalog_name(word) for word in asked if word != "all"}
    if unknown := [word for word, name in by_word.items() if name not in entries]:
        known = ", ".join(entry.slug for entry in entries.values())
        raise CatalogError(f"The catalog has no server {', '.join(unknown)}. Its servers are {known}.")
    if wanted and "all" not in wanted:
        return [entries[name] for name in dict.fromkeys(by_word[word] for word in wanted)]
    with_url = {by_word[word] for word in remote if word != "all" and own_accounts}
    return [entry for name, entry in entries.items() if wanted or is_ready(entry, folder, name in with_url)]


def is_ready(entry: Entry, folder: Path, remote: bool = False) -> bool:
    """Tell whether a server can work with its settings: it needs no account, or has all that it needs.

    A remote one has its account where it runs. It counts as ready, unless this environment has the variables that it
    needs, as compose sets them for the switchboard, and leaves them empty.
    """
    try:
        needs = discovery_if_any(entry, folder).get("needs")
    except DiscoveryError:
        return True  # so that it is missed, and the reason reported
    environ: Mapping[str, str] = entry.env
    if remote:
        environ = os.environ
        if not any(name in environ for option in needs or () for name in option):
            return True
    if needs is None:  # a foreign server: what its catalog entry declares
        return entry.ready
    return any(all(map(environ.get, option)) for option in needs)


def distribute_filters(entries: Mapping[str, Entry], chosen: Iterable[Entry], folder: Path) -> None:
    """Give each chosen server those words of the lists that filter the whole fleet which name something of its own.

    A server refuses a list that names what it does not have. Raises errors.ConfigurationError for a word that names
    nothing of any server.
    """
    lists = {name: values for name in LISTS if (values := name_set(name, os.environ))}
    if not lists:
        return
    check({name: " ".join(values) for name, values in lists.items()}, _union(entries.values(), folder))
    for entry in chosen:
        known = attributes(entry, folder)
        groups = {about["group"] for about in known.values() if about.get("group")}
        for name, values in lists.items():
            concerned = values & (groups if name == "FLOTILLA_GROUPS" else known.keys())
            own = name_set(name, entry.env)
            if name == "FLOTILLA_DENY":
                concerned |= own
            elif own:
                continue
            elif not concerned:  # nothing of it is wanted: it keeps a list that it refuses, should it ever be started
                entry.hidden, concerned = True, values
            if concerned:
                entry.env[name] = " ".join(sorted(concerned))


def _union(entries: Iterable[Entry], folder: Path) -> dict[str, Mapping[str, str]]:
    return {name: about for entry in entries for name, about in attributes(entry, folder).items()}

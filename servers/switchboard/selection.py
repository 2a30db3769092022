"""Which servers are offered, and which of the fleet's filters each of them gets.

Nothing here imports FastMCP, so that the launcher can answer a list with it.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flotilla_launcher.environment import name_set
from flotilla_launcher.filters import LISTS, check
from flotilla_launcher.naming import catalog_name

from .catalog import GUARDS, CatalogError, Entry, read_catalog, read_document, read_secrets
from .discovery import DiscoveryError, attributes, discovery_if_any
from .options import names, remotes

APP = ("client_id", "client_secret", "token_url")  # of the operator's app at a vendor
GUARD_FIELDS = frozenset(name.removeprefix("FLOTILLA_").lower() for name in (*GUARDS, "FLOTILLA_DATA_QUOTA"))


@dataclass(frozen=True)
class Account:
    """Whose account the servers work for: secrets by their catalog name, settings by server.

    `environment` is what each server gets, `variables` what the one of that slug gets; they win over everything else.
    `tenant` is the id of the tenant whose account it is: servers at a URL get it with each call. A tenant's secrets
    may be those of several accounts of a server; behind the server's name stands an @ and that of the account then.
    """

    secrets: Mapping[str, str]
    config: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tenant: str = ""

    def names(self) -> dict[str, set[str]]:
        """Return the names that accounts have, each with the servers (catalog names) that have an account of it."""
        result: dict[str, set[str]] = {}
        for secret in self.secrets:
            server, _, name = secret.partition(".")[0].partition("@")
            if name:
                result.setdefault(name, set()).add(server)
        return dict(sorted(result.items()))

    def of(self, name: str, *, connecting: bool = False) -> Account:
        """Return the accounts of one name alone; "" for those without one.

        One with a name takes the guards of the one without, and for a login the operator's app, unless it has its own;
        never what opens an account. `connecting`: nothing of it is there yet, and it may be about to log in.
        """
        own: dict[str, str] = {}
        for secret, value in self.secrets.items():
            place, dot, setting = secret.partition(".")
            server, _, whose = place.partition("@")
            if whose == name:
                own[f"{server}{dot}{setting}"] = value
        shared = self._shared(own, connecting) if name else {}
        return replace(self, secrets={**shared, **own})

    def _shared(self, own: Mapping[str, str], connecting: bool) -> dict[str, str]:
        shared = {}
        for secret, value in self.secrets.items():
            server, _, setting = secret.partition(".")
            if "@" in server:
                continue
            logs_in = connecting or f"{server}.refresh_token" in own
            needs_app = logs_in and f"{server}.client_id" not in own
            if setting in GUARD_FIELDS or (setting in APP and needs_app):
                shared[secret] = value
        return shared


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
    of_files = account is None
    account = account or account_of_files(options)
    config = account.config
    entries = _entries(options, account if of_files else account.of(""))
    for name, servers in ({} if of_files else account.names()).items():
        for server, entry in _entries(options, account.of(name)).items():
            if server in servers and is_ready(entry, Path(options.discovery)):
                entries[server].others[name] = replace(entry, account=name)
    ours = {entry.slug for name, entry in entries.items() if name != entry.slug} - entries.keys()
    if bare := [slug for slug, settings in config.items() if settings and slug in ours]:
        raise CatalogError(
            f"{options.config}: the settings of `{bare[0]}` must stand under `{catalog_name(bare[0])}`, its name in "
            "the catalog; where they stand now, they have no effect. Rename the section."
        )
    return entries


def _entries(options: Namespace, account: Account) -> dict[str, Entry]:
    entries = read_catalog(Path(options.catalog), account.secrets, account.config)
    for entry in entries.values():
        entry.env |= {**account.environment, **account.variables.get(entry.slug, {})}
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
    return [
        entry for name, entry in entries.items() if wanted or entry.others or is_ready(entry, folder, name in with_url)
    ]


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
    for entry in [one for first in chosen for one in (first, *first.others.values())]:
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

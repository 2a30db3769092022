"""The accounts of one tenant as its operator sees them, without opening a credential."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from flotilla_launcher.naming import slug_of

from ..catalog import Entry
from ..discovery import discovery_if_any, title
from ..selection import Account
from .connections import Connected, Connections
from .tenant import Tenant
from .vault import LOGIN, Vault

WORKS, ENDED, INCOMPLETE = "works", "ended", "incomplete"


@dataclass(frozen=True)
class AccountState:
    """One account. `state` is whether its server can work with it, `connected` whose it is, if a link connected it."""

    title: str
    state: str
    connected: Connected | None


def accounts_of(
    tenant: Tenant, entries: Iterable[Entry], vault: Vault, connections: Connections, discovery: Path
) -> list[AccountState]:
    """Return every account of a tenant of which there is something, by server and name.

    `entries` are the servers of the catalog, `discovery` is the folder of their discovery files. Raises StoreError and
    DiscoveryError.
    """
    connected = {one.server: one for one in connections.all(tenant)}
    stored = [(item.server, "refresh_token" if item.name == LOGIN else item.name) for item in vault.listed(tenant)]
    account = Account({f"{server}.{name}": "set" for server, name in stored}, {})
    by_slug = {entry.slug: entry for entry in entries}
    made = []
    for place in sorted({slug_of(server) for server, _ in stored} | connected.keys()):
        slug, _, name = place.partition("@")
        if entry := by_slug.get(slug):
            state = WORKS if _is_whole(entry, account.of(name), discovery) else INCOMPLETE
            about = connected.get(place)
            if about and about.revoked:
                state = ENDED
            made.append(AccountState(title(replace(entry, account=name)), state, about))
    return made


def _is_whole(entry: Entry, account: Account, discovery: Path) -> bool:
    """Tell whether an account has one of the sets of settings that its server needs."""
    secrets = {secret["name"]: secret["env"] for secret in entry.spec.get("secrets") or ()}
    variables = {secrets[name] for name in account.secrets if name in secrets}
    needs = discovery_if_any(entry, discovery).get("needs") or [list(secrets.values())]
    return any(variables.issuperset(option) for option in needs)

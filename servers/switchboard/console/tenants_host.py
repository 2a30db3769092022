"""What the console of many tenants' operator shows and changes: the tenants, and what each of them has."""

from __future__ import annotations

import argparse
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .. import action_log, settings_file
from ..approvals import Approvals
from ..catalog import Entry, read_catalog
from ..connecting.offer import offer_of
from ..database import Database
from ..discovery import title
from ..tenants.administration import template_folder
from ..tenants.connections import Connections
from ..tenants.gateways import account_of, options_of
from ..tenants.links import Links
from ..tenants.overview import AccountState, accounts_of
from ..tenants.quotas import MINUTE
from ..tenants.setup import folders
from ..tenants.tenant import Tenant
from ..tenants.tenants import Tenants
from ..tenants.vault import Vault
from .host import Host, MissingError
from .pages import Visit, number_waiting


class Operator:
    """All tenants of a database, for the person who runs the switchboard. Used by one thread: see `app.Site`."""

    def __init__(self, options: argparse.Namespace, tenants: Tenants, vault: Vault) -> None:
        self.tenants, self.vault, self.template = tenants, vault, template_folder(os.environ)
        self.data, self.state = Path(options.data), Path(options.state)
        self.settings = settings_file.of(options)  # one file for all tenants
        self.connections, self.links = Connections(tenants.store), Links(tenants.store)
        self._options = options

    def tenant(self, visit: Visit) -> Tenant:
        """Return the tenant of an address. Raises MissingError and StoreError."""
        if tenant := self.tenants.with_id(visit.path["tenant"]):
            return tenant
        raise MissingError

    @contextmanager
    def host(self, visit: Visit) -> Iterator[Host]:
        """Give what the tenant of an address has. Raises MissingError and StoreError."""
        tenant = self.tenant(visit)
        host = Host(options_of(tenant, self._options), account=lambda: account_of(tenant, self.vault))
        try:
            yield host
        finally:
            host.database.close()

    def servers(self) -> dict[str, str]:
        """Return the titles of the catalog's servers, by slug. Raises CatalogError."""
        return {entry.slug: title(entry) for entry in self._catalog()}

    def connectable(self) -> dict[str, str]:
        """Return the titles of those servers whose accounts a link can connect, by slug. Raises CatalogError."""
        folder = Path(self._options.discovery)
        offers = {entry.slug: offer_of(entry, folder) for entry in self._catalog()}
        return {slug: offer.title for slug, offer in offers.items() if offer.forms}

    def accounts(self, tenant: Tenant) -> list[AccountState]:
        """Return a tenant's accounts with their state. Raises CatalogError, DiscoveryError and StoreError."""
        return accounts_of(tenant, self._catalog(), self.vault, self.connections, Path(self._options.discovery))

    def link(self, tenant: Tenant, place: str, origin: str) -> str:
        """Return a new one-time link by which the tenant connects SERVER, or SERVER@NAME. Raises StoreError.

        It begins with --public-url, else with `origin`, the address of this console.
        """
        return f"{self._options.public_url.rstrip('/') or origin}/connect/{self.links.create(tenant, place)}"

    def _catalog(self) -> Iterable[Entry]:
        return read_catalog(Path(self._options.catalog), {}, {}).values()

    def waiting(self, tenant: Tenant) -> int:
        """Return how many calls of a tenant wait for a yes."""
        with closing(Database(self._state_of(tenant))) as database:
            return number_waiting(Approvals(database))

    def last_call(self, tenant: Tenant) -> float | None:
        """Return when a tenant's last call ended (Unix seconds), None where there is none in its log."""
        try:
            calls = action_log.last_calls(self._state_of(tenant))
        except sqlite3.Error:
            return None
        return max((call["time"] for call in calls.values()), default=None)

    def calls_now(self) -> dict[str, int]:
        """Return how many calls were counted in this minute, by the ids of tenants that made any."""
        return self.tenants.calls(int(time.time()) // MINUTE)

    def _state_of(self, tenant: Tenant) -> Path:
        return folders(self.data, self.state, tenant.id)[1]

"""The tenants as one server of the fleet needs them, for a program of its own that works for all of them.

Of a tenant's credentials it opens those of that server alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from flotilla.settings import variable
from flotilla_launcher.environment import setting
from flotilla_launcher.naming import catalog_name

from ..options import OPTIONS
from .setup import folders, open_tenants, own_variables
from .tenant import Tenant

INHERITED = ("FLOTILLA_PLAIN_HTTP",)  # guards of the operator, for all tenants


class ServerTenants:
    """The tenants of a database that have a server. Raises StoreError, and VaultError for a key that is not there.

    `names` are the credentials that are its settings. FLOTILLA_STATE is the folder of all state, as for the
    switchboard.
    """

    def __init__(self, url: str, slug: str, names: Iterable[str], environ: Mapping[str, str] = os.environ) -> None:
        self._tenants, self._vault = open_tenants(url, environ)
        self._slug, self._names, self._environ = slug, set(names), environ
        self._state = Path(setting("FLOTILLA_STATE", environ) or OPTIONS["state"][0])

    def served(self) -> dict[str, Tenant]:
        """Return those that have it enabled and are not suspended, by id. One that names no server may have it."""
        names = {self._slug, catalog_name(self._slug), "all"}
        return {
            tenant.id: tenant
            for tenant in self._tenants.all()
            if tenant.active and (not tenant.settings.servers or names & set(tenant.settings.servers))
        }

    def variables(self, tenant: Tenant) -> dict[str, str]:
        """Return a tenant's environment for the server: its settings and where its state is. Raises VaultError."""
        credentials = self._vault.of_server(tenant, catalog_name(self._slug))
        return {
            **{name: self._environ[name] for name in INHERITED if name in self._environ},
            **{variable(self._slug, name): value for name, value in credentials.items() if name in self._names},
            **own_variables(tenant.id, self._environ).get(self._slug, {}),
            "FLOTILLA_STATE": str(folders(Path(), self._state, tenant.id)[1]),
        }

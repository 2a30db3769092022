"""One-time links by which a customer connects an account.

Whoever has a link needs no account here, so it opens one server of one tenant, ends, and works once. Only a hash of it
is kept.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from .store import Store
from .tenant import Tenant
from .tenants import COLUMNS, tenant_of, token_hash

HOURS = 72.0  # that a link works, where nobody says otherwise


@dataclass(frozen=True)
class Link:
    """A link that works: whose account of which server it connects. `server` is named as in the catalog."""

    hash: str
    tenant: Tenant
    server: str


class Links:
    """The links of one database. Raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, tenant: Tenant, server: str, hours: float = HOURS) -> str:
        """Return the secret part of a new link; those that have ended are removed."""
        token, now = secrets.token_urlsafe(32), time.time()
        with self._store.of(tenant, write=True) as transaction:
            transaction.run("DELETE FROM connect_link WHERE tenant = :tenant AND expires < :now", now=now)
            transaction.run(
                "INSERT INTO connect_link (hash, tenant, server, expires) VALUES (:hash, :tenant, :server, :expires)",
                hash=token_hash(token),
                server=server,
                expires=now + hours * 3600,
            )
        return token

    def find(self, token: str) -> Link | None:
        """Return the link of this secret part, None where it has ended, was used, or its tenant is suspended."""
        query = (
            f"SELECT connect_link.hash, connect_link.server, {COLUMNS} FROM connect_link "
            "JOIN tenant ON tenant.id = connect_link.tenant WHERE connect_link.hash = :hash AND expires > :now"
        )
        with self._store.of_all() as transaction:
            row = transaction.row(query, hash=token_hash(token), now=time.time())
        tenant = tenant_of(row[2:]) if row else None
        return Link(row[0], tenant, row[1]) if row and tenant and tenant.active else None

    def use(self, link: Link) -> bool:
        """Use a link up; tell whether it still worked."""
        with self._store.of(link.tenant, write=True) as transaction:
            query = "DELETE FROM connect_link WHERE tenant = :tenant AND hash = :hash AND expires > :now"
            return transaction.run(query, hash=link.hash, now=time.time()) == 1

    def begin_login(self, link: Link, state: str) -> None:
        """Note the state of a login that begins; that of an earlier one is worth nothing any more."""
        self._set_state(link, "", state)

    def end_login(self, link: Link, state: str) -> bool:
        """Tell whether a login has this state; it is worth nothing any more."""
        return self._set_state(link, " AND state = :old", None, old=token_hash(state))

    def _set_state(self, link: Link, where: str, state: str | None, **more: str) -> bool:
        query = f"UPDATE connect_link SET state = :state WHERE tenant = :tenant AND hash = :hash{where}"
        with self._store.of(link.tenant, write=True) as transaction:
            return transaction.run(query, hash=link.hash, state=state and token_hash(state), **more) == 1

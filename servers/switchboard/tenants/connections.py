"""Which accounts of each tenant are connected: whose they are, whether they still work, and who renews their tokens.

The credentials are in the vault; nothing here is secret.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from flotilla_launcher.text import named

from .store import Store
from .tenant import Tenant

HOLD = 60.0  # seconds after which a renewal counts as given up; one takes much less


@dataclass(frozen=True)
class Connected:
    """An account that is connected: of which server, whose it is as far as it says, and since when (Unix seconds).

    `revoked` is when its vendor was found to give no more access, None while it does.
    """

    server: str
    account: str
    connected: float
    revoked: float | None = None


class Connections:
    """The connected accounts of one database. A server is named by its slug. Raises StoreError."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def note(self, tenant: Tenant, server: str, account: str) -> None:
        """Note whose account is connected from now on; `account` is "" where the vendor does not say.

        It is the vendor's text, so no database must stumble over it.
        """
        with self.store.of(tenant, write=True) as transaction:
            transaction.run(
                "INSERT INTO connection (tenant, server, account, connected) VALUES (:tenant, :server, :account, :now) "
                "ON CONFLICT (tenant, server) DO UPDATE SET account = excluded.account, "
                "connected = excluded.connected, revoked = NULL",
                server=server,
                account=named(account),
                now=time.time(),
            )

    def all(self, tenant: Tenant) -> list[Connected]:
        """Return the accounts that were connected by links."""
        query = "SELECT server, account, connected, revoked FROM connection WHERE tenant = :tenant ORDER BY server"
        return [Connected(*row) for row in self.store.rows_of(tenant, query)]

    def revoke(self, tenant: Tenant, server: str) -> None:
        """Note that the vendor gives no more access."""
        with self.store.of(tenant, write=True) as transaction:
            query = "UPDATE connection SET revoked = :now WHERE tenant = :tenant AND server = :server"
            transaction.run(query, server=server, now=time.time())

    def hold(self, tenant: Tenant, server: str, holder: str) -> bool:
        """Reserve the renewal of an account's tokens, for every process that uses this database; False if another has.

        It is a row with an end, not an open transaction: SQLite has one writer, and a vendor may take seconds.
        """
        query = (  # a login that the operator has imported has no row yet
            "INSERT INTO connection (tenant, server, account, connected, holder, held_until) "
            "VALUES (:tenant, :server, '', :now, :holder, :end) ON CONFLICT (tenant, server) DO UPDATE "
            "SET holder = excluded.holder, held_until = excluded.held_until WHERE connection.held_until < :now"
        )
        with self.store.of(tenant, write=True) as transaction:
            now = time.time()
            return transaction.run(query, server=server, holder=holder, now=now, end=now + HOLD) == 1

    def release(self, tenant: Tenant, server: str, holder: str) -> None:
        """End a reservation, unless it has ended and is another one's."""
        query = "UPDATE connection SET held_until = 0 WHERE tenant = :tenant AND server = :server AND holder = :holder"
        with self.store.of(tenant, write=True) as transaction:
            transaction.run(query, server=server, holder=holder)

"""Creating, finding, changing and deleting tenants, and their clients' tokens."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .store import Store, Transaction
from .tenant import ACTIVE, NAME, SUSPENDED, Settings, Tenant, TenantError

PREFIX = "flt_"  # of a client's token, so that one that lies about is recognized
COLUMNS = "tenant.id, tenant.name, tenant.status, tenant.settings, tenant.revision"


class Tenants:
    """The tenants of one database."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- finding --------------------------------------------------------------------------------------------------

    def of_token(self, token: str) -> Tenant | None:
        """Return whose token this is, None where it is nobody's."""
        query = f"SELECT {COLUMNS} FROM tenant JOIN token ON token.tenant = tenant.id WHERE token.hash = :token"
        return tenant_of(next(iter(self.store.rows_of_token(token_hash(token), query)), None))

    def find(self, name: str) -> Tenant | None:
        """Return the tenant of this name, None where there is none."""
        with self.store.of_all() as transaction:
            return tenant_of(transaction.row(f"SELECT {COLUMNS} FROM tenant WHERE name = :name", name=name))

    def named(self, name: str) -> Tenant:
        """Return the tenant of this name. Raises TenantError."""
        if tenant := self.find(name):
            return tenant
        raise TenantError(f"There is no tenant `{name}`.", "`scripts/flotilla tenant list` shows them.")

    def with_id(self, tenant_id: str) -> Tenant | None:
        """Return the tenant of this id, None where there is none any more."""
        with self.store.of_all() as transaction:
            return tenant_of(transaction.row(f"SELECT {COLUMNS} FROM tenant WHERE id = :id", id=tenant_id))

    def all(self) -> list[Tenant]:
        """Return every tenant, by name."""
        with self.store.of_all() as transaction:
            rows = transaction.rows(f"SELECT {COLUMNS} FROM tenant ORDER BY name")
            return [tenant for row in rows if (tenant := tenant_of(row))]

    # -- changing -------------------------------------------------------------------------------------------------

    def create(self, name: str, settings: Settings) -> tuple[Tenant, str]:
        """Create a tenant; return it and its client's token, which is not kept. Raises TenantError."""
        if not NAME.fullmatch(name):
            raise TenantError(
                f"`{name}` cannot be the name of a tenant.",
                "Use small letters, digits and hyphens, beginning with a letter: at most 40.",
            )
        tenant = Tenant(f"{name}-{secrets.token_hex(4)}", name, ACTIVE, settings, 1)
        with self.store.of_all(write=True) as transaction:
            is_new = transaction.run(
                "INSERT INTO tenant (id, name, status, settings, revision, created) "
                "VALUES (:id, :name, :status, :settings, 1, :now) ON CONFLICT (name) DO NOTHING",
                id=tenant.id,
                name=name,
                status=ACTIVE,
                now=time.time(),
                settings=json.dumps(settings.document()),
            )
            if not is_new:
                raise TenantError(f"There is a tenant `{name}` already.", "Choose another name.")
            return tenant, _add_token(transaction, tenant.id)

    def change(self, tenant: Tenant, changes: Mapping[str, Any] | Callable[[Settings], Mapping[str, Any]]) -> Tenant:
        """Change settings; return the tenant as it is now. Raises TenantError.

        `changes` may be a function of the settings as they are now, which nobody changes meanwhile.
        """
        with self.store.of(tenant, write=True) as transaction:
            now = tenant_of(transaction.row(f"SELECT {COLUMNS} FROM tenant WHERE id = :tenant"))
            if now is None:
                raise TenantError(
                    f"There is no tenant `{tenant.name}` any more.", "It was deleted; nothing was changed."
                )
            changed = changes(now.settings) if callable(changes) else changes
            settings = Settings.of({**now.settings.document(), **changed})
            transaction.run(
                "UPDATE tenant SET settings = :settings WHERE id = :tenant", settings=json.dumps(settings.document())
            )
            touch(transaction)
        return replace(now, settings=settings, revision=now.revision + 1)

    def suspend(self, tenant: Tenant) -> None:
        """Serve its clients no more, until `resume`."""
        self._set_status(tenant, SUSPENDED)

    def resume(self, tenant: Tenant) -> None:
        """Serve its clients again."""
        self._set_status(tenant, ACTIVE)

    def _set_status(self, tenant: Tenant, status: str) -> None:
        with self.store.of(tenant, write=True) as transaction:
            transaction.run("UPDATE tenant SET status = :status WHERE id = :tenant", status=status)
            touch(transaction)

    def rotate_token(self, tenant: Tenant, keep_old: bool = False) -> str:
        """Return a new token of its client; the old ones end at once, unless they are kept until the next rotation."""
        with self.store.of(tenant, write=True) as transaction:
            if not keep_old:
                transaction.run("DELETE FROM token WHERE tenant = :tenant")
            return _add_token(transaction, tenant.id)

    def token_times(self, tenant: Tenant) -> list[float]:
        """Return when each token that works was made (Unix seconds), the newest first."""
        rows = self.store.rows_of(tenant, "SELECT created FROM token WHERE tenant = :tenant ORDER BY created DESC")
        return [float(created) for [created] in rows]

    def count_call(self, tenant: Tenant, minute: int) -> int:
        """Count a call; return how many there were in this minute, at all gateways, with this one.

        Where a gateway with an earlier clock is still in the minute before, its calls count for the newer one.
        """
        same = "latest_minute.minute IN (excluded.minute, excluded.minute + 1)"
        query = (
            "INSERT INTO latest_minute (tenant, minute, calls) VALUES (:tenant, :minute, 1) ON CONFLICT (tenant) "
            f"DO UPDATE SET minute = CASE WHEN {same} THEN latest_minute.minute ELSE excluded.minute END, "
            f"calls = CASE WHEN {same} THEN latest_minute.calls + 1 ELSE 1 END RETURNING calls"
        )
        with self.store.counting(tenant) as transaction:
            [(calls,)] = transaction.rows(query, minute=minute)
        return int(calls)

    def calls(self, minute: int) -> dict[str, int]:
        """Return how many calls were counted in a minute, by the ids of tenants that made any."""
        with self.store.of_all() as transaction:
            query = "SELECT tenant, calls FROM latest_minute WHERE minute = :minute"
            return {tenant: int(calls) for tenant, calls in transaction.rows(query, minute=minute)}

    def delete(self, tenant: Tenant) -> None:
        """Delete its rows, and with them its keys: nothing that was sealed for it opens any more."""
        with self.store.of(tenant, write=True) as transaction:
            for table in ("credential", "data_key", "token", "latest_minute", "connect_link", "connection"):
                transaction.run(f"DELETE FROM {table} WHERE tenant = :tenant")
            transaction.run("DELETE FROM tenant WHERE id = :tenant")


def touch(transaction: Transaction) -> None:
    """Have the tenant's gateways see that something has changed."""
    transaction.run("UPDATE tenant SET revision = revision + 1 WHERE id = :tenant")


def tenant_of(row: tuple[Any, ...] | None) -> Tenant | None:
    """Return the tenant of a row of COLUMNS."""
    if row is None:
        return None
    identity, name, status, settings, revision = row
    return Tenant(identity, name, status, Settings.of(json.loads(settings)), int(revision))


def _add_token(transaction: Transaction, tenant_id: str) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    transaction.run(
        "INSERT INTO token (hash, tenant, created) VALUES (:hash, :owner, :now)",
        hash=token_hash(token),
        owner=tenant_id,
        now=time.time(),
    )
    return token


def token_hash(token: str) -> str:
    """Return what is kept of a token. It is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()

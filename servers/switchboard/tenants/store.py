"""The database of tenants: SQLite (WAL) by default, PostgreSQL by URL. Plain SQL that both understand.

Every transaction has a scope: one tenant, the tenant of one token, or everybody (for the operator's commands). Queries
name the scope's tenant as `:tenant`. PostgreSQL holds to the scope by itself (row-level security): a query that forgets
the tenant returns nothing of others.
"""

from __future__ import annotations

import os
import queue
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flotilla_launcher.environment import SettingError
from flotilla_launcher.write_ahead import use_write_ahead_log

from .tenant import Tenant

T = TypeVar("T")
BUSY = 15.0  # seconds that a writer waits for another one's write
IDLE_CONNECTIONS = 16
LOCK = 7_206_173  # PostgreSQL's advisory lock of migrations: any number that nobody else uses
PARAMETER = re.compile(r":([a-z_]+)")
SCOPE = "SELECT set_config('flotilla.tenant', :tenant, true), set_config('flotilla.token', :token, true)"
MIGRATIONS = (  # each is one transaction; a number is never used again, and what was published never changes
    """
    CREATE TABLE tenant (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, status TEXT NOT NULL, settings TEXT NOT NULL,
        revision BIGINT NOT NULL, created DOUBLE PRECISION NOT NULL
    );
    CREATE TABLE token (
        hash TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenant ON DELETE CASCADE,
        created DOUBLE PRECISION NOT NULL
    );
    CREATE INDEX token_by_tenant ON token (tenant);
    CREATE TABLE data_key (
        tenant TEXT NOT NULL REFERENCES tenant ON DELETE CASCADE, version BIGINT NOT NULL, wrapped TEXT NOT NULL,
        created DOUBLE PRECISION NOT NULL, PRIMARY KEY (tenant, version)
    );
    CREATE TABLE credential (
        tenant TEXT NOT NULL, server TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL,
        key_version BIGINT NOT NULL, sealed BYTEA NOT NULL, created DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (tenant, server, name, version),
        FOREIGN KEY (tenant, key_version) REFERENCES data_key (tenant, version) ON DELETE CASCADE
    );
    """,
    """
    CREATE TABLE latest_minute (
        tenant TEXT PRIMARY KEY REFERENCES tenant ON DELETE CASCADE, minute BIGINT NOT NULL, calls BIGINT NOT NULL
    );
    """,
    """
    CREATE TABLE connect_link (
        hash TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenant ON DELETE CASCADE, server TEXT NOT NULL,
        expires DOUBLE PRECISION NOT NULL
    );
    CREATE TABLE connection (
        tenant TEXT NOT NULL REFERENCES tenant ON DELETE CASCADE, server TEXT NOT NULL, account TEXT NOT NULL,
        connected DOUBLE PRECISION NOT NULL, PRIMARY KEY (tenant, server)
    );
    """,
    """
    ALTER TABLE connect_link ADD COLUMN state TEXT;
    ALTER TABLE connection ADD COLUMN revoked DOUBLE PRECISION;
    ALTER TABLE connection ADD COLUMN holder TEXT;
    ALTER TABLE connection ADD COLUMN held_until DOUBLE PRECISION NOT NULL DEFAULT 0;
    """,
)
OWN = "{} = current_setting('flotilla.tenant', true) OR current_setting('flotilla.tenant', true) = '*'"
OF_TOKEN = "current_setting('flotilla.token', true)"
POLICIES: tuple[
    dict[str, str], ...
] = (  # PostgreSQL only, with the migration of the same number: which rows a transaction sees and may write
    {
        "tenant": f"{OWN.format('id')} OR EXISTS (SELECT 1 FROM token t WHERE t.tenant = id AND t.hash = {OF_TOKEN})",
        "token": f"{OWN.format('tenant')} OR hash = {OF_TOKEN}",
        "data_key": OWN.format("tenant"),
        "credential": OWN.format("tenant"),
    },
    {"latest_minute": OWN.format("tenant")},
    {"connect_link": OWN.format("tenant"), "connection": OWN.format("tenant")},
    {},
)


class StoreError(SettingError):
    """The database cannot be used. The message is a sentence, and what to do next."""


class Transaction:
    """Queries in one scope. Values are named, `:name`; `:tenant` is the scope's tenant."""

    def __init__(self, store: Store, connection: Any, values: Mapping[str, Any]) -> None:
        self._store, self._connection, self._values = store, connection, values

    def run(self, sql: str, **values: Any) -> int:
        """Change rows; return how many."""
        return int(self._execute(sql, values).rowcount)

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return rows."""
        return [tuple(row) for row in self._execute(sql, values).fetchall()]

    def row(self, sql: str, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row, None where there is none."""
        return next(iter(self.rows(sql, **values)), None)

    def _execute(self, sql: str, values: Mapping[str, Any]) -> Any:
        return self._store.execute(self._connection, sql, {**self._values, **values})


class Store:
    """A database, made and migrated where that is needed. It may be used from many threads.

    `url` is the path of a file, or postgresql://user:password@host/database. Raises StoreError.
    """

    def __init__(self, url: str) -> None:
        self.is_postgresql = url.startswith(("postgresql://", "postgres://"))
        self._url = url
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue(IDLE_CONNECTIONS)
        self._writing = threading.local()  # the tenant that this thread's open transaction changes, and that one
        self._errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError, OverflowError)  # of a number, by SQLite
        if self.is_postgresql:
            try:
                import psycopg
            except ImportError:
                raise StoreError(
                    "The driver of PostgreSQL is not installed.",
                    "Install `flotilla-fleet[postgresql]`, or use the path of a file.",
                ) from None
            self._errors = (psycopg.Error, OSError)
        with self._explaining():
            self._migrate()

    # -- scopes ---------------------------------------------------------------------------------------------------

    @contextmanager
    def of(self, tenant: Tenant, write: bool = False) -> Iterator[Transaction]:
        """Open a transaction about one tenant; those that write wait for each other.

        Inside of one that writes, another one about the same tenant is a part of it: all of it is kept, or nothing.
        """
        if outer := self._outer(tenant):
            yield outer
            return
        with self._transaction({"tenant": tenant.id}, write) as transaction:
            if write:
                if self.is_postgresql:
                    transaction.row("SELECT id FROM tenant WHERE id = :tenant FOR UPDATE")
                self._writing.now = tenant.id, transaction
            try:
                yield transaction
            finally:
                if write:
                    del self._writing.now

    @contextmanager
    def counting(self, tenant: Tenant) -> Iterator[Transaction]:
        """Open a transaction that writes a number about one tenant, which may be lost when the machine goes down."""
        with self._transaction({"tenant": tenant.id}, write=True, durable=False) as transaction:
            yield transaction

    def rows_of(self, tenant: Tenant, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of one query about a tenant: in PostgreSQL one round trip, where a transaction has three."""
        outer = self._outer(tenant)
        return outer.rows(sql) if outer else self._rows({"tenant": tenant.id}, sql)

    def rows_of_token(self, token_hash: str, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of one query about the tenant of one token, which is `:token`; see `rows_of`."""
        return self._rows({"tenant": "", "token": token_hash}, sql)

    @contextmanager
    def of_all(self, write: bool = False) -> Iterator[Transaction]:
        """Open a transaction about every tenant: for the operator's commands and to find a tenant by name."""
        with self._transaction({"tenant": "*"}, write) as transaction:
            yield transaction

    def _outer(self, tenant: Tenant) -> Transaction | None:
        """Return the transaction of this thread that changes the tenant now."""
        owner, outer = getattr(self._writing, "now", (None, None))
        return outer if owner == tenant.id else None

    @contextmanager
    def _transaction(
        self, values: Mapping[str, Any], write: bool = False, durable: bool = True
    ) -> Iterator[Transaction]:
        with self._explaining():
            connection = self._begin(values, write, durable)
            try:
                yield Transaction(self, connection, values)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(*self._errors):
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._release(connection)

    def _rows(self, scope: Mapping[str, Any], sql: str) -> list[tuple[Any, ...]]:
        if not self.is_postgresql:
            with self._transaction(scope) as transaction:
                return transaction.rows(sql)

        def ask(connection: Any) -> Any:
            with connection.pipeline():
                self._set_scope(connection, scope)
                cursor = self.execute(connection, sql, scope)
                connection.execute("COMMIT")
            return cursor

        with self._explaining():
            connection, cursor = self._on_connection(ask)
            self._release(connection)
            return [tuple(row) for row in cursor.fetchall()]

    # -- the two dialects -----------------------------------------------------------------------------------------

    def execute(self, connection: Any, sql: str, values: Mapping[str, Any]) -> Any:
        """Run one statement; return its cursor."""
        if self.is_postgresql:
            return connection.execute(PARAMETER.sub(r"%(\1)s", sql), values)
        return connection.execute(sql, values)

    def _begin(self, values: Mapping[str, Any], write: bool, durable: bool) -> Any:
        """Return a connection in which the scope's transaction is open."""
        if not self.is_postgresql:
            connection = self._connection()
            if write:
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            return connection

        def begin(connection: Any) -> None:
            with connection.pipeline():
                self._set_scope(connection, values)
                if not durable:
                    connection.execute("SET LOCAL synchronous_commit = off")

        return self._on_connection(begin)[0]

    def _set_scope(self, connection: Any, scope: Mapping[str, Any]) -> None:
        """Open a transaction that sees the scope's rows alone, inside of a pipeline: each wait is a round trip."""
        connection.execute("BEGIN")
        self.execute(connection, SCOPE, {"token": "", **scope})

    def _on_connection(self, work: Callable[[Any], T]) -> tuple[Any, T]:
        """Begin something on a connection to PostgreSQL; return that one, to be released, and what `work` returns."""
        while True:
            pooled = not self._idle.empty()
            connection = self._connection()
            try:
                return connection, work(connection)
            except BaseException as error:
                connection.close()  # and with it a transaction that is open
                if not (pooled and isinstance(error, self._errors)):  # else the server may have closed an idle one
                    raise

    def _connection(self) -> Any:
        with suppress(queue.Empty):
            return self._idle.get_nowait()
        if self.is_postgresql:
            import psycopg

            return psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        path = Path(self._url)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        use_write_ahead_log(connection, BUSY)
        for pragma in ("foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _release(self, connection: Any) -> None:
        if not (self.is_postgresql and connection.closed):
            with suppress(queue.Full):
                self._idle.put_nowait(connection)
                return
        connection.close()

    # -- schema ---------------------------------------------------------------------------------------------------

    def _migrate(self) -> None:
        with self._transaction({"tenant": "*"}, write=True) as transaction:
            if self.is_postgresql:
                self._refuse_superuser(transaction)
                transaction.row("SELECT pg_advisory_xact_lock(:lock)", lock=LOCK)
            transaction.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
            [(version,)] = transaction.rows("SELECT coalesce(max(version), 0) FROM schema_version")
            if version > len(MIGRATIONS):
                raise StoreError(
                    "The database of tenants was made by a newer version of Flotilla.", "Update this installation."
                )
            for number in range(version, len(MIGRATIONS)):
                for statement in self._statements(number):
                    transaction.run(statement)
                transaction.run("INSERT INTO schema_version (version) VALUES (:version)", version=number + 1)

    def _statements(self, number: int) -> Iterator[str]:
        """Yield the statements of a migration."""
        script = MIGRATIONS[number] if self.is_postgresql else MIGRATIONS[number].replace("BYTEA", "BLOB")
        yield from (statement for part in script.split(";") if (statement := part.strip()))
        for table, policy in POLICIES[number].items() if self.is_postgresql else ():
            yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
            yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"  # for the tables' owner too
            yield f"CREATE POLICY own ON {table} USING ({policy})"

    def _refuse_superuser(self, transaction: Transaction) -> None:
        about = transaction.row("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if about and about[0]:
            raise StoreError(
                "The user of the database of tenants is above row-level security.",
                "Use one that is neither superuser nor has BYPASSRLS, and that owns the database.",
            )

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Raise what the database refuses as StoreError, without the password of the URL."""
        try:
            yield
        except self._errors as error:
            password = urlsplit(self._url).password if self.is_postgresql else None
            reason = " ".join(str(error).split())
            reason = (reason.replace(password, "***") if password else reason)[:300].rstrip(" .?")
            raise StoreError(f"The database of tenants cannot be used: {reason}.", "Ask the operator.") from None

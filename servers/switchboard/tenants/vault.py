"""Credentials of tenants: AES-256-GCM under a data key of each tenant, which the key-encryption key seals.

Each value is bound to its place: tenant, server, name and version. A row that was copied elsewhere does not open, and
what does not open is an error, never "not configured".
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flotilla_launcher.user_files import parse_secrets

from .keys import KeyEncryption, VaultError, seal, unseal
from .store import Store, Transaction
from .tenant import ACCOUNT, ACCOUNT_RULE, Tenant
from .tenants import touch

KEEP = 5  # versions of one credential
FRESH = 300.0  # seconds that an opened data key is kept in memory
MOST_KEYS = 1_000  # opened ones in memory
LOGIN = "login"  # the name of the credential that holds the tokens of a login, see `connecting.logins`
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
SERVER = re.compile(rf"{NAME.pattern}(@{ACCOUNT.pattern})?")


@dataclass(frozen=True)
class Stored:
    """What may be shown of a credential: where it belongs, how often it was set, and when last (Unix seconds)."""

    server: str
    name: str
    version: int
    created: float


class Vault:
    """The credentials in one database. A server is named as in the catalog: flotilla-hubspot.

    Behind it stands the name of the account, where that has one: flotilla-hubspot@paris.
    """

    def __init__(self, store: Store, keys: KeyEncryption) -> None:
        self._store, self._keys = store, keys
        self._opened: dict[tuple[str, str], tuple[float, bytes]] = {}
        self._lock = threading.Lock()

    # -- values ---------------------------------------------------------------------------------------------------

    def put(self, tenant: Tenant, values: Mapping[tuple[str, str], str], announce: bool = True) -> None:
        """Save values by server and name, all or none, each as a new version. Raises VaultError and StoreError.

        What the tenant runs is replaced by what has the new values, unless that is not to be announced.
        """
        for place in values:
            if not (SERVER.fullmatch(place[0]) and NAME.fullmatch(place[1])):
                raise VaultError(
                    f"`{'.'.join(place)}` is not the name of a credential.",
                    f"Use server.name, or server@account.name. {ACCOUNT_RULE}",
                )
        with self._store.of(tenant, write=True) as transaction:
            number, key = self._newest_key(transaction, tenant)
            for (server, name), value in values.items():
                self._add(transaction, tenant, server, name, value, number, key)
            if announce:
                touch(transaction)

    def all(self, tenant: Tenant) -> dict[str, str]:
        """Return every newest value by `server.name`, as the secrets file has them. Raises VaultError."""
        return {f"{server}.{name}": value for server, name, value in self._values(tenant)}

    def of_server(self, tenant: Tenant, server: str) -> dict[str, str]:
        """Return one server's newest values by name; nothing else is opened. Raises VaultError."""
        return {name: value for _, name, value in self._values(tenant, server)}

    def _values(self, tenant: Tenant, only: str = "") -> Iterator[tuple[str, str, str]]:
        for server, name, version, number, wrapped, sealed, _ in self._store.rows_of(tenant, NEWEST):
            if only in ("", server):
                key = self._opened_key(tenant, number, wrapped)
                yield server, name, _open(key, sealed, tenant, server, name, version)

    def listed(self, tenant: Tenant) -> list[Stored]:
        """Return what there is, without values."""
        rows = self._store.rows_of(tenant, NEWEST)
        return [Stored(server, name, version, created) for server, name, version, *_, created in rows]

    def restore(self, tenant: Tenant, server: str, name: str, version: int) -> None:
        """Make an older version the newest one again. Raises VaultError."""
        query = (
            "SELECT key_version, sealed FROM credential "
            "WHERE tenant = :tenant AND server = :server AND name = :name AND version = :version"
        )
        with self._store.of(tenant, write=True) as transaction:
            row = transaction.row(query, server=server, name=name, version=version)
            if row is None:
                raise VaultError(f"There is no version {version} of {server}.{name}.", f"The last {KEEP} are kept.")
            number, key = self._newest_key(transaction, tenant)
            old = key if row[0] == number else self._key(transaction, tenant, row[0])
            value = _open(old, row[1], tenant, server, name, version)
            self._add(transaction, tenant, server, name, value, number, key)
            touch(transaction)

    def remove(self, tenant: Tenant, server: str, name: str) -> None:
        """Delete a credential with all its versions. Raises VaultError where there is none."""
        with self._store.of(tenant, write=True) as transaction:
            query = "DELETE FROM credential WHERE tenant = :tenant AND server = :server AND name = :name"
            if not transaction.run(query, server=server, name=name):
                raise VaultError(
                    f"There is no credential {server}.{name}.", "`scripts/flotilla tenant show` lists them."
                )
            touch(transaction)

    # -- what others hold -----------------------------------------------------------------------------------------

    def seal(self, text: str, use: str) -> str:
        """Return a text sealed with the key-encryption key, for somebody else to hold. Raises VaultError."""
        return self._keys.wrap(text.encode(), use)

    def unseal(self, sealed: str, use: str) -> str:
        """Return what `seal` has sealed for the same use. Raises VaultError."""
        return self._keys.unwrap(sealed, use).decode()

    # -- the secrets file -----------------------------------------------------------------------------------------

    def import_file(self, tenant: Tenant, text: str) -> int:
        """Save the values of a secrets file (lines `server.name=value`); return how many. Raises VaultError."""
        try:
            values = {name: value for name, value in parse_secrets(text).items() if value}
        except ValueError as error:
            raise VaultError(f"The secrets file cannot be used: {error}.", "Correct it, and import it again.") from None
        places = {(name.partition(".")[0], name.partition(".")[2]): value for name, value in values.items()}
        self.put(tenant, places)
        return len(places)

    def export_file(self, tenant: Tenant) -> str:
        """Return the text of a secrets file with every value. Raises VaultError for one that the format cannot hold."""
        values = self.all(tenant)
        if broken := [name for name, value in values.items() if len(value.splitlines()) > 1 or value != value.rstrip()]:
            raise VaultError(f"{broken[0]} has a line break or a blank at its end.", "Remove it, and export again.")
        return "".join(f"{name}={value}\n" for name, value in values.items())

    # -- keys -----------------------------------------------------------------------------------------------------

    def rewrap(self, tenant: Tenant) -> None:
        """Seal the tenant's data keys with the newest key-encryption key; nothing else changes."""
        with self._store.of(tenant, write=True) as transaction:
            rows = transaction.rows("SELECT version, wrapped FROM data_key WHERE tenant = :tenant")
            for number, wrapped in rows:
                sealed = self._keys.rewrap(wrapped, _context(tenant, number))
                query = "UPDATE data_key SET wrapped = :wrapped WHERE tenant = :tenant AND version = :version"
                transaction.run(query, wrapped=sealed, version=number)

    def rotate_data_key(self, tenant: Tenant) -> None:
        """Make a new data key, and seal every value of the tenant with it; the old one is destroyed."""
        with self._store.of(tenant, write=True) as transaction:
            rows = transaction.rows(
                "SELECT server, name, version, key_version, sealed FROM credential WHERE tenant = :tenant"
            )
            old = {number: self._key(transaction, tenant, number) for number in {row[3] for row in rows}}
            number, key = self._new_key(transaction, tenant)
            for server, name, version, old_number, sealed in rows:
                value = _open(old[old_number], sealed, tenant, server, name, version)
                transaction.run(
                    "UPDATE credential SET sealed = :sealed, key_version = :number WHERE tenant = :tenant "
                    "AND server = :server AND name = :name AND version = :version",
                    sealed=_seal(key, value, tenant, server, name, version),
                    number=number,
                    server=server,
                    name=name,
                    version=version,
                )
            transaction.run("DELETE FROM data_key WHERE tenant = :tenant AND version < :number", number=number)

    def _newest_key(self, transaction: Transaction, tenant: Tenant) -> tuple[int, bytes]:
        row = transaction.row(
            "SELECT version, wrapped FROM data_key WHERE tenant = :tenant ORDER BY version DESC LIMIT 1"
        )
        return (row[0], self._opened_key(tenant, *row)) if row else self._new_key(transaction, tenant)

    def _new_key(self, transaction: Transaction, tenant: Tenant) -> tuple[int, bytes]:
        [(last,)] = transaction.rows("SELECT coalesce(max(version), 0) FROM data_key WHERE tenant = :tenant")
        key, number = AESGCM.generate_key(bit_length=256), last + 1
        transaction.run(
            "INSERT INTO data_key (tenant, version, wrapped, created) VALUES (:tenant, :version, :wrapped, :now)",
            version=number,
            wrapped=self._keys.wrap(key, _context(tenant, number)),
            now=time.time(),
        )
        return number, key

    def _key(self, transaction: Transaction, tenant: Tenant, number: int) -> bytes:
        query = "SELECT wrapped FROM data_key WHERE tenant = :tenant AND version = :version"
        [(wrapped,)] = transaction.rows(query, version=number)
        return self._opened_key(tenant, number, wrapped)

    def _opened_key(self, tenant: Tenant, number: int, wrapped: str) -> bytes:
        """Return a data key; for a while it is opened once only."""
        place, now = (_context(tenant, number), wrapped), time.monotonic()
        opened, key = self._opened.get(place, (0.0, b""))
        if not key or now - opened > FRESH:
            key = self._keys.unwrap(wrapped, place[0])
            with self._lock:
                fresh = {known: item for known, item in self._opened.items() if now - item[0] < FRESH}
                self._opened = dict(list(fresh.items())[-MOST_KEYS:]) | {place: (now, key)}
        return key

    def _add(
        self, transaction: Transaction, tenant: Tenant, server: str, name: str, value: str, number: int, key: bytes
    ) -> None:
        place = {"server": server, "name": name}
        where = "tenant = :tenant AND server = :server AND name = :name"
        [(last,)] = transaction.rows(f"SELECT coalesce(max(version), 0) FROM credential WHERE {where}", **place)
        transaction.run(
            "INSERT INTO credential (tenant, server, name, version, key_version, sealed, created) "
            "VALUES (:tenant, :server, :name, :version, :number, :sealed, :now)",
            **{**place, "version": last + 1, "number": number, "now": time.time()},
            sealed=_seal(key, value, tenant, server, name, last + 1),
        )
        transaction.run(f"DELETE FROM credential WHERE {where} AND version <= :oldest", **place, oldest=last + 1 - KEEP)


NEWEST = (  # one query: between two, another process could exchange the data key
    "SELECT c.server, c.name, c.version, c.key_version, k.wrapped, c.sealed, c.created FROM credential c "
    "JOIN data_key k ON k.tenant = c.tenant AND k.version = c.key_version WHERE c.tenant = :tenant "
    "AND c.version = (SELECT max(version) FROM credential d "
    "WHERE d.tenant = c.tenant AND d.server = c.server AND d.name = c.name) ORDER BY c.server, c.name"
)


def _context(tenant: Tenant, number: int) -> str:
    return f"{tenant.id}|{number}"


def _place(tenant: Tenant, server: str, name: str, version: int) -> str:
    return f"{tenant.id}|{server}|{name}|{version}"


def _seal(key: bytes, value: str, tenant: Tenant, server: str, name: str, version: int) -> bytes:
    return seal(key, value.encode(), _place(tenant, server, name, version))


def _open(key: bytes, sealed: bytes, tenant: Tenant, server: str, name: str, version: int) -> str:
    try:
        return unseal(key, sealed, _place(tenant, server, name, version)).decode()
    except (InvalidTag, ValueError):
        raise VaultError(
            f"The saved {name} of {server} does not open: it was changed, or belongs elsewhere.",
            "Ask the operator to set it again, or to bring a backup back.",
        ) from None

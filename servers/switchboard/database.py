"""What several switchboards and the console share: one SQLite database (WAL) in the state folder.

It holds who may do what, what was looked at, and the calls that wait for a person. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flotilla_launcher.write_ahead import use_write_ahead_log

if TYPE_CHECKING:
    import sqlite3

BUSY = 5.0  # seconds that a writer waits for another process's write
MIGRATIONS = (
    """
    CREATE TABLE permission (
        tenant TEXT NOT NULL DEFAULT '', subject TEXT NOT NULL DEFAULT '', server TEXT NOT NULL, tool TEXT NOT NULL,
        decision TEXT NOT NULL, hash TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL, expires REAL,
        PRIMARY KEY (tenant, subject, server, tool)
    );
    CREATE TABLE definition (hash TEXT PRIMARY KEY, document TEXT NOT NULL, seen REAL NOT NULL);
    CREATE TABLE approval (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL DEFAULT '', subject TEXT NOT NULL DEFAULT '', server TEXT NOT NULL,
        tool TEXT NOT NULL, title TEXT NOT NULL, arguments TEXT NOT NULL, request TEXT NOT NULL, client TEXT NOT NULL,
        reason TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL, state TEXT NOT NULL, by TEXT NOT NULL
    );
    CREATE INDEX approval_by_state ON approval (state, expires);
    CREATE TABLE presence (name TEXT PRIMARY KEY, at REAL NOT NULL);
    """,
)


def path(folder: Path) -> Path:
    """Return the database of a state folder."""
    return folder / "switchboard" / "host.db"


class Database:
    """The database of a state folder, made when something is first written. One connection, of one thread."""

    def __init__(self, folder: Path) -> None:
        self.path = path(folder)
        self._connection: sqlite3.Connection | None = None
        self._version = -1

    def exists(self) -> bool:
        """Tell whether anything was ever written."""
        return self._connection is not None or self.path.exists()

    def changed(self) -> bool:
        """Tell whether another process has written since this was last asked; the first time, whether there is any."""
        if not self.exists():
            return False
        version = int(self.connection().execute("PRAGMA data_version").fetchone()[0])
        before, self._version = self._version, version
        return version != before

    def connection(self) -> sqlite3.Connection:
        """Return the connection, with the newest tables."""
        if self._connection is None:
            import sqlite3  # not at the top: where nothing was ever written, the launcher does without it

            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            self.path.chmod(0o600)
            connection.row_factory = sqlite3.Row
            use_write_ahead_log(connection, BUSY)
            connection.execute("PRAGMA synchronous = NORMAL")
            self._connection = connection
            self._migrate()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for statements that count together or not at all; other writers wait."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _migrate(self) -> None:
        with self.transaction() as connection:
            done = int(connection.execute("PRAGMA user_version").fetchone()[0])
            for migration in MIGRATIONS[done:]:
                for statement in filter(str.strip, migration.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {max(done, len(MIGRATIONS))}")

"""SQLite's write-ahead log, for databases that several processes open. Standard library only."""

from __future__ import annotations

import time

TYPE_CHECKING = False  # as in `typing`, whose import would cost the launcher 5 ms
if TYPE_CHECKING:
    import sqlite3

PAUSE = 0.01  # seconds


def use_write_ahead_log(connection: sqlite3.Connection, seconds: float) -> None:
    """Switch a database to its write-ahead log. Raises sqlite3.Error.

    SQLite says at once that the database is locked, whatever its timeout, where another process is doing the same or
    recovers the log of one that was killed: so it is asked again for as many seconds.
    """
    from sqlite3 import SQLITE_BUSY, OperationalError

    end = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except OperationalError as error:
            if error.sqlite_errorcode & 0xFF != SQLITE_BUSY or time.monotonic() > end:  # no other error passes
                raise
            time.sleep(PAUSE)

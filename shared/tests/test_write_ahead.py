"""Switching a SQLite database to its write-ahead log while others use it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flotilla_launcher import write_ahead
from flotilla_launcher.write_ahead import use_write_ahead_log


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None)


def test_write_ahead_log_waits_for_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    with closing(opened(path)) as other, closing(opened(path)) as connection:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            use_write_ahead_log(connection, 0)
        monkeypatch.setattr(write_ahead.time, "sleep", lambda _: other.execute("COMMIT"))
        use_write_ahead_log(connection, 60)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_write_ahead_log_of_an_unusable_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead.time, "sleep", lambda _: pytest.fail("it waits"))
    (tmp_path / "b.db").write_text("no database, but a long text " * 40)
    with closing(opened(tmp_path / "b.db")) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_write_ahead_log(connection, 60)
    uri = f"{(tmp_path / 'read.db').as_uri()}?mode=ro"
    opened(tmp_path / "read.db").execute("CREATE TABLE a (b)")
    with (
        closing(sqlite3.connect(uri, uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        use_write_ahead_log(connection, 60)

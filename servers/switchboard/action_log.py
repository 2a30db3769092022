"""The log of calls: one row for each in SQLite, written by a thread of its own, so that no call waits for the disk.

`flotilla log` reads it. Arguments are kept with their secrets masked, results only where that is asked for.
"""

from __future__ import annotations

import json
import math
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flotilla_launcher.masking import masked
from flotilla_launcher.protocol import TIMINGS_KEY
from flotilla_launcher.write_ahead import use_write_ahead_log

from .reporting import report

if TYPE_CHECKING:
    import sqlite3

LONGEST_ARGUMENTS, LONGEST_RESULT = 8_000, 64_000  # characters
PRUNE_EVERY = 1_000  # rows
BUSY = 5.0  # seconds that a writer waits for another switchboard's write
DAY = 86_400.0


@dataclass
class Action:
    """One call. Times are Unix seconds and milliseconds; `vendor_ms` is None where the server does not tell it.

    `outcome`: ok, error, asked (a question is the result), not_started, timeout and lost (may or may not have been
    done), broken, cancelled, refused (wrong arguments for a foreign server), denied (by a rule or a person).
    """

    time: float
    trace_id: str
    user_id: str
    client: str
    era: str
    mcp_server: str
    tool_name: str
    arguments: str
    decision: str
    outcome: str
    latency_ms: float
    gateway_ms: float
    server_ms: float
    vendor_ms: float | None
    mcp_response: str | None


COLUMNS = [field.name for field in fields(Action)]


def shown(arguments: Any, secrets: Iterable[str] = ()) -> str:
    """Return arguments as the log keeps them: JSON, cut, without secrets: by their names, and by their values."""
    with suppress(ValueError, RecursionError):
        return _cut(masked_text(arguments, secrets), LONGEST_ARGUMENTS)
    return "cannot be shown"


def masked_text(value: Any, secrets: Iterable[str]) -> str:
    """Return JSON data as text without secrets: by their names, and by their values. Raises ValueError and
    RecursionError."""
    text = json.dumps(masked(value), ensure_ascii=False, separators=(",", ":"))
    for secret in secrets:
        text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "***") if len(secret) >= 6 else text
    return text


def taken_vendor_ms(result: dict[str, Any]) -> float | None:
    """Take out of a server's result how many milliseconds its vendor took; None where it does not say."""
    timings: Any = result["_meta"].pop(TIMINGS_KEY, None) if type(result.get("_meta")) is dict else None
    value: Any = timings.get("vendor_ms") if type(timings) is dict else None
    return float(value) if type(value) in (int, float) and 0 <= value < math.inf else None


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def database(folder: Path) -> Path:
    """Return the file of a state folder's log."""
    return folder / "switchboard" / "actions.db"


class ActionLog:
    """Takes actions from the event loop; a thread writes them in batches. A disk that is full stops no call."""

    def __init__(
        self, folder: Path, responses: bool = False, user: str = "", *, keep_days: int = 90, keep_rows: int = 100_000
    ) -> None:
        self.responses, self.user = responses, user  # whether results are kept, and who calls
        self._keep_days, self._keep_rows = keep_days, keep_rows
        self.failed = ""  # why the last rows could not be written
        self._path = database(folder)
        self._queue: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, action: Action) -> None:
        """Take a row; it is in the file a moment later."""
        if action.mcp_response is not None:
            action.mcp_response = _cut(action.mcp_response, LONGEST_RESULT) if self.responses else None
        self._queue.put(action)
        if self._thread is None:
            with self._lock:
                self._thread = threading.Thread(target=self._write, name="action-log", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write what was taken, and end."""
        if self._thread:
            self._queue.put(None)
            self._thread.join(BUSY * 2)

    def _write(self) -> None:
        written, ended = 0, False
        while not ended:
            rows = [self._queue.get()]
            with suppress(queue.Empty):
                while len(rows) < PRUNE_EVERY:
                    rows.append(self._queue.get_nowait())
            ended = None in rows
            batch = [astuple(row) for row in rows if row is not None]
            try:
                with closing(_open(self._path)) as db, db:
                    marks = ", ".join("?" * len(COLUMNS))
                    db.executemany(f"INSERT INTO actions ({', '.join(COLUMNS)}) VALUES ({marks})", batch)
                    if ended or written // PRUNE_EVERY != (written + len(batch)) // PRUNE_EVERY:
                        _prune(db, self._keep_days, self._keep_rows)
                written += len(batch)
                self.failed = ""
            except Exception as error:  # nothing may end the thread
                if not self.failed:
                    report(f"calls are not logged: {error}")
                self.failed = f"{len(batch)} calls could not be logged: {error}"


def _open(path: Path) -> sqlite3.Connection:
    import sqlite3

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(path, timeout=BUSY)
    path.chmod(0o600)
    use_write_ahead_log(db, BUSY)
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"CREATE TABLE IF NOT EXISTS actions (id INTEGER PRIMARY KEY, {', '.join(COLUMNS)})")
    db.execute("CREATE INDEX IF NOT EXISTS by_trace ON actions (trace_id)")
    db.execute("CREATE INDEX IF NOT EXISTS by_time ON actions (time)")
    db.execute("CREATE INDEX IF NOT EXISTS by_server ON actions (mcp_server)")
    return db


def _prune(db: sqlite3.Connection, days: int, rows: int) -> None:
    """Remove what is older than that many days, and all but the last rows."""
    db.execute("DELETE FROM actions WHERE time < ?", (time.time() - days * DAY,))
    db.execute("DELETE FROM actions WHERE id <= (SELECT max(id) FROM actions) - ?", (rows,))


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """Give a connection that reads a state folder's log, None where there is no log yet."""
    import sqlite3

    if not database(folder).exists():
        yield None
        return
    with closing(sqlite3.connect(f"file:{database(folder)}?mode=ro", uri=True, timeout=BUSY)) as db:
        db.row_factory = sqlite3.Row
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'actions'").fetchone()
        yield db if made else None  # else the first call is being logged in this moment


def read(
    folder: Path, *, trace: str = "", server: str = "", tool: str = "", outcome: str = "", limit: int = 100
) -> Iterator[dict[str, Any]]:
    """Yield the newest actions first, those that fit all that is given; `trace` may be the beginning of one."""
    wanted = {"trace_id LIKE ? || '%'": trace, "mcp_server = ?": server, "tool_name = ?": tool, "outcome = ?": outcome}
    where = " AND ".join([f"({clause})" for clause, value in wanted.items() if value] or ["1"])
    values = [value for value in wanted.values() if value]
    query = f"SELECT {', '.join(COLUMNS)} FROM actions WHERE {where} ORDER BY id DESC LIMIT ?"
    with _reading(folder) as db:
        for row in db.execute(query, (*values, limit)) if db else ():
            yield dict(row)


def last_calls(folder: Path) -> dict[str, dict[str, Any]]:
    """Return when (`time`) and how (`outcome`) the last call of each server ended, by the server's name."""
    newest = "SELECT max(id) FROM actions GROUP BY mcp_server"
    with _reading(folder) as db:
        rows = db.execute(f"SELECT mcp_server, time, outcome FROM actions WHERE id IN ({newest})") if db else ()
        return {row["mcp_server"]: {"time": row["time"], "outcome": row["outcome"]} for row in rows}


def size(folder: Path) -> dict[str, int]:
    """Return how many `rows` the log has, and how many `bytes` its files take."""
    path = database(folder)
    with _reading(folder) as db:
        rows = int(db.execute("SELECT count(*) FROM actions").fetchone()[0]) if db else 0
    return {"rows": rows, "bytes": sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))}

"""The database of received events and of their forwards: SQLite in the server's state folder.

An event is in it, on the disk, before its sender is answered (WAL, synchronous=FULL). The receiver and the tools are
processes of their own and share the file. What vendors sent is sealed under the state key.
`tenant` is empty: one person is served.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from flotilla import errors
from flotilla.connection import Connection
from flotilla.sealing import Keys
from flotilla_launcher.write_ahead import use_write_ahead_log

BUSY = 10.0  # seconds that a writer waits for another one
DAY = 86_400.0
KEEP_COUNTS = 90 * DAY
VERSION = 1  # of the tables, in user_version
SCHEMA = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL DEFAULT '',
    vendor TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    happened REAL,
    received REAL NOT NULL,
    state TEXT NOT NULL,
    changed REAL NOT NULL,
    duplicates INTEGER NOT NULL DEFAULT 0,
    payload BLOB NOT NULL,
    UNIQUE (tenant, vendor, endpoint, key)
);
CREATE INDEX event_by_state ON event (state, id);
CREATE TABLE forward (
    event INTEGER PRIMARY KEY REFERENCES event (id) ON DELETE CASCADE,
    tenant TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    changed REAL NOT NULL,
    problem TEXT NOT NULL DEFAULT ''
);
CREATE INDEX forward_by_state ON forward (state, due);
CREATE TABLE count (
    tenant TEXT NOT NULL DEFAULT '',
    vendor TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    outcome TEXT NOT NULL,
    day INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (tenant, vendor, endpoint, outcome, day)
);
CREATE TABLE offered (
    tenant TEXT NOT NULL DEFAULT '',
    vendor TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    received REAL NOT NULL,
    secret BLOB NOT NULL,
    PRIMARY KEY (tenant, vendor, endpoint)
);
"""
State = Literal["new", "acknowledged", "parked"]
STATES: tuple[State, ...] = get_args(State)
ForwardState = Literal["waiting", "delivered", "dead"]


class UnreadableError(errors.ConfigurationError):
    """What a vendor sent cannot be opened."""


@dataclass(frozen=True)
class Arrival:
    """An event that is to be stored. `signals`: one that equals an acknowledged event is new, see `vendors`."""

    vendor: str
    endpoint: str
    key: str
    kind: str
    account: str
    happened: float | None
    data: Any
    state: State = "new"
    signals: bool = False
    forward: bool = False


@dataclass(frozen=True)
class Stored:
    """An event as it is in the database, without what the vendor sent. Times are in Unix seconds."""

    id: int
    vendor: str
    endpoint: str
    key: str
    kind: str
    account: str
    happened: float | None
    received: float
    state: State
    duplicates: int

    @property
    def names(self) -> tuple[str, str]:
        """The names under which the payload may be sealed: with its key, and with the one that it may have given up."""
        name = f"{self.vendor}/{self.endpoint}/{self.key}"
        return name, name.removesuffix(f"#{self.id}")

    @property
    def message_id(self) -> str:
        """The id of the forwarded message: the same at each attempt, and another for a later event of the same key."""
        return "msg_" + sha256(f"{self.vendor}/{self.endpoint}/{self.id}/{self.received}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Forward:
    """An event on its way to the operator's address. `due` is when it is tried next, in Unix seconds."""

    event: Stored
    state: ForwardState
    attempts: int
    due: float
    changed: float
    problem: str


class Total(NamedTuple):
    """How many events are stored of an endpoint, a kind and a state; `last` is the last arrival, in Unix seconds."""

    vendor: str
    endpoint: str
    kind: str
    state: State
    number: int
    last: float


@dataclass
class EndpointTotals:
    """How many events of an endpoint are stored, by state; `last` is the last arrival, in Unix seconds."""

    numbers: Counter[State] = field(default_factory=Counter)
    last: float | None = None


class Outcome(NamedTuple):
    """How many requests of an endpoint ended in one way."""

    vendor: str
    endpoint: str
    outcome: str
    number: int


class Offer(NamedTuple):
    """A secret that came with an unsigned request, at `received` (Unix seconds); None where it cannot be opened."""

    vendor: str
    endpoint: str
    received: float
    secret: str | None


_EVENT = "e.id, e.vendor, e.endpoint, e.key, e.kind, e.account, e.happened, e.received, e.state, e.duplicates"
_FORWARD = f"{_EVENT}, f.state, f.attempts, f.due, f.changed, f.problem"


class Store:
    """Reads and writes the database; each call is a transaction of its own. Methods block: call them in a thread."""

    def __init__(self, path: Path, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self._path, self._keys, self._clock = path, keys, clock
        with self._open("rwc") as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise errors.ConfigurationError(
                    f"{path} was written by a newer version of this server.", "Ask the user to install that version."
                )
            if not version:
                db.execute("BEGIN EXCLUSIVE")  # the receiver and the tools may start at once
                if not db.execute("PRAGMA user_version").fetchone()[0]:
                    for statement in filter(str.strip, SCHEMA.split(";")):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version = {VERSION}")
                db.execute("COMMIT")
        path.chmod(0o600)

    # -- events ---------------------------------------------------------------------------------------------------

    def add(self, arrivals: Sequence[Arrival]) -> int:
        """Store events in one transaction, and return how many are new; on return they are on the disk."""
        now, added = self._clock(), 0
        with self._writing() as db:
            for arrival in arrivals:
                added += self._add(db, arrival, now)
        return added

    def _add(self, db: sqlite3.Connection, arrival: Arrival, now: float) -> bool:
        place = (arrival.vendor, arrival.endpoint, arrival.key)
        known = db.execute("SELECT id, state FROM event WHERE (vendor, endpoint, key) = (?, ?, ?)", place).fetchone()
        if known and arrival.signals and known[1] == "acknowledged":
            # A row of its own would break its key: the earlier one, which is dealt with, gives it up.
            db.execute("UPDATE event SET key = key || '#' || id WHERE id = ?", (known[0],))
            known = None
        if known:
            db.execute("UPDATE event SET duplicates = duplicates + 1 WHERE id = ?", (known[0],))
            self._count(db, arrival.vendor, arrival.endpoint, "duplicate", now)
            return False
        payload = self._keys.seal(json.dumps(arrival.data).encode(), "/".join(place))
        cursor = db.execute(
            "INSERT INTO event (vendor, endpoint, key, kind, account, happened, received, state, changed, payload) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*place, arrival.kind, arrival.account, arrival.happened, now, arrival.state, now, payload),
        )
        outcome = "parked" if arrival.state == "parked" else "received"
        self._count(db, arrival.vendor, arrival.endpoint, outcome, now)
        if arrival.forward and arrival.state == "new":
            db.execute(
                "INSERT INTO forward (event, state, due, changed) VALUES (?, 'waiting', ?, ?)",
                (cursor.lastrowid, now, now),
            )
        return True

    def events(
        self,
        *,
        state: str = "",
        vendor: str = "",
        endpoint: str = "",
        kind: str = "",
        after: float | None = None,
        before: float | None = None,
        beyond: int = 0,
        limit: int = 100,
    ) -> list[Stored]:
        """Return events in the order in which they came, those whose id is greater than `beyond`.

        `kind` may end in `*`; `after` and `before` are Unix seconds of the arrival, the latter exclusive.
        """
        wanted: dict[str, Any] = {
            "e.state = ?": state,
            "e.vendor = ?": vendor,
            "e.endpoint = ?": endpoint,
            "e.kind GLOB ?": kind.replace("[", "[[]").replace("?", "[?]"),
            "e.received >= ?": after,
            "e.received < ?": before,
        }
        clauses = {clause: value for clause, value in wanted.items() if value not in ("", None)}
        where = " AND ".join(["e.id > ?", *clauses])
        with self._open() as db:
            rows = db.execute(
                f"SELECT {_EVENT} FROM event e WHERE {where} ORDER BY e.id LIMIT ?", (beyond, *clauses.values(), limit)
            )
            return [Stored(*row) for row in rows]

    def event(self, number: int) -> tuple[Stored, Any] | None:
        """Return an event with what the vendor sent, None for a number that there is not; raises UnreadableError."""
        with self._open() as db:
            row = db.execute(f"SELECT {_EVENT} FROM event e WHERE e.id = ?", (number,)).fetchone()
            if row is None:
                return None
            stored = Stored(*row)
            return stored, self._payload(db, stored)

    def payload(self, event: Stored) -> Any:
        """Return what the vendor sent; raises UnreadableError."""
        with self._open() as db:
            return self._payload(db, event)

    def mark(self, numbers: Iterable[int], state: State) -> list[Stored]:
        """Set the state of events, and return those that are there, as they are then."""
        stored_events, now = [], self._clock()
        with self._writing() as db:
            for number in dict.fromkeys(numbers):
                changing = "UPDATE event SET state = ?, changed = ? WHERE id = ? AND state <> ?"
                db.execute(changing, (state, now, number, state))
                row = db.execute(f"SELECT {_EVENT} FROM event e WHERE e.id = ?", (number,)).fetchone()
                stored_events += [Stored(*row)] if row else []
        return stored_events

    def prune(self, keep_days: int) -> int:
        """Delete events that were acknowledged or parked longer ago, and are not to be forwarded; return how many."""
        last = self._clock() - keep_days * DAY
        with self._writing() as db:
            deleted = db.execute(
                "DELETE FROM event WHERE state <> 'new' AND changed < ? "
                "AND id NOT IN (SELECT event FROM forward WHERE state = 'waiting')",
                (last,),
            ).rowcount
            db.execute("DELETE FROM count WHERE day < ?", (int((self._clock() - KEEP_COUNTS) // DAY),))
        return deleted

    # -- forwards -------------------------------------------------------------------------------------------------

    def forwards(self, state: str = "", beyond: int = 0, limit: int = 100) -> list[Forward]:
        """Return events that are or were to be forwarded, in their order."""
        with self._open() as db:
            rows = db.execute(
                f"SELECT {_FORWARD} FROM forward f JOIN event e ON e.id = f.event "
                "WHERE e.id > ? AND (? = '' OR f.state = ?) ORDER BY e.id LIMIT ?",
                (beyond, state, state, limit),
            )
            return [_forward(row) for row in rows]

    def forward_again(self, numbers: Iterable[int]) -> list[int]:
        """Have events forwarded from their first attempt on, and return the numbers of those that are there."""
        queued, now = [], self._clock()
        with self._writing() as db:
            for number in dict.fromkeys(numbers):
                queued += db.execute(
                    "INSERT INTO forward (event, state, due, changed) "
                    "SELECT id, 'waiting', ?, ? FROM event WHERE id = ? "
                    "ON CONFLICT (event) DO UPDATE SET state = 'waiting', attempts = 0, due = excluded.due, "
                    "changed = excluded.changed, problem = '' RETURNING event",
                    (now, now, number),
                ).fetchall()
        return [number for (number,) in queued]

    def claim(self, lease: float, limit: int) -> list[Forward]:
        """Return forwards that are due; nobody else gets them for `lease` seconds."""
        now = self._clock()
        with self._writing() as db:
            rows = db.execute(
                f"SELECT {_FORWARD} FROM forward f JOIN event e ON e.id = f.event "
                "WHERE f.state = 'waiting' AND f.due <= ? ORDER BY f.due LIMIT ?",
                (now, limit),
            ).fetchall()
            claimed = [_forward(row) for row in rows]
            for forward in claimed:
                db.execute("UPDATE forward SET due = ? WHERE event = ?", (now + lease, forward.event.id))
            return claimed

    def attempted(self, forward: Forward, state: ForwardState, due: float, problem: str) -> None:
        """Record how an attempt ended."""
        with self._writing() as db:
            db.execute(
                "UPDATE forward SET state = ?, attempts = ?, due = ?, changed = ?, problem = ? WHERE event = ?",
                (state, forward.attempts + 1, due, self._clock(), problem, forward.event.id),
            )

    def next_due(self) -> float | None:
        """Return when the next forward is due, in Unix seconds; None where none waits."""
        with self._open() as db:
            due: float | None = db.execute("SELECT min(due) FROM forward WHERE state = 'waiting'").fetchone()[0]
            return due

    # -- counts, and secrets that a vendor offered ----------------------------------------------------------------

    def count(self, vendor: str, endpoint: str, outcome: str, number: int = 1) -> None:
        """Count what was not stored: a challenge, or what was refused and why."""
        with self._writing() as db:
            self._count(db, vendor, endpoint, outcome, self._clock(), number)

    def outcomes(self, since: float = 0) -> list[Outcome]:
        """Return how requests ended since the day of this time, in Unix seconds."""
        with self._open() as db:
            rows = db.execute(
                "SELECT vendor, endpoint, outcome, sum(number) FROM count WHERE day >= ? "
                "GROUP BY vendor, endpoint, outcome ORDER BY vendor, endpoint, outcome",
                (int(since // DAY),),
            )
            return [Outcome(*row) for row in rows]

    def totals(self) -> list[Total]:
        """Return how many events are stored."""
        with self._open() as db:
            rows = db.execute(
                "SELECT vendor, endpoint, kind, state, count(*), max(received) FROM event "
                "GROUP BY vendor, endpoint, kind, state ORDER BY vendor, endpoint, kind, state"
            )
            return [Total(*row) for row in rows]

    def forward_totals(self) -> dict[str, int]:
        """Return how many forwards there are by state."""
        with self._open() as db:
            return dict(db.execute("SELECT state, count(*) FROM forward GROUP BY state").fetchall())

    def offer(self, vendor: str, endpoint: str, secret: str) -> None:
        """Keep a secret that came with an unsigned request, sealed, until the operator has looked at it."""
        sealed = self._keys.seal(secret.encode(), f"offered/{vendor}/{endpoint}")
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO offered (vendor, endpoint, received, secret) VALUES (?, ?, ?, ?)",
                (vendor, endpoint, self._clock(), sealed),
            )

    def offered(self) -> list[Offer]:
        """Return the secrets that were offered."""
        with self._open() as db:
            rows = db.execute("SELECT vendor, endpoint, received, secret FROM offered").fetchall()
        return [
            Offer(vendor, endpoint, received, self._offered_secret(vendor, endpoint, sealed))
            for vendor, endpoint, received, sealed in rows
        ]

    def _offered_secret(self, vendor: str, endpoint: str, sealed: bytes) -> str | None:
        with suppress(ValueError):
            return self._keys.open(sealed, f"offered/{vendor}/{endpoint}").decode()
        return None

    def forget_offer(self, vendor: str, endpoint: str) -> None:
        """Forget a secret that was offered."""
        with self._writing() as db:
            db.execute("DELETE FROM offered WHERE (vendor, endpoint) = (?, ?)", (vendor, endpoint))

    # -- the file -------------------------------------------------------------------------------------------------

    def _count(
        self, db: sqlite3.Connection, vendor: str, endpoint: str, outcome: str, now: float, number: int = 1
    ) -> None:
        db.execute(
            "INSERT INTO count (vendor, endpoint, outcome, day, number) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET number = number + excluded.number",
            (vendor, endpoint, outcome, int(now // DAY), number),
        )

    def _payload(self, db: sqlite3.Connection, event: Stored) -> Any:
        (sealed,) = db.execute("SELECT payload FROM event WHERE id = ?", (event.id,)).fetchone()
        for name in event.names:
            with suppress(ValueError):
                return json.loads(self._keys.open(sealed, name))
        raise UnreadableError(
            f"Event {event.id} cannot be opened: the state key has changed or the file is damaged.",
            "Ask the user to set FLOTILLA_STATE_KEY to what it was.",
        )

    @contextmanager
    def _open(self, mode: str = "rw") -> Iterator[sqlite3.Connection]:
        """Give a connection; only with `rwc` a file that is gone, such as a deleted tenant's, is made again."""
        place = f"{self._path.absolute().as_uri()}?mode={mode}"
        try:
            with closing(sqlite3.connect(place, uri=True, timeout=BUSY, isolation_level=None)) as db:
                use_write_ahead_log(db, BUSY)
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA foreign_keys = ON")
                yield db
        except sqlite3.Error as problem:
            raise errors.ConfigurationError(
                f"The database {self._path} cannot be used: {problem}.",
                "Ask the user to look at the disk and at the rights of the state folder.",
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def by_endpoint(totals: Iterable[Total]) -> Mapping[tuple[str, str], EndpointTotals]:
    """Return totals by vendor and endpoint, for each that is asked for."""
    grouped = defaultdict[tuple[str, str], EndpointTotals](EndpointTotals)
    for total in totals:
        own = grouped[total.vendor, total.endpoint]
        own.numbers[total.state] += total.number
        own.last = max(total.last, own.last or 0.0)
    return grouped


def number_of(event: str) -> int:
    """Return the number of an event; raises errors.InvalidInputError for a text that is not one."""
    if not (event.isascii() and event.isdecimal() and len(event) < 16):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(event, 60)}` is not the number of an event.", "Pass one that wh_list_events returned."
        )
    return int(event)


def _forward(row: Sequence[Any]) -> Forward:
    return Forward(Stored(*row[:-5]), *row[-5:])


def store_of(connection: Connection[Any], clock: Callable[[], float] = time.time) -> Store:
    """Return the store of a connection; raises errors.ConfigurationError where the state folder cannot be written."""

    def made() -> Store:
        connection.state.put("opened", int(clock()))  # makes the folder, and says why it cannot be made
        folder = Path(connection.fleet.state, connection.integration.slug)
        return Store(folder / "webhooks.db", connection.state.keys, clock)

    return connection.resource(Store, made)

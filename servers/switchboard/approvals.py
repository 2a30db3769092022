"""The calls that wait for a person's yes, for all switchboards of one state folder and for the console.

An approval is bound to the tool's definition and the exact arguments, whoever asks; it expires, and is used once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from dataclasses import astuple, dataclass, fields
from typing import Any

from .database import Database

LIFETIME = 600.0  # seconds in which a call can be approved, and made
KEEP = 30 * 86_400.0  # seconds that ended ones are kept
LOOK_EVERY = 0.1  # seconds: how often a call that waits looks for its answer
PRESENT = 15.0  # seconds after which a console that says nothing is taken for closed
WAITING, APPROVED, DECLINED, USED = "waiting", "approved", "declined", "used"


@dataclass(frozen=True)
class Approval:
    """One call that waits, or has waited. `arguments` is JSON, without secrets; times are Unix seconds.

    `state`: waiting, approved, declined, used. `title` is the server as people call it, `reason` why a person is asked.
    """

    id: str
    tenant: str
    subject: str
    server: str
    tool: str
    title: str
    arguments: str
    request: str
    client: str
    reason: str
    created: float
    expires: float
    state: str
    by: str


COLUMNS = ", ".join(field.name for field in fields(Approval))


def request_digest(*parts: Any) -> str:
    """Return what a yes is bound to."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Approvals:
    """Reads and writes them. Every method is one statement, so that two processes never use one yes twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, *, server: str, tool: str, title: str, arguments: str, request: str, client: str, reason: str,
             tenant: str = "", subject: str = "") -> Approval:  # fmt: skip
        """Return a call that waits; the one that waits already for the same request."""
        now = time.time()
        with self._database.transaction() as db:
            db.execute("DELETE FROM approval WHERE created < ?", (now - KEEP,))
            query = f"SELECT {COLUMNS} FROM approval WHERE request = ? AND state = ? AND expires > ?"
            if row := db.execute(query, (request, WAITING, now)).fetchone():
                return Approval(*row)
            approval = Approval(secrets.token_urlsafe(9), tenant, subject, server, tool, title, arguments, request,
                                client, reason, now, now + LIFETIME, WAITING, "")  # fmt: skip
            marks = ", ".join("?" * len(fields(Approval)))
            db.execute(f"INSERT INTO approval ({COLUMNS}) VALUES ({marks})", astuple(approval))
        return approval

    def get(self, approval_id: str) -> Approval | None:
        """Return one, None where there is none."""
        return next(iter(self._select("id = ?", approval_id)), None)

    def waiting(self) -> list[Approval]:
        """Return those that wait now, the oldest first."""
        return self._select("state = ? AND expires > ? ORDER BY created", WAITING, time.time())

    def ended(self, limit: int = 50) -> list[Approval]:
        """Return those that were answered or have expired, the newest first."""
        return self._select(
            "NOT (state = ? AND expires > ?) ORDER BY created DESC LIMIT ?", WAITING, time.time(), limit
        )

    def answer(self, approval_id: str, yes: bool, by: str) -> bool:
        """Approve or decline one; False where it does not wait any more."""
        query = "UPDATE approval SET state = ?, by = ? WHERE id = ? AND state = ? AND expires > ?"
        values = (APPROVED if yes else DECLINED, by, approval_id, WAITING, time.time())
        return self._execute(query, values) == 1

    def use(self, request: str) -> str:
        """Use up a yes to a request; return who gave it, "" where there is none."""
        query = "UPDATE approval SET state = ? WHERE id = (SELECT id FROM approval WHERE request = ? AND state = ?" \
            " AND expires > ? LIMIT 1) RETURNING by"  # fmt: skip
        if not self._database.exists():
            return ""
        row = self._database.connection().execute(query, (USED, request, APPROVED, time.time())).fetchone()
        return str(row["by"]) or "a person" if row else ""

    async def outcome_of(self, approval_id: str, seconds: float) -> str:
        """Wait for an answer at most that long; return the state."""
        end = time.monotonic() + seconds
        while True:
            approval = self.get(approval_id)
            if approval is None or approval.state != WAITING or time.monotonic() >= end:
                return approval.state if approval else DECLINED
            await asyncio.sleep(LOOK_EVERY)  # another process answers: there is no event to wait for

    def note_presence(self, name: str) -> None:
        """Note that a console is open, where calls can be approved."""
        self._execute("INSERT OR REPLACE INTO presence VALUES (?, ?)", (name, time.time()))

    def is_watched(self) -> bool:
        """Tell whether a console is open."""
        if not self._database.exists():
            return False
        query = "SELECT 1 FROM presence WHERE at > ?"
        return self._database.connection().execute(query, (time.time() - PRESENT,)).fetchone() is not None

    def _select(self, where: str, *values: Any) -> list[Approval]:
        if not self._database.exists():
            return []
        rows = self._database.connection().execute(f"SELECT {COLUMNS} FROM approval WHERE {where}", values)
        return [Approval(*row) for row in rows]

    def _execute(self, query: str, values: tuple[Any, ...]) -> int:
        return self._database.connection().execute(query, values).rowcount

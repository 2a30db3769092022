"""Ids that are good for once, until they expire: known to a process, and to all that share its state folder.

There is a file for each minute in which ids expire, to which every process appends under a lock. (A file for each id
takes a hundred times as long where many come and go: ext4 looks for an inode that was not just freed.)
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress

from flotilla import errors
from flotilla.state import State

ID = 16  # bytes
MINUTE = 60
SKEW = 60  # seconds by which the clocks of two machines may differ
NAME = "used-ids-"  # with the number of the minute
PIECE = 2**20  # bytes that are read at once


class UsedIds:
    """What was used. Without a state, or where nothing can be written there, each process knows its own ids alone.

    `warn` is called once, with what is wrong then.
    """

    def __init__(self, state: State | None = None, warn: Callable[[str], None] = lambda _: None) -> None:
        self._state, self._warn, self._warned = state, warn, False
        self._minutes: dict[int, _Minute] = {}

    def claim(self, identity: bytes, expires: int, now: float) -> bool:
        """Tell whether this is the first use of an id. Times are Unix seconds."""
        number = expires // MINUTE
        if number not in self._minutes:
            self._forget(now)
            self._minutes[number] = _Minute(self._file(number))
        try:
            return self._minutes[number].claim(identity)
        except OSError as problem:
            self._report(problem)
            return self._minutes[number].add(identity)

    def _file(self, number: int) -> int | None:
        if self._state is None:
            return None
        try:
            path = self._state.folder() / f"{NAME}{number}"
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except (errors.ConfigurationError, OSError) as problem:
            self._report(problem)
            return None

    def _report(self, problem: Exception) -> None:
        if not self._warned:
            self._warned = True
            self._warn(str(problem))

    def _forget(self, now: float) -> None:
        """Forget the minutes that have ended by every machine's clock."""
        for number in [number for number in self._minutes if _ended(number, now)]:
            self._minutes.pop(number).close()
        with suppress(errors.ConfigurationError):
            for path in self._state.folder().glob(f"{NAME}*") if self._state else ():
                with suppress(OSError, ValueError):  # another process may be first, or somebody's copy have this name
                    if _ended(int(path.name.removeprefix(NAME)), now):
                        path.unlink()


class _Minute:
    """The ids that expire in one minute: those that were read from its file `fd`, and those that were added to it."""

    def __init__(self, fd: int | None) -> None:
        self._fd, self._ids = fd, set[bytes]()

    def claim(self, identity: bytes) -> bool:
        """Add an id to the file; return False where it is known. Raises OSError."""
        if self._fd is None:
            return self.add(identity)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            while piece := os.read(self._fd, PIECE):  # what others have added since the last read or write
                self._ids.update(piece[start : start + ID] for start in range(0, len(piece), ID))
            if first := identity not in self._ids:
                os.write(self._fd, identity)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        return first and self.add(identity)

    def add(self, identity: bytes) -> bool:
        """Add an id for this process alone; return False where it is known."""
        first = identity not in self._ids
        self._ids.add(identity)
        return first

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)


def _ended(number: int, now: float) -> bool:
    return (number + 1) * MINUTE + SKEW <= now

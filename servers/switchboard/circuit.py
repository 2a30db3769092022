"""A server that fails again and again is left alone for a while: its calls fail at once, and nobody waits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

FAILURES = 3  # in a row, after which it is left alone
PAUSE, LONGEST = 5.0, 60.0  # seconds until it is tried again: each pause is twice as long as the one before


class Circuit:
    """Counts the failures of one server. `now` returns seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._failures, self._until, self._failed_at = now, 0, -math.inf, -math.inf

    def now(self) -> float:
        """Return the time, for `note`."""
        return self._now()

    def left(self) -> float:
        """Return the seconds for which the server is left alone; 0 where it may be asked."""
        return max(0.0, self._until - self._now())

    def note(self, *, reached: bool, began: float) -> None:
        """Note how a call ended that began at a time of `now`. After a pause, a single failure begins the next one.

        Calls that were under way together when a server went away are one failure.
        """
        if reached:
            self._failures = 0
            return
        if began < self._failed_at:
            return
        self._failures, self._failed_at = self._failures + 1, self._now()
        if self._failures >= FAILURES:
            self._until = self._now() + min(PAUSE * 2 ** (self._failures - FAILURES), LONGEST)

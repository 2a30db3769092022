"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """`attempts` in all, with pauses of `base` seconds, doubled each time, or as long as Retry-After says.

    A Retry-After of more than `longest` seconds is not waited for. At most `jitter` seconds are added to it, so that
    parallel calls do not come back together.
    """

    attempts: int = 3
    longest: float = 60.0
    base: float = 0.25
    jitter: float = 0.25
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[float, float], float] = random.uniform

    def backoff(self, attempt: int) -> float:
        """Return the seconds to wait before another attempt, where the vendor names none."""
        return self.base * float(2**attempt) * self.random(0.5, 1.0)

    def after(self, seconds: float) -> float:
        """Return the seconds to wait where the vendor asks for so many."""
        return seconds + self.random(0, self.jitter)

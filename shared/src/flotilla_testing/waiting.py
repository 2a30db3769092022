"""Wait for what is to happen, and for nothing else: conditions that are polled, and a clock that a test moves on.

    wait_until(lambda: "begun" in process.err)
    await eventually(lambda: server.running == 0)
    with loop_clock() as clock:
        clock.advance(3600)     # every timer of the running loop that is due by then fires

A deadline is generous: it only ends a test in which the condition would never come.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

PATIENCE = 60.0  # seconds
PAUSE = 0.01  # seconds between two looks


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return what the condition returns, once that is true; raises TimeoutError where it does not come."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} seconds")
        time.sleep(PAUSE)
    return value


async def eventually(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return what the condition returns, once that is true, while other tasks run. A coroutine is awaited.

    Raises TimeoutError where it does not come.
    """
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value := await value if inspect.isawaitable(value) else value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} seconds")
        await asyncio.sleep(PAUSE)


class LoopClock:
    """The time of the running loop, which a test moves on."""

    def __init__(self) -> None:
        self.offset = 0.0

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self.offset += seconds


@contextmanager
def loop_clock() -> Iterator[LoopClock]:
    """Have the running loop read a clock that can be moved on."""
    loop, clock = asyncio.get_running_loop(), LoopClock()
    real = loop.time
    with patch.object(loop, "time", lambda: real() + clock.offset):
        yield clock

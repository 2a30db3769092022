"""Work that must finish although the call that began it was cancelled or the process is about to end.

A refresh token that the vendor has just replaced, and the record of a write that was just done, would be lost for good
if the process ended before they are saved. A process that ends waits for such work, and for nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LONGEST = 9.0  # seconds that an end waits: `docker stop` kills after ten
_tasks: set[asyncio.Future[Any]] = set()


async def must_finish(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end and return its result; a caller that is cancelled leaves it running."""
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


def _ended(task: asyncio.Future[Any]) -> None:
    _tasks.discard(task)
    if not task.cancelled():
        task.exception()  # read it, since the caller may be gone


def _left() -> list[asyncio.Future[Any]]:
    return [task for task in tuple(_tasks) if not task.done()]


async def finished(seconds: float = LONGEST) -> None:
    """Wait for such work from within its event loop, before the loop closes and cancels what is left."""
    if left := _left():
        await asyncio.wait(left, timeout=seconds)


def wait(seconds: float = LONGEST) -> None:
    """Wait for such work from another thread, while its event loop goes on."""
    end = time.monotonic() + seconds
    while _left() and time.monotonic() < end:
        time.sleep(0.02)

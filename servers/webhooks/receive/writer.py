"""Stores what many requests bring in one transaction: the disk is waited for once, not once for each request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from flotilla import errors, in_thread

from ..store import Arrival, Store

MOST = 500  # requests of one transaction
Request = tuple[Sequence[Arrival], asyncio.Future[None]]  # what it brought, and what it waits for


class Writer:
    """Takes arrivals of requests, and stores them as long as there are any."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Request] = deque()
        self._storing: asyncio.Task[None] | None = None

    async def add(self, arrivals: Sequence[Arrival]) -> None:
        """Return once the events are on the disk; raises what made that fail."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrivals, stored))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        await stored

    async def _store_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
            await self._write(batch)
        self._storing = None

    async def _write(self, batch: Sequence[Request]) -> None:
        """Store requests in one transaction; where one of them cannot be stored, each in a transaction of its own."""
        failure: Exception | None = None
        try:
            await in_thread(self._store.add, [arrival for arrivals, _ in batch for arrival in arrivals])
        except Exception as error:
            failure = error
        if failure and len(batch) > 1 and not isinstance(failure, errors.ConfigurationError):
            for one in batch:
                await self._write([one])
            return
        for _, stored in batch:
            if stored.done():  # its request was given up
                continue
            if failure:
                stored.set_exception(failure)
            else:
                stored.set_result(None)

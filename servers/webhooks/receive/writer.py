"""Stores what many requests bring in one transaction: the disk is waited for once, not once for each request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from flotilla import errors, in_thread

from ..store import Arrival, Store

MOST = 500  # requests of one transaction
Request = tuple[Sequence[Arrival], asyncio.Future[None]]  # what it brought, and what it waits for


class Writer:
    """Takes arrivals of requests; `run` stores them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: asyncio.Queue[Request] = asyncio.Queue()

    async def add(self, arrivals: Sequence[Arrival]) -> None:
        """Return once the events are on the disk; raises what made that fail."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((arrivals, stored))
        await stored

    async def run(self) -> None:
        """Store until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < MOST:
                batch.append(self._waiting.get_nowait())
            await self._write(batch)

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

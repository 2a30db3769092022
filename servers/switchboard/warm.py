"""Servers that were called lately are started before they are asked, while the clients are idle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from .backend import Backend, NotStartedError, Process
from .gateway import Gateway
from .jsonrpc import ConnectionClosedError

USUAL = 80.0  # MB that a server of the fleet takes once it has been called
QUIET = 1.0  # seconds without a request after which a client counts as idle


class Warmer:
    """Starts servers one after the other while the clients are idle and memory is left."""

    def __init__(self, gateway: Gateway, backends: Sequence[Backend], budget: float, quiet: float = QUIET) -> None:
        self._gateway, self._budget, self._quiet = gateway, budget, quiet
        self._processes: Mapping[str, Process] = {b.entry.slug: b for b in backends if isinstance(b, Process)}

    async def run(self, slugs: Sequence[str]) -> None:
        """Start these servers in this order, until their memory in MB would exceed the budget."""
        largest = USUAL
        for slug in slugs:
            backend = self._processes.get(slug)
            if backend is None:  # no longer offered, or elsewhere
                continue
            await self._clients_are_idle()
            if backend.running:
                continue
            used = [await process.memory() for process in self._processes.values()]
            largest = max(largest, *used)
            if sum(used) + largest > self._budget:
                return
            with suppress(NotStartedError, ConnectionClosedError):  # its first call will say what is wrong with it
                await backend.warm()

    async def _clients_are_idle(self) -> None:
        """Wait until no request is in flight, none came lately, and no server is being started."""
        loop = asyncio.get_running_loop()
        while True:
            busy = self._gateway.in_flight or any(process.starting for process in self._processes.values())
            left = self._quiet if busy else self._gateway.last_request + self._quiet - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(left)

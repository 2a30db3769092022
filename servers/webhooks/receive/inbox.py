"""What the receiver has for one person or one tenant: endpoints, a database, forwards, and counts of what was refused.

Whoever knows where settings come from fills `Inboxes`: `environment` for one person, `tenants` for many.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from flotilla import errors, in_thread
from flotilla.audit import Audit

from ..client import InboxSettings
from ..endpoints import Endpoints
from ..store import Store
from .forwarding import Forwarder
from .writer import Writer

HOUR = 3600.0
MakeForwarder = Callable[[Store, str, list[str], Audit], Forwarder]  # for an address and the secrets that sign


class Inbox:
    """One account's part of the receiver. `most` requests of its are answered at once."""

    def __init__(self, store: Store, audit: Audit, forwarder: MakeForwarder, most: float = math.inf) -> None:
        self.store, self.audit, self.most, self._make_forwarder = store, audit, most, forwarder
        self.writer = Writer(store)
        self.endpoints: Endpoints = {}
        self.running = 0  # requests that are being answered
        self.outcomes: Counter[tuple[str, str, str]] = Counter()  # not yet counted in the database
        self._flushing = asyncio.Lock()  # a flush that is under way counts nothing twice
        self._vendors: list[str] = []
        self._keep_days, self._pruned = 0, -math.inf
        self._target: tuple[str, list[str]] | None = None
        self._forwarder: Forwarder | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def configure(self, settings: InboxSettings) -> None:
        """Work with these settings from now on; what is being sent is sent as it began."""
        self.endpoints, self._vendors = settings.endpoints, settings.forward_vendors
        self._keep_days = settings.keep_days
        target = (str(settings.forward_url), settings.forward_secrets) if settings.forward_url else None
        if target != self._target:
            self.end()
            self._target = target
        if target and not self._forwarder:
            self._forwarder = self._make_forwarder(self.store, *target, self.audit)
            task = asyncio.create_task(self._forwarder.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def forwards(self, vendor: str) -> bool:
        """Tell whether events of a vendor are forwarded."""
        return self._forwarder is not None and (not self._vendors or vendor in self._vendors)

    def wake(self) -> None:
        """Look at once what is to be forwarded."""
        if self._forwarder:
            self._forwarder.wake()

    async def tidy(self) -> None:
        """Count and log what was refused since the last time; delete, once an hour, what was kept long enough."""
        with suppress(errors.ConfigurationError):  # the next time may have a disk
            await self.flush()
            if time.monotonic() - self._pruned > HOUR:
                await in_thread(self.store.prune, self._keep_days)
                self._pruned = time.monotonic()

    async def flush(self) -> None:
        """Count in the database, and log, what was refused or answered without being stored since the last time.

        What cannot be counted now is counted, and logged, the next time.
        """
        async with self._flushing:
            for (vendor, endpoint, outcome), number in list(self.outcomes.items()):
                await in_thread(self.store.count, vendor, endpoint, outcome, number)
                self.outcomes -= Counter({(vendor, endpoint, outcome): number})
                if outcome != "challenge":
                    refused(self.audit, vendor, endpoint, outcome, number)

    def end(self) -> None:
        """Forward nothing more after what is being sent."""
        if self._forwarder:
            self._forwarder.end()
        self._forwarder = self._target = None

    async def close(self) -> None:
        """End at once, with the process; what was being sent is sent again by the next one."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(errors.ConfigurationError):
            await self.flush()


def refused(audit: Audit, vendor: str, endpoint: str, reason: str, number: int) -> None:
    """Log how many requests were refused for the same reason."""
    audit.line("webhook refused", level="warning", vendor=vendor, endpoint=endpoint, reason=reason, number=number)


class Inboxes:
    """The inboxes of this receiver by the id of their tenant; that of one person has the id "".

    `problems` are those of accounts that cannot be received for, though they should be, by id.
    """

    def __init__(self) -> None:
        self.by_tenant: dict[str, Inbox] = {}
        self.problems: dict[str, str] = {}

    async def start(self) -> None:
        """Read the settings; raises errors.ConfigurationError or SettingError."""

    async def follow(self) -> None:
        """Keep them as the settings are, until cancelled."""

"""What each tenant may use, so that none takes it all: calls a minute, over all gateways, and calls in flight, in each.

The third limit, bytes of files, is held by the servers themselves: they get it as FLOTILLA_DATA_QUOTA.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .tenant import Tenant
from .tenants import Tenants

MINUTE = 60


class QuotaError(Exception):
    """A tenant has used up what it may. The message says so, and what to do next."""


class Quotas:
    """Counts the calls of every tenant. `clock` returns Unix seconds."""

    def __init__(self, tenants: Tenants, clock: Callable[[], float] = time.time) -> None:
        self._tenants, self._clock = tenants, clock
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def call(self, tenant: Tenant) -> AsyncIterator[None]:
        """Count a call while it runs. Raises QuotaError where it is one too many."""
        limits = tenant.settings.limits
        if limits.calls_in_flight and self._running[tenant.id] >= limits.calls_in_flight:
            raise QuotaError(
                f"{limits.calls_in_flight} calls of this account are running, which is its limit. Nothing was done. "
                "Wait until one has ended, then call again."
            )
        self._running[tenant.id] += 1
        try:
            if limits.calls_per_minute:
                minute, second = divmod(int(self._clock()), MINUTE)
                if await asyncio.to_thread(self._tenants.count_call, tenant, minute) > limits.calls_per_minute:
                    raise QuotaError(
                        f"This account has made {limits.calls_per_minute} calls in this minute, which is its limit. "
                        f"Nothing was done. Call again in {MINUTE - second} seconds."
                    )
            yield
        finally:
            self._running[tenant.id] -= 1
            if not self._running[tenant.id]:
                del self._running[tenant.id]

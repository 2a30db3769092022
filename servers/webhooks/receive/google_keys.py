"""The keys that Google signs tokens with: https://developers.google.com/identity/openid-connect/openid-connect"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2 as httpx
from joserfc.jwk import KeySet

from ..schemes import RefusedError

ADDRESS = "https://www.googleapis.com/oauth2/v3/certs"
HOUR = 3600.0
TIMEOUT = 10.0  # seconds of one fetch
PAUSE = 60.0  # seconds after a fetch that failed


class GoogleKeys:
    """Fetches the keys once an hour; older ones stay good while Google cannot be reached."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._transport, self._clock = transport, clock
        self._keys: Any = None
        self._due = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self) -> Any:
        """Return the set of keys; raises RefusedError where there is none."""
        async with self._lock:  # requests at once ask Google once
            if self._clock() >= self._due:
                await self._fetch()
        if self._keys is None:
            raise RefusedError("Google's keys cannot be fetched")
        return self._keys

    async def _fetch(self) -> None:
        pause = PAUSE
        with suppress(httpx.HTTPError, TimeoutError, ValueError):
            async with asyncio.timeout(TIMEOUT), httpx.AsyncClient(transport=self._transport) as client:
                response = (await client.get(ADDRESS)).raise_for_status()
            self._keys, pause = KeySet.import_key_set(response.json()), HOUR
        self._due = self._clock() + pause

"""The keys that Google signs tokens with: https://developers.google.com/identity/openid-connect/openid-connect"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2 as httpx
from joserfc.jwk import KeySet

ADDRESS = "https://www.googleapis.com/oauth2/v3/certs"
HOUR = 3600.0


class GoogleKeys:
    """Fetches the keys once an hour; older ones stay good while Google cannot be reached."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._transport, self._clock = transport, clock
        self._keys: Any = None
        self._fetched = 0.0

    async def __call__(self) -> Any:
        """Return the set of keys; raises ValueError where there is none."""
        if self._keys is None or self._clock() - self._fetched > HOUR:
            try:
                async with httpx.AsyncClient(transport=self._transport, timeout=10) as client:
                    response = (await client.get(ADDRESS)).raise_for_status()
                self._keys, self._fetched = KeySet.import_key_set(response.json()), self._clock()
            except (httpx.HTTPError, ValueError) as error:
                if self._keys is None:
                    raise ValueError(f"Google's keys cannot be fetched: {error}") from error
        return self._keys

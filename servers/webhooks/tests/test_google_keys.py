"""Google's keys: fetched once an hour, by one request for all, and not asked for again at once after a failure."""

from __future__ import annotations

import asyncio

import httpx2 as httpx
import pytest

from flotilla_servers.webhooks.receive.google_keys import HOUR, PAUSE, GoogleKeys
from flotilla_servers.webhooks.schemes import RefusedError
from flotilla_servers.webhooks.tests.senders import GOOGLE_KEYS


class Google:
    """Google's address of keys: how often it was asked, and whether it answers."""

    def __init__(self) -> None:
        self.asked, self.broken, self.now = 0, False, 1_764_410_400.0
        self.keys = GoogleKeys(httpx.MockTransport(self.answer), lambda: self.now)

    async def answer(self, _: httpx.Request) -> httpx.Response:
        """Answer a request, after others had their turn."""
        self.asked += 1
        await asyncio.sleep(0)
        return httpx.Response(503) if self.broken else httpx.Response(200, json=GOOGLE_KEYS.as_dict())


async def test_google_keys_many_requests_ask_once() -> None:
    google = Google()
    await asyncio.gather(*(google.keys() for _ in range(20)))
    google.now += HOUR - 1
    await google.keys()
    assert google.asked == 1
    google.now += 1
    assert len((await google.keys()).keys) == 1
    assert google.asked == 2


async def test_google_keys_pause_after_a_failure() -> None:
    google = Google()
    google.broken = True
    refused = await asyncio.gather(*(google.keys() for _ in range(20)), return_exceptions=True)
    assert {type(one) for one in refused} == {RefusedError}
    google.now += PAUSE - 1
    with pytest.raises(RefusedError, match="cannot be fetched"):
        await google.keys()
    assert google.asked == 1
    google.broken = False
    google.now += 1
    assert await google.keys()


async def test_google_keys_older_ones_stay_good() -> None:
    google = Google()
    first = await google.keys()
    google.broken = True
    google.now += HOUR
    assert [await google.keys() for _ in range(3)] == [first] * 3
    assert google.asked == 2

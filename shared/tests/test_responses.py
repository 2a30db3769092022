"""What is read of an error answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest

from flotilla.http.responses import body_of


@pytest.mark.parametrize("part", [1_000, 60_000])
async def test_body_of_endless_response_is_cut(part: int) -> None:
    """A vendor that never ends its error page costs 64 kB and one part more, not the memory of the process."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 10_000_000:
            read += part
            yield b"x" * part

    body = await body_of(httpx.Response(500, content=endless()))
    assert 65_536 < read <= 65_536 + 2 * part
    assert len(body) <= read

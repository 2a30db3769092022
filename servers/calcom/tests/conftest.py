"""A fake Cal.com that keeps state; each exchange is held against the contract that the vendor publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.calcom.server import server
from flotilla_servers.calcom.tests.fake import HOME, FakeCalcom
from flotilla_testing import Tool, client, environment, errors_of, impatient, results_of
from flotilla_testing.contract import contract_of, declared
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]

# What only these tests play, beside the exceptions of contract.yaml: the document says oneOf where a booking with
# seats, or one of a series, fits two of its schemas.
PLAYED = ("GET /v2/bookings/uid", "/cancel", "/reschedule: Request body validation error")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeCalcom]:
    """An account that keeps what is done to it; each exchange is held against the contract afterwards."""
    with (
        FakeCalcom() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        wrong: list[str] = []
        declaration = declared(FOLDER)
        excepted = (*PLAYED, *(declaration.excepted if declaration else ()))
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                if result.status < 400:
                    real = replace(request, url=request.url.replace(running.vendor.url, HOME))
                    wrong += [*document.problems(real), *document.answer_problems(real, result)]
        wrong = [one for one in wrong if not any(start in one for start in excepted)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
async def connected(fake: FakeCalcom, asked: list[str]) -> AsyncIterator[Client[Any]]:
    """A client whose person says yes to every question."""
    async with client(server, answer="accept", asked=asked) as one:
        yield one


@pytest.fixture
def tool(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives what they return."""
    return results_of(connected, "calcom")


@pytest.fixture
def problem(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives the text of their error."""
    return errors_of(connected, "calcom")

"""A fake shop that keeps state; every exchange is held against the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from flotilla_servers.magento.server import server
from flotilla_servers.magento.tests.fake import FakeMagento
from flotilla_testing import Tool, client, environment, errors_of, impatient, results_of
from flotilla_testing.contract import request_problems
from flotilla_testing.fake_api import exchanges_of

PARIS = {"FLOTILLA_TIMEZONE": "Europe/Paris", "FLOTILLA_COUNTRY": "FR"}
FOLDER = Path(__file__).parents[1]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[FakeMagento]:
    """A shop that keeps what is done to it; each exchange is held against the contract afterwards."""
    with (
        FakeMagento() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path), **PARIS),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        requests = [request for request, result in exchanges if result.status < 400 and request.path != "/graphql"]
        wrong = request_problems(FOLDER, requests, running.vendor.url, "https://boutique.example")
        assert not wrong, "\n".join(wrong)


@pytest.fixture
async def connected(shop: FakeMagento, asked: list[str]) -> AsyncIterator[Client[Any]]:
    """A client whose person says yes to every question."""
    async with client(server, answer="accept", asked=asked) as one:
        yield one


@pytest.fixture
def tool(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives what they return."""

    return results_of(connected, "magento")


@pytest.fixture
def problem(connected: Client[Any]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(connected, "magento")

"""A mailbox that keeps state; each exchange with it is held against the contract, where that is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.outlook_calendar.server import server
from flotilla_servers.outlook_calendar.tests.fake import GRAPH, FakeGraph
from flotilla_testing import Tool, client, environment, errors_of, impatient, results_of
from flotilla_testing.client import OutputSchemas
from flotilla_testing.contract import contract_of
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]
OUTSIDE = ("/outlook/masterCategories", "/places/", "/oauth2/")  # what the document does not describe
SCHEMAS = OutputSchemas()  # compiled once for all tests: each session would take longer for it than for its calls


@pytest.fixture
def personal() -> bool:
    """Whether the account is a personal one; a test class may say so."""
    return False


@pytest.fixture
def graph(tmp_path: Path, personal: bool) -> Iterator[FakeGraph]:
    """A mailbox that keeps what is done to it."""
    with (
        FakeGraph(personal) as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                real = replace(request, url=request.url.replace(f"{running.vendor.url}/v1.0", GRAPH))
                if not any(part in real.path for part in OUTSIDE):
                    wrong += document.problems(real)
                    wrong += document.answer_problems(real, result) if result.status < 300 else []
        assert not wrong, "\n".join(wrong)


@pytest.fixture
async def connected(graph: FakeGraph, asked: list[str]) -> AsyncIterator[Any]:
    """A client at the server; the person there says yes."""
    async with client(server, answer="accept", asked=asked) as session:
        with SCHEMAS.shared_with(session):
            yield session


@pytest.fixture
def tool(connected: Any) -> Tool:
    """Return a caller of tools that gives what they return."""

    return results_of(connected, "outlook")


@pytest.fixture
def problem(connected: Any) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(connected, "outlook")

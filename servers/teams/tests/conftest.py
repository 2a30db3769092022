"""Teams that keep state; each exchange with them is held against the contract, where that is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.teams.server import server
from flotilla_servers.teams.tests.fake import GRAPH, FakeTeams
from flotilla_testing import Tool, client, environment, errors_of, impatient, results_of
from flotilla_testing.client import OutputSchemas
from flotilla_testing.contract import contract_of
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]
OUTSIDE = ("/search/query", "/filesFolder", "/drives/", "/oauth2/")  # what the document does not describe
# What it leaves out: annotations of OData, the place of the next page, the kind of a user who is mentioned (which has
# a field in Microsoft's page on sending messages), and the empty answer to an edit.
ANNOTATIONS = ("odata", "$skiptoken", "userIdentityType is unknown", "answers 204: Missing response data")
SCHEMAS = OutputSchemas()  # compiled once for all tests: each session would take longer for it than for its calls


@pytest.fixture
def personal() -> bool:
    """Whether the account is a personal one; a test class may say so."""
    return False


@pytest.fixture
def graph(tmp_path: Path, personal: bool) -> Iterator[FakeTeams]:
    """Teams that keep what is done to them."""
    with (
        FakeTeams(personal) as running,
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
        wrong = [one for one in wrong if not any(part in one for part in ANNOTATIONS)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
async def connected(graph: FakeTeams, asked: list[str]) -> AsyncIterator[Any]:
    """A client at the server; the person there says yes."""
    async with client(server, answer="accept", asked=asked) as session:
        with SCHEMAS.shared_with(session):
            yield session


@pytest.fixture
def tool(connected: Any) -> Tool:
    """Return a caller of tools that gives what they return."""

    return results_of(connected, "teams")


@pytest.fixture
def problem(connected: Any) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(connected, "teams")

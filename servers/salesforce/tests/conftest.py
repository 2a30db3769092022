"""An org that keeps state; each exchange with it is held against the contract, where that is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.salesforce.server import server
from flotilla_servers.salesforce.tests.fake import FakeSalesforce
from flotilla_testing import (
    Request,
    Tool,
    client,
    environment,
    errors_of,
    impatient,
    results_of,
)
from flotilla_testing.client import OutputSchemas
from flotilla_testing.contract import contract_of
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]


def outside(request: Request) -> bool:
    """Tell whether a request is of an API that the document does not describe."""
    return request.path.startswith("/services/Soap/") or "/analytics/" in request.path


@pytest.fixture
def org(tmp_path: Path) -> Iterator[FakeSalesforce]:
    """An org that keeps what is done to it."""
    (tmp_path / "state").mkdir()
    (tmp_path / "data").mkdir()
    folders = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(tmp_path / "data")}
    with (
        FakeSalesforce() as running,
        environment(server, **running.settings, **folders, FLOTILLA_TIER="all"),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                real = replace(request, url=request.url.replace(running.vendor.url, "https://login.salesforce.com"))
                if not outside(real):
                    wrong += document.problems(real)
                    wrong += document.answer_problems(real, result) if result.status < 300 else []
        wrong = [problem for problem in wrong if ": Value b" not in problem]  # CSV, which the checker takes for bytes
        assert not wrong, "\n".join(wrong)


SCHEMAS = OutputSchemas()  # compiled once for all tests: each session would take longer for it than for its calls


@pytest.fixture
async def connected(org: FakeSalesforce, asked: list[str]) -> AsyncIterator[Any]:
    """A client at the server; the person there says yes."""
    async with client(server, answer="accept", asked=asked) as session:
        with SCHEMAS.shared_with(session):
            yield session


@pytest.fixture
def tool(connected: Any) -> Tool:
    """Return a caller of tools that gives what they return."""

    return results_of(connected, "salesforce")


@pytest.fixture
def problem(connected: Any) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(connected, "salesforce")

"""Calendly played from answers.yaml, and a fake one that keeps state and is held against the published contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flotilla_servers.calendly.server import server
from flotilla_servers.calendly.tests.fake import HOME, FakeCalendly
from flotilla_testing import (
    Session,
    Tool,
    connect,
    environment,
    errors_of,
    impatient,
    results_of,
)
from flotilla_testing.contract import contract_of
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]


@pytest.fixture
async def calendly() -> AsyncIterator[Session]:
    """The server, with Calendly played from answers.yaml; the person at the client says yes."""
    async with connect("calendly", answer="accept") as session:
        yield session


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeCalendly]:
    """An account that keeps what is done to it; each exchange is held against the contract afterwards."""
    with (
        FakeCalendly() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                real = replace(request, url=request.url.replace(running.vendor.url, HOME))
                wrong += document.problems(real)
                wrong += document.answer_problems(real, result) if result.status < 400 else []
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeCalendly, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "calendly", asked)


@pytest.fixture
def problem(fake: FakeCalendly, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "calendly", asked)

"""A fake Make that keeps state; each request to it is held against the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_servers.make.server import server
from flotilla_servers.make.tests.fake import HOME, FakeMake
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import request_problems
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeMake]:
    """An account that keeps what is done to it."""
    with (
        FakeMake() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        requests = [request for request, _ in exchanges if request.path.startswith("/api/v2")]
        wrong = request_problems(FOLDER, requests, running.vendor.url, HOME)
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeMake, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""
    return results_of(server, "make", asked)


@pytest.fixture
def problem(fake: FakeMake) -> Tool:
    """Return a caller of tools that gives the text of their error."""
    return errors_of(server, "make")

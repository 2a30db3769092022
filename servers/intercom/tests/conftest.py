"""A fake Intercom for every test; what it was sent and answers is held against the published contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_servers.intercom.server import server
from flotilla_servers.intercom.tests.fake import FakeIntercom
from flotilla_testing import (
    Tool,
    environment,
    errors_of,
    impatient,
    results_of,
)
from flotilla_testing.contract import request_problems
from flotilla_testing.fake_api import exchanges_of

HOME = "https://api.intercom.io"
FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path, data: Path) -> Iterator[FakeIntercom]:
    """A workspace that keeps what is done to it; each request is held against the contract afterwards."""
    with (
        FakeIntercom() as running,
        environment(
            server,
            **running.settings,
            FLOTILLA_TIER="all",
            FLOTILLA_STATE=str(tmp_path / "state"),
            FLOTILLA_DATA=str(data),
        ),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        requests = [request for request, result in exchanges if result.status < 400]
        wrong = request_problems(FOLDER, requests, running.vendor.url, HOME)
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeIntercom, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "intercom", asked)


@pytest.fixture
def problem(fake: FakeIntercom, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "intercom", asked)

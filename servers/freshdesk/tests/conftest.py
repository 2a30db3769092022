"""A fake Freshdesk that keeps state; each exchange with it is held against the vendor's document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_servers.freshdesk.server import server
from flotilla_servers.freshdesk.tests.fake import HOME, FakeFreshdesk
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import request_problems

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path, data: Path) -> Iterator[FakeFreshdesk]:
    """An account that keeps what is done to it."""
    (tmp_path / "state").mkdir()
    folders = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(data)}
    with (
        FakeFreshdesk() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", **folders),
        impatient(server),
    ):
        yield running
        wrong = request_problems(FOLDER, running.vendor.requests, running.vendor.url, HOME)
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeFreshdesk, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "freshdesk", asked)


@pytest.fixture
def problem(fake: FakeFreshdesk, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "freshdesk", asked)

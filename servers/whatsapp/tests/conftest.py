"""A fake WhatsApp that keeps state; each exchange with it is held against the vendor's document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_servers.whatsapp.server import server
from flotilla_servers.whatsapp.tests.fake import HOME, FakeWhatsApp
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import request_problems

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path, data: Path) -> Iterator[FakeWhatsApp]:
    """An account that keeps what is done to it; numbers without a calling code are French."""
    (tmp_path / "state").mkdir()
    folders = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(data)}
    with (
        FakeWhatsApp() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_COUNTRY="FR", **folders),
        impatient(server),
    ):
        yield running
        wrong = request_problems(FOLDER, running.vendor.requests, running.vendor.url, HOME)
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeWhatsApp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "whatsapp", asked)


@pytest.fixture
def problem(fake: FakeWhatsApp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "whatsapp", asked)

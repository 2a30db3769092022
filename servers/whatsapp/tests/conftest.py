"""A fake WhatsApp that keeps state; each exchange with it is held against the vendor's document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flotilla_servers.whatsapp.server import server
from flotilla_servers.whatsapp.tests.fake import HOME, FakeWhatsApp
from flotilla_testing import Request, Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import contract_of, declared

FOLDER = Path(__file__).parents[1]
DECLARED = declared(FOLDER)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


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
        wrong = [problem for request in running.vendor.requests for problem in _problems(running, request)]
        assert not wrong, "\n".join(wrong)


def _problems(running: FakeWhatsApp, request: Request) -> list[str]:
    document = contract_of(FOLDER)
    if not document or not DECLARED:
        return []
    real = replace(request, url=request.url.replace(running.vendor.url, HOME))
    return [one for one in document.problems(real) if not any(start in one for start in DECLARED.excepted)]


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakeWhatsApp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "whatsapp", asked)


@pytest.fixture
def problem(fake: FakeWhatsApp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "whatsapp", asked)

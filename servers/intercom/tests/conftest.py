"""A fake Intercom for every test; what it was sent and answers is held against the published contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
from flotilla_testing.contract import contract_of, declared
from flotilla_testing.fake_api import exchanges_of

HOME = "https://api.intercom.io"
FOLDER = Path(__file__).parents[1]


def excepted(problem: str) -> bool:
    declaration = declared(FOLDER)
    return any(start in problem for start in (declaration.excepted if declaration else ()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


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
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                if result.status < 400:
                    real = replace(request, url=request.url.replace(running.vendor.url, HOME))
                    wrong += [problem for problem in document.problems(real) if not excepted(problem)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def tool(fake: FakeIntercom, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "intercom", asked)


@pytest.fixture
def problem(fake: FakeIntercom, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "intercom", asked)

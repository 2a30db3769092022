"""A fake Pipedrive for each test; every request is held against the published contract, where that is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_servers.pipedrive.server import server
from flotilla_servers.pipedrive.tests.fake import TOKEN, FakePipedrive
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import contract_of, declared
from flotilla_testing.responses import Recorder

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakePipedrive]:
    """A company that keeps what is done to it."""
    running = FakePipedrive()
    (tmp_path / "data").mkdir()
    settings = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(tmp_path / "data")}
    with (
        environment(server, PIPEDRIVE_TOKEN=TOKEN, FLOTILLA_TIER="all", **settings),
        impatient(server, Recorder(running)),
    ):
        yield running
    document = contract_of(FOLDER)
    known = [request for request in running.requests if document and "/c-1" not in request.path]
    wrong = [problem for request in known for problem in document.problems(request)] if document else []
    declaration = declared(FOLDER)
    wrong = [one for one in wrong if not one.startswith(tuple(declaration.excepted if declaration else ()))]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakePipedrive, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "pipedrive", asked)


@pytest.fixture
def problem(fake: FakePipedrive, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "pipedrive", asked)

"""A fake Crisp for each test; every request is held against the derived contract, where that is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla_servers.crisp.server import server
from flotilla_servers.crisp.tests.fake import WEBSITE, ZOE, FakeCrisp
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import contract_of
from flotilla_testing.responses import Recorder

# What the published client does not declare: null takes an operator away, custom data has two forms, a path has parts.
UNDECLARED = ("/routing", f"/people/data/{ZOE}", "/article/commandes/retours")
FOLDER = Path(__file__).parents[1]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeCrisp]:
    """A workspace that keeps what is done to it."""
    running = FakeCrisp()
    settings = {"CRISP_IDENTIFIER": "id-1", "CRISP_KEY": "key-1", "CRISP_WEBSITE_ID": WEBSITE}
    settings |= {"FLOTILLA_TIER": "all", "FLOTILLA_STATE": str(tmp_path), "FLOTILLA_TIMEZONE": "Europe/Paris"}
    with environment(server, **settings), impatient(server, Recorder(running)):
        yield running
    document = contract_of(FOLDER)
    known = [request for request in running.requests if not request.path.endswith(UNDECLARED)]
    wrong = [problem for request in known for problem in document.problems(request)] if document else []
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeCrisp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "crisp", asked)


@pytest.fixture
def problem(fake: FakeCrisp, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    return errors_of(server, "crisp", asked)

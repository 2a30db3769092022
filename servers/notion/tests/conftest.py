"""A furnished fake Notion for every test; whatever was sent and answered is held against the published contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.notion.server import server
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_servers.notion.tests.workspace import Workspace, furnish
from flotilla_testing import Tool, call, environment, impatient, text_of
from flotilla_testing.contract import contract_of

REAL = "https://api.notion.com"
FOLDER = Path(__file__).parents[1]


@pytest.fixture
def notion(tmp_path: Path) -> Iterator[FakeNotion]:
    with (
        FakeNotion() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        asked = running.to
        answers: list[Any] = []
        running.to = lambda request: answers.append((request, message := asked(request))) or message  # type: ignore[func-returns-value,method-assign]
        yield running
        if document := contract_of(FOLDER):
            answers = [(replace(r, url=r.url.replace(running.vendor.url, REAL)), message) for r, message in answers]
            wrong = [w for request, message in answers for w in document.answer_problems(request, message)]
            wrong += [w for request, message in answers if message.status != 400 for w in document.problems(request)]
            assert not wrong, wrong


@pytest.fixture
def space(notion: FakeNotion) -> Workspace:
    return furnish(notion)


@pytest.fixture
def tool(space: Workspace) -> Tool:
    """Return a caller of tools that gives what they return."""

    async def done(name: str, **arguments: Any) -> Any:
        result = await call(server, f"notion_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(space: Workspace) -> Tool:
    """Return a caller of tools that gives the words they fail with."""

    async def failed(name: str, **arguments: Any) -> str:
        result = await call(server, f"notion_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

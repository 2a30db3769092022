"""A fake GoHighLevel for every test; what it was sent and answers is held against the published contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.gohighlevel.server import server
from flotilla_servers.gohighlevel.tests.fake import FakeGoHighLevel
from flotilla_servers.gohighlevel.tests.search_guide import search_problems
from flotilla_testing import Request, Response, Tool, call, environment, impatient, text_of
from flotilla_testing.contract import contract_of, declared

REAL = "https://services.leadconnectorhq.com"
FOLDER = Path(__file__).parents[1]


# What only these tests play, beside the exceptions of contract.yaml.
PLAYED = (
    "'field_value': 12000.5} is not valid under any",  # the document makes a number an object with the example 100.5
    "Invalid query parameter: startAfterDate",  # it makes it an object that holds the parameter again
    "/messages answers 200: InvalidData",  # live answers hold the list in one more object, which one test plays
)


def excepted(problem: str) -> bool:
    declaration = declared(FOLDER)
    return any(start in problem for start in (*PLAYED, *(declaration.excepted if declaration else ())))


@pytest.fixture
def ghl(tmp_path: Path) -> Iterator[FakeGoHighLevel]:
    with (
        FakeGoHighLevel() as running,
        environment(
            server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_CONFIRM="off", FLOTILLA_STATE=str(tmp_path)
        ),
        impatient(server),
    ):
        answers: list[tuple[Request, Response]] = []
        do = running.to
        running.to = lambda request: answers.append((request, message := do(request))) or message  # type: ignore[func-returns-value,method-assign]
        yield running
        wrong = [p for r in running.vendor.requests if r.path == "/contacts/search" for p in search_problems(r.json())]
        if document := contract_of(FOLDER):
            for request, message in answers:
                if message.status >= 400 or request.path.startswith("/oauth/"):
                    continue  # on purpose; another document
                real = replace(request, url=request.url.replace(running.vendor.url, REAL))
                matches = document.problems(real)
                if "free-slots" not in request.path:  # live answers have a traceId among the days
                    matches += document.answer_problems(real, message)
                wrong += [p for p in matches if not excepted(p)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(ghl: FakeGoHighLevel) -> Tool:
    """Return a caller of tools that gives what they return."""

    async def done(name: str, /, **arguments: Any) -> Any:
        result = await call(server, f"ghl_{name}", **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    return done


@pytest.fixture
def problem(ghl: FakeGoHighLevel) -> Tool:
    """Return a caller of tools that gives the words they fail with."""

    async def failed(name: str, /, **arguments: Any) -> str:
        result = await call(server, f"ghl_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

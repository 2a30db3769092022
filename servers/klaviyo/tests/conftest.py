"""A fake Klaviyo that keeps state and is held against the published contract; the person at the client says yes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.klaviyo.server import server
from flotilla_servers.klaviyo.tests.fake import HOME, FakeKlaviyo
from flotilla_testing import (
    Request,
    Response,
    Session,
    Tool,
    call,
    client,
    connect,
    environment,
    impatient,
    results_of,
    text_of,
)
from flotilla_testing.contract import contract_of

FOLDER = Path(__file__).parents[1]


@pytest.fixture
async def recorded() -> AsyncIterator[Session]:
    """The server with all of its tools, with Klaviyo played from answers.yaml."""
    async with connect("klaviyo", {"FLOTILLA_TIER": "all"}, answer="accept") as session:
        yield session


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeKlaviyo]:
    """An account that keeps what is done to it; each request is held against the contract afterwards."""
    with (
        FakeKlaviyo() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        requests: list[Request] = []
        do = running.to

        def noted(request: Request) -> Response:
            requests.append(request)
            return do(request)

        running.to = noted  # type: ignore[method-assign]
        yield running
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request in requests:
                wrong += document.problems(replace(request, url=request.url.replace(running.vendor.url, HOME)))
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def tool(fake: FakeKlaviyo, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "klaviyo", asked)


@pytest.fixture
def problem(fake: FakeKlaviyo, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer=arguments.pop("answer", "accept"), asked=asked) as connected:
            result = await call(connected, f"klaviyo_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

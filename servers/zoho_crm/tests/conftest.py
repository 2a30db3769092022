"""A fake Zoho CRM that keeps state and is held against the published contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla_servers.zoho_crm.server import server
from flotilla_servers.zoho_crm.tests.fake import HOME, FakeZoho
from flotilla_testing import Tool, call, client, environment, impatient, results_of, text_of
from flotilla_testing.contract import contract_of, declared
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]
DECLARATION = declared(FOLDER)


@pytest.fixture
def zoho(tmp_path: Path) -> Iterator[FakeZoho]:
    """An account that keeps what is done to it; each exchange is held against the contract afterwards."""
    for name in ("data", "state"):
        (tmp_path / name).mkdir()
    folders = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(tmp_path / "data")}
    with (
        FakeZoho() as running,
        environment(server, **running.settings, FLOTILLA_TIER="all", **folders),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        wrong: list[str] = []
        if document := contract_of(FOLDER):
            for request, result in exchanges:
                real = replace(request, url=request.url.replace(running.vendor.url, HOME))
                wrong += document.problems(real)
                wrong += document.answer_problems(real, result) if result.status in (200, 201) else []
        excepted = DECLARATION.excepted if DECLARATION else {}
        left = [one for one in dict.fromkeys(wrong) if not any(start in one for start in excepted)]
        left = [one for one in left if "/Attachments/" not in one]  # openapi-core reads a file as text
        assert not left, "\n".join(left)


@pytest.fixture
def tool(zoho: FakeZoho, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""

    return results_of(server, "zoho", asked)


@pytest.fixture
def problem(zoho: FakeZoho, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error; the person at the client says no."""

    async def failed(name: str, /, **arguments: Any) -> str:
        async with client(server, answer="decline", asked=asked) as connected:
            result = await call(connected, f"zoho_{name}", **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    return failed

"""A fake Slack that keeps state; each exchange is held against the published contract afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flotilla_servers.slack.server import server
from flotilla_servers.slack.tests.fake import BOT, FakeSlack
from flotilla_testing import Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import contract_of, declared
from flotilla_testing.fake_api import exchanges_of

FOLDER = Path(__file__).parents[1]
UNSET = {f"SLACK_{name}": "" for name in ("USER_TOKEN", "REFRESH_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_URL")}


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[FakeSlack]:
    """Zoé's workspace, by her own token."""
    yield from _served(tmp_path)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[FakeSlack]:
    """The same, by a bot's token."""
    yield from _served(tmp_path, SLACK_TOKEN=BOT)


def _served(folder: Path, **more: str) -> Iterator[FakeSlack]:
    data = {"FLOTILLA_TIER": "all", "FLOTILLA_STATE": str(folder / "state"), "FLOTILLA_DATA": str(folder / "data")}
    (folder / "data").mkdir()
    (folder / "state").mkdir()
    with (
        FakeSlack() as running,
        environment(server, **{**UNSET, **running.settings, **data, **more}),
        impatient(server),
    ):
        exchanges = exchanges_of(running)
        yield running
        wrong: list[str] = []
        declaration, document = declared(FOLDER), contract_of(FOLDER)
        if declaration and document:
            for request, result in exchanges:
                host = "hooks.slack.com" if request.path.startswith("/services/") else "slack.com"
                real = replace(request, url=request.url.replace(running.vendor.url, f"https://{host}"))
                wrong += document.problems(real)
                wrong += document.answer_problems(real, result) if result.status < 400 and not running.odd else []
            wrong = [one for one in wrong if not any(start in one for start in declaration.excepted)]
        assert not wrong, "\n".join(dict.fromkeys(wrong))


@pytest.fixture
def tool(asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""
    return results_of(server, "slack", asked)


@pytest.fixture
def problem(asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""
    return errors_of(server, "slack", asked)

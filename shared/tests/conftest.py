"""What the library's tests share: a clean environment, a server to hang tools on, and its audit lines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, HttpUrl

from flotilla import SecretStr, ServerSettings
from flotilla.connection import Network
from flotilla.http.retry import Retry
from flotilla_launcher.fork_server import PRELOADED
from flotilla_testing.forking import python
from flotilla_testing.scratch import ScratchServer

SECRET = "canary-7f3a9c"


class Settings(ServerSettings):
    """Read from ACME_TOKEN and ACME_BASE_URL."""

    token: SecretStr = Field(description="API token, from acme.example > API", examples=["acme_live_1"])
    base_url: HttpUrl = HttpUrl("https://api.acme.example")


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Leave nothing of the machine's settings; the data folder is the test's own."""
    for name in list(os.environ):
        if name.startswith(("FLOTILLA_", "ACME_", "OTEL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FLOTILLA_DATA", str(tmp_path))
    monkeypatch.setenv("FLOTILLA_STATE", str(tmp_path))
    monkeypatch.setenv("ACME_TOKEN", SECRET)
    return monkeypatch


@pytest.fixture(scope="session")
def probe() -> Iterator[list[str]]:
    """The command of programs/probe.py, without the seconds that its imports take."""
    with python(*PRELOADED, "flotilla_testing.scratch", "fastmcp.server.http", "flotilla.serving.limits") as command:
        yield [*command, str(Path(__file__).parent / "programs" / "probe.py")]


Make = Callable[..., ScratchServer]


@pytest.fixture
def make() -> Make:
    """Return a maker of servers, whose requests pause for milliseconds only before another attempt.

    Each reads the environment that the test has set by then.
    """

    def made(**options: Any) -> ScratchServer:
        about = {"title": "Acme", "description": "Things of Acme.", "category": "test", "settings": Settings}
        server = ScratchServer(options.pop("slug", "acme"), **{**about, **options})
        server.connection.network = Network(retry=Retry(base=0.005, jitter=0))
        return server

    return made


@pytest.fixture
def acme(make: Make) -> ScratchServer:
    """Return a server without tools."""
    return make(hosts=["api.acme.example:443"])


@pytest.fixture
def audit(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Return a reader of the lines on stderr since it was last asked."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]

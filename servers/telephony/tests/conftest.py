"""A fake Twilio that keeps state; each request to it is held against the vendor's documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flotilla_servers.telephony.server import server
from flotilla_servers.telephony.tests.fake import FakeTwilio
from flotilla_testing import Request, Tool, environment, errors_of, impatient, results_of
from flotilla_testing.contract import contract_of

FOLDER = Path(__file__).parents[1]
HOSTS = {"/v1/Services": "messaging", "/v2/Services": "verify", "/v2/PhoneNumbers": "lookups"}
OUTSIDE = ("/v2/Flows", "/Media/ME", ".mp3", ".wav")  # what contract.yaml excepts
CHECKED: set[tuple[str, str, bytes]] = set()  # requests that were judged before: most tests send the same ones


@pytest.fixture
def fake(tmp_path: Path, data: Path) -> Iterator[FakeTwilio]:
    """An account that keeps what is done to it."""
    (tmp_path / "state").mkdir()
    folders = {"FLOTILLA_STATE": str(tmp_path / "state"), "FLOTILLA_DATA": str(data)}
    zone = {"FLOTILLA_TIMEZONE": "Europe/Paris", "FLOTILLA_TIER": "all"}
    folders["TELEPHONY_BRIDGE_URL"] = "https://phone.example.com/agent/"
    with FakeTwilio() as running, environment(server, **running.settings, **folders, **zone), impatient(server):
        yield running
        wrong = [problem for request in running.vendor.requests for problem in _problems(running, request)]
        assert not wrong, "\n".join(wrong)


def _problems(running: FakeTwilio, request: Request) -> list[str]:
    key = (request.method, request.url.replace(running.vendor.url, ""), request.body)
    document = contract_of(FOLDER)
    if not document or key in CHECKED or any(part in request.path for part in OUTSIDE):
        return []
    CHECKED.add(key)
    product = next((host for path, host in HOSTS.items() if request.path.startswith(path)), "api")
    return document.problems(replace(request, url=f"https://{product}.twilio.com{key[1]}"))


@pytest.fixture
def tool(fake: FakeTwilio, asked: list[str]) -> Tool:
    """Return a caller of tools that gives what they return; the person at the client says yes."""
    return results_of(server, "tel", asked)


@pytest.fixture
def problem(fake: FakeTwilio, asked: list[str]) -> Tool:
    """Return a caller of tools that gives the text of their error."""
    return errors_of(server, "tel", asked)

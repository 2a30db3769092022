"""Ways in: tokens that rotate, the way back when one is lost, and whose contacts they are."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flotilla.state import State
from flotilla_servers.gohighlevel.client import api, oauth
from flotilla_servers.gohighlevel.server import server
from flotilla_servers.gohighlevel.tests.conftest import FOLDER, REAL
from flotilla_servers.gohighlevel.tests.fake import LOCATION, TOKEN, FakeGoHighLevel
from flotilla_testing import Process, call, environment, faults, impatient, text_of
from flotilla_testing.contract import contract_of
from flotilla_testing.fake_api import form_of

# The process of test_killed…: it dies after the token endpoint has answered and before the answer is saved.
KILLED = """
import os, signal, sys
from flotilla.state import State
def put(self, name, document):
    if name == "oauth":
        os.kill(os.getpid(), signal.SIGKILL)
State.put = put
sys.argv = ["flotilla-gohighlevel"]
from flotilla_servers.gohighlevel.server import server
server.run()
"""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(oauth, "_now", clock)
    return clock


@pytest.fixture
def fake(tmp_path: Path, clock: Clock) -> Iterator[FakeGoHighLevel]:
    with (
        FakeGoHighLevel() as ghl,
        environment(server, **ghl.app_settings, FLOTILLA_TIER="all", FLOTILLA_STATE=str(tmp_path)),
        impatient(server),
    ):
        yield ghl


def renewals(ghl: FakeGoHighLevel) -> list[dict[str, Any]]:
    return [form_of(r) for r in ghl.vendor.requests if r.path == "/oauth/token"]


def restarted() -> None:
    server.reset()


async def listed() -> Any:
    return await call(server, "ghl_list_workflows")


async def test_oauth_first_call_exchanges_the_refresh_token(fake: FakeGoHighLevel) -> None:
    assert not (await listed()).is_error
    assert renewals(fake) == [
        {
            "grant_type": "refresh_token", "refresh_token": "refresh-0", "user_type": "Location",
            "client_id": "client-1", "client_secret": "client-secret",
        }
    ]  # fmt: skip
    if document := contract_of(FOLDER):
        (asked,) = [r for r in fake.vendor.requests if r.path == "/oauth/token"]
        assert document.problems(replace(asked, url=f"{REAL}/oauth/token")) == []
    assert dict(fake.vendor.requests[-1].query) == {"locationId": LOCATION}  # told with the token, not searched for
    assert "/locations/search" not in [r.path for r in fake.vendor.requests]


async def test_oauth_tokens_renewed_in_time_and_rotated(fake: FakeGoHighLevel, clock: Clock) -> None:
    for passed, count in ((0, 1), (86_000, 1), (86_350, 2), (86_350 + 86_350, 3)):
        clock.now = 1_900_000_000.0 + passed
        assert not (await listed()).is_error
        assert len(renewals(fake)) == count, passed
    used = [form["refresh_token"] for form in renewals(fake)]
    assert len(set(used)) == 3
    restarted()
    assert not (await listed()).is_error
    assert len(renewals(fake)) == 3  # it was saved, with the location


async def test_oauth_refresh_token_saved_before_use(fake: FakeGoHighLevel, tmp_path: Path) -> None:
    seen: list[str] = []
    handler = fake._allowed

    def look(request: Any, version: str) -> None:
        seen.append(State(str(tmp_path), "gohighlevel").get("oauth")["refresh_token"])
        handler(request, version)

    fake._allowed = look  # type: ignore[method-assign]
    await listed()
    assert seen == [fake.refresh]


async def test_oauth_parallel_calls_renew_once(fake: FakeGoHighLevel) -> None:
    results = await asyncio.gather(*(listed() for _ in range(10)))
    assert not any(result.is_error for result in results)
    assert len(renewals(fake)) == 1


async def test_oauth_lost_response_recovered_by_reconnecting(fake: FakeGoHighLevel, clock: Clock) -> None:
    """When the new refresh token is lost with a response, the connection is made anew."""
    await listed()
    clock.now += 90_000
    fake.vendor.fails(faults.cut(), times=1, method="POST")  # the old refresh token is spent, nobody has the new one
    assert "could not be renewed" in text_of(await listed())
    clock.now += 6  # for a few seconds nobody asks again
    assert not (await listed()).is_error
    assert [form["grant_type"] for form in renewals(fake)] == ["refresh_token"] * 3 + ["authorization_code"]
    clock.now += 90_000
    restarted()
    assert not (await listed()).is_error  # and it goes on from there
    assert renewals(fake)[-1]["grant_type"] == "refresh_token"


@pytest.mark.slow
async def test_oauth_killed_between_response_and_save(tmp_path: Path) -> None:
    with FakeGoHighLevel() as ghl:
        settings = {
            **ghl.app_settings,
            "GOHIGHLEVEL_LOCATION_ID": LOCATION,
            "FLOTILLA_TIER": "all",
            "FLOTILLA_STATE": str(tmp_path),
        }
        with Process([sys.executable, "-c", KILLED], settings) as process:
            process.start()
            process.ask("tools/call", name="ghl_list_workflows", arguments={})
            assert process.popen.wait(30) == -signal.SIGKILL
        assert ghl.refresh != "refresh-0"  # rotated, and nobody knows the new one
        assert not (tmp_path / "gohighlevel" / "oauth.sealed").exists()
        with environment(server, **settings), impatient(server):
            result = await call(server, "ghl_list_workflows")
            assert not result.is_error, text_of(result)
        assert [r.path for r in ghl.vendor.requests].count("/oauth/reconnect") == 1


async def test_oauth_app_removed(fake: FakeGoHighLevel, clock: Clock) -> None:
    await listed()
    fake.installed, fake.refresh = False, "gone"
    clock.now += 90_000
    message = text_of(await listed())
    assert message.startswith(
        "Error: Access was revoked or has expired (invalid_grant). Ask the user to install the app"
    )
    assert "gohighlevel.refresh_token" in message


async def test_oauth_reconnect_needs_a_location(fake: FakeGoHighLevel) -> None:
    """Without a location there is no other way to a token."""
    fake.refresh = "spent by somebody else"
    assert "gohighlevel.location_id" in text_of(await listed())
    assert "/oauth/reconnect" not in [r.path for r in fake.vendor.requests]


async def test_oauth_wrong_client(fake: FakeGoHighLevel, tmp_path: Path) -> None:
    settings = {
        **fake.app_settings,
        "GOHIGHLEVEL_CLIENT_SECRET": "not-this-one",
        "FLOTILLA_TIER": "all",
        "FLOTILLA_STATE": str(tmp_path),
    }
    with environment(server, **settings):
        assert "The OAuth client is not accepted" in text_of(await listed())


async def test_oauth_agency_token_needs_a_location(fake: FakeGoHighLevel) -> None:
    """The new refresh token is kept all the same: the next call uses it."""
    fake.user_type = "Company"
    for _ in range(2):
        assert "Ask the user to set GOHIGHLEVEL_LOCATION_ID" in text_of(await listed())
    assert [form["user_type"] for form in renewals(fake)][:2] == ["Location", "Company"]


async def test_oauth_agency_token_exchanged_for_that_of_the_location(
    fake: FakeGoHighLevel, tmp_path: Path, clock: Clock
) -> None:
    fake.user_type = "Company"
    settings = {**fake.app_settings, "GOHIGHLEVEL_LOCATION_ID": LOCATION, "FLOTILLA_TIER": "all"}
    with environment(server, **settings, FLOTILLA_STATE=str(tmp_path)):
        for _ in range(2):
            assert not (await listed()).is_error
            clock.now += 90_000
    exchanges = [r for r in fake.vendor.requests if r.path == "/oauth/locationToken"]
    assert [form_of(r) for r in exchanges] == [{"companyId": "5DP4iH6HLkQsiKESj6rh", "locationId": LOCATION}] * 2
    assert fake.vendor.requests[-1].headers["authorization"].startswith("Bearer location-")
    if document := contract_of(FOLDER):
        assert document.problems(replace(exchanges[0], url=f"{REAL}/oauth/locationToken")) == []


# -- private integration tokens, locations ----------------------------------------------------------------------------


async def test_location_looked_up_once(tool: Any, ghl: FakeGoHighLevel) -> None:
    await tool("list_workflows")
    server.reset()
    await tool("list_calendars")
    assert [r.path for r in ghl.vendor.requests] == ["/locations/search", "/workflows/", "/calendars/"]
    assert ghl.vendor.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_location_must_be_chosen_among_several(problem: Any, ghl: FakeGoHighLevel) -> None:
    """The user is asked which of several locations is meant."""
    ghl.locations.append({"id": "eitherOne", "name": "Studio Été"})
    assert await problem("list_workflows") == (
        f"Error: The token reaches several sub-accounts: Agence Lumière ({LOCATION}), Studio Été (eitherOne). Ask the "
        "user which sub-account is meant, and to set GOHIGHLEVEL_LOCATION_ID to its id."
    )
    ghl.locations.clear()
    assert "reaches no sub-account" in await problem("list_workflows")


async def test_location_setting_skips_the_search(ghl: FakeGoHighLevel, tmp_path: Path) -> None:
    settings = {
        **ghl.settings,
        "GOHIGHLEVEL_LOCATION_ID": LOCATION,
        "FLOTILLA_TIER": "all",
        "FLOTILLA_STATE": str(tmp_path),
    }
    with environment(server, **settings):
        assert not (await listed()).is_error
    assert [r.path for r in ghl.vendor.requests] == ["/workflows/"]


async def test_location_search_not_permitted(problem: Any, ghl: FakeGoHighLevel) -> None:
    statement = {"statusCode": 401, "message": "The token is not authorized for this scope."}
    ghl.vendor.fails(faults.status(401, statement), times=1)
    assert "give the integration the missing scope, and to set GOHIGHLEVEL_LOCATION_ID" in await problem(
        "list_workflows"
    )


async def test_location_of_another_account_refused(ghl: FakeGoHighLevel, tmp_path: Path) -> None:
    settings = {
        **ghl.settings,
        "GOHIGHLEVEL_LOCATION_ID": "other",
        "FLOTILLA_TIER": "all",
        "FLOTILLA_STATE": str(tmp_path),
    }
    with environment(server, **settings):
        assert "does not have access to this location" in text_of(await listed())


@pytest.mark.parametrize("version", ["2021-04-15", "v3", ""])
async def test_version_header_wrong_is_detected(
    problem: Any, ghl: FakeGoHighLevel, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setitem(api._headers, "Version", version)
    assert "version header" in await problem("list_workflows")
    if document := contract_of(FOLDER):
        real = replace(ghl.vendor.requests[-1], url=f"{REAL}/workflows/?locationId={LOCATION}")
        assert "Version" in document.problems(real)[0]  # the contract's check would see it too

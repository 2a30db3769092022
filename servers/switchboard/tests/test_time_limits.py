"""The limit of a call: what it is for which tool, and what is said and done when it is over."""

import json
import os
import signal
from typing import Any

import pytest

from flotilla_servers.switchboard import backend as backends
from flotilla_servers.switchboard.action_log import read
from flotilla_servers.switchboard.in_doubt import how_to_look
from flotilla_servers.switchboard.time_limits import MARGIN, TimeLimits
from flotilla_testing.waiting import eventually

from .conftest import BOTH

pytestmark = pytest.mark.slow
SOON = TimeLimits(0.3)


@pytest.mark.parametrize(
    ("tool", "declared", "seconds"),
    [
        ("crm_get_contact", 0, 30),
        ("crm_get_contact", 20, 30),
        ("export_xlsx", 300, 300 + MARGIN),
        ("crm_import_all", 0, 90),
        ("crm_import_few", 300, 5),
        ("slow_anything", 300, 0),
    ],
)
def test_limit_of_a_tool(tool: str, declared: float, seconds: float) -> None:
    assert TimeLimits(30, {"crm_import_few": 5, "crm_import_*": 90, "slow_*": 0}).of(tool, declared) == seconds


def test_limit_switched_off_counts_for_all_but_the_tools_named() -> None:
    limits = TimeLimits(0, {"crm_*": 5})
    assert (limits.of("x_get"), limits.of("x_get", 300), limits.of("crm_get")) == (0, 0, 5)


@pytest.mark.parametrize(
    ("tool", "looked_with"),
    [
        ("crm_create_contact", "`crm_search_contacts`"),
        ("crm_add_company_note", "`crm_list_company_notes` or `crm_get_company`"),
        ("crm_send_message", ""),
        ("crm", ""),
    ],
)
def test_how_to_look_names_reads_about_the_same(tool: str, looked_with: str) -> None:
    reads = ["crm_list_company_notes", "crm_search_contacts", "crm_get_company", "crm_list_companies_owners"]
    expected = f"Look with {looked_with} whether" if looked_with else "Check whether"
    assert how_to_look(tool, reads) == f"{expected} it was done before you call it again."


async def test_deadlines_of_tools_come_from_the_discovery_file(
    fleet: Any, discovery: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fleet.folder / "probe" / "discovery.json").write_text(
        json.dumps({**discovery, "deadlines": {"probe_wait": 300, "probe_echo": "soon"}})
    )
    monkeypatch.setenv("FLOTILLA_DEADLINE", "50")
    async with fleet.inside() as (_, [backend]):
        assert (backend.deadline("probe_wait"), backend.deadline("probe_echo")) == (300, 50)


def test_how_to_look_for_a_foreign_tool() -> None:
    message = how_to_look("create_contact", ["list_contacts", "list_deals"], foreign=True)
    assert message == "Look with `list_contacts` whether it was done before you call it again."


@BOTH
async def test_call_over_its_limit_is_cancelled_and_says_what_is_known(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client:
        pid = (await one.about())["pid"]
        gateway.limits = lambda: SOON
        text = await one.call("probe_wait", seconds=2, name="slow")  # a step each half second extends nothing
        assert text == "Error: probe did not answer within 0.3 seconds. Nothing was changed. Try again later."
        await eventually(lambda: fleet.lines("cancelled") == ["slow"])
        text = await one.call("probe_block", seconds=1)
        assert text == (
            "Error: probe did not answer within 0.3 seconds: `probe_block` may or may not have been done. "
            "Check whether it was done before you call it again."
        )
        gateway.limits = TimeLimits
        assert (await one.about())["pid"] == pid  # it answers again, so it was left running
        gateway.close()
    rows = list(read(fleet.folder / "state"))
    assert [row["outcome"] for row in rows] == ["ok", "timeout", "timeout", "ok"]


async def test_call_over_its_limit_before_the_start_was_not_done(fleet: Any, person: Any) -> None:
    fleet.config["probe"]["slow"] = 1
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        gateway.limits = lambda: SOON
        text = await one.call("probe_die_writing")
        assert text.startswith("Error: probe was still being started after 0.3 seconds. Nothing was done. Its start")
        gateway.limits = TimeLimits
        await one.about()
        assert len(fleet.lines("starts")) == 1
        assert fleet.lines("written") == []


async def test_call_over_its_limit_stops_a_server_that_is_frozen(
    fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "SIGN_OF_LIFE", 0.2)
    monkeypatch.setattr("flotilla_servers.switchboard.processes.EXIT", 0.1)
    monkeypatch.setattr("flotilla_servers.switchboard.processes.FINISH", 0.1)
    async with fleet.inside() as (gateway, [backend]), (one := person(gateway, "auto")).client:
        pid = (await one.about())["pid"]
        os.kill(pid, signal.SIGSTOP)
        gateway.limits = lambda: SOON
        assert (await one.call("probe_echo")).startswith("Error: probe did not answer within 0.3 seconds.")
        await eventually(lambda: not backend.running)
        gateway.limits = TimeLimits
        assert (await one.about())["pid"] != pid

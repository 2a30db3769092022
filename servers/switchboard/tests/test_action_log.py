"""The log of calls: its rows in both eras and for each end, what it masks, how it is log_file small, how it is read."""

import json
import sqlite3
import time
from argparse import Namespace
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli import log
from flotilla_launcher.protocol import TIMINGS_KEY
from flotilla_servers.switchboard.action_log import COLUMNS, Action, ActionLog, database, read, shown, taken_vendor_ms
from flotilla_servers.switchboard.server import action_log
from flotilla_servers.switchboard.settings_file import SettingsFile

from .conftest import BOTH, ERAS


def action(**more: Any) -> Action:
    usual: dict[str, Any] = {
        "time": time.time(), "trace_id": "a" * 32, "user_id": "zoé", "client": "test", "era": "2026-07-28",
        "mcp_server": "notion", "tool_name": "notion_search", "arguments": "{}", "decision": "allowed", "outcome": "ok",
        "latency_ms": 12.0, "gateway_ms": 1.0, "server_ms": 11.0, "vendor_ms": None, "mcp_response": None,
    }  # fmt: skip
    return Action(**usual | more)


@BOTH
async def test_log_has_a_row_for_each_call(fleet: Any, person: Any, era: str) -> None:
    fleet.environ["FLOTILLA_USER"] = "zoé"
    async with person(fleet.command(), era).client as client:
        await client.call_tool_mcp("probe_echo", {"value": {"token": "abc123", "name": "é"}})
        await client.call_tool_mcp("probe_echo", {"value": "s3cr=et value"})
        await client.call_tool_mcp("probe_unknown", {})
        await client.call_tool_mcp("probe_die_writing", {})
    lost, masked, echo = read(fleet.folder / "state")
    assert json.loads(echo["arguments"]) == {"value": {"token": "***", "name": "é"}}
    assert json.loads(masked["arguments"]) == {"value": "***"}  # the server's own secret, whatever its name
    assert (echo["mcp_server"], echo["tool_name"], echo["outcome"]) == ("probe", "probe_echo", "ok")
    assert (echo["user_id"], echo["decision"], echo["mcp_response"]) == ("zoé", "allowed", None)
    assert echo["era"] == (era if era != "legacy" else "handshake")
    assert echo["client"]
    assert len({row["trace_id"] for row in (lost, masked, echo)}) == 3
    assert echo["latency_ms"] == pytest.approx(echo["gateway_ms"] + echo["server_ms"], abs=0.2)
    assert lost["outcome"] == "lost"


@BOTH
async def test_log_has_the_vendors_time_and_no_client_sees_it(fleet: Any, person: Any, era: str) -> None:
    async with person(fleet.command(), era).client as client:
        for meta in (None, {TIMINGS_KEY: True}):
            result = await client.call_tool_mcp("probe_timed", {}, meta=meta)
            assert (result.structured_content["asked"], result.meta["probe"]) == (True, True)
            assert TIMINGS_KEY not in result.meta
        await client.call_tool_mcp("probe_echo", {})
    assert [row["vendor_ms"] for row in read(fleet.folder / "state")] == [None, 12.5, 12.5]
    async with person(fleet.command("--log", "off"), era).client as client:
        assert (await client.call_tool_mcp("probe_timed", {})).structured_content == {"asked": False}


@pytest.mark.parametrize(
    ("meta", "taken"),
    [
        ({TIMINGS_KEY: {"vendor_ms": 3}}, 3.0),
        ({TIMINGS_KEY: {"vendor_ms": -1}}, None),
        ({TIMINGS_KEY: {"vendor_ms": float("inf")}}, None),
        ({TIMINGS_KEY: {"vendor_ms": True}}, None),
        ({TIMINGS_KEY: "3"}, None),
        ({}, None),
        ([], None),
    ],
)
def test_taken_vendor_ms_of_a_server_that_may_say_anything(meta: Any, taken: float | None) -> None:
    result = {"_meta": meta}
    assert taken_vendor_ms(result) == taken
    assert TIMINGS_KEY not in result["_meta"]


async def test_log_keeps_the_clients_trace_and_results_where_asked(fleet: Any, person: Any) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with person(fleet.command("--log", "results"), ERAS[1], "Ada").client as client:
        meta = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        await client.call_tool_mcp("probe_echo", {"value": 1}, meta=meta)
        await client.call_tool_mcp("probe_ask", {"question": "Really?"})
    rows = list(read(fleet.folder / "state"))
    assert [row["outcome"] for row in rows] == ["ok", "asked", "ok"]
    assert rows[2]["trace_id"] == trace
    assert json.loads(rows[2]["mcp_response"])["structuredContent"] == {"value": 1}


async def test_log_is_written_although_a_server_cannot_be_stopped(
    fleet: Any, person: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stuck:
        async def close(self) -> None:
            raise RuntimeError("a disk is gone")

    async with fleet.inside() as (gateway, backends):
        async with person(gateway, ERAS[1]).client as client:
            await client.call_tool_mcp("probe_echo", {"value": 1})
        await gateway.end([Stuck(), *backends])
    assert [row["tool_name"] for row in read(fleet.folder / "state")] == ["probe_echo"]
    assert "not all could be stopped: RuntimeError('a disk is gone')" in capsys.readouterr().err


async def test_log_is_off_where_it_is_switched_off(fleet: Any, person: Any) -> None:
    async with person(fleet.command("--log", "off"), ERAS[1]).client as client:
        await client.call_tool_mcp("probe_echo", {"value": 1})
    assert list(read(fleet.folder / "state")) == []


def test_log_keeps_the_newest(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"log": {"rows": 3, "days": 2}}')
    file = SettingsFile(tmp_path / "settings.json")
    log_file = action_log(Namespace(state=tmp_path), file.load(), "")
    assert log_file
    for number in range(6):
        log_file.add(action(trace_id=f"{number:032d}", time=time.time() - 3 * 86_400 * (number == 5)))
    log_file.close()
    assert [int(row["trace_id"]) for row in read(tmp_path)] == [4, 3, 2]
    assert database(tmp_path).stat().st_mode & 0o777 == 0o600


def test_log_survives_a_file_that_is_broken(tmp_path: Path) -> None:
    database(tmp_path).parent.mkdir()
    database(tmp_path).write_text("no database")
    log_file = ActionLog(tmp_path)
    log_file.add(action())
    log_file.close()
    assert "could not be logged" in log_file.failed


def test_log_of_two_switchboards_in_one_file(tmp_path: Path) -> None:
    first, second = ActionLog(tmp_path), ActionLog(tmp_path)
    for number in range(200):
        (first, second)[number % 2].add(action(trace_id=f"{number:032d}"))
    first.close()
    second.close()
    assert sorted(int(row["trace_id"]) for row in read(tmp_path, limit=500)) == list(range(200))


def test_shown_is_cut_and_never_fails() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "cannot be shown"
    assert len(shown({"text": "é" * 20_000})) < 8_100
    assert shown({"a": 'say "s3cret1"'}, ['"s3cret1"']) == '{"a":"say ***"}'


def test_log_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_file = ActionLog(tmp_path)
    log_file.add(action(tool_name="notion_search"))
    log_file.add(action(tool_name="notion_get_page", outcome="error", trace_id="b" * 32, arguments='{"page":"é"}'))
    log_file.close()
    state = ["--state", str(tmp_path)]
    assert log.main(state) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "notion_search  ok  12 ms  aaaaaaaa" in first
    assert 'notion_get_page  error  12 ms  bbbbbbbb  {"page":"é"}' in second
    log.main([*state, "--json", "--trace", "bbb"])
    assert json.loads(capsys.readouterr().out)["arguments"] == '{"page":"é"}'
    log.main([*state, "--csv", "--outcome", "error"])
    head, row = capsys.readouterr().out.splitlines()
    assert head.split(",") == COLUMNS
    assert "notion_get_page" in row
    log.main([*state, "--server", "hubspot"])
    assert "No call is logged here" in capsys.readouterr().out


def test_log_reads_while_it_is_written(tmp_path: Path) -> None:
    log_file = ActionLog(tmp_path)
    log_file.add(action())
    log_file.close()
    with closing(sqlite3.connect(database(tmp_path))) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert len(list(read(tmp_path))) == 1

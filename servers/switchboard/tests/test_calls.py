"""Calls through the switchboard, with the server as a local process: what passes, in both eras, and to whom."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from .conftest import BOTH, ERAS

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


def raw(args: list[str], env: dict[str, str], era: str) -> dict[str, bytes]:
    """Speak JSON-RPC by hand, so that no client library tidies up; gives what each list holds as it was sent."""
    start = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    meta = {f"io.modelcontextprotocol/{name}": start[name] for name in ("clientInfo", "protocolVersion")}
    meta |= {"io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/protocolVersion": era}
    lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
    lines: list[dict[str, Any]] = [{"id": n, "method": method} for n, method in enumerate(lists, 1)]
    if era == "legacy":
        lines = [{"id": 0, "method": "initialize", "params": start}, {"method": "notifications/initialized"}, *lines]
    else:
        lines = [{**line, "params": {"_meta": meta}} for line in lines]
    with subprocess.Popen(args, env=env, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        assert process.stdout
        for line in lines:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n")
        process.stdin.flush()
        got: dict[int, bytes] = {}
        while len(got.keys() - {0}) < len(lists):
            answer = process.stdout.readline()
            begin = answer.find(b":[")
            got[json.loads(answer)["id"]] = answer[begin : answer.rfind(b"]") + 1]
        process.stdin.close()
        process.wait(10)
    return {method: got[n] for n, method in enumerate(lists, 1)}


@BOTH
async def test_list_responses_unchanged_and_start_nothing(fleet: Any, era: str) -> None:
    fleet.config["probe"]["tier"] = "all"
    command = [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", *fleet.options()]
    switchboard = await asyncio.to_thread(raw, command, {**os.environ}, era)
    assert fleet.lines("starts") == []
    env = {**os.environ, "FLOTILLA_DATA": str(fleet.data)}
    direct = await asyncio.to_thread(raw, [sys.executable, str(HERE / "probe.py")], env, era)
    assert len(direct["tools/list"]) > 2000
    assert all(b"probe" in answer for answer in direct.values())
    if era != "legacy":  # the file holds the definitions as they stand on the older wire: the order of keys is its own
        switchboard, direct = (
            {method: json.loads(answer[1:]) for method, answer in got.items()} for got in (switchboard, direct)
        )
    assert switchboard == direct


async def test_filters_hidden_tools_neither_listed_nor_called(fleet: Any, person: Any) -> None:
    async with fleet.inside() as (gateway, _), person(gateway, "auto").client as client:
        assert "probe_extra" not in [tool.name for tool in await client.list_tools()]
        result = await client.call_tool_mcp("probe_extra", {})
        assert result.is_error
        assert result.content[0].text.startswith("Error: Unknown tool `probe_extra`")
    fleet.config["probe"]["tier"] = "all"
    async with fleet.inside() as (gateway, _), person(gateway, "auto").client as client:
        assert (await client.call_tool_mcp("probe_extra", {})).content[0].text == "extra"


@BOTH
async def test_call_results_same_as_without_gateway(fleet: Any, person: Any, discovery: Any, era: str) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("flotilla_test_probe_direct", HERE / "probe.py")
    assert spec
    assert spec.loader
    probe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(probe)
    values: list[Any] = [None, {"a": None, "b": [1, None]}, 2**70, -0.0, 1e300, "é€\u202e", [], {}]
    calls = [("probe_rich", {}), ("probe_rich", {"fail": True}), ("probe_wait", {}), ("probe_wait", {"seconds": "x"})]
    calls += [("probe_echo", {"value": value}) for value in values] + [("probe_echo", {"value": 1, "more": 2})]
    async with (
        fleet.inside() as (gateway, _),
        person(gateway, era).client as through,
        person(probe.mcp, era).client as near,
    ):
        for tool, args in calls:
            ours, theirs = [
                (await client.call_tool_mcp(tool, args)).model_dump(mode="json", by_alias=True, exclude_unset=True)
                for client in (through, near)
            ]
            for answer in (ours, theirs):  # since 2026-07-28 each server signs with its own name
                (answer.get("_meta") or {}).pop("io.modelcontextprotocol/serverInfo", None)
            assert {k: v for k, v in ours.items() if v not in (None, {})} == {
                k: v for k, v in theirs.items() if v not in (None, {})
            }, (tool, args)


@pytest.mark.slow
@BOTH
async def test_prompts_and_resources(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), person(gateway, era).client as client:
        prompt = await client.get_prompt("probe_greet", {"name": "Zoë"})
        assert prompt.messages[0].content.text == "Greet Zoë."
        [fixed] = await client.read_resource("probe://fixed")
        assert (fixed.mime_type, json.loads(fixed.text)["pid"]) == ("application/json", fleet.alive()[0])
        [item] = await client.read_resource("probe://item/abc")
        assert item.blob == "YWJj"
        with pytest.raises(MCPError, match="not found"):
            await client.read_resource("probe://nothing")
        with pytest.raises(MCPError, match=r"(?i)unknown prompt"):
            await client.get_prompt("probe_none", {})


async def test_start_once_for_parallel_calls(fleet: Any, person: Any) -> None:
    """Twenty parallel calls before the start, of one process."""
    people = [ERAS[n % 2] for n in range(4)]
    async with fleet.inside() as (gateway, _):
        clients = [person(gateway, era) for era in people]
        for one in clients:
            await one.client.__aenter__()
        answers = await asyncio.gather(
            *(clients[n % 4].call("probe_wait", seconds=0.1, name=str(n)) for n in range(20))
        )
        assert len({answer.split()[1] for answer in answers}) == 1
        assert [answer.split()[0] for answer in answers] == [str(n) for n in range(20)]
        assert len(fleet.lines("starts")) == 1
        for one in clients:
            await one.client.__aexit__(None, None, None)
    assert fleet.alive() == []


async def test_elicitation_reaches_the_right_client(fleet: Any, person: Any) -> None:
    """Four clients of both protocols get their own questions."""
    async with fleet.inside() as (gateway, _):
        people = [person(gateway, era, name) for era, name in zip(ERAS * 2, ("Ada", "Bob", "Cy", "Dee"), strict=True)]
        for one in people:
            await one.client.__aenter__()
        for _ in range(3):
            asked = [(one, f"{one.name}-{n}") for n in range(4) for one in people]
            answers = await asyncio.gather(*(one.call("probe_ask", question=q, linger=0.05) for one, q in asked))
            assert [a.split(" by ")[0] for a in answers] == [f"{q}: accept {one.name}" for one, q in asked]
        for one in people:
            assert len(one.asked) == 12
            assert all(question.startswith(one.name) for question in one.asked)
            await one.client.__aexit__(None, None, None)
    assert len(fleet.lines("starts")) == 1


@pytest.mark.slow
@BOTH
async def test_elicitation_by_prompts_and_resources(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era, "Ada")).client as client:
        assert (await client.read_resource("probe://asking"))[0].text == "Ada"
        assert (await client.get_prompt("probe_asking")).messages[0].content.text == "Ada"
        assert one.asked == ["resource?", "prompt?"]
        assert await one.call("probe_again", times=3) == "call 3"
        if era == "legacy":
            answer = await one.call("probe_again", times=99)
            assert answer.startswith("Error: probe asked more than 10 times during the call. Nothing was changed.")


@pytest.mark.slow
@BOTH
async def test_elicitation_capability_passed_on(fleet: Any, person: Any, era: str) -> None:
    """A client that cannot be asked is announced as one."""
    async with fleet.inside() as (gateway, _), person(gateway, era).client as client:
        caps = json.loads((await client.call_tool_mcp("probe_about", {})).content[0].text)["capabilities"]
        assert "elicitation" not in (caps or {})
    async with fleet.inside() as (gateway, _), (able := person(gateway, era, "Ada")).client:
        about = await able.about()
        assert "form" in about["capabilities"]["elicitation"]
        assert "sampling" not in about["capabilities"]
        assert about["protocol"] == "2026-07-28"


@pytest.mark.slow
@BOTH
async def test_progress_and_logs(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client as client:
        await one.call("probe_wait", seconds=0.2, name="x")
        await asyncio.sleep(0.1)
        assert one.steps == [1, 2, 3, 4]
        if era == "legacy":
            await one.call("probe_say", text="a")
            assert one.logs == ["debug a", "info a"]
            await client.set_logging_level("info")
            await one.call("probe_say", text="b")
            assert one.logs[2:] == ["info b"]
        else:
            for level, logs in (("error", []), ("info", ["info b"])):  # since then each request asks for its own
                meta = {"io.modelcontextprotocol/logLevel": level}
                await client.call_tool_mcp("probe_say", {"text": "b"}, meta=meta)
                assert one.logs == logs


@pytest.mark.slow
async def test_log_message_without_a_clear_owner_dropped(fleet: Any, person: Any) -> None:
    async with fleet.inside() as (gateway, _):
        one, two = person(gateway, "legacy"), person(gateway, "legacy")
        async with one.client, two.client:
            await one.call("probe_echo")
            await asyncio.gather(one.call("probe_say", text="mine", pause=0.3), two.call("probe_wait", seconds=0.3))
            assert [one.logs, two.logs] == [[], []]
            await two.call("probe_say", text="again")
            assert [one.logs, two.logs] == [[], ["debug again", "info again"]]


@pytest.mark.slow
@BOTH
async def test_cancellation_reaches_the_tool(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client:
        await one.call("probe_echo")
        task = asyncio.create_task(one.call("probe_wait", seconds=20, name="long"))
        await asyncio.sleep(0.5)
        task.cancel()
        await fleet.until(lambda: fleet.lines("cancelled") == ["long"], 3)


@pytest.mark.slow
async def test_cancellation_does_not_break_other_calls(fleet: Any, person: Any) -> None:
    """A hundred cancelled calls break no call of another client."""
    async with fleet.inside("--idle", "0.2") as (gateway, _):
        calm, hasty = person(gateway, "legacy"), person(gateway, "2026-07-28")
        async with calm.client, hasty.client:
            for _ in range(4):
                steady = [asyncio.create_task(calm.call("probe_wait", seconds=2, name=f"s{n}")) for n in range(3)]
                for n in range(25):  # some while the server starts, some in the call
                    task = asyncio.create_task(hasty.call("probe_wait", seconds=5, name="h"))
                    await asyncio.sleep(0.002 * n)
                    task.cancel()
                assert [a.split()[0] for a in await asyncio.gather(*steady)] == ["s0", "s1", "s2"]
                await fleet.until(lambda: not fleet.alive())
    assert len(fleet.lines("starts")) == 4


@pytest.mark.slow
async def test_start_survives_its_cancelled_caller(fleet: Any, person: Any) -> None:
    """A server whose first caller gave up serves the next one."""
    fleet.config["probe"]["slow"] = 1
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        task = asyncio.create_task(one.call("probe_echo"))
        await asyncio.sleep(0.5)
        task.cancel()
        assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}
    assert len(fleet.lines("starts")) == 1


@pytest.mark.slow
@BOTH
async def test_crash_read_retried_once(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client:
        assert await one.call("probe_die_reading", times=1) == "read"
        assert len(fleet.lines("starts")) == 2
        answer = await one.client.call_tool_mcp("probe_die_reading", {"times": 9})
        assert answer.is_error
        assert answer.content[0].text == "Error: probe stopped during the call. Nothing was changed. Try again later."
        assert len(fleet.lines("read")) == 4


@BOTH
async def test_crash_write_not_retried(fleet: Any, person: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client:
        answer = await one.client.call_tool_mcp("probe_die_writing", {})
        assert answer.is_error
        assert answer.content[0].text == (
            "Error: probe stopped during the call: `probe_die_writing` may or may not have been done. "
            "Check whether it was done before you call it again."
        )
        assert fleet.lines("written") == ["call"]
        assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}  # it is there again
        assert len(fleet.lines("starts")) == 2


@pytest.mark.slow
async def test_crash_reported_to_every_call_in_flight(fleet: Any, person: Any) -> None:
    async with fleet.inside() as (gateway, _):
        people = [person(gateway, era) for era in ERAS]
        async with people[0].client, people[1].client:
            await people[0].call("probe_echo")
            calls = [asyncio.create_task(one.call("probe_wait", seconds=1, name="w")) for one in people * 2]
            writes = asyncio.create_task(people[0].call("probe_ask", question="q", linger=30))
            await asyncio.sleep(0.3)
            os.kill(fleet.alive()[0], signal.SIGKILL)
            assert "may or may not" in await writes
            assert all(answer.startswith("w ") for answer in await asyncio.gather(*calls))  # reads: on the next process
        assert len(fleet.lines("starts")) == 2


@pytest.mark.slow
async def test_crash_between_calls_restarts_the_server(fleet: Any, person: Any) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        for n in range(1, 4):
            about = await one.about()
            os.kill(about["pid"], signal.SIGKILL)
            if n == 1:
                await asyncio.sleep(0.3)  # noticed, or in the same moment
            assert len(fleet.lines("starts")) == n
        await one.call("probe_echo")
        assert len(fleet.alive()) == 1


@pytest.mark.slow
async def test_idle_server_stopped_without_failing_calls(fleet: Any, person: Any) -> None:
    """A call at the moment of the stop does not fail."""
    async with fleet.inside("--idle", "0.5") as (gateway, _), (one := person(gateway, "auto")).client:
        await one.call("probe_wait", seconds=1)  # being busy is not being idle
        assert len(fleet.alive()) == 1
        await fleet.until(lambda: not fleet.alive(), 3)
        for n in range(8):
            assert json.loads(await one.call("probe_echo", value=n)) == {"value": n}
            await asyncio.sleep(0.49 + n * 0.005)
            assert len(fleet.alive()) <= 1


@pytest.mark.slow
@BOTH
async def test_restart_between_question_and_answer(fleet: Any, person: Any, era: str) -> None:
    class Slow(person):  # type: ignore[misc]
        async def _answer(self, message: str, *_: Any) -> dict[str, str]:
            os.kill(fleet.alive()[0], signal.SIGKILL)
            await asyncio.sleep(0.2)
            return {"answer": "late"}

    async with fleet.inside() as (gateway, _), (one := Slow(gateway, era, "Ada")).client:
        answer = await one.call("probe_ask", question="sure?")
        assert answer == f"sure?: accept late by {fleet.alive()[0]}"
        assert len(fleet.lines("starts")) == 2
        assert fleet.lines("asked") == ["sure?"]


@pytest.mark.slow
async def test_start_failure_explained(fleet: Any, person: Any) -> None:
    fleet.config["probe"]["broken"] = "bad things"
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        answer = await one.client.call_tool_mcp("probe_echo", {})
        assert answer.is_error
        assert answer.content[0].text == (
            "Error: probe could not start: cannot use the token ***: bad things. Nothing was done. "
            "Ask the user to fix it, then call again. Tell the user: “I cannot reach Probe at the moment.”"
        )
        with pytest.raises(MCPError, match=r"Error: probe could not start: .* Nothing was changed\."):
            await one.client.read_resource("probe://fixed")
    fleet.config["probe"] = {}
    (fleet.folder / "flotilla-probe").unlink()
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        assert "No such file" in await one.call("probe_echo")


@pytest.mark.slow
async def test_heard_gives_up_on_a_frozen_server(fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer and no progress: the error says what is known, and the next call starts the server anew."""
    monkeypatch.setattr("flotilla_servers.switchboard.processes.EXIT", 0.1)
    monkeypatch.setattr("flotilla_servers.switchboard.processes.FINISH", 0.1)
    async with fleet.inside() as (gateway, [backend]), (one := person(gateway, "auto")).client:
        pids = []
        for tool, reported in (
            ("probe_echo", "Nothing was changed."),
            ("probe_die_writing", "`probe_die_writing` may or may not have been done. Check whether it was done"),
        ):
            backend.response_timeout = 60.0
            pids.append((await one.about())["pid"])
            os.kill(pids[-1], signal.SIGSTOP)
            backend.response_timeout = 0.3
            text = await one.call(tool)
            assert text.startswith("Error: probe did not answer within 0.3 seconds")
            assert reported in text
        backend.response_timeout = 60.0
        pids.append((await one.about())["pid"])
        assert len(set(pids)) == 3
        assert fleet.alive() == [pids[-1]]


@pytest.mark.slow
async def test_heard_waits_while_there_is_progress(fleet: Any, person: Any) -> None:
    async with fleet.inside() as (gateway, [backend]), (one := person(gateway, "auto")).client:
        await one.call("probe_echo")
        backend.response_timeout = 4.0  # a step each two seconds
        assert (await one.call("probe_wait", seconds=8, name="long")).startswith("long")


def test_silence_longer_than_any_call(fleet: Any) -> None:
    from flotilla_servers.switchboard.backend import GRACE, Backend
    from flotilla_servers.switchboard.options import arguments
    from flotilla_servers.switchboard.selection import selected

    [entry] = selected(arguments(fleet.options()))
    assert Backend(entry).response_timeout == GRACE + 60
    entry.env["FLOTILLA_DEADLINE"] = "300"
    assert Backend(entry).response_timeout == GRACE + 300


OLD = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answer = {"error": {"code": -32601, "message": "Method not found"}}
    if asked["method"] == "initialize" and VERSION:
        info = {"name": "old", "version": "1"}
        answer = {"result": {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": info}}
    if asked["method"] == "tools/call":
        answer = {"result": {"content": [{"type": "text", "text": "old " + asked["params"]["name"]}]}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


@BOTH
@pytest.mark.parametrize("version", ["2024-11-05", "2025-11-25"])
async def test_discover_accepts_a_server_of_an_older_revision(fleet: Any, person: Any, version: str, era: str) -> None:
    (fleet.folder / "old.py").write_text(f"VERSION = {version!r}\n{OLD}")
    (fleet.folder / "flotilla-probe").write_text(f"#!/bin/sh\nexec {sys.executable} {fleet.folder / 'old.py'}\n")
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client:
        assert await one.call("probe_echo", value=1) == "old probe_echo"


@pytest.mark.parametrize("version", ["", "2031-01-01"])
async def test_discover_names_the_revision_required(fleet: Any, person: Any, version: str) -> None:
    """It has started, so it is not told that it could not start."""
    (fleet.folder / "old.py").write_text(f"VERSION = {version!r}\n{OLD}")
    (fleet.folder / "flotilla-probe").write_text(f"#!/bin/sh\nexec {sys.executable} {fleet.folder / 'old.py'}\n")
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        text = await one.call("probe_echo")
        assert "probe speaks neither MCP 2026-07-28 nor an older revision that the switchboard knows" in text
        assert "could not start" not in text


@pytest.mark.slow
async def test_start_timeout_ends_a_hung_start(fleet: Any, person: Any) -> None:
    fleet.config["probe"]["slow"] = 60
    async with fleet.inside("--start-timeout", "1") as (gateway, _), (one := person(gateway, "auto")).client:
        began = time.monotonic()
        assert "could not start" in await one.call("probe_echo")
        assert time.monotonic() - began < 8
        await fleet.until(lambda: not fleet.alive(), 5)


async def test_environment_of_a_server_is_isolated(fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server sees its own environment and nothing else."""
    for name in ("CANARY", "FLOTILLA_HTTP_TOKEN", "FLOTILLA_REMOTE_TOKEN", "FLOTILLA_SECRETS", "OTHER_TOKEN"):
        monkeypatch.setenv(name, "canary-value")
    monkeypatch.setenv("FLOTILLA_STATE_KEY", "canary-value" * 4)
    monkeypatch.setenv("FLOTILLA_CONFIRM", "off")
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        about = await one.about()
        env = about["env"]
        assert "canary-value" not in json.dumps(env)
        assert env["PROBE_TOKEN"] == "s3cr=et value"
        assert (env["FLOTILLA_TIER"], env["FLOTILLA_CONFIRM"]) == ("core", "off")
        assert "FLOTILLA_STATE_KEY" not in env  # a key of its own is in its state, where every gateway finds it
        assert env["FLOTILLA_STATE"] == str(fleet.folder / "state")
        assert set(env) <= {
            "HOME",
            "LOGNAME",
            "PATH",
            "SHELL",
            "TERM",
            "USER",
            "PROBE_TOKEN",
            "PWD",
            "LC_CTYPE",
            "_",
        } | {name for name in env if name.startswith(("FLOTILLA_", "FASTMCP_"))}
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            assert b"s3cr=et" not in line


@pytest.mark.slow
async def test_arguments_as_text(fleet: Any, person: Any) -> None:
    async with fleet.inside() as (gateway, _), person(gateway, "legacy").client as client:
        import mcp_types as mt

        params = mt.CallToolRequestParams.model_construct(name="probe_echo", arguments='{"value": 7}')
        got = await client.session.send_request(mt.CallToolRequest.model_construct(params=params), mt.CallToolResult)
        assert got.structured_content == {"value": 7}


@pytest.mark.slow
async def test_elicitation_answer_accepted_by_another_gateway_with_the_same_key(
    fleet: Any, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a second worker does, or a switchboard that was started again between question and answer."""
    monkeypatch.setenv("FLOTILLA_STATE_KEY", "k" * 40)
    args = {"question": "sure?"}
    answer = {"it": {"action": "accept", "content": {"answer": "yes"}}}
    async with fleet.inside() as (gateway, _), person(gateway, ERAS[1], "Ada").client as client:
        asked = await client.session.call_tool("probe_ask", args, allow_input_required=True)
    async with fleet.inside() as (gateway, _), person(gateway, ERAS[1], "Ada").client as client:
        more = {"input_responses": answer, "request_state": asked.request_state, "allow_input_required": True}
        done = await client.session.call_tool("probe_ask", args, **more)
        assert done.content[0].text.startswith("sure?: accept yes")
        with pytest.raises(MCPError, match="requestState"):  # it is bound to what was asked
            await client.session.call_tool("probe_ask", {"question": "other"}, **more)
    monkeypatch.setenv("FLOTILLA_STATE_KEY", "x" * 40)
    async with fleet.inside() as (gateway, _), person(gateway, ERAS[1], "Ada").client as client:
        with pytest.raises(MCPError, match="requestState"):
            await client.session.call_tool("probe_ask", args, **more)


async def test_protocol_violation_by_a_server_reported(fleet: Any, person: Any) -> None:
    """Stray lines are passed over; an answer that breaks the protocol is an error result."""
    command = fleet.folder / "flotilla-probe"
    discovery: dict[str, Any] = {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"}
    discovery |= {"ttlMs": 0, "cacheScope": "private", "serverInfo": {"name": "x", "version": "1"}}
    code = f"""#!{sys.executable}
import json, sys
for line in sys.stdin:
    call = json.loads(line)
    print("a stray line", flush=True)
    if "id" in call:
        result = {discovery!r} if call["method"] == "server/discover" else {{"content": 7}}
        print(json.dumps({{"jsonrpc": "2.0", "id": call["id"], "result": result}}), flush=True)
"""
    command.write_text(code)
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        answer = await one.call("probe_echo")
        assert answer.startswith("Error: probe answered `probe_echo` with a result that breaks the protocol.")


async def test_tool_name_offered_by_two_servers_refused(fleet: Any, discovery: Any) -> None:
    import yaml

    from flotilla_servers.switchboard.catalog import CatalogError
    from flotilla_servers.switchboard.options import arguments
    from flotilla_servers.switchboard.server import build

    options = arguments(fleet.options("--servers", "all"))
    (fleet.folder / "twin").mkdir()
    (fleet.folder / "twin" / "discovery.json").write_text(json.dumps(discovery))
    (fleet.folder / "catalog.yaml").write_text(yaml.safe_dump({"registry": {"probe": {}, "twin": {}}}))
    with pytest.raises(CatalogError, match="twin and probe both offer `probe_echo`"):
        build(options)


def test_options_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from flotilla_servers.switchboard.options import arguments

    (tmp_path / "idle").write_text("12\n")
    monkeypatch.setenv("FLOTILLA_START_TIMEOUT", "7.5")
    monkeypatch.setenv("FLOTILLA_IDLE_FILE", str(tmp_path / "idle"))
    monkeypatch.setenv("FLOTILLA_SERVERS", "a,b")
    options = arguments(["--servers", "c"])
    assert (options.start_timeout, options.idle, options.servers, options.port) == (7.5, 12, "c", 8811)
    monkeypatch.setenv("FLOTILLA_TRANSPORT", "carrier-pigeon")
    with pytest.raises(SystemExit):
        arguments([])

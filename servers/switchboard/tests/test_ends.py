"""However the switchboard ends, no server is left behind: it is a process of its own."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from .conftest import BOTH

pytestmark = pytest.mark.slow

STATES = ("idle", "busy", "blocked", "starting")


@pytest.fixture(scope="module")
def probe_python() -> list[str]:
    """Python itself: the probe is to be the switchboard's child, and to end with it."""
    return [sys.executable]


def switchboard_of(fleet: Any) -> int:
    """Return the process id of the switchboard that runs the probe."""
    [pid] = fleet.alive()
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def bring(fleet: Any, one: Any, state: str) -> "asyncio.Task[Any] | None":
    """Start the probe and bring it into a state."""
    if state == "starting":
        task = asyncio.create_task(one.call("probe_echo"))
        await fleet.until(fleet.alive)
        return task
    await one.call("probe_echo")
    if state == "idle":
        return None
    call = one.call("probe_wait", seconds=60) if state == "busy" else one.call("probe_block", seconds=60)
    task = asyncio.create_task(call)
    await asyncio.sleep(0.5)
    return task


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=["TERM", "INT", "KILL"])
async def test_signals_end_the_servers(fleet: Any, person: Any, number: signal.Signals, state: str) -> None:
    fleet.config["probe"]["slow"] = 60 if state == "starting" else 0
    client = (one := person(fleet.command(), "legacy")).client
    await client.__aenter__()
    task = await bring(fleet, one, state)
    switchboard = switchboard_of(fleet)
    began = time.monotonic()
    os.kill(switchboard, number)
    await fleet.until(lambda: not fleet.alive() and not Path(f"/proc/{switchboard}/cwd").exists(), 8)
    assert time.monotonic() - began < 6
    if task:
        task.cancel()
    await asyncio.wait([asyncio.ensure_future(client.__aexit__(None, None, None))], timeout=5)
    assert len(fleet.lines("starts")) == 1  # a read in flight is not started again by a switchboard that ends


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
async def test_end_of_input_ends_the_servers(fleet: Any, state: str) -> None:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "idle": ("probe_echo", {}),
        "busy": ("probe_wait", {"seconds": 60}),
        "blocked": ("probe_block", {"seconds": 60}),
        "starting": ("probe_echo", {}),
    }
    fleet.config["probe"]["slow"] = 60 if state == "starting" else 0
    name, args = calls[state]
    command = fleet.command()
    process = await asyncio.create_subprocess_exec(command.command, *command.args, stdin=-1, stdout=-1, stderr=-3)
    assert process.stdin
    assert process.stdout
    start = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    for line in (
        {"id": 0, "method": "initialize", "params": start},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/call", "params": {"name": name, "arguments": args}},
    ):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n")
    await process.stdout.readline()
    if state == "idle":
        await process.stdout.readline()
    await fleet.until(lambda: fleet.alive() and (state != "blocked" or fleet.lines("blocked")))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 8) == 0
    assert fleet.alive() == []
    assert time.monotonic() - began < 6


@pytest.mark.slow
@BOTH
async def test_call_errors_leave_no_traceback(fleet: Any, person: Any, era: str) -> None:
    """A traceback holds what the operator's log should not."""
    async with (one := person(fleet.command(), era)).client as client:
        await one.call("probe_die_writing")
        await one.call("probe_none")
        for attempt in (client.read_resource("probe://none"), client.get_prompt("probe_none")):
            with pytest.raises(MCPError):
                await attempt
        with pytest.raises(MCPError):
            await client.get_prompt("probe_greet")  # the server refuses: an argument is missing
    assert "Traceback" not in fleet.stderr_text()


@pytest.mark.parametrize(
    ("secrets", "environ", "options", "says"),
    [
        ("nonsense\n", {}, [], "has no `=`"),
        (
            "",
            {"FLOTILLA_STATE_KEY": "short"},
            ["--transport", "http"],
            "FLOTILLA_STATE_KEY has fewer than 32 characters.",
        ),
        ("", {}, ["--transport", "http", "--port", "99999"], "the port must be 0 to 65535. Choose other ones"),
        ("", {}, ["--transport", "http", "--host", "192.0.2.1"], "Choose other ones with FLOTILLA_HOST"),
        ("", {}, ["--remote", "prob=http://127.0.0.1/mcp"], "The catalog has no server prob. Its servers are probe."),
    ],
)
async def test_start_errors_are_one_sentence(
    fleet: Any, secrets: str, environ: dict[str, str], options: list[str], says: str
) -> None:
    (fleet.folder / "secrets").write_text(secrets)
    line, env = fleet.command(), {**os.environ, **environ}
    process = await asyncio.create_subprocess_exec(
        line.command, *line.args, *options, env=env, stdin=-3, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.decode().splitlines()[-1].startswith("flotilla-switchboard: ")
    assert says in err.decode()
    assert "Traceback" not in err.decode()

"""Many clients at once, and a server that is killed again and again: nothing is lost without a word, or done twice."""

import asyncio
import os
import re
import signal
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from flotilla_servers.switchboard.action_log import read
from flotilla_testing.waiting import eventually

from .conftest import ERAS

CLIENTS, KILL_EVERY = 20, 50
RULES = '{"permissions": [{"tool": "probe_note", "decision": "allow"}]}'
GROWTH = 30  # MB that the switchboard may have grown by after its first calls


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


def zombies(pid: int) -> list[str]:
    """Return the children of a process that have ended and that nobody has waited for."""
    states = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if fields[1] == str(pid) and fields[0] == "Z":
                states.append(path.parent.name)
    return states


@pytest.mark.slow
async def test_calls_survive_a_server_that_is_killed(fleet: Any, request: pytest.FixtureRequest) -> None:
    """With --every-tool 1,000 calls, else some."""
    calls = 1_000 if request.config.getoption("--every-tool") else 300
    (fleet.folder / "settings.json").write_text(RULES)
    outcomes: Counter[str] = Counter()
    unsure: set[str] = set()
    done: set[str] = set()
    made = 0

    async def work(client: Client[Any], number: int) -> None:
        nonlocal made
        for turn in range(calls // CLIENTS):
            name = f"{number}-{turn}"
            write = turn % 2 == 0
            result: Any = await client.call_tool_mcp(*(("probe_note", {"text": name}) if write else ("probe_echo", {})))
            text = result.content[0].text
            if not result.is_error:
                outcomes["done"] += 1
                done.update([name] if write else [])
            elif "may or may not have been done" in text:
                outcomes["unsure"] += 1
                assert write
                unsure.add(name)
            else:
                outcomes["not done"] += 1
                assert "Nothing was" in text, text
            made += 1
            if made % KILL_EVERY == 0:
                for pid in fleet.alive():
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

    async with fleet.listening("--permissions", "on") as (url, process), AsyncExitStack() as stack:
        transports = [StreamableHttpTransport(url, auth="client-token-1") for _ in range(CLIENTS)]
        clients = [
            await stack.enter_async_context(Client(transport, mode=ERAS[number % 2], timeout=60))
            for number, transport in enumerate(transports)
        ]
        await asyncio.gather(*(client.call_tool_mcp("probe_echo", {}) for client in clients))
        before = memory(process.pid)
        await asyncio.gather(*(work(client, number) for number, client in enumerate(clients)))
        assert memory(process.pid) < before + GROWTH
        await eventually(lambda: not zombies(process.pid))  # the last that was killed may be waited for later
        assert len(fleet.alive()) <= 1
    notes = Counter(fleet.lines("notes"))
    assert sum(outcomes.values()) == calls
    assert outcomes["done"] > calls / 2
    assert [name for name, count in notes.items() if count > 1] == []
    assert done <= notes.keys() <= done | unsure
    rows = Counter(row["outcome"] for row in read(fleet.folder / "state", limit=10 * calls))
    assert (sum(rows.values()), rows["lost"]) == (calls + CLIENTS, outcomes["unsure"])

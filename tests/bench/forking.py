"""What forked servers save where servers run as processes: time to the first call, and memory of all servers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from flotilla_cli.generator.discovery import META
from flotilla_cli.generator.servers import ROOT, integrations
from flotilla_launcher.fork_server import is_able
from flotilla_launcher.naming import module_of
from flotilla_servers.switchboard import processes
from flotilla_servers.switchboard.forking import ForkServer
from flotilla_servers.switchboard.processes import Command, Process

from .containers import Unavailable

Row = tuple[str, str, str]
BASE = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}


def command(slug: str, folder: str) -> Command:
    """Return how a server is started as a process."""
    program = str(Path(sys.executable).with_name(f"flotilla-{slug}"))
    return Command([program], {**BASE, "FLOTILLA_DATA": folder, "FLOTILLA_STATE": folder}, program=(program,))


async def first_call(process: Process, tool: str) -> None:
    """Call a tool; without an account it answers that its settings are missing, after all has been imported."""
    params = {"name": tool, "arguments": {}, "_meta": META}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    process.write(json.dumps(request).encode() + b"\n")
    await anext(process.lines())


async def run(runs: int, folder: str) -> dict[str, Any]:
    """Start servers in both ways."""
    server = ForkServer(True, 0, [], BASE)
    times: dict[str, list[float]] = {"forked": [], "plain": []}
    warm = await server.start(command("filesystem", folder))
    if warm is None:
        raise Unavailable("the fork server does not start")
    await processes.end(warm)
    for _ in range(runs):
        for kind in times:
            began = time.perf_counter()
            line = command("filesystem", folder)
            process = await server.start(line) if kind == "forked" else await processes.start(line)
            assert process
            await first_call(process, "fs_list_directory")
            times[kind].append(time.perf_counter() - began)
            await processes.end(process)
    memory = {}
    for kind in times:
        living: list[Process] = []
        for slug in integrations():
            tools = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text("utf-8"))["tools"]
            line = command(slug, folder)
            process = await server.start(line) if kind == "forked" else await processes.start(line)
            assert process
            await first_call(process, tools[0]["name"])
            living.append(process)
        pids = [process.pid for process in living]
        if kind == "forked":
            pids.append(int(Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1]))
        memory[kind] = sum(processes.memory(pid) for pid in pids)
        await asyncio.gather(*(processes.end(process) for process in living))
    await server.close()
    return {"first_call": {kind: median(values) for kind, values in times.items()}, "pss": memory}


def measure(rows: list[Row], runs: int) -> dict[str, Any]:
    """Measure, and add the rows."""
    if not is_able():
        raise Unavailable("nothing is forked on this system")
    with tempfile.TemporaryDirectory() as folder:
        out = asyncio.run(run(max(runs, 7), folder))
    first, pss, count = out["first_call"], out["pss"], len(integrations())
    figure = f"{first['forked'] * 1000:.0f} ms"
    rows.append(("processes: fork → first call", figure, ""))
    rows.append(("processes: the same, to a plain start", f"{first['forked'] / first['plain']:.2f} ×", "≤ 0.25 ×"))
    rows.append((f"processes: PSS of {count} called servers, forked", f"{pss['forked']:.0f} MB", ""))
    rows.append(("processes: the same, to plain starts", f"{pss['forked'] / pss['plain']:.2f} ×", "≤ 0.5 ×"))
    return out

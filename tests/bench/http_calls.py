"""What a call over HTTP costs: one client, and eight at once.

Beside it stand a bare FastMCP server that does the same work, and a server that tenants share, whose calls bring sealed
credentials.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from flotilla.calls.credentials import HEADER, SUFFIX, CallSeal, Credentials
from flotilla_cli.generator.discovery import META
from flotilla_cli.generator.servers import ROOT
from flotilla_testing.waiting import wait_until

Row = tuple[str, str, str]
TOKEN = "bench-" + "0" * 26
STATE_KEY = "bench-" + "0" * 26
TENANT = Credentials("bench-1", {"FLOTILLA_USER": "bench", "FLOTILLA_DATA_QUOTA": "1000000"})
CALLS = 5  # of each client in one turn: short turns, so that what else the machine does falls on all servers alike
TURNS = 8  # of each server in one run
Seal = Callable[[bytes], str]
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
}


@contextmanager
def listening(command: list[str], env: dict[str, str]) -> Iterator[int]:
    """Start a server that prints its port, or its audit line `listening`, to stderr; give the port.

    Stderr is a file: a thread of this process that reads it would take its time from the clients.
    """
    environ = {**os.environ, **env, "FLOTILLA_HTTP_TOKEN": TOKEN}
    with tempfile.NamedTemporaryFile("w+") as stderr:
        process = subprocess.Popen(command, env=environ, stdin=-3, stderr=stderr)
        try:
            wait_until(lambda: "\n" in Path(stderr.name).read_text())
            document = json.loads(Path(stderr.name).read_text().splitlines()[0])
            yield document if isinstance(document, int) else document["port"]
        finally:
            process.kill()
            process.wait()


def client(port: int, tool: str, seal: Seal | None = None) -> list[float]:
    """Return the seconds of each call of one client that keeps its connection. `seal` makes a call's credentials."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    params = {"name": tool, "arguments": {}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {**HEADERS, "Mcp-Name": tool}
    path = "/mcp" + SUFFIX if seal else "/mcp"
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        connection.request("POST", path, body, {**headers, HEADER: seal(body)} if seal else headers)
        response = connection.getresponse()
        text = response.read()
        times.append(time.perf_counter() - began)
        if response.status != 200 or b'"isError":true' in text:
            raise RuntimeError(f"{tool}: {response.status} {text[:200]!r}")
    connection.close()
    return times


def ratio(times: dict[str, list[float]], one: str, other: str) -> float:
    """Compare two servers turn by turn: what else the machine did then, it did to both."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def measure(rows: list[Row], runs: int) -> dict[str, Any]:
    """Measure the servers in turn, with one client and with eight."""
    folder, own = ROOT / "build/bench-http", ROOT / "build/bench-http/tenants/bench-1"
    own.mkdir(parents=True, exist_ok=True)
    for place in (folder, own):
        (place / "a.txt").write_text("a")
    env = {"FLOTILLA_DATA": str(folder), "FLOTILLA_TRANSPORT": "http", "FLOTILLA_PORT": "0"}
    sealed = {**env, "FLOTILLA_CALL_CREDENTIALS": "on", "FLOTILLA_STATE_KEY": STATE_KEY, "FLOTILLA_STATE": str(folder)}
    line, tool = [sys.executable, "-m", "flotilla_launcher.__main__", "filesystem"], "fs_list_directory"
    call_seal, out = CallSeal("filesystem", STATE_KEY), dict[str, Any]()
    with ExitStack() as stack:

        def target(tool: str, line: list[str], env: dict[str, str], seal: Seal | None = None) -> tuple[Any, ...]:
            return stack.enter_context(listening(line, env)), tool, seal

        targets = {
            "server": target(tool, line, env),
            "bare": target("list_directory", [sys.executable, str(ROOT / "tests/bench/bare_http.py")], env),
            "sealed": target(tool, line, sealed, lambda body: call_seal.seal(TENANT, body)),
        }
        for one in targets.values():
            client(*one)
        for clients in (1, 8):
            latency: dict[str, list[float]] = {name: [] for name in targets}
            throughput: dict[str, list[float]] = {name: [] for name in targets}
            for _ in range(max(runs, 7) * TURNS):
                for name, one in targets.items():
                    with ThreadPoolExecutor(clients) as pool:
                        began = time.perf_counter()
                        times = list(pool.map(lambda _, one=one: client(*one), range(clients)))
                        throughput[name].append(clients * CALLS / (time.perf_counter() - began))
                    latency[name].append(median(t for each in times for t in each))
            mid = {name: (median(latency[name]), median(throughput[name])) for name in targets}
            out[str(clients)] = mid
            label = f"HTTP, {clients} client{'s' if clients > 1 else ''}"
            slow, fast = (ratio(times, "server", "bare") for times in (latency, throughput))
            rows.append((f"{label}: a call, to bare FastMCP with the same work", f"{slow:.2f} ×", "≤ 1.3 ×"))
            rows.append((f"{label}: calls a second, to the same", f"{fast:.2f} ×", "≥ 0.9 ×" if clients == 8 else ""))
            sealing = ratio(latency, "sealed", "server")
            rows.append((f"{label}: a call with sealed credentials, to one without", f"{sealing:.2f} ×", "≤ 1.2 ×"))
    shutil.rmtree(folder)
    return out

"""What a call over HTTP costs, beside a bare FastMCP server that does the same work: one client, and eight at once."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from flotilla_cli.generator.discovery import META
from flotilla_cli.generator.servers import ROOT

Row = tuple[str, str, str]
TOKEN = "bench-" + "0" * 26
CALLS = 40  # of each client in one run
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
}


@contextmanager
def listening(command: list[str], env: dict[str, str]) -> Iterator[int]:
    """Start a server that prints its port, or its audit line `listening`, to stderr; give the port."""
    environ = {**os.environ, **env, "FLOTILLA_HTTP_TOKEN": TOKEN}
    process = subprocess.Popen(command, env=environ, stdin=-3, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        line = process.stderr.readline()
        drain = ThreadPoolExecutor(1)
        drain.submit(process.stderr.read)  # a server whose audit nobody reads would stop
        document = json.loads(line)
        yield document if isinstance(document, int) else document["port"]
    finally:
        process.kill()
        process.wait()


def client(port: int, tool: str) -> list[float]:
    """Return the seconds of each call of one client that keeps its connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    params = {"name": tool, "arguments": {}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {**HEADERS, "Mcp-Name": tool}
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        connection.request("POST", "/mcp", body, headers)
        response = connection.getresponse()
        text = response.read()
        times.append(time.perf_counter() - began)
        if response.status != 200 or b'"isError":true' in text:
            raise RuntimeError(f"{tool}: {response.status} {text[:200]!r}")
    connection.close()
    return times


def measure(rows: list[Row], runs: int) -> dict[str, Any]:
    """Measure both servers in turn, with one client and with eight."""
    folder = ROOT / "build/bench-http"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.txt").write_text("a")
    env = {"FLOTILLA_DATA": str(folder), "FLOTILLA_TRANSPORT": "http", "FLOTILLA_PORT": "0"}
    servers = {
        "server": ([sys.executable, "-m", "flotilla_launcher.__main__", "filesystem"], "fs_list_directory"),
        "bare": ([sys.executable, str(ROOT / "tests/bench/bare_http.py")], "list_directory"),
    }
    out: dict[str, Any] = {}
    with ExitStack() as stack:
        targets = {name: (stack.enter_context(listening(line, env)), tool) for name, (line, tool) in servers.items()}
        for target in targets.values():
            client(*target)
        for clients in (1, 8):
            latency: dict[str, list[float]] = {name: [] for name in targets}
            throughput: dict[str, list[float]] = {name: [] for name in targets}
            for _ in range(max(runs, 7)):
                for name, target in targets.items():
                    with ThreadPoolExecutor(clients) as pool:
                        began = time.perf_counter()
                        times = list(pool.map(lambda _, target=target: client(*target), range(clients)))
                        throughput[name].append(clients * CALLS / (time.perf_counter() - began))
                    latency[name].append(median(t for one in times for t in one))
            mid = {name: (median(latency[name]), median(throughput[name])) for name in targets}
            out[str(clients)] = mid
            label = f"HTTP, {clients} client{'s' if clients > 1 else ''}"
            slow, fast = (mid["server"][n] / mid["bare"][n] for n in (0, 1))
            rows.append((f"{label}: a call, to bare FastMCP with the same work", f"{slow:.2f} ×", "≤ 1.3 ×"))
            rows.append((f"{label}: calls a second, to the same", f"{fast:.2f} ×", "≥ 0.9 ×" if clients == 8 else ""))
    shutil.rmtree(folder)
    return out

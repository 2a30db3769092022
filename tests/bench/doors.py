"""What a door costs: its start with one and with all servers, and a call through it beside a direct one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from flotilla.manifest.fleet import ROOT

from .containers import GATEWAY, Row, Unavailable, servers
from .inside import Session

CALLS = 50
CALL = {"name": "fs_list_directory", "arguments": {}}


def commands(names: list[str]) -> dict[str, list[str]]:
    """Return how each door that is here is started on these servers, over stdio."""
    catalog = ROOT / "catalog/flotilla.yaml"
    board = [
        str(Path(sys.executable).parent / "flotilla-switchboard"),
        "--run",
        "docker",
        "--owner",
        "flotilla-test-bench",
    ]
    found = {"switchboard": [*board, "--catalog", str(catalog), "--servers", ",".join(names)]}
    if subprocess.run(["docker", "mcp", "version"], capture_output=True, check=False).returncode == 0:
        installed = Path.home() / ".docker/mcp/catalogs/flotilla-test-bench.yaml"
        installed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(catalog, installed)
        arguments = ["mcp", "gateway", "run", "--catalog", installed.name, "--servers", ",".join(names)]
        found["gateway"] = ["docker", *arguments]
    return found


def measure(rows: list[Row], runs: int) -> dict[str, Any]:
    """Start each door and call through it."""
    names = servers()
    if shutil.which("docker") is None:
        raise Unavailable("no docker command")
    out: dict[str, Any] = {"direct": direct(runs)}
    for size, some in (("1 server", ["filesystem"]), (f"{len(names)} servers", names)):
        for door, command in commands(some).items():
            times = []
            for _ in range(runs):
                session = Session(command)
                times.append(session.listed())
                session.close()
            out[f"{door}, {size}"] = median(times)
            rows.append((f"door {door}: start → tools/list, {size}", f"{median(times) * 1000:.0f} ms", ""))
    for door, command in commands(["filesystem"]).items():
        session = Session(command)
        session.listed()
        out[f"{door}, call"] = mid = calls(session)
        session.close()
        rows.append((f"door {door}: a call, to a direct one", f"{mid / out['direct']:.2f} ×", f"{mid * 1000:.1f} ms"))
    return out


def calls(session: Session) -> float:
    """Return the median of later calls in one session."""
    import time

    session.ask("tools/call", CALL)
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        session.ask("tools/call", CALL)
        times.append(time.perf_counter() - began)
    return median(times)


def direct(runs: int) -> float:
    """Return the median call without a door."""
    session = Session([*GATEWAY, "--tmpfs", "/data:uid=10001", "flotilla/filesystem"])
    session.listed()
    found = calls(session)
    session.close()
    return found

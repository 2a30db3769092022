"""What a gateway costs: its start with one and with all servers, and a call through it beside a direct one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from flotilla_cli.generator.servers import ROOT
from flotilla_launcher.naming import image, module_of, slug_of

from .containers import GATEWAY, Row, Unavailable, servers
from .inside import Session

CALLS, FLEET = 50, 33
CALL = {"name": "fs_list_directory", "arguments": {}}


def commands(names: list[str]) -> dict[str, list[str]]:
    """Return how each gateway that is installed is started on these servers, over stdio."""
    catalog = ROOT / "catalog/flotilla.yaml"
    board = [
        str(Path(sys.executable).parent / "flotilla-switchboard"),
        "--run",
        "docker",
        "--owner",
        "flotilla-test-bench",
    ]
    lines = {"switchboard": [*board, "--catalog", str(catalog), "--servers", ",".join(names)]}
    if subprocess.run(["docker", "mcp", "version"], capture_output=True, check=False).returncode == 0:
        installed = Path.home() / ".docker/mcp/catalogs/flotilla-test-bench.yaml"
        installed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(catalog, installed)
        arguments = ["mcp", "gateway", "run", "--catalog", installed.name, "--servers", ",".join(names)]
        lines["gateway"] = ["docker", *arguments]
    return lines


def measure(rows: list[Row], runs: int) -> dict[str, Any]:
    """Start each gateway and call through it."""
    names = servers()
    if shutil.which("docker") is None:
        raise Unavailable("no docker command")
    (ROOT / "servers/switchboard/discovery.json").touch()
    out: dict[str, Any] = {"direct": direct(runs)}
    for size, some in (("1 server", ["filesystem"]), (f"{len(names)} servers", names)):
        for gateway, command in commands(some).items():
            times = []
            for _ in range(runs):
                session = Session(command)
                times.append(session.listed())
                session.close()
            out[f"{gateway}, {size}"] = median(times)
            rows.append((f"gateway {gateway}: start → tools/list, {size}", f"{median(times) * 1000:.0f} ms", ""))
    for gateway, command in commands(["filesystem"]).items():
        session = Session(command)
        session.listed()
        out[f"{gateway}, call"] = mid = calls(session)
        session.close()
        rows.append(
            (f"gateway {gateway}: a call, to a direct one", f"{mid / out['direct']:.2f} ×", f"{mid * 1000:.1f} ms")
        )
    return out


def listing(rows: list[Row], runs: int) -> dict[str, float]:
    """Time the switchboard's list of 33 servers, copies of ours under other names; nothing is started."""
    folder = ROOT / "build/bench-fleet"
    shutil.rmtree(folder, ignore_errors=True)
    registry = json.loads((ROOT / "catalog/flotilla.json").read_text(encoding="utf-8"))["registry"]
    copies = {f"{slug}-{n // len(registry)}": slug for n, slug in zip(range(FLEET), cycle(registry), strict=False)}
    for copy, slug in copies.items():
        discovery = json.loads(
            (ROOT / f"servers/{module_of(slug_of(slug))}/discovery.json").read_text(encoding="utf-8")
        )
        for kind, about in discovery["attributes"].items():
            for item in discovery[kind]:
                about[f"{item['name']}_{copy}"] = about.pop(item["name"])
                item["name"] += f"_{copy}"
        (folder / slug_of(copy)).mkdir(parents=True)
        (folder / slug_of(copy) / "discovery.json").write_text(json.dumps(discovery), encoding="utf-8")
    catalog = {"registry": {copy: registry[slug] for copy, slug in copies.items()}}
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    (ROOT / "servers/switchboard/discovery.json").touch()
    options = ["--catalog", str(folder / "catalog.json"), "--discovery", str(folder), "--servers", "all"]
    command = [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", *options]
    times = []
    for _ in range(runs):
        session = Session(command)
        times.append(session.listed())
        session.close()
    shutil.rmtree(folder)
    rows.append(
        (f"gateway switchboard: start → tools/list, {FLEET} servers", f"{median(times) * 1000:.0f} ms", "≤ 100 ms")
    )
    return {"listed": median(times)}


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
    """Return the median call without a gateway."""
    session = Session([*GATEWAY, "--tmpfs", "/data:uid=10001", image("filesystem")])
    session.listed()
    result = calls(session)
    session.close()
    return result

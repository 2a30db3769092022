"""What a gateway costs: its start with one and with all servers, and a call through it beside a direct one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from flotilla_cli.generator.servers import ROOT
from flotilla_launcher.naming import image, module_of, slug_of

from .containers import GATEWAY, Row, Unavailable, servers
from .inside import Session

CALLS, FLEET = 50, 33
CONCURRENT, THROUGHPUT = 8, 400  # calls at once, and in all
CALL = {"name": "fs_list_directory", "arguments": {}}


def commands(names: list[str]) -> dict[str, list[str]]:
    """Return how each gateway that is installed is started on these servers, over stdio."""
    catalog = ROOT / "catalog/flotilla.yaml"
    board = [
        str(Path(sys.executable).parent / "flotilla-switchboard"),
        "--search",
        "off",
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
    """Time the switchboard's list of 33 servers, copies of ours under other names; nothing is started.

    Once made anew, as after any change, and once as it is kept from then on: from the third start.
    """
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
    options = ["--catalog", str(folder / "catalog.json"), "--discovery", str(folder), "--servers", "all"]
    options += ["--search", "off", "--state", str(folder / "state")]
    command = [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", *options]
    times: dict[str, list[float]] = {"made": [], "second": [], "kept": []}
    for _ in range(runs):
        for values in times.values():
            session = Session(command)
            values.append(session.listed())
            session.close()
        shutil.rmtree(folder / "state")
    shutil.rmtree(folder)
    mid = {kind: median(values) for kind, values in times.items()}
    label = f"gateway switchboard: start → tools/list, {FLEET} servers"
    rows.append((label, f"{mid['kept'] * 1000:.0f} ms", "≤ 100 ms"))
    rows.append((f"{label}, made anew", f"{mid['made'] * 1000:.0f} ms", ""))
    return mid


def calls(session: Session) -> float:
    """Return the median of later calls in one session."""
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


def forwarding(rows: list[Row], runs: int) -> dict[str, dict[str, float]]:
    """Compare calls through the switchboard over stdio with direct ones: with processes, and with containers if any.

    Its log of calls is on, as it is without a setting; what it costs has rows of its own.
    """
    bin_folder = Path(sys.executable).parent
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        environ = {"FLOTILLA_DATA": f"{folder}/data", "FLOTILLA_STATE": f"{folder}/state"}
        options = ["--servers", "filesystem", "--owner", "flotilla-test-bench", "--warm-days", "0"]
        board = [str(bin_folder / "flotilla-switchboard"), *options, "--run"]
        Path(f"{folder}/data").mkdir()
        direct_command = [str(bin_folder / "flotilla-filesystem")]
        result["processes"] = compare(direct_command, [*board, "process"], environ, runs)
        silent, logging = ([*board, "process", "--log", log] for log in ("off", "on"))
        logged = compare(silent, logging, environ, runs)
        try:
            if "filesystem" in servers():
                container = [*GATEWAY, "--network", "none", "--tmpfs", "/data:uid=10001", image("filesystem")]
                result["containers"] = compare(container, [*board, "docker"], environ, runs)
        except Unavailable:
            pass  # the rows of images say so
    for kind, ratios in result.items():
        label = f"switchboard, {kind}"
        rows += [
            (f"{label}: a call, to a direct one", f"{ratios['call']:.2f} ×", "≤ 1.5 ×"),
            (f"{label}: first call after tools/list, to a direct one", f"{ratios['first_call']:.2f} ×", "≤ 1.15 ×"),
            (f"{label}: calls/s, {CONCURRENT} at once, to direct ones", f"{ratios['throughput']:.2f} ×", "≥ 0.7 ×"),
            (f"{label}: own RSS idle", f"{ratios['rss_idle']:.1f} MB", ""),
            (f"{label}: own RSS after calls", f"{ratios['rss_called']:.1f} MB", "< 40 MB"),
        ]
    label = "switchboard, processes: with the log on, to the same with it off"
    rows.append((f"{label}: a call", f"{logged['call']:.2f} ×", "≤ 1.1 ×"))
    rows.append((f"{label}: calls/s, {CONCURRENT} at once", f"{logged['throughput']:.2f} ×", "≥ 0.9 ×"))
    return {**result, "log": logged}


def compare(direct_command: list[str], board: list[str], environ: dict[str, str], runs: int) -> dict[str, float]:
    """Return medians of ratios, the second command's to the first's, and the second's resident memory in MB.

    Calls alternate between the two, so that a change of the machine's speed meets both alike.
    """
    ratios: dict[str, list[float]] = {
        name: [] for name in ("call", "first_call", "throughput", "rss_idle", "rss_called")
    }
    for _ in range(runs):
        sessions = Session(direct_command, environ), Session(board, environ)
        for session in sessions:
            session.listed()
        ratios["rss_idle"].append(sessions[1].rss())
        near, through = (timed_call(session) for session in sessions)
        ratios["first_call"].append(through / near)
        pairs = [[timed_call(session) for session in sessions] for _ in range(CALLS)]
        near, through = (median(times) for times in zip(*pairs, strict=True))
        ratios["call"].append(through / near)
        near, through = (calls_per_second(session) for session in sessions)
        ratios["throughput"].append(through / near)
        ratios["rss_called"].append(sessions[1].rss())
        for session in sessions:
            session.close()
    return {name: median(values) for name, values in ratios.items()}


def timed_call(session: Session) -> float:
    """Return the seconds that one call takes."""
    began = time.perf_counter()
    answer = session.ask("tools/call", CALL)
    if answer["result"].get("isError"):
        raise RuntimeError(answer["result"]["content"][0]["text"])
    return time.perf_counter() - began


def calls_per_second(session: Session) -> float:
    """Keep some calls in flight, and return how many end in a second."""
    assert session.process.stdin
    assert session.process.stdout
    began = time.perf_counter()
    for done in range(-CONCURRENT, THROUGHPUT):
        if done >= 0:
            session.process.stdout.readline()
        if done < THROUGHPUT - CONCURRENT:
            session.number += 1
            message = {"jsonrpc": "2.0", "id": session.number, "method": "tools/call", "params": CALL}
            session.process.stdin.write(json.dumps(message).encode() + b"\n")
            session.process.stdin.flush()
    return THROUGHPUT / (time.perf_counter() - began)

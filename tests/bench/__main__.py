"""`make bench`: measures what Flotilla claims, writes build/bench.json and prints a table.

Ratios and counts are what counts: the machines are shared, so both sides of a ratio come from the same interleaved run.
BENCH_RUNS (default 11) is how many runs a median has. What needs Docker or Node is left out, and named, without them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from flotilla_cli.generator.servers import ROOT

from . import containers, exporting, forking, gateways, http_calls, lists, phone_calls, search, tenants
from .inside import Session, measure

BUILD = ROOT / "build"
RUNS = int(os.environ.get("BENCH_RUNS", "11"))
Row = tuple[str, str, str]  # what, figure, target


def processes(runs: int) -> dict[str, Any]:
    """Measure on the host: with the discovery file, without it, and the bare FastMCP server."""
    python = sys.executable
    call = ["fs_list_directory", {}]
    data = {"FLOTILLA_DATA": str(BUILD / "bench-data")}
    (BUILD / "bench-data").mkdir(parents=True, exist_ok=True)
    result = measure(
        {
            "runs": runs,
            "calls": 50,
            "commands": {
                "precomputed": [[python, "-m", "flotilla_launcher.__main__", "filesystem"], *call, data],
                "plain": [
                    [python, "-m", "flotilla_launcher.__main__", "filesystem"],
                    *call,
                    {**data, "FLOTILLA_PRECOMPUTED": "off"},
                ],
                "bare": [[python, str(ROOT / "tests/bench/bare.py")], "ping", {}, {}],
            },
        }
    )
    shutil.rmtree(BUILD / "bench-data")
    return result


def touched(rows: list[Row], runs: int) -> dict[str, float]:
    """Time the list when every source has a new date, as after a pull, beside the list when all are old."""
    sources = [path for part in ("shared/src", "servers") for path in (ROOT / part).rglob("*.py")]
    dates = {path: path.stat().st_mtime_ns for path in sources}
    times: dict[str, list[float]] = {"new": [], "old": []}
    for _ in range(max(runs, 7)):
        for kind, when in (("old", 1_000_000_000.0), ("new", time.time())):
            for path in sources:
                os.utime(path, (when, when))
            session = Session([sys.executable, "-m", "flotilla_launcher.__main__", "filesystem"])
            session.listed()  # which compiles the launcher again where dates decide that
            session.close()
            session = Session([sys.executable, "-m", "flotilla_launcher.__main__", "filesystem"])
            times[kind].append(session.listed())
            session.close()
    for path, date in dates.items():
        os.utime(path, ns=(date, date))
    mid = {kind: median(values) for kind, values in times.items()}
    label = "host: start → tools/list after all files were touched, to before"
    rows.append((label, f"{mid['new'] / mid['old']:.2f} ×", "≤ 1.1 ×"))
    return mid


def starts(rows: list[Row], where: str, result: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Add the rows of one set of process starts."""
    mid = {name: {k: median(v) for k, v in row.items() if v} for name, row in result.items()}
    quick, plain, bare, python = mid["precomputed"], mid["plain"], mid["bare"], mid["python"]["list"]
    image = where == "image"
    ratio: list[Row] = [
        (
            "start → tools/list, to bare FastMCP",
            f"{quick['list'] / bare['list']:.3f} ×",
            "≤ 0.02 ×" if image else "",
        ),
        ("start → tools/list, to bare Python", f"{quick['list'] / python:.2f} ×", "≤ 1.5 ×" if image else ""),
        ("start → tools/list without the discovery file", f"{plain['list'] / bare['list']:.2f} ×", "≤ 1.15 ×"),
        ("start → first call, to bare FastMCP", f"{quick['first_call'] / bare['first_call']:.2f} ×", "≤ 0.85 ×"),
        (
            "start → first call, to the same without",
            f"{quick['first_call'] / plain['first_call']:.2f} ×",
            "≤ 1.0 ×",
        ),
        ("later calls, to the same without", f"{quick['call'] / plain['call']:.2f} ×", "≤ 1.05 ×"),
        ("RSS idle, never called", f"{quick['rss_idle']:.1f} MB", "≤ 12 MB" if image else ""),
        (
            "RSS after calls, to the same without",
            f"{quick['rss_called'] / plain['rss_called']:.3f} ×",
            "≤ 1.03 ×",
        ),
    ]
    rows += [(f"{where}: {label}", figure, target) for label, figure, target in ratio]
    rows.append((f"{where}: start → tools/list", f"{quick['list'] * 1000:.0f} ms", ""))
    return mid


def main() -> int:
    """Measure, print, write."""
    rows: list[Row] = []
    out: dict[str, Any] = {"runs": RUNS}
    left_out: list[str] = []

    def part(name: str, run: Callable[[], Any]) -> None:
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            out[name] = run()
        except containers.Unavailable as why:
            left_out.append(f"{name}: {why}")

    part("lists", lambda: lists.measure(rows))
    part("search", lambda: search.measure(rows))
    part("processes", lambda: starts(rows, "host", processes(RUNS)))
    part("touched sources", lambda: touched(rows, RUNS))
    part("HTTP", lambda: http_calls.measure(rows, RUNS))
    part("forked servers", lambda: forking.measure(rows, RUNS))
    part("phone calls", lambda: phone_calls.measure(rows))
    part("tenants", lambda: tenants.measure(rows))
    part("export", lambda: exporting.measure(rows, min(RUNS, 3), wide="export" in sys.argv[1:]))
    part("images", lambda: containers.images(rows))
    part("in the image", lambda: starts(rows, "image", containers.processes(RUNS)))
    part("docker run", lambda: containers.runs(rows, RUNS))
    part("many servers", lambda: containers.replay(rows, RUNS))
    part("a list of many servers", lambda: gateways.listing(rows, RUNS))
    part("gateways", lambda: gateways.measure(rows, RUNS))
    part("forwarding", lambda: gateways.forwarding(rows, RUNS))
    if "build" in sys.argv[1:]:
        part("build", lambda: containers.build(rows))
    width = max(len(label) for label, _, _ in rows)
    for label, figure, target in rows:
        print(f"{label:<{width}}  {figure:>12}  {target}")
    for why in left_out:
        print(f"left out: {why}")
    BUILD.mkdir(exist_ok=True)
    table = [{"what": w, "figure": f, "target": t} for w, f, t in rows]
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    document = {"revision": revision.stdout.strip(), "table": table, "left_out": left_out, **out}
    (BUILD / "bench.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written: {BUILD.relative_to(ROOT)}/bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a server's tools cost a model's context: characters of `tools/list`, as compact JSON."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from flotilla_cli.generator.servers import ROOT
from flotilla_launcher.filters import visible


def measure(rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Count for every server: the core tier, all of it, median and most a tool."""
    sizes_by_server: dict[str, Any] = {}
    for path in sorted(ROOT.glob("servers/*/discovery.json")):
        discovery = json.loads(path.read_text(encoding="utf-8"))
        if discovery.get("gateway"):  # it lists what others list
            continue
        sizes = {t["name"]: len(json.dumps(t, ensure_ascii=False, separators=(",", ":"))) for t in discovery["tools"]}
        core = [size for name, size in sizes.items() if visible({}, discovery["attributes"]["tools"][name], name)]
        sizes_by_server[discovery["server"]] = {"core": sum(core), "all": sum(sizes.values()), "tools": sizes}
        figure = f"{sum(core)} characters"
        note = (
            f"{len(core)} tools, median {median(core):.0f}, most {max(core)}; all: {len(sizes)}, {sum(sizes.values())}"
        )
        rows.append((f"tools/list of {discovery['server']}, core", figure, f"≤ 10,000 ({note})"))
    return sizes_by_server

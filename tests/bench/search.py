"""How well people's words find the right tool: the switchboard's search by words alone, over the whole fleet."""

from __future__ import annotations

import json
import time
from typing import Any

from flotilla_cli.generator.servers import ROOT
from flotilla_servers.switchboard import own_tools
from flotilla_servers.switchboard.discovery import searchables, title
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.selection import selected
from flotilla_servers.switchboard.settings_file import Settings
from flotilla_servers.switchboard.tool_index import ToolIndex
from flotilla_servers.switchboard.tool_search import definitions

TOPS = (1, 3, 5, 10)
UNTUNED = ("blind", "blind-ten-more")  # nobody has tuned anything to these; together they are about all servers
Rows = list[tuple[str, str, str]]


def measure(rows: Rows) -> dict[str, Any]:
    """Count the utterances whose tool is among the first; with the core tools, as installed, and with all tools."""
    options = arguments(["--servers", "all"])
    asked = {path.stem: json.loads(path.read_text(encoding="utf-8"))["utterances"]
             for path in sorted((ROOT / "tests/utterances").glob("*.json"))}  # fmt: skip
    asked["untuned"] = [one for name in UNTUNED for one in asked[name]]
    result: dict[str, Any] = {}
    for tier in ("core", "all"):
        entries = selected(options)
        for entry in entries:
            entry.env["FLOTILLA_TIER"] = tier
        index = ToolIndex(tool for entry in entries for tool in searchables(entry, options.discovery))
        result[tier] = {name: recall(index, utterances) for name, utterances in asked.items()}
        untuned = result[tier]["untuned"]
        rows.append(
            (f"search over {len(entries)} servers, {tier} tools: recall at 5", f"{untuned['at'][5]:.2f}", "≥ 0.80")
        )
        rows.append((f"search, {tier} tools: CPU time of a query", f"{untuned['ms']:.2f} ms", "< 2 ms"))
    listed = [*definitions([title(entry) for entry in entries]), *own_tools.definitions(Settings())]
    size = len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")))
    rows.append(("tools/list with search on", f"{size} characters", "< 3,000"))
    return {**result, "list": size}


def recall(index: ToolIndex, utterances: list[dict[str, Any]]) -> dict[str, Any]:
    """Return which part of the utterances finds its tool among the first, for each of TOPS, and a query's time."""
    hits, missed, spent = dict.fromkeys(TOPS, 0), [], 0.0
    for one in utterances:
        wanted = {one["tool"]} if isinstance(one["tool"], str) else set(one["tool"])
        started = time.process_time()
        names = index.search(one["text"], max(TOPS))
        spent += time.process_time() - started
        for top in TOPS:
            hits[top] += bool(wanted & set(names[:top]))
        if not wanted & set(names[:5]):
            missed.append(f"{one['text']} → {', '.join(sorted(wanted))}, found {names[:5]}")
    count = len(utterances)
    return {"of": count, "at": {top: hits[top] / count for top in TOPS}, "ms": spent / count * 1000, "missed": missed}

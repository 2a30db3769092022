"""The pictures of the Activity page, as numbers: a template draws them as SVG."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, ClassVar

FAILED = ("error", "not_started", "timeout", "lost", "broken", "cancelled")


@dataclass(frozen=True)
class Dot:
    """One call: where it stands, and how it ended."""

    x: int
    y: int
    failed: bool
    label: str


@dataclass(frozen=True)
class Picture:
    """Calls by time (left to right) and latency (bottom to top, each line ten times the one below)."""

    dots: list[Dot]
    lines: list[int]  # milliseconds, from the top
    start: float
    end: float
    median: float
    slow: float  # 95 of 100 calls took at most so long
    width: ClassVar[int] = 1000  # of its own coordinates; it is stretched to the page
    height: ClassVar[int] = 400


@dataclass(frozen=True)
class ToolRow:
    """The calls of one tool: how many, how many failed, how long, and who had the time (of 100)."""

    tool: str
    calls: int
    failed: int
    median: float
    slow: float
    gateway: float
    server: float
    vendor: float


def picture(rows: Sequence[dict[str, Any]]) -> Picture | None:
    """Return the picture of the rows of a log, None where there are none."""
    if not rows:
        return None
    latencies = [max(row["latency_ms"], 1.0) for row in rows]
    low = math.floor(math.log10(min(latencies)))
    high = max(math.ceil(math.log10(max(latencies))), low + 2)
    start, end = min(row["time"] for row in rows), max(row["time"] for row in rows)
    dots = [
        Dot(
            x=round((row["time"] - start) / (end - start) * Picture.width) if end > start else Picture.width // 2,
            y=round((1 - (math.log10(latency) - low) / (high - low)) * Picture.height),
            failed=row["outcome"] in FAILED,
            label=f"{row['tool_name']}: {row['outcome']}, {latency:.0f} ms",
        )
        for row, latency in zip(rows, latencies, strict=True)
    ]
    lines = [10**power for power in range(high, low - 1, -1)]
    return Picture(dots, lines, start, end, median(latencies), _slow(latencies))


def by_tool(rows: Sequence[dict[str, Any]]) -> list[ToolRow]:
    """Return a row for each tool, those first that took the most time together."""
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        calls[row["tool_name"]].append(row)
    tools = sorted(calls, key=lambda tool: -sum(row["latency_ms"] for row in calls[tool]))
    return [_tool_row(tool, calls[tool]) for tool in tools]


def _tool_row(tool: str, rows: list[dict[str, Any]]) -> ToolRow:
    latencies = [row["latency_ms"] for row in rows]
    total = sum(latencies) or 1
    vendor = sum(row["vendor_ms"] or 0 for row in rows)
    server = max(sum(row["server_ms"] for row in rows) - vendor, 0)
    return ToolRow(
        tool=tool,
        calls=len(rows),
        failed=sum(row["outcome"] in FAILED for row in rows),
        median=median(latencies),
        slow=_slow(latencies),
        gateway=round(max(100 - (server + vendor) / total * 100, 0), 1),
        server=round(server / total * 100, 1),
        vendor=round(vendor / total * 100, 1),
    )


def _slow(latencies: list[float]) -> float:
    return quantiles(latencies, n=20, method="inclusive")[-1] if len(latencies) > 1 else latencies[0]

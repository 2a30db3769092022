"""What an export costs: the whole tool call of a real server, beside plain openpyxl (write-only) with the same formats.

Ratios are of processor time, since the machines are shared, and of runs in turn. Memory is the peak of the server's
process over what it had before the call.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from flotilla_cli.generator.servers import ROOT

from .containers import Unavailable
from .inside import HELLO, Session

Row = tuple[str, str, str]
ROWS = 100_000
TYPES = ["integer", "text", "date", "money EUR", "decimal", "boolean", "datetime", "text"]
FORMATS = ["0", "General", "yyyy-mm-dd", '#,##0.00## "€"', "#,##0.00####", "General", "yyyy-mm-dd hh:mm:ss", "General"]
_DAY, _MOMENT = date(2020, 1, 1), datetime(2020, 1, 1, 8)


def values(columns: int) -> Iterator[list[Any]]:
    """Return the rows of the table as Python values, eight types in turn."""
    for n in range(ROWS):
        eight = [
            n,
            f"Société n° {n}",
            _DAY + timedelta(n % 3000),
            Decimal(n * 37 % 1_000_003) / 100,
            Decimal(n % 10_007) / 1000,
            n % 3 == 0,
            _MOMENT + timedelta(minutes=n),
            f"Réf. {n % 977}/{n}",
        ]
        yield (eight * (columns // 8 + 1))[:columns]


def names(columns: int) -> list[str]:
    """Return the headings."""
    return [f"Colonne {n + 1}" for n in range(columns)]


def write_source(path: Path, columns: int) -> None:
    """Write the table as the CSV file that the server reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(names(columns))
        for row in values(columns):
            lines.writerow([str(v).lower() if isinstance(v, bool) else v for v in row])


def write_plain(path: str, columns: int) -> dict[str, float]:
    """Write the same values and number formats with openpyxl alone; return the seconds."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    formats = (FORMATS * (columns // 8 + 1))[:columns]
    wall, cpu = time.perf_counter(), time.process_time()
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(names(columns))
    for row in values(columns):
        cells = []
        for value, form in zip(row, formats, strict=True):
            cell = WriteOnlyCell(sheet, value)
            if form != "General":
                cell.number_format = form
            cells.append(cell)
        sheet.append(cells)
    book.save(path)
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def plain(folder: Path, columns: int) -> dict[str, float]:
    """Run `write_plain` in a process of its own, without lxml, as it is in an image."""
    command = [sys.executable, "-m", "tests.bench.exporting", str(folder / "plain.xlsx"), str(columns)]
    environ = {**os.environ, "OPENPYXL_LXML": "False"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def cpu(process: int) -> float:
    """Return the processor time of a process in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int, field: str) -> float:
    """Return VmRSS or VmHWM, its peak, of a process in MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1000


def called(folder: Path, tool: str, columns: int, **arguments: Any) -> dict[str, float]:
    """Call one tool of a server just started; return seconds, peak memory and its growth in MB."""
    command = [sys.executable, "-m", "flotilla_launcher.__main__", "export"]
    session = Session(command, {"FLOTILLA_DATA": str(folder), "OPENPYXL_LXML": "False"})
    session.ask("initialize", HELLO)
    session.tell("notifications/initialized")
    small = {"path": f"small-{tool}", "columns": ["a"], "rows": [["b"]]}
    session.ask("tools/call", {"name": f"export_create_{tool}", "arguments": small})  # imports
    process = session.process.pid
    before, wall, spent = memory(process, "VmRSS"), time.perf_counter(), cpu(process)
    types = (TYPES * (columns // 8 + 1))[:columns]
    asked = {"path": f"made-{tool}", "source": f"{columns}.csv", "types": types, **arguments}
    answer = session.ask("tools/call", {"name": f"export_create_{tool}", "arguments": asked})["result"]
    peak = memory(process, "VmHWM")
    result = {"wall": time.perf_counter() - wall, "cpu": cpu(process) - spent, "peak": peak, "growth": peak - before}
    session.close()
    if answer["isError"] or answer["structuredContent"]["rows"] != ROWS:
        raise Unavailable(answer["content"][0]["text"])
    for path in folder.glob("*-*"):
        path.unlink()
    return result


def measure(rows: list[Row], runs: int, *, wide: bool = False) -> dict[str, Any]:
    """Export 100,000 × 8 as XLSX, CSV and PDF; `wide`: 100,000 × 40 too, which takes minutes."""
    folder = ROOT / "build/bench-export"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    result: dict[str, Any] = {"plain": [], "xlsx": []}
    try:
        write_source(folder / "8.csv", 8)
        for _ in range(runs):
            result["plain"].append(plain(folder, 8))
            result["xlsx"].append(called(folder, "xlsx", 8))
        result["csv"] = [called(folder, "csv", 8, dialect="excel_fr")]
        result["pdf"] = [called(folder, "pdf", 8, landscape=True)]
        if wide:
            write_source(folder / "40.csv", 40)
            result["wide"] = [called(folder, "xlsx", 40)]
    finally:
        shutil.rmtree(folder)
    mid = {kind: {key: median(run[key] for run in done) for key in done[0]} for kind, done in result.items()}
    size = "100,000 × 8"
    ratio = mid["xlsx"]["cpu"] / mid["plain"]["cpu"]
    rows.append((f"export: XLSX {size}, to openpyxl with the same formats", f"{ratio:.2f} ×", "≤ 1.0 ×"))
    rows.append((f"export: XLSX {size}, peak over idle", f"{mid['xlsx']['growth']:.0f} MB", "≤ 40 MB"))
    for kind in ("xlsx", "csv", "pdf"):
        rows.append((f"export: {kind.upper()} {size}", f"{mid[kind]['wall']:.1f} s", ""))
    if wide:
        rows.append(("export: XLSX 100,000 × 40", f"{mid['wide']['wall']:.0f} s", "≤ 300 s (its deadline)"))
        rows.append(("export: XLSX 100,000 × 40, processor time", f"{mid['wide']['cpu']:.0f} s", ""))
        rows.append(("export: XLSX 100,000 × 40, peak over idle", f"{mid['wide']['growth']:.0f} MB", "as × 8"))
    return mid


if __name__ == "__main__":
    print(json.dumps(write_plain(sys.argv[1], int(sys.argv[2]))))

"""What all four tools share: paths, refusals, dry runs, cancelling, memory, and how much they say of themselves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from fastmcp import Client

from flotilla_servers.export import work
from flotilla_servers.export.server import server
from flotilla_servers.export.work import Check, Made, produce
from flotilla_testing.checks.descriptions import handed_over
from flotilla_testing.client import tools_of
from flotilla_testing.waiting import eventually

TABLE: dict[str, Any] = {"columns": ["A", "B"], "rows": [["x", 1]]}
CALLS = [
    ("create_csv", ".csv", TABLE),
    ("create_xlsx", ".xlsx", TABLE),
    ("create_pdf", ".pdf", TABLE),
    ("create_report_pdf", ".pdf", {"markdown": "# T\n\nx"}),
]
BIG = 100_000


def files(data: Path) -> list[str]:
    return sorted(str(p.relative_to(data)) for p in data.rglob("*") if p.is_file() and ".flotilla" not in p.parts[-2])


@pytest.mark.parametrize(("tool", "ending", "arguments"), CALLS)
async def test_create_result_overwrite_and_determinism(
    export: SimpleNamespace,
    data: Path,
    refused: type[Exception],
    agreed: Any,
    tool: str,
    ending: str,
    arguments: dict[str, Any],
) -> None:
    create = getattr(export, tool)
    done = await create(path="a/Été", **arguments)  # the ending is added
    written = (data / "a" / f"Été{ending}").read_bytes()
    assert done["path"] == f"a/Été{ending}"
    assert (done["bytes"], done["sha256"]) == (len(written), hashlib.sha256(written).hexdigest())
    for dry_run in (False, True):
        with pytest.raises(refused, match=rf"a/Été\{ending} exists already"):
            await create(path=f"a/Été{ending}", dry_run=dry_run, **arguments)
    os.utime(data / "a" / f"Été{ending}", (1e9, 1e9))
    again = await agreed(create, path=f"a/Été{ending}", overwrite=True, **arguments)
    assert again["sha256"] == done["sha256"]
    assert again["question"] == (
        f"Replace a/Été{ending} ({len(written):,} bytes, changed 9 September 2001, 01:46 UTC)? "
        "What it holds now is lost."
    )
    assert files(data) == [f"a/Été{ending}"]


@pytest.mark.parametrize(("tool", "ending", "arguments"), CALLS)
async def test_overwrite_confirmed_only_where_something_is_lost(
    export: SimpleNamespace, data: Path, tool: str, ending: str, arguments: dict[str, Any]
) -> None:
    create = getattr(export, tool)
    assert (await create(path="x", overwrite=True, **arguments))["path"] == f"x{ending}"
    (data / f"x{ending}").write_text("old")
    assert "preview" in await create(path="x", overwrite=True, **arguments)
    assert (data / f"x{ending}").read_text() == "old"
    assert "dry_run" in await create(path="x", overwrite=True, dry_run=True, **arguments)


async def test_tools_have_destructive_hint(client: Client[Any]) -> None:
    """Clients learn that a file may be replaced."""
    for tool in await client.list_tools():
        assert tool.annotations
        assert tool.annotations.destructive_hint is True


async def test_progress_reported(client: Client[Any], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "TICK", 0.01)
    (data / "in.csv").write_text("a\n" + "1\n" * 20_000)
    heard: list[tuple[float, float | None]] = []

    async def listen(done: float, total: float | None, message: str | None) -> None:
        heard.append((done, total))

    await client.call_tool("export_create_xlsx", {"path": "x", "source": "in.csv"}, progress_handler=listen)
    assert heard
    assert all(0 <= done <= 20_000 and total is None for done, total in heard)
    assert any(done for done, _ in heard)


@pytest.mark.parametrize(("tool", "ending", "arguments"), CALLS)
async def test_path_refused(
    export: SimpleNamespace, data: Path, refused: type[Exception], tool: str, ending: str, arguments: dict[str, Any]
) -> None:
    (data / f"d{ending}").mkdir()
    for path, says in (
        ("../x", "leads out of the data folder"),
        ("report.exe", rf"Let its name end in \{ending}"),
        (f"d{ending}", "is a folder"),
        (f".flotilla/x{ending}", "reserved"),
        ("", "."),
    ):
        with pytest.raises(refused, match=says):
            await getattr(export, tool)(path=path, **arguments)
    assert files(data) == []


@pytest.mark.parametrize(("tool", "ending", "arguments"), CALLS)
async def test_dry_run(export: SimpleNamespace, data: Path, tool: str, ending: str, arguments: dict[str, Any]) -> None:
    shown = (await getattr(export, tool)(path="x", dry_run=True, **arguments))["dry_run"]
    assert (shown["action"], shown["path"]) == (tool, f"x{ending}")
    if "rows" in arguments:
        assert (shown["columns"], shown["rows"]) == (["A (auto)", "B (auto)"], 1)
        assert shown["first_rows"] == arguments["rows"]
    assert files(data) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "There are no columns"),
        ({"columns": ["A"], "rows": [[1, 2]]}, "Row 1 has 2 cells, but there are 1 columns"),
        ({"columns": ["A"], "types": ["text", "text"]}, "2 types for 1 columns"),
        ({"columns": ["A"], "types": ["dollars"]}, "`dollars` is not a valid column type"),
        ({"columns": ["A"] * 201}, "201 columns, and at most 200 are possible"),
        ({"columns": ["A"], "rows": [{"A": 1}]}, "`rows.0` does not fit"),
    ],
)
async def test_table_inconsistent_refused(
    export: SimpleNamespace, data: Path, refused: type[Exception], arguments: dict[str, Any], says: str
) -> None:
    for tool in ("create_csv", "create_xlsx", "create_pdf"):
        with pytest.raises(refused, match=says):
            await getattr(export, tool)(path="x", **arguments)
    assert files(data) == []


async def test_rows_accepted_as_json_text(export: SimpleNamespace, data: Path) -> None:
    await export.create_csv(
        path="a.csv", columns='["A", "B"]', rows='[["x", 1.5], [null, true]]', types='["", "decimal"]'
    )
    assert (data / "a.csv").read_text() == "A,B\nx,1.5\n,true\n"


async def test_rows_short_are_filled(export: SimpleNamespace, data: Path) -> None:
    done = await export.create_csv(path="a", columns=["A", "B"], rows=[["x"], ["y", "", "", None], []])
    assert (data / "a.csv").read_text() == "A,B\nx,\ny,\n,\n"
    assert done["warnings"] == [
        "Rows with fewer cells than columns were filled with empty cells (2 times, first in row 1)."
    ]


async def test_warnings_limited(export: SimpleNamespace) -> None:
    columns = [f"C{i}" for i in range(40)]
    done = await export.create_csv(path="a", columns=columns, rows=[["x"] * 40], types=["integer"] * 40)
    assert len(done["warnings"]) == 13
    assert done["warnings"][-1] == "There are 28 more warnings."


def big(data: Path, rows: int = BIG) -> None:
    with (data / "big.csv").open("w", encoding="utf-8") as file:
        file.write("Date;Client;Libellé;Quantité;Montant;Payé\n")
        for i in range(rows):
            day = f"2026-{i % 12 + 1:02}-{i % 28 + 1:02}"
            file.write(f"{day};Société Générale n°{i};Conseil d’été {i % 977};{i % 50};{i % 10007},{i % 100:02};oui\n")


MEASURE = """if True:
    import asyncio, json, resource, sys
    from flotilla_testing import call
    from flotilla_servers.export.server import server
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    types = ["date", "", "", "integer", "money EUR", "boolean"]
    result = asyncio.run(call(server, sys.argv[1], path="out", source="big.csv", types=types))
    print(json.dumps([result.structured_content, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "rows", "most"), [("create_csv", BIG, 30), ("create_xlsx", BIG, 60), ("create_pdf", BIG // 4, 50)]
)
def test_memory_bounded(data: Path, tool: str, rows: int, most: int) -> None:
    """`most` megabytes on top of the idle server: of a PDF the finished pages are held, some 70 bytes a row."""
    big(data, rows)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, f"export_{tool}"], check=True, capture_output=True, text=True, timeout=150
    )
    result, before, after = json.loads(done.stdout)
    assert (result["rows"], result.get("warnings")) == (rows, [])
    assert (after - before) / 1024 < most


@pytest.mark.parametrize("tool", ["create_csv", "create_xlsx", "create_pdf"])
async def test_cancelled_call_leaves_no_file(export: SimpleNamespace, data: Path, tool: str) -> None:
    big(data, 60_000)
    call = asyncio.create_task(getattr(export, tool)(path="out", source="big.csv"))
    while not [p for p in data.iterdir() if p.name.endswith(".tmp")]:
        assert not call.done()
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await eventually(lambda: files(data) == ["big.csv"])
    assert work._turns.acquire(timeout=2)  # and the turn was given back
    work._turns.release()


async def test_deadline_exceeded_leaves_no_file(
    export: SimpleNamespace, data: Path, refused: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    big(data, 60_000)
    tool = await server._mcp.get_tool("export_create_pdf")
    monkeypatch.setattr(tool, "deadline", 0.5)
    with pytest.raises(refused, match=r"took longer than 0\.5 seconds"):
        await export.create_pdf(path="out.pdf", source="big.csv")
    await eventually(lambda: files(data) == ["big.csv"])


async def test_concurrent_writes_limited(data: Path) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def write(out: BinaryIO, check: Check) -> Made:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.05)
        with lock:
            running -= 1
        return Made()

    await asyncio.gather(*(produce(f"{i}.csv", False, write) for i in range(6)))
    assert most == work.AT_ONCE
    assert len(files(data)) == 6


async def test_concurrent_calls_independent(export: SimpleNamespace) -> None:
    calls = [getattr(export, tool)(path=f"{i}", **arguments) for i in range(5) for tool, _, arguments in CALLS[:3]]
    done = await asyncio.gather(*calls)
    for kind in range(3):
        assert len({one["sha256"] for one in done[kind::3]}) == 1


async def test_tool_definitions_within_size_budget() -> None:
    sizes = [len(handed_over(tool)) for tool in await tools_of(server)]
    assert max(sizes) <= 2_000
    assert sum(sizes) <= 8_000

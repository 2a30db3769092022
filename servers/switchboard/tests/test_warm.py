"""Servers that were called lately are started before they are asked, one after the other, within a budget."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from flotilla_servers.switchboard.last_calls import LastCalls
from flotilla_servers.switchboard.warm import USUAL, Warmer

DAY = 86_400.0


def called(fleet: Any, **days_ago: float) -> LastCalls:
    """Write down when servers were called."""
    path = fleet.folder / "state" / "switchboard" / "last-calls.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({slug: time.time() - days * DAY for slug, days in days_ago.items()}))
    return LastCalls(fleet.folder / "state")


def test_since_lists_the_most_recent_first(fleet: Any) -> None:
    lately = called(fleet, old=3.5, older=9, first=0.1, second=2)
    assert lately.since(3) == ["first", "second"]
    assert lately.since(30) == ["first", "second", "old", "older"]
    assert lately.since(0) == []


@pytest.mark.parametrize("text", ["", "[]", "7", '{"a": "b"}', '{"a": null}', "[" * 100_000])
def test_last_calls_survive_a_broken_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "switchboard" / "last-calls.json"
    path.parent.mkdir()
    path.write_text(text)
    last = LastCalls(tmp_path)
    assert last.since(3) == []
    last.note("probe")
    assert LastCalls(tmp_path).since(3) == ["probe"]


def test_note_keeps_what_another_switchboard_wrote(fleet: Any) -> None:
    mine, other = called(fleet, probe=9), called(fleet, probe=9)
    other.note("other")
    mine.note("probe")
    assert LastCalls(fleet.folder / "state").since(1) == ["probe", "other"]


def test_note_without_a_folder_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "switchboard").write_text("a file")
    LastCalls(tmp_path).note("probe")


def twins(fleet: Any, discovery: Any, count: int) -> None:
    """Offer the same probe several times, each a process of its own; the tools of the first alone can be called."""
    registry = {}
    for number in range(count):
        slug, text = f"twin{number}", json.dumps(discovery)
        if number:
            text = text.replace("probe_", f"{slug}_").replace("probe://", f"{slug}://")
        (fleet.folder / slug).mkdir()
        (fleet.folder / slug / "discovery.json").write_text(text)
        shutil.copy(fleet.folder / "flotilla-probe", fleet.folder / f"flotilla-{slug}")
        script = (fleet.folder / f"flotilla-{slug}").read_text()
        note = f'#!/bin/sh\necho {slug} >> "$FLOTILLA_DATA/order"\n'
        (fleet.folder / f"flotilla-{slug}").write_text(script.replace("#!/bin/sh\n", note))
        registry[slug] = fleet.spec
    fleet.options()
    (fleet.folder / "twins.yaml").write_text(yaml.safe_dump({"registry": registry}))
    fleet.more = ["--catalog", str(fleet.folder / "twins.yaml"), "--servers", "all"]


async def test_warmer_starts_the_most_recent_first_and_one_at_a_time(fleet: Any, discovery: Any) -> None:
    twins(fleet, discovery, 3)
    async with fleet.inside() as (gateway, backends):
        seen = []
        warming = asyncio.create_task(Warmer(gateway, backends, 10_000, quiet=0).run(["twin2", "gone", "twin0"]))
        while not warming.done():
            seen.append(sum(backend.starting for backend in backends))
            await asyncio.sleep(0)
        await warming
        assert max(seen) == 1
        assert fleet.lines("order") == ["twin2", "twin0"]
        assert [backend.running for backend in backends] == [True, False, True]


async def test_warmer_stays_within_its_memory(fleet: Any, discovery: Any) -> None:
    """The second one would need as much as the first."""
    fleet.start_by([sys.executable])  # a forked one is another process than the one that is measured
    twins(fleet, discovery, 2)
    async with fleet.inside() as (gateway, backends):
        await Warmer(gateway, backends, 0, quiet=0).run(["twin0"])
        assert fleet.lines("order") == []
        await Warmer(gateway, backends, USUAL * 1.5, quiet=0).run(["twin0", "twin1"])
        assert fleet.lines("order") == ["twin0"]
        assert await backends[0].memory() > 40  # MB: FastMCP is imported already
        assert await backends[1].memory() == 0


async def test_warmer_passes_over_a_server_that_cannot_start(fleet: Any, discovery: Any) -> None:
    twins(fleet, discovery, 2)
    (fleet.folder / "flotilla-twin0").unlink()
    async with fleet.inside() as (gateway, backends):
        await Warmer(gateway, backends, 10_000, quiet=0).run(["twin0", "twin1"])
        assert [backend.running for backend in backends] == [False, True]


async def test_warmer_waits_for_calls_in_flight(fleet: Any, person: Any, discovery: Any) -> None:
    twins(fleet, discovery, 2)
    async with fleet.inside() as (gateway, backends), (one := person(gateway, "auto")).client:
        call = asyncio.create_task(one.call("probe_wait", seconds=100))
        await fleet.until(lambda: backends[0].running)
        warming = asyncio.create_task(Warmer(gateway, backends, 10_000, quiet=0.01).run(["twin1"]))
        await one.call("probe_echo")
        assert fleet.lines("order") == ["twin0"]
        assert not warming.done()
        call.cancel()
        await warming
        assert fleet.lines("order") == ["twin0", "twin1"]


async def test_warm_server_is_stopped_when_idle(fleet: Any) -> None:
    async with fleet.inside("--idle", "0.01") as (gateway, backends):
        await Warmer(gateway, backends, 10_000, quiet=0).run(["probe"])
        await fleet.until(lambda: not fleet.alive())


async def test_call_is_remembered_and_warms_the_next_switchboard(fleet: Any, person: Any) -> None:
    async with (one := person(fleet.command(), "auto")).client:
        await one.call("probe_echo")
    assert LastCalls(fleet.folder / "state").since(1) == ["probe"]
    for number, days in enumerate(("1", "0"), 2):
        async with person(fleet.command("--warm-days", days), "auto").client as client:
            await client.list_tools()
            if days == "1":
                await fleet.until(lambda: len(fleet.lines("starts")) == 2)
        assert len(fleet.lines("starts")) == 2, number


def test_last_calls_import_no_asyncio() -> None:
    """The launcher reads them before anything heavy is imported."""
    code = "import sys, flotilla_servers.switchboard.combined; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "False"

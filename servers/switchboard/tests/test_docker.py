"""The same with containers: one for a server, hardened, and none left behind whoever kills what."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from .conftest import BOTH, ERAS

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def commands(contained: Any) -> list[int]:
    """Return the process ids of the docker commands that hold the test's containers."""
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if line.startswith(b"docker\0run") and contained.owner.encode() in line:
            pids.append(int(pid))
    return pids


async def test_container_hardened_and_keeps_its_secrets(fleet: Any, person: Any, contained: Any) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client as client:
        await client.list_tools()
        assert contained.now() == []
        about = await one.about()
        assert about["uid"] == 10001
        assert [line.split()[1] for line in about["privileges"]] == ["0000000000000000", "1"]
        assert about["env"]["PROBE_TOKEN"] == "s3cr=et value"
        assert {"SHELL", "PYTHONUNBUFFERED", "PYTEST_CURRENT_TEST"} & set(about["env"]) == set()
        container = contained.inspect()
        host = container["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["NetworkMode"]) == (True, ["ALL"], "none")
        assert (host["Memory"], host["NanoCpus"], host["AutoRemove"]) == (512 * 2**20, 10**9, True)
        assert (host["Init"], host["PidsLimit"], host["Tmpfs"]) == (True, 256, {"/tmp": ""})
        assert host["SecurityOpt"] == ["no-new-privileges"]
        [pid] = commands(contained)
        line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert b"PROBE_TOKEN" in line
        assert b"s3cr" not in b" ".join(line)


async def test_container_started_once_for_parallel_calls(fleet: Any, person: Any, contained: Any) -> None:
    async with fleet.inside() as (gateway, _):
        people = [person(gateway, era) for era in ERAS * 2]
        for one in people:
            await one.client.__aenter__()
        calls = [people[n % 4].call("probe_wait", seconds=0.1, name=str(n)) for n in range(20)]
        assert [a.split()[0] for a in await asyncio.gather(*calls)] == [str(n) for n in range(20)]
        assert len(contained.now()) == len(fleet.lines("starts")) == 1
        for one in people:
            await one.client.__aexit__(None, None, None)
    assert contained.now() == []


async def test_elicitation_reaches_the_right_client(fleet: Any, person: Any, contained: Any) -> None:
    """Four clients get their own questions."""
    async with fleet.inside() as (gateway, _):
        people = [person(gateway, era, name) for era, name in zip(ERAS * 2, ("Ada", "Bob", "Cy", "Dee"), strict=True)]
        for one in people:
            await one.client.__aenter__()
        asked = [(one, f"{one.name}-{n}") for n in range(4) for one in people]
        answers = await asyncio.gather(*(one.call("probe_ask", question=q, linger=0.1) for one, q in asked))
        assert [a.split(" by ")[0] for a in answers] == [f"{q}: accept {one.name}" for one, q in asked]
        for one in people:
            await one.client.__aexit__(None, None, None)


@BOTH
async def test_container_killed(fleet: Any, person: Any, contained: Any, era: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, era)).client:
        await one.call("probe_echo")
        contained.kill()  # idle
        assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}
        read = asyncio.create_task(one.call("probe_wait", seconds=1.5, name="again"))
        write = asyncio.create_task(one.call("probe_ask", question="q", linger=60))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(contained.kill)  # in mid-call
        assert "`probe_ask` may or may not have been done" in await write
        assert (await read).startswith("again")
        assert len(fleet.lines("starts")) == 3
        assert len(contained.now()) == 1


@pytest.mark.parametrize("state", ["idle", "busy", "blocked"])
async def test_docker_command_killed(fleet: Any, person: Any, contained: Any, state: str) -> None:
    async with fleet.inside() as (gateway, _), (one := person(gateway, "legacy")).client:
        await one.call("probe_echo")
        call = None
        if state != "idle":
            how = (
                one.call("probe_wait", seconds=2, name="w") if state == "busy" else one.call("probe_block", seconds=60)
            )
            call = asyncio.create_task(how)
            await asyncio.sleep(0.5)
        [pid] = commands(contained)
        os.kill(pid, signal.SIGKILL)
        if state == "blocked":
            assert call
            assert "may or may not" in await call
        if state == "busy":
            assert call
            assert (await call).startswith("w ")
        assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}
        assert len(contained.now()) == 1  # never two, even if the first was deaf


@pytest.mark.parametrize("state", ["idle", "busy", "blocked"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=["TERM", "INT", "KILL"])
async def test_switchboard_end_removes_the_container(
    fleet: Any, person: Any, contained: Any, number: signal.Signals, state: str
) -> None:
    client = (one := person(fleet.command(), "legacy")).client
    await client.__aenter__()
    await one.call("probe_echo")
    [pid] = commands(contained)
    switchboard = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    calls = {"busy": ("probe_wait", {"seconds": 60}), "blocked": ("probe_block", {"seconds": 60})}
    if state in calls:
        task = asyncio.create_task(one.call(calls[state][0], **calls[state][1]))
        await asyncio.sleep(0.5)
    os.kill(switchboard, number)
    await fleet.until(lambda: not contained.now() and not Path(f"/proc/{switchboard}/cwd").exists(), 10)
    if state in calls:
        task.cancel()
    await asyncio.wait([asyncio.ensure_future(client.__aexit__(None, None, None))], timeout=5)
    assert len(fleet.lines("starts")) == 1


async def test_switchboard_sweeps_containers_of_a_killed_one(fleet: Any, person: Any, contained: Any) -> None:
    """Where the kernel does not end a busy server together with its switchboard, the next one does."""
    from flotilla_servers.switchboard.commands import owner_label

    machine, pid, _ = owner_label().split("/")
    labels = {"dead": f"{machine}/{pid}/1", "foreign": "elsewhere:/1/1", "alive": owner_label()}
    for name, value in labels.items():
        contained.sleeper(fleet.spec["image"], name, f"flotilla.switchboard={value}")
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        await one.call("probe_echo")
        names = {name.removeprefix(f"{contained.owner}-") for name in contained.now()}
        assert {"foreign", "alive"} < names
        assert "dead" not in names
    contained.remove()


@BOTH
async def test_container_restarted_between_question_and_answer(
    fleet: Any, person: Any, contained: Any, era: str
) -> None:
    class Slow(person):  # type: ignore[misc]
        async def _answer(self, message: str, *_: Any) -> dict[str, str]:
            await asyncio.to_thread(contained.kill)
            await asyncio.sleep(0.5)  # a person takes longer
            return {"answer": "late"}

    async with fleet.inside() as (gateway, _), (one := Slow(gateway, era, "Ada")).client:
        assert (await one.call("probe_ask", question="sure?")).startswith("sure?: accept late")
        assert fleet.lines("asked") == ["sure?"]
        assert len(fleet.lines("starts")) == 2


async def test_container_idle_stopped(fleet: Any, person: Any, contained: Any) -> None:
    async with fleet.inside("--idle", "0.5") as (gateway, _), (one := person(gateway, "auto")).client:
        await one.call("probe_echo")
        await fleet.until(lambda: not contained.now(), 5)
        assert json.loads(await one.call("probe_echo", value=1)) == {"value": 1}


async def test_image_missing(fleet: Any, person: Any, contained: Any) -> None:
    fleet.spec["image"] = "flotilla-test-nothing"
    async with fleet.inside() as (gateway, _), (one := person(gateway, "auto")).client:
        answer = await one.call("probe_echo")
        assert answer.startswith("Error: probe could not start: docker: Error response from daemon: No such image")
        assert "Nothing was done. Ask the user to fix it, then call again." in answer


async def test_run_auto_prefers_the_container(fleet: Any, person: Any, contained: Any) -> None:
    async with fleet.inside("--run", "auto") as (gateway, _), (one := person(gateway, "auto")).client:
        assert (await one.about())["uid"] == 10001
    fleet.spec["image"] = "flotilla-test-nothing"
    async with fleet.inside("--run", "auto") as (gateway, _), (one := person(gateway, "auto")).client:
        assert (await one.about())["uid"] == os.getuid()

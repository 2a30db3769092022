"""Forked servers: real ones, which must be what they are when each is started by itself."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from flotilla_cli.generator.discovery import META
from flotilla_launcher.fork_server import is_able
from flotilla_servers.switchboard import forking
from flotilla_servers.switchboard.forking import ForkedProcess, ForkServer
from flotilla_servers.switchboard.processes import Command, Process, end, start
from flotilla_testing.waiting import eventually

pytestmark = pytest.mark.skipif(not is_able(), reason="nothing is forked on this system")
PROGRAM = str(Path(sys.executable).with_name("flotilla-filesystem"))
BASE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
SOON = 20.0  # seconds
SECRET = "-".join(("only", "for", "this", "server"))


def command_of(folder: Path, **env: str) -> Command:
    """Return how the filesystem server is started on a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"of-{folder.name}.txt").touch()
    variables = {**BASE, "FLOTILLA_DATA": str(folder), "FLOTILLA_STATE": f"{folder}-state", **env}
    return Command([PROGRAM], variables, program=(PROGRAM,))


@asynccontextmanager
async def forking_server(idle: float = 0) -> AsyncIterator[ForkServer]:
    """A fork server, whose parent is gone at the end."""
    server = ForkServer(True, idle, [], BASE)
    yield server
    await server.close()
    assert not Path(f"/proc/{parent_of(server)}/cwd").exists()


def parent_of(server: ForkServer) -> int:
    return server._process.pid if server._process else 0


async def forked(server: ForkServer, command: Command) -> ForkedProcess:
    process = await server.start(command)
    assert process
    return process


async def files_of(process: Process) -> list[str]:
    """Return the names that the server lists."""
    params = {"name": "fs_list_directory", "arguments": {}, "_meta": META}
    process.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode() + b"\n")
    answer = json.loads(await anext(process.lines()))
    return [item["path"] for item in answer["result"]["structuredContent"]["items"]]


async def audit_of(process: Process) -> dict[str, Any]:
    return dict(json.loads(await anext(process.error_lines())))


def state_of(pid: int) -> dict[str, Any]:
    """Return what the kernel knows of a process, as far as its server could tell."""
    status = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    files = [os.readlink(path).split(":")[0] for path in Path(f"/proc/{pid}/fd").iterdir()]
    return {
        **{name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "Threads", "Umask", "NoNewPrivs")},
        "group and session": [int(field) - pid for field in fields[2:4]],
        "cwd": os.readlink(f"/proc/{pid}/cwd"),
        "files": sorted("stream" if name in ("pipe", "socket") else name for name in files),
    }


async def test_forked_server_is_in_the_state_of_one_started_by_itself(tmp_path: Path) -> None:
    async with forking_server() as server:
        processes: list[Process] = [await forked(server, command_of(tmp_path)), await start(command_of(tmp_path))]
        assert [await files_of(process) for process in processes] == [[f"of-{tmp_path.name}.txt"]] * 2
        states = [state_of(process.pid) for process in processes]
        assert states[0] == states[1]
        for process in processes:
            await end(process)
        await eventually(
            lambda: not any(Path(f"/proc/{process.pid}").exists() for process in processes), SOON
        )  # none unreaped


async def test_forked_server_knows_its_own_environment_alone(tmp_path: Path) -> None:
    async with forking_server() as server:
        first = await forked(server, command_of(tmp_path / "a", FILESYSTEM_SECRET=SECRET))
        assert await files_of(first) == ["of-a.txt"]
        second = await forked(server, command_of(tmp_path / "b"))
        assert await files_of(second) == ["of-b.txt"]
        holds = [has_in_memory(pid, SECRET) for pid in (first.pid, parent_of(server), second.pid)]
        ids = [(await audit_of(process))["trace_id"] for process in (first, second)]
        for process in (first, second):
            await end(process)
    assert holds == [True, False, False]
    assert ids[0] != ids[1]  # what is random is drawn anew


def has_in_memory(pid: int, text: str) -> bool:
    """Tell whether a text stands anywhere in the memory that a process can write to."""
    try:
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                where, rights = line.split()[:2]
                first, last = (int(part, 16) for part in where.split("-"))
                if rights.startswith("rw"):
                    memory.seek(first)
                    if text.encode() in memory.read(last - first):
                        return True
    except PermissionError:
        pytest.skip("the kernel lets nobody read another process's memory")
    return False


async def test_forked_server_that_is_killed_leaves_the_others(tmp_path: Path) -> None:
    async with forking_server() as server:
        first, second = [await forked(server, command_of(tmp_path / name)) for name in "ab"]
        first.kill()
        await first.wait()
        assert not any([line async for line in first.lines()])
        assert await files_of(second) == ["of-b.txt"]
        await end(second)


async def test_forked_server_is_killed_before_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an instant after the fork it has no process group of its own."""

    def no_group(*_: int) -> None:
        raise ProcessLookupError

    async with forking_server() as server:
        process = await forked(server, command_of(tmp_path))
        monkeypatch.setattr(os, "killpg", no_group)
        process.kill()
        await process.wait()
        process.kill()  # which is nothing any more


async def test_fork_server_that_is_killed_is_started_anew(tmp_path: Path) -> None:
    async with forking_server() as server:
        first = await forked(server, command_of(tmp_path / "a"))
        assert await files_of(first) == ["of-a.txt"]
        os.kill(old := parent_of(server), signal.SIGKILL)
        await first.wait()  # it ends with it
        second = await forked(server, command_of(tmp_path / "b"))
        assert await files_of(second) == ["of-b.txt"]
        assert parent_of(server) != old
        await end(second)


async def test_fork_server_ends_when_idle(tmp_path: Path) -> None:
    async with forking_server(idle=0.01) as server:
        await end(await forked(server, command_of(tmp_path)))
        await eventually(lambda: not Path(f"/proc/{parent_of(server)}/cwd").exists(), SOON)
        again = await forked(server, command_of(tmp_path))
        assert await files_of(again)
        await end(again)


@pytest.mark.parametrize("name", ["PYTHONUTF8", "FASTMCP_LOG_LEVEL", "LC_ALL", "OTEL_PYTHON_CONTEXT"])
async def test_server_with_a_variable_that_is_read_at_start_is_not_forked(tmp_path: Path, name: str) -> None:
    server = ForkServer(True, 0, [], BASE)
    assert await server.start(command_of(tmp_path, **{name: "1"})) is None
    assert not parent_of(server)


async def test_fork_server_that_cannot_start_says_so_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server = ForkServer(True, 0, ["false"], BASE)  # a command that ends at once
    assert [await server.start(command_of(tmp_path)) for _ in range(2)] == [None, None]
    messages = [line for line in capfd.readouterr().err.splitlines() if "not forked" in line]
    assert messages == [
        "flotilla-switchboard: servers are not forked, each starts by itself: the process that forks them has ended"
    ]


async def test_fork_server_is_not_started_where_the_system_is_not_able(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forking, "is_able", lambda: False)
    server = ForkServer(True, 0, [], BASE)
    assert await server.start(command_of(tmp_path)) is None
    assert "servers are not forked, each starts by itself: this system lacks" in capfd.readouterr().err
    assert not parent_of(server)


SWITCHBOARD = [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", "--run", "process"]
CALLS = (
    ("fs_write_file", {"path": "été.txt", "content": "12,50 €"}),
    ("fs_read_file", {"path": "été.txt"}),
    ("fs_read_file", {"path": "none.txt"}),
    ("export_create_csv", {"path": "a.csv", "columns": ["a"], "rows": [[1]]}),
)


@asynccontextmanager
async def switchboard(folder: Path, fork: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A switchboard in a process of its own, with the two servers that need no account."""
    options = ["--fork", fork, "--servers", "filesystem,export", "--warm-days", "0"]
    options += ["--data", str(folder / "data"), "--state", str(folder / "state")]
    process = await asyncio.create_subprocess_exec(*SWITCHBOARD, *options, stdin=-1, stdout=-1, stderr=-3)
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 20)


async def called(process: asyncio.subprocess.Process, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin
    assert process.stdout
    params = {"name": name, "arguments": arguments, "_meta": META}
    request = {"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params}
    process.stdin.write(json.dumps(request).encode() + b"\n")
    return dict(json.loads(await process.stdout.readline())["result"])


def below(pid: int) -> list[int]:
    """Return the descendants of a process."""
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    return children + [other for child in children for other in below(child)]


@pytest.mark.slow
async def test_switchboard_answers_the_same_with_forked_servers(tmp_path: Path) -> None:
    results = {}
    for fork in ("on", "off"):
        async with switchboard(tmp_path / fork, fork) as process:
            text = json.dumps([await called(process, *call) for call in CALLS])
            results[fork] = json.loads(text.replace(str(tmp_path / fork), "…"))  # a result names its file's folder
            lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below(process.pid)]
            assert sum(b"fork_server" in line for line in lines) == (3 if fork == "on" else 0)  # the parent and two
    assert results["on"] == results["off"]
    assert [result["isError"] for result in results["on"]] == [False, False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["end of input", "SIGTERM", "SIGKILL"])
async def test_switchboard_end_leaves_no_forked_server(tmp_path: Path, ending: str) -> None:
    async with switchboard(tmp_path, "on") as process:
        await called(process, *CALLS[0])
        pids = below(process.pid)
        assert len(pids) == 2
        if ending != "end of input":
            process.send_signal(getattr(signal, ending))
    await eventually(lambda: not [pid for pid in pids if Path(f"/proc/{pid}/cwd").exists()], SOON)


@pytest.mark.slow
async def test_switchboard_starts_servers_anew_after_the_end_of_their_parent(tmp_path: Path) -> None:
    async with switchboard(tmp_path, "on") as process:
        await called(process, *CALLS[0])
        (parent,) = [pid for pid in below(process.pid) if below(pid)]
        os.kill(parent, signal.SIGKILL)
        await eventually(lambda: not below(process.pid), SOON)
        assert (await called(process, *CALLS[1]))["structuredContent"]["content"] == "12,50 €"

"""The life of a process over stdio: it ends quickly in every state, and stdout carries JSON-RPC alone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flotilla_testing.process import Process
from flotilla_testing.waiting import wait_until

pytestmark = pytest.mark.slow

PROBE = str(Path(__file__).parent / "programs" / "probe.py")
EOF = "end of input"
ENDS = [(tool, how) for tool in (None, "get_sleep", "get_blocked", "get_busy", "get_thread", "get_shielded") for how in
        (EOF, signal.SIGTERM)] + [("get_sleep", signal.SIGINT)]  # fmt: skip
QUICK = ((None, EOF), (None, signal.SIGTERM), ("get_blocked", EOF), ("get_sleep", signal.SIGTERM))
Start = Callable[..., Process]


@pytest.fixture
def start(probe: list[str]) -> Iterator[Start]:
    running: list[Process] = []

    def started(argv: list[str] | None = None, revision: str = "2025-11-25", **environ: str) -> Process:
        process = Process(argv or probe, environ, revision)
        running.append(process)
        process.start()
        return process

    yield started
    for process in running:
        process.__exit__(None, None, None)


@pytest.fixture(scope="module")
def process(probe: list[str]) -> Iterator[Process]:
    """A process for several tests, which answers whatever comes."""
    with Process(probe) as started:
        started.start()
        yield started


def begin(process: Process, tool: str | None) -> None:
    """Start a call that will not end, and wait until it runs."""
    if tool:
        process.ask("tools/call", name=f"probe_{tool}", arguments={})
        wait_until(lambda: "begun" in process.err)


@pytest.mark.parametrize(
    ("tool", "how"), [end if end in QUICK else pytest.param(*end, marks=pytest.mark.slow) for end in ENDS]
)
def test_shutdown_waits_for_no_call(start: Start, tool: str | None, how: Any) -> None:
    process = start()
    begin(process, tool)
    if how == EOF:
        process.hang_up()
    else:
        process.terminate(how)
    assert process.ended() == 0, process.err
    assert process.impure() == []
    assert "Traceback" not in process.err


def test_shutdown_lets_a_call_in_flight_finish(start: Start) -> None:
    """SIGTERM lets a call in flight finish."""
    process = start()
    number = process.ask("tools/call", name="probe_get_sleep", arguments={"seconds": 0.6})
    wait_until(lambda: "begun" in process.err)
    process.terminate()
    assert process.answer(number)["result"]["structuredContent"] == {"done": "yes"}
    assert process.ended() == 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="needs unshare as root")
@pytest.mark.parametrize(
    ("tool", "how"),
    [(None, EOF), (None, signal.SIGINT), ("get_sleep", signal.SIGTERM), ("get_blocked", signal.SIGTERM)],
)
def test_shutdown_as_process_1(start: Start, tool: str | None, how: Any) -> None:
    """The kernel ignores a signal to process 1 that it has no handler for."""
    process = start(["unshare", "--pid", "--fork", "--kill-child", sys.executable, PROBE])
    begin(process, tool)
    if how == EOF:
        process.hang_up()
    else:
        children = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children").read_text().split()
        os.kill(int(children[0]), how)
    assert process.ended() == 0, process.err


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_stdout_carries_only_json_rpc(start: Start, revision: str) -> None:
    process = start(revision=revision, PROBE_SECRET="canary-log")
    assert process.call("probe_get_noise")["structuredContent"] == {"done": "yes"}
    assert process.call("probe_get_pong", text="é €")["structuredContent"] == {"done": "é €"}
    process.hang_up()
    assert process.ended() == 0
    assert process.impure() == []
    assert "noise from print" in process.err
    assert "noise from os.write" in process.err
    (line,) = [json.loads(text) for text in process.err.splitlines() if "some.library" in text]
    assert (line["event"], line["level"], line["message"]) == ("log", "warning", "the secret is ***")
    assert "canary" not in process.err


def test_stdout_closed_by_the_client() -> None:
    """Its end of stdout is closed and its end of stdin is not: no answer can be written."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, PROBE], stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE, env=dict(os.environ)
    )
    os.close(write)
    os.close(read)
    assert process.stdin is not None
    process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    process.stdin.flush()
    assert process.wait(60) == 0  # it has to start first
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stdin.close()
    process.stderr.close()


def test_stderr_closed(start: Start) -> None:
    process = start(PROBE_ORPHANED_STDERR="1")
    for _ in range(3):
        assert process.call("probe_get_pong")["structuredContent"] == {"done": "pong"}
    process.hang_up()
    assert process.ended() == 0


def test_stdin_may_be_a_socket() -> None:
    """As Node starts its children: half of the connection is shut down, the other half stays open."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, PROBE],
        stdin=theirs.fileno(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )
    theirs.close()
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert process.stdout is not None
    for number, (method, params) in enumerate(
        (("initialize", hello), ("tools/call", {"name": "probe_get_blocked", "arguments": {}}))
    ):
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        ours.sendall(json.dumps(message).encode() + b"\n")
        if number == 0:
            assert b'"id":0' in process.stdout.readline()
    assert process.stderr is not None
    assert any(line == b"begun\n" for line in process.stderr)
    ours.shutdown(socket.SHUT_WR)
    assert process.wait(10) == 0  # the call would take 30 seconds
    ours.close()
    process.stdout.close()
    process.stderr.close()


def test_calls_twenty_in_parallel(start: Start) -> None:
    process = start()
    numbers = [process.ask("tools/call", name="probe_get_together", arguments={"count": 20}) for _ in range(20)]
    for number in numbers:
        assert process.answer(number)["result"]["structuredContent"] == {"done": "yes"}


def test_cancelled_call_is_stopped(start: Start) -> None:
    process = start()
    number = process.ask("tools/call", name="probe_get_sleep", arguments={})
    wait_until(lambda: "begun" in process.err)
    process.write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
    assert process.call("probe_get_pong")["structuredContent"] == {"done": "pong"}
    wait_until(lambda: '"outcome": "cancelled"' in process.err)


@pytest.mark.parametrize(
    ("line", "number", "code"),
    [
        (r'{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"probe_get_pong","arguments":{"text":"\ud800"}}}',
         77, -32700),
        (r'{"jsonrpc":"2.0","id":"a-1","method":"tools/list","params":{"x":"\ud800"}}', "a-1", -32700),
        ('{"jsonrpc":"2.0","method":"tools/list","params":' + "[" * 300 + "]" * 300 + ',"id":78}', 78, -32700),
        ('{"jsonrpc":"2.0","method":"x","params":{"n":' + "9" * 5000 + '},"id":79}', 79, -32700),
        ("{nonsense", None, -32700),
        ('{"jsonrpc":"1.0"}', None, -32600),
    ],
)  # fmt: skip
def test_unreadable_line_is_answered(process: Process, line: str, number: Any, code: int) -> None:
    before = process.err.count('"event": "unreadable"')
    assert process.popen.stdin is not None
    process.popen.stdin.write(line.encode() + b"\n")
    process.popen.stdin.flush()
    answer = process.answer(number)
    assert answer["error"]["code"] == code
    assert process.call("probe_get_pong", text="still here")["structuredContent"] == {"done": "still here"}
    wait_until(lambda: process.err.count('"event": "unreadable"') == before + 1)

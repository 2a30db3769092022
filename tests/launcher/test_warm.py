"""A server that was called lately is imported while its client is idle; real processes, as a client starts them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flotilla_cli.generator.discovery import META
from flotilla_launcher import warm

SLUG = "filesystem"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOTILLA_STATE", str(tmp_path))
    monkeypatch.setenv("FLOTILLA_DATA", str(tmp_path))
    return tmp_path


def called(state: Path, slug: str, seconds_ago: float) -> None:
    warm.note_call(str(state), slug)
    when = time.time() - seconds_ago
    os.utime(state / slug / warm.LAST_CALL, (when, when))


def test_warm_is_sooner_the_later_a_server_was_called(state: Path) -> None:
    for slug, seconds in (("a", 30), ("b", 10), ("c", 20), ("d", 40), ("old", warm.LATELY + 60)):
        called(state, slug, seconds)
    waits = [warm.seconds_to_wait(slug, in_image=False) for slug in ("b", "c", "a", "d", "old", "never")]
    assert waits == [warm.QUIET, 2 * warm.QUIET, 3 * warm.QUIET, 0, 0, 0]


@pytest.mark.parametrize(("value", "most"), [("off", 0), ("0", 0), ("1", 1), ("<UNKNOWN>", warm.DEFAULT), ("on", 3)])
def test_warm_budget(state: Path, monkeypatch: pytest.MonkeyPatch, value: str, most: int) -> None:
    monkeypatch.setenv("FLOTILLA_WARM", value)
    for number in range(5):
        called(state, f"s{number}", number)
    assert sum(warm.seconds_to_wait(f"s{number}", in_image=False) > 0 for number in range(5)) == most


def test_warm_is_off_in_an_image_unless_asked_for(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called(state, SLUG, 0)
    assert warm.seconds_to_wait(SLUG, in_image=True) == 0
    monkeypatch.setenv("FLOTILLA_WARM", "1")
    assert warm.seconds_to_wait(SLUG, in_image=True) > 0


def test_warm_without_a_state_folder_notes_nothing(tmp_path: Path) -> None:
    warm.note_call(str(tmp_path / "none"), SLUG)
    assert not (tmp_path / "none").exists()


def ask(process: subprocess.Popen[str], method: str, **params: object) -> dict[str, object]:
    assert process.stdin
    assert process.stdout
    request = {"jsonrpc": "2.0", "id": method, "method": method, "params": {**params, "_meta": META}}
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return dict(json.loads(process.stdout.readline())["result"])


@contextmanager
def listed() -> Iterator[subprocess.Popen[str]]:
    """A server that has answered discovery."""
    command = [sys.executable, "-m", "flotilla_launcher.__main__", SLUG]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-3, text=True) as process:
        ask(process, "tools/list")
        yield process
        assert process.stdin
        process.stdin.close()


def imported(process: subprocess.Popen[str]) -> bool:
    """Tell whether FastMCP's compiled parts are in the process."""
    return "pydantic_core" in Path(f"/proc/{process.pid}/maps").read_text()


def wait_for_import(process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not imported(process):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="a process's libraries are seen in /proc")
@pytest.mark.slow
def test_server_called_lately_is_imported_while_its_client_is_idle(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_WARM", "1")
    with listed() as first:
        assert ask(first, "tools/call", name="fs_list_directory", arguments={})["isError"] is False
    assert (state / SLUG / warm.LAST_CALL).exists()
    with listed() as second:
        wait_for_import(second)
        with listed() as third, (state / "warm-0.lock").open("w") as lock:
            with pytest.raises(BlockingIOError):  # the place is taken
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with pytest.raises(subprocess.TimeoutExpired):
                third.wait(3 * warm.QUIET)
            assert not imported(third)
        assert ask(second, "tools/call", name="fs_list_directory", arguments={})["isError"] is False
        assert len(ask(second, "tools/list")["tools"]) > 5  # type: ignore[arg-type]
    with (state / "warm-0.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free again

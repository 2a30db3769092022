"""A forked program does what one that Python started does, under another process id."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flotilla_testing.waiting import wait_until

pytestmark = pytest.mark.slow

PROGRAM = """
import os, sys, time
print(os.getpid(), sys.argv[1:], os.environ.get("COLOUR"), os.getcwd(), flush=True)
if sys.argv[1] == "echo":
    print(sys.stdin.read(), file=sys.stderr)
    sys.exit(3)
time.sleep(3600)
"""


@pytest.fixture
def program(probe: list[str], tmp_path: Path) -> list[str]:
    (tmp_path / "program.py").write_text(PROGRAM)
    return [*probe[:-1], str(tmp_path / "program.py")]


def test_forked_program_gets_what_it_was_given(program: list[str], tmp_path: Path) -> None:
    options: dict[str, Any] = {"env": {"COLOUR": "bleu"}, "cwd": tmp_path, "input": "é", "capture_output": True}
    done = subprocess.run([*program, "echo", "a b"], text=True, check=False, **options)
    assert done.returncode == 3
    assert done.stdout.split(" ", 1)[1] == f"['echo', 'a b'] bleu {tmp_path}\n"
    assert done.stderr == "é\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_forked_program_ends_with_its_process(program: list[str], number: int) -> None:
    with subprocess.Popen([*program, "sleep"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        pid = int(process.stdout.readline().split()[0])
        assert pid != process.pid
        process.send_signal(number)
        assert process.wait() == -number
        wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_forked_program_killed_ends_its_process(program: list[str]) -> None:
    with subprocess.Popen([*program, "sleep"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        os.kill(int(process.stdout.readline().split()[0]), signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

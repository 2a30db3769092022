"""A server that has a second program: its first argument names it."""

import os
import subprocess
import sys

import pytest


def run(*args: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the launcher with nothing to read."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FLOTILLA_", "TELEPHONY_"))}
    command = [sys.executable, "-m", "flotilla_launcher.__main__", *args]
    return subprocess.run(command, input="", capture_output=True, text=True, env=env, timeout=60, check=False)


def test_mode_runs_the_program_of_that_name() -> None:
    done = run("telephony", "bridge")
    assert done.returncode != 0
    assert done.stderr.startswith("flotilla-telephony bridge: TELEPHONY_")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argument", ["tools", "nothing", "../telephony/bridge", ""])
def test_mode_of_another_name_is_the_server(argument: str) -> None:
    done = run("telephony", argument)
    assert (done.returncode, done.stdout) == (0, "")
    assert "BRIDGE" not in done.stderr

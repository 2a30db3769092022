"""What a killed test run has left on an engine is removed, and what a living one uses is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flotilla_testing.leftovers import is_left, name_of_run


def test_is_left_only_where_the_run_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_left(f"{name_of_run('compose')}_default")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    monkeypatch.setattr(os, "getpid", lambda: ended.pid)
    assert is_left(f"{name_of_run('compose')}_default")
    assert is_left(f"localhost:5000/{name_of_run()}/calendly:1.0.0")


@pytest.mark.parametrize(
    "name", ["flotilla-data", "my-flotilla-test-p1-x", "flotilla-test-bench", "flotilla-test-p0x-1"]
)
def test_is_left_no_other_name(name: str) -> None:
    assert not is_left(name)

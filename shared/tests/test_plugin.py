"""The rule `unit_tests`: a run fails for each tool that none of the server's own tests called."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

ACCEPTANCE = """
    from flotilla_testing import plugin

    def test_unit_tests():
        plugin.expected["acme"] = {"acme_get_thing", "acme_list_things"}
"""
TESTS = """
    import pytest
    from flotilla_testing import ScratchServer, call

    server = ScratchServer("acme", title="Acme", description="Things.", category="test")

    @server.reads
    async def get_thing() -> dict[str, str]:
        \"\"\"Get.\"\"\"
        return {}

    @server.reads
    async def list_things() -> dict[str, str]:
        \"\"\"List.\"\"\"
        return {}

    async def test_get_thing():
        await call(server, "acme_get_thing")
"""
LISTS = """
    async def test_list_things():
        await call(server, "acme_list_things")
"""
SAID = "acme_list_things is called by no test of servers/acme/tests."


def ran(folder: Path, *tests: str, arguments: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run a made-up server's tests, with this text in its own ones; return the exit code and what was printed."""
    place = folder / "servers" / "acme" / "tests"
    place.mkdir(parents=True)
    (place / "test_acceptance.py").write_text(dedent(ACCEPTANCE))
    (place / "test_tools.py").write_text("".join(dedent(text) for text in tests))
    (place / "test_more.py").write_text("def test_more(): pass\n")
    options = ["--import-mode=importlib", "-p", "flotilla_testing.plugin", "-p", "no:cacheprovider"]
    options += ["-o", "asyncio_mode=auto", "--rootdir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(arguments or ["servers/acme"])],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadfile")], ids=["alone", "xdist"])
def test_unit_tests_tool_without_a_test_fails_the_run(tmp_path: Path, workers: tuple[str, ...]) -> None:
    code, text = ran(tmp_path, TESTS, "# list_things\n", arguments=("servers/acme", *workers))
    assert (code, "3 passed" in text, SAID in text) == (1, True, True), text
    assert "acme_get_thing is called" not in text


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadfile")], ids=["alone", "xdist"])
def test_unit_tests_every_tool_called_passes(tmp_path: Path, workers: tuple[str, ...]) -> None:
    code, text = ran(tmp_path, TESTS, LISTS, arguments=("servers/acme", *workers))
    assert (code, "4 passed" in text) == (0, True), text


@pytest.mark.parametrize(
    "arguments",
    [
        ("servers/acme/tests/test_acceptance.py", "servers/acme/tests/test_more.py"),
        ("servers/acme", "-k", "not test_get_thing"),
        ("servers/acme/tests/test_acceptance.py", "servers/acme/tests/test_tools.py::test_get_thing"),
    ],
)
def test_unit_tests_partial_run_not_judged(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, text = ran(tmp_path, TESTS, arguments=arguments)
    assert (code, "called by no test" in text) == (0, False), text


def test_collected_tests_are_not_searched_for_garbage() -> None:
    assert gc.get_freeze_count() > 10_000
    assert gc.isenabled()


def test_fsync_waits_for_no_disk() -> None:
    """A pipe has none, and fails to be written to it."""
    reading, writing = os.pipe()
    os.fsync(writing)
    os.close(reading)
    os.close(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fsync(writing)

"""What holds for every test (pytest: `-p flotilla_testing.plugin`).

Every test has secrets of its own, and the tools that servers' own tests call are counted: at the end of a run in which
a server's acceptance suite and all of its own tests took part, the run fails for each tool that none of them called.

Fixtures that many servers' tests want stand here too.
"""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flotilla import settings
from flotilla_launcher.naming import module_of
from flotilla_testing.postgresql import MISSING, postgresql_server, programs

ACCEPTANCE = "test_acceptance.py"
called: dict[str, set[str]] = defaultdict(set)  # server: its tools that its own tests called
expected: dict[str, set[str]] = {}  # server: the tools that must be called, where its acceptance suite has run
complete: set[str] = set()  # servers whose own tests all take part in this run
_running: list[Path] = []  # the file of the test that runs


@pytest.fixture(scope="session", autouse=True)
def no_wait_for_the_disk() -> Iterator[None]:
    """Nothing that a test writes is to survive a power cut, for which `os.fsync` would wait some thousand times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # which refuses what is not an open file, as it does
        yield


@pytest.fixture(autouse=True)
def secrets_of_its_own() -> Iterator[None]:
    """A secret that a test has set is not one in the next, where it may be an ordinary word."""
    before = set(settings._secrets.get())
    yield
    settings._secrets.get().intersection_update(before)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """A PostgreSQL server; gives a function that makes an empty database and returns its URL."""
    if not programs():
        pytest.skip(MISSING)
    with postgresql_server() as database:
        yield database


@pytest.fixture
def asked() -> list[str]:
    """What the person at the client was asked."""
    return []


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def uncalled() -> list[str]:
    """Return what is wrong under the rule `unit_tests`, in sentences."""
    return [
        f"{tool} is called by no test of servers/{slug}/tests."
        for slug, tools in sorted(expected.items())
        if slug in complete
        for tool in sorted(tools - called[slug])
    ]


@cache  # it is asked for each test and each call
def server_of(path: Path) -> str:
    """Return the server whose own test a file is; empty for other tests, its acceptance suite among them."""
    folders = path.parts[:-1]
    if "tests" not in folders or path.name == ACCEPTANCE:
        return ""
    folder = Path(*folders[: len(folders) - folders[::-1].index("tests")]).parent
    return folder.name if (folder / "tests" / ACCEPTANCE).is_file() else ""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without looking for garbage, then leave out of every search what stays until the end: tests, modules."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Remember the tests that there are, before any are deselected."""
    complete.clear()
    complete.update(_whole(items))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A server is not tried whole when one of its own tests is left out."""
    complete.difference_update({server_of(item.path) for item in items})


def _whole(items: Iterable[pytest.Item]) -> Iterator[str]:
    files: dict[str, set[Path]] = defaultdict(set)
    for item in items:
        files[server_of(item.path)].add(item.path)
    for slug, tried in files.items():
        tests = next(folder for folder in next(iter(tried)).parents if (folder / ACCEPTANCE).is_file() or not slug)
        if slug and {p for p in tests.rglob("test_*.py") if p.name != ACCEPTANCE} <= tried:
            yield slug


def pytest_collection_finish(session: pytest.Session) -> None:
    """Listen to the tools' calls, when a server's own tests are to run."""
    if not any(server_of(item.path) for item in session.items):
        return
    if any("::" in argument for argument in session.config.args):  # single tests were asked for
        complete.clear()
    from flotilla.calls.context import current
    from flotilla.tool import FleetTool

    run: Callable[..., Any] = FleetTool.run
    if hasattr(run, "counted"):
        return

    async def counted(self: FleetTool, arguments: dict[str, Any]) -> Any:
        connection = current().connection
        module = module_of(connection.integration.slug) if connection else ""
        if _running and server_of(_running[-1]) == module:
            called[module].add(self.name)
        return await run(self, arguments)

    counted.counted = True  # type: ignore[attr-defined]
    FleetTool.run = counted  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Remember which file's test runs, with its fixtures."""
    _running.append(item.path)
    try:
        return (yield)
    finally:
        _running.pop()


class _Workers:
    """What pytest-xdist's workers found, for the process that sums up."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker found."""
        output = getattr(node, "workeroutput", {})
        for slug, tools in output.get("flotilla_called", {}).items():
            called[slug].update(tools)
        expected.update({slug: set(tools) for slug, tools in output.get("flotilla_expected", {}).items()})
        complete.update(output.get("flotilla_complete", ()))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--every-tool`."""
    explanation = "acceptance suite: every way to fail on every tool, and 200 generated argument sets for each"
    parser.addoption("--every-tool", action="store_true", help=explanation)


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run."""
    config.pluginmanager.register(_Workers())


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over, or judge; a run that was stopped is not judged."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["flotilla_called"] = {slug: sorted(tools) for slug, tools in called.items()}
        session.config.workeroutput["flotilla_expected"] = {slug: sorted(tools) for slug, tools in expected.items()}
        session.config.workeroutput["flotilla_complete"] = sorted(complete)
    elif session.shouldstop or session.shouldfail:
        complete.clear()
    elif uncalled() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which tools no test called."""
    if problems := uncalled():
        terminalreporter.section("unit_tests (quality.yaml)", red=True)
        for problem in problems:
            terminalreporter.write_line(problem)

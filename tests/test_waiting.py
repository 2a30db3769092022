"""No test sleeps or asserts elapsed time: on a busy machine it would be slow, and fail for no reason.

What a test waits for is an event, or a condition that is polled (`flotilla_testing.waiting`); time that the library
counts comes from a fake clock. Allowed are a sleep of 0, one inside a `while` (polling), and one of 5 seconds or more
(a call that never ends, which nobody waits for).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLOCKS = {"monotonic", "perf_counter", "process_time"}
ENDLESS = 5  # seconds
EXCEPTIONS = {  # a file or folder, and why nothing better is at hand there
    "shared/tests/programs/probe.py": "Its tools are the calls in flight, as long as a test asks for.",
    "shared/tests/test_audit.py": "A vendor takes a moment, which is then in the audit line.",
    "shared/tests/test_auth.py": "The token endpoint, in a thread, takes a moment, so that parallel calls meet.",
    "shared/tests/test_renewal.py": "The token endpoint outlasts the process that asked it.",
    "shared/tests/test_calls.py": "Not yet moved to events and the loop's clock.",
    "shared/tests/test_confirm.py": "Not yet moved to the loop's clock.",
    "shared/tests/test_idempotency.py": "Not yet moved to events.",
    "shared/tests/test_state.py": "Not yet moved to events.",
    "shared/tests/test_limits.py": "The server's own timer closes slow connections; set to a fraction of a second.",
    "tests/oauth/test_refresh.py": "The token endpoint, in a thread, takes a moment, so that parallel calls meet.",
    "tests/conformance/fixture.py": "The conformance suite asks for tools that take a moment.",
    "tests/scenarios/host/atelier.py": "A server whose answer takes a moment, as long as a test asks for.",
    "tests/docker/": "Containers and gateways are other processes with clocks of their own.",
    "tests/launcher/": "Processes that block on full or empty pipes, which nobody can see.",
    "servers/switchboard/tests/": "Servers that are slow, and a person who takes longer than a deadline.",
    "servers/filesystem/tests/test_tools.py": "A thread that should have stopped tells nobody.",
}
FILES = sorted(
    path
    for folder in ("shared/tests", "servers", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" in path.relative_to(ROOT).parts and "bench" not in path.parts and "node_modules" not in path.parts
)


def waits(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that sleep or assert elapsed time."""
    tree = ast.parse(source)
    polling = {id(node) for loop in ast.walk(tree) if isinstance(loop, ast.While) for node in ast.walk(loop)}
    clocks = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(_is_clock(part) for part in ast.walk(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if id(node) in polling:
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep":
            seconds = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if not isinstance(seconds, int | float) or 0 < seconds < ENDLESS:
                yield node.lineno, "sleeps"
        if isinstance(node, ast.Assert) and any(isinstance(part, ast.Compare) for part in ast.walk(node.test)):
            parts = list(ast.walk(node.test))
            if any(_is_clock(p) or (isinstance(p, ast.Name) and p.id in clocks) for p in parts):
                yield node.lineno, "asserts elapsed time"


def _is_clock(node: ast.AST) -> bool:
    """Tell whether this reads a clock: time.monotonic() and the like."""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr in CLOCKS and _name(function.value) == "time"


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def test_tests_do_not_wait() -> None:
    problems = [
        f"{path.relative_to(ROOT)}:{line} {label}"
        for path in FILES
        if not path.relative_to(ROOT).as_posix().startswith(tuple(EXCEPTIONS))
        for line, label in waits(path.read_text(encoding="utf-8"))
    ]
    assert problems == [], "wait for an event, or see flotilla_testing.waiting"


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("time.sleep(0.3)", "sleeps"),
        ("await asyncio.sleep(pause)", "sleeps"),
        ("begun = time.monotonic()\nassert time.monotonic() - begun < 2", "asserts elapsed time"),
        ("took = time.monotonic() - begun\nassert took < 2", "asserts elapsed time"),
        ("await asyncio.sleep(0)", ""),
        ("await asyncio.sleep(30)", ""),
        ("while not done():\n    assert time.monotonic() < end\n    time.sleep(0.1)", ""),
    ],
)
def test_waits(source: str, label: str) -> None:
    assert [text for _, text in waits(source)] == ([label] if label else [])

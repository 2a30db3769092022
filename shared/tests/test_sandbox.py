"""The process that reads what strangers wrote: what it may do, and how it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from flotilla_launcher import sandbox

MEMORY = 256 * 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that processes can import; a test writes it."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path / "sandboxed_module.py"


def run(module: Path, body: str, seconds: float = 20, memory: int = MEMORY, **more: object) -> sandbox.Outcome:
    module.write_text("import os, socket, subprocess\n\ndef main(job, document):\n" + body)
    return sandbox.run("sandboxed_module", {"a": "é"}, seconds=seconds, memory=memory, **more)  # type: ignore[arg-type]


def test_run_gives_job_and_document_and_returns_results(module: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Été")
    with open(tmp_path / "a.txt", "rb") as file:
        outcome = run(module, "    yield job\n    yield {'read': document.read().decode()}\n", document=file)
    assert outcome == sandbox.Outcome([{"a": "é"}, {"read": "Été"}], "done")


def test_run_has_no_environment(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_PASSWORD", "secret")
    names = set(run(module, "    yield {'names': sorted(os.environ)}\n").results[0]["names"])
    assert not names & set(os.environ) - {"LC_CTYPE"}  # which Python itself sets


@pytest.mark.parametrize(
    "action",
    [
        "socket.socket()",
        "socket.getaddrinfo('localhost', 80)",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "open('/etc/passwd')",
        "open('/tmp/flotilla-sandbox-test', 'w')",
        "os.open('/etc/passwd', os.O_RDONLY)",
        "os.remove('/tmp/flotilla-sandbox-test')",
        "os.kill(1, 0)",
    ],
)
def test_run_refuses_what_leads_out_of_the_process(module: Path, action: str) -> None:
    outcome = run(
        module,
        f"    try:\n        {action}\n    except PermissionError as problem:\n        yield {{'no': str(problem)}}\n",
    )
    assert [result["no"].endswith("is not allowed here") for result in outcome.results] == [True]


def test_run_imports_modules_of_python_afterwards(module: Path) -> None:
    assert run(module, "    import wave\n    yield {'name': wave.__name__}\n").results == [{"name": "wave"}]


@pytest.mark.parametrize(
    ("body", "ended"),
    [
        ("    yield {'n': 1}\n    while True: pass\n", "time"),
        ("    yield {'n': 1}\n    raise ValueError('x')\n", "crash"),
        ("    yield {'n': 1}\n    os._exit(3)\n", "crash"),
        pytest.param("    yield {'n': 1}\n    yield {'m': len(bytearray(2**30))}\n", "memory", marks=linux),
    ],
)
def test_run_keeps_the_results_until_a_bad_end(module: Path, body: str, ended: str) -> None:
    assert run(module, body, seconds=3) == sandbox.Outcome([{"n": 1}], ended)  # type: ignore[arg-type]


def test_run_leaves_out_a_result_that_was_not_finished(module: Path) -> None:
    body = "    yield {'n': 1}\n    os.write(1, b'{\"n\": ')\n    os._exit(0)\n"
    assert run(module, body).results == [{"n": 1}]


@linux
def test_run_bounds_the_size_of_results(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = run(module, "    while True: yield {'text': 'x' * 2**20}\n")
    assert outcome.ended == "crash"
    assert len(outcome.results) <= sandbox.LARGEST_RESULT // 2**20

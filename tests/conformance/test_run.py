"""The conformance run's own table, and its end: what it prints is what the suite found, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
SUITE = """#!{python}
import pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1]) / "server-stateless-2026-01-01T00-00-00-000Z"
out.mkdir(parents=True)
(out / "checks.json").write_text({checks!r})
"""


@pytest.fixture(scope="module")
def run() -> Any:
    spec = importlib.util.spec_from_file_location("flotilla_test_conformance_run", HERE / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        ([], "1/1"),
        (["sep-1"], "1/1 (1 check not offered)"),
        (["sep-1", "sep-2"], "1/1 (2 checks not offered)"),
        (["sep-1", "sep-3"], "0/1"),
    ],
)
def test_suite_row_reports_excused_checks(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: list[str], says: str
) -> None:
    """A server's row says that checks were left out, as the fixture's row does."""
    monkeypatch.setattr(run, "BUILD", tmp_path)
    checks = [{"id": "sep-0", "status": "SUCCESS"}, *({"id": name, "status": "FAILURE"} for name in failing)]
    suite = tmp_path / "suite"
    suite.write_text(SUITE.format(python=sys.executable, checks=json.dumps(checks)))
    suite.chmod(0o755)
    expected = tmp_path / "expected.yaml"
    expected.write_text("server:\n  - stateless:sep-1\n  - stateless:sep-2\n")
    row = run.suite(str(suite), "http://127.0.0.1/mcp", "x", "2026-07-28", expected, "--scenario", "server-stateless")
    assert str(row) == says


def test_authorized_ends_quietly_with_an_open_stream(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A client that never hangs up is not a reason for a traceback in a green run."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with run.authorized(server.getsockname()[1]) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answering, _ = server.accept()
            assert b"Bearer" in answering.recv(1000)
        client.close()
        answering.close()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []

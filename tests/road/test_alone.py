"""One server alone, without Docker: its console script, and uvx from a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flotilla.manifest.fleet import ROOT

sys.path.append(str(ROOT))  # the benchmark speaks to servers in the plainest way there is
from tests.bench.inside import Session

BIN = Path(sys.executable).parent


def works(command: list[str], data: Path) -> None:
    session = Session(command, {"FLOTILLA_DATA": str(data)})
    session.listed()
    note = {"name": "fs_write_file", "arguments": {"path": "été.txt", "content": "12 €"}}
    assert session.ask("tools/call", note)["result"]["structuredContent"]["path"] == "été.txt"
    session.close()
    assert (data / "été.txt").read_text(encoding="utf-8") == "12 €"


def test_a_console_script(tmp_path: Path) -> None:
    works([str(BIN / "flotilla-filesystem")], tmp_path)


@pytest.mark.slow
def test_uvx_from_a_checkout(tmp_path: Path) -> None:
    works([str(BIN / "uvx"), "--from", str(ROOT), "flotilla-filesystem"], tmp_path)

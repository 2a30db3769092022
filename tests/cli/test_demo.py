"""`make demo` with servers as processes and in containers: the work is done, and nothing of it is left."""

from __future__ import annotations

import email
import email.policy
import tempfile
from pathlib import Path

import pytest

from flotilla_cli import paths, system

from .conftest import OWNER, ROOT, Script, no_engine

CALLS = 8
pytestmark = pytest.mark.slow


def leftovers() -> list[str]:
    result = [str(path) for path in Path(tempfile.gettempdir()).glob("flotilla-demo-*")]
    result += [str(path) for path in (paths.mcp_home() / "catalogs").glob(f"{OWNER}-demo-*")]
    result += [
        name
        for name in (system.docker("volume", "ls", "--format", "{{.Name}}") or "").split()
        if name.startswith(f"{OWNER}-demo-")
    ]
    return result + [c["Names"] for c in system.containers() if c["Names"].startswith(OWNER)]


@pytest.mark.parametrize("engine", [pytest.param("docker", marks=pytest.mark.docker), "none"])
def test_demo(home: Path, script: Script, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    if engine == "docker":
        monkeypatch.delenv("FLOTILLA_ENGINE")
        if no_engine():
            pytest.skip("no Docker engine answers; scripts/engine installs or starts one")
    output = script("demo").stdout
    assert ("in containers" if engine == "docker" else "as local processes") in output
    assert output.count(" ms") == CALLS + 2
    for tool in (
        "fs_write_file",
        "export_create_report_pdf",
        "export_create_csv",
        "export_create_xlsx",
        "email_send_email",
    ):
        assert tool in output
    assert "Read back from the mail server" in output
    folder = ROOT / "build" / "demo"
    mail = email.message_from_bytes((folder / "mail.eml").read_bytes(), policy=email.policy.default)
    assert "€ encaissés" in mail["Subject"]
    assert (folder / "rapport.pdf").read_bytes().startswith(b"%PDF")
    assert leftovers() == []

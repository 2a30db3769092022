"""The TypeScript SDKs, v1 and v2, as clients of a server of this checkout and of the switchboard; no engine needed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
pytestmark = pytest.mark.node

SDKS = [("v1", None, None), ("v2", "legacy", "2025-11-25"), ("v2", "auto", "2026-07-28")]
Run = Callable[..., dict[str, Any]]


def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "FLOTILLA_DATA": str(tmp_path)}


def commands(tmp_path: Path) -> dict[str, dict[str, Any]]:
    options = ["--servers", "filesystem", "--run", "process", "--data", str(tmp_path), "--state", str(tmp_path)]
    options += ["--permissions", "off", "--notes", "off"]
    env = environment(tmp_path)
    return {
        "alone": {"command": str(BIN / "flotilla-filesystem"), "args": [], "env": env},
        "switchboard": {"command": str(BIN / "flotilla-switchboard"), "args": options, "env": env},
    }


@pytest.mark.parametrize(("sdk", "mode", "version"), SDKS)
@pytest.mark.parametrize("server", ["alone", "switchboard"])
def test_sdk_works_with_files(
    typescript: Run, tmp_path: Path, server: str, sdk: str, mode: str | None, version: str | None
) -> None:
    """The SDK lists, writes, reads and deletes files."""
    got = typescript(
        sdk=sdk,
        mode=mode,
        stdio=commands(tmp_path)[server],
        answer={"confirm": True},
        steps=[
            {"list": True},
            {"call": "fs_write_file", "arguments": {"path": "é/€.txt", "content": "œuf\n"}},
            {"call": "fs_read_file", "arguments": {"path": "é/€.txt"}},
            {"call": "fs_delete_file", "arguments": {"path": "é/€.txt"}},
            {"call": "fs_read_file", "arguments": {"path": "é/€.txt"}},
        ],
    )
    listed, written, read, deleted, gone = got["results"]
    discovery = json.loads((ROOT / "servers" / "filesystem" / "discovery.json").read_text(encoding="utf-8"))
    assert [tool["name"] for tool in listed] == [tool["name"] for tool in discovery["tools"]]
    assert version is None or got["version"] == version
    assert written["structuredContent"]["path"] == "é/€.txt"
    assert read["structuredContent"]["content"] == "œuf\n"
    assert len(got["asked"]) == 1
    assert not deleted.get("isError")
    assert gone["isError"]
    assert gone["content"][0]["text"].startswith("Error:")
    assert list(tmp_path.glob("é/*")) == []


@pytest.mark.parametrize(("sdk", "mode", "version"), SDKS)
def test_sdk_client_without_elicitation_gets_a_preview(
    typescript: Run, tmp_path: Path, sdk: str, mode: str | None, version: str | None
) -> None:
    (tmp_path / "a.txt").write_text("x")
    got = typescript(
        sdk=sdk,
        mode=mode,
        stdio=commands(tmp_path)["switchboard"],
        steps=[{"call": "fs_delete_file", "arguments": {"path": "a.txt"}}],
    )
    assert got["results"][0]["structuredContent"]["preview"]["confirm_token"]
    assert (tmp_path / "a.txt").exists()


def test_package_lock_without_registry_and_with_exact_versions() -> None:
    lock = json.loads((ROOT / "tests" / "clients" / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all(package.get("integrity") for name, package in lock["packages"].items() if name)
    pins = json.loads((ROOT / "tests" / "clients" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())

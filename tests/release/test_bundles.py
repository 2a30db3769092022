"""The bundles for Claude Desktop: accepted, signed and unpacked by the official command line, `mcpb`."""

from __future__ import annotations

import io
import json
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from flotilla_cli.release import packages
from flotilla_launcher.version import VERSION
from tests.conftest import CLIENTS

NAMES = ["switchboard", "files"]
WHEELS = [f"flotilla_{part}-{VERSION}-py3-none-any.whl" for part in ("fleet", "mcp")]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Files that are called as the wheels are."""
    for name in WHEELS:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.fixture
def mcpb(node: str) -> Any:
    def run(*arguments: str | Path) -> str:
        program = CLIENTS / "node_modules" / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"
        done = subprocess.run([node, program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", NAMES)
def test_bundle_same_input_same_bytes(dist: Path, name: str) -> None:
    made = packages.bundle(name, VERSION, dist, 1_700_000_000)
    assert made == packages.bundle(name, VERSION, dist, 1_700_000_000)
    (dist / WHEELS[0]).write_bytes(b"changed")
    assert made != packages.bundle(name, VERSION, dist, 1_700_000_000)


def test_bundle_of_a_version_that_python_writes_otherwise(tmp_path: Path) -> None:
    for part in ("fleet", "mcp"):
        (tmp_path / f"flotilla_{part}-1.3.0rc1-py3-none-any.whl").touch()
    with zipfile.ZipFile(io.BytesIO(packages.bundle("files", "1.3.0-rc.1", tmp_path, 1_700_000_000))) as archive:
        about = tomllib.loads(archive.read("pyproject.toml").decode())
        assert {path["path"] for path in about["tool"]["uv"]["sources"].values()} <= set(archive.namelist())


@pytest.mark.parametrize("name", NAMES)
def test_bundle_pins_what_it_installs(name: str) -> None:
    about = tomllib.loads(packages.project(name, VERSION, WHEELS))
    assert {path["path"] for path in about["tool"]["uv"]["sources"].values()} == {f"wheels/{w}" for w in WHEELS}
    requirements = [Requirement(line) for line in about["tool"]["uv"]["constraint-dependencies"]]
    pinned = {requirement.name for requirement in requirements}
    versions = {(one.name, str(one.marker)) for one in requirements}
    assert len(versions) == len(requirements), "two versions of one package"
    assert {"fastmcp", "mcp", "pydantic-core", "reportlab", "pypdf"} <= pinned


def test_bundle_asks_for_no_secret() -> None:
    """Keys stay in the secrets file; a bundle only asks where that is."""
    for name in NAMES:
        manifest = packages.manifest(name, "x", "x", VERSION)
        asked = set(manifest["user_config"])
        assert asked <= {"secrets", "data"}
        text = json.dumps(manifest["server"])
        assert all(f"${{user_config.{one}}}" in text for one in asked)


@pytest.mark.node
@pytest.mark.parametrize("name", NAMES)
def test_bundle_signed_and_unpacked(dist: Path, tmp_path: Path, mcpb: Any, name: str) -> None:
    """OpenSSL verifies the signature: `mcpb verify` 2.1.2 calls every bundle unsigned, since its library cannot."""
    content = packages.bundle(name, VERSION, dist, 1_700_000_000)
    path, certificate, key = tmp_path / "b.mcpb", tmp_path / "cert.pem", tmp_path / "cert.key"
    path.write_bytes(content)
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "2"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    mcpb("sign", "--cert", certificate, "--key", key, path)
    signed = path.read_bytes()
    assert signed.startswith(content)
    block = signed[len(content) :].removeprefix(b"MCPB_SIG_V1").removesuffix(b"MCPB_SIG_END")
    (tmp_path / "signature").write_bytes(block[4:])
    (tmp_path / "content").write_bytes(content)
    verify = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null"]
    verify += ["-in", tmp_path / "signature", "-content", tmp_path / "content", "-CAfile", certificate]
    subprocess.run(verify, check=True, capture_output=True)
    mcpb("unpack", path, tmp_path / "unpacked")
    assert "passes" in mcpb("validate", tmp_path / "unpacked" / "manifest.json")
    with zipfile.ZipFile(tmp_path / "content") as archive:
        for item in archive.namelist():
            assert (tmp_path / "unpacked" / item).read_bytes() == archive.read(item)

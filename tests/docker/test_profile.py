"""A profile of the Docker MCP plugin: `docker mcp profile create --server file://…`."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from flotilla_cli import paths, secrets_file
from flotilla_launcher.naming import catalog_name
from flotilla_launcher.user_files import read_document

from .conftest import MISSING, RUN, called


@pytest.fixture
def profile(volume: str, record_property: Callable[[str, object], None]) -> Iterator[str]:
    """A profile of the servers that need no account, from the generated catalog."""
    if MISSING["docker-gateway"]:
        pytest.skip(MISSING["docker-gateway"])
    record_property("gateway", "docker-gateway")
    name = f"{RUN}-{secrets.token_hex(4)}"
    catalog = read_document(paths.CATALOG)
    chosen = map(catalog_name, ("filesystem", "export"))
    catalog["registry"] = {key: catalog["registry"][key] for key in chosen}
    for server in catalog["registry"].values():
        server["volumes"] = [f"{volume}:/data", f"{volume}-state:/state"]
    path = paths.mcp_home() / "catalogs" / f"{name}.yaml"
    paths.write(path, yaml.safe_dump(catalog, allow_unicode=True))
    try:
        made = ["docker", "mcp", "profile", "create", "--name", name, "--server", f"file://{path.name}"]
        done = subprocess.run(made, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        identity = name.replace("-", "_")
        shown = subprocess.run(["docker", "mcp", "profile", "ls"], capture_output=True, text=True, check=True).stdout
        yield identity if identity in shown else name
    finally:
        path.unlink()
        for params in {name, name.replace("-", "_")}:
            subprocess.run(["docker", "mcp", "profile", "remove", params], capture_output=True, check=False)


async def test_profile_serves_the_tools(profile: str, tmp_path: Path) -> None:
    """Only Docker Desktop resolves the secrets of a profile: elsewhere guards are unknown, and nothing is offered."""
    args = ["mcp", "gateway", "run", "--profile", profile]
    transport = StdioTransport("docker", args, env=dict(os.environ), keep_alive=False, log_file=tmp_path / "log")
    async with Client(transport, timeout=60) as client:
        names = {tool.name for tool in await client.list_tools()}
        if not secrets_file.has_keychain():
            assert names.isdisjoint({"fs_write_file", "export_create_csv"})
            return
        assert {"fs_write_file", "export_create_csv"} <= names
        await called(client, "fs_write_file", path="é.txt", content="œuf")
        assert (await called(client, "fs_read_file", path="é.txt"))["content"] == "œuf"


def test_profile_accepts_every_server_of_the_catalog(tmp_path: Path) -> None:
    """No required setting: one that is missing would stop the whole profile."""
    if MISSING["docker-gateway"]:
        pytest.skip(MISSING["docker-gateway"])
    name = f"{RUN}-{secrets.token_hex(4)}"
    path = paths.mcp_home() / "catalogs" / f"{name}.yaml"
    paths.write(path, paths.CATALOG.read_text(encoding="utf-8"))
    try:
        made = ["docker", "mcp", "profile", "create", "--name", name, "--server", f"file://{path.name}"]
        done = subprocess.run(made, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        dry = ["docker", "mcp", "gateway", "run", "--dry-run", "--profile", name.replace("-", "_")]
        done = subprocess.run(dry, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    finally:
        path.unlink()
        for params in {name, name.replace("-", "_")}:
            subprocess.run(["docker", "mcp", "profile", "remove", params], capture_output=True, check=False)

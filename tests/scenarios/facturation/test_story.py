"""The accountant's day through each door that this machine has: the switchboard with processes and with containers,
and Docker's gateway. What is written to the data folder is read back by the filesystem server."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from flotilla_cli.generator.documents import catalog_entry
from flotilla_cli.generator.servers import server_of
from flotilla_launcher.naming import catalog_name, image, module_of
from flotilla_testing import FakeVendor, text_of

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
from flotilla_cli import paths as place
from flotilla_cli import system as machine  # noqa: E402 - the road's own eyes, found above

SERVERS = ("facturation-pro", "filesystem")
NAME = f"flotilla-test-facturation-{secrets.token_hex(3)}"  # of this run alone
DOORS = ("process", *(pytest.param(door, marks=pytest.mark.docker) for door in ("docker", "gateway")))
ERAS = ("legacy", "2026-07-28")


def load(name: str) -> Any:
    """Return a module of the server's own tests."""
    path = ROOT / "servers" / "facturation-pro" / "tests" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"facturation_story_{name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def missing(door: str) -> str:
    """Tell why a door cannot be tried on this machine; nothing when it can."""
    if door == "process":
        return ""
    if machine.docker("info", "--format", "{{.ServerVersion}}", timeout=20) is None:
        return "no Docker engine answers here: scripts/engine"
    if door == "gateway" and machine.gateway_plugin() is None:
        return "the Docker MCP plugin is not here"
    lacking = [slug for slug in SERVERS if not machine.docker("image", "inspect", image(slug))]
    return f"no image of {', '.join(lacking)}: make build S='{' '.join(lacking)}'" if lacking else ""


class Office:
    """The accountant's machine: a folder, a door, and the vendor behind it."""

    def __init__(self, folder: Path, door: str, vendor: FakeVendor) -> None:
        self.folder, self.door = folder, door
        self.config = {
            "facturation-pro": {
                "base_url": vendor.url,
                "identifier": "12345",
                "tier": "all",
                "confirm": "off",
            },
            "filesystem": {"tier": "all"},
        }

    def _catalog(self) -> Path:
        registry = {}
        given = [str(value) for mine in self.config.values() for value in mine.values()]
        clear = {urlsplit(url).netloc for url in given if url.startswith("http://")}  # stand-ins speak no TLS
        for slug in SERVERS:
            found = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8"))
            entry = {**catalog_entry(server_of(slug), found), "volumes": [f"{NAME}:/data", f"{NAME}:/state"]}
            entry.pop("allowHosts", None)  # of the real vendor
            plain = {"name": "FLOTILLA_PLAIN_HTTP", "value": ",".join(sorted(clear))}
            registry[catalog_name(slug)] = {**entry, "env": [*entry.get("env", []), plain]}
        path = self.folder / "catalog.yaml"
        if self.door == "gateway":
            path = place.mcp_home() / "catalogs" / f"{NAME}.yaml"
        place.write(path, yaml.safe_dump({"name": NAME, "registry": registry}, allow_unicode=True))
        return path

    def command(self) -> list[str]:
        """Return how the door is started."""
        catalog, names = self._catalog(), ",".join(map(catalog_name, SERVERS))
        (self.folder / "config.yaml").write_text("{}")
        given = {
            f"{catalog_name(slug)}.{name}": value for slug, mine in self.config.items() for name, value in mine.items()
        }
        given["flotilla-facturation-pro.api_key"] = "clef-de-test"
        (self.folder / "secrets.env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
        files = ["--secrets", str(self.folder / "secrets.env"), "--config", str(self.folder / "config.yaml")]
        if self.door == "gateway":
            return ["docker", "mcp", "gateway", "run", "--catalog", catalog.name, "--servers", names, *files]
        (self.folder / "data").mkdir(exist_ok=True)
        run = ["--run", self.door, "--owner", NAME, "--data", str(self.folder / "data")]
        run += ["--state", str(self.folder / "state")]
        return [str(place.VENV / "flotilla-switchboard"), "--catalog", str(catalog), "--servers", names, *files, *run]

    @asynccontextmanager
    async def client(self, mode: str) -> AsyncIterator[Client[Any]]:
        """Open the door with a client in front of it."""
        command = self.command()
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("FLOTILLA_", "FACTURATION_"))}
        log = self.folder / "door.log"
        transport = StdioTransport(command[0], command[1:], env=kept, keep_alive=False, log_file=log)
        async with Client(transport, timeout=60, mode=mode) as client:
            yield client


class Shared:
    """The data folder through the filesystem server."""

    def __init__(self, client: Client[Any]) -> None:
        self.client = client

    async def _call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool_mcp(tool, arguments)
        assert not result.is_error, text_of(result)
        return dict(result.structured_content or json.loads(text_of(result)))

    async def read(self, path: str) -> bytes:
        return base64.b64decode((await self._call("fs_read_file", path=path, encoding="base64"))["content"])

    async def write(self, path: str, data: bytes) -> None:
        await self._call("fs_write_file", path=path, content=base64.b64encode(data).decode(), encoding="base64")


@pytest.fixture(params=DOORS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Office, Any]]:
    if why := missing(request.param):
        pytest.skip(why)
    bridge = ""
    if request.param != "process":
        bridge = machine.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}") or ""
    books = load("vendor_fake").Accounts()
    with FakeVendor(books, host=bridge or "127.0.0.1") as vendor:
        yield Office(tmp_path, request.param, vendor), books
    if request.param != "process":
        machine.docker("volume", "rm", "--force", NAME)


@pytest.mark.parametrize("era", ERAS)
async def test_an_accountants_day(office: tuple[Office, Any], era: str) -> None:
    here, books = office
    if here.door == "gateway" and era != "legacy":
        pytest.skip("Docker's gateway speaks up to 2025-11-25")
    async with here.client(era) as client:

        async def ask(tool: str, /, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool_mcp(f"facturation_{tool}", arguments)
            assert not result.is_error, text_of(result)
            if tool == "download_invoice" and era == "2026-07-28":
                links = [part for part in result.content if part.type == "resource_link"]
                assert [str(link.uri) for link in links] == [f"file:///data/{result.structured_content['path']}"]
            return dict(result.structured_content or json.loads(text_of(result)))

        await load("accountant").day(ask, Shared(client), books)

"""An agency: a GoHighLevel and a Notion that remember, every door of this machine, and who speaks at it."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from flotilla_cli.generator.documents import catalog_entry
from flotilla_cli.generator.servers import server_of
from flotilla_launcher.naming import catalog_name, image, module_of
from flotilla_servers.gohighlevel.tests.fake import TOKEN, FakeGoHighLevel
from flotilla_servers.notion.tests.fake import TOKEN as NOTION_TOKEN
from flotilla_servers.notion.tests.fake import FakeNotion
from flotilla_servers.notion.tests.workspace import Workspace, furnish
from flotilla_testing import FakeVendor

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
from flotilla_cli import paths as place
from flotilla_cli import system as machine  # noqa: E402 - the road's own eyes, found above

SERVERS = ("gohighlevel", "notion")
OWNER = f"flotilla-test-agency-{secrets.token_hex(3)}"  # of this run alone
DOORS = ("process", *(pytest.param(door, marks=pytest.mark.docker) for door in ("docker", "gateway")))
OURS = ("FLOTILLA_", "GOHIGHLEVEL_", "NOTION_")


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


@dataclass
class Agent:
    """Who does what was asked: calls tools, and tells at the end what was done, what was not, and what is in doubt."""

    client: Client[Any]
    key: str  # of the conversation: the idempotency keys begin with it
    calls: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
        """Return what a tool gives, and the words of its error: one of the two is empty."""
        self.calls.append(tool)
        result = await self.client.call_tool_mcp(tool, arguments)
        words = "".join(getattr(part, "text", "") for part in result.content)
        return ({}, words) if result.is_error else (dict(result.structured_content or {}), "")

    async def does(self, what: str, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that changes something, and note how it went."""
        given, words = await self.call(tool, **arguments)
        if not words:
            self.done.append(what)
        else:
            (self.doubtful if "may or may not" in words else self.undone).append(f"{what} ({words})")
        return given

    def settled(self, what: str) -> None:
        """Note that something in doubt was looked at, and is there."""
        self.doubtful = [line for line in self.doubtful if not line.startswith(what)]
        self.done.append(what)

    def forget(self, what: str) -> None:
        """Note that something in doubt was looked at, and is not there: it will be tried again."""
        self.doubtful = [line for line in self.doubtful if not line.startswith(what)]

    @property
    def report(self) -> str:
        """The final text."""
        told = {"Done": self.done, "Not done": self.undone, "In doubt": self.doubtful}
        return "\n".join(f"{head}: {'; '.join(lines)}." for head, lines in told.items() if lines)


@dataclass
class Agency:
    """The two vendors, and the way to them. Everything outlives the door, as it does in real life."""

    door: str
    folder: Path
    ghl: FakeGoHighLevel
    notion: FakeNotion
    desk: Workspace
    volume: str

    def _command(self) -> list[str]:
        registry = {}
        for slug in SERVERS:
            found = json.loads((ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8"))
            entry = {
                **catalog_entry(server_of(slug), found),
                "volumes": [f"{self.volume}:/data", f"{self.volume}:/state"],
            }
            entry.pop("allowHosts", None)  # of the real vendors
            plain = {"name": "FLOTILLA_PLAIN_HTTP", "value": _address(self.door)}
            registry[catalog_name(slug)] = {**entry, "env": [*entry.get("env", []), plain]}
        catalog = self.folder / "catalog.yaml"
        if self.door == "gateway":
            catalog = place.mcp_home() / "catalogs" / f"{self.volume}.yaml"
        place.write(catalog, yaml.safe_dump({"name": self.volume, "registry": registry}, allow_unicode=True))
        (self.folder / "config.yaml").write_text("{}")
        keys = f"flotilla-gohighlevel.token={TOKEN}\nflotilla-notion.token={NOTION_TOKEN}\n"
        keys += f"flotilla-gohighlevel.base_url={self.ghl.vendor.url}\nflotilla-notion.base_url={self.notion.url}\n"
        place.write(self.folder / "secrets.env", keys)
        files = ["--secrets", str(self.folder / "secrets.env"), "--config", str(self.folder / "config.yaml")]
        names = ",".join(map(catalog_name, SERVERS))
        if self.door == "gateway":
            return ["docker", "mcp", "gateway", "run", "--catalog", catalog.name, "--servers", names, *files]
        (self.folder / "data").mkdir(exist_ok=True)
        run = ["--run", self.door, "--owner", OWNER, "--data", str(self.folder / "data")]
        run += ["--state", str(self.folder / "state")]
        board = str(place.VENV / "flotilla-switchboard")
        return [board, "--catalog", str(catalog), "--servers", names, *files, *run]

    @asynccontextmanager
    async def agent(self, key: str = "call-7") -> AsyncIterator[Agent]:
        """Open the door and sit somebody down in front of it."""
        command = self._command()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        log = self.folder / "door.log"
        transport = StdioTransport(command[0], command[1:], env=kept, keep_alive=False, log_file=log)
        async with Client(transport, timeout=60) as client:
            yield Agent(client, key)


def _address(door: str) -> str:
    """Return an address of this machine that the servers behind a door reach."""
    if door == "process":
        return "127.0.0.1"
    return machine.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}") or ""


@pytest.fixture(params=DOORS)
def agency(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agency]:
    """An agency behind each kind of door that is here."""
    if why := missing(request.param):
        pytest.skip(why)
    host, volume = _address(request.param), f"{OWNER}-{secrets.token_hex(4)}"
    notion = FakeNotion()
    notion.vendor = FakeVendor(notion, host)
    with FakeGoHighLevel(host) as ghl, notion:
        yield Agency(request.param, tmp_path, ghl, notion, furnish(notion), volume)
    if request.param == "gateway":
        (place.mcp_home() / "catalogs" / f"{volume}.yaml").unlink(missing_ok=True)
    if request.param != "process":
        end = time.monotonic() + 15
        while machine.docker("volume", "rm", "--force", volume) is None and time.monotonic() < end:
            time.sleep(0.2)  # until the last container has let go of it
        assert not machine.volume_exists(volume)

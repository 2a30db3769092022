"""A gateway of this machine with real servers, for scenarios: the switchboard, or Docker's gateway."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import re
import shlex
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport

from flotilla_cli import paths, system
from flotilla_cli.generator.documents import catalog_entry
from flotilla_cli.generator.servers import folder_of, server_of
from flotilla_launcher.fork_server import PRELOADED
from flotilla_launcher.handover import DEFAULTS
from flotilla_launcher.naming import catalog_name, image
from flotilla_testing import text_of
from flotilla_testing.forking import python
from flotilla_testing.waiting import eventually

# The switchboard that runs processes, the switchboard that runs containers, Docker's gateway.
CONTAINERS = ("docker", "docker-gateway")
KINDS = ("process", *(pytest.param(kind, marks=pytest.mark.docker) for kind in CONTAINERS))


def unavailable(kind: str, slugs: Sequence[str]) -> str:
    """Return why a kind of gateway cannot be tried on this machine; nothing when it can."""
    if kind == "process":
        return ""
    if system.docker("info", "--format", "{{.ServerVersion}}", timeout=20) is None:
        return "no Docker engine answers here: scripts/engine"
    if kind == "docker-gateway" and system.gateway_plugin() is None:
        return "the Docker MCP plugin is not here"
    lacking = [slug for slug in slugs if not system.docker("image", "inspect", image(slug))]
    return f"no image of {', '.join(lacking)}: make build S='{' '.join(lacking)}'" if lacking else ""


def host_address(kind: str) -> str:
    """Return an address of this machine that the servers of a gateway reach."""
    if kind == "process":
        return "127.0.0.1"
    return system.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}") or ""


@cache
def forked() -> list[str]:
    """Return the command that starts a server in place of Python: no scenario is about how it starts."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(python(*PRELOADED, environ=DEFAULTS))


@dataclass
class Gateway:
    """A gateway that is started anew for each client; the servers' data and state stay until `close`.

    `name` is that of its volume, its catalog and its containers. `settings` are lines of the secrets file: guards and
    secrets by server, as `{"notion": {"token": …}}`. `plain_http` are the hosts of the fake vendors, without TLS.
    `saved` is a secrets file that scripts/login wrote: the gateway reads its lines too.
    """

    kind: str
    name: str
    folder: Path
    slugs: Sequence[str]
    settings: dict[str, dict[str, str]]
    plain_http: str
    saved: Path | None = None
    asked: list[str] = field(default_factory=list)
    search: str = "off"  # of the switchboard: Docker's gateway lists all tools

    @property
    def catalog(self) -> Path:
        """The catalog file: Docker's gateway reads only those of a folder of its own."""
        folder = paths.mcp_home() / "catalogs" if self.kind == "docker-gateway" else self.folder
        return folder / f"{self.name}.yaml"

    def command(self) -> list[str]:
        """Write the files that the gateway reads; return the command that starts it over stdio."""
        registry = {}
        for slug in self.slugs:
            discovery = json.loads((folder_of(slug) / "discovery.json").read_text(encoding="utf-8"))
            entry = catalog_entry(server_of(slug), discovery)
            entry.pop("allowHosts", None)  # of the real vendor
            variable = {"name": "FLOTILLA_PLAIN_HTTP", "value": self.plain_http}
            volumes = [f"{self.name}:/data", f"{self.name}:/state"]
            registry[catalog_name(slug)] = {**entry, "volumes": volumes, "env": [*entry.get("env", []), variable]}
        paths.write(self.catalog, yaml.safe_dump({"name": self.name, "registry": registry}, allow_unicode=True))
        lines = [self.saved.read_text(encoding="utf-8")] if self.saved else []
        lines += [
            f"{catalog_name(slug)}.{name}={value}\n"
            for slug, settings in self.settings.items()
            for name, value in settings.items()
        ]
        paths.write(self.folder / "secrets.env", "".join(lines))
        (self.folder / "config.yaml").write_text("{}")
        options = ["--servers", ",".join(map(catalog_name, self.slugs))]
        options += ["--secrets", str(self.folder / "secrets.env"), "--config", str(self.folder / "config.yaml")]
        if self.kind == "docker-gateway":
            return ["docker", "mcp", "gateway", "run", "--catalog", self.catalog.name, *options]
        options += ["--search", self.search, "--say-after", "0", "--run", self.kind, "--owner", self.name]
        options += ["--permissions", "off", "--settings", str(self.folder / "settings.json")]
        if self.kind == "process":
            options += ["--bin", str(self._programs())]
        for name in ("data", "state"):
            (self.folder / name).mkdir(exist_ok=True)
            options += [f"--{name}", str(self.folder / name)]
        return [str(paths.VENV / "flotilla-switchboard"), "--catalog", str(self.catalog), *options]

    def _programs(self) -> Path:
        """Return a folder with the servers' programs, forked from one process for all gateways of a run."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        for slug in self.slugs:
            program = folder / f"flotilla-{slug}"
            program.write_text(f'#!/bin/sh\nexec {shlex.join([*forked(), str(paths.VENV / program.name)])} "$@"\n')
            program.chmod(0o755)
        return folder

    @asynccontextmanager
    async def client(self, answer: bool | None = None, mode: str = "auto") -> AsyncIterator[Client[Any]]:
        """Start the gateway with a client of its own; nothing that is set on this machine counts.

        `answer` is what its person says to each question, which `asked` then holds; None: nobody can be asked.
        """

        async def reply(message: str, *_: Any) -> ElicitResult:
            self.asked.append(message)
            return ElicitResult(action="accept" if answer else "decline", content={"confirm": True} if answer else None)

        command = self.command()
        log = self.folder / "gateway.log"
        transport = StdioTransport(command[0], command[1:], env=self._environ(), keep_alive=False, log_file=log)
        mode = "legacy" if self.kind == "docker-gateway" else mode  # Docker's gateway speaks up to 2025-11-25
        handler = reply if answer is not None else None
        async with Client(transport, timeout=60, mode=mode, elicitation_handler=handler) as client:
            yield client

    @asynccontextmanager
    async def served(self, token: str) -> AsyncIterator[str]:
        """Start the switchboard over HTTP with a bearer token of its clients; yield its address."""
        log = self.folder / "gateway.log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *self.command(),
                *("--transport", "http", "--port", "0"),
                env={**self._environ(), "FLOTILLA_HTTP_TOKEN": token},
                stdin=asyncio.subprocess.DEVNULL,
                stderr=stderr,
            )

        def address() -> str:
            text = log.read_text(encoding="utf-8")
            assert process.returncode is None, text
            match = re.search(r"http://\S+?/mcp", text)
            return match[0] if match else ""

        try:
            await eventually(address)
            yield address()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    def _environ(self) -> dict[str, str]:
        """Return the variables of this machine without those that set something of the gateway or of its servers."""
        prefixes = ("FLOTILLA_", *(slug.upper().replace("-", "_") + "_" for slug in self.slugs))
        return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}

    def close(self) -> None:
        """Remove the catalog and the volume."""
        self.catalog.unlink(missing_ok=True)
        if self.kind != "process":
            end = time.monotonic() + 15
            while system.docker("volume", "rm", "--force", self.name) is None and time.monotonic() < end:
                time.sleep(0.2)  # until the last container has stopped using it
            assert not system.volume_exists(self.name)


async def call_ok(client: Client[Any], tool: str, /, **arguments: Any) -> dict[str, Any]:
    """Return the structured result of a tool, whose error fails the test."""
    result = await client.call_tool_mcp(tool, arguments)
    assert not result.is_error, text_of(result)
    return dict(result.structured_content or {})


async def call_error(client: Client[Any], tool: str, /, **arguments: Any) -> str:
    """Return the text of a tool's error; a result fails the test."""
    result = await client.call_tool_mcp(tool, arguments)
    assert result.is_error, result.structured_content
    return text_of(result)

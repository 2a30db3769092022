"""Tenants and servers at a URL, which get each call's credentials sealed: through a switchboard that listens."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp.client.transports import StreamableHttpTransport
from mcp_types import DiscoverResult

from flotilla.calls.credentials import HEADER, CallSeal
from flotilla_servers.switchboard.catalog import CatalogError
from flotilla_servers.switchboard.options import arguments
from flotilla_servers.switchboard.selection import Account
from flotilla_servers.switchboard.server import build, serve
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.tenant import Settings

ROOT = Path(__file__).resolve().parents[3]
KEY = "0123456789abcdef" * 4
USER = {
    "uri": "https://api.calendly.com/users/1",
    "email": "ada@example.com",
    "timezone": "Europe/Paris",
    "scheduling_url": "https://calendly.com/ada",
    "current_organization": "https://api.calendly.com/organizations/1",
}


class Vendor(BaseHTTPRequestHandler):
    """Says whose token came."""

    def do_GET(self) -> None:
        name = self.headers["Authorization"].removeprefix("Bearer ")
        self._send(200, "application/json", {"resource": {**USER, "name": name}})

    def do_POST(self) -> None:
        """As a server that knows no such path."""
        self.server.headers.append(self.headers[HEADER])  # type: ignore[attr-defined]
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self._send(404, "text/plain", "Not Found")

    def _send(self, status: int, kind: str, document: Any) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def vendor() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    server.headers, server.bodies = [], []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@asynccontextmanager
async def shared_server(fleet: Any, log: Path) -> AsyncIterator[str]:
    """Start Calendly's server as one that tenants share; give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "FLOTILLA_CALL_CREDENTIALS": "on",
        "FLOTILLA_DATA": str(fleet.folder / "shared-data"),
        "FLOTILLA_HTTP_TOKEN": "backend-token-1",
        "FLOTILLA_PORT": str(port),
        "FLOTILLA_STATE": str(fleet.folder / "shared-state"),
        "FLOTILLA_STATE_KEY": KEY,
        "FLOTILLA_TRANSPORT": "http",
    }
    line = [sys.executable, "-m", "flotilla_launcher.__main__", "calendly"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(line, env=env, stderr=stderr, stdin=-3)  # noqa: ASYNC220
    try:
        await fleet.until(lambda: b"listening" in log.read_bytes())
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
async def test_tenants_share_one_server(fleet: Any, person: Any, vendor: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("FLOTILLA_TENANT_KEY", KEY)
    fleet.environ |= {"FLOTILLA_TENANT_KEY": KEY, "FLOTILLA_STATE_KEY": KEY, "FLOTILLA_REMOTE_TOKEN": "backend-token-1"}
    database, log = str(fleet.folder / "tenants.db"), fleet.folder / "server.log"
    tenants, vault = open_tenants(database, os.environ)
    more = ("--tenants", database, "--run", "http-map", "--catalog", str(ROOT / "catalog" / "flotilla.json"))
    more += ("--discovery", str(ROOT / "servers"), "--search", "off")
    address = f"http://127.0.0.1:{vendor.server_port}"
    async with shared_server(fleet, log) as backend, AsyncExitStack() as stack:
        url, _ = await stack.enter_async_context(fleet.listening(*more, "--remote", f"calendly={backend}"))
        people, made = {}, {}
        for name, era in (("acme", "legacy"), ("zeta", "2026-07-28")):
            made[name], token = tenants.create(name, Settings())
            stored = {
                ("flotilla-calendly", key): value for key, value in (("token", f"canary-{name}"), ("base_url", address))
            }
            vault.put(made[name], stored)
            people[name] = person(StreamableHttpTransport(url, auth=token), era)
            await stack.enter_async_context(people[name].client)
        calls = [(name, one.call("calendly_get_current_user")) for _ in range(5) for name, one in people.items()]
        answers = await asyncio.gather(*(call for _, call in calls))
        assert [json.loads(answer)["name"] for answer in answers] == [f"canary-{name}" for name, _ in calls]
        vault.put(made["acme"], {("flotilla-calendly", "token"): "canary-new"})
        assert json.loads(await people["acme"].call("calendly_get_current_user"))["name"] == "canary-new"
        paris = {"token": "canary-paris", "base_url": address}
        vault.put(made["acme"], {("flotilla-calendly@paris", key): value for key, value in paris.items()})
        whose = [
            await people["acme"].call("calendly_get_current_user", **more)
            for more in ({}, {"use_account": "paris"}) * 2
        ]
        assert [json.loads(answer)["name"] for answer in whose] == ["canary-new", "canary-paris"] * 2
        listed = [tool.name for tool in await people["zeta"].client.list_tools()]
        assert {name.partition("_")[0] for name in listed} == {"calendly"}  # no server without a URL
        async with httpx2.AsyncClient(headers={"Authorization": "Bearer backend-token-1"}) as http:
            assert (await http.get(backend.replace("/mcp", "/ready"))).status_code == 200
            assert (await http.post(backend, json={})).status_code == 404
    written = log.read_text() + fleet.stderr_text()
    audit = [json.loads(line) for line in log.read_text().splitlines()]
    users = sorted(line["user_id"] for line in audit if line["event"] == "call")
    assert users == ["acme"] * 10 + ["zeta"] * 5
    for text in ("canary", KEY, "backend-token-1", HEADER):
        assert text not in written


async def test_server_that_is_not_shared_is_never_called(
    fleet: Any, person: Any, vendor: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("FLOTILLA_STATE_KEY", KEY)
    account = Account({"probe.token": "canary-acme"}, {}, tenant="acme-1")
    url = f"http://127.0.0.1:{vendor.server_port}/mcp"
    gateway, [backend] = build(arguments(fleet.options("--remote", f"probe={url}")), account)
    async with (one := person(gateway, "2026-07-28")).client:
        answer = await one.call("probe_note", text="x")
        assert f"probe at {url}/tenants is not there, or runs without FLOTILLA_CALL_CREDENTIALS=on" in answer
        assert "Nothing was done." in answer
        backend._credentials.environ["PROBE_TOKEN"] = "x" * 50_000
        assert "the settings of probe cannot be sent to it: they take" in await one.call("probe_note", text="x")
    await backend.close()
    [header] = vendor.headers
    assert "canary" not in header


async def test_tenants_with_servers_at_urls_need_the_state_key(fleet: Any) -> None:
    more = ("--transport", "http", "--tenants", str(fleet.folder / "db"), "--remote", "probe=http://127.0.0.1:1/mcp")
    with pytest.raises(CatalogError, match="FLOTILLA_STATE_KEY, which is not set"):
        await serve(arguments(fleet.options(*more)))


async def test_access_token_of_a_call_is_sealed_too(fleet: Any, person: Any, vendor: Any, monkeypatch: Any) -> None:
    class Accounts:
        async def access(self, *_: Any) -> dict[str, Any]:
            return {"access_token": "canary-access"}

        async def connected(self, *_: Any) -> None:
            return None

    monkeypatch.setenv("FLOTILLA_STATE_KEY", KEY)
    url = f"http://127.0.0.1:{vendor.server_port}/mcp"
    account = Account({"probe.token": "canary-acme"}, {}, tenant="acme-1")
    gateway, [backend] = build(arguments(fleet.options("--remote", f"probe={url}")), account)
    gateway.accounts = Accounts()
    known = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    backend._discovered = DiscoverResult.model_validate(known | {"ttlMs": 0, "cacheScope": "private"})
    async with (one := person(gateway, "2026-07-28")).client:
        assert "Nothing was done." in await one.call("probe_note", text="x")
    await backend.close()
    [header], [body] = vendor.headers, vendor.bodies
    assert b"probe_note" in body
    assert b"canary" not in body
    assert CallSeal("probe", KEY).open(header, body).access == {"access_token": "canary-access"}

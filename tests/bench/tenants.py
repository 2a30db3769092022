"""Many tenants through two gateways on one PostgreSQL: whether one sees anything of another, and the vault's speed.

Once each tenant has servers of its own, once all share one, which gets the credentials of each call sealed.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from flotilla_cli.generator.discovery import META
from flotilla_servers.switchboard.tenants.setup import folders, open_tenants
from flotilla_servers.switchboard.tenants.tenant import Settings, Tenant
from flotilla_testing.postgresql import MISSING, postgresql_server, programs

from .containers import Unavailable
from .http_calls import TOKEN, listening

Row = tuple[str, str, str]
TENANTS, CALLS = 50, 200  # calls of each tenant
READS = 3_000
CANARY = re.compile(r"canary-[0-9a-f]{16}")
ENVIRON = {
    "FLOTILLA_TENANT_KEY": secrets.token_hex(32),
    "FLOTILLA_STATE_KEY": secrets.token_hex(32),
    "FLOTILLA_LOG": "results",
    "FLOTILLA_REMOTE_TOKEN": TOKEN,
}


class Customer:
    """One tenant's client, which knows what it must get and what it must never see."""

    def __init__(self, tenant: Tenant, token: str, ports: list[int]) -> None:
        self.tenant, self.token, self.canary = tenant, token, f"canary-{secrets.token_hex(8)}"
        self.problems: list[str] = []
        self._connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for port in ports]
        self._number, self._used = 0, dict.fromkeys(self._connections, 0.0)

    def run(self) -> None:
        """Write files, each twice with one key and by another gateway, read them back and list them."""
        for number in range(CALLS // 4):
            name, content = f"{number}.txt", f"{self.canary} {number}"
            write = {"path": name, "content": content, "idempotency_key": f"key-{number}"}
            checksum = hashlib.sha256(content.encode()).hexdigest()
            for _ in range(2):
                self._expect("fs_write_file", write, checksum)
            self._expect("fs_read_file", {"path": name}, content)
            self._expect("fs_list_directory", {"limit": 100}, name)

    def _expect(self, tool: str, arguments: dict[str, Any], part: str) -> None:
        text = self._call(tool, arguments)
        if part not in text:
            self.problems.append(f"{tool}: {text[:300]}")
        self.problems += [f"{tool} shows {other}" for other in set(CANARY.findall(text)) - {self.canary}]

    def _call(self, tool: str, arguments: dict[str, Any]) -> str:
        self._number += 1
        connection = self._connections[self._number % len(self._connections)]
        if (
            time.monotonic() - self._used[connection] > 2
        ):  # the other side may close it at any moment: it is opened anew
            connection.close()
        params = {"name": tool, "arguments": arguments, "_meta": META}
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
        }
        body = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params})
        connection.request("POST", "/mcp", body, headers)
        text = connection.getresponse().read().decode()
        self._used[connection] = time.monotonic()
        return text

    def check_files(self, data: Path, state: Path) -> None:
        """Search what is kept of this tenant for what belongs to others."""
        own, log = folders(data, state, self.tenant.id)
        for path in [*own.rglob("*"), *log.rglob("*")]:
            if path.is_file():
                others = set(CANARY.findall(path.read_bytes().decode(errors="replace")))
                self.problems += [f"{path.name} holds {other}" for other in others - {self.canary}]
        with closing(sqlite3.connect(log / "switchboard" / "actions.db")) as database:
            users = database.execute("SELECT user_id, count(*) FROM actions GROUP BY user_id").fetchall()
        if users != [(self.tenant.name, CALLS)]:
            self.problems.append(f"the log has {users}")


def shared_server(folder: Path) -> AbstractContextManager[int]:
    """Start a server that all tenants share; give its port."""
    line = [sys.executable, "-m", "flotilla_launcher.__main__", "filesystem"]
    environ = {
        "FLOTILLA_CALL_CREDENTIALS": "on",
        "FLOTILLA_DATA": str(folder / "data"),
        "FLOTILLA_PORT": "0",
        "FLOTILLA_STATE": str(folder / "state"),
        "FLOTILLA_STATE_KEY": ENVIRON["FLOTILLA_STATE_KEY"],
        "FLOTILLA_TRANSPORT": "http",
    }
    return listening(line, environ)


@contextmanager
def gateway(url: str, folder: Path, *more: str) -> Iterator[int]:
    """Start a switchboard; give its port."""
    line = [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard", "--transport", "http", "--port", "0"]
    line += ["--tenants", url, "--data", str(folder / "data"), "--state", str(folder / "state"), *more]
    line += ["--permissions", "off", "--settings", str(folder / "settings.json")]
    process = subprocess.Popen(line, env={**os.environ, **ENVIRON}, stdin=-3, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        for printed in process.stderr:
            if match := re.search(r"http://127\.0\.0\.1:(\d+)/mcp", printed):
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield int(match[1])
                return
        raise RuntimeError("the switchboard did not start")
    finally:
        process.terminate()
        process.wait()


def isolation(url: str, folder: Path, *, shared: bool) -> dict[str, Any]:
    """Let all tenants call at the same time, through two gateways; return what was wrong."""
    tenants, vault = open_tenants(url, ENVIRON)
    with ExitStack() as stack:
        more = ["--run", "process"]
        if shared:
            port = stack.enter_context(shared_server(folder))
            more = ["--run", "http-map", "--remote", f"filesystem=http://127.0.0.1:{port}/mcp"]
        ports = [stack.enter_context(gateway(url, folder, *more)) for _ in range(2)]
        customers = []
        for number in range(TENANTS):
            made = tenants.create(f"customer-{number}", Settings(servers=("filesystem",)))
            customers.append(Customer(*made, ports))
            vault.put(made[0], {("flotilla-hubspot", "token"): customers[-1].canary})
        began = time.perf_counter()
        with ThreadPoolExecutor(TENANTS) as pool:
            list(pool.map(Customer.run, customers))
        seconds = time.perf_counter() - began
    for customer in customers:
        customer.check_files(folder / "data", folder / "state")
    problems = [f"{customer.tenant.name}: {text}" for customer in customers for text in customer.problems]
    return {"calls": TENANTS * CALLS, "seconds": seconds, "problems": problems}


def reads(url: str) -> float:
    """Return how many credentials a second the vault reads, those of all tenants in turn."""
    tenants, vault = open_tenants(url, ENVIRON)
    everyone = tenants.all() or [tenants.create(f"customer-{n}", Settings())[0] for n in range(TENANTS)]
    for tenant in everyone:
        vault.put(tenant, {("flotilla-hubspot", "token"): tenant.id})
    began = time.perf_counter()
    for number in range(READS):
        tenant = everyone[number % len(everyone)]
        assert vault.all(tenant) == {"flotilla-hubspot.token": tenant.id}
    return READS / (time.perf_counter() - began)


def measure(rows: list[Row]) -> dict[str, Any]:
    """Measure both. Raises Unavailable without PostgreSQL."""
    if not programs():
        raise Unavailable(MISSING)
    layouts = {"a server for each": False, "one server for all": True}
    with postgresql_server() as database, tempfile.TemporaryDirectory() as name:
        results = {
            layout: isolation(database(), Path(name, str(shared)), shared=shared) for layout, shared in layouts.items()
        }
        speed = {"SQLite": reads(f"{name}/tenants.db"), "PostgreSQL": reads(database())}
    for layout, result in results.items():
        label = f"{TENANTS} tenants, {layout}, {result['calls']} interleaved calls, two gateways on one PostgreSQL"
        rows.append((f"{label}: of another tenant, or wrong", f"{len(result['problems'])}", "0"))
        rows.append((f"{label}: calls a second", f"{result['calls'] / result['seconds']:.0f}", ""))
    rows += [(f"vault reads a second, {kind}", f"{number:.0f}", "≥ 1,000") for kind, number in speed.items()]
    return {**results, "reads": speed}

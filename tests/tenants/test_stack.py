"""compose/compose.tenants.yaml, run for real: PostgreSQL, the switchboard with all servers, a receiver of webhooks.

Builds two images and takes minutes, so it runs on demand:

    FLOTILLA_TENANTS_STACK=1 .venv/bin/python -m pytest tests/tenants -s
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from flotilla_cli.generator.servers import server_of
from flotilla_cli.generator.tenants import CREATE_ROLE, SCRIPT, VOLUMES, compose_tenants
from flotilla_testing.client import text_of
from flotilla_testing.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.docker,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("FLOTILLA_TENANTS_STACK") != "1", reason="FLOTILLA_TENANTS_STACK=1"),
]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROJECT = f"flotilla-test-tenants-{secrets.token_hex(4)}"
POSTGRES = f"{PROJECT}-postgres"
ACME, ZETA = "canary-of-acmes-webhook", "canary-of-zetas-webhook"
PUBLIC = "https://hooks.example.com"
FAST = {"interval": "2s", "start_period": "240s"}


class Stack:
    """The stack on volumes and ports of its own, with a stand-in for PostgreSQL's image."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        (folder / "compose.yaml").write_text(compose_tenants({"webhooks": server_of("webhooks")}))
        (folder / SCRIPT).write_text(CREATE_ROLE)
        change = {
            "services": {name: {"healthcheck": FAST} for name in ("switchboard", "webhooks-receive")},
            "volumes": {name: {"name": f"{PROJECT}-{name}"} for name in VOLUMES},
        }
        (folder / "change.yaml").write_text(yaml.safe_dump(change))
        self.folder, (self.port, self.receiver, page) = folder, ports
        self.settings = {
            "FLOTILLA_POSTGRES_IMAGE": POSTGRES,
            "FLOTILLA_DATABASE_PASSWORD": secrets.token_hex(16),
            "FLOTILLA_TENANT_KEY": secrets.token_hex(32),
            "FLOTILLA_STATE_KEY": secrets.token_hex(32),
            "FLOTILLA_PORT": str(self.port),
            "WEBHOOKS_RECEIVE_PORT": str(self.receiver),
            "WEBHOOKS_PAGE_PORT": str(page),
            "WEBHOOKS_PUBLIC_URL": PUBLIC,
        }

    def compose(self, *args: str, text: str = "", check: bool = True) -> str:
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        command = ["docker", "compose", "--project-name", PROJECT, "-f", "compose.yaml", "-f", "change.yaml", *args]
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("FLOTILLA", "COMPOSE"))}
        done = subprocess.run(
            command, cwd=self.folder, env=bare, input=text, capture_output=True, text=True, check=False
        )
        if done.returncode and check:
            logs = self.compose("--profile", "webhooks", "logs", "--tail", "40", check=False)
            raise AssertionError(f"{' '.join(args)}: {done.stderr[-2000:]}\n{logs}")
        return done.stdout + done.stderr

    def tenant(self, *args: str, text: str = "") -> str:
        return self.compose("exec", "--no-TTY", "switchboard", "flotilla-tenant", *args, text=text)

    def client(self, token: str) -> Client[Any]:
        async def yes(*_: Any) -> dict[str, bool]:
            return {"confirm": True}

        transport = StreamableHttpTransport(f"http://127.0.0.1:{self.port}/mcp", auth=token)
        return Client(transport, timeout=60, elicitation_handler=yes)

    def create(self, name: str, secret: str) -> tuple[str, str]:
        """Create a tenant that has webhooks; return its client's token and its id."""
        printed = self.tenant("create", name, "--servers", "filesystem,webhooks", "--timezone", "Europe/Paris")
        line = f"flotilla-webhooks.secrets=token/main={secret}\n"
        self.tenant("import", name, "/dev/stdin", text=line)
        [token] = re.findall(r"flt_\S+", printed)
        return token, json.loads(self.tenant("show", name))["id"]

    def send(self, tenant: str, number: int, secret: str) -> int:
        url = f"http://127.0.0.1:{self.receiver}/t/{tenant}/hooks/token/main"
        body = {"id": f"evt-{number}", "type": "order.paid", "montant": "12,50 €"}
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx2.post(url, json=body, headers=headers, trust_env=False).status_code


async def called(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool_mcp(tool, arguments)
    assert not result.is_error, text_of(result)
    content: dict[str, Any] = result.structured_content
    return content


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Any) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("tenants")
    run = subprocess.run([str(ROOT / "scripts" / "build"), "fleet"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    target = {"inherits": ["_common"], "context": str(HERE / "postgres"), "tags": [POSTGRES]}
    (folder / "bake.json").write_text(json.dumps({"target": {"postgres": target}}))
    files = [
        part for name in ("docker-bake.hcl", "build/bake.json", str(folder / "bake.json")) for part in ("-f", name)
    ]
    bake = ["docker", "buildx", "bake", "--builder", "default", "--load", *files, "postgres"]
    run = subprocess.run(bake, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    made = Stack(folder, [unused_tcp_port_factory() for _ in range(3)])
    try:
        made.compose("up", "--detach", "--wait")
        yield made
    finally:
        made.compose("--profile", "webhooks", "down", "--volumes", "--timeout", "5")
        subprocess.run(["docker", "image", "rm", "--force", POSTGRES], capture_output=True, check=False)


async def test_tenants_stack_keeps_everything_over_a_restart(stack: Stack) -> None:
    """Two tenants call and get webhooks at one receiver; then all containers are removed, and made again."""
    token, acme = stack.create("acme", ACME)
    other, zeta = stack.create("zeta", ZETA)
    async with stack.client(token) as client:
        await called(client, "fs_write_file", path="été.txt", content="12,50 €")
    assert httpx2.post(f"http://127.0.0.1:{stack.port}/mcp", json={}, trust_env=False).status_code == 401
    stack.compose("--profile", "webhooks", "up", "--detach", "--wait")
    assert (stack.send(acme, 1, ACME), stack.send(zeta, 1, ZETA), stack.send(zeta, 2, ACME)) == (200, 200, 401)

    stack.compose("--profile", "webhooks", "down")
    stack.compose("--profile", "webhooks", "up", "--detach", "--wait")
    assert (stack.send(acme, 1, ACME), stack.send(acme, 3, ACME)) == (200, 200)
    async with stack.client(token) as client:
        assert (await called(client, "fs_read_file", path="été.txt"))["content"] == "12,50 €"
        events = (await called(client, "wh_list_events"))["items"]
        [endpoint] = (await called(client, "wh_list_endpoints"))["items"]
    assert len(events) == 2  # the first one's second delivery is dropped
    assert endpoint["url"] == f"{PUBLIC}/t/{acme}/hooks/token/main"
    async with stack.client(other) as client:
        assert len((await called(client, "wh_list_events"))["items"]) == 1

    stack.tenant("delete", "zeta", "--confirm", "zeta")
    wait_until(lambda: stack.send(zeta, 4, ZETA) == 401)
    listed = stack.compose(
        "exec", "--no-TTY", "switchboard", "python3.13", "-c", "import os; print(os.listdir('/state/tenants'))"
    )
    assert re.findall(r"'(.*?)'", listed) == [acme]
    logs = stack.compose("--profile", "webhooks", "logs")
    assert [
        name for name in stack.settings if name.endswith(("_KEY", "_PASSWORD")) and stack.settings[name] in logs
    ] == []
    assert "canary" not in logs


def test_tenants_stack_is_closed(stack: Stack) -> None:
    """Only two ports are open, on this machine; nobody can come to the database as its superuser."""
    listed = stack.compose("--profile", "webhooks", "ps", "--all", "--format", "{{.Service}} {{.Ports}}")
    published = set(re.findall(r"(\S+):\d+->", listed))
    assert published == {"127.0.0.1"}
    assert "->5432" not in listed
    for service in ("database", "switchboard"):
        identifier = stack.compose("ps", "--quiet", service).strip()
        shown = subprocess.run(["docker", "inspect", identifier], capture_output=True, text=True, check=True).stdout
        host = json.loads(shown)[0]["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"]), service
    code = (
        "import psycopg, sys\n"
        "try: psycopg.connect('postgresql://postgres@database/postgres')\n"
        "except psycopg.OperationalError as error: sys.exit(str(error))"
    )
    printed = stack.compose("exec", "--no-TTY", "switchboard", "python3.13", "-P", "-c", code, check=False)
    assert "password authentication failed" in printed

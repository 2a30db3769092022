"""The stack of compose/ without Docker's gateway: the switchboard and HTTP servers, no engine socket anywhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from pytest_docker.plugin import get_docker_services
from python_on_whales import DockerClient

from flotilla_cli import system
from flotilla_cli.client import tool_names
from flotilla_testing.leftovers import name_of_run

from .conftest import ROOT, called

COMPOSE = ROOT / "compose"
PROJECT = name_of_run("compose")  # no container of RUN's: it outlives a test


def stack(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((COMPOSE / name).read_text(encoding="utf-8"))
    return document


def variables() -> dict[str, str]:
    """Every variable that the example of .env names as needed gets a value."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [
        line.partition("=")[0]
        for line in lines
        if line.startswith("FLOTILLA_") and line.partition("=")[0].endswith("TOKEN")
    ]
    return {name: secrets.token_hex(16) for name in names} | {"FLOTILLA_STATE_KEY": secrets.token_hex(32)}


def free_subnet() -> str:
    """Return two numbers of an IPv4 address, 10.<n>, below which the engine has no network."""
    listed = (system.docker("network", "ls", "--quiet") or "").split()
    networks = json.loads(system.docker("network", "inspect", *listed) or "[]")
    taken = [ip_network(one["Subnet"]) for network in networks for one in network["IPAM"]["Config"] or ()]
    wanted = {f"10.{number}": ip_network(f"10.{number}.0.0/16") for number in range(64, 256)}
    free = [start for start, whole in wanted.items() if not any(whole.overlaps(one) for one in taken)]
    return secrets.choice(free)  # another run may choose at the same moment


@pytest.fixture(scope="module")
def environ(unused_tcp_port_factory: Any) -> Iterator[dict[str, str]]:
    values = variables() | {"FLOTILLA_PORT": str(unused_tcp_port_factory()), "FLOTILLA_SERVERS": "all"}
    values |= {"COMPOSE_PROFILES": "all", "FLOTILLA_SUBNET": free_subnet()}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    yield values
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture(scope="module")
def files(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The stack as it is committed, on volumes of the tests' own; servers that start are asked every 10 s.

    The images say every second: so many questions at once keep a small machine busier than the starts themselves.
    """
    committed = stack("compose.switchboard.yaml")
    seldom = {"interval": "60s", "start_period": "240s", "start_interval": "10s"}
    change = {
        "services": {name: {"healthcheck": seldom} for name in committed["services"]},
        "volumes": {name: {"name": f"{PROJECT}-{name}"} for name in committed["volumes"]},
    }
    path = tmp_path_factory.mktemp("compose") / "change.yaml"
    path.write_text(yaml.safe_dump(change))
    return [str(COMPOSE / "compose.switchboard.yaml"), str(path)]


@pytest.fixture(scope="module")
def running(files: list[str], environ: dict[str, str], images: None) -> Iterator[DockerClient]:
    """The stack, up."""
    docker = DockerClient(compose_files=list(files), compose_project_name=PROJECT)
    up, end = ["up --detach --wait --quiet-pull"], ["down --volumes --remove-orphans --timeout 3"]
    try:
        with get_docker_services("docker compose", files, PROJECT, up, end) as services:
            services.wait_until_responsive(lambda: answers(environ), timeout=30, pause=0.2)
            yield docker
    except Exception:  # the plugin takes nothing down where `up` itself has failed
        docker.compose.down(volumes=True, remove_orphans=True, timeout=3, quiet=True)
        raise
    left = docker.ps(all=True, filters=[("label", f"com.docker.compose.project={PROJECT}")])
    assert left == []
    assert [v for v in docker.volume.list() if v.name.startswith(PROJECT)] == []
    assert [n for n in docker.network.list() if n.name.startswith(PROJECT)] == []


def answers(environ: dict[str, str]) -> bool:
    try:
        return httpx2.get(f"{url(environ)}/health", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def url(environ: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environ['FLOTILLA_PORT']}"


def client(environ: dict[str, str], **options: Any) -> Client[Any]:
    transport = StreamableHttpTransport(f"{url(environ)}/mcp", auth=environ["FLOTILLA_HTTP_TOKEN"])
    return Client(transport, timeout=60, **options)


async def test_stack_runs_all_servers(running: DockerClient, environ: dict[str, str]) -> None:
    async def yes(*_: Any) -> dict[str, bool]:
        return {"confirm": True}

    async with client(environ, elicitation_handler=yes) as session:
        prefixes = {name.split("_")[0] for name in await tool_names(session)}
        services = stack("compose.switchboard.yaml")["services"].values()
        assert len(prefixes) == sum("all" in service.get("profiles", ()) for service in services)
        await called(session, "fs_write_file", path="é.md", content="# Été\n\n1 €\n")
        assert (await called(session, "export_create_report_pdf", path="é.pdf", source="é.md"))["pages"] == 1
        assert (await called(session, "fs_delete_file", path="é.md"))["files"] == 1
        missing = await session.call_tool_mcp("calendly_get_current_user", {})
        assert missing.is_error
        assert "CALENDLY_TOKEN" in missing.content[0].text


async def test_stack_requires_the_token(running: DockerClient, environ: dict[str, str]) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{url(environ)}/health")).status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert (await http.post(f"{url(environ)}/mcp", json={}, headers=headers)).status_code == 401


async def test_stack_reconnects_to_a_restarted_server(running: DockerClient, environ: dict[str, str]) -> None:
    async with client(environ) as session:
        await called(session, "fs_write_file", path="stays.txt", content="x")
        running.compose.restart(["filesystem"], timeout=5)
        end = time.monotonic() + 30
        while (got := await session.call_tool_mcp("fs_read_file", {"path": "stays.txt"})).is_error:
            assert time.monotonic() < end, got.content
            await asyncio.sleep(0.3)
        assert got.structured_content["content"] == "x"


def test_stack_isolation(running: DockerClient) -> None:
    outside, meets = set(), {}
    for container in running.compose.ps():
        host, service = container.host_config, (container.config.labels or {})["com.docker.compose.service"]
        assert host.readonly_rootfs, service
        assert host.cap_drop == ["ALL"], service
        assert host.memory == 512 * 1024 * 1024, service
        assert host.nano_cpus == 1_000_000_000, service
        assert "no-new-privileges:true" in (host.security_opt or []), service
        assert not [mount for mount in container.mounts or [] if "docker.sock" in str(mount.source)], service
        for published in (host.port_bindings or {}).values():
            assert service == "switchboard"
            assert all(p.host_ip == "127.0.0.1" for p in published or [])
        networks = container.network_settings.networks or {}
        meets[service] = set(networks)
        if any(not running.network.inspect(name).internal for name in networks):
            outside.add(service)
    assert "filesystem" not in outside
    assert "export" not in outside
    assert "switchboard" in outside
    for service, own in meets.items():
        assert [other for other, theirs in meets.items() if other != service and own & theirs] == (
            ["switchboard"] if service != "switchboard" else [other for other in meets if other != "switchboard"]
        ), "a server reaches another one past the switchboard"


@pytest.mark.parametrize("name", ["compose.yaml", "compose.switchboard.yaml"])
def test_compose_file_valid_and_names_missing_variables(name: str, tmp_path: Path, environ: dict[str, str]) -> None:
    command = ["docker", "compose", "-f", str(COMPOSE / name), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bare = {key: value for key, value in os.environ.items() if not key.startswith("FLOTILLA_")}
    done = subprocess.run(command, env=bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "FLOTILLA_HTTP_TOKEN" in done.stderr or "FLOTILLA_FLEET_TOKEN" in done.stderr


@pytest.mark.parametrize("name", ["compose.yaml", "compose.switchboard.yaml"])
def test_compose_variables_are_in_the_dotenv_example(name: str) -> None:

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", (COMPOSE / name).read_text(encoding="utf-8")))
    known = set(re.findall(r"^#? ?([A-Z0-9_]+)=", example, re.MULTILINE))
    assert used <= known, used - known

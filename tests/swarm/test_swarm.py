"""The Swarm stack on two engines, each in network, process and mount namespaces of its own: what an operator relies on.

Takes minutes, needs root and Linux, so it runs on demand: FLOTILLA_SWARM=1. The images are those of this checkout:

    REGISTRY=flotilla-test VERSION=swarm scripts/build filesystem switchboard
    FLOTILLA_SWARM=1 .venv/bin/python -m pytest tests/swarm/test_swarm.py -s
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StreamableHttpTransport

from flotilla_cli.generator.scaleout import swarm
from flotilla_cli.generator.servers import server_of
from flotilla_launcher import naming
from flotilla_testing.client import MODES, text_of
from flotilla_testing.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.docker,
    pytest.mark.skipif(
        os.environ.get("FLOTILLA_SWARM") != "1" or os.geteuid() != 0, reason="FLOTILLA_SWARM=1, as root"
    ),
]

REGISTRY, VERSION = os.environ.get("FLOTILLA_SWARM_IMAGES", "flotilla-test:swarm").split(":")
MODERN, TOKEN = MODES[1], "client-token-of-the-swarm-test"
NODES = {"a": "10.214.77.11", "b": "10.214.77.12"}  # between the engines; the tests come by another link
REACHED = {"a": "10.214.78.2", "b": "10.214.79.2"}


def run(*command: str, **more: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


class Engine:
    """A dockerd that sees a network, processes and mounts of its own: a machine, as far as Swarm can tell."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder, self.namespace = name, folder / name, f"flotilla-test-{name}"
        self.folder.mkdir()
        self.socket = f"unix://{self.folder}/docker.sock"
        daemon = (
            "for f in /run/containerd /run/docker; do mkdir -p $f; mount -t tmpfs tmpfs $f; done; "
            f"exec dockerd --host {self.socket} --data-root {self.folder}/data --exec-root {self.folder}/exec "
            f"--pidfile {self.folder}/pid --cgroup-parent flotilla-test-{name}"
        )
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--mount", "--pid", "--fork",
                 "--mount-proc", "--kill-child", "sh", "-c", daemon],
                stdout=log, stderr=log,
            )  # fmt: skip

    def docker(self, *command: str, **more: Any) -> str:
        return run("docker", "--host", self.socket, *command, **more)

    def answers(self) -> bool:
        with suppress(AssertionError):
            return bool(self.docker("info", "--format", "{{.ServerVersion}}"))
        return False

    def end(self) -> None:
        """As when the machine loses its power: the engine and all its containers are gone at once."""
        self.process.kill()
        self.process.wait()


def links() -> None:
    for name in NODES:
        run("ip", "netns", "add", f"flotilla-test-{name}")
        run("ip", "-n", f"flotilla-test-{name}", "link", "set", "lo", "up")
    run("ip", "link", "add", "eth0", "netns", "flotilla-test-a", "type", "veth",
        "peer", "name", "eth0", "netns", "flotilla-test-b")  # fmt: skip
    for name, address in NODES.items():
        space, outer = f"flotilla-test-{name}", REACHED[name].rpartition(".")[0] + ".1"
        run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        run("ip", "link", "add", f"fltest{name}", "type", "veth", "peer", "name", "eth1", "netns", space)
        run("ip", "addr", "add", f"{outer}/30", "dev", f"fltest{name}")
        run("ip", "link", "set", f"fltest{name}", "up")
        run("ip", "-n", space, "addr", "add", f"{REACHED[name]}/30", "dev", "eth1")
        run("ip", "-n", space, "link", "set", "eth1", "up")


def stack(folder: Path) -> Path:
    """The stack as it is generated, with one server, and its volumes in folders that both engines see, as NFS is."""
    text = swarm({"filesystem": server_of("filesystem")}).replace(f"{naming.REGISTRY}/", f"{REGISTRY}/")
    content = yaml.safe_load(text)
    for name, volume in content["volumes"].items():
        device = folder / "volumes" / name
        device.mkdir(parents=True)
        device.chmod(0o777)
        volume["driver_opts"] = {"type": "none", "o": "bind", "device": str(device)}
    for network in content["networks"].values():
        network.pop("driver_opts", None)  # this kernel may have no IPsec
    path = folder / "stack.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    folder = tmp_path_factory.mktemp("swarm")
    started: dict[str, Engine] = {}
    try:
        links()
        started |= {name: Engine(name, folder) for name in NODES}
        images = folder / "images.tar"
        names = [f"{REGISTRY}/{slug}:{VERSION}" for slug in ("filesystem", "switchboard")]
        run("docker", "save", "--output", str(images), *names)
        for engine in started.values():
            wait_until(engine.answers, 120)
            engine.docker("load", "--input", str(images))
        manager = started["a"]
        manager.docker("swarm", "init", "--advertise-addr", NODES["a"], "--listen-addr", NODES["a"])
        join = manager.docker("swarm", "join-token", "--quiet", "worker")
        started["b"].docker("swarm", "join", "--token", join, "--advertise-addr", NODES["b"], f"{NODES['a']}:2377")
        for node in manager.docker("node", "ls", "--quiet").split():
            manager.docker("node", "update", "--label-add", "flotilla.state=true", node)
        values = {"http-token": TOKEN, "fleet-token": secrets.token_hex(16), "state-key": secrets.token_hex(32)}
        for name, value in values.items():
            manager.docker("secret", "create", f"flotilla-{name}", "-", input=value)
        environ = {**os.environ, "FLOTILLA_VERSION": VERSION, "FLOTILLA_ALLOWED_HOSTS": ",".join(REACHED.values())}
        manager.docker(
            "stack", "deploy", "--resolve-image", "never", "--detach=true", "-c", str(stack(folder)), "flotilla",
            env=environ,
        )  # fmt: skip
        wait_until(lambda: running(manager, "filesystem") == running(manager, "switchboard") == 2, 240)
        yield started
    finally:
        for engine in started.values():
            engine.end()
        for name in NODES:
            subprocess.run(["ip", "netns", "del", f"flotilla-test-{name}"], check=False)
            subprocess.run(["ip", "link", "del", f"fltest{name}"], check=False, stderr=subprocess.DEVNULL)
            for group in sorted(Path("/sys/fs/cgroup").rglob(f"flotilla-test-{name}"), reverse=True):
                subprocess.run(["find", str(group), "-depth", "-type", "d", "-delete"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def running(manager: Engine, service: str) -> int:
    listed = manager.docker("service", "ls", "--filter", f"name=flotilla_{service}", "--format", "{{.Replicas}}")
    return int(listed.partition("/")[0] or 0)


async def healthy(host: str) -> bool:
    """As a proxy's probe; httpx would read all CA certificates each time, which stops the whole loop of this test."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, 8811)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
        return b" 200 " in status
    return False


@asynccontextmanager
async def balancer(*order: str) -> AsyncIterator[str]:
    """The proxy that stands before gateways, as docs/scale-out.md wants it: it probes them every second, and a
    connection goes to the first healthy one that accepts it, by turns or in the order given."""
    turn, state = itertools.cycle(REACHED.values()), {host: await healthy(host) for host in REACHED.values()}

    async def probe(host: str) -> None:
        while True:
            state[host] = await healthy(host)
            await asyncio.sleep(1)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turn)
        for host in order or sorted(state, key=lambda host: host != first):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(5):
                    inner = await asyncio.open_connection(host, 8811) if state[host] else None
                if inner:
                    await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer))
                    return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    probing = [asyncio.create_task(probe(host)) for host in REACHED.values()]
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    finally:
        for task in probing:
            task.cancel()
        server.close()


def client(url: str, **more: Any) -> Client[Any]:
    return Client(StreamableHttpTransport(url, auth=TOKEN), mode=MODERN, **more)


async def load(url: str, prefix: str, during: Awaitable[Any], least: int) -> tuple[int, list[str]]:
    """Write new files from eight clients until `during` is over and `least` were written; return count and failures."""
    names, failures, over, done = itertools.count(), list[str](), asyncio.Event(), 0

    async def work() -> None:
        while not over.is_set() or done < least:
            try:
                await work_on_one_connection()
            except Exception as problem:  # a client whose connection has failed is of no use any more
                failures.append(f"{problem!r} of a client")
                await asyncio.sleep(0.5)

    async def work_on_one_connection() -> None:
        nonlocal done
        async with client(url) as c:
            while not over.is_set() or done < least:
                name = f"{prefix}/{next(names)}.txt"
                answer = await c.call_tool_mcp("fs_write_file", {"path": name, "content": name})
                if answer.is_error:
                    failures.append(f"{name}: {text_of(answer)}")
                done += 1

    async def until_over() -> None:
        try:
            await during
        finally:
            over.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(until_over())
        for _ in range(8):
            tasks.create_task(work())
    return done, failures


@pytest.mark.parametrize("service", ["filesystem", "switchboard"])
async def test_swarm_update_under_load(engines: dict[str, Engine], service: str) -> None:
    """Servers and gateways are replaced one after the other while clients call: none notices."""
    manager = engines["a"]
    before = manager.docker("service", "ps", "--quiet", "--filter", "desired-state=running", f"flotilla_{service}")

    async def update() -> None:
        await asyncio.to_thread(
            manager.docker, "service", "update", "--force", "--detach=false", "--quiet", f"flotilla_{service}"
        )

    async with balancer() as url:
        count, failures = await load(url, service, update(), 2000)
    print(f"\n{count} calls while every {service} was replaced, {len(failures)} failed: {failures[:3]}")
    assert failures == []  # and none was done twice: the second writing of a new file would be refused
    after = manager.docker("service", "ps", "--quiet", "--filter", "desired-state=running", f"flotilla_{service}")
    assert len(after.split()) == 2
    assert not set(after.split()) & set(before.split())


async def test_swarm_gateway_killed_in_mid_question(engines: dict[str, Engine]) -> None:
    """The question was put by one gateway; the answer goes to the other, which knows what it means."""

    async def answer(*_: Any) -> ElicitResult[Any]:
        [gateway] = engines["a"].docker("ps", "--quiet", "--filter", "name=flotilla_switchboard").split()
        engines["a"].docker("kill", gateway)
        killed.append(gateway)
        return ElicitResult(action="accept", content={"confirm": True})

    killed: list[str] = []
    async with balancer(REACHED["a"], REACHED["b"]) as url, client(url, elicitation_handler=answer) as c:
        await c.call_tool("fs_write_file", {"path": "asked.txt", "content": "x"})
        result = await c.call_tool_mcp("fs_delete_file", {"path": "asked.txt"})
        assert not result.is_error, text_of(result)
        assert "asked.txt" not in text_of(await c.call_tool_mcp("fs_list_directory", {}))
    assert len(killed) == 1
    await asyncio.to_thread(wait_until, lambda: asyncio.run(healthy(REACHED["a"])), 120)


async def test_swarm_engine_killed(engines: dict[str, Engine]) -> None:
    """What was on its way to that engine may be lost, and says so; whatever is called afterwards is answered."""
    assert await healthy(REACHED["a"])
    engines["b"].end()
    async with balancer() as url:
        async with client(url) as c:
            for number in range(200):
                answer = await c.call_tool_mcp("fs_write_file", {"path": f"killed/{number}.txt", "content": "x"})
                assert not answer.is_error, text_of(answer)

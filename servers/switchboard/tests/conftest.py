"""A fleet of one probe server in a folder of its own, and clients of both eras that use it."""

import asyncio
import importlib.util
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from fastmcp import Client, FastMCP
from fastmcp.client.transports import ClientTransport, FastMCPTransport, StdioTransport
from fastmcp.client.transports.base import TransportOptions
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from flotilla_cli.generator.discovery import answers, converse
from flotilla_launcher import naming
from flotilla_testing.client import MODES
from flotilla_testing.forking import python
from flotilla_testing.leftovers import name_of_run

HERE = Path(__file__).parent
ERAS = MODES
BOTH = pytest.mark.parametrize("era", ERAS)


def _probe() -> Any:
    spec = importlib.util.spec_from_file_location("flotilla_test_probe", HERE / "probe.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _discovery() -> dict[str, Any]:
    """Make the discovery file as the generator does: what the server says on the wire."""
    with tempfile.TemporaryDirectory() as data:
        command = ["env", f"FLOTILLA_DATA={data}", sys.executable, str(HERE / "probe.py")]
        document = answers(lambda messages: converse(command, messages))
    about = {
        t["name"]: {"effect": "reads" if t["annotations"]["readOnlyHint"] else "writes"} for t in document["tools"]
    }
    about["probe_extra"]["tier"] = "all"
    attributes = {"tools": about, "prompts": {"probe_greet": {"effect": "reads"}}}
    return {"server": "probe", **document, "version": "9", "attributes": attributes}


@pytest.fixture(scope="session")
def discovery() -> dict[str, Any]:
    return _discovery()


class Fleet:
    """A folder with a catalog, a discovery file, a secrets file, a configuration and a command; nothing runs."""

    def __init__(self, folder: Path, discovery: dict[str, Any], python: list[str]) -> None:
        self.folder, self.data, self.discovery = folder, folder / "data", discovery
        self.environ: dict[str, str] = {}
        self.more: list[str] = []
        self.spec: dict[str, Any] = {
            "title": "Probe",
            "type": "server",
            "image": "flotilla-test-probe",
            "longLived": True,
            "secrets": [{"name": "probe.token", "env": "PROBE_TOKEN"}],
            "env": [{"name": f"PROBE_{n.upper()}", "value": "{{probe." + n + "}}"} for n in ("slow", "broken", "deaf")],
        }
        self.spec["env"].append({"name": "FLOTILLA_TIER", "value": "{{probe.tier|or:core}}"})
        self.config: dict[str, Any] = {"probe": {}}
        self.data.mkdir()
        (folder / "probe").mkdir()
        (folder / "probe" / "discovery.json").write_text(json.dumps(discovery))
        (folder / "secrets").write_text("# ours\nprobe.token=s3cr=et value\n")
        self.program = folder / "flotilla-probe"
        self.start_by(python)

    def start_by(self, python: list[str]) -> None:
        """Start the probe by this command from now on."""
        self.program.write_text(f'#!/bin/sh\nexec {shlex.join([*python, str(HERE / "probe.py")])} "$@"\n')
        self.program.chmod(0o755)

    def options(self, *more: str) -> list[str]:
        (self.folder / "catalog.yaml").write_text(yaml.safe_dump({"registry": {"probe": self.spec}}))
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config))
        named = {
            "catalog": self.folder / "catalog.yaml",
            "config": self.folder / "config.yaml",
            "secrets": self.folder / "secrets",
            "discovery": self.folder,
            "data": self.data,
            "state": self.folder / "state",
            "bin": self.folder,
            "run": "process",
            "owner": "flotilla-test",
            "say-after": 0,
            "notes": "off",
            "language": "en",
            "settings": self.folder / "settings.json",
            "permissions": "off",
        }
        return [part for name, value in named.items() for part in (f"--{name}", str(value))] + self.more + list(more)

    @asynccontextmanager
    async def inside(self, *more: str) -> AsyncIterator[tuple[Any, list[Any]]]:
        """Build a switchboard in this process; many clients can use it."""
        from flotilla_servers.switchboard.options import arguments
        from flotilla_servers.switchboard.server import build

        gateway, backends = build(arguments(self.options(*more)))
        try:
            yield gateway, backends
        finally:
            if gateway.own:
                await gateway.own.close()
            await asyncio.gather(*(backend.close() for backend in backends))

    def command(self, *more: str) -> StdioTransport:
        """Return a switchboard in a process of its own, over stdio."""
        env = {**os.environ, **self.environ, "FASTMCP_LOG_ENABLED": "false", "FASTMCP_ENV_FILE": "/dev/null"}
        args = ["-m", "flotilla_launcher.__main__", "switchboard", *self.options(*more)]
        return StdioTransport(sys.executable, args, env=env, log_file=self.folder / "stderr", keep_alive=False)

    @asynccontextmanager
    async def listening(self, *more: str) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
        """Start a switchboard that listens; gives its URL and its process."""
        env = {**os.environ, "FLOTILLA_HTTP_TOKEN": "client-token-1", **self.environ}
        args = [sys.executable, "-m", "flotilla_launcher.__main__", "switchboard"]
        args += self.options("--transport", "http", "--port", "0", *more)
        with (self.folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(args, env=env, stderr=stderr, stdin=-3)  # noqa: ASYNC220 - tests send it signals
        try:
            yield await self.until(self._url), process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                process.kill()
                process.wait()

    def _url(self) -> str:
        return next((w for w in self.stderr_text().replace(",", " ").split() if w.startswith("http://")), "")

    def stderr_text(self) -> str:
        path = self.folder / "stderr"
        return path.read_text() if path.exists() else ""

    async def until(self, condition: Callable[[], Any], seconds: float = 60) -> Any:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, f"still not: {condition}\n{self.stderr_text()}"
            await asyncio.sleep(0.02)
        return value

    def lines(self, name: str) -> list[str]:
        """Return what the probe wrote down."""
        path = self.data / name
        return path.read_text().splitlines() if path.exists() else []

    def alive(self) -> list[int]:
        """Return the probe's processes that still run."""

        def runs(pid: int) -> bool:
            with suppress(OSError):
                return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
            return False

        return [int(pid) for pid in self.lines("starts") if runs(int(pid))]


@pytest.fixture(scope="session")
def probe_python() -> Iterator[list[str]]:
    """What starts the probe in place of Python: no test is about its start, which takes longer than most tests."""
    with python("flotilla.compat", "fastmcp", "fastmcp.server.context", "mcp.server.request_state") as command:
        yield command


@pytest.fixture
def fleet(
    tmp_path: Path, discovery: dict[str, Any], probe_python: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    for name in list(os.environ):
        if name.startswith("FLOTILLA_"):
            monkeypatch.delenv(name)
    made = Fleet(tmp_path, discovery, probe_python)
    yield made
    for pid in made.alive():  # a test that fails must not leave anything either
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for tenants: a file, and one of a PostgreSQL server."""
    if request.param == "sqlite":
        return str(tmp_path / "tenants.db")
    return str(request.getfixturevalue("postgresql")())


class InMemoryTransport(ClientTransport):
    """A client of a switchboard in this process: what it would read and write over stdio, without the pipes."""

    def __init__(self, gateway: Any) -> None:
        self.gateway = gateway

    @asynccontextmanager
    async def connect_session(
        self, *, transport_options: TransportOptions | None = None, **options: Any
    ) -> AsyncIterator[Any]:
        from flotilla_servers.switchboard.stdio_transport import StdioClient

        to_client, client_reads = anyio.create_memory_object_stream[Any](math.inf)
        client_writes, from_client = anyio.create_memory_object_stream[Any](math.inf)

        def write(line: bytes) -> None:
            to_client.send_nowait(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))

        async def read() -> None:
            async for item in from_client:
                client.receive(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

        client = StdioClient(write, self.gateway)
        reading = asyncio.create_task(read())
        try:
            async with (transport_options or TransportOptions()).session_class(
                read_stream=client_reads, write_stream=client_writes, **options
            ) as session:
                yield session
        finally:
            reading.cancel()
            client.close()
            for stream in (to_client, from_client):
                stream.close()


class Person:
    """A client with a person in front of it, who answers with their own name."""

    def __init__(self, target: Any, era: str, name: str = "", **more: Any) -> None:
        self.name, self.asked, self.logs, self.steps = name, list[str](), list[str](), list[float]()
        if not isinstance(target, ClientTransport):
            target = FastMCPTransport(target) if isinstance(target, FastMCP) else InMemoryTransport(target)
        handlers: dict[str, Any] = {"log_handler": self._log, "progress_handler": self._progress}
        if name:
            handlers["elicitation_handler"] = self._answer
        self.client: Client[Any] = Client(target, mode=era, **handlers, **more)

    async def _answer(self, message: str, *_: Any) -> dict[str, str]:
        self.asked.append(message)
        await asyncio.sleep(0.1)
        return {"answer": self.name}

    async def _log(self, message: Any) -> None:
        self.logs.append(message.data["msg"])

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.steps.append(progress)

    async def call(self, tool: str, /, **args: Any) -> Any:
        """Return the text of a result."""
        result: Any = await self.client.call_tool_mcp(tool, args)
        return result.content[0].text

    async def about(self) -> dict[str, Any]:
        return dict(json.loads(await self.call("probe_about")))


@pytest.fixture
def person() -> type[Person]:
    return Person


def docker(*args: str, **more: Any) -> str:
    return str(subprocess.run(["docker", *args], capture_output=True, text=True, check=True, **more).stdout)


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """Build the probe's image on the fleet's base; gives its name."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine")
    if not docker("images", "-q", naming.image("base")).strip():
        pytest.skip("the base image is not built: make build S=filesystem")
    name = "flotilla-test-probe"
    # Without docstrings: FastMCP would read them with griffe, which the base does not have.
    recipe = f"FROM {naming.image('base')}\nENV PYTHONPATH=/app/lib PYTHONOPTIMIZE=2\nCOPY probe.py /probe.py\n"
    recipe += 'ENTRYPOINT ["/usr/bin/python3.13", "/probe.py"]\n'
    docker("build", "-q", "-t", name, "-f", "-", str(HERE), input=recipe)
    yield name
    subprocess.run(["docker", "rmi", "-f", name], capture_output=True, check=False)


class Containers:
    """The containers of one test's switchboard."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def now(self, *more: str) -> list[str]:
        """Return their names."""
        return docker("ps", "-a", "--filter", f"name={self.owner}-", "--format", "{{.Names}}", *more).split()

    def inspect(self) -> dict[str, Any]:
        """Return what the engine says about the one that runs."""
        [name] = self.now()
        return dict(json.loads(docker("inspect", name))[0])

    def kill(self) -> None:
        docker("kill", *self.now())

    def remove(self) -> None:
        docker("rm", "-f", *self.now())

    def sleeper(self, image: str, name: str, label: str) -> None:
        """Start a container that is not the switchboard's own."""
        code = ["--entrypoint", "/usr/bin/python3.13", image, "-c", "import time; time.sleep(600)"]
        docker("run", "-d", "--rm", "--label", label, "--name", f"{self.owner}-{name}", *code)


@pytest.fixture
def contained(fleet: Fleet, image: str) -> Iterator[Containers]:
    """The fleet of the test, with its server in a container; leaves none."""
    owner = name_of_run()
    fleet.spec |= {"image": image, "disableNetwork": True, "volumes": [f"{fleet.data}:/data:rw"]}
    fleet.data.chmod(0o777)
    fleet.more = ["--run", "docker", "--owner", owner]
    containers = Containers(owner)
    yield containers
    left = containers.now()
    if left:
        docker("rm", "-f", *left)
    assert left == []

"""Real images, real gateways, real clients. All of it is called flotilla-test-<this run>-*, and none of it stays."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from python_on_whales import DockerClient

from flotilla_cli import paths, system
from flotilla_launcher.naming import catalog_name, image, module_of, slug_of
from flotilla_launcher.user_files import read_document
from flotilla_testing.leftovers import name_of_run
from tests.conftest import GATEWAYS, missing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

HARDENED = ["--read-only", "--cap-drop=ALL", "--network=none", "--security-opt=no-new-privileges"]
HARDENED += ["--tmpfs=/tmp", "--cpus=1", "--memory=512m", "--pids-limit=256"]
RUN = name_of_run()  # of this run alone: two checkouts may test on one engine at once
PROBE = f"{RUN}-probe"


# -- what is here -----------------------------------------------------------------------------------------------------


MISSING = {kind: missing(kind) for kind in GATEWAYS}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.docker)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def docker() -> DockerClient:
    if MISSING["switchboard"]:
        pytest.skip(MISSING["switchboard"])
    return DockerClient()


@pytest.fixture(scope="session", autouse=True)
def images() -> Iterator[None]:
    """Every image of the fleet as the checkout has it, and the probe on the same base."""
    if MISSING["switchboard"]:
        pytest.skip(MISSING["switchboard"])
    done = subprocess.run([str(ROOT / "scripts" / "build")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    built = subprocess.run(
        ["docker", "build", "--quiet", "--build-arg", f"BASE={image('base')}", "--tag", PROBE, str(HERE / "probe")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    yield
    system.docker("image", "rm", "--force", PROBE)


# -- nothing is left --------------------------------------------------------------------------------------------------


def ours() -> list[str]:
    """Return our containers, and those that a gateway started from our images under names of its own."""
    listed = system.docker("ps", "--all", "--format", "{{.Names}} {{.Image}}") or ""
    pairs = (line.split() for line in listed.splitlines())
    return [name for name, image in pairs if name.startswith(RUN) or image == PROBE]


def dead_children() -> list[str]:
    """Return the zombies that this process or one of its children has left."""
    names = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = path.read_text().partition(") ")
            state, parent = rest.split()[:2]
            if state == "Z" and int(parent) == os.getpid():
                names.append(name)
    return names


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No container, no zombie and no temporary catalog outlives a test by more than ten seconds."""
    yield
    end = time.monotonic() + 10
    while (left := ours() + dead_children()) and time.monotonic() < end:
        time.sleep(0.1)
    system.remove([c for c in system.containers() if c["Names"] in left])
    assert left == []
    assert list((paths.mcp_home() / "catalogs").glob(f"{RUN}*")) == []


@pytest.fixture
def volume() -> Iterator[str]:
    """A volume for one test, and beside it one for state, whose name ends in -state."""
    name = f"{RUN}-data-{secrets.token_hex(4)}"
    yield name
    end = time.monotonic() + 10
    while system.docker("volume", "rm", "--force", name, f"{name}-state") is None and time.monotonic() < end:
        time.sleep(0.2)
    assert not system.volume_exists(name)
    assert not system.volume_exists(f"{name}-state")


# -- a fleet and its gateways -----------------------------------------------------------------------------------------


def speak(command: list[str], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Send JSON-RPC messages to a server over stdio; return its answers as it sent them."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin
    assert process.stdout
    answers = []
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        if "id" in message:
            answers.append(json.loads(process.stdout.readline()))
    process.stdin.close()
    rest = process.stdout.read()
    process.stdout.close()
    assert rest == b"", "something else was on stdout"
    assert process.wait(10) == 0
    return answers


def hello(version: str = "2025-11-25") -> list[dict[str, Any]]:
    about = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "flotilla-test", "version": "1"}}
    return [{"id": 0, "method": "initialize", "params": about}, {"method": "notifications/initialized"}]


@pytest.fixture(scope="session")
def discovery(images: None) -> dict[str, Any]:
    """The probe's discovery file, as the generator would make it."""
    command = ["docker", "run", "--rm", "-i", *HARDENED, "--name", f"{RUN}-bake", PROBE]
    asked = [{"id": n, "method": m, "params": {}} for n, m in enumerate(("tools/list", "prompts/list"), 1)]
    answers = speak(command, *hello(), *asked)
    tools = answers[1]["result"]["tools"]
    about = {
        tool["name"]: {
            "effect": "reads" if tool["annotations"]["readOnlyHint"] else "writes",
            "tier": "core",
            "group": "",
        }
        for tool in tools
    }
    return {"format": 1, "server": "probe", "tools": tools, "prompts": [], "resources": [], "resourceTemplates": [],
            "attributes": {"tools": about, "prompts": {}}}  # fmt: skip


class Fleet:
    """A catalog, a secrets file and a configuration in a folder of their own, and the gateways that read them."""

    def __init__(self, kind: str, folder: Path, volume: str, discovery: dict[str, Any]) -> None:
        self.kind, self.folder, self.volume = kind, folder, volume
        self.name = f"{RUN}-{secrets.token_hex(4)}"
        self.catalog = read_document(paths.CATALOG)["registry"]
        for server in self.catalog.values():
            server["volumes"] = [f"{volume}:/data", f"{volume}-state:/state"]
        self.catalog["probe"] = {
            "title": "Probe",
            "description": "Shows what a server can see.",
            "type": "server",
            "image": PROBE,
            "longLived": True,
            "disableNetwork": True,
            "secrets": [{"name": "probe.token", "env": "PROBE_TOKEN"}],
            "env": [{"name": "PROBE_WORD", "value": "{{probe.word}}"}],
            "volumes": [f"{volume}:/data"],
        }
        self.secrets, self.config = "probe.token=s3cr=et\n", {"probe": {"word": "Été"}}
        for slug in self.catalog:
            (folder / slug_of(slug)).mkdir()
            source = ROOT / "servers" / module_of(slug_of(slug)) / "discovery.json"
            text = json.dumps(discovery) if slug == "probe" else source.read_text(encoding="utf-8")
            (folder / slug_of(slug) / "discovery.json").write_text(text, encoding="utf-8")
        self.processes: list[int] = []

    def _file(self) -> Path:
        return (
            paths.mcp_home() / "catalogs" / f"{self.name}.yaml"
            if self.kind == "docker-gateway"
            else self.folder / "catalog"
        )

    def command(self, *servers: str) -> list[str]:
        """Return the gateway's command over stdio; writes the files it reads. Servers by slug or by catalog name."""
        servers = tuple(name if name in self.catalog else catalog_name(name) for name in servers)
        # JSON, which is YAML too: PyYAML takes seconds to write a catalog, and a gateway longer to read it.
        paths.write(self._file(), json.dumps({"name": self.name, "registry": self.catalog}))
        (self.folder / "secrets").write_text(self.secrets, encoding="utf-8")
        (self.folder / "config").write_text(yaml.safe_dump(self.config, allow_unicode=True), encoding="utf-8")
        files = ["--secrets", str(self.folder / "secrets"), "--config", str(self.folder / "config")]
        if self.kind == "docker-gateway":
            return [
                "docker",
                "mcp",
                "gateway",
                "run",
                "--catalog",
                self._file().name,
                "--servers",
                ",".join(servers),
                *files,
            ]
        command = [
            str(paths.VENV / "flotilla-switchboard"),
            "--catalog",
            str(self._file()),
            "--servers",
            ",".join(servers),
        ]
        listed = ["--discovery", str(self.folder), "--search", "off", "--say-after", "0", "--notes", "off"]
        listed += ["--permissions", "off", "--settings", str(self.folder / "settings.json")]
        return [*command, *files, *listed, "--run", "docker", "--owner", RUN]

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}

    @property
    def log(self) -> Path:
        return self.folder / "gateway.log"

    @asynccontextmanager
    async def client(self, *servers: str, **options: Any) -> AsyncIterator[Client[Any]]:
        """Start the gateway over stdio with a FastMCP client."""
        command = self.command(*(servers or ("probe",)))
        transport = StdioTransport(command[0], command[1:], env=self.environment(), keep_alive=False, log_file=self.log)
        async with Client(transport, timeout=60, **options) as client:
            yield client

    def containers(self) -> list[dict[str, str]]:
        """Return the running containers of the probe."""
        return system.containers(f"ancestor={PROBE}", "status=running")

    def read(self, path: str) -> str:
        """Return a file of the volume, nothing when it is not there."""
        command = ["docker", "run", "--rm", "--name", f"{RUN}-read", "-v", f"{self.volume}:/data"]
        command += ["--entrypoint", "/usr/bin/python3.13", PROBE, "-I", "-S", "-c"]
        code = f"import os, sys; p = '/data/{path}'; sys.stdout.write(open(p).read() if os.path.exists(p) else '')"
        return subprocess.run([*command, code], capture_output=True, text=True, check=True).stdout

    def close(self) -> None:
        self._file().unlink(missing_ok=True)


@pytest.fixture(params=GATEWAYS)
def fleet(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    volume: str,
    discovery: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> Iterator[Fleet]:
    """A fleet behind each kind of gateway that is on this machine."""
    if MISSING[request.param]:
        pytest.skip(MISSING[request.param])
    record_property("gateway", request.param)
    made = Fleet(request.param, tmp_path, volume, discovery)
    yield made
    made.close()


def text_of(result: Any) -> str:
    return "".join(getattr(part, "text", "") for part in result.content)


async def called(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that must succeed; return its structured result, which the text must equal."""
    result = await client.call_tool_mcp(tool, arguments)
    assert not result.is_error, text_of(result)
    assert json.loads(text_of(result)) == result.structured_content
    content: dict[str, Any] = result.structured_content
    return content

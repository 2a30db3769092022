"""The gateway in front of the servers: Docker's plugin, Docker's image, or the switchboard. How each is started,
found again and stopped."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flotilla_cli import paths, servers, system
from flotilla_launcher.naming import GATEWAY_IMAGE, module_of
from flotilla_launcher.processes import started
from flotilla_servers.switchboard.catalog import FLEET, own_variables
from flotilla_servers.switchboard.options import OPTIONS

BLOCK_SECRETS = "--block-secrets=false"
KINDS = {
    "docker": "Docker's MCP gateway (docker mcp gateway run)",
    "docker-image": f"Docker's MCP gateway (the image {GATEWAY_IMAGE})",
    "switchboard": "the switchboard",
}
LABEL = "flotilla.gateway"  # of a gateway's own container
RUNS = {"docker": "in containers", "process": "as local processes"}


class GatewayError(Exception):
    """The gateway cannot be started. The message says why and what to do."""


@dataclass
class Running:
    """What is known about the gateway that was started last."""

    kind: str = ""  # a key of KINDS
    run: str = ""  # a key of RUNS: how its servers run
    url: str = ""
    servers: list[str] = field(default_factory=list)  # slugs
    tools: int = 0
    pid: int = 0
    since: str = ""  # when the process started, as processes.started() returns it
    container: str = ""
    fingerprint: str = ""

    @classmethod
    def read(cls) -> Running:
        """Read what was saved when it was started."""
        saved = paths.read_json(_state())
        return cls(**{name: saved[name] for name in cls.__dataclass_fields__ if name in saved})

    def save(self) -> None:
        """Save it for the next command."""
        paths.write(_state(), json.dumps(asdict(self), indent=2) + "\n")

    def alive(self) -> bool:
        """Tell whether its process, or its container, is still the one that was started."""
        if self.container:
            return system.docker("inspect", "--format", "{{.State.Running}}", self.container) == "true"
        return bool(self.pid and self.since and started(self.pid) == self.since)

    def healthy(self) -> bool:
        """Tell whether it answers."""
        return self.alive() and _health(self.url)


def _state() -> Path:
    return paths.run_folder() / "gateway.json"


def log_file() -> Path:
    """Return where the gateway's log goes."""
    return paths.run_folder() / "gateway.log"


def token() -> str:
    """Return the gateway's bearer token; made once, so that clients that have it stay connected."""
    return _saved("token", lambda: secrets.token_urlsafe(32))


def state_key() -> str:
    """Return the key that seals pending questions, so that they outlive a restart of the gateway."""
    return _saved("state-key", lambda: secrets.token_hex(32))


def console_token() -> str:
    """Return the token that opens the switchboard's console; made once, so that browsers stay signed in."""
    return _saved("console-token", lambda: secrets.token_urlsafe(32))


def console_address(running: Running) -> str:
    """Return the address that opens the console, "" where the gateway has none."""
    if running.kind != "switchboard" or os.environ.get("FLOTILLA_CONSOLE") == "off":
        return ""
    return f"{running.url.removesuffix('/mcp')}/console/?token={console_token()}"


def _saved(name: str, make: Callable[[], str]) -> str:
    path = paths.run_folder() / name
    value = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if not value:
        value = make()
        paths.write(path, value + "\n")
    return value


def _health(url: str) -> bool:
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url.removesuffix("/mcp") + "/health", timeout=3) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def title(kind: str) -> str:
    """Return the name of a kind at the start of a sentence."""
    return KINDS[kind][0].upper() + KINDS[kind][1:]


def offer(running: Running) -> str:
    """Return how much it offers: `2 servers, 13 tools`."""
    return f"{count(len(running.servers), 'server')}, {count(running.tools, 'tool')}"


def count(number: int, noun: str) -> str:
    """Return `1 server`, `2 servers`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


# -- which ------------------------------------------------------------------------------------------------------------


def wanted() -> str:
    """Return the kind that FLOTILLA_GATEWAY asks for, "" where that is not set. Raises GatewayError."""
    if os.environ.get("FLOTILLA_DOOR"):
        raise GatewayError(RENAMED)
    kind = os.environ.get("FLOTILLA_GATEWAY", "")
    if kind and kind not in KINDS:
        raise GatewayError(f"FLOTILLA_GATEWAY={kind} is not a valid gateway. Use {' or '.join(KINDS)}, or unset it.")
    return kind


RENAMED = (
    "FLOTILLA_DOOR is now called FLOTILLA_GATEWAY, with the values docker (before: gateway), docker-image (before: "
    "gateway-image) and switchboard. Set that one, and unset FLOTILLA_DOOR."
)


def choose(engine: bool, running: Running) -> str:
    """Return the kind to start: FLOTILLA_GATEWAY's, else Docker's gateway where it is installed, else the switchboard.

    Raises GatewayError where the one asked for is not available.
    """
    kind = wanted()
    if kind.startswith("docker") and not engine:
        raise GatewayError(
            f"FLOTILLA_GATEWAY={kind} needs a Docker engine, and none answers. Run `make doctor` to see why, or unset "
            "FLOTILLA_GATEWAY."
        )
    if kind == "docker" and not system.gateway_plugin():
        raise GatewayError(
            "FLOTILLA_GATEWAY=docker needs the Docker MCP plugin, and `docker mcp version` fails. Install the plugin "
            "(it comes with Docker Desktop, or from https://github.com/docker/mcp-gateway/releases), or unset "
            "FLOTILLA_GATEWAY."
        )
    if kind == "docker-image" and not system.gateway_image(pull=True, seconds=300):
        raise GatewayError(
            f"FLOTILLA_GATEWAY=docker-image needs the image {GATEWAY_IMAGE}, which cannot be pulled. Check the "
            "network, or unset FLOTILLA_GATEWAY."
        )
    if kind:
        return kind
    if not engine:
        return "switchboard"
    if system.gateway_plugin():
        return "docker"
    if running.kind in ("docker-image", "switchboard") and running.healthy():
        return running.kind  # whether the image can be pulled was tried when this one was started
    return "docker-image" if system.gateway_image(pull=True) else "switchboard"


def fingerprint(kind: str, run: str, slugs: list[str]) -> str:
    """Return a hash that differs as soon as the running gateway is not what would be started now."""
    parts: list[Any] = [kind, run, slugs, paths.port(), paths.owner(), token()]
    parts += [os.environ.get(name, "") for name in ("FLOTILLA_DATA", "FLOTILLA_STATE")]
    for path in (paths.CATALOG, paths.CATALOG_JSON, paths.secrets_file(), paths.config_file()):
        parts.append(hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
    if run == "docker":
        parts.append(system.image_ids(servers.images(slugs)))
    if kind == "switchboard":  # it hands them to every server
        own = [name for slug in slugs for name in own_variables(slug)]
        options = ["FLOTILLA_" + name.upper().replace("-", "_") for name in OPTIONS]
        parts.append([os.environ.get(name, "") for name in (*FLEET, *own, *options)])
    sources = [paths.ROOT / "servers" / "switchboard"] if kind == "switchboard" else []
    sources += [paths.ROOT / "servers" / module_of(slug) for slug in slugs] if run == "process" else []
    for folder in [*sources, *([paths.ROOT / "shared" / "src" / "flotilla"] if sources else [])]:
        for path in sorted([*folder.rglob("*.py"), *folder.glob("discovery.json")]):
            parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


# -- commands ---------------------------------------------------------------------------------------------------------


def switchboard_command(slugs: list[str], run: str, catalog: Path = paths.CATALOG_JSON) -> list[str]:
    """Return the switchboard's command over stdio, without the user's files.

    With no slugs it starts the servers that are ready when it starts.
    """
    command = [str(paths.VENV / "flotilla-switchboard"), "--catalog", str(catalog)]
    command += ["--servers", ",".join(slugs)] if slugs else []
    command += ["--run", run, "--owner", paths.owner()]
    folders = ["--data", str(paths.data_folder()), "--state", str(paths.state_folder())]
    return [*command, *folders] if run == "process" else command


def docker_command(slugs: list[str], catalog: str = "flotilla.yaml") -> list[str]:
    """Return the command of Docker's gateway over stdio, without the user's files.

    `--servers` also keeps its dynamic tools away. Its filter by patterns of secrets is off: see docs/guards.md.
    """
    command = [shutil.which("docker") or "docker", "mcp", "gateway", "run", "--catalog", catalog]
    return [*command, "--servers", servers.catalog_names(slugs), BLOCK_SECRETS]


def files(secret: Path, config: Path) -> list[str]:
    """Return the options for the user's files.

    Without a secrets file, the gateway would hand every server Docker Desktop's references in place of values.
    """
    return ["--secrets", str(secret), "--config", str(config)]


def user_files() -> list[str]:
    """Return the options for those of the user's own files that exist."""
    both = (("--secrets", paths.secrets_file()), ("--config", paths.config_file()))
    return [part for option, path in both if path.is_file() for part in (option, str(path))]


def _hosts_option() -> list[str]:
    """Return `--host` where the gateway knows it: the newer ones would listen on every address without it."""
    usage = system.docker("mcp", "gateway", "run", "--help") or ""
    return ["--host", "127.0.0.1"] if "--host " in usage else []


# -- start and stop ---------------------------------------------------------------------------------------------------


def start(kind: str, run: str, slugs: list[str]) -> Running:
    """Start a gateway in the background and wait until it answers. Raises GatewayError with the end of its log."""
    port = paths.port()
    if not _soon(lambda: system.port_is_free(port), 3):  # a process that was killed keeps it for a moment
        raise GatewayError(
            f"Port {port} is in use by another program. Stop that program, or choose another port: "
            "FLOTILLA_PORT=8812 make up"
        )
    running = Running(kind=kind, run=run, url=f"http://127.0.0.1:{port}/mcp", servers=slugs)
    paths.write(log_file(), "")
    if kind == "docker-image":
        _start_image(running, port)
    else:
        _start_process(running, port)
    running.save()
    # Docker's gateway starts every server once before it answers: some 3 s for the first, 1.5 s for each further one.
    if not _wait(running, seconds=60 + 10 * len(slugs)):
        ending = log_ending(running)
        stop(running)
        raise GatewayError(f"{title(kind)} did not start. {ending}")
    running.fingerprint = fingerprint(kind, run, slugs)
    running.save()
    return running


def _start_process(running: Running, port: int) -> None:
    environ = {**os.environ, "NO_COLOR": "1"}
    if running.kind == "docker":
        options = ["--transport", "streaming", "--port", str(port), *_hosts_option()]
        command = [*docker_command(running.servers), *user_files(), *options]
        environ["MCP_GATEWAY_AUTH_TOKEN"] = token()
    else:
        options = ["--transport", "http", "--host", "127.0.0.1", "--port", str(port)]
        command = [*switchboard_command(running.servers, running.run), *user_files(), *options]
        environ |= {"FLOTILLA_HTTP_TOKEN": token(), "FLOTILLA_STATE_KEY": state_key()}
        environ["FLOTILLA_CONSOLE_TOKEN"] = console_token()
    with log_file().open("a") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, cwd="/", start_new_session=True
        )
    running.pid, running.since = process.pid, started(process.pid)


def _start_image(running: Running, port: int) -> None:
    name = f"{paths.owner()}-gateway"
    system.docker("rm", "--force", "--volumes", name)
    home = "/root/.docker/mcp"
    mounts = {paths.CATALOG: f"{home}/catalogs/flotilla.yaml"}
    options: list[str] = []
    for option, path in (("--secrets", paths.secrets_file()), ("--config", paths.config_file())):
        if path.is_file():
            mounts[path] = f"{home}/{path.name}"
            options += [option, f"{home}/{path.name}"]
    command = ["run", "--detach", "--name", name, "--label", f"{LABEL}={paths.owner()}", "--pull", "never"]
    command += ["--publish", f"127.0.0.1:{port}:{port}", "--env", "MCP_GATEWAY_AUTH_TOKEN"]
    command += ["--volume", "/var/run/docker.sock:/var/run/docker.sock"]  # it starts the servers itself
    for source, target in mounts.items():
        command += ["--volume", f"{source}:{target}:ro"]
    command += [GATEWAY_IMAGE, "--catalog", "flotilla.yaml"]
    command += ["--servers", servers.catalog_names(running.servers), *options, BLOCK_SECRETS]
    command += ["--transport", "streaming", "--port", str(port)]
    done = subprocess.run(
        ["docker", *command],
        env={**os.environ, "MCP_GATEWAY_AUTH_TOKEN": token()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        system.docker("rm", "--force", "--volumes", name)
        raise GatewayError(f"{GATEWAY_IMAGE} did not start: {done.stderr.strip()[-300:]}")
    running.container = name


def _wait(running: Running, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not running.alive():
            return False
        if _health(running.url):
            return True
        time.sleep(0.1)
    return False


def _soon(check: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (holds := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return holds


def log_ending(running: Running, lines: int = 5) -> str:
    """Return the last lines of the gateway's log, without the token."""
    if running.container:
        text = system.docker("logs", "--tail", str(lines), running.container) or ""
    else:
        text = log_file().read_text(encoding="utf-8", errors="replace") if log_file().is_file() else ""
    ending = "\n".join(text.strip().splitlines()[-lines:]).replace(token(), "***").replace(console_token(), "***")
    return f"The end of its log ({paths.short(log_file())}):\n{ending}" if ending else "Its log is empty."


def stop(running: Running, grace: float = 15) -> bool:
    """Stop a gateway and forget it, after `grace` seconds at the latest. False when it was not running."""
    was_alive = running.alive()
    if running.container:
        system.docker("rm", "--force", "--volumes", running.container)
    elif running.pid:
        system.stop(running.pid, running.since, grace)
    _state().unlink(missing_ok=True)
    return was_alive


@contextmanager
def exclusive() -> Iterator[None]:
    """Keep two commands from starting two gateways at the same time."""
    import fcntl

    path = paths.run_folder() / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""The doors to the fleet: Docker's gateway, its image, and the switchboard. How each is started, found and stopped."""

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

from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine
from flotilla_launcher.naming import GATEWAY_IMAGE, module_of
from flotilla_servers.switchboard.catalog import FLEET, own_variables

BLOCK_SECRETS = "--block-secrets=false"
KINDS = ("gateway", "gateway-image", "switchboard")
NAMES = {
    "gateway": "docker mcp gateway run",
    "gateway-image": f"the image {GATEWAY_IMAGE}",
    "switchboard": "the switchboard",
}


class Problem(Exception):  # noqa: N818 - a sentence for the user
    """The door cannot be started; says why and what to do."""


@dataclass
class Running:
    """What is known of the door that was started last."""

    kind: str = ""
    run: str = ""  # docker or process: how its servers run
    url: str = ""
    servers: list[str] = field(default_factory=list)
    tools: int = 0
    pid: int = 0
    since: str = ""
    container: str = ""
    fingerprint: str = ""

    @classmethod
    def read(cls) -> Running:
        """Read what was written when it was started."""
        found = place.read_json(_state())
        return cls(**{name: found[name] for name in cls.__dataclass_fields__ if name in found})

    def save(self) -> None:
        """Keep it for the next command."""
        place.write(_state(), json.dumps(asdict(self), indent=2) + "\n")

    def alive(self) -> bool:
        """Tell whether its process, or its container, is still the one that was started."""
        if self.container:
            return machine.docker("inspect", "--format", "{{.State.Running}}", self.container) == "true"
        return bool(self.pid and self.since and machine.started(self.pid) == self.since)

    def healthy(self) -> bool:
        """Tell whether it answers."""
        return self.alive() and _health(self.url)


def _state() -> Path:
    return place.run_folder() / "door.json"


def log_file() -> Path:
    """Return where the door's own words go."""
    return place.run_folder() / "door.log"


def token() -> str:
    """Return the bearer token of the door; made once, so that clients that know it stay connected."""
    return _kept("token", lambda: secrets.token_urlsafe(32))


def state_key() -> str:
    """Return the key that seals questions, so that one outlives a restart of the door."""
    return _kept("state-key", lambda: secrets.token_hex(32))


def _kept(name: str, make: Callable[[], str]) -> str:
    path = place.run_folder() / name
    found = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if not found:
        found = make()
        place.write(path, found + "\n")
    return found


def _health(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            _base(url) + "/health", timeout=3
        ) as got:
            return bool(got.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _base(url: str) -> str:
    return url.removesuffix("/mcp")


# -- which ------------------------------------------------------------------------------------------------------------


def choose(engine: bool, running: Running) -> str:
    """Return the kind of door: FLOTILLA_DOOR, else Docker's gateway where it is, else the switchboard."""
    asked = os.environ.get("FLOTILLA_DOOR", "")
    if asked and asked not in KINDS:
        raise Problem(f"FLOTILLA_DOOR={asked} is none of {', '.join(KINDS)}.")
    if asked in ("gateway", "gateway-image") and not engine:
        raise Problem(
            f"FLOTILLA_DOOR={asked} needs a Docker engine, and there is none: unset it, or see `make doctor`."
        )
    if asked == "gateway" and not machine.gateway_plugin():
        raise Problem(
            "FLOTILLA_DOOR=gateway, but `docker mcp version` fails: the Docker MCP plugin is not installed. It comes"
            " with Docker Desktop, or from https://github.com/docker/mcp-gateway/releases. Unset it to do without."
        )
    if asked == "gateway-image" and not machine.gateway_image(pull=True, seconds=300):
        raise Problem(f"FLOTILLA_DOOR=gateway-image, but {GATEWAY_IMAGE} cannot be pulled. Unset it to do without.")
    if asked:
        return asked
    if not engine:
        return "switchboard"
    if machine.gateway_plugin():
        return "gateway"
    if running.kind in ("gateway-image", "switchboard") and running.healthy():
        return running.kind  # it was looked for when this one was started
    return "gateway-image" if machine.gateway_image(pull=True) else "switchboard"


def fingerprint(kind: str, run: str, servers: list[str]) -> str:
    """Return what changes whenever a running door would no longer be the one that would be started now."""
    parts: list[Any] = [kind, run, servers, place.port(), place.owner(), token()]
    parts += [os.environ.get(name, "") for name in ("FLOTILLA_DATA", "FLOTILLA_STATE")]
    for path in (place.CATALOG, place.QUICK_CATALOG, place.secrets_file(), place.config_file()):
        parts.append(hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
    if run == "docker":
        parts.append(machine.image_ids(fleet.images(servers)))
    if kind == "switchboard":  # it hands them to every server
        own = [name for slug in servers for name in own_variables(slug)]
        parts.append([os.environ.get(name, "") for name in (*FLEET, *own)])
    sources = [place.ROOT / "servers" / "switchboard"] if kind == "switchboard" else []
    sources += [place.ROOT / "servers" / module_of(slug) for slug in servers] if run == "process" else []
    for folder in [*sources, *([place.ROOT / "shared" / "src" / "flotilla"] if sources else [])]:
        for path in sorted([*folder.rglob("*.py"), *folder.glob("discovery.json")]):
            parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


# -- commands ---------------------------------------------------------------------------------------------------------


def switchboard_command(servers: list[str], run: str, catalog: Path = place.QUICK_CATALOG) -> list[str]:
    """Return the switchboard's command over stdio, without the user's files. No servers: those that are ready then."""
    command = [str(place.VENV / "flotilla-switchboard"), "--catalog", str(catalog)]
    command += ["--servers", ",".join(servers)] if servers else []
    command += ["--run", run, "--owner", place.owner()]
    folders = ["--data", str(place.data_folder()), "--state", str(place.state_folder())]
    return [*command, *folders] if run == "process" else command


def gateway_command(servers: list[str], catalog: str = "flotilla.yaml") -> list[str]:
    """Return the gateway's command over stdio, without the user's files.

    `--servers` also keeps its dynamic tools away. It blocks nothing by patterns of secrets: see docs/guards.md.
    """
    docker = shutil.which("docker") or "docker"
    return [
        docker,
        "mcp",
        "gateway",
        "run",
        "--catalog",
        catalog,
        "--servers",
        fleet.catalog_names(servers),
        BLOCK_SECRETS,
    ]


def files(secret: Path, config: Path) -> list[str]:
    """Return the options for the user's files.

    Without a secrets file, the gateway would hand every server Docker Desktop's references in place of values.
    """
    return ["--secrets", str(secret), "--config", str(config)]


def user_files() -> list[str]:
    """Return the options for the user's own files as far as they are there."""
    found = files(place.secrets_file(), place.config_file())
    return [word for n in (0, 2) if Path(found[n + 1]).is_file() for word in found[n : n + 2]]


def _hosts_option() -> list[str]:
    """Return `--host` where the gateway knows it: the newer ones would listen on every address without it."""
    said = machine.docker("mcp", "gateway", "run", "--help") or ""
    return ["--host", "127.0.0.1"] if "--host " in said else []


# -- start and stop ---------------------------------------------------------------------------------------------------


def start(kind: str, run: str, servers: list[str]) -> Running:
    """Start a door in the background and wait until it answers. Raises Problem with its last words."""
    port = place.port()
    if not _soon(lambda: machine.port_is_free(port), 3):  # a process that was killed keeps it for a moment
        raise Problem(
            f"Port {port} is in use by another program: stop that, or choose another: FLOTILLA_PORT=8812 make up"
        )
    door = Running(kind=kind, run=run, url=f"http://127.0.0.1:{port}/mcp", servers=servers)
    place.write(log_file(), "")
    if kind == "gateway-image":
        _start_image(door, port)
    else:
        _start_process(door, port)
    door.save()
    # The gateway starts every server once before it answers: GATEWAY.md says 3 s for one, 1.5 s for each further.
    if not _wait(door, seconds=60 + 10 * len(servers)):
        words = last_words(door)
        stop(door)
        raise Problem(f"{NAMES[kind]} did not start. {words}")
    door.fingerprint = fingerprint(kind, run, servers)
    door.save()
    return door


def _start_process(door: Running, port: int) -> None:
    environ = {**os.environ, "NO_COLOR": "1"}
    if door.kind == "gateway":
        options = ["--transport", "streaming", "--port", str(port), *_hosts_option()]
        command = [*gateway_command(door.servers), *user_files(), *options]
        environ["MCP_GATEWAY_AUTH_TOKEN"] = token()
    else:
        options = ["--transport", "http", "--host", "127.0.0.1", "--port", str(port)]
        command = [*switchboard_command(door.servers, door.run), *user_files(), *options]
        environ |= {"FLOTILLA_HTTP_TOKEN": token(), "FLOTILLA_STATE_KEY": state_key()}
    with log_file().open("a") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, cwd="/", start_new_session=True
        )
    door.pid, door.since = process.pid, machine.started(process.pid)


def _start_image(door: Running, port: int) -> None:
    name = f"{place.owner()}-gateway"
    machine.docker("rm", "--force", "--volumes", name)
    home = "/root/.docker/mcp"
    mounts = {place.CATALOG: f"{home}/catalogs/flotilla.yaml"}
    options = []
    for option, path in (("--secrets", place.secrets_file()), ("--config", place.config_file())):
        if path.is_file():
            mounts[path] = f"{home}/{path.name}"
            options += [option, f"{home}/{path.name}"]
    command = ["run", "--detach", "--name", name, "--label", f"flotilla.door={place.owner()}", "--pull", "never"]
    command += ["--publish", f"127.0.0.1:{port}:{port}", "--env", "MCP_GATEWAY_AUTH_TOKEN"]
    command += ["--volume", "/var/run/docker.sock:/var/run/docker.sock"]  # it starts the servers itself
    for source, target in mounts.items():
        command += ["--volume", f"{source}:{target}:ro"]
    command += [GATEWAY_IMAGE, "--catalog", "flotilla.yaml"]
    command += ["--servers", fleet.catalog_names(door.servers), *options, BLOCK_SECRETS]
    command += ["--transport", "streaming", "--port", str(port)]
    done = subprocess.run(
        ["docker", *command],
        env={**os.environ, "MCP_GATEWAY_AUTH_TOKEN": token()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        machine.docker("rm", "--force", "--volumes", name)
        raise Problem(f"{GATEWAY_IMAGE} did not start: {done.stderr.strip()[-300:]}")
    door.container = name


def _wait(door: Running, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not door.alive():
            return False
        if _health(door.url):
            return True
        time.sleep(0.1)
    return False


def _soon(check: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def last_words(door: Running, lines: int = 5) -> str:
    """Return the end of the door's log, without the token."""
    if door.container:
        said = machine.docker("logs", "--tail", str(lines), door.container) or ""
    else:
        said = log_file().read_text(encoding="utf-8", errors="replace") if log_file().is_file() else ""
    ending = "\n".join(said.strip().splitlines()[-lines:]).replace(token(), "***")
    return f"Its last words ({place.short(log_file())}):\n{ending}" if ending else f"See {place.short(log_file())}."


def stop(door: Running, grace: float = 15) -> bool:
    """Stop a door and forget it, at the latest after `grace` seconds. False when it was not running."""
    was = door.alive()
    if door.container:
        machine.docker("rm", "--force", "--volumes", door.container)
    elif door.pid:
        machine.stop(door.pid, door.since, grace)
    _state().unlink(missing_ok=True)
    return was


@contextmanager
def alone() -> Iterator[None]:
    """Keep two `make up` from starting two doors."""
    import fcntl

    path = place.run_folder() / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""How a server is started: as a container with the options of every server, or as a process of this machine."""

from __future__ import annotations

import asyncio
import copy
import os
import re
import secrets
import shutil
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from flotilla_launcher.__main__ import folder_of
from flotilla_launcher.processes import machine, started

from . import processes
from .catalog import STEERING, Entry
from .forking import ForkServer
from .processes import Command

LABEL = "flotilla.switchboard"  # its value names the switchboard that owns the container: see `owner_label`
FLAGS = "run -i --rm --init --pull never --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges"
DOCKER_VARIABLES = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
)
IMAGE_USER = "10001:10001"  # as whom our images run
TELEMETRY = tuple(
    f"OTEL_EXPORTER_OTLP_{part}" for part in ("ENDPOINT", "TRACES_ENDPOINT", "METRICS_ENDPOINT", "HEADERS")
)
BASIC = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")  # variables that every command gets
INHERITED = (*BASIC, *TELEMETRY)  # those of the fleet's; the headers of telemetry may hold a secret
# Where the kernel can do it, servers end with a switchboard that is killed, also while they are busy.
_SETPRIV = os.path.basename(os.path.realpath(shutil.which("setpriv") or ""))  # busybox has one without that option
END_WITH_PARENT = ["setpriv", "--pdeathsig", "TERM"] if sys.platform == "linux" and _SETPRIV == "setpriv" else []


class Commands:
    """The commands of one switchboard, for all its servers."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._swept: asyncio.Task[None] | None = None
        self._fork_server = ForkServer(options.fork == "on", options.idle, END_WITH_PARENT, _variables(INHERITED))
        self._data, self._state = Path(options.data).absolute(), Path(options.state).absolute()
        self._mounts_folders = False  # else containers keep files and state in the volumes of the catalog

    def in_folders(self, data: Path, state: Path) -> Commands:
        """Return the same commands for servers that keep files and state in these folders, containers too."""
        own = copy.copy(self)
        own._data, own._state, own._mounts_folders = data.absolute(), state.absolute(), True
        return own

    async def start(self, command: Command) -> processes.Process:
        """Start a server: forked where that is possible, else by itself. Raises OSError."""
        return await self._fork_server.start(command) or await processes.start(command)

    async def command(self, entry: Entry) -> Command:
        """Return the command that starts a server."""
        if argv := entry.spec.get("argv"):  # an own server that is a program of this machine
            return Command(END_WITH_PARENT + list(argv), _variables(BASIC) | entry.env, "", ())
        program, mode = Path(self._options.bin) / f"flotilla-{entry.slug}", self._options.run
        if entry.spec.get("own"):  # an image, of which there is no program
            mode = "docker"
        elif mode == "auto":
            image = await docker("image", "inspect", entry.spec.get("image", ""))
            mode = "process" if image is None and program.exists() else "docker"
        # No FLOTILLA_STATE_KEY: each server keeps a key in its state folder, which is the same behind every gateway.
        if mode == "process":
            self._data.mkdir(parents=True, exist_ok=True)
            self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
            folders = {"FLOTILLA_DATA": str(self._data), "FLOTILLA_STATE": str(self._state)}
            line = [str(program), *entry.command]
            is_ours = program.exists() and program.parent == Path(sys.executable).parent and folder_of(entry.slug)
            return _command(line, folders | entry.env, program=tuple(line) if is_ours else ())
        self._swept = self._swept or asyncio.create_task(sweep())
        await self._swept
        return self._container(entry, entry.env)

    def _container(self, entry: Entry, env: dict[str, str]) -> Command:
        name = f"{self._options.owner}-{entry.slug}-{secrets.token_hex(4)}"
        args = ["docker", *FLAGS.split(), "--name", name, "--label", f"{LABEL}={owner_label()}", "--pids-limit", "256"]
        args += ["--cpus", str(self._options.cpus), "--memory", self._options.memory]
        args += ["--network", "none"] if entry.spec.get("disableNetwork") else []
        user = entry.spec.get("user")
        if self._mounts_folders:
            user = user if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"  # who owns the folders writes to them
            args += [part for volume in self._mounts(entry, user or IMAGE_USER) for part in ("-v", volume)]
        else:
            args += [part for volume in entry.volumes for part in ("-v", volume)]
        args += ["-u", user] if user else []
        for variable in env:  # values travel in the environment, never in an argument list: they may be secret
            args += ["-e", f"{variable}={env[variable]}" if STEERING.match(variable) else variable]
        secret = {variable: value for variable, value in env.items() if not STEERING.match(variable)}
        return _command([*args, entry.spec["image"], *entry.command], secret | _variables(DOCKER_VARIABLES), name)

    def _mounts(self, entry: Entry, user: str) -> list[str]:
        """Return a container's mounts, with our folders in place of the catalog's volumes, which others use too.

        State lies where a process keeps it, in a folder named like the server. Raises OSError for a volume of which
        nobody knows what it is for.
        """
        state = self._state / entry.slug
        ours = {"/data": f"{self._data}:/data", "/state": f"{state}:/state/{entry.slug}"}
        mounts = []
        for volume in entry.volumes:
            target = volume.split(":")[1] if ":" in volume else ""
            if target in ours:
                mounts.append(ours[target])
            elif volume.startswith("/") and volume.endswith(":ro"):
                mounts.append(volume)
            else:
                raise OSError(f"its volume {volume} would be shared with other accounts")
        for folder in (self._data, state):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.getuid() == 0 and user.replace(":", "").isdecimal():
                os.chown(folder, *(int(part) for part in (user.split(":") * 2)[:2]))
        return mounts


def _command(line: list[str], env: dict[str, str], container: str = "", program: tuple[str, ...] = ()) -> Command:
    return Command(END_WITH_PARENT + line, _variables(INHERITED) | env, container, program)


def _variables(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


async def docker(*args: str) -> str | None:
    """Return what a docker command prints; None when it fails, takes 15 seconds, or there is no docker."""
    with suppress(OSError, TimeoutError):
        env = _variables(INHERITED + DOCKER_VARIABLES)
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec("docker", *args, env=env, stdin=null, stdout=pipe, stderr=null)
        async with asyncio.timeout(15):
            printed, _ = await process.communicate()
        return printed.decode() if process.returncode == 0 else None
    return None


async def container_memory(name: str) -> float:
    """Return the memory that a container uses in MB, 0 where nobody can tell."""
    used = (await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name) or "").partition("/")[0].strip()
    match = re.fullmatch(r"([\d.]+)([KMG]?)i?B", used)
    return float(match[1]) * {"": 2**-20, "K": 2**-10, "M": 1, "G": 2**10}[match[2]] if match else 0.0


def owner_label() -> str:
    """Name this process: its machine, its id, and when it started."""
    return f"{machine()}/{os.getpid()}/{started(os.getpid())}"


async def sweep() -> None:
    """Remove the containers of switchboards of this machine that were killed."""
    template = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    this_machine, _, since = owner_label().split("/")
    listed = await docker("ps", "--all", "--filter", f"label={LABEL}", "--format", template)
    for line in (listed or "").splitlines():
        container, _, label = line.partition(" ")
        owner = label.split("/")
        if not since or len(owner) != 3 or owner[0] != this_machine or not owner[1].isdecimal():
            continue
        if started(int(owner[1])) != owner[2]:
            await docker("rm", "--force", container)

"""How a server is started: as a container with the options of every server, or as a process of this machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from mcp.client.stdio import StdioServerParameters, get_default_environment

from flotilla_launcher.processes import machine, started

from .catalog import STEERING, Entry

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
# Where the kernel can do it, servers end with a switchboard that is killed, also while they are busy.
END_WITH_PARENT = ["setpriv", "--pdeathsig", "TERM"] if sys.platform == "linux" and shutil.which("setpriv") else []


class Commands:
    """The commands of one switchboard, for all its servers."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._swept: asyncio.Task[None] | None = None

    async def start(self, entry: Entry) -> tuple[StdioServerParameters, str]:
        """Return the command that starts a server, and the name of its container or nothing."""
        program, mode = Path(self._options.bin) / f"flotilla-{entry.slug}", self._options.run
        if mode == "auto":
            image = await docker("image", "inspect", entry.spec.get("image", ""))
            mode = "process" if image is None and program.exists() else "docker"
        # No FLOTILLA_STATE_KEY: each server keeps a key in its state folder, which is the same behind every gateway.
        if mode == "process":
            data, state = Path(self._options.data).absolute(), Path(self._options.state).absolute()
            data.mkdir(parents=True, exist_ok=True)
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
            folders = {"FLOTILLA_DATA": str(data), "FLOTILLA_STATE": str(state)}
            return _parameters([str(program), *entry.command], folders | entry.env), ""
        self._swept = self._swept or asyncio.create_task(sweep())
        await self._swept
        return self._container(entry, entry.env)

    def _container(self, entry: Entry, env: dict[str, str]) -> tuple[StdioServerParameters, str]:
        name = f"{self._options.owner}-{entry.slug}-{secrets.token_hex(4)}"
        args = ["docker", *FLAGS.split(), "--name", name, "--label", f"{LABEL}={owner_label()}", "--pids-limit", "256"]
        args += ["--cpus", str(self._options.cpus), "--memory", self._options.memory]
        args += ["--network", "none"] if entry.spec.get("disableNetwork") else []
        args += [part for volume in entry.volumes for part in ("-v", volume)]
        args += ["-u", entry.spec["user"]] if entry.spec.get("user") else []
        for variable in env:  # values travel in the environment, never in an argument list: they may be secret
            args += ["-e", f"{variable}={env[variable]}" if STEERING.match(variable) else variable]
        secret = {variable: value for variable, value in env.items() if not STEERING.match(variable)}
        return _parameters([*args, entry.spec["image"], *entry.command], secret | _docker_variables()), name


def _parameters(line: list[str], env: dict[str, str]) -> StdioServerParameters:
    command, *args = END_WITH_PARENT + line
    return StdioServerParameters(command=command, args=args, env=env)


def _docker_variables() -> dict[str, str]:
    return {name: os.environ[name] for name in DOCKER_VARIABLES if name in os.environ}


async def docker(*args: str) -> str | None:
    """Return what a docker command prints; None when it fails, takes 15 seconds, or there is no docker."""
    with suppress(OSError, TimeoutError):
        env = get_default_environment() | _docker_variables()
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec("docker", *args, env=env, stdin=null, stdout=pipe, stderr=null)
        async with asyncio.timeout(15):
            printed, _ = await process.communicate()
        return printed.decode() if process.returncode == 0 else None
    return None


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

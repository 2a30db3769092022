"""How a server is started: a container with the flags of every Flotilla server, or a process of this machine."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
import shutil
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from mcp.client.stdio import StdioServerParameters, get_default_environment

from .catalog import STEERING, Entry

LABEL = "flotilla.switchboard"  # its value names the switchboard that owns the container: see `owner`
FLAGS = "run -i --rm --init --pull never --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges"
CLIENT = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "XDG_RUNTIME_DIR")
# Where the kernel can do it, a switchboard that is killed takes its servers with it even while they are busy.
TIED = ["setpriv", "--pdeathsig", "TERM"] if sys.platform == "linux" and shutil.which("setpriv") else []


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
        # No FLOTILLA_STATE_KEY: each server keeps a key of its own in its state, which every door to it then shares.
        if mode == "process":
            data, state = Path(self._options.data).absolute(), Path(self._options.state).absolute()
            data.mkdir(parents=True, exist_ok=True)
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
            folders = {"FLOTILLA_DATA": str(data), "FLOTILLA_STATE": str(state)}
            return _tied([str(program), *entry.command], folders | entry.env), ""
        self._swept = self._swept or asyncio.create_task(sweep())
        await self._swept
        return self._container(entry, entry.env)

    def _container(self, entry: Entry, env: dict[str, str]) -> tuple[StdioServerParameters, str]:
        name = f"{self._options.owner}-{entry.slug}-{secrets.token_hex(4)}"
        args = ["docker", *FLAGS.split(), "--name", name, "--label", f"{LABEL}={owner()}", "--pids-limit", "256"]
        args += ["--cpus", str(self._options.cpus), "--memory", self._options.memory]
        args += ["--network", "none"] if entry.spec.get("disableNetwork") else []
        args += [part for volume in entry.volumes for part in ("-v", volume)]
        args += ["-u", entry.spec["user"]] if entry.spec.get("user") else []
        for variable in env:  # values travel in the environment, never in an argument list: they may be secret
            args += ["-e", f"{variable}={env[variable]}" if STEERING.match(variable) else variable]
        told = {variable: value for variable, value in env.items() if not STEERING.match(variable)}
        return _tied([*args, entry.spec["image"], *entry.command], told | _client()), name


def _tied(line: list[str], env: dict[str, str]) -> StdioServerParameters:
    return StdioServerParameters(command=(TIED + line)[0], args=(TIED + line)[1:], env=env)


def _client() -> dict[str, str]:
    return {name: os.environ[name] for name in CLIENT if name in os.environ}


async def docker(*args: str) -> str | None:
    """Return what a docker command prints, None when it fails or there is no docker."""
    with suppress(OSError, TimeoutError):
        env = get_default_environment() | _client()
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec("docker", *args, env=env, stdin=null, stdout=pipe, stderr=null)
        async with asyncio.timeout(15):
            printed, _ = await process.communicate()
        return printed.decode() if process.returncode == 0 else None
    return None


def started(pid: str) -> str:
    """Return when a process started, in ticks since boot; empty when it has ended or the system does not tell."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""


def owner() -> str:
    """Name this process: the machine and its set of process ids, its id, and when it started."""
    link = Path("/proc/self/ns/pid")
    here = f"{platform.node()}:{os.readlink(link) if link.exists() else ''}"
    return f"{here}/{os.getpid()}/{started(str(os.getpid()))}"


async def sweep() -> None:
    """Remove the containers of switchboards of this machine that were killed."""
    shape = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    here, _, since = owner().split("/")
    listed = await docker("ps", "--all", "--filter", f"label={LABEL}", "--format", shape)
    for line in (listed or "").splitlines():
        container, _, value = line.partition(" ")
        whose = value.split("/")
        if since and len(whose) == 3 and whose[0] == here and started(whose[1]) != whose[2]:
            await docker("rm", "--force", container)

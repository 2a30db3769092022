"""What this machine has: an engine, Docker's gateway, images, free ports, running processes."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from flotilla_launcher.naming import GATEWAY_IMAGE


def docker(*args: str, timeout: float = 60) -> str | None:
    """Return what a docker command prints, None when it fails, hangs or there is no docker."""
    try:
        done = subprocess.run(
            ["docker", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def engine() -> str | None:
    """Return the version of the engine that answers; None without one, or when FLOTILLA_ENGINE=none."""
    if os.environ.get("FLOTILLA_ENGINE") == "none":
        return None
    return docker("info", "--format", "{{.ServerVersion}}", timeout=20) or None


def gateway_plugin() -> str | None:
    """Return the version of the Docker MCP plugin, which brings `docker mcp gateway run`."""
    return docker("mcp", "version", timeout=20) or None


DYNAMIC_TOOLS = (
    "Docker's dynamic tools are on: wherever a gateway runs a profile, the model itself may add servers and write their"
    " configuration (mcp-add, mcp-config-set). Guards are out of its reach, preferences are not:"
    " docker mcp feature disable dynamic-tools"
)


def dynamic_tools() -> bool:
    """Tell whether a gateway without `--servers` lets the model add and configure servers: Docker's default."""
    said = docker("mcp", "feature", "ls", timeout=20) or ""
    return any(line.split()[:2] == ["dynamic-tools", "enabled"] for line in said.splitlines())


def profile(name: str) -> dict[str, Any] | None:
    """Return a profile of the Docker MCP plugin by its id, None where there is none."""
    try:
        found = json.loads(docker("mcp", "profile", "ls", "--format", "json", timeout=20) or "[]")
    except ValueError:
        return None
    return next((one for one in found if isinstance(one, dict) and one.get("id") == name), None)


def gateway_image(pull: bool, seconds: float = 30) -> bool:
    """Tell whether the gateway's image is here, or could be pulled just now."""
    if docker("image", "inspect", "--format", "{{.Id}}", GATEWAY_IMAGE):
        return True
    return pull and docker("pull", "--quiet", GATEWAY_IMAGE, timeout=seconds) is not None


def image_ids(images: Sequence[str]) -> dict[str, str]:
    """Return the id of every image that is here."""
    found = {}
    for image in images:
        if said := docker("image", "inspect", "--format", "{{.Id}}", image):
            found[image] = said
    return found


def volume_exists(name: str) -> bool:
    """Tell whether a named volume is here."""
    return docker("volume", "inspect", "--format", "{{.Name}}", name) is not None


def containers(*filters: str) -> list[dict[str, str]]:
    """Return the containers, running or not, that fit all filters: ID, Names, Labels and so on, as docker says them."""
    args = [word for given in filters for word in ("--filter", given)]
    listed = docker("ps", "--all", "--no-trunc", *args, "--format", "{{json .}}")
    return [json.loads(line) for line in (listed or "").splitlines()]


def label(container: dict[str, str], name: str) -> str:
    """Return one label of a container."""
    pairs = (pair.partition("=") for pair in container.get("Labels", "").split(","))
    return next((value for key, _, value in pairs if key == name), "")


def remove(found: Sequence[dict[str, str]]) -> list[str]:
    """Remove containers at once; return their names."""
    if found:
        docker("rm", "--force", "--volumes", *(container["ID"] for container in found), timeout=120)
    return [container["Names"] for container in found]


def started(pid: int) -> str:
    """Return when a process started, in the system's own words; empty when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return "".join(asked.stdout.split())
    return "" if fields[0] == "Z" else fields[19]


def here() -> str:
    """Name the machine and the set of processes whose ids mean something here, as the switchboard's labels do."""
    link = Path("/proc/self/ns/pid")
    return f"{platform.node()}:{os.readlink(link) if link.exists() else ''}"


def stop(pid: int, since: str, grace: float = 15) -> bool:
    """End a process of ours: SIGTERM, and SIGKILL when it does not go. False when it was not there."""
    if not since or started(pid) != since:
        return False
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # it may be a child of this very process
            if started(pid) != since:
                return True
            time.sleep(0.05)
    return True


def processes(words: str) -> list[int]:
    """Return the processes whose command line holds these words."""
    lines: dict[int, str] = {}
    if Path("/proc/self").exists():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                lines[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    else:
        listed = subprocess.run(["ps", "-axwwo", "pid=,args="], capture_output=True, text=True, check=False).stdout
        for pid, _, line in (line.strip().partition(" ") for line in listed.splitlines()):
            lines[int(pid)] = line
    return [pid for pid, line in lines.items() if words in line and pid != os.getpid()]


def port_is_free(port: int) -> bool:
    """Tell whether a server can listen on a port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

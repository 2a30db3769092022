"""What this machine has: a Docker engine, Docker's gateway, images, containers, free ports, running processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from flotilla_cli import paths
from flotilla_launcher.naming import GATEWAY_IMAGE
from flotilla_launcher.processes import started


def docker(*args: str, timeout: float = 60) -> str | None:
    """Return what a docker command prints; None when it fails, hangs, or docker is not installed."""
    try:
        done = subprocess.run(
            ["docker", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def engine() -> str | None:
    """Return the version of the engine that answers; None without one, or with FLOTILLA_ENGINE=none."""
    if os.environ.get("FLOTILLA_ENGINE") == "none":
        return None
    return docker("info", "--format", "{{.ServerVersion}}", timeout=20) or None


def use_engine() -> bool:
    """Find a Docker engine, or install or start one where that is possible; tell whether one answers.

    scripts/engine says what it does, and what is lost without an engine.
    """
    if subprocess.run([str(paths.ROOT / "scripts" / "engine")], check=False).returncode:
        os.environ["FLOTILLA_ENGINE"] = "none"
    return engine() is not None


def gateway_plugin() -> str | None:
    """Return the version of the Docker MCP plugin, which has `docker mcp gateway run`; None without it."""
    return docker("mcp", "version", timeout=20) or None


DYNAMIC_TOOLS = (
    "Docker's dynamic tools are on: where a gateway runs a profile, the model itself can add servers and change their "
    "preferences (mcp-add, mcp-config-set), though not their guards. Switch them off"
)
DISABLE_DYNAMIC_TOOLS = "docker mcp feature disable dynamic-tools"


def dynamic_tools() -> bool:
    """Tell whether a gateway without `--servers` lets the model add and configure servers, as is Docker's default."""
    features = docker("mcp", "feature", "ls", timeout=20) or ""
    return any(line.split()[:2] == ["dynamic-tools", "enabled"] for line in features.splitlines())


def profile(name: str) -> dict[str, Any] | None:
    """Return a profile of the Docker MCP plugin by its id; None where it does not exist."""
    try:
        profiles = json.loads(docker("mcp", "profile", "ls", "--format", "json", timeout=20) or "[]")
    except ValueError:
        return None
    return next((one for one in profiles if isinstance(one, dict) and one.get("id") == name), None)


def gateway_image(pull: bool, seconds: float = 30) -> bool:
    """Tell whether the image of Docker's gateway is here, or could be pulled just now."""
    if docker("image", "inspect", "--format", "{{.Id}}", GATEWAY_IMAGE):
        return True
    return pull and docker("pull", "--quiet", GATEWAY_IMAGE, timeout=seconds) is not None


def image_ids(images: Sequence[str]) -> dict[str, str]:
    """Return the id of each image that is here."""
    ids = {}
    for image in images:
        if image_id := docker("image", "inspect", "--format", "{{.Id}}", image):
            ids[image] = image_id
    return ids


def volume_exists(name: str) -> bool:
    """Tell whether a named volume exists."""
    return docker("volume", "inspect", "--format", "{{.Name}}", name) is not None


def containers(*filters: str) -> list[dict[str, str]]:
    """Return the containers, running or not, that match all filters, as `docker ps` prints them.

    ID, Names, Labels, …
    """
    args = [part for text in filters for part in ("--filter", text)]
    listed = docker("ps", "--all", "--no-trunc", *args, "--format", "{{json .}}")
    return [json.loads(line) for line in (listed or "").splitlines()]


def label(container: dict[str, str], name: str) -> str:
    """Return one label of a container."""
    pairs = (pair.partition("=") for pair in container.get("Labels", "").split(","))
    return next((value for key, _, value in pairs if key == name), "")


def remove(removable: Sequence[dict[str, str]]) -> list[str]:
    """Remove containers without waiting for them to end; return their names."""
    if removable:
        docker("rm", "--force", "--volumes", *(container["ID"] for container in removable), timeout=120)
    return [container["Names"] for container in removable]


def stop(pid: int, since: str, grace: float = 15) -> bool:
    """End a process of ours: SIGTERM, then SIGKILL after `grace` seconds. False when it did not run any more."""
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


def processes(text: str) -> list[int]:
    """Return the ids of the processes whose command line contains a text."""
    lines: dict[int, str] = {}
    if Path("/proc/self").exists():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                lines[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    else:
        listed = subprocess.run(["ps", "-axwwo", "pid=,args="], capture_output=True, text=True, check=False).stdout
        for pid, _, line in (line.strip().partition(" ") for line in listed.splitlines()):
            lines[int(pid)] = line
    return [pid for pid, line in lines.items() if text in line and pid != os.getpid()]


def port_is_free(port: int) -> bool:
    """Tell whether a program can listen on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""Stop the gateway and everything that it started. Your files, the servers' state and clients' settings stay."""

from __future__ import annotations

import argparse
import time

from flotilla_cli import gateway, paths, servers, system
from flotilla_launcher.naming import REGISTRY
from flotilla_launcher.processes import machine, started

SWITCHBOARD, COMPOSE, DOCKER_GATEWAY = "flotilla.switchboard", "com.docker.compose.project", "docker-mcp"  # labels


def orphans() -> list[dict[str, str]]:
    """Return containers whose switchboard has ended.

    Those of one that still runs, as in a desktop client, are in use.
    """
    result = []
    for container in system.containers(f"label={SWITCHBOARD}"):
        host, pid, since = [*system.label(container, SWITCHBOARD).split("/"), "", ""][:3]
        if host == machine() and pid.isdigit() and since and started(int(pid)) != since:
            result.append(container)
    return result


def of_docker_gateway() -> list[dict[str, str]]:
    """Return containers of Flotilla's servers that Docker's gateway started."""
    return [c for c in system.containers(f"label={DOCKER_GATEWAY}=true") if c["Image"].startswith(f"{REGISTRY}/")]


def remove_compose() -> list[str]:
    """Take the compose stack down, without its volumes; return the names of what was removed."""
    project = f"label={COMPOSE}={paths.owner()}"
    removed = system.remove(system.containers(project))
    for name in (system.docker("network", "ls", "--filter", project, "--format", "{{.Name}}") or "").split():
        if system.docker("network", "rm", name) is not None:
            removed.append(f"network {name}")
    return removed


def remove_demos() -> list[str]:
    """Remove what a demo that was killed left behind: its volumes and its catalog. Returns their names."""
    removed = []
    prefix = f"{paths.owner()}-demo-"
    names = (system.docker("volume", "ls", "--filter", f"name={prefix}", "--format", "{{.Name}}") or "").split()
    for name in names:
        if not started(int(name.rpartition("-")[2])) and system.docker("volume", "rm", name) is not None:
            removed.append(f"volume {name}")
    for path in (paths.mcp_home() / "catalogs").glob(f"{prefix}*.yaml"):
        if not started(int(path.stem.rpartition("-")[2])):
            path.unlink()
            removed.append(paths.short(path))
    return removed


def volumes() -> list[str]:
    """Return the volumes that exist: the one of files, and one of state for each server."""
    known = {paths.VOLUME, *(f"flotilla-{slug}" for slug in servers.registry())}
    names = (system.docker("volume", "ls", "--filter", "name=flotilla-", "--format", "{{.Name}}") or "").split()
    return [name for name in names if name in known]


def main(argv: list[str]) -> int:
    """Stop everything; say what was stopped and what is kept."""
    argparse.ArgumentParser(prog="scripts/flotilla down", description=__doc__).parse_args(argv)
    stopped: list[str] = []
    remaining: list[str] = []
    with gateway.exclusive():
        running = gateway.Running.read()
        if gateway.stop(running):
            stopped.append(gateway.KINDS[running.kind])
        if system.engine():
            if running.kind.startswith("docker") and not system.processes("mcp gateway run"):
                # They end by themselves when the gateway hangs up; a busy one may not. Where another gateway runs, as
                # in a desktop client, its containers cannot be told from ours.
                end = time.monotonic() + 5
                while of_docker_gateway() and time.monotonic() < end:
                    time.sleep(0.2)
                stopped += system.remove(of_docker_gateway())
            stopped += system.remove(orphans())
            stopped += system.remove(system.containers(f"label={gateway.LABEL}={paths.owner()}"))
            stopped += remove_compose() + remove_demos()
            remaining += [f"the volume {name}" for name in volumes()]
    for path in (gateway.log_file(), paths.run_folder() / "lock"):
        path.unlink(missing_ok=True)
    if paths.data_folder().is_dir():
        remaining.append(f"your files in {paths.short(paths.data_folder())}")
    if paths.state_folder().is_dir():
        remaining.append(f"the servers' own state in {paths.short(paths.state_folder())}")
    if (paths.run_folder() / "token").is_file():
        remaining.append(f"the token in {paths.short(paths.run_folder() / 'token')}, so that clients stay connected")
    paths.say(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    if remaining:
        paths.say(f"Kept: {'; '.join(remaining)}.")
    return 0

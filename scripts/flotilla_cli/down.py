"""Stop the door and everything that it started; the data volume stays, and so do settings of clients."""

from __future__ import annotations

import argparse
import time

from flotilla_cli import gateway as door
from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine
from flotilla_launcher.naming import REGISTRY

SWITCHBOARD, COMPOSE, GATEWAY = "flotilla.switchboard", "com.docker.compose.project", "docker-mcp"


def orphans() -> list[dict[str, str]]:
    """Return containers whose switchboard is gone. Those of one that still runs, as in a desktop client, are in use."""
    found = []
    for container in machine.containers(f"label={SWITCHBOARD}"):
        place_, pid, since = [*machine.label(container, SWITCHBOARD).split("/"), "", ""][:3]
        if place_ == machine.here() and pid.isdigit() and machine.started(int(pid)) != since:
            found.append(container)
    return found


def of_gateway() -> list[dict[str, str]]:
    """Return containers of this fleet that a gateway has started."""
    return [c for c in machine.containers(f"label={GATEWAY}=true") if c["Image"].startswith(f"{REGISTRY}/")]


def compose() -> list[str]:
    """Take the compose stack down, without its volumes; return what was removed."""
    project = f"label={COMPOSE}={place.owner()}"
    gone = machine.remove(machine.containers(project))
    for name in (machine.docker("network", "ls", "--filter", project, "--format", "{{.Name}}") or "").split():
        if machine.docker("network", "rm", name) is not None:
            gone.append(f"network {name}")
    return gone


def demos() -> list[str]:
    """Remove what a demo that was killed left: its volume and its catalog. Returns their names."""
    gone = []
    begin = f"{place.owner()}-demo-"
    named = (machine.docker("volume", "ls", "--filter", f"name={begin}", "--format", "{{.Name}}") or "").split()
    for name in named:
        if not machine.started(int(name.rpartition("-")[2])) and machine.docker("volume", "rm", name) is not None:
            gone.append(f"volume {name}")
    for path in (place.mcp_home() / "catalogs").glob(f"{begin}*.yaml"):
        if not machine.started(int(path.stem.rpartition("-")[2])):
            path.unlink()
            gone.append(place.short(path))
    return gone


def volumes() -> list[str]:
    """Return the volumes that are here: the files, and the state of each server."""
    known = {place.VOLUME, *(f"flotilla-{slug}" for slug in fleet.registry())}
    named = (machine.docker("volume", "ls", "--filter", "name=flotilla-", "--format", "{{.Name}}") or "").split()
    return [name for name in named if name in known]


def main(argv: list[str]) -> int:
    """Stop it all, and say what was stopped and what stays."""
    argparse.ArgumentParser(prog="scripts/down", description=__doc__).parse_args(argv)
    done = []
    with door.alone():
        running = door.Running.read()
        if door.stop(running):
            done.append(f"the door ({door.NAMES[running.kind]})")
        if machine.engine():
            if running.kind.startswith("gateway") and not machine.processes("mcp gateway run"):
                # They end by themselves when the gateway hangs up; one that is busy may not. Where another gateway
                # runs, as in a desktop client, nothing tells its containers from ours.
                end = time.monotonic() + 5
                while of_gateway() and time.monotonic() < end:
                    time.sleep(0.2)
                done += machine.remove(of_gateway())
            done += machine.remove(orphans())
            done += machine.remove(machine.containers(f"label=flotilla.door={place.owner()}"))
            done += compose() + demos()
            stays = [f"the volume {name}" for name in volumes()]
        else:
            stays = []
    for path in (door.log_file(), place.run_folder() / "lock"):
        path.unlink(missing_ok=True)
    if place.data_folder().is_dir():
        stays.append(f"your files in {place.short(place.data_folder())}")
    if place.state_folder().is_dir():
        stays.append(f"the servers' own state in {place.short(place.state_folder())}")
    if (place.run_folder() / "token").is_file():
        stays.append(f"the token in {place.short(place.run_folder() / 'token')}, so that clients stay connected")
    place.say(f"Stopped: {', '.join(done)}." if done else "Nothing was running.")
    if stays:
        place.say(f"Kept: {'; '.join(stays)}.")
    return 0

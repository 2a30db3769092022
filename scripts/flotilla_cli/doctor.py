"""Look at everything that the road needs on this machine, and say how to mend what is wrong."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from flotilla_cli import clients, connect
from flotilla_cli import gateway as door
from flotilla_cli import paths as place
from flotilla_cli import servers as fleet
from flotilla_cli import system as machine
from flotilla_cli.generator import registry_rules
from flotilla_launcher.environment import is_placeholder
from flotilla_launcher.naming import GATEWAY_IMAGE, catalog_name, slug_of

UID = 10001  # of every server in its container


@dataclass
class Finding:
    """One thing that was looked at. A problem stops something; a warning may surprise later."""

    level: Literal["ok", "note", "warning", "problem"]
    what: str
    says: str
    mend: str = ""


def ok(what: str, says: str) -> Finding:
    return Finding("ok", what, says)


# -- this machine -----------------------------------------------------------------------------------------------------


def python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if lost := [name for name in fleet.registry() if not (place.VENV / f"flotilla-{name}").exists()]:
        yield Finding("problem", "python", f".venv lacks the commands of {', '.join(lost)}.", "make setup")
    else:
        yield ok("python", f"{version} in .venv, with a command for each server.")


def engine() -> Iterator[Finding]:
    host = os.environ.get("DOCKER_HOST", "")
    without = "the servers run as local processes"
    if os.environ.get("FLOTILLA_ENGINE") == "none":
        yield Finding("note", "engine", f"FLOTILLA_ENGINE=none: {without}.", "Unset it to use containers.")
        return
    if not shutil.which("docker"):
        yield Finding(
            "note", "engine", f"There is no docker command: {without}.", "scripts/engine installs it, as root."
        )
        return
    version = machine.engine()
    if not version:
        mend = f"Start it, or unset DOCKER_HOST={host}." if host else "scripts/engine starts it, as root."
        socket = Path("/var/run/docker.sock")
        if not host and socket.exists() and not os.access(socket, os.W_OK):
            mend = f"You may not use {socket}: sudo usermod -aG docker $USER, then log in again."
        yield Finding("problem", "engine", "There is a docker command, but no engine answers it.", mend)
        return
    yield ok("engine", f"Docker {version} answers.")
    context = machine.docker("context", "show") or "default"
    about = machine.docker("info", "--format", "{{json .SecurityOptions}}") or ""
    elsewhere = f"DOCKER_HOST={host}" if host else f"the context {context}" if context != "default" else ""
    if elsewhere and machine.gateway_plugin():
        yield Finding(
            "warning",
            "engine",
            f"Docker's gateway does not hand {elsewhere} on to the docker commands it runs: servers will not start.",
            "Use the engine at the default socket, or FLOTILLA_DOOR=switchboard, which does.",
        )
    if "rootless" in about:
        yield Finding("note", "engine", "It is rootless: limits of CPU and memory need cgroup v2 with delegation.", "")
    if machine.docker("buildx", "version") is None:
        yield Finding(
            "problem", "engine", "Its buildx plugin is missing, so nothing can be built.", "Install docker-buildx."
        )


def gateway() -> Iterator[Finding]:
    if not machine.engine():
        return
    if version := machine.gateway_plugin():
        yield ok("gateway", f"The Docker MCP plugin {version} is here.")
        if machine.dynamic_tools():
            says, _, mend = machine.DYNAMIC_TOOLS.rpartition(": ")
            yield Finding("warning", "gateway", f"{says}.", mend)
        held = machine.profile("flotilla")
        if held and (old := connect.outdated(held)):
            says = f"The profile flotilla keeps an older {', '.join(old)} than the catalog has."
            mend = "make install; docker mcp profile remove flotilla; then create it again, as README says"
            yield Finding("warning", "profile", says, mend)
    elif machine.gateway_image(pull=False):
        yield ok("gateway", f"The image {GATEWAY_IMAGE} is here.")
    else:
        yield Finding(
            "note",
            "gateway",
            "The Docker MCP plugin is not here: the switchboard is the door.",
            "It comes with Docker Desktop; else https://github.com/docker/mcp-gateway/releases, as"
            " ~/.docker/cli-plugins/docker-mcp.",
        )


def running() -> Iterator[Finding]:
    it = door.Running.read()
    try:
        port = place.port()
    except ValueError as problem:
        yield Finding("problem", "port", str(problem), "Unset it to use 8811.")
        return
    if it.healthy():
        yield ok("door", f"{door.NAMES[it.kind]} answers at {it.url}.")
        images = fleet.images([slug for slug in it.servers if slug in fleet.registry()])
        known = it.run == "process" or len(machine.image_ids(images)) == len(images)
        if known and it.fingerprint != door.fingerprint(it.kind, it.run, it.servers):
            says = "Images, catalog, secrets or settings changed since it started."
            yield Finding("warning", "door", says, "make up")
    elif it.alive():
        yield Finding("problem", "door", f"It runs, but does not answer. {door.last_words(it)}", "make down; make up")
    elif it.pid or it.container:
        yield Finding("problem", "door", f"It has ended by itself. {door.last_words(it)}", "make up")
    else:
        yield Finding("note", "door", "None runs.", "make up")
    if not it.alive() and not machine.port_is_free(port):
        mend = "Stop that program, or choose another port: FLOTILLA_PORT=8812 make up"
        yield Finding("problem", "port", f"{port} is in use by another program.", mend)


def images() -> Iterator[Finding]:
    if not machine.engine():
        return
    wanted = {slug: server["image"] for slug, server in fleet.registry().items()}
    here = machine.image_ids(list(wanted.values()))
    if lost := [slug for slug, image in wanted.items() if image not in here]:
        yield Finding("problem", "images", f"Missing: {', '.join(lost)}.", f"scripts/build {' '.join(lost)}")
    else:
        yield ok("images", f"All {len(wanted)} are here.")


def data() -> Iterator[Finding]:
    if machine.engine() and machine.volume_exists(place.VOLUME):
        where = Path(machine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", place.VOLUME) or "/nowhere")
        try:
            owner = where.stat().st_uid
        except OSError:
            owner = UID  # only root may look
        if owner != UID:
            mend = f"docker run --rm -v {place.VOLUME}:/data debian:trixie-slim chown -R {UID}:{UID} /data"
            yield Finding("problem", "data", f"The volume {place.VOLUME} belongs to user {owner}, not {UID}.", mend)
        else:
            yield ok("data", f"The volume {place.VOLUME} is there.")
    state = place.state_folder()
    if state.exists() and not (state.is_dir() and os.access(state, os.R_OK | os.W_OK | os.X_OK)):
        what = f"{state}, where servers that run as processes keep tokens and records, cannot be written."
        yield Finding("problem", "data", what, f"sudo chown -R $USER {state}, or name another: FLOTILLA_STATE=…")
    folder = place.data_folder()
    if folder.exists() and not folder.is_dir():
        yield Finding("problem", "data", f"{folder} is no folder.", "Move it away, or name another: FLOTILLA_DATA=…")
    elif folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("problem", "data", f"You may not write in {folder}.", f"sudo chown -R $USER {folder}")
    elif folder.is_dir():
        if folder.stat().st_mode & stat.S_IWOTH:
            yield Finding("warning", "data", f"Everybody may write in {folder}.", f"chmod o-w {folder}")
        yield ok("data", f"{place.short(folder)} is there, for servers that run as processes.")


# -- files ------------------------------------------------------------------------------------------------------------


def catalog() -> Iterator[Finding]:
    try:
        told = registry_rules.problems(place.ROOT)
    except (OSError, KeyError, ValueError, yaml.YAMLError) as problem:
        yield Finding("problem", "catalog", f"It cannot be read: {problem!r}.", "make generate")
        return
    for line in told:
        yield Finding("problem", "catalog", line, "Mend the server, then: make generate")
    installed = place.installed_catalog()
    if installed.is_symlink():
        yield Finding("problem", "catalog", f"{installed} is a link, which the gateway refuses.", "make install")
    elif not installed.exists():
        yield Finding("note", "catalog", f"It is not installed at {place.short(installed)}.", "make install")
    elif installed.read_bytes() != place.CATALOG.read_bytes():
        yield Finding(
            "warning", "catalog", f"{place.short(installed)} is not the one of this checkout.", "make install"
        )
    elif not told:
        yield ok("catalog", f"{place.short(installed)} is up to date; no name stands in it twice.")


def secrets_lines(text: str, names: set[str]) -> Iterator[Finding]:
    """Yield what is wrong with a secrets file; never a value of it."""
    seen: dict[str, int] = {}

    def problem(number: int, says: str, mend: str) -> Finding:
        return Finding("problem", "secrets", f"Line {number}: {says}", mend)

    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            if not line.startswith("#") and "=" not in line:
                yield problem(
                    number, "a comment must begin at the line's start, or it counts as a broken line.", "Move it."
                )
            continue
        name, equals, value = line.partition("=")
        if not equals:
            yield problem(
                number, "it has no `=`, and Docker's gateway drops the whole file for it.", "Write name=value."
            )
            continue
        if name.startswith("export "):
            yield problem(number, "`export` becomes a part of the name.", "Write name=value alone.")
        elif name != name.strip():
            yield problem(number, "blanks around the name become a part of it.", "Take them away.")
        elif name not in names:
            near = [n for n in names if name in (slug_of(n), re.sub("[.-]", "_", slug_of(n)).upper())]
            near = near or difflib.get_close_matches(name, names, 1)
            says = "no server declares this name" + (f"; {near[0]} is meant?" if near else ".")
            yield Finding("warning", "secrets", f"Line {number}: {says}", f"The names are: {', '.join(sorted(names))}.")
        if re.fullmatch(r"""\s*(".*"|'.*')\s*""", value):
            mend = "Take them away."
            yield Finding("warning", "secrets", f"Line {number}: the quotes become a part of the value.", mend)
        if value and value != value.lstrip():
            mend = "Take them away."
            yield Finding(
                "warning", "secrets", f"Line {number}: the blanks before the value become a part of it.", mend
            )
        if name in seen:
            mend = "Keep one of them."
            yield Finding(
                "warning", "secrets", f"Line {number}: line {seen[name]} has the same name; this one counts.", mend
            )
        seen[name] = number


def secrets() -> Iterator[Finding]:
    path = place.secrets_file()
    if not path.exists():
        yield Finding("note", "secrets", f"{place.short(path)} is not there.", "make install writes an example.")
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield Finding("problem", "secrets", f"{place.short(path)} is not UTF-8.", "Save it as UTF-8.")
        return
    except OSError as problem:
        yield Finding("problem", "secrets", f"{place.short(path)}: {problem.strerror}.", f"sudo chown $USER {path}")
        return
    names = {s["name"] for server in fleet.registry().values() for s in server.get("secrets") or []}
    found = list(secrets_lines(text, names))
    yield from found
    if path.stat().st_mode & 0o077:
        yield Finding("warning", "secrets", f"Others may read {place.short(path)}.", f"chmod 600 {path}")
    elif not found:
        filled = sum(not is_placeholder(value) for value in fleet.secrets(path).values())
        yield ok("secrets", f"{place.short(path)}: {filled} of {len(names)} filled in.")


KINDS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str | int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}


def settings_problems(config: Any) -> Iterator[Finding]:
    """Yield what a gateway or a server would stumble over in a settings file."""
    if not isinstance(config, dict):
        yield Finding(
            "problem", "settings", "The file must map servers to their settings.", "See catalog/config.example.yaml."
        )
        return
    names = {catalog_name(slug): slug for slug in fleet.registry()}
    for name, mine in config.items():
        if name not in names:
            short = [catalog_name(str(name))] if name in fleet.registry() else []
            near = short or difflib.get_close_matches(str(name), names, 1)
            says = f"There is no server {name}" + (f"; {near[0]} is meant?" if near else ".")
            yield Finding("warning", "settings", says, f"The servers are: {', '.join(names)}.")
            continue
        slug = names[name]
        if not isinstance(mine, dict | None):
            yield Finding(
                "problem",
                "settings",
                f"{catalog_name(slug)} must hold `name: value` lines.",
                "See catalog/config.example.yaml.",
            )
            continue
        server = fleet.registry()[slug]
        known: dict[str, Any] = {}
        for part in server.get("config") or []:
            known |= part.get("properties") or {}
        for name, value in (mine or {}).items():
            if name not in known:
                full = f"{catalog_name(slug)}.{name}"
                if full in {s["name"] for s in server.get("secrets") or []}:
                    says = f"{full} is not used here: a model can change this file's settings."
                    mend = f"Write {full}=… into {place.short(place.secrets_file())}, and take it away here."
                    yield Finding("problem", "settings", says, mend)
                    continue
                near = difflib.get_close_matches(str(name), known, 1)
                says = f"{catalog_name(slug)} has no setting {name}" + (f"; {near[0]} is meant?" if near else ".")
                mend = f"Its settings are: {', '.join(known)}." if known else "It has none in this file."
                yield Finding("warning", "settings", says, mend)
            elif value is not None and (fits := KINDS.get(known[name].get("type", ""))) and not fits(value):
                says = f"{catalog_name(slug)}.{name} must be of type {known[name]['type']}."
                yield Finding("problem", "settings", says, "Mend it: Docker's gateway would stop, or pass nonsense on.")


def settings() -> Iterator[Finding]:
    path = place.config_file()
    if not path.exists():
        yield Finding("note", "settings", f"{place.short(path)} is not there.", "make install writes an example.")
        return
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        says = " ".join(str(problem).split())[:200]
        yield Finding(
            "problem", "settings", f"{place.short(path)} cannot be read: {says}", "Mend it, or start from the example."
        )
        return
    found = list(settings_problems(config or {}))
    yield from found
    if not found:
        yield ok("settings", f"{place.short(path)} can be read, and every name in it is known.")


def guards() -> Iterator[Finding]:
    """Yield what the switchboard, or a server behind Docker's gateway, would refuse to offer anything for."""
    try:
        problem = fleet.refused(fleet.choose())
    except (OSError, ValueError):  # other looks say what is wrong with the files
        return
    if problem:
        yield Finding("problem", "guards", problem, "Mend it in the secrets file; nothing is offered until then.")


def connected() -> Iterator[Finding]:
    try:
        servers = fleet.choose()
    except ValueError:
        return
    for title, path, name in clients.stale(servers):
        says = f"{title} ({place.short(path)}) knows another list of servers than are ready now."
        yield Finding("warning", "client", says, f"make connect CLIENT={name}")


# -- all of it --------------------------------------------------------------------------------------------------------

LOOKS = (python, engine, gateway, images, catalog, secrets, settings, guards, connected, data, running)


def findings() -> list[Finding]:
    """Look at everything."""
    return [finding for look in LOOKS for finding in look()]


def main(argv: list[str]) -> int:
    """Tell; 1 when something is a problem."""
    parser = argparse.ArgumentParser(prog="scripts/doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(argv)
    found = findings()
    problems = sum(finding.level == "problem" for finding in found)
    if options.json:
        place.say(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2))
        return 1 if problems else 0
    for finding in found:
        sign = {"ok": "ok", "note": "note", "warning": "WARN", "problem": "BAD"}[finding.level]
        place.say(f"{sign:5}{finding.what:10}{finding.says}")
        if finding.mend:
            place.say(f"{'':15}→ {finding.mend}")
    warnings = sum(finding.level == "warning" for finding in found)
    place.say(
        f"\n{problems or 'No'} problem{'' if problems == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}."
    )
    return 1 if problems else 0

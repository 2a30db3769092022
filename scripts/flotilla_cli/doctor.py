"""Check this machine and your settings, and say how to correct what is wrong. Exits with 1 when there is a problem."""

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

from flotilla_cli import clients, gateway, paths, register, secrets_file, servers, system
from flotilla_cli.generator import registry_rules
from flotilla_launcher.environment import is_placeholder
from flotilla_launcher.naming import GATEWAY_IMAGE, catalog_name, slug_of
from flotilla_launcher.user_files import secret_lines

UID = 10001  # of every server in its container


@dataclass
class Finding:
    """The result of one check. A problem stops something; a warning may surprise later."""

    level: Literal["ok", "note", "warning", "problem"]
    subject: str
    message: str
    fix: str = ""


def ok(subject: str, message: str) -> Finding:
    return Finding("ok", subject, message)


# -- this machine -----------------------------------------------------------------------------------------------------


def check_python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if missing := [name for name in servers.registry() if not (paths.VENV / f"flotilla-{name}").exists()]:
        yield Finding("problem", "python", f".venv lacks the commands of {', '.join(missing)}.", "make setup")
    else:
        yield ok("python", f"{version} in .venv, with a command for each server.")


def check_engine() -> Iterator[Finding]:
    host = os.environ.get("DOCKER_HOST", "")
    without = "the servers run as local processes"
    if os.environ.get("FLOTILLA_ENGINE") == "none":
        yield Finding("note", "engine", f"FLOTILLA_ENGINE=none: {without}.", "Unset it to use containers.")
        return
    if not shutil.which("docker"):
        yield Finding("note", "engine", f"docker is not installed: {without}.", "sudo scripts/engine installs it.")
        return
    version = system.engine()
    if not version:
        fix = f"Start it, or unset DOCKER_HOST={host}." if host else "sudo scripts/engine starts it."
        socket = Path("/var/run/docker.sock")
        if not host and socket.exists() and not os.access(socket, os.W_OK):
            fix = f"You have no access to {socket}: sudo usermod -aG docker $USER, then log in again."
        yield Finding("problem", "engine", "docker is installed, but no engine answers.", fix)
        return
    yield ok("engine", f"Docker {version} answers.")
    context = system.docker("context", "show") or "default"
    about = system.docker("info", "--format", "{{json .SecurityOptions}}") or ""
    elsewhere = f"DOCKER_HOST={host}" if host else f"the context {context}" if context != "default" else ""
    if elsewhere and system.gateway_plugin():
        yield Finding(
            "warning",
            "engine",
            f"Docker's gateway does not pass {elsewhere} to the docker commands it runs, so servers will not start.",
            "Use the engine at the default socket, or FLOTILLA_GATEWAY=switchboard, which passes it.",
        )
    if "rootless" in about:
        yield Finding("note", "engine", "It runs rootless: limits on CPU and memory need cgroup v2 with delegation.")
    if system.docker("buildx", "version") is None:
        yield Finding(
            "problem", "engine", "Its buildx plugin is missing, so no image can be built.", "Install docker-buildx."
        )


def check_gateway() -> Iterator[Finding]:
    if os.environ.get("FLOTILLA_DOOR"):
        yield Finding("problem", "gateway", gateway.RENAMED, "unset FLOTILLA_DOOR")
    if not system.engine():
        return
    if version := system.gateway_plugin():
        yield ok("gateway", f"The Docker MCP plugin {version} is installed.")
        if system.dynamic_tools():
            yield Finding("warning", "gateway", f"{system.DYNAMIC_TOOLS}.", system.DISABLE_DYNAMIC_TOOLS)
        profile = system.profile("flotilla")
        if profile and (old := register.outdated(profile)):
            message = f"The profile flotilla has an older copy of {', '.join(old)} than the catalog."
            fix = "scripts/flotilla register"
            yield Finding("warning", "profile", message, fix)
    elif system.gateway_image(pull=False):
        yield ok("gateway", f"The image {GATEWAY_IMAGE} is on this machine.")
    else:
        yield Finding(
            "note",
            "gateway",
            "The Docker MCP plugin is not installed: Flotilla uses its own gateway, the switchboard.",
            "To use Docker's, install Docker Desktop, or https://github.com/docker/mcp-gateway/releases as"
            " ~/.docker/cli-plugins/docker-mcp.",
        )


def check_running() -> Iterator[Finding]:
    it = gateway.Running.read()
    try:
        port = paths.port()
    except ValueError as problem:
        yield Finding("problem", "port", str(problem), "Unset it to use 8811.")
        return
    if it.healthy():
        yield ok("running", f"{gateway.title(it.kind)} answers at {it.url}.")
        images = servers.images([slug for slug in it.servers if slug in servers.registry()])
        known = it.run == "process" or len(system.image_ids(images)) == len(images)
        if known and it.fingerprint != gateway.fingerprint(it.kind, it.run, it.servers):
            message = "Images, catalog, secrets or settings have changed since the gateway was started."
            yield Finding("warning", "running", message, "make up")
    elif it.alive():
        yield Finding("problem", "running", f"The gateway does not answer. {gateway.log_ending(it)}", "make down up")
    elif it.pid or it.container:
        yield Finding("problem", "running", f"The gateway has ended by itself. {gateway.log_ending(it)}", "make up")
    else:
        yield Finding("note", "running", "The gateway does not run.", "make up")
    if not it.alive() and not system.port_is_free(port):
        fix = "Stop that program, or choose another port: FLOTILLA_PORT=8812 make up"
        yield Finding("problem", "port", f"Port {port} is in use by another program.", fix)


def check_images() -> Iterator[Finding]:
    if not system.engine():
        return
    images = {slug: server["image"] for slug, server in servers.registry().items()}
    present = system.image_ids(list(images.values()))
    missing = [slug for slug, image in images.items() if image not in present]
    in_use = _servers_in_use()
    needed = [slug for slug in missing if slug in in_use]
    others = [slug for slug in missing if slug not in needed]
    if needed:
        message = f"Missing on this machine: {', '.join(needed)}."
        yield Finding("problem", "images", message, f"make build S='{' '.join(needed)}'")
    if others:
        message = f"Not built, since no server in use needs them: {', '.join(others)}."
        yield Finding("note", "images", message, "make up builds what it starts; make build builds all.")
    if not missing:
        yield ok("images", f"All {len(images)} are on this machine.")
    elif in_use and not needed:
        yield ok("images", f"Those of {', '.join(in_use)} are on this machine.")


def _servers_in_use() -> list[str]:
    """Return the servers that the gateway runs as containers, else those that `make up` would start."""
    running = gateway.Running.read()
    if running.alive():
        return running.servers if running.run == "docker" else []
    try:
        return servers.choose()
    except ValueError:  # check_settings and `make up` say what is wrong
        return []


def check_data() -> Iterator[Finding]:
    if system.engine() and system.volume_exists(paths.VOLUME):
        where = Path(system.docker("volume", "inspect", "--format", "{{.Mountpoint}}", paths.VOLUME) or "/nowhere")
        try:
            owner = where.stat().st_uid
        except OSError:
            owner = UID  # only root may look
        if owner != UID:
            fix = f"docker run --rm -v {paths.VOLUME}:/data debian:trixie-slim chown -R {UID}:{UID} /data"
            yield Finding("problem", "data", f"The volume {paths.VOLUME} belongs to user {owner}, not {UID}.", fix)
        else:
            yield ok("data", f"The volume {paths.VOLUME} exists.")
    state = paths.state_folder()
    if state.exists() and not (state.is_dir() and os.access(state, os.R_OK | os.W_OK | os.X_OK)):
        message = f"{state}, where servers that run as processes keep tokens and records, cannot be written."
        yield Finding("problem", "data", message, f"sudo chown -R $USER {state}, or name another: FLOTILLA_STATE=…")
    folder = paths.data_folder()
    if folder.exists() and not folder.is_dir():
        yield Finding("problem", "data", f"{folder} is not a folder.", "Move it away, or name another: FLOTILLA_DATA=…")
    elif folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("problem", "data", f"You have no right to write in {folder}.", f"sudo chown -R $USER {folder}")
    elif folder.is_dir():
        if folder.stat().st_mode & stat.S_IWOTH:
            yield Finding(
                "warning", "data", f"Every user of this machine can write in {folder}.", f"chmod o-w {folder}"
            )
        yield ok("data", f"{paths.short(folder)} can be written, for servers that run as processes.")


# -- files ------------------------------------------------------------------------------------------------------------


def check_catalog() -> Iterator[Finding]:
    try:
        problems = registry_rules.problems(paths.ROOT)
    except (OSError, KeyError, ValueError, yaml.YAMLError) as problem:
        yield Finding("problem", "catalog", f"It cannot be read: {problem!r}.", "make generate")
        return
    for line in problems:
        yield Finding("problem", "catalog", line, "Correct the server, then: make generate")
    installed = paths.installed_catalog()
    if installed.is_symlink():
        yield Finding(
            "problem", "catalog", f"{installed} is a symbolic link, which Docker's gateway refuses.", "make install"
        )
    elif not installed.exists():
        yield Finding("note", "catalog", f"{paths.short(installed)} does not exist.", "make install")
    elif installed.read_bytes() != paths.CATALOG.read_bytes():
        yield Finding(
            "warning", "catalog", f"{paths.short(installed)} differs from this checkout's catalog.", "make install"
        )
    elif not problems:
        yield ok("catalog", f"{paths.short(installed)} is up to date, and no name is used twice.")


def secrets_problems(text: str, names: set[str]) -> Iterator[Finding]:
    """Yield what is wrong with a secrets file, never with a value of it.

    `names` are the secrets that servers declare.
    """
    known: dict[str, int] = {}

    def finding(level: Literal["warning", "problem"], number: int, message: str, fix: str) -> Finding:
        return Finding(level, "secrets", f"Line {number}: {message}", fix)

    for number, name, value in secret_lines(text):
        if name.lstrip().startswith("#"):
            if value is None:
                message = "a comment must begin at the start of its line; this one counts as a broken line."
                yield finding("problem", number, message, "Remove the spaces before `#`.")
            continue
        if value is None:
            message = "it has no `=`, for which Docker's gateway ignores the whole file."
            yield finding("problem", number, message, "Write name=value.")
            continue
        if name.startswith("export "):
            yield finding("problem", number, "`export` becomes part of the name.", "Write name=value alone.")
        elif name != name.strip():
            yield finding("problem", number, "the spaces around the name become part of it.", "Remove them.")
        elif name not in names:
            near = [n for n in names if name in (slug_of(n), re.sub("[.-]", "_", slug_of(n)).upper())]
            near = near or difflib.get_close_matches(name, names, 1)
            message = "no server has a secret with this name" + (f"; did you mean {near[0]}?" if near else ".")
            yield finding("warning", number, message, f"The names are: {', '.join(sorted(names))}.")
        if re.fullmatch(r"""\s*(".*"|'.*')""", value):
            yield finding("warning", number, "the quotes become part of the value.", "Remove them.")
        if value and value != value.lstrip():
            yield finding("warning", number, "the spaces before the value become part of it.", "Remove them.")
        if name in known:
            message = f"line {known[name]} has the same name, and only this one counts."
            yield finding("warning", number, message, "Keep one of them.")
        known[name] = number


def check_secrets() -> Iterator[Finding]:
    path = paths.secrets_file()
    if not path.exists():
        yield Finding(
            "note", "secrets", f"{paths.short(path)} does not exist.", "make install creates it from an example."
        )
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield Finding("problem", "secrets", f"{paths.short(path)} is not UTF-8.", "Save it as UTF-8.")
        return
    except OSError as problem:
        yield Finding("problem", "secrets", f"{paths.short(path)}: {problem.strerror}.", f"sudo chown $USER {path}")
        return
    names = {s["name"] for server in servers.registry().values() for s in server.get("secrets") or []}
    findings = list(secrets_problems(text, names))
    yield from findings
    if path.stat().st_mode & 0o077:
        yield Finding(
            "warning", "secrets", f"Other users of this machine can read {paths.short(path)}.", f"chmod 600 {path}"
        )
    elif not findings:
        filled = sum(not is_placeholder(value) for value in secrets_file.read(path).values())
        yield ok("secrets", f"{paths.short(path)}: {filled} of {len(names)} have a value.")


TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str | int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}


def settings_problems(config: Any) -> Iterator[Finding]:
    """Yield what a gateway or a server would refuse or misread in a settings file."""
    if not isinstance(config, dict):
        yield Finding(
            "problem",
            "settings",
            "The file must contain a mapping of servers to their settings.",
            "See catalog/config.example.yaml.",
        )
        return
    names = {catalog_name(slug): slug for slug in servers.registry()}
    for name, mine in config.items():
        if name not in names:
            catalog_names = [catalog_name(str(name))] if name in servers.registry() else []
            near = catalog_names or difflib.get_close_matches(str(name), names, 1)
            message = f"There is no server {name}" + (f"; did you mean {near[0]}?" if near else ".")
            yield Finding("warning", "settings", message, f"The servers are: {', '.join(names)}.")
            continue
        slug = names[name]
        if not isinstance(mine, dict | None):
            yield Finding(
                "problem",
                "settings",
                f"{catalog_name(slug)} must contain `name: value` lines.",
                "See catalog/config.example.yaml.",
            )
            continue
        server = servers.registry()[slug]
        known: dict[str, Any] = {}
        for part in server.get("config") or []:
            known |= part.get("properties") or {}
        for name, value in (mine or {}).items():
            if name not in known:
                full = f"{catalog_name(slug)}.{name}"
                if full in {s["name"] for s in server.get("secrets") or []}:
                    message = f"{full} has no effect in this file, since a model can change these settings."
                    fix = f"Write {full}=… into {paths.short(paths.secrets_file())}, and remove it here."
                    yield Finding("problem", "settings", message, fix)
                    continue
                near = difflib.get_close_matches(str(name), known, 1)
                message = f"{catalog_name(slug)} has no setting {name}" + (
                    f"; did you mean {near[0]}?" if near else "."
                )
                fix = (
                    f"Its settings are: {', '.join(known)}." if known else "It has no settings in this file: remove it."
                )
                yield Finding("warning", "settings", message, fix)
            elif value is not None and (fits := TYPES.get(known[name].get("type", ""))) and not fits(value):
                message = f"{catalog_name(slug)}.{name} must be of type {known[name]['type']}."
                yield Finding(
                    "problem", "settings", message, "Correct it: Docker's gateway would stop, or pass it on as it is."
                )


def check_settings() -> Iterator[Finding]:
    path = paths.config_file()
    if not path.exists():
        yield Finding(
            "note", "settings", f"{paths.short(path)} does not exist.", "make install creates it from an example."
        )
        return
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        message = f"{paths.short(path)} cannot be read: {' '.join(str(problem).split())[:200]}"
        yield Finding("problem", "settings", message, "Correct it, or start again from catalog/config.example.yaml.")
        return
    findings = list(settings_problems(config or {}))
    yield from findings
    if not findings:
        yield ok("settings", f"{paths.short(path)} can be read, and every name in it is known.")


def check_guards() -> Iterator[Finding]:
    """Yield a guard for which the switchboard, or a server behind Docker's gateway, would offer nothing at all."""
    try:
        problem = servers.refused(servers.choose())
    except (OSError, ValueError):  # other checks report what is wrong with the files
        return
    if problem:
        yield Finding(
            "problem", "guards", problem, "Correct it in the secrets file. Until then the gateway does not start."
        )


def check_clients() -> Iterator[Finding]:
    try:
        slugs = servers.choose()
    except ValueError:
        return
    for title, path, name in clients.outdated(slugs):
        message = f"{title} ({paths.short(path)}) lists other servers than those that are ready now."
        yield Finding("warning", "client", message, f"make connect CLIENT={name}")


# -- all of it --------------------------------------------------------------------------------------------------------

CHECKS = (
    check_python,
    check_engine,
    check_gateway,
    check_images,
    check_catalog,
    check_secrets,
    check_settings,
    check_guards,
    check_clients,
    check_data,
    check_running,
)


def findings() -> list[Finding]:
    """Run all checks."""
    return [finding for check in CHECKS for finding in check()]


def main(argv: list[str]) -> int:
    """Print the findings; 1 when one is a problem."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    options = parser.parse_args(argv)
    results = findings()
    problems = sum(finding.level == "problem" for finding in results)
    if options.json:
        paths.say(json.dumps([asdict(finding) for finding in results], ensure_ascii=False, indent=2))
        return 1 if problems else 0
    for finding in results:
        paths.say(f"{finding.level:9}{finding.subject:10}{finding.message}")
        if finding.fix:
            paths.say(f"{'':19}→ {finding.fix}")
    warnings = sum(finding.level == "warning" for finding in results)
    paths.say(f"\n{gateway.count(problems, 'problem')}, {gateway.count(warnings, 'warning')}.")
    return 1 if problems else 0

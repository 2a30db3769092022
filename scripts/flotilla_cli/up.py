"""Set up what is missing, start the gateway in the background, and make one real call through it.

Says what it installs or builds before it does. Run again, it changes nothing that is up to date. What can be chosen, as
environment variables:
  FLOTILLA_ENGINE=none     no containers: the servers run as local processes
  FLOTILLA_GATEWAY=…       docker (Docker's MCP plugin), docker-image (Docker's image) or switchboard (Flotilla's own);
                           by default Docker's where it is installed
  FLOTILLA_SERVERS=…       servers separated by commas, or all; by default those that need no account or have theirs
  FLOTILLA_PORT=8811       the gateway's port on 127.0.0.1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import textwrap
import time
from typing import Any

from flotilla_cli import clients, gateway, install, paths, servers, system

FILE, TEXT = "bienvenue à bord.md", "# Bienvenue à bord\n\nLa flottille est prête : reçu, écrit et relu — coût 0 €.\n"
NOT_BUILT = "Images: the build failed (see above). For now the servers run as local processes."


def build(slugs: list[str]) -> bool:
    """Build the images of the servers; False when that fails."""
    started = time.monotonic()
    if subprocess.run([str(paths.ROOT / "scripts" / "build"), *slugs], check=False).returncode:
        return False
    if (took := time.monotonic() - started) > 5:
        paths.say(f"Images: built in {took:.0f} s.")
    return True


async def _make_a_call(url: str, token: str) -> tuple[int, str]:
    from flotilla_cli import client  # FastMCP takes a second to import: not for a setting that is refused

    async with client.over_http(url, token, timeout=120) as session:
        tools = await client.tool_names(session)
        if not {"fs_write_file", "fs_read_file"} <= set(tools):
            return len(
                tools
            ), "listed the tools (fs_write_file or fs_read_file is not among them, so no file was written)"
        started = time.monotonic()
        written = await client.call(session, "fs_write_file", path=FILE, content=TEXT, overwrite=True)
        if "dry_run" in written:
            return len(tools), "listed the tools and called one (its settings ask for dry runs, so no file was written)"
        read = await client.call(session, "fs_read_file", path=FILE)
    if read["content"] != TEXT:
        raise RuntimeError(f"{FILE} was read as {read['content']!r}")
    took = time.monotonic() - started
    return len(tools), f"wrote “{FILE}” ({len(TEXT.encode())} bytes) and read it back in {took:.1f} s"


def check_call(running: gateway.Running) -> str:
    """Make one real call through the gateway, and count its tools. Raises GatewayError."""
    try:
        running.tools, result = asyncio.run(_make_a_call(running.url, gateway.token()))
    except Exception as problem:
        raise gateway.GatewayError(
            f"The gateway answers, but a call through it failed: {problem}\n{gateway.log_ending(running)}"
        ) from None
    return result


def ensure_running(engine: bool, slugs: list[str]) -> tuple[gateway.Running, str]:
    """Return the running gateway if it is up to date, else start one; and the result of a call through it.

    Falls back to the switchboard, unless FLOTILLA_GATEWAY names another.
    """
    running = gateway.Running.read()
    kind, run = gateway.choose(engine, running), "docker" if engine else "process"
    healthy = running.healthy()
    if healthy and running.fingerprint == gateway.fingerprint(kind, run, slugs):
        paths.say("Gateway: running already.")
        return running, check_call(running)
    if running.alive():
        reason = "images, settings or servers have changed" if healthy else "it does not answer"
        paths.say(f"Gateway: restarting it, since {reason}.")
        paths.say("Clients that are connected to its URL must connect again: restart the entry `flotilla` in each.")
    gateway.stop(running, grace=15 if healthy else 2)
    for attempt in [kind] if gateway.wanted() else dict.fromkeys([kind, "switchboard"]):
        paths.say(f"Gateway: starting {gateway.KINDS[attempt]} with {', '.join(slugs)}.")
        try:
            running = gateway.start(attempt, run, slugs)
            result = check_call(running)
            running.save()
            return running, result
        except gateway.GatewayError as problem:
            gateway.stop(gateway.Running.read())
            if attempt == "switchboard" or gateway.wanted():
                raise
            paths.say(f"Gateway: {problem}")
    raise AssertionError("a gateway was started, or an error raised")


def client_entries(slugs: list[str], running: gateway.Running) -> str:
    """Return what belongs into the settings of the three most common clients."""
    kind = "docker" if running.kind == "docker" else "switchboard"
    lines = []
    for name in ("claude-desktop", "vscode", "cursor"):
        it = clients.CLIENTS[name]
        http = (running.url, gateway.token()) if it.http else None
        entry: dict[str, Any] = {it.key: {"flotilla": clients.entry(it, slugs, kind, running.run, http)}}
        command = f"make connect CLIENT={name}" + (" HTTP=1" if http else "")
        lines += ["", f"{it.title}: run `{command}`, or add this to {paths.short(it.path())}:"]
        lines += [json.dumps(entry, ensure_ascii=False, indent=2)]
    return "\n".join(lines)


def report(running: gateway.Running, result: str) -> str:
    """Return what the user needs to know of the running gateway."""
    without_account = [slug for slug in servers.registry() if slug not in running.servers]
    files = f"the volume {paths.VOLUME}" if running.run == "docker" else paths.short(paths.data_folder())
    how = gateway.RUNS[running.run] + (f" (Docker {system.engine()})" if running.run == "docker" else "")
    rows = [
        ("URL", running.url),
        ("token", f"{gateway.token()}  (stored in {paths.short(paths.run_folder() / 'token')})"),
        *((("console", address),) if (address := gateway.console_address(running)) else ()),
        ("gateway", f"{gateway.KINDS[running.kind]}; the servers run {how}"),
        ("servers", f"{gateway.offer(running)}: {', '.join(running.servers)}"),
        ("test", result),
        ("files", files),
    ]
    if without_account:
        text = (
            f"{', '.join(without_account)}: each needs an account. Put its keys into "
            f"{paths.short(paths.secrets_file())}, or run `make login S=…`, then `make up` again."
        )
        lines = textwrap.wrap(text, 100, break_on_hyphens=False)
        rows += [("" if number else "not yet", line) for number, line in enumerate(lines)]
    return "Flotilla is up.\n\n" + "\n".join(f"  {name:9}{value}" for name, value in rows)


def main(argv: list[str]) -> int:
    """Do it all; then say how to connect clients."""
    argparse.ArgumentParser(
        prog="scripts/flotilla up", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(argv)
    try:
        paths.port()
        wanted = gateway.wanted()
        slugs = servers.choose()
        if not slugs:
            raise ValueError("No server is ready to start. Name some: FLOTILLA_SERVERS=filesystem,export make up")
        if unclear := servers.refused(slugs):
            raise ValueError(unclear)
        engine = system.use_engine()
        if engine and not build(slugs):
            if wanted.startswith("docker"):
                raise ValueError(
                    f"The images could not be built (see above), and FLOTILLA_GATEWAY={wanted} needs them. Correct the "
                    "build, or unset FLOTILLA_GATEWAY."
                )
            paths.say(NOT_BUILT)
            engine = False
        try:
            for line in install.install():
                paths.say(line)
        except OSError as problem:
            paths.say(f"Catalog: not installed, since {problem.filename} cannot be written: {problem.strerror}.")
        with gateway.exclusive():
            running, result = ensure_running(engine, slugs)
    except (gateway.GatewayError, ValueError) as problem:
        return paths.fail(str(problem))
    paths.say("\n" + report(running, result))
    for title, path, name in clients.outdated(slugs):
        paths.say(f"\n{title} ({paths.short(path)}) lists other servers. Update it: make connect CLIENT={name}")
    if running.kind.startswith("docker") and system.dynamic_tools():
        paths.say(f"\n{system.DYNAMIC_TOOLS}: {system.DISABLE_DYNAMIC_TOOLS}")
    paths.say(client_entries(slugs, running))
    paths.say("\nTo stop it: `make down`. To see it work: `make demo`. If something is wrong: `make doctor`.")
    return 0

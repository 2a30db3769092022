"""The switchboard's options: the command line first, then the environment, then the defaults. Standard library only."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flotilla_launcher.environment import setting
from flotilla_launcher.naming import slug_of

SERVERS = Path(__file__).resolve().parents[1]  # servers/ of a checkout, or the package of an image or a wheel
if SERVERS.name == "servers":
    CATALOG, DISCOVERY = SERVERS.parent / "catalog" / "flotilla.json", SERVERS
elif SERVERS.is_relative_to("/app"):  # an image, into which its Dockerfile copies both
    CATALOG, DISCOVERY = Path("/app/catalog.json"), Path("/app/discovery")
else:
    CATALOG, DISCOVERY = Path(__file__).with_name("catalog.json"), SERVERS
if SERVERS.is_relative_to("/app"):
    SETTINGS = Path("/state/switchboard.json")
else:
    SETTINGS = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "flotilla" / "switchboard.json"
OPTIONS: dict[str, tuple[Any, str]] = {
    "catalog": (CATALOG, "the catalog file"),
    "servers": ("", "names, comma-separated; or all; by default those that have all the settings they need"),
    "secrets": ("", "file of server.name=value lines"),
    "config": ("", "YAML file of the servers' settings"),
    "discovery": (DISCOVERY, "folder of <server>/discovery.json"),
    "settings": (SETTINGS, "JSON file of what the console can change too: permissions, own servers, limits, search"),
    "permissions": (
        "on",
        "on: tools that write are asked about once each, those that destroy each time, unless the settings file says "
        "otherwise; off: everything is allowed",
    ),
    "plain": ("off", "on: the catalog alone, without permissions, search, log, limits, sentences and own servers"),
    "run": (
        "auto",
        "how servers run: docker, process, auto (docker where the image is), http-map (all at the URLs of --remote)",
    ),
    "fork": (
        "on",
        "on: servers that run as processes are forked from one that has imported what they share, on Linux; "
        "off: each starts by itself",
    ),
    "remote": ("", "name=url, comma-separated: servers that run elsewhere; FLOTILLA_REMOTE_TOKEN is their token"),
    "transport": ("stdio", "how clients connect: stdio or http; FLOTILLA_HTTP_TOKEN is the token of http"),
    "host": ("127.0.0.1", "address to listen on"),
    "port": (8811, "port to listen on, 0 for any"),
    "console": (
        "auto",
        "on: pages for people at /console of --transport http; off: none; auto: where it listens on this machine alone",
    ),
    "idle": (600.0, "seconds after which an idle server is stopped, 0 for never"),
    "search": (
        "auto",
        "on: list one tool that finds tools and three that call them; off: list all tools; "
        "auto: search where there are more than 40",
    ),
    "time-limit": (
        30.0,
        "seconds that a call may take before it is cancelled, 0 for no limit; a tool that declares a longer deadline "
        "gets it",
    ),
    "say-after": (
        1.5,
        "seconds without an answer after which a client that wants progress gets a sentence to say; 0 for never",
    ),
    "language": ("auto", "language of that sentence, and of the one for a server that cannot be reached: en, fr, auto"),
    "log": (
        "on",
        "on: keep a row of each call (who, which tool, masked arguments, how long, how it ended) in the state folder; "
        "results: keep the results too; off: keep nothing",
    ),
    "sessions": (
        "on",
        "on: over HTTP, clients before 2026-07-28 have a session, in which they can be asked; off: nobody has one, so "
        "that each request may come to another switchboard",
    ),
    "drain": (1.0, "seconds that calls in flight get over HTTP when the switchboard is to end"),
    "metrics": (
        "off",
        "on: over HTTP, /metrics tells a Prometheus of calls: one with FLOTILLA_METRICS_TOKEN, or of this machine",
    ),
    "tenants": (
        "",
        "over http, serve many tenants, each with accounts of its own: the file of their database, or a "
        "postgresql:// URL",
    ),
    "public-url": (
        "",
        "with --tenants, the address under which their people reach this switchboard, such as https://mcp.example.com: "
        "links to connect an account begin with it",
    ),
    "notes": (
        "on",
        "on: a tool that keeps, as a note in the data folder, what cannot be done because a server cannot be reached; "
        "off: no such tool",
    ),
    "warm-days": (
        3.0,
        "days: servers called in that time are started before they are asked, while the client is idle; 0 for none",
    ),
    "warm-memory": (600.0, "MB of memory that servers may use before no more are started for --warm-days"),
    "start-timeout": (60.0, "seconds that a server may take to start"),
    "data": (Path.home() / ".local" / "share" / "flotilla", "folder for files when servers run as processes"),
    "state": (
        Path.home() / ".local" / "state" / "flotilla",
        "folder for the servers' own state (tokens, records, keys) when they run as processes",
    ),
    "bin": (Path(sys.executable).parent, "folder of the flotilla-<server> commands"),
    "cpus": (1.0, "CPUs of a container"),
    "memory": ("512m", "memory of a container"),
    "owner": ("flotilla", "what the names of containers begin with"),
}
DESCRIPTION = (
    "Offer the tools of all Flotilla servers to an MCP client, and start a server when one of its tools is called. "
    "Every option can also be set in the environment: FLOTILLA_IDLE=60 for --idle 60."
)
IN_FILE = {  # options that stand in the settings file too, and win over it where they are given
    "language": "language",
    "log": "log.mode",
    "notes": "notes.on",
    "say-after": "time.say_after_seconds",
    "search": "search.mode",
    "time-limit": "time.limit_seconds",
}
CHOICES = {
    "console": ("auto", "on", "off"),
    "fork": ("on", "off"),
    "language": ("auto", "en", "fr"),
    "log": ("on", "results", "off"),
    "metrics": ("on", "off"),
    "notes": ("on", "off"),
    "permissions": ("on", "off"),
    "plain": ("on", "off"),
    "run": ("auto", "docker", "process", "http-map"),
    "sessions": ("on", "off"),
    "search": ("auto", "on", "off"),
    "transport": ("stdio", "http"),
}


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the environment, and the command line, which wins. Exits with a message for an option that is wrong."""
    parser, environment = argparse.ArgumentParser("flotilla-switchboard", description=DESCRIPTION), list[str]()
    for name, (default, text) in OPTIONS.items():
        kind = type(default) if isinstance(default, int | float) else str
        text += f" (default: {default})" if default != "" else ""
        more: dict[str, Any] = {"nargs": "?", "const": "on"} if name == "plain" else {}
        default = None if name in IN_FILE else default
        parser.add_argument(f"--{name}", default=default, help=text, type=kind, choices=CHOICES.get(name), **more)
        value = setting("FLOTILLA_" + name.upper().replace("-", "_"))
        environment += [f"--{name}={value}"] if value else []
    return parser.parse_args([*environment, *argv])


def names(options: argparse.Namespace) -> list[str]:
    """Return the names of the servers asked for; none stands for those that are ready to work."""
    return [name.strip() for name in options.servers.split(",") if name.strip()]


def url_host(host: str) -> str:
    """Return how a URL names an address that is listened on: all addresses have no name, so it names this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def remotes(options: argparse.Namespace) -> dict[str, str]:
    """Return the URLs of the servers that run elsewhere, by slug."""
    pairs = (pair.strip().partition("=") for pair in options.remote.split(",") if pair.strip())
    return {slug_of(name): url for name, _, url in pairs}

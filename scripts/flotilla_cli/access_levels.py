"""How much of an account a login opens: the option by which the user chooses, and what stays closed with a consent."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import Any

from flotilla import Server
from flotilla.http.scopes import wider_levels
from flotilla.settings import variable
from flotilla_launcher.filters import visible


def add_options(parser: argparse.ArgumentParser, servers: Mapping[str, Server[Any]]) -> None:
    """Add an option for each server that has access levels; servers may share one, with the same levels."""
    added = set[str]()
    for server in servers.values():
        if (levels := server.integration.access) and levels.option not in added:
            added.add(levels.option)
            about = server.integration.settings_class.model_fields[levels.field].description
            parser.add_argument(
                f"--{levels.option}",
                choices=tuple(levels.scopes),
                help=f"{about} (default: what was chosen before, else {next(iter(levels.scopes))})",
            )


def chosen(
    servers: Mapping[str, Server[Any]], connectable: Mapping[str, Server[Any]], options: argparse.Namespace
) -> dict[str, str]:
    """Return by slug the levels that the user chose; raises ValueError for that of a server that is not connected."""
    takers: dict[str, list[str]] = {}  # the servers of each option that is given
    for slug, server in connectable.items():
        if (access := server.integration.access) and getattr(options, access.option, None):
            takers.setdefault(access.option, []).append(slug)
    for option, slugs in takers.items():
        if not servers.keys() & set(slugs):
            raise ValueError(
                f"--{option} is an option of {' and '.join(slugs)}. Run `scripts/login {slugs[-1]}` with it."
            )
    return {slug: getattr(options, option) for option, slugs in takers.items() for slug in slugs if slug in servers}


def setting_of(server: Server[Any]) -> str:
    """Return the settings field that stores the level; "" for a server without levels."""
    return server.integration.access.field if server.integration.access else ""


def environment(server: Server[Any], level: str | None) -> dict[str, str]:
    """Return the variable that sets a server's level, nothing where the server has none or no level is given."""
    field = setting_of(server)
    return {variable(server.slug, field): level} if field and level else {}


def limits(server: Server[Any], granted: Collection[str], environ: Mapping[str, str]) -> str:
    """Return what a consent leaves closed to the enabled tools, and how to open it; "" where nothing is closed."""
    integration = server.integration
    enabled = [name for name in integration.scopes if visible(environ, integration.attributes[name], name)]
    limited = [name for name in enabled if integration.scopes[name].coverage(granted) == "part"]
    if not limited:
        return ""
    tools = "all tools" if limited == enabled else ", ".join(limited)
    return f"With this consent {tools} of {server.slug} reach {integration.limited_to}. {_more(server, environ)}"


def _more(server: Server[Any], environ: Mapping[str, str]) -> str:
    levels, wider = server.integration.access, wider_levels(server.integration, environ)
    if not levels or not wider:
        return f"To open more, run `scripts/login {server.slug}` again and agree to everything that it asks for."
    options = " or ".join(f"--{levels.option} {level}" for level in wider)
    return f"To open more, run `scripts/login {server.slug}` again with {options}."

"""The servers of a checkout: their Server objects, and what each answers to discovery."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any

from flotilla import Server
from flotilla_cli.generator.collect import clean_environment, conversation
from flotilla_cli.generator.discovery import of_gateway, of_server
from flotilla_cli.generator.sources import GATEWAYS, ROOT, folder_of, integrations, slugs
from flotilla_launcher.naming import module_of

__all__ = ["GATEWAYS", "ROOT", "discoveries", "folder_of", "gateway_discovery", "integrations", "server_of", "slugs"]
START = (
    "import sys; sys.path.insert(0, {scripts!r}); from flotilla_cli.generator.sources import import_from_checkout;"
    "import_from_checkout(); sys.argv[0] = 'flotilla'; from flotilla_launcher.__main__ import main; main()"
)


def server_of(slug: str) -> Server[Any]:
    """Import a server."""
    server: Server[Any] = importlib.import_module(f"flotilla_servers.{module_of(slug)}.server").server
    return server


def discoveries(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the discovery data of integrations, asked in this process."""
    with clean_environment():
        return {slug: of_server(slug, conversation(server_of(slug)), server_of(slug)) for slug in names}


def gateway_discovery(slug: str) -> dict[str, Any]:
    """Return the discovery data of a gateway, asked of a process of its own."""
    command = [sys.executable, "-c", START.format(scripts=str(ROOT / "scripts"))]
    return of_gateway(slug, command)

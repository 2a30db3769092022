"""What the console shows and changes: servers with their tools, and what the switchboards of a state folder share."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import settings_file
from ..approvals import Approvals
from ..backend import Backend
from ..catalog import Entry, read_catalog, read_document, read_secrets
from ..database import Database
from ..discovery import DiscoveryError, definitions, discovery_if_any, title
from ..gateway import Gateway
from ..notes import notes_folder
from ..own_servers import OwnServer, declared, entry_of, offer_of, parsed, saved
from ..permissions import Permissions, Verdict, digest
from ..selection import is_ready, selected
from ..settings_file import SettingsError

Tool = Mapping[str, Any]


@dataclass(frozen=True)
class Server:
    """One server with its tools. `problem`: why they cannot be read; `backend` is there inside a switchboard."""

    entry: Entry
    tools: Sequence[Tool] = ()
    problem: str = ""
    backend: Backend | None = field(default=None, compare=False)

    own: OwnServer | None = None
    remarks: Sequence[str] = ()  # what was repaired in its definitions, or left out

    @property
    def foreign(self) -> bool:
        """Whether it is a server of one's own choice, whose text is not ours."""
        return self.own is not None

    @property
    def slug(self) -> str:
        """Its name in lists, rules and addresses."""
        return self.entry.slug

    @property
    def title(self) -> str:
        """Its name as people call it."""
        return title(self.entry)

    def digest(self) -> str:
        """Return what tells these definitions from others: that of a form must be the one that the person saw."""
        return hashlib.sha256("".join(map(digest, self.tools)).encode()).hexdigest()


class Host:
    """The state folder, the settings file and the catalog; `gateway` is that of the switchboard around it.

    Its database has one connection, so all of it is used by one thread: see `app.Console`.
    """

    def __init__(self, options: argparse.Namespace, gateway: Gateway | None = None) -> None:
        self.options, self.state, self.gateway = options, Path(options.state), gateway
        self.notes = notes_folder(Path(options.data))
        self.tasks = set[asyncio.Task[None]]()  # what goes on after a form was answered
        self.settings = settings_file.of(options)
        self.database = Database(self.state)
        self.permissions = Permissions(self.database, self.settings)
        self.approvals = Approvals(self.database)

    def servers(self) -> list[Server]:
        """Return the servers that are offered. Raises CatalogError for the user's files."""
        _ = self.permissions.version  # which reads what other processes have decided
        backends = {backend.entry.slug: backend for backend in self._backends()}
        servers = [self._server(entry, backends.get(entry.slug)) for entry in selected(self.options)]
        taken = {("tools", tool["name"]) for server in servers for tool in server.tools}
        for own in self.own().values():
            servers.append(self._own_server(own, taken, backends.get(own.name)))
        return servers

    def others(self, servers: Iterable[Server]) -> list[Entry]:
        """Return the servers of the catalog that are not offered: they were not chosen, or have no account yet."""
        offered = {server.slug for server in servers}
        return [entry for entry in self._catalog() if entry.slug not in offered]

    def needs(self, entry: Entry) -> list[str]:
        """Return what connects a server: names for the secrets file, for each alternative; none where it is ready."""
        folder = Path(self.options.discovery)
        if is_ready(entry, folder):
            return []
        names = {secret["env"]: secret["name"] for secret in entry.spec.get("secrets") or ()}
        alternatives = discovery_if_any(entry, folder).get("needs") or ()
        return [", ".join(names.get(variable, variable) for variable in variables) for variables in alternatives]

    def _backends(self) -> list[Backend]:
        return self.gateway.offers.backends() if self.gateway else []

    def server(self, slug: str) -> Server | None:
        """Return one server, None where there is none of that name."""
        return next((server for server in self.servers() if server.slug == slug), None)

    def offered(self) -> Iterator[tuple[str, Tool]]:
        """Yield each tool with the name of its server."""
        return ((server.slug, tool) for server in self.servers() for tool in server.tools)

    def note_presence(self) -> None:
        """Note that a person has the console open: calls wait for an answer here."""
        self.approvals.note_presence(f"console {os.getpid()}")

    def verdict(self, server: Server, tool: Tool) -> Verdict:
        """Return what counts for a tool now."""
        return self.permissions.verdict(server.slug, tool, foreign=server.foreign)

    def fleet(self) -> list[str]:
        """Return the names of the catalog, which a server of one's own cannot have."""
        return [entry.slug for entry in self._catalog()]

    def own(self) -> dict[str, OwnServer]:
        """Return the servers of one's own that are declared."""
        return declared(self.settings.current().servers, self.fleet())

    def wrong_servers(self) -> list[str]:
        """Return a sentence for each server of one's own that is declared wrongly, and so left out."""
        problems, fleet = [], self.fleet()
        for name, value in self.settings.current().servers.items():
            try:
                parsed(name, value, fleet)
            except SettingsError as error:
                problems.append(str(error))
        return problems

    def _catalog(self) -> Iterable[Entry]:
        secrets = read_secrets(Path(self.options.secrets)) if self.options.secrets else {}
        config = read_document(Path(self.options.config)) if self.options.config else {}
        return read_catalog(Path(self.options.catalog), secrets, config).values()

    def _own_server(self, own: OwnServer, taken: set[tuple[str, str]], backend: Backend | None) -> Server:
        entry = entry_of(own, self.state)
        try:
            tools = offer_of(self.state, own, lambda *key: key in taken).definitions["tools"]
            about = saved(self.state, own)["own"]
        except DiscoveryError as error:
            return Server(entry, problem=str(error), backend=backend, own=own)
        taken |= {("tools", tool["name"]) for tool in tools}
        remarks = [*about.get("refused", ()), *about.get("repaired", ())]
        return Server(entry, tools, backend=backend, own=own, remarks=remarks)

    def _server(self, entry: Entry, backend: Backend | None) -> Server:
        try:
            tools = definitions(entry, Path(self.options.discovery))["tools"]
        except DiscoveryError as error:
            return Server(entry, problem=str(error), backend=backend)
        return Server(entry, tools, backend=backend)

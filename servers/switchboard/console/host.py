"""What the console shows and changes: servers with their tools, and what the switchboards of a state folder share."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import selection, settings_file
from ..approvals import Approvals
from ..backend import Backend
from ..catalog import CatalogError, Entry
from ..database import Database
from ..discovery import DiscoveryError, definitions, discovery_if_any, title
from ..gateway import Gateway
from ..notes import notes_folder
from ..own_servers import OwnServer, entry_of, offer_of, parsed, saved
from ..permissions import Permissions, Verdict, digest
from ..selection import Account
from ..settings_file import SettingsError

Tool = Mapping[str, Any]


class MissingError(Exception):
    """There is no page at this address."""


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


@dataclass(frozen=True)
class Overview:
    """All servers, read once: those that are offered, those of the catalog that are not, and what keeps others out."""

    servers: list[Server]
    others: list[Entry]  # they were not chosen, or have no account yet
    problems: list[str]  # a sentence for each server of one's own that is declared wrongly

    def server(self, slug: str) -> Server:
        """Return one server. Raises MissingError."""
        for server in self.servers:
            if server.slug == slug:
                return server
        raise MissingError

    def tools(self) -> list[tuple[str, Tool]]:
        """Return each tool with the name of its server."""
        return [(server.slug, tool) for server in self.servers for tool in server.tools]


class Host:
    """The state folder, the settings file and the catalog; `gateway` is that of the switchboard around it.

    `account` returns whose servers these are, where that is not the user of the files: such a one has no servers of
    their own choice. The database has one connection, so all of it is used by one thread: see `app.Site`.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        gateway: Gateway | None = None,
        account: Callable[[], Account] | None = None,
    ) -> None:
        self.options, self.state, self.gateway, self.account = options, Path(options.state), gateway, account
        self.notes = notes_folder(Path(options.data))
        self.tasks = set[asyncio.Task[None]]()  # what goes on after a form was answered
        self.settings = settings_file.of(options)
        self.database = Database(self.state)
        self.permissions = Permissions(self.database, self.settings)
        self.approvals = Approvals(self.database)

    def overview(self, *, own_only: bool = False) -> Overview:
        """Return all servers as they are now; those of one's own alone, where the catalog cannot be read.

        Raises CatalogError for the catalog and the user's files.
        """
        _ = self.permissions.version  # which reads what other processes have decided
        account = self.account() if self.account and not own_only else None
        entries = {} if own_only else selection.fleet(self.options, account)
        chosen = selection.selected_of(entries, self.options, own_accounts=account is None) if entries else []
        backends = {backend.entry.slug: backend for backend in self.gateway.offers.backends()} if self.gateway else {}
        servers = [self._server(entry, backends.get(entry.slug)) for entry in chosen]
        taken = {("tools", tool["name"]) for server in servers for tool in server.tools}
        problems, names = list[str](), [entry.slug for entry in entries.values()]
        for name, value in ({} if self.account else self.settings.current().servers).items():
            try:
                own = parsed(name, value, names)
            except SettingsError as error:
                problems.append(str(error))
            else:
                servers.append(self._own_server(own, taken, backends.get(name)))
        offered = {server.slug for server in servers}
        return Overview(servers, [entry for entry in entries.values() if entry.slug not in offered], problems)

    def needs(self, entry: Entry) -> list[str]:
        """Return what connects a server: names for the secrets file, for each alternative; none where it is ready."""
        folder = Path(self.options.discovery)
        if selection.is_ready(entry, folder):
            return []
        names = {secret["env"]: secret["name"] for secret in entry.spec.get("secrets") or ()}
        alternatives = discovery_if_any(entry, folder).get("needs") or ()
        return [", ".join(names.get(variable, variable) for variable in variables) for variables in alternatives]

    def note_presence(self) -> None:
        """Note that a person has the console open: calls wait for an answer here."""
        self.approvals.note_presence(f"console {os.getpid()}")

    def verdict(self, server: Server, tool: Tool) -> Verdict:
        """Return what counts for a tool now."""
        return self.permissions.verdict(server.slug, tool, foreign=server.foreign)

    def fleet(self) -> list[str]:
        """Return the names of the catalog, which a server of one's own cannot have. Raises CatalogError."""
        return [entry.slug for entry in selection.fleet(self.options).values()]

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
        except CatalogError as error:
            return Server(entry, problem=str(error), backend=backend)
        return Server(entry, tools, backend=backend)

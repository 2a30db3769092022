"""Which own servers are there while the switchboard runs: it follows the settings file and what is kept of each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .backend import BrokenResultError, ConnectionLostError, NotStartedError
from .catalog import CatalogError
from .discovery import searchable, title
from .jsonrpc import RpcError
from .offers import Offers
from .own_backends import Own, refresh
from .own_servers import OwnServer, declared, folder, offer_of
from .reporting import report
from .settings_file import SettingsFile

if TYPE_CHECKING:
    from .tool_index import Searchable

PAUSE = 5.0  # seconds between two readings of one server's lists


@dataclass
class _Known:
    """An own server that is there: how it is declared, its secrets' file and its kept lists as they were read."""

    server: OwnServer
    backend: Own
    secrets: object
    lists: object


class OwnOffers:
    """Offers what the own servers of the settings file have, and withdraws what is not there any more.

    `make` returns the backend of a server. `fleet` holds the names that own servers cannot have, `discovery` is the
    folder of the fleet's discovery files.
    """

    def __init__(
        self,
        offers: Offers,
        settings: SettingsFile,
        state: Path,
        make: Callable[[OwnServer], Own],
        fleet: Iterable[str],
        discovery: Path,
    ) -> None:
        self._offers, self._settings, self._state, self._make = offers, settings, state, make
        self._fleet, self._folder = frozenset(fleet), discovery
        self.on_change: Callable[[], None] = lambda: None  # called when something else is offered than before
        self._known: dict[str, _Known] = {}
        self._section: Mapping[str, Any] | None = None
        self._servers: dict[str, OwnServer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading: dict[Own, bool] = {}  # whose lists are read now, and whether they have changed meanwhile

    def follow(self) -> None:
        """Bring the offers in step."""
        section = self._settings.current().servers
        if section is not self._section:
            self._section, self._servers = section, declared(section, self._fleet)
        for name in [name for name in self._known if name not in self._servers]:
            self._withdraw(name)
        for name, server in self._servers.items():
            secrets, lists = (_stamp(folder(self._state) / name / f"{file}.json") for file in ("secrets", "discovery"))
            known = self._known.get(name)
            if known and (known.server, known.secrets) != (server, secrets):
                self._withdraw(name)
                known = None
            if known is None:
                backend = self._make(server)
                backend.on_change = self.read_again
            elif known.lists == lists:
                continue
            else:
                backend = known.backend
                self._offers.withdraw(backend)
            self._known[name] = _Known(server, backend, secrets, lists)
            self._offer(backend)
            self.on_change()

    def _offer(self, backend: Own) -> None:
        try:
            offer = offer_of(self._state, backend.server, self._offers.has)
            backend.names = offer.names
            self._offers.offer(backend, offer.definitions)
        except CatalogError as error:
            report(f"{backend.server.name} is left out: {error}")

    def _withdraw(self, name: str) -> None:
        backend = self._known.pop(name).backend
        self._offers.withdraw(backend)
        self.on_change()
        self._run(backend.close())

    def _run(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def searchables(self) -> list[Searchable]:
        """Return each tool as a search reads it."""
        return [
            searchable(known.backend.entry, tool, "")
            for known in self._known.values()
            for tool in self._offers.tools_of(known.backend)
        ]

    def titles(self) -> list[str]:
        """Return how people call those that offer something."""
        offered = set(self._offers.backends())
        return [title(known.backend.entry) for known in self._known.values() if known.backend in offered]

    def read_again(self, backend: Own) -> None:
        """Read what a server offers again, in the background: it says that it has changed, or was not asked lately."""
        if backend in self._reading:
            self._reading[backend] = True
        else:
            self._reading[backend] = False
            self._run(self._read(backend))

    async def _read(self, backend: Own) -> None:
        try:
            while True:
                self._reading[backend] = False
                try:
                    await refresh(backend, self._folder, again=True)
                except (NotStartedError, ConnectionLostError, BrokenResultError, RpcError) as error:
                    report(f"what {backend.server.name} offers could not be read again: {error}")
                await asyncio.sleep(PAUSE)
                if not self._reading[backend] or backend.closed:
                    return
        finally:
            del self._reading[backend]

    async def close(self) -> None:
        """Stop all own servers; raise what one of them raises once all are stopped."""
        for task in self._tasks:
            task.cancel()
        closing = (known.backend.close() for known in self._known.values())
        for error in filter(None, await asyncio.gather(*closing, return_exceptions=True)):
            raise error


def _stamp(path: Path) -> object:
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino

"""Own servers while the switchboard runs: how they are spoken to, and how their lists are read.

They are foreign: their texts are cleaned on the way to the client, and they may speak any revision of the protocol.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from flotilla_launcher.protocol import LISTS
from flotilla_launcher.text import plain

from . import processes
from .backend import (
    MODERN_META,
    Backend,
    BrokenResultError,
    ConnectionLostError,
    NotStartedError,
    Process,
    ProcessConnection,
    ServerConnection,
)
from .catalog import Entry
from .client_request import ClientRequest
from .commands import Commands
from .discovery import DiscoveryError
from .jsonrpc import METHOD_NOT_FOUND, ConnectionClosedError, Message, OnProgress, RpcError
from .own_servers import OwnServer, entry_of, keep, saved
from .questions import ANNOUNCED, OpenCall, ParkedCalls, QuestionGoneError
from .untrusted import clean_texts, cleaned
from .validation import Validator

PROBE = 20.0  # seconds in which a server answers `server/discover`, its start included; some older ones never do
READING = 60.0  # seconds that reading all lists of a server may take, its start included
PAGES, ITEMS = 100, 2_000  # pages of a list, and items, that are read at most
LONGEST_ERROR = 2_000  # characters of a server's error
CHANGED = tuple(f"notifications/{kind}/list_changed" for kind in ("tools", "prompts", "resources"))
ASKS_SINCE = "2025-06-18"  # the first revision in which a server can ask
NAMES = {"tools/call": "tools", "prompts/get": "prompts"}


class CleaningRequest:
    """A client's request to which only cleaned texts are passed."""

    def __init__(self, client: ClientRequest) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @property
    def sent(self) -> bool:
        """Whether a server has got it."""
        return self._client.sent

    @sent.setter
    def sent(self, value: bool) -> None:
        self._client.sent = value

    def progress(self, params: Message) -> None:
        """Pass progress on."""
        self._client.progress(clean_texts(params))

    def log(self, params: Message) -> None:
        """Pass a log message on."""
        self._client.log(clean_texts(params))


class Own(Backend):
    """What all own servers have. `names` are their own names of what is offered under another one, by kind.

    `on_change` is called when the server says that its lists have changed, or may have.
    """

    foreign = True

    def __init__(self, server: OwnServer, state: Path, *more: Any) -> None:
        super().__init__(entry_of(server, state), *more)
        self.server, self.state = server, state
        self.names: dict[str, dict[str, str]] = {}
        self.on_change: Callable[[Own], None] = lambda backend: None
        self.parked, self._validator = ParkedCalls(), Validator(server.name)
        self._looked_at: object = None

    async def refusal(self, tool: Message, arguments: Message) -> str:
        """Return what does not fit the schema of a tool; nothing where all does."""
        return await self._validator.refusal(tool, arguments)

    async def send(self, client: ClientRequest, method: str, params: Message, safe: bool) -> Message:
        """Return the server's result with its texts cleaned. Raises what `Backend.send` raises."""
        if kind := NAMES.get(method):
            name = params["name"]
            params = {**params, "name": self.names.get(kind, {}).get(name, name)}
        cleaning: Any = CleaningRequest(client)
        try:
            result = await super().send(cleaning, method, params, safe)
        except RpcError as error:
            raise RpcError(error.code, plain(error.message)[:LONGEST_ERROR], clean_texts(error.data)) from None
        if (state := self.looked_at()) != self._looked_at:
            self._looked_at = state
            self.on_change(self)
        return dict(clean_texts(result))

    def looked_at(self) -> object:
        """Return what differs when its lists should be read again: by default each hour."""
        return int(time.monotonic() // 3_600)

    def about(self) -> Message:
        """Return what is kept of the connection, for the next one."""
        return {}

    async def forget(self) -> bool:
        """Forget what was learned about the connection; tell whether it was anything that can be wrong now."""
        return False

    async def close(self) -> None:
        """Stop the server; calls that wait for an answer end."""
        self.parked.close()
        await super().close()


class OwnProcess(Own, Process):
    """An own server that is started here: a program or a container."""

    def __init__(self, server: OwnServer, state: Path, commands: Commands, idle: float, start_timeout: float) -> None:
        super().__init__(server, state, commands, idle, start_timeout)
        self.older = False  # it is known to end, or to keep silent, when it is asked in the newest revision

    def connect(self, process: processes.Process) -> ProcessConnection:
        """Return the connection to a process that was started."""
        return OwnConnection(process, self)

    def looked_at(self) -> object:
        """Return its run: another start may be another version."""
        return self._run

    def about(self) -> Message:
        """Return whether it is to be initialized at once."""
        return {"older": self.older}

    async def forget(self) -> bool:
        """Ask it in the newest revision first, the next time."""
        older, self.older = self.older, False
        return older


class OwnConnection(ProcessConnection):
    """The connection to an own process. One of an older revision that may ask gets one call at a time."""

    announced = ANNOUNCED

    def __init__(self, process: processes.Process, backend: OwnProcess) -> None:
        super().__init__(process, backend)
        self._own, self._turn = backend, asyncio.Lock()

    async def discover(self, entry: Entry) -> None:
        """Find out which revision the server speaks; one that does not answer in time is initialized."""
        if not self._own.older:
            try:
                async with asyncio.timeout(PROBE):
                    if await self.is_modern():
                        return
            except TimeoutError:
                self._own.older = True
            except ConnectionClosedError:
                self._own.older = True
                raise
        await self.initialize(entry)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until no other call runs, where the server may ask; a call that waits for a person does not run."""
        return _held(self._turn) if not self.modern and self.version >= ASKS_SINCE else nullcontext()

    async def send(self, client: ClientRequest, method: str, params: Message, on_progress: OnProgress) -> Message:
        """Send a client's request; a question of an older server comes back as its result."""
        if self.modern or self.version < ASKS_SINCE:
            return await super().send(client, method, params, on_progress)

        async def start(call: OpenCall) -> Message:
            return await super(OwnConnection, self).send(client, method, params, call.on_progress)

        try:
            return await self._own.parked.send(client, params, on_progress, start)
        except QuestionGoneError:
            raise gone(self._own.entry) from None

    async def on_request(self, request_id: int | str, method: str, params: Message) -> Message:
        """Ask the client whose call runs; what else a server may want of a client is refused."""
        if method == "ping":
            return {}
        call = self._own.parked.running
        if call is None:
            raise RpcError(METHOD_NOT_FOUND, f"The switchboard does not offer {method} now.", method)
        return await call.ask(method, params)

    def on_notification(self, method: str, params: Message) -> None:
        """Pass log messages on; note that lists have changed."""
        if method in CHANGED:
            self._own.on_change(self._own)
        else:
            super().on_notification(method, params)


class OwnRemote(Own):
    """An own server at a URL. What speaks HTTP is imported with the first call."""

    def __init__(self, server: OwnServer, state: Path) -> None:
        super().__init__(server, state)
        self._remote: Any = None
        self._transport = server.transport

    async def _backend(self) -> Any:
        if self._remote is None:
            module = await asyncio.to_thread(_import_remote)
            remote = module.ForeignRemote(self.entry, self.server, self.state, self.entry.headers)
            remote.transport, remote.parked = self._transport, self.parked
            remote.on_change = lambda: self.on_change(self)
            self._remote = self._remote or remote
        return self._remote

    async def _send_once(self, client: ClientRequest, method: str, params: Message) -> Any:
        remote = await self._backend()
        try:
            return await remote._send_once(client, method, params)
        except QuestionGoneError:
            raise gone(self.entry) from None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[ServerConnection]:
        """Open a session. Raises NotStartedError and ConnectionLostError."""
        remote = await self._backend()
        async with remote.session() as connection:
            yield connection

    def about(self) -> Message:
        """Return the transport that was found."""
        return {"transport": self._remote.transport if self._remote else self._transport}

    def remember(self, about: Message) -> None:
        """Take what was kept of an earlier connection."""
        if self._transport == "auto" and about.get("transport") in ("http", "sse"):
            self._transport = about["transport"]

    async def forget(self) -> bool:
        """Find out again which transport it has."""
        learned, self._transport = self._transport != self.server.transport, self.server.transport
        if learned and self._remote:
            await self._remote.close()
            self._remote = None
        return learned

    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        if self._remote:
            await self._remote.close()


def _import_remote() -> Any:
    from flotilla_launcher.handover import build_models_on_first_use

    build_models_on_first_use()
    return importlib.import_module(f"{__package__}.foreign_remote")


def gone(entry: Entry) -> ConnectionLostError:
    """Return the error of an answer that comes too late."""
    return ConnectionLostError(f"the call of {entry.slug} that asked does not wait any more")


@asynccontextmanager
async def _held(lock: asyncio.Lock) -> AsyncIterator[None]:
    async with lock:
        yield


def backend_of(server: OwnServer, state: Path, commands: Commands, idle: float, start_timeout: float) -> Own:
    """Return the backend of an own server; nothing is started."""
    about: Message = {}
    with suppress(DiscoveryError):
        about = saved(state, server)["own"]
    if server.url:
        remote = OwnRemote(server, state)
        remote.remember(about)
        return remote
    process = OwnProcess(server, state, commands, idle, start_timeout)
    process.older = about.get("older") is True
    return process


# -- reading their lists ----------------------------------------------------------------------------------------------


async def refresh(backend: Own, fleet: Path, *, again: bool = False) -> bool:
    """Read what a server offers, and keep it; tell whether it has changed. `own_servers.keep` says what the rest is.

    Raises NotStartedError, ConnectionLostError, BrokenResultError and RpcError.
    """
    began = backend.about()
    for attempt in (1, 2):
        try:
            async with asyncio.timeout(READING), backend.connected() as connection:
                lists = await read_lists(connection)
                version = connection.version
            break
        except TimeoutError:
            raise NotStartedError(f"{backend.entry.slug} did not list its tools within {READING:g} seconds") from None
        except ConnectionClosedError:
            raise ConnectionLostError(f"{backend.entry.slug} closed the connection") from None
        except NotStartedError:  # again, if it has ended because of the newest revision, or is not what it was
            if attempt == 2 or (backend.about() == began and not await backend.forget()):
                raise
    about = {"version": version, **backend.about()}
    return await asyncio.to_thread(keep, backend.state, backend.server, cleaned(lists), about, fleet, again=again)


async def read_lists(connection: ServerConnection) -> dict[str, list[Any]]:
    """Return all pages of all lists of a server, by kind. Raises RpcError, BrokenResultError."""
    lists: dict[str, list[Any]] = {}
    for kind, method in LISTS.items():
        capability = "resources" if kind == "resourceTemplates" else kind
        lists[kind] = []
        if kind != "tools" and capability not in connection.capabilities:
            continue
        try:
            lists[kind] = await _read_list(connection, kind, method)
        except RpcError as error:
            if kind == "tools" and (error.code != METHOD_NOT_FOUND or "tools" in connection.capabilities):
                raise
    return lists


async def _read_list(connection: ServerConnection, kind: str, method: str) -> list[Any]:
    items: list[Any] = []
    cursor: Any = None
    for _ in range(PAGES):
        params: Message = {"_meta": MODERN_META if connection.modern else {}}
        answer = await connection.request(method, {**params, **({"cursor": cursor} if cursor else {})})
        page, before = answer.get(kind), cursor
        if not isinstance(page, list):
            raise BrokenResultError(f"the answer to {method} holds no list")
        items += page
        cursor = answer.get("nextCursor")
        if not isinstance(cursor, str) or not cursor or cursor == before or len(items) >= ITEMS:
            break
    return items[:ITEMS]

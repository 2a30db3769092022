"""One server behind the switchboard: at most one process, or a URL. Requests, progress, logs and cancellation pass.

Every start belongs to a task of its own (`ProcessRun`), so that a call that is cancelled never stops what other calls
use. What breaks raises an error that says whether anything was sent: `NotStartedError` or `ConnectionLostError`.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from typing import Any

from flotilla_launcher.protocol import (
    CAPABILITIES_KEY,
    CLIENT_KEY,
    HANDSHAKE_VERSIONS,
    LOG_LEVEL_KEY,
    MODERN_VERSION,
    VERSION_KEY,
)

from . import processes
from .catalog import Entry
from .circuit import FAILURES, Circuit
from .client_request import ClientRequest
from .commands import Commands, container_memory, docker
from .jsonrpc import ConnectionClosedError, Message, OnProgress, Peer, RpcError

CLIENT_INFO = {"name": "flotilla-switchboard", "version": "1"}
MODERN_META = {VERSION_KEY: MODERN_VERSION, CLIENT_KEY: CLIENT_INFO, CAPABILITIES_KEY: {}}
CONTENTS = {"tools/call": "content", "prompts/get": "messages", "resources/read": "contents"}
DEADLINE = 60.0  # seconds: no tool of the fleet has a longer one, unless FLOTILLA_DEADLINE says so
STDERR = 2  # the file descriptor
SIGN_OF_LIFE = 10.0  # seconds in which a server that let a call run out of time must answer a ping
GRACE = 60.0  # seconds that a server may be silent on top of the deadline of its calls


class NotStartedError(Exception):
    """The server could not be reached: nothing was done. The message is a clause without a full stop."""

    next_step = "Ask the user to fix it, then call again."


class ConnectionLostError(Exception):
    """The server went away after the request was sent: whether it was done is unknown."""


class UnresponsiveError(ConnectionLostError):
    """The server neither answered nor made progress for longer than any call takes: it hangs."""


class BrokenResultError(Exception):
    """The server's result breaks the protocol."""


class Backend:
    """A server to which clients' requests are sent. `foreign`: a person has added it, it is not one of the fleet."""

    foreign = False

    def __init__(self, entry: Entry) -> None:
        self.entry, self.closed, self.circuit = entry, False, Circuit()
        self.deadlines: Mapping[str, float] = {}  # seconds, of the tools that declare one of their own
        self._deadline = _number(entry.env.get("FLOTILLA_DEADLINE"))
        self.response_timeout = GRACE + max(DEADLINE, self._deadline)

    def deadline(self, tool: str) -> float:
        """Return the seconds that the server gives a tool by its own or the operator's word, 0 where nobody says."""
        return self.deadlines.get(tool, self._deadline)

    def suspect(self, seconds: float) -> None:
        """Take note that a call took so long: a server that does so again and again is left alone for a while."""
        self.circuit.note(reached=False, began=self.circuit.now() - seconds)

    async def send(self, client: ClientRequest, method: str, params: Message, safe: bool) -> Message:
        """Return the server's result. A safe request (a read) is sent a second time when the connection was lost.

        Raises RpcError, NotStartedError, ConnectionLostError, UnresponsiveError and BrokenResultError.
        """
        if left := self.circuit.left():
            times = f"{FAILURES} times in a row"
            raise NotStartedError(f"{self.entry.slug} failed {times}, and is tried again in {left:.0f} seconds")
        began = self.circuit.now()
        try:
            result = await self._send_twice_at_most(client, method, params, safe)
        except (NotStartedError, ConnectionLostError):
            self.circuit.note(reached=False, began=began)
            raise
        except RpcError:
            self.circuit.note(reached=True, began=began)
            raise
        self.circuit.note(reached=True, began=began)
        if not is_result(method, result):
            raise BrokenResultError(f"{self.entry.slug} answered with a result that breaks the protocol")
        return dict(result)

    async def _send_twice_at_most(self, client: ClientRequest, method: str, params: Message, safe: bool) -> Any:
        try:
            return await self._send_once(client, method, params)
        except ConnectionLostError as error:
            if not safe or isinstance(error, UnresponsiveError):  # a caller who waited so long does not wait again
                raise
            return await self._send_once(client, method, params)

    async def _send_on(self, connection: ServerConnection, client: ClientRequest, method: str, params: Message) -> Any:
        """Send a request. Raises what `_in_time` raises."""
        return await self._in_time(client, lambda on_progress: connection.send(client, method, params, on_progress))

    async def _in_time(self, client: ClientRequest, send: Callable[[OnProgress], Awaitable[Message]]) -> Message:
        """Await an answer; raises UnresponsiveError when there is neither an answer nor progress for too long."""
        loop, client.sent = asyncio.get_running_loop(), True

        def on_progress(progress: Message) -> None:
            limit.reschedule(loop.time() + self.response_timeout)
            client.progress(progress)

        try:
            async with asyncio.timeout(self.response_timeout) as limit:
                return await send(on_progress)
        except TimeoutError:
            if not limit.expired():
                raise
            message = f"{self.entry.slug} did not answer within {self.response_timeout:g} seconds"
            raise UnresponsiveError(message) from None

    async def _send_once(self, client: ClientRequest, method: str, params: Message) -> Any:
        raise NotImplementedError

    async def refusal(self, tool: Message, arguments: Message) -> str:
        """Return why arguments are not sent to a tool; nothing where they may be: our own servers check them."""
        return ""

    def connected(self) -> AbstractAsyncContextManager[ServerConnection]:
        """Connect, for other requests than a client's. Raises NotStartedError and ConnectionLostError."""
        raise NotImplementedError

    async def close(self) -> None:
        """Send nothing more to the server, and stop it if it was started here."""
        self.closed = True


class ServerConnection:
    """An open connection to a server. `modern` tells whether it speaks 2026-07-28, else it was initialized.

    `version` is the revision that it speaks, `capabilities` is what it says that it offers. `announced` is what a
    server of an older revision reads that it may ask of a client.
    """

    modern = True
    version = MODERN_VERSION
    capabilities: Message = {}  # noqa: RUF012 - replaced, never changed
    announced: Message = {}  # noqa: RUF012

    async def request(self, method: str, params: Message, on_progress: OnProgress | None = None) -> Message:
        """Send a request. Raises RpcError and ConnectionClosedError."""
        raise NotImplementedError

    async def send(self, client: ClientRequest, method: str, params: Message, on_progress: OnProgress) -> Message:
        """Send a client's request, with that client's capabilities: the switchboard's own would promise too much."""
        if self.modern:
            meta = {**client.meta, **MODERN_META, CAPABILITIES_KEY: client.capabilities}
            return await self.request(method, {**params, "_meta": meta}, on_progress)
        meta = {key: value for key, value in client.meta.items() if key != LOG_LEVEL_KEY}
        older = {key: value for key, value in params.items() if key not in ("inputResponses", "requestState")}
        return await self.request(method, {**older, "_meta": meta}, on_progress)

    async def discover(self, entry: Entry) -> None:
        """Find out which revision the server speaks. One that knows no `server/discover` is initialized.

        Raises NotStartedError where it speaks none that the switchboard knows, and ConnectionClosedError.
        """
        if not await self.is_modern():
            await self.initialize(entry)

    async def is_modern(self) -> bool:
        """Tell whether the server speaks 2026-07-28. Raises ConnectionClosedError."""
        with suppress(RpcError):
            answer = await self.request("server/discover", {"_meta": MODERN_META})
            self.capabilities = answer.get("capabilities") or {}
            return MODERN_VERSION in (answer.get("supportedVersions") or ())
        return False

    async def initialize(self, entry: Entry) -> None:
        """Open a session as revisions before 2026-07-28 want it. Raises NotStartedError and ConnectionClosedError."""
        try:
            hello = {
                "protocolVersion": HANDSHAKE_VERSIONS[-1],
                "capabilities": self.announced,
                "clientInfo": CLIENT_INFO,
            }
            answer = await self.request("initialize", hello)
            version = answer.get("protocolVersion")
            if version in HANDSHAKE_VERSIONS:
                self.modern, self.version, self.capabilities = False, version, answer.get("capabilities") or {}
                self.notify("notifications/initialized", {})
                return
            reason = f"it answered with {version!r}"
        except RpcError as error:
            reason = error.message
        raise NotStartedError(
            f"{entry.slug} speaks neither MCP {MODERN_VERSION} nor an older revision that the switchboard knows "
            f"({reason[:200]})"
        )

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until a call may be sent: one at a time where else nobody could tell whose question is asked."""
        return nullcontext()

    def notify(self, method: str, params: Message) -> None:
        """Send a notification."""
        raise NotImplementedError


class ProcessConnection(Peer, ServerConnection):
    """The connection to a process: its requests to a person are refused, its log messages go to the backend."""

    def __init__(self, process: processes.Process, backend: Process) -> None:
        super().__init__(process.write)
        self._backend = backend

    async def ping(self) -> None:
        """Return when the server itself has answered, not its launcher. Raises ConnectionClosedError."""
        with suppress(RpcError):  # 2026-07-28 has no ping, which only the real server can say
            await self.request("ping", {"_meta": MODERN_META} if self.modern else {})

    async def on_request(self, request_id: int | str, method: str, params: Message) -> Message:
        """Answer a ping; only servers of an older revision ask anything else in mid-call."""
        return {} if method == "ping" else await super().on_request(request_id, method, params)

    def on_notification(self, method: str, params: Message) -> None:
        """Pass log messages on."""
        if method == "notifications/message":
            self._backend.log(params)


class Process(Backend):
    """A container or a local process: started by the first call, kept, stopped when idle, started again after a crash.

    All of its state changes between two awaits of one event loop, so it needs no lock.
    """

    def __init__(self, entry: Entry, commands: Commands, idle: float, start_timeout: float) -> None:
        super().__init__(entry)
        self.commands, self.idle, self.start_timeout = commands, idle, start_timeout
        self._run: ProcessRun | None = None
        self._active: dict[object, ClientRequest | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._check: asyncio.Task[None] | None = None  # whether it still answers

    @property
    def starting(self) -> bool:
        """Whether it is being started."""
        return self._run is not None and not self._run.ended and not self._run.ready.done()

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._run is not None and not self._run.ended and self._run.ready.done()

    async def warm(self) -> None:
        """Start the server, and let it import what a call needs. Raises NotStartedError and ConnectionClosedError."""
        with self._in_use(None):
            _, connection = await self._started()
            await connection.ping()

    def suspect(self, seconds: float) -> None:
        """Stop the server, unless it answers a ping soon: the next call then starts it anew."""
        if self._run and self.running and (self._check is None or self._check.done()):
            self._check = asyncio.create_task(self._stop_unless_alive(self._run))

    async def _stop_unless_alive(self, run: ProcessRun) -> None:
        try:
            async with asyncio.timeout(SIGN_OF_LIFE):
                await run.ready.result().ping()
        except TimeoutError:
            run.stop()
        except ConnectionClosedError:
            pass

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[ServerConnection]:
        """Start the server, and keep it while its connection is used. Raises NotStartedError."""
        with self._in_use(None):
            _, connection = await self._started()
            async with connection.turn():
                yield connection

    def connect(self, process: processes.Process) -> ProcessConnection:
        """Return the connection to a process that was started."""
        return ProcessConnection(process, self)

    async def memory(self) -> float:
        """Return the resident memory of the server in MB, 0 where it does not run or nobody can tell."""
        return await self._run.memory() if self._run and self.running else 0.0

    async def _send_once(self, client: ClientRequest, method: str, params: Message) -> Any:
        with self._in_use(client):
            run, connection = await self._started()
            try:
                async with connection.turn():
                    return await self._send_on(connection, client, method, params)
            except UnresponsiveError:
                run.stop()  # the next call starts it anew
                raise
            except ConnectionClosedError:
                run.stop()
                raise ConnectionLostError(f"{self.entry.slug} stopped during the call") from None

    @contextmanager
    def _in_use(self, client: ClientRequest | None) -> Iterator[None]:
        """Keep the server from being stopped as idle."""
        call = object()
        self._active[call] = client
        if self._timer:
            self._timer.cancel()
        try:
            yield
        finally:
            del self._active[call]
            if not self._active and self.idle:
                self._timer = asyncio.get_running_loop().call_later(self.idle, self._stop_when_idle)

    async def _started(self) -> tuple[ProcessRun, ProcessConnection]:
        for _ in range(3):
            if self.closed:
                raise NotStartedError(_shutting_down(self.entry))
            if self._run is None or self._run.ended:
                self._run = ProcessRun(self, self._run)
            run = self._run
            connection = await asyncio.shield(run.ready)  # a caller that gives up leaves the start to the others
            if not run.ended:  # else it died, or was stopped as idle, in this very moment: nothing was sent
                return run, connection
        raise NotStartedError(f"{self.entry.slug} could not start: it exits right after it has started")

    def _stop_when_idle(self) -> None:
        if not self._active and self._run:
            self._run.stop()

    def log(self, params: Message) -> None:
        """Pass a log message on. It names no call, so it is dropped when it could belong to another client."""
        requests = [request for request in self._active.values() if request]
        if len({request.client_id or id(request) for request in requests}) == 1:
            next((request for request in requests if request.wants_logs), requests[0]).log(params)

    async def close(self) -> None:
        """Stop the server and wait until it is gone."""
        await super().close()
        if self._run:
            self._run.stop()
            if not self._run.ready.done():
                self._run.task.cancel()  # else a start that hangs would be waited for
            await asyncio.wait([self._run.task])


class ProcessRun:
    """One start of one server, from the wait for the one before to the end of its process."""

    def __init__(self, backend: Process, previous: ProcessRun | None) -> None:
        self.ended = False
        self.ready: asyncio.Future[ProcessConnection] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())  # nobody may be waiting
        self._entry = backend.entry
        self._process: processes.Process | None = None
        self._container = ""
        self._stopping = asyncio.Event()
        self._stderr: deque[str] = deque(maxlen=20)
        self.task: asyncio.Task[None] = asyncio.create_task(self._serve(backend, previous))

    def stop(self) -> None:
        """Stop the process; nothing is sent to it from now on."""
        self.ended = True
        self._stopping.set()

    async def memory(self) -> float:
        """Return its resident memory in MB, 0 where nobody can tell."""
        if self._container:
            return await container_memory(self._container)
        return processes.memory(self._process.pid) if self._process else 0.0

    async def _serve(self, backend: Process, previous: ProcessRun | None) -> None:
        readers: list[asyncio.Task[None]] = []
        try:
            if previous:
                await asyncio.wait([previous.task])  # never two: the one before must be gone
            command = await backend.commands.command(self._entry)
            self._container = command.container
            async with asyncio.timeout(backend.start_timeout):
                self._process = await backend.commands.start(command)
                connection = backend.connect(self._process)
                readers = [
                    asyncio.create_task(self._read(self._process, connection)),
                    asyncio.create_task(self._keep_stderr(self._process)),
                ]
                await connection.discover(self._entry)
            self.ready.set_result(connection)
            await self._stopping.wait()
            connection.close()
        except Exception as error:
            if readers:
                await asyncio.wait(readers[1:], timeout=0.5)  # what it says about its end
            if not self.ready.done():
                self.ready.set_exception(NotStartedError(self._reason(error)))
        finally:
            self.ended = True
            if not self.ready.done():
                self.ready.set_exception(NotStartedError(_shutting_down(self._entry)))
            if self._process:
                await processes.end(self._process)
            for reader in readers:
                reader.cancel()
            if self._container:  # one that is busy outlives its docker command
                await docker("rm", "--force", self._container)

    async def _read(self, process: processes.Process, connection: ProcessConnection) -> None:
        async for line in process.lines():
            connection.receive(line)
        connection.close()
        self.stop()

    async def _keep_stderr(self, process: processes.Process) -> None:
        """Pass the server's stderr on, line by line, and keep its last lines."""
        async for text in process.error_lines():
            if not text.strip():
                continue
            self._stderr.append(text.decode(errors="replace").strip())
            line = text + b"\n"
            if len(line) > select.PIPE_BUF or not select.select([], [STDERR], [], 0)[1]:
                await asyncio.to_thread(_write_stderr, line)  # which waits for whoever reads it
            else:
                _write_stderr(line)

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, NotStartedError):  # it has started, and the message says what is wrong with it
            return str(error)
        lines = [line for line in self._stderr if not line.startswith(("See 'docker", "Run 'docker"))]
        reason = lines[-1] if lines else "it took too long" if isinstance(error, TimeoutError) else str(error)
        for value in sorted(self._entry.secrets, key=len, reverse=True):
            reason = reason.replace(value, "***")
        return f"{self._entry.slug} could not start: {reason[:300]}"


def is_result(method: str, result: Any) -> bool:
    """Tell whether a result has the shape of the protocol: what it asks for, or its contents."""
    if type(result) is not dict:
        return False
    if result.get("resultType") == "input_required":
        questions = result.get("inputRequests") or {}
        if type(questions) is not dict:
            return False
        asks = all(type(item) is dict and type(item.get("method")) is str for item in questions.values())
        return asks and type(result.get("requestState", "")) is str
    contents = result.get(CONTENTS[method])
    return type(contents) is list and all(type(item) is dict for item in contents)


def _write_stderr(line: bytes) -> None:
    rest = memoryview(line)
    with suppress(OSError):
        while rest:
            rest = rest[os.write(STDERR, rest) :]


def _shutting_down(entry: Entry) -> str:
    return f"{entry.slug} was not started, because the switchboard is shutting down"


def _number(text: str | None) -> float:
    with suppress(ValueError):
        return float(text or 0)
    return 0.0

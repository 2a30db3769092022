"""One server behind the switchboard: at most one process, or a URL. Requests, progress, logs and cancellation pass.

Every start belongs to a task of its own (`ProcessRun`), so that a call that is cancelled never stops what other calls
use. What breaks raises an error that says whether anything was sent: `NotStartedError` or `ConnectionLostError`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx2
import mcp_types as mt
from mcp import ClientSession, MCPError
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import CallOptions
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types.version import LATEST_MODERN_VERSION
from pydantic import TypeAdapter

from .catalog import Entry
from .client_request import CAPABILITIES, ClientRequest
from .commands import Commands, docker
from .compat import extend_kill_timeout

CLIENT_INFO = mt.Implementation(name="flotilla-switchboard", version="1")
DEADLINE = 60.0  # seconds: no tool of the fleet has a longer one, unless FLOTILLA_DEADLINE says so
GRACE = 60.0  # seconds that a server may be silent on top of the deadline of its calls


class NotStartedError(Exception):
    """The server could not be reached: nothing was done. The message is a clause without a full stop."""


class ConnectionLostError(Exception):
    """The server went away after the request was sent: whether it was done is unknown."""


class UnresponsiveError(ConnectionLostError):
    """The server neither answered nor made progress for longer than any call takes: it hangs."""


class Relay(JSONRPCDispatcher[Any]):
    """The connection to a server, with the capabilities of the client that calls. `ended` is called when it closes."""

    def __init__(self, read: Any, write: Any, ended: Callable[[], None] = lambda: None) -> None:
        super().__init__(read, write)
        self._ended = ended

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None, **more: Any
    ) -> dict[str, Any]:
        """Send the client's capabilities, not the switchboard's, which would promise what the client cannot do."""
        meta = dict((params or {}).get("_meta") or {})
        if CAPABILITIES in meta:
            meta[mt.CLIENT_CAPABILITIES_META_KEY] = meta.pop(CAPABILITIES)
        return await super().send_raw_request(method, {**(params or {}), "_meta": meta}, opts, **more)

    async def run(self, *args: Any, **more: Any) -> None:
        """Read until the server closes the connection."""
        try:
            await super().run(*args, **more)
        finally:
            self._ended()


async def discover(session: ClientSession, entry: Entry) -> None:
    """As session.discover(), which gives up after 10 s: a container on a busy machine may start more slowly.

    A server that does not know `server/discover` is initialized as before 2026-07-28; raises NotStartedError when that
    fails.
    """
    meta: Any = {mt.PROTOCOL_VERSION_META_KEY: LATEST_MODERN_VERSION, mt.CLIENT_CAPABILITIES_META_KEY: {}}
    request = mt.DiscoverRequest(
        params=mt.RequestParams(_meta=meta | {mt.CLIENT_INFO_META_KEY: CLIENT_INFO.model_dump()})
    )
    try:
        session.adopt(await session.send_request(request, mt.DiscoverResult))
    except MCPError as error:
        if error.code == mt.CONNECTION_CLOSED:
            raise
        await initialize(session, entry)


async def initialize(session: ClientSession, entry: Entry) -> None:
    """Open a session with a server that speaks only revisions of MCP before 2026-07-28."""
    try:
        await session.initialize()
    except (MCPError, RuntimeError) as error:
        raise NotStartedError(
            f"{entry.slug} speaks neither MCP {LATEST_MODERN_VERSION} nor an older revision that the switchboard "
            f"knows ({str(error)[:200]})"
        ) from None


extend_kill_timeout()


class Backend:
    """A server to which clients' requests are sent."""

    def __init__(self, entry: Entry) -> None:
        self.entry, self.closed = entry, False
        self.response_timeout = GRACE + max(DEADLINE, _number(entry.env.get("FLOTILLA_DEADLINE")))

    async def send(self, client: ClientRequest, request: Any, result: TypeAdapter[Any], safe: bool) -> Any:
        """Return the server's result. A safe request (a read) is sent a second time when the connection was lost.

        Raises NotStartedError, ConnectionLostError and UnresponsiveError.
        """
        try:
            return await self._send_once(client, request, result)
        except ConnectionLostError as error:
            if not safe or isinstance(error, UnresponsiveError):  # a caller who waited so long does not wait again
                raise
        return await self._send_once(client, request, result)

    async def _send_on(
        self, session: ClientSession, client: ClientRequest, request: Any, result: TypeAdapter[Any]
    ) -> Any:
        """Send a request; raises UnresponsiveError when there is neither an answer nor progress for too long."""
        loop = asyncio.get_running_loop()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            limit.reschedule(loop.time() + self.response_timeout)
            if client.report_progress:
                await client.report_progress(progress, total, message)

        try:
            async with asyncio.timeout(self.response_timeout) as limit:
                return await session.send_request(request, result, progress_callback=on_progress)
        except TimeoutError:
            if not limit.expired():
                raise
            message = f"{self.entry.slug} did not answer within {self.response_timeout:g} seconds"
            raise UnresponsiveError(message) from None

    async def _send_once(self, client: ClientRequest, request: Any, result: TypeAdapter[Any]) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        """Send nothing more to the server, and stop it if it was started here."""
        self.closed = True


class Process(Backend):
    """A container or a local process: started by the first call, kept, stopped when idle, started again after a crash.

    All of its state changes between two awaits of one event loop, so it needs no lock.
    """

    def __init__(self, entry: Entry, commands: Commands, idle: float, start_timeout: float) -> None:
        super().__init__(entry)
        self.commands, self.idle, self.start_timeout = commands, idle, start_timeout
        self._run: ProcessRun | None = None
        self._active: dict[object, ClientRequest] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def _send_once(self, client: ClientRequest, request: Any, result: TypeAdapter[Any]) -> Any:
        call = object()
        self._active[call] = client
        if self._timer:
            self._timer.cancel()
        try:
            run, session = await self._started()
            try:
                return await self._send_on(session, client, request, result)
            except UnresponsiveError:
                run.stop()  # the next call starts it anew
                raise
            except MCPError as error:
                if error.code != mt.CONNECTION_CLOSED:
                    raise
                run.stop()
                raise ConnectionLostError(f"{self.entry.slug} stopped during the call") from None
        finally:
            del self._active[call]
            if not self._active and self.idle:
                self._timer = asyncio.get_running_loop().call_later(self.idle, self._stop_when_idle)

    async def _started(self) -> tuple[ProcessRun, ClientSession]:
        for _ in range(3):
            if self.closed:
                raise NotStartedError(_shutting_down(self.entry))
            if self._run is None or self._run.ended:
                self._run = ProcessRun(self, self._run)
            run = self._run
            session = await asyncio.shield(run.ready)  # a caller that gives up leaves the start to the others
            if not run.ended:  # else it died, or was stopped as idle, in this very moment: nothing was sent
                return run, session
        raise NotStartedError(f"{self.entry.slug} could not start: it exits right after it has started")

    def _stop_when_idle(self) -> None:
        if not self._active and self._run:
            self._run.stop()

    async def log(self, params: mt.LoggingMessageNotificationParams) -> None:
        """Pass a log message on. It names no call, so it is dropped when it could belong to another client."""
        requests = list(self._active.values())
        if len({request.client_id or id(request) for request in requests}) == 1:
            await next((request for request in requests if request.wants_logs), requests[0]).log(params)

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
        self.ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())  # nobody may be waiting
        self._stopping = asyncio.Event()
        self._stderr: deque[str] = deque(maxlen=20)
        self.task: asyncio.Task[None] = asyncio.create_task(self._serve(backend, previous))

    def stop(self) -> None:
        """Stop the process; nothing is sent to it from now on."""
        self.ended = True
        self._stopping.set()

    async def _serve(self, backend: Process, previous: ProcessRun | None) -> None:
        container, read_end, write_end = "", *os.pipe()
        forwarder = threading.Thread(target=self._forward, args=(read_end,), daemon=True)
        forwarder.start()
        try:
            with os.fdopen(write_end, "w") as stderr:
                if previous:
                    await asyncio.wait([previous.task])  # never two: the one before must be gone
                command, container = await backend.commands.start(backend.entry)
                async with asyncio.timeout(backend.start_timeout) as limit, stdio_client(command, stderr) as streams:
                    stderr.close()
                    relay = Relay(*streams, ended=self.stop)
                    async with ClientSession(
                        dispatcher=relay, logging_callback=backend.log, client_info=CLIENT_INFO
                    ) as session:
                        await discover(session, backend.entry)
                        limit.reschedule(None)
                        self.ready.set_result(session)
                        await self._stopping.wait()
        except Exception as error:
            await asyncio.to_thread(forwarder.join, 0.5)
            if not self.ready.done():
                self.ready.set_exception(NotStartedError(self._reason(backend.entry, error)))
        finally:
            self.ended = True
            if not self.ready.done():
                self.ready.set_exception(NotStartedError(_shutting_down(backend.entry)))
            if container:  # one that is busy outlives its docker command
                await docker("rm", "--force", container)

    def _forward(self, pipe: int) -> None:
        """Pass the server's stderr on, line by line, and keep its last lines."""
        with os.fdopen(pipe, "rb") as lines:
            for line in lines:
                self._stderr.append(line.decode(errors="replace").strip())
                with suppress(OSError, ValueError):
                    sys.stderr.buffer.write(line)
                    sys.stderr.buffer.flush()

    def _reason(self, entry: Entry, error: BaseException) -> str:
        error = cause_of(error)
        if isinstance(error, NotStartedError):  # it has started, and the message says what is wrong with it
            return str(error)
        lines = [line for line in self._stderr if line and not line.startswith(("See 'docker", "Run 'docker"))]
        reason = lines[-1] if lines else "it took too long" if isinstance(error, TimeoutError) else str(error)
        for value in sorted(entry.secrets, key=len, reverse=True):
            reason = reason.replace(value, "***")
        return f"{entry.slug} could not start: {reason[:300]}"


class Remote(Backend):
    """A server at a URL: one session for each call, because one that is kept would not survive the server's restart."""

    def __init__(self, entry: Entry, url: str, headers: Mapping[str, str]) -> None:
        super().__init__(entry)
        self._name, self._url, self._headers = f"{entry.slug} at {url}", url, dict(headers)
        self._http: httpx2.AsyncClient | None = None
        self._discovered: mt.DiscoverResult | None = None
        self._legacy = False  # it speaks only revisions before 2026-07-28

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:  # made once: each new one would read all CA certificates again
            self._http = httpx2.AsyncClient(
                headers=self._headers,  # and nothing of what the client sent
                timeout=httpx2.Timeout(10, read=None, write=30, pool=None),
                limits=httpx2.Limits(keepalive_expiry=2),
                event_hooks={"response": [self._check]},
            )
        return self._http

    async def _check(self, response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            raise NotStartedError(f"{self._name} does not accept the switchboard's token")
        if response.status_code >= 500 and not response.headers.get("content-type", "").startswith("application/json"):
            raise ConnectionLostError(f"{self._name} answered with status {response.status_code}")

    async def _send_once(self, client: ClientRequest, request: Any, result: TypeAdapter[Any]) -> Any:
        sent = False
        try:
            async with (
                streamable_http_client(self._url, http_client=self._client(), max_sse_event_size=None) as streams,
                ClientSession(
                    dispatcher=Relay(*streams), logging_callback=client.log, client_info=CLIENT_INFO
                ) as session,
            ):
                await self._negotiate(session)
                sent = True
                return await self._send_on(session, client, request, result)
        except Exception as error:
            cause = cause_of(error)
            if not isinstance(cause, httpx2.HTTPError) and getattr(cause, "code", 0) != mt.CONNECTION_CLOSED:
                raise cause from None
            if not sent or isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise NotStartedError(f"{self._name} cannot be reached") from None
            raise ConnectionLostError(f"{self._name} closed the connection during the call") from None

    async def _negotiate(self, session: ClientSession) -> None:
        """Find out only once which revision the server speaks: asking costs as much as the call."""
        if self._legacy:
            await initialize(session, self.entry)
        elif self._discovered:
            session.adopt(self._discovered)
        else:
            try:
                self._discovered = await session.discover()
            except MCPError as error:
                if error.code == mt.CONNECTION_CLOSED:
                    raise
                await initialize(session, self.entry)
                self._legacy = True

    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        if self._http:
            await self._http.aclose()


def cause_of(error: BaseException) -> BaseException:
    """Return the exception inside a group of one, as tasks raise it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _shutting_down(entry: Entry) -> str:
    return f"{entry.slug} was not started, because the switchboard is shutting down"


def _number(text: str | None) -> float:
    with suppress(ValueError):
        return float(text or 0)
    return 0.0

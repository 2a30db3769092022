"""One server behind the door: at most one process, or a URL; requests, progress, logs and cancellation pass through.

Every start belongs to a task of its own (`Run`), so that a call that is cancelled never tears down what other calls
use. What reaches the caller when something breaks says whether anything was sent: `NotStarted` or `Lost`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

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
from .commands import Commands, docker
from .private import let_servers_finish

if TYPE_CHECKING:
    from .door import Front

ME = mt.Implementation(name="flotilla-switchboard", version="1")
FRONT = "flotilla.front"  # where a request carries the capabilities of the front, on its way to the wire


class NotStarted(Exception):  # noqa: N818 - a sentence for the caller
    """The server could not be reached: nothing was done."""


class Lost(Exception):  # noqa: N818 - a sentence for the caller
    """The server went away after the request was sent: nobody knows whether it was done."""


class Silent(Lost):
    """The server neither answered nor made progress for longer than any call takes: it hangs."""


SILENCE = 60.0  # seconds that a server may say nothing, on top of the deadline of its calls
DEADLINE = 60.0  # seconds: no tool of the fleet has a longer one, unless FLOTILLA_DEADLINE says so


class Relay(JSONRPCDispatcher[Any]):
    """The wire to a server: speaks for the front that is calling, and tells when the connection has ended."""

    def __init__(self, read: Any, write: Any, ended: Callable[[], None] = lambda: None) -> None:
        super().__init__(read, write)
        self._ended = ended

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None, **more: Any
    ) -> dict[str, Any]:
        """Put the front's own capabilities in place of ours, which would promise what the front cannot do."""
        meta = dict((params or {}).get("_meta") or {})
        if FRONT in meta:
            meta[mt.CLIENT_CAPABILITIES_META_KEY] = meta.pop(FRONT)
        return await super().send_raw_request(method, {**(params or {}), "_meta": meta}, opts, **more)

    async def run(self, *args: Any, **more: Any) -> None:
        """Read until the server hangs up."""
        try:
            await super().run(*args, **more)
        finally:
            self._ended()


async def discover(session: ClientSession, entry: Entry) -> None:
    """As session.discover(), which gives up after 10 s: a container on a busy machine may start more slowly.

    A server that does not know `server/discover` is greeted as before 2026-07-28; raises NotStarted when that fails.
    """
    meta: Any = {mt.PROTOCOL_VERSION_META_KEY: LATEST_MODERN_VERSION, mt.CLIENT_CAPABILITIES_META_KEY: {}}
    request = mt.DiscoverRequest(params=mt.RequestParams(_meta=meta | {mt.CLIENT_INFO_META_KEY: ME.model_dump()}))
    try:
        session.adopt(await session.send_request(request, mt.DiscoverResult))
    except MCPError as problem:
        if problem.code == mt.CONNECTION_CLOSED:
            raise
        await greet(session, entry)


async def greet(session: ClientSession, entry: Entry) -> None:
    """Shake hands with a server that speaks only older revisions of MCP."""
    try:
        await session.initialize()
    except (MCPError, RuntimeError) as problem:
        raise NotStarted(
            f"{entry.slug} speaks neither MCP {LATEST_MODERN_VERSION} nor an older revision that the switchboard "
            f"knows ({str(problem)[:200]})"
        ) from None


let_servers_finish()


class Backend:
    """What the door asks: `send` a request of a front."""

    def __init__(self, entry: Entry, silence: float = SILENCE) -> None:
        self.entry, self.closed = entry, False
        self.silence = silence + max(DEADLINE, _number(entry.env.get("FLOTILLA_DEADLINE")))

    async def send(self, front: Front, request: Any, result: TypeAdapter[Any], safe: bool) -> Any:
        """Return the server's result. A safe request (a read) is sent a second time when the connection broke."""
        try:
            return await self._once(front, request, result)
        except Lost as problem:
            if not safe or isinstance(problem, Silent):  # who waited so long is not made to wait again
                raise
        return await self._once(front, request, result)

    async def _heard(self, front: Front, session: ClientSession, request: Any, result: TypeAdapter[Any]) -> Any:
        """Send a request; raises Silent when there is neither an answer nor progress for too long."""
        loop = asyncio.get_running_loop()

        async def heard(progress: float, total: float | None, message: str | None) -> None:
            limit.reschedule(loop.time() + self.silence)
            if front.progress:
                await front.progress(progress, total, message)

        try:
            async with asyncio.timeout(self.silence) as limit:
                return await session.send_request(request, result, progress_callback=heard)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Silent(f"{self.entry.slug} gave no answer for {self.silence:g} seconds and was given up") from None

    async def _once(self, front: Front, request: Any, result: TypeAdapter[Any]) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of the server for good."""
        self.closed = True


class Process(Backend):
    """A container or a local process: started by the first call, kept, stopped when idle, started again after a crash.

    All of its state changes between two awaits of one event loop, so it needs no lock.
    """

    def __init__(
        self, entry: Entry, commands: Commands, idle: float, patience: float, silence: float = SILENCE
    ) -> None:
        super().__init__(entry, silence)
        self.commands, self.idle, self.patience = commands, idle, patience
        self._run: Run | None = None
        self._active: dict[object, Front] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def _once(self, front: Front, request: Any, result: TypeAdapter[Any]) -> Any:
        call = object()
        self._active[call] = front
        if self._timer:
            self._timer.cancel()
        try:
            run, session = await self._started()
            try:
                return await self._heard(front, session, request, result)
            except Silent:
                run.stop()  # the next call starts it anew
                raise
            except MCPError as problem:
                if problem.code != mt.CONNECTION_CLOSED:
                    raise
                run.stop()
                raise Lost(f"{self.entry.slug} stopped during the call") from None
        finally:
            del self._active[call]
            if not self._active and self.idle:
                self._timer = asyncio.get_running_loop().call_later(self.idle, self._rest)

    async def _started(self) -> tuple[Run, ClientSession]:
        for _ in range(3):
            if self.closed:
                raise NotStarted(f"{self.entry.slug} was not started: the switchboard is ending")
            if self._run is None or self._run.ended:
                self._run = Run(self, self._run)
            run = self._run
            session = await asyncio.shield(run.ready)  # a caller that gives up leaves the start to the others
            if not run.ended:  # else it died, or went to rest, in this very moment: nothing was sent
                return run, session
        raise NotStarted(f"{self.entry.slug} could not start: it ends as soon as it has started")

    def _rest(self) -> None:
        if not self._active and self._run:
            self._run.stop()

    async def log(self, params: mt.LoggingMessageNotificationParams) -> None:
        """Pass a log message on. It names no call, so it is dropped when it could belong to another client."""
        fronts = list(self._active.values())
        if len({front.mark or id(front) for front in fronts}) == 1:
            await next((front for front in fronts if front.wants_logs), fronts[0]).log(params)

    async def close(self) -> None:
        """Stop the server and wait until it is gone."""
        await super().close()
        if self._run:
            self._run.stop()
            if not self._run.ready.done():
                self._run.task.cancel()  # else a start that hangs would be waited for
            await asyncio.wait([self._run.task])


class Run:
    """One start of one server, from the wait for the one before to the end of its process."""

    def __init__(self, backend: Process, previous: Run | None) -> None:
        self.ended = False
        self.ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())  # nobody may be waiting
        self._halt = asyncio.Event()
        self._said: deque[str] = deque(maxlen=20)
        self.task: asyncio.Task[None] = asyncio.create_task(self._live(backend, previous))

    def stop(self) -> None:
        """End it; nothing is sent to it from now on."""
        self.ended = True
        self._halt.set()

    async def _live(self, backend: Process, previous: Run | None) -> None:
        container, reading, writing = "", *os.pipe()
        listener = threading.Thread(target=self._listen, args=(reading,), daemon=True)
        listener.start()
        try:
            with os.fdopen(writing, "w") as stderr:
                if previous:
                    await asyncio.wait([previous.task])  # never two: the one before must be gone
                command, container = await backend.commands.start(backend.entry)
                async with asyncio.timeout(backend.patience) as limit, stdio_client(command, stderr) as wire:
                    stderr.close()
                    relay = Relay(*wire, ended=self.stop)
                    async with ClientSession(dispatcher=relay, logging_callback=backend.log, client_info=ME) as session:
                        await discover(session, backend.entry)
                        limit.reschedule(None)
                        self.ready.set_result(session)
                        await self._halt.wait()
        except Exception as problem:
            await asyncio.to_thread(listener.join, 0.5)
            if not self.ready.done():
                self.ready.set_exception(NotStarted(self._why(backend.entry, problem)))
        finally:
            self.ended = True
            if not self.ready.done():
                self.ready.set_exception(NotStarted(f"{backend.entry.slug} was not started: the switchboard is ending"))
            if container:  # one that is busy outlives its docker command
                await docker("rm", "--force", container)

    def _listen(self, pipe: int) -> None:
        """Pass the server's stderr on, line by line, and remember its last words."""
        with os.fdopen(pipe, "rb") as lines:
            for line in lines:
                self._said.append(line.decode(errors="replace").strip())
                with suppress(OSError, ValueError):
                    sys.stderr.buffer.write(line)
                    sys.stderr.buffer.flush()

    def _why(self, entry: Entry, problem: BaseException) -> str:
        problem = cause_of(problem)
        if isinstance(problem, NotStarted):  # it runs, and says why it is of no use
            return str(problem)
        said = [line for line in self._said if line and not line.startswith(("See 'docker", "Run 'docker"))]
        reason = said[-1] if said else "it took too long" if isinstance(problem, TimeoutError) else str(problem)
        for value in sorted(entry.secrets, key=len, reverse=True):
            reason = reason.replace(value, "***")
        return f"{entry.slug} could not start: {reason[:300]}"


class Remote(Backend):
    """A server at a URL: a session a call, because one that is kept would not survive the server's restart."""

    def __init__(self, entry: Entry, url: str, headers: Mapping[str, str], silence: float = SILENCE) -> None:
        super().__init__(entry, silence)
        self._place, self._url, self._headers = f"{entry.slug} at {url}", url, dict(headers)
        self._http: httpx2.AsyncClient | None = None
        self._known: mt.DiscoverResult | None = None
        self._old = False  # it speaks only revisions before 2026-07-28, which shake hands

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:  # made once: each new one would read all CA certificates again
            self._http = httpx2.AsyncClient(
                headers=self._headers,  # and nothing of what the front sent
                timeout=httpx2.Timeout(10, read=None, write=30, pool=None),
                limits=httpx2.Limits(keepalive_expiry=2),
                event_hooks={"response": [self._check]},
            )
        return self._http

    async def _check(self, response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            raise NotStarted(f"{self._place} does not accept the switchboard's token")
        if response.status_code >= 500 and not response.headers.get("content-type", "").startswith("application/json"):
            raise Lost(f"{self._place} broke off with status {response.status_code}")

    async def _once(self, front: Front, request: Any, result: TypeAdapter[Any]) -> Any:
        sent = False
        try:
            async with (
                streamable_http_client(self._url, http_client=self._client(), max_sse_event_size=None) as wire,
                ClientSession(dispatcher=Relay(*wire), logging_callback=front.log, client_info=ME) as session,
            ):
                await self._met(session)
                sent = True
                return await self._heard(front, session, request, result)
        except Exception as problem:
            cause = cause_of(problem)
            if not isinstance(cause, httpx2.HTTPError) and getattr(cause, "code", 0) != mt.CONNECTION_CLOSED:
                raise cause from None
            if not sent or isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise NotStarted(f"{self._place} cannot be reached") from None
            raise Lost(f"{self._place} broke off during the call") from None

    async def _met(self, session: ClientSession) -> None:
        """Learn once which revision it speaks: a probe costs as much as the call."""
        if self._old:
            await greet(session, self.entry)
        elif self._known:
            session.adopt(self._known)
        else:
            try:
                self._known = await session.discover()
            except MCPError as problem:
                if problem.code == mt.CONNECTION_CLOSED:
                    raise
                await greet(session, self.entry)
                self._old = True

    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        if self._http:
            await self._http.aclose()


def cause_of(problem: BaseException) -> BaseException:
    """Return what a group of one exception, as tasks raise it, holds."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _number(text: str | None) -> float:
    with suppress(ValueError):
        return float(text or 0)
    return 0.0

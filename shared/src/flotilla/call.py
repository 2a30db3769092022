"""The call that is running: its arguments, its deadline, whether it only rehearses, and whether it has acted yet."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import anyio.to_thread
from opentelemetry import trace

T = TypeVar("T")
DONE = " It was done, but the answer could not be read: do not repeat it; look it up."
PARTLY = " A part of it was done already: look before you repeat it."


class Rehearsed(Exception):  # noqa: N818 - no error: the answer of a dry run
    """Ends a dry run at the first side effect, and carries what would have been done."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__("dry run")
        self.request = request


@dataclass
class Call:
    """One tool call.

    `acted` is true from the moment before its first side effect, and false again when it is certain that none took
    place; `landed` is true once one certainly did. `settled`: no side effect is left whose end is unknown; `later`:
    something else was begun since the last one that landed. `awaited` is the vendor whose answer is waited for, and
    since when. `outcome` is for the audit line.
    """

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)  # validated, without those that the library handles
    outcome: str = "ok"
    dry_run: bool = False
    acted: bool = False
    landed: bool = False
    settled: bool = False
    later: bool = False
    awaited: tuple[str, float] | None = None
    heard: str = ""  # title of the vendor that answered last
    idempotency_key: str = ""
    keyed: int = 0  # requests that carried the idempotency key, so that sending them again is safe
    confirm_token: str = ""
    unasked: bool = False  # a person has yet to agree: nothing may be done before
    spent: str = ""  # the mark of the answer that this call has used up, see `confirm`
    agreed: list[str] = field(default_factory=list)  # digests of the questions that were answered with yes
    links: list[Any] = field(default_factory=list)  # resource links that go out with the result
    following: list[dict[str, Any]] = field(default_factory=list)  # what will be done after the first side effect
    timer: asyncio.Timeout | None = None
    seconds: float = 0  # that the timer gives

    @cached_property
    def trace_id(self) -> str:
        """The trace this call belongs to, 32 hexadecimal digits: the client's (W3C traceparent), or one of its own."""
        given = trace.get_current_span().get_span_context().trace_id
        return f"{given:032x}" if given else secrets.token_hex(16)

    def left(self) -> float:
        """Seconds until the deadline."""
        end = self.timer.when() if self.timer else None
        return float("inf") if end is None else max(0.0, end - asyncio.get_running_loop().time())

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Stop the clock while a person is asked."""
        left = self.left()
        if self.timer is None or left == float("inf"):
            yield
            return
        self.timer.reschedule(None)
        try:
            yield
        finally:
            self.timer.reschedule(asyncio.get_running_loop().time() + left)

    def begun(self, title: str, writes: bool) -> None:
        """Note that a request goes out to the vendor of this title, and that its answer is waited for."""
        self.acted, self.settled, self.later = self.acted or writes, self.settled and not writes, self.landed
        self.awaited = (title, asyncio.get_running_loop().time())

    def hangs(self) -> str:
        """Return the title of a vendor that is waited for since half of the call's time, "" where there is none."""
        if not (self.awaited and self.timer and (end := self.timer.when())):
            return ""
        title, since = self.awaited
        return title if end - since >= self.seconds / 2 else ""

    def spared(self) -> None:
        """Note that the last side effect certainly did not take place."""
        self.acted = self.settled = self.landed

    def done(self) -> None:
        """Note that the last side effect certainly took place."""
        self.acted = self.landed = self.settled = True
        self.later = False

    def doubt(self) -> str:
        """Return the warning that a failed call needs when it has acted, or may have."""
        if not self.acted:
            return ""
        if not self.settled:
            return " It may or may not have been done: look before you repeat it."
        return PARTLY if self.later else DONE


_current: ContextVar[Call | None] = ContextVar("flotilla_call", default=None)


def current() -> Call:
    """Return the running call; outside of one, a blank that hurries nobody."""
    return _current.get() or Call("")


@contextmanager
def entered(call: Call) -> Iterator[Call]:
    """Make `call` the current one."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def announce(**request: Any) -> None:
    """Say what is about to be done, before the first side effect; under dry run the call ends here.

    `request` is the exact request: `action=` and its details, or `method=`, `url=`, `headers=`, `body=`.
    """
    call = current()
    if call.dry_run:
        raise Rehearsed({**request, "then": call.following} if call.following else request)
    if call.unasked:
        raise RuntimeError(f"{call.tool} must call server.confirm before it does anything")
    call.acted, call.settled, call.later = True, False, call.landed


def follows(**request: Any) -> None:
    """Say what will be done after the first side effect: a dry run, which ends at the first, shows it under `then`.

    Call it before the first side effect, once for each request, in their order. `request` is as for `announce`; what
    only an answer will tell stands in braces in the address, such as `/documents/{documentId}`.
    """
    current().following.append(request)


async def in_thread(fn: Callable[..., T], *args: Any) -> T:
    """Run blocking work in a thread; a cancelled call leaves it behind instead of waiting for it."""
    return await anyio.to_thread.run_sync(lambda: fn(*args), abandon_on_cancel=True)


async def progress(done: float, total: float | None = None) -> None:
    """Tell a client that wants to know how far the running call is; without one, nothing happens.

    `total` is None where nobody knows it yet.
    """
    from fastmcp.server.dependencies import get_context

    with suppress(Exception):  # a client that does not listen stops no work
        await get_context().report_progress(done, total)

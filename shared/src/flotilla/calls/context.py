"""The running call: its arguments, its deadline, whether it is a dry run, and which side effects it may have had."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import anyio.to_thread
from opentelemetry import trace

from flotilla.connection import Connection, process_connection
from flotilla.integration import Integration
from flotilla.settings import ServerSettings

T = TypeVar("T")
S = TypeVar("S", bound=ServerSettings)
DONE = " It was done, but the answer could not be read: do not repeat it; look it up."
PARTLY = " A part of it was done already: look before you repeat it."


@dataclass
class Call:
    """One call of a tool, prompt or resource.

    `may_have_side_effects` is true from the moment before its first side effect, and false again when it is certain
    that none took place; `side_effect_confirmed` is true once one certainly did. `outcome_known`: no side effect is
    left whose end is unknown; `newer_effect`: another one was begun since the last that is confirmed.
    """

    tool: str
    connection: Connection[Any] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)  # validated, without those that the library handles
    outcome: str = "ok"  # for the audit line
    dry_run: bool = False
    may_have_side_effects: bool = False
    side_effect_confirmed: bool = False
    outcome_known: bool = False
    newer_effect: bool = False
    waiting_for: tuple[str, float] | None = None  # title of the vendor whose response is awaited, and the start time
    last_vendor: str = ""  # title of the vendor that responded last
    idempotency_key: str = ""
    keyed_requests: int = 0  # requests that carried the idempotency key, so that sending them again is safe
    confirm_token: str = ""
    confirmation_pending: bool = False  # a person has yet to agree: nothing may be done before
    spent_mark: str = ""  # the mark of the answer that this call has used up, see `confirmation`
    agreed_questions: list[str] = field(default_factory=list)  # digests of the questions that were answered with yes
    links: list[Any] = field(default_factory=list)  # resource links that go out with the result
    unreadable: int = 0  # items of the vendor's lists that were left out
    planned_requests: list[dict[str, Any]] = field(default_factory=list)  # that follow the first side effect
    timer: asyncio.Timeout | None = None
    seconds: float = 0  # that the timer gives
    access: dict[str, Any] = field(default_factory=dict)  # the tokens that came with it, see `http.oauth`
    access_refused: bool = False  # the vendor does not accept them
    vendor_seconds: float = 0  # in which at least one request was under way at a vendor
    under_way: int = 0  # requests that are
    under_way_since: float = 0

    @cached_property
    def trace_id(self) -> str:
        """The trace this call belongs to, 32 hexadecimal digits: the client's (W3C traceparent), or one of its own."""
        number = trace.get_current_span().get_span_context().trace_id
        return f"{number:032x}" if number else secrets.token_hex(16)

    def left(self) -> float:
        """Seconds until the deadline."""
        end = self.timer.when() if self.timer else None
        return float("inf") if end is None else max(0.0, end - asyncio.get_running_loop().time())

    @contextmanager
    def pause_deadline(self) -> Iterator[None]:
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

    def mark_started(self, title: str, writes: bool) -> None:
        """Note that a request goes out to the vendor of this title, and that its response is awaited."""
        self.may_have_side_effects = self.may_have_side_effects or writes
        self.outcome_known = self.outcome_known and not writes
        self.newer_effect = self.side_effect_confirmed
        self.waiting_for = (title, asyncio.get_running_loop().time())

    @contextmanager
    def at_vendor(self) -> Iterator[None]:
        """Count the time of the block as the vendor's; parallel requests of one call count once."""
        loop = asyncio.get_running_loop()
        if not self.under_way:
            self.under_way_since = loop.time()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            if not self.under_way:
                self.vendor_seconds += loop.time() - self.under_way_since

    def stalled_vendor(self) -> str:
        """Return the title of a vendor that has not responded for half of the call's time, "" without one."""
        if not (self.waiting_for and self.timer and (end := self.timer.when())):
            return ""
        title, since = self.waiting_for
        return title if end - since >= self.seconds / 2 else ""

    def mark_not_sent(self) -> None:
        """Note that the last side effect certainly did not take place."""
        self.may_have_side_effects = self.outcome_known = self.side_effect_confirmed

    def mark_done(self) -> None:
        """Note that the last side effect certainly took place."""
        self.may_have_side_effects = self.side_effect_confirmed = self.outcome_known = True
        self.newer_effect = False

    def uncertainty_note(self) -> str:
        """Return the warning that a failed call needs when it had side effects, or may have had."""
        if not self.may_have_side_effects:
            return ""
        if not self.outcome_known:
            return " It may or may not have been done: look before you repeat it."
        return PARTLY if self.newer_effect else DONE


_current: ContextVar[Call | None] = ContextVar("flotilla_call", default=None)


def current() -> Call:
    """Return the running call; outside of one, a blank without a deadline."""
    return _current.get() or Call("")


def environ() -> Mapping[str, str]:
    """Return what the running call's connection reads its settings from; outside of a call, the process's own."""
    connection = current().connection
    return connection.environ if connection else os.environ


def connection_of(integration: Integration[S]) -> Connection[S]:
    """Return the running call's connection; outside of a call of this integration, that of the process."""
    connection = current().connection
    return connection if connection and connection.integration is integration else process_connection(integration)


def settings_of(integration: Integration[S]) -> S:
    """Return the settings of the running call's connection; raises errors.ConfigurationError for what is missing."""
    return connection_of(integration).settings


@contextmanager
def entered(call: Call) -> Iterator[Call]:
    """Make `call` the current one within the block."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


async def in_thread(fn: Callable[..., T], *args: Any) -> T:
    """Run blocking work in a thread; a cancelled call leaves it behind instead of waiting for it."""
    return await anyio.to_thread.run_sync(lambda: fn(*args), abandon_on_cancel=True)


async def progress(done: float, total: float | None = None) -> None:
    """Report the progress of the running call to a client that asked for it; else nothing happens.

    `total` is None where it is not known yet.
    """
    from fastmcp.server.dependencies import get_context

    with suppress(Exception):  # a client that does not listen stops no work
        await get_context().report_progress(done, total)

"""The call that is running: its deadline, its trace, whether it only rehearses, and whether it has acted yet."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Rehearsed(Exception):  # noqa: N818 - no error: the answer of a dry run
    """Ends a dry run at the first side effect, and carries what would have been done."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__("dry run")
        self.request = request


@dataclass
class Call:
    """One tool call. `acted` is true from the moment before its first side effect."""

    tool: str
    trace: dict[str, str] = field(default_factory=dict)  # W3C traceparent and tracestate, as they came
    outcome: str = "ok"
    dry_run: bool = False
    acted: bool = False
    idempotency_key: str = ""
    replayable: bool = False  # the vendor was given the idempotency key, so sending again is safe
    timer: asyncio.Timeout | None = None

    @property
    def trace_id(self) -> str:
        """The trace this call belongs to: 32 hexadecimal digits."""
        parts = self.trace.get("traceparent", "").split("-")
        if len(parts) != 4:
            self.trace["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
            return self.trace_id
        return parts[1]

    def left(self) -> float:
        """Seconds until the deadline."""
        end = self.timer.when() if self.timer else None
        return float("inf") if end is None else max(0.0, end - asyncio.get_running_loop().time())

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Stop the clock while a person is asked."""
        left, timer = self.left(), self.timer
        if timer is None or left == float("inf"):
            yield
            return
        timer.reschedule(None)
        try:
            yield
        finally:
            timer.reschedule(asyncio.get_running_loop().time() + left)


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
        raise Rehearsed(request)
    call.acted = True


async def in_thread(fn: Callable[..., T], *args: Any) -> T:
    """Run blocking work in a thread; a cancelled call leaves it behind instead of waiting for it."""
    return await anyio.to_thread.run_sync(lambda: fn(*args), abandon_on_cancel=True)

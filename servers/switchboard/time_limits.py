"""How long a call may take: the fleet's limit, that of single tools, and the deadlines that tools have themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .backend import Backend, ConnectionLostError, NotStartedError
from .client_request import ClientRequest

USUAL = 30.0  # seconds
MARGIN = 2.0  # seconds that a tool gets on top of its own deadline: its own error says more than ours


class OutOfTimeError(ConnectionLostError):
    """The call took too long and was cancelled: whether it was done is unknown."""


class StillStartingError(NotStartedError):
    """The time was over before the server had started: nothing was sent to it. Its start goes on."""

    next_step = "Its start goes on: call again in a moment."


@dataclass(frozen=True)
class TimeLimits:
    """`seconds` for every call, 0 for no limit; `tools` are the seconds of single tools, by glob: the first counts."""

    seconds: float = USUAL
    tools: Mapping[str, float] = field(default_factory=dict)

    def of(self, tool: str, declared: float = 0) -> float:
        """Return the seconds that a call may take, 0 for no limit. `declared`: the tool's own deadline, 0 without one.

        A tool that declares a longer deadline gets it, unless `tools` names it.
        """
        named = next((seconds for glob, seconds in self.tools.items() if fnmatchcase(tool, glob)), None)
        if named is not None or not self.seconds:
            return named or 0
        return max(self.seconds, declared + MARGIN) if declared else self.seconds


@asynccontextmanager
async def within(limit: float, used: float, backend: Backend, client: ClientRequest) -> AsyncIterator[None]:
    """Cancel what is asked of a server when the limit is over; `used` seconds of it are gone, a limit of 0 is none.

    Raises OutOfTimeError, and StillStartingError where nothing was sent.
    """
    try:
        async with asyncio.timeout(max(0.0, limit - used) if limit else None) as timer:
            yield
    except TimeoutError:
        if not timer.expired():
            raise
        if not client.sent:
            text = f"{backend.entry.slug} was still being started after {limit:g} seconds"
            raise StillStartingError(text) from None
        backend.suspect(limit)
        raise OutOfTimeError(f"{backend.entry.slug} did not answer within {limit:g} seconds") from None

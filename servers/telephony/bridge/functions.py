"""The tools that the model calls during one call: each runs by itself, so that speech goes on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from flotilla.audit import Audit

from .answers import UNCERTAIN, Answers, ArgumentsError
from .latency import Latency
from .tools import Tools, ToolsError

MOST = 8  # at once


class Functions:
    """Runs tools. `done` takes the id of the model's call and the output for it."""

    def __init__(self, tools: Tools, audit: Audit, call_sid: str, done: Callable[[str, str], None]) -> None:
        self._tools, self._audit, self._call_sid, self._done = tools, audit, call_sid, done
        self.answers, self.latency = Answers(), Latency()
        self._begun: set[str] = set()  # every id, so that two events about one call start it once
        self._running: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """How many run."""
        return len(self._running)

    def start(self, call_id: str, name: str, arguments: str) -> bool:
        """Call a tool in the background, once for each id; returns whether this is the first time."""
        if call_id in self._begun:
            return False
        self._begun.add(call_id)
        if self.running >= MOST:
            self._done(call_id, "Error: Too many tools run at once. Wait for their results, then call it again.")
            return True
        task = asyncio.create_task(self._run(call_id, name, arguments))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    async def _run(self, call_id: str, name: str, arguments: str) -> None:
        began, outcome = time.monotonic(), "cancelled: it may have been done or not"
        try:
            outcome, output = await self._result(name, arguments)
        finally:
            seconds = time.monotonic() - began
            self.latency.add(seconds)
            milliseconds = round(seconds * 1000)
            self._audit.line("tool", call_sid=self._call_sid, tool_name=name[:100], outcome=outcome, ms=milliseconds)
        self._running.discard(asyncio.current_task())  # before the next response is asked for
        self._done(call_id, output)

    async def _result(self, name: str, arguments: str) -> tuple[str, str]:
        """Return how a call ended, for the log, and what the model reads."""
        try:
            result = await self._tools.call(name, self.answers.arguments(arguments))
        except ArgumentsError as error:
            return "refused", str(error)
        except ToolsError as error:
            return "failed", f"Error: {error} {UNCERTAIN if error.sent else 'Nothing was done.'}"
        except Exception as error:
            self._audit.bug(name, error)
            return "bug", f"Error: The tool cannot be called. {UNCERTAIN}"
        return "error" if result.get("isError") else "ok", self.answers.output(name, result)

    async def finish(self, seconds: float) -> None:
        """Let what runs come to its end, for so many seconds; what still runs then is cancelled."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

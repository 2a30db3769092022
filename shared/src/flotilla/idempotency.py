"""The same key and arguments within a day give the first result; nothing is done twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from fastmcp.tools.base import ToolResult

from . import errors
from .call import current
from .results import packed
from .state import DAY, State, digest


class Idempotency:
    """Remembers calls by tool and key, through the server's state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def once(self, act: Callable[[], Awaitable[ToolResult]]) -> ToolResult:
        """Run `act` unless the call's key is known. Raises errors.Input for a key that was used for something else."""
        call = current()
        name = "once-" + digest(call.tool, call.idempotency_key)
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock, self._state.alone(name):  # a second call waits for the first and then gets its result
            note: dict[str, Any] = {"arguments": digest(call.arguments), "at": time.time()}
            seen = self._state.get(name)
            if seen and seen["at"] > time.time() - DAY:
                if seen["arguments"] != note["arguments"]:
                    raise errors.Input(
                        f"The idempotency_key was used for another call of {call.tool} with other arguments.",
                        "Use a new key for a new action, the old key only to repeat the same one.",
                    )
                if "result" in seen:
                    call.outcome = "repeated"
                    return packed(seen["result"])
                if seen.get("done"):
                    raise errors.Upstream(
                        "An earlier call with this idempotency_key was done, but its answer could not be read.",
                        "Do not repeat it; look it up.",
                    )
                if not seen.get("replayable"):
                    raise errors.Upstream(
                        "An earlier call with this idempotency_key broke off: it may or may not have been done.",
                        "Look whether it was done; if not, call again with a new key.",
                    )
            self._state.sweep("once-")
            self._state.put(name, note)
            try:
                result = await act()
            except BaseException as problem:
                refused = isinstance(problem, errors.Problem) and not isinstance(problem, errors.Upstream)
                if not call.acted or (refused and not call.landed):
                    self._state.drop(name)  # nothing was done: the key is free again
                elif call.keyed:
                    self._state.put(name, {**note, "replayable": True})  # the vendor knows the key too
                elif call.landed and call.settled and not call.later:
                    self._state.put(name, {**note, "done": True})
                raise
            self._state.put(name, {**note, "result": result.structured_content})
            return result

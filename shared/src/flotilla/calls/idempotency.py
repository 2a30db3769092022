"""The same key and arguments within a day give the first result; nothing is done twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from weakref import WeakValueDictionary

import pydantic_core
from fastmcp.tools.base import ToolResult

from flotilla import errors
from flotilla.audit import Audit
from flotilla.calls.context import current
from flotilla.calls.finishing import must_finish
from flotilla.calls.results import packed
from flotilla.state import DAY, State, digest

LARGEST = 64_000  # bytes of a stored result; of a larger one only that it was done is stored
MOST = 64 * 2**20  # bytes that the records of a day may take
WITHOUT = "The same call without idempotency_key works."


class Idempotency:
    """Records calls by tool and key in the server's state. A call that cannot be recorded is not begun."""

    def __init__(self, state: State, audit: Audit) -> None:
        self._state, self._audit = state, audit
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def once(self, act: Callable[[], Awaitable[ToolResult]]) -> ToolResult:
        """Run `act` unless the call's key is known.

        Raises errors.InvalidInputError for a key that was used for something else, errors.ConfigurationError when the
        key cannot be remembered.
        """
        call = current()
        name = "once-" + digest(call.tool, call.idempotency_key)
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock, AsyncExitStack() as stack:  # a second call waits for the first and then gets its result
            try:
                await stack.enter_async_context(self._state.alone(name))
            except errors.ConfigurationError as problem:
                raise _forgetful(problem) from None
            note: dict[str, Any] = {"arguments": digest(call.arguments), "at": time.time()}
            earlier = self._state.get(name)
            if earlier and earlier["at"] > time.time() - DAY:
                if earlier["arguments"] != note["arguments"]:
                    raise errors.InvalidInputError(
                        f"The idempotency_key was used for another call of {call.tool} with other arguments.",
                        "Use a new key for a new action, the old key only to repeat the same one.",
                    )
                if "result" in earlier:
                    call.outcome = "repeated"
                    return packed(earlier["result"])
                if earlier.get("done"):
                    raise errors.UpstreamError(
                        "The call with this idempotency_key was done already, but its result was not kept.",
                        "Do not repeat it; look it up.",
                    )
                if not earlier.get("replayable"):
                    raise errors.UpstreamError(
                        "An earlier call with this idempotency_key broke off: it may or may not have been done.",
                        "Look whether it was done; if not, call again with a new key.",
                    )
            self._note(name, note)
            try:
                result = await act()
            except BaseException as problem:
                refused = isinstance(problem, errors.FlotillaError) and not isinstance(problem, errors.UpstreamError)
                if not call.may_have_side_effects or (refused and not call.side_effect_confirmed):
                    self._state.drop(name)  # nothing was done: the key is free again
                elif call.keyed_requests:
                    await must_finish(self._after(name, {**note, "replayable": True}))  # the vendor knows the key too
                elif call.side_effect_confirmed and call.outcome_known and not call.newer_effect:
                    await must_finish(self._after(name, {**note, "done": True}))
                raise
            small = len(pydantic_core.to_json(result.structured_content)) <= LARGEST
            end = {"result": result.structured_content} if small else {"done": True}
            await must_finish(self._after(name, note | end))
            return result

    def _note(self, name: str, note: dict[str, Any]) -> None:
        """Record, before anything is done, that a key is in use."""
        if self._state.sweep("once-") > MOST:
            raise errors.RateLimitError(
                f"The records of the last day's idempotency keys take {MOST // 2**20} MB, which is the most.", WITHOUT
            )
        try:
            self._state.put(name, note)
        except errors.ConfigurationError as problem:
            raise _forgetful(problem) from None

    async def _after(self, name: str, note: dict[str, Any]) -> None:
        """Record how it ended. Where that fails, the first record stays: a repeat reports an unknown outcome."""
        try:
            await asyncio.to_thread(self._state.put, name, note)
        except errors.ConfigurationError as problem:
            self._audit.line("idempotency record not saved", level="error", reason=str(problem))


def _forgetful(problem: errors.ConfigurationError) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"The idempotency_key cannot be remembered, so nothing was done. {problem}", WITHOUT
    )

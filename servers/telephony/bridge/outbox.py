"""What waits to be sent on one side of a call: in order, with a limit of audio."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Control:
    """A message that is never left out."""

    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Audio of the caller: mu-law samples. `arrived`: when it came, in seconds of the monotonic clock."""

    audio: bytes
    arrived: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio of the model: mu-law samples, the item that they belong to, and where in it they end in milliseconds."""

    item_id: str
    content_index: int
    audio: bytes
    end_ms: int
    arrived: float = field(default_factory=time.monotonic)


Audio = TypeVar("Audio", Frame, Piece)


class Outbox(Generic[Audio]):
    """A queue of audio and control messages; beyond `most` pieces of audio the oldest is dropped, and counted."""

    def __init__(self, most: int) -> None:
        self._most, self._waiting = most, asyncio.Event()
        self._items: deque[Audio | Control] = deque()
        self._audio = 0
        self.dropped = 0

    def put(self, item: Audio | Control) -> None:
        """Add to the end."""
        self._items.append(item)
        self._waiting.set()
        if not isinstance(item, Control):
            self._audio += 1
            if self._audio > self._most:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        place = next(n for n, item in enumerate(self._items) if not isinstance(item, Control))
        del self._items[place]
        self._audio -= 1
        self.dropped += 1

    async def get(self) -> Audio | Control:
        """Return the first, once there is one."""
        while not self._items:
            self._waiting.clear()
            await self._waiting.wait()
        item = self._items.popleft()
        self._audio -= not isinstance(item, Control)
        return item

    def audio(self) -> Iterator[Audio]:
        """Yield the audio that waits."""
        yield from (item for item in self._items if not isinstance(item, Control))

    def forget_audio(self) -> None:
        """Take the audio out, on purpose: it does not count as dropped."""
        self._items = deque(item for item in self._items if isinstance(item, Control))
        self._audio = 0

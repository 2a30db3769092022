"""What of the model's speech the caller has heard: a mark follows each piece, and Twilio gives it back once played."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .outbox import Piece


@dataclass(frozen=True)
class Cut:
    """An item of the conversation that was interrupted, and how many of its milliseconds were heard."""

    item_id: str
    content_index: int
    heard_ms: int


class Playback:
    """The pieces that Twilio has and has not said to have played."""

    def __init__(self) -> None:
        self._pending: deque[tuple[str, Piece]] = deque()
        self._heard: tuple[str, int] = ("", 0)  # the last item of which something was heard, and how much
        self._count = 0

    @property
    def pending(self) -> bool:
        """Whether something was sent that has not been heard."""
        return bool(self._pending)

    def sent(self, piece: Piece) -> str:
        """Remember a piece; returns the name of the mark that must follow it."""
        self._count += 1
        name = f"piece-{self._count}"
        self._pending.append((name, replace(piece, audio=b"")))
        return name

    def acknowledge(self, name: str) -> None:
        """Take note of a mark that came back; one that is not awaited, as after a `clear`, means nothing."""
        if any(waiting == name for waiting, _ in self._pending):
            while self._pending:
                waiting, piece = self._pending.popleft()
                self._heard = (piece.item_id, piece.end_ms)
                if waiting == name:
                    return

    def interrupt(self, unsent: Iterable[Piece]) -> list[Cut]:
        """Return the items that were cut off, and forget what is pending; empty where nothing was being played."""
        pieces = [*(piece for _, piece in self._pending), *unsent]
        self._pending.clear()
        first: dict[str, Piece] = {}
        for piece in pieces:
            first.setdefault(piece.item_id, piece)
        item_id, heard_ms = self._heard
        return [Cut(name, p.content_index, heard_ms if name == item_id else 0) for name, p in first.items()]

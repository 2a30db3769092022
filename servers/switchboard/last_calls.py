"""When each server was last called, kept for the next start. No asyncio here: the launcher reads it too."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

DAY, HOUR = 86_400.0, 3_600.0  # seconds


class LastCalls:
    """When each server was last called, in a file that several switchboards share. It is a help, so it never fails."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "switchboard" / "last-calls.json"
        self._times = self._read()

    def _read(self) -> dict[str, float]:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            return {slug: float(when) for slug, when in document.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}

    def note(self, slug: str) -> None:
        """Remember that a server is called now; to the hour, so that few calls cost a write."""
        now = time.time()
        if now - self._times.get(slug, 0) < HOUR:
            return
        self._times = self._read() | {slug: now}
        part = self._path.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_text(json.dumps(self._times), encoding="utf-8")
            part.replace(self._path)

    def since(self, days: float) -> list[str]:
        """Return the servers that were called in the last days, the most recent first."""
        start = time.time() - days * DAY
        return sorted((slug for slug, when in self._times.items() if when > start), key=lambda slug: -self._times[slug])

"""What a server must remember across restarts: small JSON documents under `.flotilla/<server>/` of the data folder.

Where the folder cannot be written (no volume), the documents live as long as the process.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

DAY = 86_400


class State:
    """Documents by name. Writes are atomic and private to the user; a half-written document never shows."""

    def __init__(self, data: str, slug: str) -> None:
        self._folder = Path(data) / ".flotilla" / slug
        self._memory: dict[str, Any] = {}

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def get(self, name: str) -> Any:
        """Return a document, or None."""
        with suppress(OSError, ValueError):
            return json.loads(self._path(name).read_text(encoding="utf-8"))
        return self._memory.get(name)

    def put(self, name: str, document: Any) -> None:
        """Save a document before returning."""
        self._memory[name] = document
        path = self._path(name)
        part = path.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            del self._memory[name]

    def drop(self, name: str) -> None:
        """Forget a document."""
        self._memory.pop(name, None)
        self._path(name).unlink(missing_ok=True) if self._folder.is_dir() else None

    def sweep(self, prefix: str, older_than: float = DAY) -> None:
        """Forget the documents whose name starts so and that are older, in seconds."""
        for path in self._folder.glob(f"{prefix}*.json"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - older_than:
                    path.unlink()


def digest(*parts: Any) -> str:
    """Return a short fingerprint of JSON-like values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]

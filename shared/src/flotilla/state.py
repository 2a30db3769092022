"""What a server must remember across restarts: small JSON documents under `.flotilla/<server>/` of the data folder.

Where the folder cannot be written (no volume), the documents live as long as the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pydantic_core

DAY = 86_400


class State:
    """Documents by name. Writes are atomic and private to the user; a half-written document never shows."""

    def __init__(self, data: str, slug: str) -> None:
        self._folder = Path(data) / ".flotilla" / slug
        self._memory: dict[str, tuple[float, Any]] = {}  # when and what, of documents that could not be saved

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _made(self) -> None:
        for folder in (self._folder.parent, self._folder):  # the data folder itself is not ours to make
            folder.mkdir(exist_ok=True, mode=0o700)

    def get(self, name: str) -> Any:
        """Return a document, or None."""
        if name in self._memory:
            return self._memory[name][1]
        with suppress(OSError, ValueError):
            return json.loads(self._path(name).read_text(encoding="utf-8"))
        return None

    def put(self, name: str, document: Any) -> None:
        """Save a document before returning."""
        self._memory[name] = (time.time(), document)
        path = self._path(name)
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        with suppress(OSError):
            self._made()
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            del self._memory[name]

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """Keep out the other processes that share this state and want the same name; the end of one lets go too."""
        fd = self._lock_file(name)
        try:
            while fd is not None and not _locked(fd):  # noqa: ASYNC110 - held by another process
                await asyncio.sleep(0.05)
            yield
        finally:
            if fd is not None:
                os.close(fd)

    def _lock_file(self, name: str) -> int | None:
        with suppress(OSError):
            self._made()
            return os.open(self._path(name).with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return None  # no volume, so nobody to keep out

    def drop(self, name: str) -> None:
        """Forget a document."""
        self._memory.pop(name, None)
        with suppress(OSError):
            self._path(name).unlink()

    def sweep(self, prefix: str, older_than: float = DAY) -> None:
        """Forget the documents whose name starts so and that are older, in seconds."""
        last = time.time() - older_than
        for name in [n for n, (saved, _) in self._memory.items() if n.startswith(prefix) and saved < last]:
            del self._memory[name]
        for path in self._folder.glob(f"{prefix}*"):
            with suppress(OSError):
                if path.stat().st_mtime < last:
                    path.unlink()


def _locked(fd: int) -> bool:
    """Try to lock a file; True as well where the system has no such locks."""
    try:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # Windows; a disk without locks
        return True
    return True


def digest(*parts: Any) -> str:
    """Return a short fingerprint of values, validated arguments among them: the same after a restart."""
    plain = pydantic_core.to_jsonable_python(parts, fallback=str)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]

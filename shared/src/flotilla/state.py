"""What a server must remember across restarts: small sealed documents in its folder, `<FLOTILLA_STATE>/<server>/`.

`put` returns when a document is safe, and raises errors.ConfigurationError where it cannot be saved: nothing is
kept in the process's memory alone. What can be fetched again is a cache (`cache`, `cached`), which never fails.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pydantic_core

from flotilla import errors
from flotilla.mounts import is_kept
from flotilla.sealing import Keys
from flotilla_launcher.key_files import key_in, read_key

DAY = 86_400
HOUR = 3_600
BLOCK = 4_096  # bytes that a small file takes on most disks
ROOM = "Ask the user to free space, to mount a volume at {}, or to set FLOTILLA_STATE to a folder that can be written."


class State:
    """Documents by name. Writes are atomic and private to the user; a half-written document never shows.

    `key` is the configured state key, if any. `is_kept` tells whether a folder outlives the container.
    """

    def __init__(self, root: str, slug: str, key: str = "", is_kept: Callable[[str], bool] = is_kept) -> None:
        self._root, self._slug, self._configured, self._is_kept = Path(root), slug, key, is_kept
        self._folder = self._root / slug
        self._memory: dict[str, Any] = {}  # of the cache only
        self._swept = False

    # -- documents ------------------------------------------------------------------------------------------------

    def get(self, name: str) -> Any:
        """Return a document, None when there is none.

        Raises errors.ConfigurationError when it cannot be read or opened.
        """
        path = self._path(name)
        try:
            sealed = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            message = f"{path} cannot be read: {problem.strerror}."
            raise errors.ConfigurationError(message, "Ask the user to let the server read it.") from None
        try:
            return json.loads(self.keys.open(sealed, self._place(name)))
        except (errors.ConfigurationError, ValueError):
            title = "tokens" if name == "oauth" else f"document {name}"
            again = " and to connect the account again" if name == "oauth" else ""
            raise errors.ConfigurationError(
                f"The saved {title} of {self._slug} cannot be opened: "
                "the state key has changed or the file is damaged.",
                f"Ask the user to set FLOTILLA_STATE_KEY to what it was, or delete {path}{again}.",
            ) from None

    def put(self, name: str, document: Any) -> None:
        """Save a document before returning. Raises errors.ConfigurationError when it is not safe on the disk."""
        sealed = self.keys.seal(json.dumps(document).encode(), self._place(name))
        path = self._path(name)
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        with self._explaining():
            self._made()
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(sealed)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                with suppress(OSError):  # gone, unless something failed
                    part.unlink()
            self._fsync()

    def drop(self, name: str) -> None:
        """Forget a document."""
        self._memory.pop(name, None)
        with suppress(OSError):
            self._path(name).unlink()

    def cached(self, name: str) -> Any:
        """Return a document of `cache`, or None."""
        with suppress(errors.ConfigurationError):
            return self._memory.get(name) or self.get(name)
        return None

    def cache(self, name: str, document: Any) -> None:
        """Store what can be fetched again: on the disk, or in this process where that fails."""
        self._memory.pop(name, None)
        try:
            self.put(name, document)
        except errors.ConfigurationError:
            self._memory[name] = document

    def folder(self) -> Path:
        """Return the folder, which is made. Raises errors.ConfigurationError where it cannot be, or would be lost."""
        with self._explaining():
            self._made()
        return self._folder

    # -- once and alone -------------------------------------------------------------------------------------------

    def spend(self, mark: str) -> bool:
        """Use a mark up, for every process that shares this state; False when it was used up before.

        Marks are forgotten after an hour: what bears one must have ended by then. Raises errors.ConfigurationError when
        it cannot be recorded.
        """
        self.sweep("spent-", HOUR)
        with self._explaining():
            self._made()
            try:
                os.close(os.open(self._folder / f"spent-{mark}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                return False
            self._fsync()
        return True

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """Hold a lock against the other processes that share this state; a process that ends releases it.

        Raises errors.ConfigurationError where the disk has no locks or cannot be written.
        """
        with self._explaining():
            self._made()
            fd = os.open(self._path(name).with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with self._explaining():
                os.utime(fd)  # in use, so that no sweep takes it away
                while not _locked(fd):  # noqa: ASYNC110 - held by another process
                    await asyncio.sleep(0.05)
            yield
        finally:
            os.close(fd)

    def sweep(self, prefix: str, older_than: float = DAY) -> int:
        """Delete files with this prefix that are older, in seconds; return the bytes that the others take."""
        last, used = time.time() - older_than, 0
        for path in self._folder.glob(f"{prefix}*"):
            with suppress(OSError):
                info = path.stat()
                if info.st_mtime < last:
                    path.unlink()
                else:
                    used += -(-info.st_size // BLOCK) * BLOCK
        return used

    # -- the key --------------------------------------------------------------------------------------------------

    @cached_property
    def keys(self) -> Keys:
        """The server's keys. Raises errors.ConfigurationError where none is configured and none can be kept."""
        path = self._folder / "key"
        if self._configured:
            keys = [self._configured]
            with suppress(OSError, ValueError):
                keys.append(read_key(path))
            return Keys(self._slug, keys, shared=True)
        try:
            with self._explaining():
                self._made()
                return Keys(self._slug, [key_in(path)], shared=True)
        except ValueError as problem:
            raise errors.ConfigurationError(
                f"{problem}.", "Ask the user to bring the key back, or to delete the file."
            ) from None

    # -- the folder -----------------------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.sealed"

    def _place(self, name: str) -> str:
        return f"{self._slug}/{name}"

    def _made(self) -> None:
        place = self._folder if self._folder.is_dir() else self._root
        if not self._is_kept(str(place)):
            raise errors.ConfigurationError(
                f"The state folder {self._root} is part of the container and is lost with it: nothing is saved there.",
                f"Ask the user to start the container with `-v flotilla-{self._slug}:{self._root}`.",
            )
        self._folder.mkdir(exist_ok=True, mode=0o700)  # the state folder itself is not ours to make
        if not self._swept:
            self._swept = True
            for path in self._folder.glob("*.part"):  # of a process that was killed
                with suppress(OSError):
                    if path.stat().st_mtime < time.time() - HOUR:
                        path.unlink()

    def _fsync(self) -> None:
        """Make the folder's names safe too."""
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # some shared disks cannot
                os.fsync(fd)
        finally:
            os.close(fd)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Raise an OSError as errors.ConfigurationError."""
        try:
            yield
        except OSError as problem:
            reason = problem.strerror or str(problem)
            if problem.errno in (errno.ENOENT, errno.ENOTDIR):
                reason = "there is no such folder"
            raise errors.ConfigurationError(
                f"The state folder {self._root} cannot be written: {reason}.", ROOM.format(self._root)
            ) from None


def _locked(fd: int) -> bool:
    """Try to lock a file. Raises OSError where the disk has no locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def digest(*parts: Any) -> str:
    """Return a short fingerprint of values, validated arguments among them: the same after a restart."""
    plain = pydantic_core.to_jsonable_python(parts, fallback=str)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]

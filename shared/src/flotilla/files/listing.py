"""What is in the data folder: entries, listings, and how full it is. `files` is what servers use."""

from __future__ import annotations

import hashlib
import os
import stat as st
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, WithJsonSchema

from flotilla import errors
from flotilla.calls.context import environ
from flotilla.files.paths import TEMPORARY, explaining, folder, joined, parts_of, path_problem, place, root
from flotilla_launcher.environment import setting

_STALE = 3600  # seconds after which a temporary file has lost its writer: no call lasts that long
_FRESH = 10  # seconds to trust a count of the folder's bytes, since other servers write there too
_used: dict[str, tuple[float, int]] = {}  # folder: when its bytes were counted, and how many they are since
_lock = threading.Lock()


# In schemas just a string: the four words would cost a line in every tool that returns entries.
Kind = Annotated[Literal["file", "directory", "link", "other"], WithJsonSchema({"type": "string"})]


class Entry(BaseModel):
    """One thing in a folder: `bytes` of a file only; `modified` in UTC, to the second."""

    path: str
    type: Kind
    bytes: int | None = None
    modified: datetime


def quota() -> int:
    """Return how many bytes the folder may hold, 0 for no limit; raises errors.ConfigurationError."""
    with errors.setting_errors():
        value = setting("FLOTILLA_DATA_QUOTA", environ(), guard=True) or str(2 * 2**30)
    if not (value.isascii() and value.isdecimal()):
        raise errors.ConfigurationError(
            "FLOTILLA_DATA_QUOTA is not a number of bytes.", "Ask the user to correct it; 0 means no limit."
        )
    return int(value)


def usage(more: int = 0) -> int:
    """Return the bytes of all files, `more` counted in; counts again after ten seconds, or before it says "full"."""
    with _lock:
        when, used = _used.get(root(), (0.0, 0))
        if not when or time.monotonic() - when > _FRESH or 0 < quota() < used + more:
            when, used = time.monotonic(), sum(entry.bytes or 0 for entry in walk())
        _used[root()] = when, used + more
        return used + more


def recount() -> None:
    """Count again at the next chance: something was deleted."""
    _used.pop(root(), None)


def entry_of(parts: tuple[str, ...], info: os.stat_result) -> Entry:
    """Describe what `os.stat` found at a path."""
    kinds: dict[int, Any] = {st.S_IFREG: "file", st.S_IFDIR: "directory", st.S_IFLNK: "link"}
    kind = kinds.get(st.S_IFMT(info.st_mode), "other")
    when = datetime.fromtimestamp(min(max(int(info.st_mtime), 0), 253402300799), UTC)  # up to the year 9999
    return Entry(path=joined(parts), type=kind, bytes=info.st_size if kind == "file" else None, modified=when)


def stat(path: str) -> Entry:
    """Describe a file, a folder, or a link itself."""
    if not parts_of(path):
        with folder(()) as fd:
            return entry_of((), os.fstat(fd))
    with place(path) as (fd, name, shown_path), explaining(shown_path):
        return entry_of(parts_of(path), os.stat(name, dir_fd=fd, follow_symlinks=False))


def version(path: str) -> str:
    """Return a fingerprint of a path's state, of a folder with all below it: names, sizes and times."""
    parts = parts_of(path)
    with place(path) as (fd, name, shown_path), explaining(shown_path):
        info = os.stat(name, dir_fd=fd, follow_symlinks=False)
    fingerprint, waiting = hashlib.sha256(), [(parts, info)]
    while waiting:
        parts, info = waiting.pop()
        is_folder = st.S_ISDIR(info.st_mode)  # whose own time says nothing that its entries do not say
        mark = (parts, info.st_ino, st.S_IFMT(info.st_mode), *(() if is_folder else (info.st_size, info.st_mtime_ns)))
        fingerprint.update(repr(mark).encode())
        if is_folder:
            waiting += _below(parts, ())
    return fingerprint.hexdigest()[:32]


def walk(path: str = ".", start: str = ".", deep: bool = True) -> Iterator[Entry]:
    """List a folder by name from the path `start` on, each folder followed by what it holds if `deep`.

    Hidden characters of a name are shown (⟨U+200B⟩), and every path can be passed back; names that could not be (broken
    UTF-8) are left out, and so is what vanishes on the way or may not be read; the folder itself must be there.
    """
    first = parts_of(start)
    waiting = _below(parts_of(path), first)
    while waiting:
        parts, info = waiting.pop()
        if parts >= first:
            yield entry_of(parts, info)
        if deep and st.S_ISDIR(info.st_mode):
            with suppress(errors.FlotillaError):
                waiting += _below(parts, first)


def _below(parts: tuple[str, ...], first: tuple[str, ...]) -> list[tuple[tuple[str, ...], os.stat_result]]:
    below = {}
    with folder(parts) as fd, explaining(joined(parts)), os.scandir(fd) as entries:
        for entry in entries:
            inner = (*parts, unicodedata.normalize("NFC", entry.name))
            with suppress(OSError):
                if TEMPORARY.fullmatch(entry.name):  # a killed writer's, once it is old
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                        os.unlink(entry.name, dir_fd=fd)
                elif inner >= first[: len(inner)] and not path_problem(inner):
                    below[inner] = entry.stat(follow_symlinks=False)
    return sorted(below.items(), reverse=True)

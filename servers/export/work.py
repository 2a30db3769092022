"""The making of one file: in a thread, a few at a time, stopped when nobody waits for it, whole or not at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeVar

from pydantic import BaseModel, Field

from flotilla import errors, files, in_thread, progress

AT_ONCE = 2  # files in the making: each may take a processor and tens of megabytes
_turns = threading.BoundedSemaphore(AT_ONCE)
TICK = 1.0  # seconds between two reports of progress
T = TypeVar("T")


class Check(Protocol):
    """Called often by a writer with the number of rows that are done; raises to stop it."""

    def __call__(self, rows: int = 0) -> None:
        """Return, or raise Stopped."""


def never_stop(rows: int = 0) -> None:
    """Let the writer continue."""


class ExportedFile(BaseModel):
    """The file that was written. `rows` do not count the heading; `warnings` say what was changed or left out."""

    path: str
    location: str = Field("", description="Where it lies on the server's disk; /data is the volume flotilla-data.")
    bytes: int
    sha256: str
    rows: int | None = None
    pages: int | None = None
    warnings: list[str] = []


@dataclass
class Made:
    """Rows, pages and warnings of a file that a writer wrote."""

    rows: int | None = None
    pages: int | None = None
    warnings: list[str] = field(default_factory=list)


class Stopped(Exception):  # noqa: N818 - not a failure: nobody waits any more
    """Ends a writer whose call was cancelled or is late."""


def target(path: str, endings: tuple[str, ...], overwrite: bool) -> str:
    """Return the path to write to, its ending added where there is none.

    Raises errors.InvalidInputError for a path that cannot be written.
    """
    path = path.rstrip("/")
    name = path.rpartition("/")[2]
    if not name.strip("."):
        files.check(path)  # raises the error that names what is wrong
    if "." not in name.strip("."):
        path += endings[0]
    elif not name.lower().endswith(endings):
        message = f"`{errors.excerpt(name, 80)}` does not have the ending of this kind of file."
        raise errors.InvalidInputError(message, f"Let its name end in {' or '.join(endings)}.")
    files.check(path, overwrite)
    return files.shown(path)


async def produce(
    path: str, overwrite: bool, write: Callable[[BinaryIO, Check], Made], total: int | None = None
) -> ExportedFile:
    """Write a file with `write(out, check)` and describe it. A cancelled call leaves nothing behind.

    `total` is the number of rows, for a client that wants to know how far it is.
    """
    state = _State()
    work = asyncio.ensure_future(in_thread(_produce, path, overwrite, write, state))
    try:
        while not (await asyncio.wait({work}, timeout=TICK))[0]:
            await progress(state.rows, total)
        return work.result()
    except asyncio.CancelledError:
        state.stop.set()
        work.cancel()
        raise


@dataclass
class _State:
    """How far a writer is, and whether it is to stop."""

    rows: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


def _produce(path: str, overwrite: bool, write: Callable[[BinaryIO, Check], Made], state: _State) -> ExportedFile:
    def check(rows: int = 0) -> None:
        state.rows = max(state.rows, rows)
        if state.stop.is_set():
            raise Stopped

    while not _turns.acquire(timeout=0.2):
        check()
    try:
        with files.writer(path, overwrite) as out:
            made = write(out, check)
            check()
    finally:
        _turns.release()
    ref = out.ref
    return ExportedFile(
        path=ref.path,
        location=f"{files.root()}/{ref.path}",
        bytes=ref.bytes,
        sha256=ref.sha256,
        rows=made.rows,
        pages=made.pages,
        warnings=made.warnings,
    )

"""The data folder: the only access to files, for every server that reads or writes them.

The folder is FLOTILLA_DATA (`/data`). Paths are relative to it, with `/` between folders; `/x` and `/data/x` mean `x`,
and every path in a result can be passed back in. Each part of a path is opened by itself, relative to the folder before
it and never through a link, so that no `..`, link or swapped folder leads out. A file appears whole or not at all.
All files together stay under FLOTILLA_DATA_QUOTA bytes (2 GiB; 0: no limit), each under MAX_FILE.

The functions block: call them with `in_thread`. They raise errors.InvalidInputError, errors.NotFoundError, and
errors.ConfigurationError where the folder is at fault (missing, not writable, disk full, lost with the container). The
library's own folder `.flotilla`, which holds locks, stays out of sight.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import mimetypes
import os
import secrets
import shutil
import stat as st
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from pydantic import BaseModel, Field

from flotilla import errors
from flotilla.files.listing import Entry, entry_of, quota, recount, stat, usage
from flotilla.files.paths import explaining, folder, lstat, parts_of, place, refuse_hidden, shown, writable

MAX_FILE = 256 * 2**20  # bytes
TRIES = 20  # times that a change begins again
_TYPES = mimetypes.MimeTypes()  # the built-in table alone answers alike on every machine
_OFFICE = "application/vnd.openxmlformats-officedocument."
for _ending, _type in {
    ".md": "text/markdown",
    ".yaml": "text/yaml",
    ".yml": "text/yaml",
    ".log": "text/plain",
    ".docx": _OFFICE + "wordprocessingml.document",
    ".eml": "message/rfc822",
    ".msg": "application/vnd.ms-outlook",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".pptx": _OFFICE + "presentationml.presentation",
}.items():
    _TYPES.add_type(_type, _ending)


# What the tool of the filesystem server reads as text, by the names' endings: a result of every server that writes a
# file says so, since a model that downloaded one has to find out how to read it.
READER = "fs_read_document"
DOCUMENTS = (".pdf", ".docx", ".docm", ".xlsx", ".xlsm", ".xls", ".pptx", ".csv", ".html", ".eml", ".msg", ".rtf")


class FileRef(BaseModel):
    """A file that is there: `bytes` its size, `sha256` in hexadecimal, `content_type` by its name."""

    path: str
    bytes: int
    sha256: str
    content_type: str
    read_with: str | None = Field(None, description="Tool that reads this document as text.")


class Writer(io.BufferedRandom):
    """What `writer` opens: binary, seekable. `ref` is there once the file is in its place."""

    ref: FileRef

    def close(self) -> None:
        """Flush only: libraries close what they wrote to, before it is in its place."""
        if not self.closed:
            self.flush()


class _Capped(io.FileIO):
    def __init__(self, fd: int, path: str, cap: int, left: int) -> None:
        super().__init__(fd, "r+")
        self.path, self.cap, self.left = path, cap, left

    def write(self, data: Any, /) -> int:
        end = self.tell() + memoryview(data).nbytes
        if end > self.left:
            raise _full()
        if end > self.cap:
            raise errors.InvalidInputError(
                f"{self.path} would have more than {self.cap} bytes.", "Write less at a time."
            )
        with explaining(self.path):
            return super().write(data)


@contextmanager
def reader(path: str) -> Iterator[BinaryIO]:
    """Open a regular file; links, pipes and devices are refused."""
    with place(path) as (fd, name, shown_path), explaining(shown_path):
        # Non-blocking, because to open a pipe would wait for its other end.
        inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    try:
        _regular(os.fstat(inner), shown_path)
        with os.fdopen(inner, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(inner)


def _regular(info: os.stat_result, shown_path: str) -> None:
    if st.S_ISDIR(info.st_mode):
        raise errors.InvalidInputError(f"{shown_path} is a folder.", "Give the path of a file.")
    if not st.S_ISREG(info.st_mode):
        raise errors.InvalidInputError(
            f"{shown_path} is not a regular file.", "Links, pipes and devices are left alone."
        )


def read(path: str, max_bytes: int = MAX_FILE) -> bytes:
    """Return a whole file; raises errors.InvalidInputError when it has more than `max_bytes`."""
    with reader(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise errors.InvalidInputError(f"{shown(path)} has more than {max_bytes} bytes.", "Choose a smaller file.")
    return data


def ref(path: str) -> FileRef:
    """Return size, checksum and content type of a file that is there."""
    with reader(path) as file:
        return _ref(file, shown(path))


def _ref(file: Any, shown_path: str) -> FileRef:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRef(
        path=shown_path,
        bytes=file.tell(),
        sha256=digest,
        content_type=content_type(shown_path),
        read_with=READER if shown_path.lower().endswith(DOCUMENTS) else None,
    )


def content_type(path: str) -> str:
    """Return the media type by a name's ending, else `application/octet-stream`."""
    kind, compression = _TYPES.guess_type("./" + path)
    return kind if kind and not compression else "application/octet-stream"


def _full() -> errors.InvalidInputError:
    message = f"The data folder would hold more than {quota()} bytes, its quota."
    return errors.InvalidInputError(
        message, "Delete files, or ask the user to raise FLOTILLA_DATA_QUOTA (0: no limit)."
    )


def _replaced(fd: int, name: str, shown_path: str, overwrite: bool) -> os.stat_result | None:
    old = lstat(fd, name)
    if old:
        _regular(old, shown_path)
    else:
        refuse_hidden(name)
    if old and not overwrite:
        raise errors.InvalidInputError(
            f"{shown_path} exists already.", "Overwrite it explicitly, or choose another path."
        )
    return old


def check(path: str, overwrite: bool = False) -> None:
    """Raise the error that `writer` would raise for the path: for dry runs and before long work."""
    writable()
    with suppress(errors.NotFoundError), place(path) as (fd, name, shown_path):
        _replaced(fd, name, shown_path, overwrite)


def replaced(path: str, overwrite: bool = False) -> str:
    """Return what a write would replace, as a person is asked about it: "a.md (1,204 bytes, changed …)".

    Empty when nothing would be lost. Raises as `writer` does.
    """
    check(path, overwrite)
    with suppress(errors.NotFoundError):
        entry = stat(path)
        return about(entry) if entry.bytes else ""
    return ""


def about(entry: Entry) -> str:
    """Return a file's path, size and date as a phrase, for a question."""
    when = f"changed {entry.modified.day} {entry.modified:%B %Y, %H:%M} UTC"
    return f"{entry.path} ({entry.bytes:,} bytes, {when})" if entry.bytes is not None else f"{entry.path} ({when})"


@contextmanager
def writer(
    path: str, overwrite: bool = False, max_bytes: int = MAX_FILE, only_if: os.stat_result | None = None
) -> Iterator[Writer]:
    """Write a file that is there, whole, when the block ends, or not at all if it fails; makes folders on the way.

    `with writer("a/b.pdf") as out: …`, and then `out.ref`. Until the end an old file stays as it was, even if the
    process is killed. `only_if`: raise Changed unless the file that is replaced is still this one, untouched.
    """
    writable()
    with place(path, make=True) as (fd, name, shown_path):
        old = _replaced(fd, name, shown_path, overwrite)
        before = old.st_size if old else 0
        left = quota() - usage() + before if quota() else MAX_FILE
        temporary = f".flotilla-{secrets.token_hex(8)}.tmp"
        with explaining(shown_path):
            inner = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=fd)
        raw = _Capped(inner, shown_path, min(max_bytes, MAX_FILE), left)
        try:
            out = Writer(raw, 2**18)
            yield out
            out.flush()
            with explaining(shown_path):
                if old:
                    os.fchmod(inner, old.st_mode & 0o777)
                os.fsync(inner)
                done = _ref(raw, shown_path)
                if 0 < quota() < usage(done.bytes - before):  # others filled it meanwhile
                    raise _full()
                if only_if and _mark(os.stat(name, dir_fd=fd, follow_symlinks=False)) != _mark(only_if):
                    raise Changed(shown_path)
                _publish((fd, temporary), (fd, name), overwrite)
            out.ref = done
        finally:
            raw.close()
            with suppress(OSError):
                os.unlink(temporary, dir_fd=fd)


def write(path: str, data: bytes, overwrite: bool = False) -> FileRef:
    """Write a file in one go; see `writer`."""
    with writer(path, overwrite) as out:
        out.write(data)
    return out.ref


class Changed(Exception):  # noqa: N818 - no failure: `rewrite` begins again
    """Somebody else changed the file in the meantime."""


def _mark(info: os.stat_result) -> tuple[int, ...]:
    return info.st_ino, info.st_size, info.st_mtime_ns


def rewrite(path: str, change: Callable[[bytes], bytes], max_bytes: int = MAX_FILE) -> FileRef:
    """Read a file, change it and replace it. What others write to it meanwhile is not lost: the change begins again.

    One process at a time, of all that share the folder, rewrites a file; what writes in other ways, such as an editor
    on the host, is seen right before the file is replaced. `change` may run several times.
    """
    with _alone(path):
        for _ in range(TRIES):
            with reader(path) as file:
                before = os.fstat(file.fileno())
                data = file.read(max_bytes + 1)
            if len(data) > max_bytes:
                raise errors.InvalidInputError(
                    f"{shown(path)} has more than {max_bytes} bytes.", "Choose a smaller file."
                )
            try:
                with writer(path, overwrite=True, only_if=before) as out:
                    out.write(change(data))
            except Changed:
                continue
            return out.ref
    raise errors.UpstreamError(
        f"{shown(path)} is being changed by others all the time.", "Read it again and try later."
    )


@contextmanager
def _alone(path: str) -> Iterator[None]:
    """Lock out the other threads, processes and containers that rewrite the same file; one that ends releases it.

    A lock file stands for many files, so that they stay few: a wait for another file's writer takes milliseconds.
    """
    writable()
    name = hashlib.sha256(shown(path).encode()).hexdigest()[:2]
    with folder((".flotilla", "locks"), make=True) as fd, explaining(".flotilla/locks"):
        lock = os.open(name, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=fd)
    try:
        with explaining(".flotilla/locks"):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _publish(source: tuple[int, str], target: tuple[int, str], overwrite: bool) -> None:
    """Give a file its name in one step; a second link, unlike a rename, fails when the name is taken."""
    ends: dict[str, Any] = {"src_dir_fd": source[0], "dst_dir_fd": target[0]}
    if not overwrite:
        try:
            os.link(source[1], target[1], **ends, follow_symlinks=False)
            os.unlink(source[1], dir_fd=source[0])
        except OSError as problem:
            if problem.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            overwrite = True  # no hard links on this disk: take the name first, then put the file there
            os.close(os.open(target[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=target[0]))
    if overwrite:
        os.replace(source[1], target[1], **ends)
    for fd in {source[0], target[0]}:
        with suppress(OSError):  # some shared disks cannot; the file is in its place all the same
            os.fsync(fd)


def check_folder(path: str) -> None:
    """Raise errors.InvalidInputError when a folder that would be made gets a name with hidden characters."""
    parts = parts_of(path)
    for depth in range(1, len(parts) + 1):
        with suppress(errors.NotFoundError):
            stat("/".join(parts[:depth]))
            continue
        refuse_hidden(parts[depth - 1])


def mkdir(path: str) -> Entry:
    """Make a folder and those above it; one that is there is fine."""
    parts = parts_of(path)
    writable()
    with folder(parts, make=True) as fd:
        return entry_of(parts, os.fstat(fd))


def move(source: str, destination: str, overwrite: bool = False) -> Entry:
    """Move or rename a file, folder or link; folders on the way are made, and only a file may be overwritten."""
    if parts_of(destination)[: len(parts_of(source))] == parts_of(source):
        raise errors.InvalidInputError(
            f"{shown(source)} cannot be moved onto or into itself.", "Choose another destination."
        )
    writable()
    with place(source) as (fd, name, shown_path):
        with explaining(shown_path):
            info = os.stat(name, dir_fd=fd, follow_symlinks=False)
        with place(destination, make=True) as (to, new, shown_target), explaining(shown_target):
            taken = lstat(to, new)
            if taken and not (overwrite and st.S_ISREG(info.st_mode) and st.S_ISREG(taken.st_mode)):
                raise FileExistsError(errno.EEXIST, shown_target)
            if st.S_ISDIR(info.st_mode):
                os.rename(name, new, src_dir_fd=fd, dst_dir_fd=to)
            else:
                _publish((fd, name), (to, new), overwrite and taken is not None)
            return entry_of(parts_of(destination), info)


def remove(path: str, recursive: bool = False) -> Entry:
    """Delete a file, a link itself, or a folder, which must be empty unless `recursive`; returns what it was."""
    with place(path) as (fd, name, shown_path), explaining(shown_path):
        info = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if not st.S_ISDIR(info.st_mode):
            os.unlink(name, dir_fd=fd)
        elif recursive:
            shutil.rmtree(name, dir_fd=fd)
        else:
            os.rmdir(name, dir_fd=fd)
        recount()
        return entry_of(parts_of(path), info)

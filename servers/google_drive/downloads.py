"""Downloads in pieces: continued after a broken connection, verified by Drive's checksum, whole or not there at all."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from flotilla import errors, files, in_thread, progress

from .client import api

PIECE = 2**20  # bytes between two reports of progress
BREAKS = 5


def default_path(file: str, name: str, ending: str) -> str:
    """Return a path for a file by its id, since many have one name, and its name in Drive, which may hold anything."""
    safe = re.sub(r"[^\w.,()+ -]+", "_", name).strip(". ")[-120:] or "file"
    if ending and not safe.lower().endswith(f".{ending}"):
        safe += f".{ending}"
    return f"drive/{file}/{safe}"


async def download(
    url: str, params: Mapping[str, Any], path: str, overwrite: bool, size: int, md5: str = ""
) -> files.FileRef:
    """Write what the address returns into the data folder. `size` 0 and `md5` "": not known beforehand.

    It continues after a broken connection where a checksum can tell that the parts fit, at most BREAKS times.
    """
    if size > files.MAX_FILE:
        raise errors.InvalidInputError(
            f"The file has {size:,} bytes, more than the {files.MAX_FILE:,} that can be saved.",
            "Ask the user to open it in Drive.",
        )
    done, breaks = 0, 0
    async with _writing(path, overwrite) as out:
        while True:
            start = done
            headers = {"Accept": "*/*", **({"Range": f"bytes={done}-"} if done else {})}
            try:
                async with api.stream("GET", url, params=params, headers=headers) as response:
                    if response.status_code != 206:  # from the start, whether asked for or not
                        done = 0
                        await in_thread(out.seek, 0)
                        await in_thread(out.truncate)
                    async for piece in response.aiter_bytes(PIECE):
                        await in_thread(out.write, piece)
                        done += len(piece)
                        await progress(done, max(size, done))
                break
            except errors.UpstreamError:
                breaks += 1
                if not md5 or done <= start or breaks > BREAKS:
                    raise
        await in_thread(out.flush)
        if md5 and await in_thread(_md5, out) != md5:
            raise errors.UpstreamError(
                "The downloaded file differs from the one in Google Drive: its checksum is another one.", "Try again."
            )
    ref: files.FileRef = out.ref
    return ref


def _md5(file: Any) -> str:
    file.seek(0)
    return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@asynccontextmanager
async def _writing(path: str, overwrite: bool) -> AsyncIterator[files.Writer]:
    """Open a writer in a thread, since its beginning and its end block."""
    manager = files.writer(path, overwrite)
    out = await in_thread(manager.__enter__)
    try:
        yield out
    except BaseException:  # a cancelled call too: nothing is left behind
        manager.__exit__(*sys.exc_info())
        raise
    await in_thread(manager.__exit__, None, None, None)

"""Keys in files, each made at its first use: a state key, the key of a database, a token. Standard library only."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path


def key_in(path: Path) -> str:
    """Return the key in a file, which is made at the first call, by one process alone. Raises OSError, ValueError."""
    with suppress(FileNotFoundError):
        return read_key(path)
    part = path.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:  # another process was faster: its key counts
            pass
        except OSError as problem:
            if problem.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            os.replace(part, path)  # a disk without hard links: the later of two processes at once wins
    finally:
        with suppress(OSError):
            part.unlink()
    return read_key(path)


def read_key(path: Path) -> str:
    """Return the key in a file. Raises OSError, ValueError."""
    key = path.read_text(encoding="utf-8").strip()
    if len(key) < 32:
        raise ValueError(f"{path} holds no key")
    return key
